// What an agent knows, as the messages of its operator API (fact W73).
#pragma once

#include "cluster/agent.hpp"

#include <mesos/v1/agent/agent.pb.h>

namespace mesos::cluster {

using AgentResponse = v1::agent::Response;

AgentResponse::GetTasks tasksMessage(const Agent& agent);
AgentResponse::GetExecutors executorsMessage(const Agent& agent);
AgentResponse::GetFrameworks frameworksMessage(const Agent& agent);
AgentResponse::GetContainers containersMessage(const Agent& agent);
/// Tasks, executors and frameworks.
AgentResponse::GetState stateMessage(const Agent& agent);

}  // namespace mesos::cluster
