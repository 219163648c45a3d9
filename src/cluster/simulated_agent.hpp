// An agent whose tasks are state instead of processes, so that one machine holds thousands.
#pragma once

#include "cluster/agent.hpp"

#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace mesos::cluster {

/// What becomes of simulated tasks. Those that are not drawn to fail run until they are killed.
struct SimulatedTasks {
  double failures = 0;  ///< Which share of them fails, 0 to 1.
  Duration failAfterMin = std::chrono::seconds(1);
  Duration failAfterMax = std::chrono::seconds(10);
};

/// An Agent, so with every rule of it, joined to processes that start at once, do nothing, pass
/// every check, and end when they are told to, or when they are drawn to fail. A task with an
/// executor of its own is run by one that reports TASK_RUNNING, and TASK_KILLED when it is to end.
/// Nothing of it can be reached over HTTP, and nothing is checkpointed.
///
/// Tell it what happened (on*), then drain poll() and call onTimer no later than deadline().
/// Performs no I/O, reads no clock, never blocks, never throws. Not thread-safe.
class SimulatedAgent {
 public:
  SimulatedAgent(Now now, AgentOptions options, SimulatedTasks tasks, Random& random);

  void onStart(Now now);
  void onMasterMessage(Now now, MasterToAgent message);
  void onTimer(Now now);

  /// What to tell the master.
  std::optional<AgentToMaster> poll();
  std::optional<TimePoint> deadline() const;

  const Agent& agent() const { return agent_; }
  /// It was told that it is gone, and is over (fact G6).
  bool hasEnded() const { return hasEnded_; }

 private:
  using Names = std::pair<std::string, std::string>;  ///< Framework id, executor id.

  void settle(Now now);
  void perform(Now now, ToMaster& order);
  void perform(Now now, ToExecutor& order);
  void perform(Now now, PrepareContainer& order);
  void perform(Now now, ForkContainer& order);
  void perform(Now now, SignalContainer& order);
  void perform(Now now, DestroyContainer& order);
  void perform(Now now, StartCheck& order);
  void perform(Now now, AgentEnded& order);
  template <typename Order>
  void perform(Now, Order&) {}  // Checkpoints; what needs no answer.
  void exit(Now now, const std::string& containerId, int status);
  void subscribe(Now now, const Names& executor);
  void report(Now now, const Names& executor, const std::string& taskId, TaskState state);
  void drawFailure(Now now, const Names& executor, const std::string& containerId,
                   const std::string& taskId);

  /// Of a task that was drawn to fail.
  struct Failure {
    Names executor;
    std::string containerId;
    std::string taskId;  ///< Empty: the container's command.
  };

  SimulatedTasks tasks_;
  Random& random_;
  Agent agent_;
  std::list<AgentToMaster> toMaster_;
  std::map<ExecutorStreamId, Names> streams_;  ///< Of executors that are not the agent's own.
  std::multimap<TimePoint, Failure> failures_;
  ExecutorStreamId nextStream_ = 1;
  int nextPid_ = 1;
  bool hasEnded_ = false;
};

}  // namespace mesos::cluster
