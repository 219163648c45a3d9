// What the pumps of both drivers say and draw in the same way.
#pragma once

#include "protocol/session_effects.hpp"

#include <cstdint>
#include <string>

namespace mesos::driver {

/// "Cannot connect to … : Connection refused; trying again in 1.2 s (nothing for 14 s)".
std::string describe(const protocol::Waiting& waiting);

/// A seed from the system, never 0.
std::uint64_t drawSeed();

}  // namespace mesos::driver
