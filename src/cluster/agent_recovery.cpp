// What is checkpointed of frameworks that ask for it, and found again after a restart (X42, U13).

#include "cluster/agent_checkpoint.hpp"
#include "cluster/agent_state.hpp"
#include "cluster/agent_tasks.hpp"
#include "cluster/task.hpp"

#include "base/planted_bug.hpp"

#include <algorithm>

namespace mesos::cluster {

// --- Writing.

void Agent::State::noteExecutor(const AgentFramework& known, const AgentExecutor& executor) {
  noted.insert({known.info.id().value(), executor.id, ""});
}

void Agent::State::noteTask(const AgentFramework& known, const AgentExecutor& executor,
                            const std::string& taskId) {
  noted.insert({known.info.id().value(), executor.id, taskId});
}

/// Before whatever the input led to is performed: what is acknowledged must be on disk (fact X33).
void Agent::State::checkpointNoted() {
  std::deque<Effect> writes;
  for (const auto& ids : std::exchange(noted, {})) {
    if (auto effect = checkpointOf(ids)) writes.push_back(*std::move(effect));
    const AgentFramework* known = findFramework(ids[0]);
    if (known == nullptr) {
      checkpointed.erase(ids[0]);
    } else if (known->info.checkpoint()) {
      checkpointed.insert(ids[0]);
    }
  }
  effects.insert(effects.begin(), std::make_move_iterator(writes.begin()),
                 std::make_move_iterator(writes.end()));
}

/// What is no longer there is removed, with all below it.
std::optional<Agent::Effect> Agent::State::checkpointOf(
    const std::array<std::string, 3>& ids) const {
  const auto& [frameworkId, executorId, taskId] = ids;
  const auto known = frameworks.find(frameworkId);
  if (known == frameworks.end()) {
    if (checkpointed.count(frameworkId) == 0) return std::nullopt;
    return RemoveCheckpoint{frameworkPath(frameworkId)};
  }
  const FrameworkInfo& framework = known->second.info;
  if (!framework.checkpoint()) return std::nullopt;
  if (executorId.empty()) {
    return WriteCheckpoint{checkpointFile(frameworkPath(frameworkId)), encode(framework)};
  }
  const auto found = known->second.executors.find(executorId);
  if (found == known->second.executors.end()) {
    return RemoveCheckpoint{executorPath(frameworkId, executorId)};
  }
  const AgentExecutor& executor = found->second;
  if (taskId.empty()) {
    const auto run = runs.find(executor.containerId);
    ExecutorCheckpoint checkpoint;
    checkpoint.info = executor.info.unpack();
    checkpoint.containerId = executor.containerId;
    checkpoint.sandbox = sandboxOf(known->second, executor);
    checkpoint.pid = executor.pid;
    checkpoint.isCommand = executor.isCommand;
    checkpoint.isTerminated = run == runs.end();
    if (run != runs.end()) {
      checkpoint.command = run->second.command.unpack();
      checkpoint.user = run->second.user;
      checkpoint.givenTask = run->second.givenTask;
    }
    return WriteCheckpoint{checkpointFile(executorPath(frameworkId, executorId)),
                           encode(checkpoint)};
  }
  TaskCheckpoint checkpoint;
  const auto queued =
      std::find_if(executor.queuedTasks.begin(), executor.queuedTasks.end(),
                   [&id = taskId](const TaskInfo& task) { return task.task_id().value() == id; });
  if (const auto task = executor.tasks.find(taskId); task != executor.tasks.end()) {
    checkpoint.task = task->second.unpack();
  } else if (queued != executor.queuedTasks.end()) {
    checkpoint.task = taskOf(*queued, framework.id());
  } else {
    return RemoveCheckpoint{taskPath(frameworkId, executorId, taskId)};
  }
  if (const UpdateStream* stream = findStream(frameworkId, taskId)) {
    checkpoint.updates = stream->contents();
  }
  return WriteCheckpoint{checkpointFile(taskPath(frameworkId, executorId, taskId)),
                         encode(checkpoint)};
}

void Agent::State::checkpointAgent() {
  AgentInfo checkpoint = info;
  *checkpoint.mutable_resources() = total.toProto();
  effects.push_back(WriteCheckpoint{kAgentPath, encode(checkpoint)});
}

// --- The end of the process, and the start of the next one.

/// Executors of frameworks without checkpoint end with the agent (fact X40).
LivingExecutors Agent::State::killed() {
  hasLeft = true;
  LivingExecutors living;
  for (auto& [containerId, run] : runs) {
    if (!run.commandExecutor || !run.framework->info.checkpoint()) continue;
    living.emplace(
        containerId,
        LivingExecutor{*std::move(run.commandExecutor), run.executor->pid > 0,
                       run.phase == ContainerRun::Phase::Exited, std::move(run.heldStatuses)});
  }
  return living;
}

void Agent::State::recover(Now now, AgentRecovery recovery) {
  // By name, and so frameworks before their executors, and those before their tasks.
  for (const auto& [path, bytes] : recovery.files) {
    const auto name = parseCheckpointPath(path);
    if (!name) continue;
    if (name->kind == CheckpointName::Kind::Agent) {
      AgentInfo known;
      if (!decode(bytes, &known)) continue;
      *info.mutable_id() = known.id();
      total = Resources(known.resources());
    }
    if (name->kind == CheckpointName::Kind::Drain) {
      v1::DrainConfig config;
      if (decode(bytes, &config)) drain = config;
    }
    if (name->kind == CheckpointName::Kind::Framework) {
      FrameworkInfo known;
      if (!decode(bytes, &known) || known.id().value() != name->frameworkId) continue;
      frameworks[name->frameworkId].info = known;
      checkpointed.insert(name->frameworkId);
    }
  }
  for (const auto kind : {CheckpointName::Kind::Executor, CheckpointName::Kind::Task}) {
    for (const auto& [path, bytes] : recovery.files) {
      const auto name = parseCheckpointPath(path);
      if (!name || name->kind != kind) continue;
      AgentFramework* known = findFramework(name->frameworkId);
      if (known == nullptr) continue;
      if (kind == CheckpointName::Kind::Executor) {
        recoverExecutor(now, *known, bytes, recovery.executors);
      } else {
        recoverTask(*known, name->executorId, bytes);
      }
    }
  }
  std::erase_if(frameworks, [](const auto& entry) { return entry.second.executors.empty(); });
}

void Agent::State::recoverExecutor(Now now, AgentFramework& known, const std::string& bytes,
                                   LivingExecutors& living) {
  ExecutorCheckpoint checkpoint;
  if (!decode(bytes, &checkpoint)) return;
  AgentExecutor& executor = known.executors[checkpoint.info.executor_id().value()];
  executor.id = checkpoint.info.executor_id().value();
  executor.info = checkpoint.info;
  executor.shutdownGrace = shutdownGrace(checkpoint.info);
  executor.isCommand = checkpoint.isCommand;
  executor.containerId = checkpoint.containerId;
  known.directory = checkpoint.sandbox.substr(
      0, checkpoint.sandbox.rfind("/executors/" + executor.id + "/runs/"));
  executor.pid = checkpoint.pid;
  if (checkpoint.isTerminated) {
    executor.state = ExecutorState::Terminated;
    return;
  }
  ContainerRun run{};
  run.framework = &known;
  run.executor = &executor;
  run.command = checkpoint.command;
  run.user = checkpoint.user;
  run.givenTask = checkpoint.givenTask;
  run.isRecovered = true;
  run.phase = executor.pid > 0 ? ContainerRun::Phase::Alive : ContainerRun::Phase::Preparing;
  if (auto alive = living.extract(executor.containerId)) {
    LivingExecutor& lives = alive.mapped();
    run.commandExecutor.emplace(std::move(lives.executor));
    run.heldStatuses = std::move(lives.heldStatuses);
    run.phase = lives.hasExited  ? ContainerRun::Phase::Exited
                : lives.isForked ? ContainerRun::Phase::Alive
                                 : ContainerRun::Phase::Forking;
    executor.state = ExecutorState::Running;  // It subscribes again at once.
    executor.everSubscribed = true;
  } else if (executor.pid > 0 && !executor.isCommand) {
    run.registerBy = now.steady + options.executorReregistrationTimeout;
    recoverBy = run.registerBy;
  } else {
    // Nothing subscribes from a container in which nothing runs yet.
    executor.state = ExecutorState::Terminating;
    run.isDestroyed = true;
    effects.push_back(DestroyContainer{executor.containerId});
  }
  runs.emplace(executor.containerId, std::move(run));
}

void Agent::State::recoverTask(AgentFramework& known, const std::string& executorId,
                               const std::string& bytes) {
  const auto executor = known.executors.find(executorId);
  TaskCheckpoint checkpoint;
  if (executor == known.executors.end() || !decode(bytes, &checkpoint)) return;
  const std::string& taskId = checkpoint.task.task_id().value();
  executor->second.tasks[taskId] = checkpoint.task;
  if (checkpoint.updates.seen.empty() || MESOS_PLANTED(LoseUpdatesOnAgentRestart)) return;
  streams[known.info.id().value()].insert_or_assign(
      taskId, UpdateStream(options.updateRetryMin, options.updateRetryMax, checkpoint.updates));
}

void Agent::State::finishRecovery(Now now) {
  recoverBy.reset();
  start(now);
}

}  // namespace mesos::cluster
