// What the agent makes of a TaskInfo: the Task it keeps, and a command task's executor.
#pragma once

#include "cluster/agent.hpp"

#include <string>

namespace mesos::cluster {

/// The executor that is invented for a command task (fact D1).
ExecutorInfo commandExecutorInfo(const TaskInfo& task, const FrameworkID& frameworkId);
/// The executor's id: for a command task the task's (fact D1).
const std::string& executorIdOf(const TaskInfo& task);
/// The role that resources are allocated to.
std::string allocationRole(const google::protobuf::RepeatedPtrField<Resource>& resources);
/// What a task becomes that never ran (facts U2, 8.3): TASK_DROPPED, for a framework without
/// PARTITION_AWARE TASK_LOST.
TaskState droppedState(const FrameworkInfo& framework);
bool isPartitionAware(const FrameworkInfo& framework);

}  // namespace mesos::cluster
