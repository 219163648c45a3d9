// An agent's state endpoints as JSON (section 16.3).
#pragma once

#include "cluster/agent.hpp"
#include "cluster/state_json.hpp"

#include <string>

namespace mesos::cluster {

/// /state (facts W30-W32).
std::string stateJson(const Agent& agent, const Flags& flags);
/// /containers, without statistics: nothing here measures (fact W34).
std::string containersJson(const Agent& agent);

/// What executors and their live tasks use of the agent, over-commitment included (fact D1).
Resources usedResources(const Agent& agent);

/// The executor's container and process.
v1::ContainerStatus containerStatusOf(const AgentExecutor& executor);

}  // namespace mesos::cluster
