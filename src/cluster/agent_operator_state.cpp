#include "cluster/agent_operator_state.hpp"

#include "cluster/agent_state_json.hpp"
#include "cluster/task.hpp"

namespace mesos::cluster {
namespace {

void addTasks(AgentResponse::GetTasks& message, const AgentFramework& framework,
              const AgentExecutor& executor) {
  for (const TaskInfo& task : executor.queuedTasks) {
    *message.add_queued_tasks() = taskOf(task, framework.info.id());
  }
  for (const auto& [id, task] : executor.tasks) {
    // Terminated: its end is not acknowledged yet.
    *(isTerminal(task.state()) ? message.add_terminated_tasks() : message.add_launched_tasks()) =
        task.unpack();
  }
  for (const TaskRecord& task : executor.completedTasks) {
    *message.add_completed_tasks() = task.unpack();
  }
}

void addTasks(AgentResponse::GetTasks& message, const AgentFramework& framework) {
  for (const auto& [id, executor] : framework.executors) addTasks(message, framework, executor);
  for (const AgentExecutor& executor : framework.completedExecutors) {
    addTasks(message, framework, executor);
  }
}

void addExecutors(AgentResponse::GetExecutors& message, const AgentFramework& framework) {
  for (const auto& [id, executor] : framework.executors) {
    *message.add_executors()->mutable_executor_info() = executor.info.unpack();
  }
  for (const AgentExecutor& executor : framework.completedExecutors) {
    *message.add_completed_executors()->mutable_executor_info() = executor.info.unpack();
  }
}

}  // namespace

AgentResponse::GetTasks tasksMessage(const Agent& agent) {
  AgentResponse::GetTasks message;
  forEachFramework(agent, [&](const AgentFramework& framework) { addTasks(message, framework); });
  return message;
}

AgentResponse::GetExecutors executorsMessage(const Agent& agent) {
  AgentResponse::GetExecutors message;
  forEachFramework(agent,
                   [&](const AgentFramework& framework) { addExecutors(message, framework); });
  return message;
}

AgentResponse::GetFrameworks frameworksMessage(const Agent& agent) {
  AgentResponse::GetFrameworks message;
  for (const auto& [id, framework] : agent.frameworks()) {
    *message.add_frameworks()->mutable_framework_info() = framework.info;
  }
  for (const AgentFramework& framework : agent.completedFrameworks()) {
    *message.add_completed_frameworks()->mutable_framework_info() = framework.info;
  }
  return message;
}

AgentResponse::GetContainers containersMessage(const Agent& agent) {
  AgentResponse::GetContainers message;
  for (const auto& [frameworkId, framework] : agent.frameworks()) {
    for (const auto& [id, executor] : framework.executors) {
      if (executor.state == ExecutorState::Terminated) continue;
      auto& container = *message.add_containers();
      const ExecutorInfo info = executor.info.unpack();
      *container.mutable_framework_id() = info.framework_id();
      *container.mutable_executor_id() = info.executor_id();
      container.set_executor_name(info.name());
      container.mutable_container_id()->set_value(executor.containerId);
      *container.mutable_container_status() = containerStatusOf(executor);
    }
  }
  return message;
}

AgentResponse::GetState stateMessage(const Agent& agent) {
  AgentResponse::GetState message;
  *message.mutable_get_tasks() = tasksMessage(agent);
  *message.mutable_get_executors() = executorsMessage(agent);
  *message.mutable_get_frameworks() = frameworksMessage(agent);
  return message;
}

}  // namespace mesos::cluster
