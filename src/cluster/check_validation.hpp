// Checks, health checks and their commands, as they are validated before a launch (section 8.1).
#pragma once

#include <mesos/result.hpp>
#include <mesos/types.hpp>

namespace mesos::cluster {

/// Fact L8.
Result<void> validateEnvironment(const CommandInfo& command);
/// Fact L5.
Result<void> validateCheck(const v1::CheckInfo& check);
/// Fact L6.
Result<void> validateHealthCheck(const v1::HealthCheck& check);

}  // namespace mesos::cluster
