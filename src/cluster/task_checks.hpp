// Checks and health checks of a command task (section 13.1): when they run, and what follows.
#pragma once

#include "base/time.hpp"

#include <mesos/result.hpp>
#include <mesos/types.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>

namespace mesos::cluster {

/// GET of a path. Its outcome is the status code.
struct HttpProbe {
  std::string scheme;
  std::string host;
  std::uint32_t port = 0;
  std::string path;
};
/// A connection. Its outcome is 1 if it was made, 0 if not.
struct TcpProbe {
  std::string host;
  std::uint32_t port = 0;
};
/// A command beside the task's: its outcome is its status as wait(2) gives it.
using Probe = std::variant<CommandInfo, HttpProbe, TcpProbe>;

/// Answer: onProbed.
struct StartProbe {
  std::uint64_t id;
  Probe probe;
};
/// Its outcome does not matter any more: it took too long, or the task ends.
struct StopProbe {
  std::uint64_t id;
};
/// The outcome of the task's check is another one than before (fact H7).
struct CheckChanged {
  v1::CheckStatusInfo status;
};
/// To be reported (fact H4). `kill`: too many failures in a row (fact H5).
struct HealthChanged {
  bool healthy;
  bool kill;
};

/// An empty status of the check's type: there is no outcome (fact H7).
v1::CheckStatusInfo emptyCheckStatus(v1::CheckInfo::Type type);

/// Pure: tell it what happened, then drain poll() and call onTimer no later than deadline().
class TaskChecks {
 public:
  using Effect = std::variant<StartProbe, StopProbe, CheckChanged, HealthChanged>;

  /// Either definition may be absent. Their durations are divided by `timeScale`.
  TaskChecks(const TaskInfo& task, double timeScale);

  /// The task runs: delays and the grace period count from here.
  void start(Now now);
  /// For good.
  void stop();
  void onProbed(Now now, std::uint64_t id, const Result<int>& outcome);
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

 private:
  /// One definition: a probe after the delay, then one an interval after the end of each.
  struct Series {
    Probe probe;
    Duration delay{};
    Duration interval{};
    Duration timeout{};  ///< Zero: none.
    std::optional<TimePoint> startAt;
    std::optional<std::uint64_t> running;
    std::optional<TimePoint> giveUpAt;
  };

  void startProbe(Now now, Series& series);
  void finish(Now now, Series& series, const Result<int>& outcome);
  void judgeCheck(const Result<int>& outcome);
  void judgeHealth(Now now, const Result<int>& outcome);

  std::optional<Series> check_;
  v1::CheckInfo::Type checkType_ = v1::CheckInfo::UNKNOWN;
  v1::CheckStatusInfo lastStatus_;

  std::optional<Series> health_;
  v1::HealthCheck::Type healthType_ = v1::HealthCheck::UNKNOWN;
  Duration grace_{};
  TimePoint graceEnds_{};
  std::uint32_t failuresMax_ = 0;
  std::uint32_t failures_ = 0;  ///< In a row.
  bool everHealthy_ = false;

  std::uint64_t nextProbe_ = 1;
  std::deque<Effect> effects_;
};

}  // namespace mesos::cluster
