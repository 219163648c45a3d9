// The environment of executors and command tasks (section 12.5).
#pragma once

#include <mesos/types.hpp>

#include <map>
#include <string>

namespace mesos::cluster {

struct AgentOptions;
struct AgentExecutor;
struct AgentFramework;

/// What an executor's environment is made of.
struct EnvironmentSource {
  const AgentOptions& options;
  const std::string& agentId;
  const std::string& agentPid;
  const AgentFramework& framework;
  const AgentExecutor& executor;
};

/// All of an executor's environment: nothing is inherited (fact V20).
std::map<std::string, std::string> executorEnvironment(const EnvironmentSource& source,
                                                       const CommandInfo& command);
/// The same for the process of a command task (facts V22, V23).
std::map<std::string, std::string> taskEnvironment(const EnvironmentSource& source,
                                                   const CommandInfo& command);
/// The same for the command of its check (fact H3).
std::map<std::string, std::string> checkEnvironment(const EnvironmentSource& source,
                                                    const CommandInfo& command,
                                                    const CommandInfo& check);

}  // namespace mesos::cluster
