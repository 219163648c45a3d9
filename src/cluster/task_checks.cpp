#include "cluster/task_checks.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <initializer_list>

namespace mesos::cluster {
namespace {

constexpr char kLoopback[] = "127.0.0.1";
constexpr char kLoopback6[] = "::1";
/// Also with an interval of 0 a check must let others run.
constexpr Duration kIntervalMin = std::chrono::milliseconds(10);
/// Longer durations are as good as this one, and can be added to a clock.
constexpr double kSecondsMax = 100.0 * 365 * 24 * 60 * 60;
/// A command that was ended by a signal has, as in a shell, an exit code above this.
constexpr int kSignalBase = 128;

Duration scaled(double seconds, double timeScale) {
  return fromSeconds(std::min(seconds / timeScale, kSecondsMax));
}

std::string hostFor(v1::NetworkInfo::Protocol protocol) {
  return protocol == v1::NetworkInfo::IPv6 ? kLoopback6 : kLoopback;
}

std::string pathOf(const std::string& path) { return path.empty() ? "/" : path; }

Probe probeOf(const v1::CheckInfo& check) {
  switch (check.type()) {
    case v1::CheckInfo::HTTP:
      return HttpProbe{"http", kLoopback, check.http().port(), pathOf(check.http().path())};
    case v1::CheckInfo::TCP:
      return TcpProbe{kLoopback, check.tcp().port()};
    default:
      return check.command().command();
  }
}

/// Fact H3.
Probe probeOf(const v1::HealthCheck& check) {
  switch (check.type()) {
    case v1::HealthCheck::HTTP:
      return HttpProbe{check.http().has_scheme() ? check.http().scheme() : "http",
                       hostFor(check.http().protocol()), check.http().port(),
                       pathOf(check.http().path())};
    case v1::HealthCheck::TCP:
      return TcpProbe{hostFor(check.tcp().protocol()), check.tcp().port()};
    default:
      return check.command();
  }
}

int exitCodeOf(int status) {
  return WIFSIGNALED(status) ? kSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
}

bool isHealthy(v1::HealthCheck::Type type, int outcome) {
  switch (type) {
    case v1::HealthCheck::HTTP:
      return outcome >= 200 && outcome < 400;
    case v1::HealthCheck::TCP:
      return outcome == 1;
    default:
      return exitCodeOf(outcome) == 0;
  }
}

void keepEarliest(std::optional<TimePoint>& earliest, const std::optional<TimePoint>& when) {
  if (when && (!earliest || *when < *earliest)) earliest = when;
}

}  // namespace

v1::CheckStatusInfo emptyCheckStatus(v1::CheckInfo::Type type) {
  v1::CheckStatusInfo status;
  status.set_type(type);
  if (type == v1::CheckInfo::COMMAND) status.mutable_command();
  if (type == v1::CheckInfo::HTTP) status.mutable_http();
  if (type == v1::CheckInfo::TCP) status.mutable_tcp();
  return status;
}

TaskChecks::TaskChecks(const TaskInfo& task, double timeScale) {
  const auto seriesOf = [timeScale](const auto& definition) {
    Series series;
    series.probe = probeOf(definition);
    series.delay = scaled(definition.delay_seconds(), timeScale);
    series.interval = std::max(scaled(definition.interval_seconds(), timeScale), kIntervalMin);
    series.timeout = scaled(definition.timeout_seconds(), timeScale);
    return series;
  };
  if (task.has_check()) {
    check_ = seriesOf(task.check());
    checkType_ = task.check().type();
    lastStatus_ = emptyCheckStatus(checkType_);
  }
  if (task.has_health_check()) {
    health_ = seriesOf(task.health_check());
    healthType_ = task.health_check().type();
    grace_ = scaled(task.health_check().grace_period_seconds(), timeScale);
    failuresMax_ = task.health_check().consecutive_failures();
  }
}

void TaskChecks::start(Now now) {
  if (check_) check_->startAt = now.steady + check_->delay;
  if (health_) health_->startAt = now.steady + health_->delay;
  graceEnds_ = now.steady + grace_;
  onTimer(now);
}

void TaskChecks::stop() {
  for (auto* series : {&check_, &health_}) {
    if (*series && (*series)->running) effects_.push_back(StopProbe{*(*series)->running});
    series->reset();
  }
}

void TaskChecks::startProbe(Now now, Series& series) {
  series.startAt.reset();
  series.running = nextProbe_++;
  if (series.timeout > Duration::zero()) series.giveUpAt = now.steady + series.timeout;
  effects_.push_back(StartProbe{*series.running, series.probe});
}

void TaskChecks::finish(Now now, Series& series, const Result<int>& outcome) {
  series.running.reset();
  series.giveUpAt.reset();
  series.startAt = now.steady + series.interval;
  if (check_ && &series == &*check_) {
    judgeCheck(outcome);
  } else {
    judgeHealth(now, outcome);
  }
}

void TaskChecks::onProbed(Now now, std::uint64_t id, const Result<int>& outcome) {
  for (auto* series : {&check_, &health_}) {
    if (*series && (*series)->running == id) return finish(now, **series, outcome);
  }
}

void TaskChecks::onTimer(Now now) {
  for (auto* series : {&check_, &health_}) {
    if (!*series) continue;
    if ((*series)->giveUpAt && *(*series)->giveUpAt <= now.steady) {
      effects_.push_back(StopProbe{*(*series)->running});
      finish(now, **series, Error{"it took too long"});
    }
    if ((*series)->startAt && *(*series)->startAt <= now.steady) startProbe(now, **series);
  }
}

/// A check that could not be made has no outcome (fact H7).
void TaskChecks::judgeCheck(const Result<int>& outcome) {
  v1::CheckStatusInfo status = emptyCheckStatus(checkType_);
  if (outcome && checkType_ == v1::CheckInfo::COMMAND) {
    status.mutable_command()->set_exit_code(exitCodeOf(*outcome));
  } else if (outcome && checkType_ == v1::CheckInfo::HTTP) {
    status.mutable_http()->set_status_code(static_cast<std::uint32_t>(*outcome));
  } else if (outcome) {
    status.mutable_tcp()->set_succeeded(*outcome == 1);
  }
  if (status.SerializeAsString() == lastStatus_.SerializeAsString()) return;
  lastStatus_ = status;
  effects_.push_back(CheckChanged{std::move(status)});
}

/// Facts H2, H4 and H5.
void TaskChecks::judgeHealth(Now now, const Result<int>& outcome) {
  if (outcome && isHealthy(healthType_, *outcome)) {
    if (!everHealthy_ || failures_ > 0) effects_.push_back(HealthChanged{true, false});
    everHealthy_ = true;
    failures_ = 0;
    return;
  }
  const bool inGrace = !everHealthy_ && now.steady <= graceEnds_ && grace_ > Duration::zero();
  if (inGrace) return;
  ++failures_;
  effects_.push_back(HealthChanged{false, failures_ >= failuresMax_});
}

std::optional<TaskChecks::Effect> TaskChecks::poll() {
  if (effects_.empty()) return std::nullopt;
  Effect effect = std::move(effects_.front());
  effects_.pop_front();
  return effect;
}

std::optional<TimePoint> TaskChecks::deadline() const {
  std::optional<TimePoint> earliest;
  for (const auto* series : {&check_, &health_}) {
    if (!*series) continue;
    keepEarliest(earliest, (*series)->startAt);
    keepEarliest(earliest, (*series)->giveUpAt);
  }
  return earliest;
}

}  // namespace mesos::cluster
