#include "cluster/task.hpp"

namespace mesos::cluster {

Task taskOf(const TaskInfo& info, const FrameworkID& frameworkId) {
  Task task;
  task.set_name(info.name());
  *task.mutable_task_id() = info.task_id();
  *task.mutable_framework_id() = frameworkId;
  *task.mutable_agent_id() = info.agent_id();
  task.set_state(TASK_STAGING);
  *task.mutable_resources() = info.resources();
  // A command task's executor stays unnamed (fact D2).
  if (info.has_executor()) *task.mutable_executor_id() = info.executor().executor_id();
  if (info.has_labels()) *task.mutable_labels() = info.labels();
  if (info.has_discovery()) *task.mutable_discovery() = info.discovery();
  if (info.has_container()) *task.mutable_container() = info.container();
  if (info.has_health_check()) *task.mutable_health_check() = info.health_check();
  if (info.has_kill_policy()) *task.mutable_kill_policy() = info.kill_policy();
  *task.mutable_limits() = info.limits();
  if (info.command().has_user()) {
    task.set_user(info.command().user());
  } else if (info.executor().command().has_user()) {
    task.set_user(info.executor().command().user());
  }
  return task;
}

}  // namespace mesos::cluster
