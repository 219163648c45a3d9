#include "cluster/task.hpp"

namespace mesos::cluster {
namespace {

void forward(Task& task, const TaskStatus& status) {
  task.set_status_update_state(status.state());
  task.set_status_update_uuid(status.uuid());
}

}  // namespace

TaskRecord::TaskRecord(Task task) { pack(task); }

/// Without what its statuses repeat of it, which is a third of them: their task's id, and their
/// agent's, of which an empty one stays.
void TaskRecord::pack(Task& task) {
  for (TaskStatus& status : *task.mutable_statuses()) {
    if (status.task_id().value() == task.task_id().value()) status.clear_task_id();
    const bool isItsOwn = status.agent_id().value() == task.agent_id().value();
    if (status.has_agent_id() && isItsOwn) status.mutable_agent_id()->clear_value();
  }
  task_ = task;
  state_ = task.state();
}

Task TaskRecord::unpack() const {
  Task task;
  unpackInto(task);
  return task;
}

const Task& TaskRecord::unpackInto(Task& task) const {
  task_.unpackInto(task);
  for (TaskStatus& status : *task.mutable_statuses()) {
    if (!status.has_task_id()) *status.mutable_task_id() = task.task_id();
    if (status.has_agent_id() && !status.agent_id().has_value()) {
      *status.mutable_agent_id() = task.agent_id();
    }
  }
  return task;
}

void TaskRecord::addStatus(const TaskStatus& status, TaskState latest, bool isForwarded) {
  Task task = unpack();
  if (task.statuses_size() > 0 && task.statuses().rbegin()->state() == status.state()) {
    task.mutable_statuses()->RemoveLast();
  }
  TaskStatus* shown = task.add_statuses();
  *shown = status;
  shown->clear_data();
  task.set_state(latest);
  if (isForwarded) forward(task, status);
  pack(task);
}

void TaskRecord::setForwarded(const TaskStatus& status) {
  Task task = unpack();
  forward(task, status);
  pack(task);
}

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
