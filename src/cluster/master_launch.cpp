// The operations of an ACCEPT (section 8).
#include "cluster/master_accept.hpp"
#include "cluster/task.hpp"
#include "cluster/validation.hpp"

#include <algorithm>
#include <utility>

namespace mesos::cluster {
namespace {

using Operation = Offer::Operation;

/// Facts A8 and A9: what a task may leave out, before its resources are known to be well-formed.
void fillIn(TaskInfo* task, const std::string& role, const FrameworkID& frameworkId) {
  allocate(task->mutable_resources(), role);
  if (task->has_executor()) {
    allocate(task->mutable_executor()->mutable_resources(), role);
    if (!task->executor().has_framework_id()) {
      *task->mutable_executor()->mutable_framework_id() = frameworkId;
    }
  }
  if (!task->has_health_check() || task->health_check().has_type()) return;
  auto* check = task->mutable_health_check();
  if (check->has_command() && !check->has_http()) {
    check->set_type(v1::HealthCheck::COMMAND);
  } else if (check->has_http() && !check->has_command()) {
    check->set_type(v1::HealthCheck::HTTP);
  }
}

/// Fact S72: agents and executors see one format, whatever the framework wrote.
void upgrade(TaskInfo* task) {
  upgradeResources(task->mutable_resources());
  if (task->has_executor()) upgradeResources(task->mutable_executor()->mutable_resources());
}

}  // namespace

void Master::failTask(Now now, const MasterFramework& framework, const TaskInfo& task,
                      TaskState state, TaskStatus::Reason reason, const std::string& message) {
  TaskStatus status = makeStatus(task.task_id(), state, message);
  status.set_source(TaskStatus::SOURCE_MASTER);
  status.set_reason(reason);
  *status.mutable_agent_id() = task.agent_id();
  status.set_timestamp(now.unixSeconds());
  ++counters_.terminalTasks[state];
  sendStatus(framework, std::move(status));
}

void Master::runOperation(Now now, Accepted& accepted, const Operation& operation) {
  switch (operation.type()) {
    case Operation::LAUNCH:
      launch(now, accepted, operation);
      break;
    case Operation::LAUNCH_GROUP:
      launchGroup(now, accepted, operation);
      break;
    case Operation::RESERVE:
    case Operation::UNRESERVE:
      reserve(accepted, operation);
      break;
    default:
      failOperation(accepted.framework, operation,
                    Operation::Type_Name(operation.type()) + " is not supported by this cluster");
  }
}

void Master::launch(Now now, Accepted& accepted, const Operation& operation) {
  Operation::Launch launch = operation.launch();
  for (TaskInfo& task : *launch.mutable_task_infos()) {
    fillIn(&task, accepted.role, accepted.framework.info.id());
  }
  Result<void> valid = validateLaunchResources(launch);
  if (valid && operation.has_id()) {
    valid = Error{"The `id` field cannot be set on LAUNCH operations"};
  }
  for (TaskInfo& task : *launch.mutable_task_infos()) {
    if (valid) {
      upgrade(&task);
      launchTask(now, accepted, std::move(task));
    } else {
      failTask(now, accepted.framework, task, TASK_ERROR, TaskStatus::REASON_TASK_INVALID,
               valid.error().message);
    }
  }
}

/// What the checks of a task need to know; `executor` is nullptr for a command task.
LaunchContext Master::contextOf(const Accepted& accepted, const std::string& taskId,
                                const ExecutorInfo* executor) const {
  const MasterFramework& framework = accepted.framework;
  LaunchContext context;
  context.frameworkId = framework.info.id().value();
  context.agentId = accepted.agent.info.id().value();
  context.available = accepted.remaining;
  context.duplicateId = framework.tasks.count(taskId) != 0;
  context.unreachableId =
      std::any_of(framework.unreachableTasks.begin(), framework.unreachableTasks.end(),
                  [&](const Task& one) { return one.task_id().value() == taskId; });
  const auto executors = framework.executors.find(context.agentId);
  if (executor == nullptr || executors == framework.executors.end()) return context;
  const auto running = executors->second.find(executor->executor_id().value());
  if (running != executors->second.end()) context.running = &running->second;
  return context;
}

void Master::launchTask(Now now, Accepted& accepted, TaskInfo task) {
  MasterFramework& framework = accepted.framework;
  const LaunchContext context =
      contextOf(accepted, task.task_id().value(), task.has_executor() ? &task.executor() : nullptr);
  if (const auto valid = validateTask(task, context); !valid) {
    failTask(now, framework, task, TASK_ERROR, TaskStatus::REASON_TASK_INVALID,
             valid.error().message);
    return;
  }
  const bool launchExecutor = context.running == nullptr;
  if (task.has_executor() && launchExecutor) bookExecutor(accepted, task.executor());
  bookTask(accepted, task);
  sendToAgent(accepted.agent, RunTask{framework.info, std::move(task), launchExecutor});
}

void Master::bookExecutor(Accepted& accepted, const ExecutorInfo& executor) {
  const Resources used(executor.resources());
  accepted.remaining -= used;
  accepted.agent.used += used;
  accepted.framework.executors[accepted.agent.info.id().value()][executor.executor_id().value()] =
      executor;
}

void Master::bookTask(Accepted& accepted, const TaskInfo& task) {
  const Resources used(task.resources());
  accepted.remaining -= used;
  accepted.agent.used += used;
  addTask(accepted.framework, accepted.agent, taskOf(task, accepted.framework.info.id()));
}

/// Facts L30-L34: all or nothing.
void Master::launchGroup(Now now, Accepted& accepted, const Operation& operation) {
  Operation::LaunchGroup group = operation.launch_group();
  if (const auto valid = prepareGroup(accepted, operation, &group); !valid) {
    for (const TaskInfo& task : group.task_group().tasks()) {
      failTask(now, accepted.framework, task, TASK_ERROR, TaskStatus::REASON_TASK_GROUP_INVALID,
               valid.error().message);
    }
    return;
  }
  if (group.task_group().tasks().empty()) return;  // Nothing is told of it (fact L32).
  const LaunchContext context = contextOf(accepted, "", &group.executor());
  RunTaskGroup message{accepted.framework.info, {}, context.running == nullptr};
  if (context.running == nullptr) bookExecutor(accepted, group.executor());
  for (TaskInfo& task : *group.mutable_task_group()->mutable_tasks()) {
    *task.mutable_executor() = group.executor();
    bookTask(accepted, task);
    message.tasks.push_back(std::move(task));
  }
  sendToAgent(accepted.agent, std::move(message));
}

/// Fills in what may be left out, and validates.
Result<void> Master::prepareGroup(const Accepted& accepted, const Operation& operation,
                                  Operation::LaunchGroup* group) const {
  allocate(group->mutable_executor()->mutable_resources(), accepted.role);
  for (TaskInfo& task : *group->mutable_task_group()->mutable_tasks()) {
    allocate(task.mutable_resources(), accepted.role);
    if (task.has_executor()) allocate(task.mutable_executor()->mutable_resources(), accepted.role);
  }
  if (auto valid = validateGroupResources(*group); !valid) return valid;
  if (operation.has_id()) {
    return Error{"The `id` field cannot be set on LAUNCH_GROUP operations"};
  }
  upgradeResources(group->mutable_executor()->mutable_resources());
  for (TaskInfo& task : *group->mutable_task_group()->mutable_tasks()) {
    upgrade(&task);
    const auto context = contextOf(accepted, task.task_id().value(), &group->executor());
    if (auto valid = validateTaskOfGroup(task, context); !valid) return valid;
  }
  if (auto valid = validateGroup(*group, contextOf(accepted, "", &group->executor())); !valid) {
    return valid;
  }
  if (group->executor().type() == ExecutorInfo::CUSTOM) return {};
  return Error{"The default executor is not supported by this cluster"};
}

}  // namespace mesos::cluster
