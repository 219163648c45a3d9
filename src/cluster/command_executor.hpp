// The built-in executor of command tasks (section 13): a pure machine; the agent runs one per task.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"
#include "cluster/packed.hpp"
#include "cluster/task_checks.hpp"

#include <mesos/v1/executor/executor.pb.h>
#include <mesos/types.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace mesos::cluster {

/// A duration that a client gave, shortened by the time scale. Negative ones are 0; what is longer
/// than a century is a century, so that sums with it do not overflow.
Duration clientDuration(const v1::DurationInfo& duration, double timeScale);

struct CommandExecutorOptions {
  Duration killGrace = std::chrono::seconds(3);  ///< Unless the task's kill_policy says otherwise.
  double timeScale = 1.0;
  bool httpCommandExecutor = false;  ///< Fact D5.
};

/// A status to report, uuid and all.
struct ReportStatus {
  TaskStatus status;
};
/// Start the task's process. Answer: onStarted or onExited.
struct StartCommand {};
struct SignalCommand {
  int signal;
};
/// The terminal status is acknowledged (or nobody waits for it): the executor is over (fact D13).
struct CommandExecutorDone {};

class CommandExecutor {
 public:
  using Event = v1::executor::Event;
  using Effect = std::variant<ReportStatus, StartCommand, SignalCommand, StartProbe, StopProbe,
                              CommandExecutorDone>;

  CommandExecutor(CommandExecutorOptions options, Random& random);

  /// SUBSCRIBED, LAUNCH, KILL, ACKNOWLEDGED, MESSAGE, SHUTDOWN, as an executor over HTTP gets them.
  /// `shutdownGrace` is the executor's (fact D6).
  void onEvent(Now now, const Event& event, Duration shutdownGrace);
  void onStarted(Now now);
  void onExited(Now now, int status);  ///< As wait(2) gives it.
  /// The outcome of a probe, as Probe says; an error: there is none.
  void onProbed(Now now, std::uint64_t id, const Result<int>& outcome);
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

 private:
  enum class State {
    Idle,      ///< No task yet.
    Starting,  ///< StartCommand is out.
    Running,
    Reported,  ///< The terminal status waits for its acknowledgement.
    Done,
  };

  void launch(Now now, const TaskInfo& task);
  void kill(Now now, Duration grace);
  void beginKill(Now now);
  /// The grace of a KILL with this policy (fact D5).
  Duration killGrace(const Event::Kill& event) const;
  void enforceMaxCompletionTime(Now now);
  void report(Now now, TaskState state, const std::string& message = {});
  /// The last status again, changed as a check says (facts H4, H7).
  void reportCheck(Now now, TaskStatus::Reason reason,
                   const std::function<void(TaskStatus&)>& change);
  void followChecks(Now now);
  void finish();

  CommandExecutorOptions options_;
  Random& random_;
  State state_ = State::Idle;
  bool reportsKilling_ = false;  ///< The framework has TASK_KILLING_STATE (fact D5).
  bool timedOut_ = false;        ///< max_completion_time was reached.
  bool unhealthy_ = false;       ///< Killed for its failed health checks (fact H5).
  std::string executorId_;
  Packed<TaskInfo> task_;          ///< Without what nothing is decided by.
  std::optional<Duration> grace_;  ///< A kill is asked for, with the shortest grace so far.
  TimePoint killStarted_{};
  std::optional<TimePoint> escalateAt_;
  std::optional<TimePoint> completeBy_;
  std::unique_ptr<TaskChecks> checks_;  ///< Of the few that have any: it takes 800 bytes.
  Packed<TaskStatus> lastStatus_;       ///< Of a task with checks.
  std::string terminalUuid_;
  std::optional<TimePoint> giveUpAt_;
  std::list<Effect> effects_;  ///< A deque takes 576 bytes when it is empty, in every task.
};

}  // namespace mesos::cluster
