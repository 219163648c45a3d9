#include "fleet/task_info.hpp"

namespace mesos::fleet {
namespace {

/// The name of the program in the sandbox, whatever the URI ends in (fact F6).
constexpr char kProgram[] = "executor";

ExecutorInfo makeExecutor(const AppSpec& app, const std::string& taskId,
                          const Placement& placement) {
  ExecutorInfo executor;
  executor.set_type(ExecutorInfo::CUSTOM);
  executor.mutable_executor_id()->set_value(taskId);
  executor.set_name("Web server");
  CommandInfo& command = *executor.mutable_command();
  command.set_shell(false);  // No shell between the agent and the executor; then argv[0] is ours.
  command.set_value(std::string("./") + kProgram);
  command.add_arguments(kProgram);
  CommandInfo::URI& uri = *command.add_uris();
  uri.set_value(app.executorUri);
  uri.set_executable(true);
  uri.set_extract(false);
  uri.set_cache(false);
  uri.set_output_file(kProgram);
  *executor.mutable_resources() = placement.executor.toProto();
  return executor;
}

}  // namespace

TaskInfo makeTask(const AppSpec& app, const std::string& taskId, const Offer& offer,
                  const Placement& placement) {
  TaskInfo task;
  task.set_name(app.name);
  task.mutable_task_id()->set_value(taskId);
  *task.mutable_agent_id() = offer.agent_id();
  task.set_data(app.content);
  *task.mutable_resources() = placement.task.toProto();
  *task.mutable_executor() = makeExecutor(app, taskId, placement);
  v1::DiscoveryInfo& discovery = *task.mutable_discovery();
  discovery.set_visibility(v1::DiscoveryInfo::EXTERNAL);
  discovery.set_name(app.name);
  v1::Port& port = *discovery.mutable_ports()->add_ports();
  port.set_number(placement.port);
  port.set_name("http");
  port.set_protocol("tcp");
  return task;
}

}  // namespace mesos::fleet
