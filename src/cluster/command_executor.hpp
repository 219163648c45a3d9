// The built-in executor of command tasks (section 13): a pure machine; the agent runs one per task.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"

#include <mesos/v1/executor/executor.pb.h>
#include <mesos/types.hpp>

#include <optional>
#include <string>
#include <variant>

namespace mesos::cluster {

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
  using Effect = std::variant<ReportStatus, StartCommand, SignalCommand, CommandExecutorDone>;

  CommandExecutor(CommandExecutorOptions options, Random& random);

  /// SUBSCRIBED, LAUNCH, KILL, ACKNOWLEDGED, MESSAGE, SHUTDOWN, as an executor over HTTP gets them.
  /// `shutdownGrace` is the executor's (fact D6).
  void onEvent(Now now, const Event& event, Duration shutdownGrace);
  void onStarted(Now now);
  void onExited(Now now, int status);  ///< As wait(2) gives it.
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

 private:
};

}  // namespace mesos::cluster
