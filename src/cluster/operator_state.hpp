// What a master knows, as the messages of its operator API (facts W71 and W72).
#pragma once

#include "cluster/master.hpp"
#include "protocol/json.hpp"

#include <mesos/v1/master/master.pb.h>

namespace mesos::cluster {

using OperatorResponse = v1::master::Response;

OperatorResponse::GetTasks tasksMessage(const Master& master);
OperatorResponse::GetExecutors executorsMessage(const Master& master);
OperatorResponse::GetFrameworks frameworksMessage(const Master& master);
OperatorResponse::GetAgents agentsMessage(const Master& master);
OperatorResponse::GetOperations operationsMessage(const Master& master);
OperatorResponse::GetRoles rolesMessage(const Master& master);  ///< In roles_json.cpp.
/// Tasks, executors, frameworks and agents.
OperatorResponse::GetState stateMessage(const Master& master);

/// As the events AGENT_ADDED and FRAMEWORK_… show them: without what GET_AGENTS and GET_FRAMEWORKS
/// add.
OperatorResponse::GetAgents::Agent agentMessage(const Master& master, const MasterAgent& agent);
OperatorResponse::GetFrameworks::Framework frameworkMessage(const MasterFramework& framework);

/// Each resource with its `role`, and `reservations` if it is reserved (fact W12).
google::protobuf::RepeatedPtrField<Resource> resourcesWithRole(const Resources& resources);

}  // namespace mesos::cluster
