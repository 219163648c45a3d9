// Bringing tasks onto a cluster: what the scenarios about launches and executors have in common.
#pragma once

#include "conformance/environment.hpp"
#include "conformance/state.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mesos::conformance {

/// How late a busy machine may be.
constexpr Timeout kBusy{3000};

FrameworkInfo partitionAware();

/// A filter longer than any scenario.
double endless();

SchedulerCall callWith(SchedulerCall::Type type);
/// A LAUNCH of these tasks, to be put into an ACCEPT.
Offer::Operation launchOf(const std::vector<TaskInfo>& tasks);
/// ACCEPT with these operations, and a filter of `refuseSeconds`.
void accept(TestFramework& framework, const std::vector<OfferID>& offers,
            const std::vector<Offer::Operation>& operations, double refuseSeconds = 0);
void killWith(TestFramework& framework, const std::string& taskId,
              const std::function<void(SchedulerCall::Kill&)>& change);
void suppress(TestFramework& framework);

struct AskedTask {
  std::string taskId;
  std::string agentId = "";  ///< Empty: without agent.
};
/// RECONCILE; without tasks the implicit one.
void reconcile(TestFramework& framework, const std::vector<AskedTask>& tasks);

/// A scenario whose executors are played from outside.
class PlayedScenario : public Scenario {
 protected:
  struct Launched {
    Offer offer;
    TaskInfo task;
    const std::string& id() const { return task.task_id().value(); }
  };
  using Change = std::function<void(TaskInfo&)>;

  /// A task on the next offer, with a custom executor of its own unless `change` says otherwise.
  static Launched launch(TestFramework& framework, const Change& change = {});
  /// The executor of a task, not yet subscribed.
  TestExecutor executorOf(const TestFramework& framework, const Launched& launched) const;
  /// The executor of a task, subscribed and given the task.
  TestExecutor play(const TestFramework& framework, const Launched& launched) const;
  /// The same, and the task runs and the scheduler knows it.
  TestExecutor run(TestFramework& framework, const Launched& launched) const;
};

/// The agent's acknowledgement of an update.
void awaitAcknowledged(TestExecutor& executor, const TaskStatus& update);
/// Waits until the agent's next LAUNCH, which must be of this task.
TaskInfo awaitLaunch(TestExecutor& executor, const std::string& taskId);

/// Runs a shell command as a task of the framework's on its next offer; throws unless it exits 0.
/// The offer's remainder comes again.
void runCommand(TestFramework& framework, const std::string& command);

/// A task as the master's /state shows it among the live or the completed ones of a framework.
/// Null if it is not there.
rapidjson::Document taskState(const protocol::Address& master, const FrameworkID& framework,
                              const std::string& taskId, const char* list = "tasks");
/// What /slaves says about an agent.
rapidjson::Document agentState(const protocol::Address& master, const AgentID& agent);

/// What the agent's /state says about an executor that lives or lived there; throws if nothing.
rapidjson::Document executorState(const protocol::Address& agent, const FrameworkID& framework,
                                  const std::string& executorId);
std::string sandboxOf(const protocol::Address& agent, const FrameworkID& framework,
                      const std::string& executorId);
/// A file of the agent's; nullopt if it does not exist.
std::optional<std::string> agentFile(const protocol::Address& agent, const std::string& path);
/// Waits until the file contains this text. A file appears before it is filled.
std::string awaitFile(const protocol::Address& agent, const std::string& path,
                      const std::string& text);

}  // namespace mesos::conformance
