// Files that hold secrets. What they hold is never part of an error.
#pragma once

#include <mesos/result.hpp>

#include <string>

namespace mesos::transport {

/// All bytes of a file that has at least one, and no more than 1 MiB. The error names the file.
Result<std::string> readSmallFile(const std::string& path);

/// A principal's secret: the file's text, of which one newline at its end is no part.
Result<std::string> readSecret(const std::string& path);

}  // namespace mesos::transport
