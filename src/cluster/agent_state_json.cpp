#include "cluster/agent_state_json.hpp"

#include "cluster/task.hpp"

namespace mesos::cluster {
namespace {

using protocol::JsonWriter;

/// Its own and its live tasks'.
Resources usedResources(const AgentExecutor& executor) {
  Resources used(executor.info.unpack().resources());
  for (const auto& [id, task] : executor.tasks) {
    if (!isTerminal(task.state())) used += Resources(task.unpack().resources());
  }
  for (const TaskInfo& task : executor.queuedTasks) used += Resources(task.resources());
  return used;
}

std::string executorRole(const ExecutorInfo& info, const AgentExecutor& executor) {
  std::string role = roleOf(info.resources());
  if (role.empty() && !executor.tasks.empty()) {
    role = roleOf(executor.tasks.begin()->second.unpack().resources());
  }
  return role;
}

void writeExecutorTasks(JsonWriter& writer, const AgentFramework& framework,
                        const AgentExecutor& executor) {
  writer.key("tasks").beginArray();
  for (const auto& [id, task] : executor.tasks) {
    if (!isTerminal(task.state())) writeTask(writer, task.unpack());
  }
  writer.endArray();
  writer.key("queued_tasks").beginArray();
  for (const TaskInfo& task : executor.queuedTasks) {
    writeTask(writer, taskOf(task, framework.info.id()));
  }
  writer.endArray();
  // A task that ended is shown as completed even while its update is not acknowledged.
  writer.key("completed_tasks").beginArray();
  for (const auto& [id, task] : executor.tasks) {
    if (isTerminal(task.state())) writeTask(writer, task.unpack());
  }
  for (const TaskRecord& task : executor.completedTasks) writeTask(writer, task.unpack());
  writer.endArray();
}

void writeExecutor(JsonWriter& writer, const AgentFramework& framework,
                   const AgentExecutor& executor, bool completed) {
  const ExecutorInfo info = executor.info.unpack();
  writer.beginObject();
  writer.key("id").string(info.executor_id().value());
  writer.key("name").string(info.name());
  writer.key("source").string(sourceOf(info));
  writer.key("container").string(executor.containerId);
  writer.key("directory").string(sandboxOf(framework, executor));
  writer.key("resources");
  writeResources(writer, completed ? Resources(info.resources()) : usedResources(executor));
  writer.key("role").string(executorRole(info, executor));
  if (info.has_labels()) {
    writer.key("labels");
    writeLabels(writer, info.labels());
  }
  if (info.has_type()) writer.key("type").string(ExecutorInfo::Type_Name(info.type()));
  writeExecutorTasks(writer, framework, executor);
  writer.endObject();
}

void writeFramework(JsonWriter& writer, const AgentFramework& framework) {
  const FrameworkInfo& info = framework.info;
  writer.beginObject();
  writer.key("id").string(info.id().value());
  writer.key("name").string(info.name());
  writer.key("user").string(info.user());
  writer.key("failover_timeout").number(info.failover_timeout());
  writer.key("checkpoint").boolean(info.checkpoint());
  writer.key("hostname").string(info.hostname());
  if (info.has_principal()) writer.key("principal").string(info.principal());
  writeRoles(writer, info);
  writer.key("executors").beginArray();
  for (const auto& [id, executor] : framework.executors) {
    writeExecutor(writer, framework, executor, false);
  }
  writer.endArray();
  writer.key("completed_executors").beginArray();
  for (const AgentExecutor& executor : framework.completedExecutors) {
    writeExecutor(writer, framework, executor, true);
  }
  writer.endArray();
  writer.endObject();
}

void writeAgentResources(JsonWriter& writer, const Agent& agent) {
  const Resources& total = agent.total();
  const Resources used = usedResources(agent);
  writer.key("resources");
  writeResources(writer, total);
  writer.key("reserved_resources");
  writeReservedByRole(writer, total);
  writer.key("unreserved_resources");
  writeResources(writer, total.unreserved());
  writer.key("reserved_resources_full");
  writeReservedByRoleFull(writer, total);
  writer.key("unreserved_resources_full");
  writeResourcesFull(writer, total.unreserved());
  writer.key("reserved_resources_allocated");
  writeReservedByRole(writer, used);
  writer.key("unreserved_resources_allocated");
  writeResources(writer, used.unreserved());
}

void writeContainer(JsonWriter& writer, const AgentExecutor& executor) {
  const ExecutorInfo info = executor.info.unpack();
  writer.beginObject();
  writer.key("container_id").string(executor.containerId);
  writer.key("executor_id").string(info.executor_id().value());
  writer.key("executor_name").string(info.name());
  writer.key("framework_id").string(info.framework_id().value());
  writer.key("source").string(sourceOf(info));
  writer.key("status").message(containerStatusOf(executor));
  writer.endObject();
}

}  // namespace

v1::ContainerStatus containerStatusOf(const AgentExecutor& executor) {
  v1::ContainerStatus status;
  status.mutable_container_id()->set_value(executor.containerId);
  if (executor.pid > 0) status.set_executor_pid(static_cast<std::uint32_t>(executor.pid));
  return status;
}

Resources usedResources(const Agent& agent) {
  Resources used;
  for (const auto& [frameworkId, framework] : agent.frameworks()) {
    for (const auto& [id, executor] : framework.executors) used += usedResources(executor);
  }
  return used;
}

std::string stateJson(const Agent& agent, const Flags& flags) {
  JsonWriter writer;
  writer.beginObject();
  writeVersion(writer, agent.options().version);
  writer.key("start_time").number(agent.started().unixSeconds());
  writer.key("id").string(agent.info().id().value());
  writer.key("pid").string(agent.pid());
  writer.key("hostname").string(agent.options().hostname);
  writer.key("capabilities");
  writeAgentCapabilities(writer);
  writeAgentResources(writer, agent);
  writer.key("resource_providers").beginArray().endArray();
  writer.key("attributes");
  writeAttributes(writer, agent.options().attributes);
  writer.key("flags");
  writeFlags(writer, flags);
  writer.key("frameworks").beginArray();
  for (const auto& [id, framework] : agent.frameworks()) writeFramework(writer, framework);
  writer.endArray();
  writer.key("completed_frameworks").beginArray();
  for (const AgentFramework& framework : agent.completedFrameworks()) {
    writeFramework(writer, framework);
  }
  writer.endArray();
  if (agent.drain()) writer.key("drain_config").message(*agent.drain());
  writer.endObject();
  return writer.take();
}

std::string containersJson(const Agent& agent) {
  JsonWriter writer;
  writer.beginArray();
  for (const auto& [frameworkId, framework] : agent.frameworks()) {
    for (const auto& [id, executor] : framework.executors) {
      if (executor.state != ExecutorState::Terminated) writeContainer(writer, executor);
    }
  }
  writer.endArray();
  return writer.take();
}

}  // namespace mesos::cluster
