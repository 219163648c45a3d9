// The operations of an ACCEPT (section 8).
#include "cluster/master_accept.hpp"
#include "cluster/task.hpp"
#include "cluster/validation.hpp"
#include "resources/reservations.hpp"

#include <algorithm>
#include <utility>

namespace mesos::cluster {
namespace {

using Operation = Offer::Operation;
using Protos = google::protobuf::RepeatedPtrField<Resource>;

/// Fact A8.
void allocate(Protos* resources, const std::string& role) {
  for (Resource& resource : *resources) {
    if (!resource.allocation_info().has_role()) resource.mutable_allocation_info()->set_role(role);
  }
}

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
  for (Resource& resource : *task->mutable_resources()) toPostRefinement(&resource);
  if (!task->has_executor()) return;
  for (Resource& resource : *task->mutable_executor()->mutable_resources()) {
    toPostRefinement(&resource);
  }
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

/// Fact P1: only an operation with an id gets an answer.
void Master::failOperation(const MasterFramework& framework, const Operation& operation,
                           const std::string& message) {
  if (!operation.has_id()) return;
  Event event;
  event.set_type(Event::UPDATE_OPERATION_STATUS);
  auto* status = event.mutable_update_operation_status()->mutable_status();
  *status->mutable_operation_id() = operation.id();
  status->set_state(v1::OPERATION_ERROR);
  status->set_message(message);
  send(framework, std::move(event));
}

void Master::runOperation(Now now, Accepted& accepted, const Operation& operation) {
  switch (operation.type()) {
    case Operation::LAUNCH:
      launch(now, accepted, operation);
      break;
    case Operation::LAUNCH_GROUP:
      for (const TaskInfo& task : operation.launch_group().task_group().tasks()) {
        failTask(now, accepted.framework, task, TASK_ERROR, TaskStatus::REASON_TASK_GROUP_INVALID,
                 "LAUNCH_GROUP is not supported by this cluster");
      }
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

void Master::launchTask(Now now, Accepted& accepted, TaskInfo task) {
  MasterFramework& framework = accepted.framework;
  MasterAgent& agent = accepted.agent;
  const std::string& agentId = agent.info.id().value();
  const std::string& taskId = task.task_id().value();

  LaunchContext context;
  context.frameworkId = framework.info.id().value();
  context.agentId = agentId;
  context.available = accepted.remaining;
  context.duplicateId = framework.tasks.count(taskId) != 0;
  context.unreachableId =
      std::any_of(framework.unreachableTasks.begin(), framework.unreachableTasks.end(),
                  [&](const Task& one) { return one.task_id().value() == taskId; });
  if (const auto executors = framework.executors.find(agentId);
      task.has_executor() && executors != framework.executors.end()) {
    const auto running = executors->second.find(task.executor().executor_id().value());
    if (running != executors->second.end()) context.running = &running->second;
  }
  if (const auto valid = validateTask(task, context); !valid) {
    failTask(now, framework, task, TASK_ERROR, TaskStatus::REASON_TASK_INVALID,
             valid.error().message);
    return;
  }

  Resources used(task.resources());
  const bool launchExecutor = context.running == nullptr;
  if (task.has_executor() && launchExecutor) {
    used += Resources(task.executor().resources());
    framework.executors[agentId][task.executor().executor_id().value()] = task.executor();
  }
  accepted.remaining -= used;
  agent.used += used;
  addTask(framework, agent, taskOf(task, framework.info.id()));
  sendToAgent(agent, RunTask{framework.info, std::move(task), launchExecutor});
}

}  // namespace mesos::cluster
