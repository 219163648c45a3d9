// The agent is drained: its tasks are killed, their ends say why, and it takes no others (fact G9).
#include "cluster/agent_checkpoint.hpp"
#include "cluster/agent_state.hpp"

#include <vector>

namespace mesos::cluster {
namespace {

/// The grace that a task's own policy gives it, at most what the drain allows. nullopt: its own.
template <typename TaskOrInfo>
std::optional<KillPolicy> killPolicy(const v1::DrainConfig& config, const TaskOrInfo& task) {
  if (!config.has_max_grace_period()) return std::nullopt;
  const v1::DurationInfo& allowed = config.max_grace_period();
  if (task.has_kill_policy() && task.kill_policy().has_grace_period() &&
      task.kill_policy().grace_period().nanoseconds() <= allowed.nanoseconds()) {
    return std::nullopt;
  }
  KillPolicy policy;
  *policy.mutable_grace_period() = allowed;
  return policy;
}

}  // namespace

void Agent::State::handle(Now now, const DrainAgent& message) {
  if (!isBusy()) return;
  if (!drain) drainStarted = now;
  drain = message.config;
  effects.push_back(WriteCheckpoint{kDrainPath, encode(*drain)});
  std::vector<KillTask> kills;
  for (const auto& [frameworkId, known] : frameworks) {
    for (const auto& [executorId, executor] : known.executors) {
      for (const auto& [taskId, task] : executor.tasks) {
        if (isTerminal(task.state())) continue;
        const Task running = task.unpack();
        kills.push_back({known.info.id(), running.task_id(), killPolicy(*drain, running)});
      }
      for (const TaskInfo& task : executor.queuedTasks) {
        kills.push_back({known.info.id(), task.task_id(), killPolicy(*drain, task)});
      }
    }
  }
  for (const KillTask& kill : kills) handle(now, kill);
}

/// The master has forgotten the tasks of frameworks that are shut down, and does not wait for them.
bool Agent::State::isBusy() const {
  if (!operations.empty()) return true;
  for (const auto& [frameworkId, known] : frameworks) {
    if (isShuttingDown(frameworkId)) continue;
    for (const auto& [executorId, executor] : known.executors) {
      if (!executor.tasks.empty() || !executor.queuedTasks.empty()) return true;
    }
  }
  return false;
}

/// An executor that has nothing to do may stay, and be given tasks when the agent is back in
/// service.
void Agent::State::finishDrain() {
  if (!drain || isBusy()) return;
  drain.reset();
  drainStarted.reset();
  effects.push_back(RemoveCheckpoint{kDrainPath});
}

/// Whatever reason the executor gave. Who asked for the kill does not matter.
void Agent::State::explainDrain(TaskStatus* status) const {
  if (!drain || (status->state() != TASK_KILLING && status->state() != TASK_KILLED)) return;
  status->set_reason(TaskStatus::REASON_AGENT_DRAINING);
  if (drain->mark_gone() && status->state() == TASK_KILLED) {
    status->set_state(TASK_GONE_BY_OPERATOR);
  }
}

}  // namespace mesos::cluster
