#include "cluster/agent_environment.hpp"

#include "base/duration.hpp"
#include "cluster/agent.hpp"
#include "cluster/agent_tasks.hpp"

namespace mesos::cluster {

namespace {

using Variables = std::map<std::string, std::string>;

void overlay(Variables& variables, const Environment& environment) {
  for (const auto& variable : environment.variables()) {
    // Only a VALUE has a text; there is nobody to resolve a SECRET.
    if (variable.type() == Environment::Variable::VALUE) {
      variables[variable.name()] = variable.value();
    }
  }
}

Variables mesosVariables(const EnvironmentSource& source) {
  const AgentOptions& options = source.options;
  Variables variables = options.executorEnvironment;  // Below the MESOS_* ones (fact V13).
  variables["LIBPROCESS_IP"] = options.ip;
  variables["LIBPROCESS_PORT"] = "0";
  variables["MESOS_FRAMEWORK_ID"] = source.framework.info.id().value();
  variables["MESOS_EXECUTOR_ID"] = source.executor.id;
  variables["MESOS_DIRECTORY"] = sandboxOf(source.framework, source.executor);
  variables["MESOS_SANDBOX"] = variables["MESOS_DIRECTORY"];
  variables["MESOS_SLAVE_ID"] = source.agentId;
  variables["MESOS_SLAVE_PID"] = source.agentPid;
  variables["MESOS_AGENT_ENDPOINT"] = options.ip + ":" + std::to_string(options.port);
  variables["MESOS_CHECKPOINT"] = source.framework.info.checkpoint() ? "1" : "0";
  variables["MESOS_HTTP_COMMAND_EXECUTOR"] = options.httpCommandExecutor ? "1" : "0";
  variables["MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"] = formatDuration(source.executor.shutdownGrace);
  if (source.framework.info.checkpoint()) {
    variables["MESOS_RECOVERY_TIMEOUT"] = formatDuration(options.recoveryTimeout);
    variables["MESOS_SUBSCRIPTION_BACKOFF_MAX"] =
        formatDuration(options.executorReregistrationTimeout);
  }
  return variables;
}

Variables withPath(Variables variables) {
  variables.try_emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  return variables;
}

}  // namespace

Variables executorEnvironment(const EnvironmentSource& source, const CommandInfo& command) {
  Variables variables = mesosVariables(source);
  for (const auto& [name, value] : source.options.executorTls) variables[name] = value;
  if (!source.options.domainSocket.empty()) {
    variables["MESOS_DOMAIN_SOCKET"] = source.options.domainSocket;
  }
  const std::string& key = source.options.authentication.tokenKey;
  if (!key.empty()) {
    variables["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"] = executorToken(
        {source.framework.info.id().value(), source.executor.id, source.executor.containerId},
        key);  // Fact V9.
  }
  overlay(variables, command.environment());  // Wins over everything above (fact V14).
  return withPath(std::move(variables));
}

Variables taskEnvironment(const EnvironmentSource& source, const CommandInfo& command) {
  Variables variables = mesosVariables(source);
  variables["MESOS_ALLOCATION_ROLE"] = allocationRole(source.executor.info.unpack().resources());
  overlay(variables, command.environment());
  return withPath(std::move(variables));
}

Variables checkEnvironment(const EnvironmentSource& source, const CommandInfo& command,
                           const CommandInfo& check) {
  Variables variables = taskEnvironment(source, command);
  overlay(variables, check.environment());
  return variables;
}

}  // namespace mesos::cluster
