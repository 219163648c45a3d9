// What the agent's tests share: an agent, its clock, and all that it asked for so far.
#pragma once

#include "cluster/agent.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mesos::cluster {

constexpr const char* kAgentId = "m-S0";
constexpr const char* kFramework = "m-0001";
/// As wait(2) gives it.
constexpr int exitStatus(int code) { return code << 8; }
/// 16 bytes that are a valid uuid, told apart by `letter`.
std::string uuidOf(char letter);

FrameworkInfo frameworkInfo(const std::string& id = kFramework);
/// PARTITION_AWARE.
FrameworkInfo awareFramework(const std::string& id = kFramework);
TaskInfo commandTask(const std::string& id, const std::string& command = "sleep 60");
TaskInfo executorTask(const std::string& id, const std::string& executorId = "e1");
void setGrace(v1::DurationInfo* duration, Duration grace);

class AgentConversation : public testing::Test {
 protected:
  explicit AgentConversation(AgentOptions options = defaultOptions());
  static AgentOptions defaultOptions();

  // --- Inputs. Each performs what the agent asks for into the lists below.
  /// An AgentRegistered answers the registration that was seen last.
  void fromMaster(MasterToAgent message);
  void run(const TaskInfo& task, const FrameworkInfo& framework = awareFramework());
  void killTask(const std::string& taskId, std::optional<Duration> grace = std::nullopt);
  void acknowledge(const TaskStatus& status);
  /// Acknowledges as a scheduler does until nothing is in flight for the task any more.
  void acknowledgeAll(const std::string& taskId);
  void shutdownExecutor(const std::string& executorId);
  void subscribe(ExecutorStreamId stream, const std::string& executorId = "e1",
                 const std::vector<TaskInfo>& tasks = {},
                 const std::vector<TaskStatus>& updates = {});
  void update(const TaskStatus& status, const std::string& executorId = "e1");
  void prepared(Result<void> result = {});
  void forked(Result<int> pid = 4321);
  void exited(int status);  ///< The newest container, as in the two above.
  void exited(const std::string& containerId, int status);
  void checked(std::uint64_t checkId, const Result<int>& outcome);
  void messageFromExecutor(const std::string& data);
  void start();
  /// The agent's process is killed, and started again with what it checkpointed.
  void restart();
  void leave();
  /// To the next deadlines, one by one, and `by` in all.
  void advance(Duration by);

  /// A custom executor, subscribed on stream 1, with task t1 delivered.
  void runSubscribed(const std::string& taskId = "t1");
  /// A command task as far as TASK_RUNNING, its first two statuses acknowledged.
  void runCommand(const TaskInfo& task, const FrameworkInfo& framework = awareFramework());

  // --- What came of it, oldest first.
  std::vector<TaskStatus> statusesOf(const std::string& taskId) const;
  /// The last one; a failure if there is none.
  TaskStatus lastStatus() const;
  /// "SUBSCRIBED", "LAUNCH t1", "ACKNOWLEDGED t1", … of a stream, and "end".
  std::vector<std::string> eventsOf(ExecutorStreamId stream) const;
  const std::string& containerId() const { return prepares.back().containerId; }
  bool hasExecutor(const std::string& id) const {
    return agent.executor(kFramework, id) != nullptr;
  }
  void clear();

  Random random{1};
  Now now{TimePoint(std::chrono::seconds(1000)),
          std::chrono::sys_time<Duration>(std::chrono::seconds(1700000000))};

 private:
  AgentOptions options_;
  std::optional<Agent> owned_;

 protected:
  Agent& agent;
  std::vector<StatusUpdate> updates;
  std::vector<ExecutorExited> exits;
  std::vector<AgentToMaster> toMaster;  ///< All but the two above.
  std::vector<ToExecutor> events;
  std::vector<std::pair<ExecutorStreamId, std::string>> eventWords;
  std::vector<PrepareContainer> prepares;
  std::vector<ForkContainer> forks;
  std::vector<SignalContainer> signals;
  std::vector<DestroyContainer> destroys;
  std::vector<StartCheck> checks;
  std::vector<std::uint64_t> stoppedChecks;
  std::map<std::string, std::string> files;  ///< Checkpoints.
  bool hasEnded = false;                     ///< The agent asked for its end.

 private:
  void drain();

  std::uint64_t lastAttempt_ = 0;
};

TaskStatus executorStatus(const std::string& taskId, TaskState state, char uuidLetter);

}  // namespace mesos::cluster
