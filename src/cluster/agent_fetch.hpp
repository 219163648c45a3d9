// What is known of a command's URIs before anything is fetched (facts F7, F8, F11).
#pragma once

#include <mesos/result.hpp>
#include <mesos/types.hpp>

#include <vector>

namespace mesos::cluster {

/// Why one of them is refused without trying to fetch it, or success.
Result<void> validateUris(const CommandInfo& command);
/// What to fetch: equal entries once, leading white space of the URI removed.
std::vector<CommandInfo::URI> urisToFetch(const CommandInfo& command);

}  // namespace mesos::cluster
