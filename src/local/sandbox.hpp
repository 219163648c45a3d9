// The directory that a task or executor runs in (facts B1, B2, F3).
#pragma once

#include "local/user.hpp"

#include <mesos/result.hpp>

#include <string>

namespace mesos::local {

/// Makes `path` (mode 0750, of `user`), empty `stdout` and `stderr` in it (0644), and points the
/// link `latest` beside it to it. Errors begin with "Failed to create executor directory".
Result<void> createSandbox(const std::string& path, const User& user);

}  // namespace mesos::local
