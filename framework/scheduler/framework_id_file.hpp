// Who this framework is, kept in a file, so that a later run can come back as the same one.
#pragma once

#include <mesos/result.hpp>

#include <optional>
#include <string>

namespace mesos::scheduler {

/// The id in the file at `path`; nullopt if there is no such file. The error says what is wrong
/// with the file: an id that is not one must not lead to a second framework.
Result<std::optional<std::string>> readFrameworkId(const std::string& path);

/// Makes the file at `path` hold `id`, durably: after success it survives a crash of the machine,
/// and at no moment is there half of it.
Result<void> writeFrameworkId(const std::string& path, const std::string& id);

}  // namespace mesos::scheduler
