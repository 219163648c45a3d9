#include "cluster/agent_tasks.hpp"

#include "cluster/command_executor.hpp"

namespace mesos::cluster {

std::string sandboxOf(const AgentFramework& framework, const AgentExecutor& executor) {
  return framework.directory + "/executors/" + executor.id + "/runs/" + executor.containerId;
}

namespace {

constexpr Duration kCommandExecutorReserve = std::chrono::seconds(2);  // Fact D6.

std::string commandSummary(const CommandInfo& command) {
  if (command.shell()) {
    if (!command.has_value()) return "NO COMMAND";
    const std::string& value = command.value();
    return "sh -c '" + (value.size() > 15 ? value.substr(0, 12) + "..." : value) + "'";
  }
  if (!command.has_value()) return "NO EXECUTABLE";
  std::string arguments;
  for (const auto& argument : command.arguments()) {
    if (!arguments.empty()) arguments += ", ";
    arguments += argument;
  }
  if (arguments.size() > 15) arguments = arguments.substr(0, 12) + "...";
  return "[" + command.value() + ", " + arguments + "]";
}

Resource scalar(const std::string& name, double value, const std::string& role) {
  Resource resource;
  resource.set_name(name);
  resource.set_type(v1::Value::SCALAR);
  resource.mutable_scalar()->set_value(value);
  resource.mutable_allocation_info()->set_role(role);
  return resource;
}

}  // namespace

ExecutorInfo commandExecutorInfo(const TaskInfo& task, const FrameworkID& frameworkId) {
  const std::string& id = task.task_id().value();
  const std::string role = allocationRole(task.resources());
  ExecutorInfo info;
  info.mutable_executor_id()->set_value(id);
  *info.mutable_framework_id() = frameworkId;
  CommandInfo* command = info.mutable_command();
  *command->mutable_uris() = task.command().uris();
  if (task.command().has_environment()) {
    *command->mutable_environment() = task.command().environment();
  }
  if (task.command().has_user()) command->set_user(task.command().user());
  command->set_shell(false);
  command->set_value("mesos-executor");
  command->add_arguments("mesos-executor");
  *info.add_resources() = scalar("cpus", 0.1, role);
  *info.add_resources() = scalar("mem", 32, role);
  info.set_name("Command Executor (Task: " + id + ") (Command: " + commandSummary(task.command()) +
                ")");
  info.set_source(id);
  if (task.has_container()) *info.mutable_container() = task.container();
  if (task.has_discovery()) *info.mutable_discovery() = task.discovery();
  if (task.has_labels()) *info.mutable_labels() = task.labels();
  if (task.kill_policy().has_grace_period()) {
    const Duration grace = clientDuration(task.kill_policy().grace_period(), 1.0);
    info.mutable_shutdown_grace_period()->set_nanoseconds(
        (grace + kCommandExecutorReserve).count());
  }
  return info;
}

const std::string& executorIdOf(const TaskInfo& task) {
  return task.has_executor() ? task.executor().executor_id().value() : task.task_id().value();
}

std::string allocationRole(const google::protobuf::RepeatedPtrField<Resource>& resources) {
  for (const auto& resource : resources) {
    if (resource.allocation_info().has_role()) return resource.allocation_info().role();
  }
  return "*";
}

TaskState droppedState(const FrameworkInfo& framework) {
  return isPartitionAware(framework) ? TASK_DROPPED : TASK_LOST;
}

bool isPartitionAware(const FrameworkInfo& framework) {
  for (const auto& capability : framework.capabilities()) {
    if (capability.type() == FrameworkInfo::Capability::PARTITION_AWARE) return true;
  }
  return false;
}

}  // namespace mesos::cluster
