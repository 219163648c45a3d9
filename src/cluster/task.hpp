// What master and agent remember of a task.
#pragma once

#include <mesos/types.hpp>

namespace mesos::cluster {

/// The record of a task just launched: TASK_STAGING, without statuses and without its data (U17).
Task taskOf(const TaskInfo& info, const FrameworkID& frameworkId);

/// What the master's own statuses say of a task besides its state (facts C2, G4). State, source,
/// reason, message and timestamp are the caller's.
TaskStatus describeTask(const Task& task);

}  // namespace mesos::cluster
