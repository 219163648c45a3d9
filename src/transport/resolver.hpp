// Host names to addresses. Apart from http_client, so that the static executor does without it.
#pragma once

#include "transport/event_loop.hpp"

#include <mesos/result.hpp>

#include <functional>
#include <string>

namespace mesos::transport {

/// Calls back on the loop with a numeric address, IPv4 preferred. A numeric `host` comes back as it
/// is.
void resolve(EventLoop& loop, const std::string& host,
             std::function<void(Result<std::string>)> done);

}  // namespace mesos::transport
