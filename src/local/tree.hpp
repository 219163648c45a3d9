// Files below a directory, for code that may run as root over directories that a task's user can
// write to: every step is taken from an open directory, and no symbolic link is ever followed.
#pragma once

#include "local/descriptor.hpp"

#include <mesos/result.hpp>

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace mesos::local {

/// The components of a relative path, without empty ones and `.`. An error for an absolute path, a
/// `..`, a NUL, or nothing left.
Result<std::vector<std::string>> splitRelative(std::string_view path);

/// `mkdir -p`: every missing directory gets `mode` whatever the umask. Follows links: for our own
/// paths only.
Result<void> makeDirectories(const std::string& path, mode_t mode);
Result<Descriptor> openDirectory(const std::string& path);

/// Opens the directory that holds the last of `components` below `root`, making those that miss.
Result<Descriptor> openParent(int root, const std::vector<std::string>& components);
/// Makes the directory itself too, and opens it.
Result<Descriptor> openDirectoryBelow(int root, const std::vector<std::string>& components);
/// Creates a file, or truncates what is there, with `mode` whatever the umask; for writing.
Result<Descriptor> createBelow(int root, const std::vector<std::string>& components, mode_t mode);

/// Writes all of it.
Result<void> writeAll(int fd, std::string_view bytes);

/// Removes `path` and everything below, as far as permissions allow. True if nothing is left.
bool removeTree(const std::string& path);

}  // namespace mesos::local
