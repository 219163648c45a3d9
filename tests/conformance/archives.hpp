// Archives made in memory, to be fetched by an agent.
#pragma once

#include <map>
#include <string>

namespace mesos::conformance {

enum class ArchiveKind { Tar, TarGz, TarBz2, TarXz, Zip };

/// An archive of files, path to content.
std::string archiveOf(ArchiveKind kind, const std::map<std::string, std::string>& files);
/// One gzipped file.
std::string gzipOf(const std::string& content);

}  // namespace mesos::conformance
