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

TaskStatus describeTask(const Task& task) {
  TaskStatus status;
  *status.mutable_task_id() = task.task_id();
  *status.mutable_agent_id() = task.agent_id();
  if (task.has_executor_id()) *status.mutable_executor_id() = task.executor_id();
  if (task.statuses_size() == 0) return status;
  const TaskStatus& last = *task.statuses().rbegin();
  if (last.has_healthy()) status.set_healthy(last.healthy());
  if (last.has_check_status()) *status.mutable_check_status() = last.check_status();
  if (last.has_container_status()) *status.mutable_container_status() = last.container_status();
  return status;
}

}  // namespace mesos::cluster
