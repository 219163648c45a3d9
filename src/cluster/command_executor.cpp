#include "cluster/command_executor.hpp"

#include "base/uuid.hpp"
#include "cluster/exit_status.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

namespace mesos::cluster {

namespace {

/// How long the terminal status waits for its acknowledgement (fact D13).
constexpr Duration kAcknowledgementTimeout = std::chrono::seconds(60);
/// What a shutdown leaves for reporting and for the agent, of the executor's grace (fact D6).
constexpr Duration kShutdownReserve = std::chrono::seconds(2);

Duration scaled(Duration duration, double timeScale) {
  return std::chrono::duration_cast<Duration>(duration / timeScale);
}

/// What an executor goes by once it has started its task.
TaskInfo decisive(const TaskInfo& task) {
  TaskInfo kept;
  *kept.mutable_task_id() = task.task_id();
  if (task.has_kill_policy()) *kept.mutable_kill_policy() = task.kill_policy();
  if (task.has_max_completion_time()) {
    *kept.mutable_max_completion_time() = task.max_completion_time();
  }
  if (task.has_check()) *kept.mutable_check() = task.check();
  if (task.has_health_check()) *kept.mutable_health_check() = task.health_check();
  return kept;
}

bool hasChecks(const TaskInfo& task) { return task.has_check() || task.has_health_check(); }

TaskState terminalState(int status, bool killed, bool timedOut) {
  if (timedOut) return TASK_FAILED;
  if (killed) return TASK_KILLED;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? TASK_FINISHED : TASK_FAILED;
}

}  // namespace

Duration clientDuration(const v1::DurationInfo& duration, double timeScale) {
  constexpr double kCentury = 100.0 * 365 * 24 * 3600 * 1e9;
  const double nanoseconds = static_cast<double>(duration.nanoseconds()) / timeScale;
  return Duration(static_cast<std::int64_t>(std::clamp(nanoseconds, 0.0, kCentury)));
}

CommandExecutor::CommandExecutor(CommandExecutorOptions options, Random& random)
    : options_(options), random_(random) {}

void CommandExecutor::onEvent(Now now, const Event& event, Duration shutdownGrace) {
  switch (event.type()) {
    case Event::SUBSCRIBED:
      executorId_ = event.subscribed().executor_info().executor_id().value();
      for (const auto& capability : event.subscribed().framework_info().capabilities()) {
        reportsKilling_ |= capability.type() == FrameworkInfo::Capability::TASK_KILLING_STATE;
      }
      break;
    case Event::LAUNCH:
      if (state_ == State::Idle) launch(now, event.launch().task());
      break;
    case Event::KILL:
      // For a task that already ended, or was never here, there is nothing to do (fact K4).
      if (event.kill().task_id().value() == task_.unpack().task_id().value()) {
        kill(now, killGrace(event.kill()));
      }
      break;
    case Event::SHUTDOWN:
      if (state_ == State::Idle) {
        finish();
      } else {
        const Duration reserve = scaled(kShutdownReserve, options_.timeScale);
        kill(now, std::max(shutdownGrace - reserve, Duration::zero()));
      }
      break;
    case Event::ACKNOWLEDGED:
      if (state_ == State::Reported && event.acknowledged().uuid() == terminalUuid_) finish();
      break;
    default:  // A MESSAGE is ignored (fact D11).
      break;
  }
}

void CommandExecutor::launch(Now now, const TaskInfo& task) {
  task_ = decisive(task);
  if (!task.command().has_value()) {
    // There is nothing to run: the executor dies, and the agent tells what became of the task
    // (fact D8).
    report(now, TASK_STARTING);
    finish();
    return;
  }
  state_ = State::Starting;
  effects_.push_back(StartCommand{});
  report(now, TASK_STARTING);
}

void CommandExecutor::onStarted(Now now) {
  if (state_ != State::Starting) return;
  state_ = State::Running;
  report(now, TASK_RUNNING);
  const TaskInfo task = task_.unpack();
  const Duration limit = clientDuration(task.max_completion_time(), options_.timeScale);
  if (limit > Duration::zero()) completeBy_ = now.steady + limit;
  if (!grace_ && hasChecks(task)) {
    checks_ = std::make_unique<TaskChecks>(task, options_.timeScale);
    checks_->start(now);
  }
  if (grace_) beginKill(now);
  followChecks(now);
}

void CommandExecutor::onProbed(Now now, std::uint64_t id, const Result<int>& outcome) {
  if (checks_) checks_->onProbed(now, id, outcome);
  followChecks(now);
}

/// What checks find is told only while nothing else is happening to the task.
void CommandExecutor::followChecks(Now now) {
  while (auto effect = checks_ ? checks_->poll() : std::nullopt) {
    if (auto* start = std::get_if<StartProbe>(&*effect)) {
      effects_.push_back(std::move(*start));
    } else if (auto* stop = std::get_if<StopProbe>(&*effect)) {
      effects_.push_back(*stop);
    } else if (grace_ || state_ != State::Running) {
      continue;
    } else if (const auto* changed = std::get_if<CheckChanged>(&*effect)) {
      reportCheck(now, TaskStatus::REASON_TASK_CHECK_STATUS_UPDATED,
                  [&](TaskStatus& status) { *status.mutable_check_status() = changed->status; });
    } else {
      const auto& health = std::get<HealthChanged>(*effect);
      reportCheck(now, TaskStatus::REASON_TASK_HEALTH_CHECK_STATUS_UPDATED,
                  [&](TaskStatus& status) { status.set_healthy(health.healthy); });
      if (!health.kill) continue;
      unhealthy_ = true;
      kill(now, killGrace({}));
    }
  }
}

Duration CommandExecutor::killGrace(const Event::Kill& event) const {
  // By default a KILL's own policy does not reach a command task (fact D5).
  if (options_.httpCommandExecutor && event.kill_policy().has_grace_period()) {
    return clientDuration(event.kill_policy().grace_period(), options_.timeScale);
  }
  const TaskInfo task = task_.unpack();
  if (task.kill_policy().has_grace_period()) {
    return clientDuration(task.kill_policy().grace_period(), options_.timeScale);
  }
  return options_.killGrace;
}

void CommandExecutor::kill(Now now, Duration grace) {
  if (state_ != State::Starting && state_ != State::Running) return;
  if (grace_) {
    // A later kill may shorten what remains; it never lengthens it.
    grace_ = std::min(*grace_, grace);
    if (escalateAt_) escalateAt_ = std::min(*escalateAt_, killStarted_ + *grace_);
    return;
  }
  grace_ = grace;
  if (state_ == State::Running) beginKill(now);
}

void CommandExecutor::beginKill(Now now) {
  completeBy_.reset();
  if (checks_) checks_->stop();
  followChecks(now);
  if (reportsKilling_ && !timedOut_) report(now, TASK_KILLING);
  effects_.push_back(SignalCommand{SIGTERM});
  killStarted_ = now.steady;
  escalateAt_ = now.steady + *grace_;
}

void CommandExecutor::onExited(Now now, int status) {
  if (state_ != State::Starting && state_ != State::Running) return;
  state_ = State::Reported;
  escalateAt_.reset();
  completeBy_.reset();
  if (checks_) checks_->stop();
  followChecks(now);
  giveUpAt_ = now.steady + scaled(kAcknowledgementTimeout, options_.timeScale);
  report(now, terminalState(status, grace_.has_value(), timedOut_),
         "Command " + describeExit(status));
}

void CommandExecutor::onTimer(Now now) {
  if (completeBy_ && *completeBy_ <= now.steady) enforceMaxCompletionTime(now);
  if (escalateAt_ && *escalateAt_ <= now.steady) {
    escalateAt_.reset();
    effects_.push_back(SignalCommand{SIGKILL});
  }
  if (giveUpAt_ && *giveUpAt_ <= now.steady) finish();
  if (checks_) checks_->onTimer(now);
  followChecks(now);
}

void CommandExecutor::enforceMaxCompletionTime(Now now) {
  timedOut_ = true;
  kill(now, Duration::zero());
}

std::optional<CommandExecutor::Effect> CommandExecutor::poll() {
  if (effects_.empty()) return std::nullopt;
  Effect effect = std::move(effects_.front());
  effects_.pop_front();
  return effect;
}

std::optional<TimePoint> CommandExecutor::deadline() const {
  std::optional<TimePoint> earliest;
  for (const auto& when : {completeBy_, escalateAt_, giveUpAt_}) {
    if (when && (!earliest || *when < *earliest)) earliest = when;
  }
  const auto ofChecks = checks_ ? checks_->deadline() : std::nullopt;
  if (ofChecks && (!earliest || *ofChecks < *earliest)) earliest = ofChecks;
  return earliest;
}

void CommandExecutor::report(Now now, TaskState state, const std::string& message) {
  const TaskInfo task = task_.unpack();
  TaskStatus status = makeStatus(task.task_id(), state, message);
  status.set_source(TaskStatus::SOURCE_EXECUTOR);
  if (timedOut_) status.set_reason(TaskStatus::REASON_MAX_COMPLETION_TIME_REACHED);
  status.mutable_executor_id()->set_value(executorId_);
  status.set_timestamp(now.unixSeconds());
  status.set_uuid(randomUuid(random_));
  if (isTerminal(state)) terminalUuid_ = status.uuid();
  if (task.has_check()) *status.mutable_check_status() = emptyCheckStatus(task.check().type());
  if (unhealthy_ && isTerminal(state)) status.set_healthy(false);
  if (hasChecks(task)) lastStatus_ = status;
  effects_.push_back(ReportStatus{std::move(status)});
}

void CommandExecutor::reportCheck(Now now, TaskStatus::Reason reason,
                                  const std::function<void(TaskStatus&)>& change) {
  TaskStatus status = lastStatus_.unpack();
  change(status);
  status.set_reason(reason);
  status.set_timestamp(now.unixSeconds());
  status.set_uuid(randomUuid(random_));
  lastStatus_ = status;
  effects_.push_back(ReportStatus{std::move(status)});
}

void CommandExecutor::finish() {
  state_ = State::Done;
  giveUpAt_.reset();
  effects_.push_back(CommandExecutorDone{});
}

}  // namespace mesos::cluster
