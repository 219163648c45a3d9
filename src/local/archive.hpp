// Unpacking archives of strangers into a sandbox (fact F10).
#pragma once

#include <mesos/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mesos::local {

struct ExtractionLimits {
  std::uint64_t entriesMax = 1'000'000;
  std::uint64_t bytesMax = std::uint64_t{16} << 30;
};

enum class ArchiveKind { None, Archive, Gzip };
/// By the end of the file's name.
ArchiveKind archiveKindOf(std::string_view name);

/// Unpacks the archive open as `source` below the open directory `directory`. Refuses absolute
/// names, `..`, ways through symbolic links, devices, and more than the limits allow; whatever was
/// unpacked before stays. `cancelled` is asked again and again.
Result<void> extractArchive(int source, int directory, const ExtractionLimits& limits,
                            const std::function<bool()>& cancelled);
/// Decompresses one file into `name` in `directory`.
Result<void> gunzip(int source, int directory, const std::string& name,
                    const ExtractionLimits& limits, const std::function<bool()>& cancelled);

}  // namespace mesos::local
