// What master and agent remember of a task.
#pragma once

#include <mesos/types.hpp>

namespace mesos::cluster {

/// The record of a task just launched: TASK_STAGING, without statuses and without its data (U17).
Task taskOf(const TaskInfo& info, const FrameworkID& frameworkId);

}  // namespace mesos::cluster
