// Executors: subscription, KILL, shutdown, end (9.1, sections 12 and 13).

#include "cluster/agent_state.hpp"
#include "cluster/agent_tasks.hpp"
#include "cluster/task.hpp"

#include "base/duration.hpp"
#include "base/planted_bug.hpp"

#include <algorithm>
#include <csignal>

namespace mesos::cluster {

namespace {

Agent::Event simpleEvent(Agent::Event::Type type) {
  Agent::Event event;
  event.set_type(type);
  return event;
}

}  // namespace

void Agent::State::subscribe(Now now, ExecutorStreamId stream, const Call& call) {
  AgentExecutor* executor = findExecutor(call.framework_id().value(), call.executor_id().value());
  ContainerRun* run = executor == nullptr ? nullptr : findRun(executor->containerId);
  if (run == nullptr || isShuttingDown(call.framework_id().value()) || executor->isCommand ||
      executor->state == ExecutorState::Terminating) {
    effects.push_back(ToExecutor{stream, simpleEvent(Event::SHUTDOWN)});  // Fact X24.
    effects.push_back(EndExecutorStream{stream});
    return;
  }
  if (executor->stream) effects.push_back(EndExecutorStream{*executor->stream});  // Fact X23.
  executor->stream = stream;
  executor->state = ExecutorState::Running;
  executor->everSubscribed = true;
  run->registerBy.reset();
  run->heartbeatAt = now.steady + options.executorHeartbeatInterval;

  std::vector<TaskStatus> taken;
  for (const auto& update : call.subscribe().unacknowledged_updates()) {
    if (executorStatus(now, *run->framework, *executor, update.status())) {
      taken.push_back(update.status());
    }
  }
  dropForgottenTasks(now, *run, call.subscribe());
  const bool isUseless = !run->givenTask && executor->queuedTasks.empty();
  if (isUseless) {
    shutdown(now, *run);
  } else {
    send(now, *run, subscribedEvent(*run->framework, *executor));
  }
  // A real agent's acknowledgements, too, follow the SUBSCRIBED of the same request.
  for (const auto& status : taken) sendAcknowledged(now, *run, status);
  if (!isUseless) deliverQueuedTasks(now, *run);
}

void Agent::State::subscribeCommandExecutor(Now now, ContainerRun& run) {
  run.executor->state = ExecutorState::Running;
  run.executor->everSubscribed = true;
  run.registerBy.reset();
  // Its only task was killed meanwhile, and no process has to be told (fact X25).
  if (run.executor->queuedTasks.empty()) return terminate(now, run, 0);
  const CommandExecutorOptions commandOptions{options.taskKillGrace, options.timeScale,
                                              options.httpCommandExecutor};
  run.commandExecutor.emplace(commandOptions, random);
  send(now, run, subscribedEvent(*run.framework, *run.executor));
  deliverQueuedTasks(now, run);
}

Agent::Event Agent::State::subscribedEvent(const AgentFramework& known,
                                           const AgentExecutor& executor) const {
  Event event = simpleEvent(Event::SUBSCRIBED);
  auto* subscribed = event.mutable_subscribed();
  *subscribed->mutable_executor_info() = executor.info.unpack();
  *subscribed->mutable_framework_info() = known.info;
  *subscribed->mutable_agent_info() = info;
  subscribed->mutable_container_id()->set_value(executor.containerId);
  return event;
}

void Agent::State::dropForgottenTasks(Now now, ContainerRun& run,
                                      const Call::Subscribe& subscribe) {
  std::set<std::string> known;
  for (const auto& task : subscribe.unacknowledged_tasks()) known.insert(task.task_id().value());
  const Termination what{droppedState(run.framework->info), TaskStatus::REASON_AGENT_RESTARTED,
                         "Task launched during agent restart"};
  for (auto& [taskId, task] : run.executor->tasks) {
    if (task.state() != TASK_STAGING || known.count(taskId) > 0) continue;
    TaskStatus status = makeAgentStatus(now, taskId, what);
    status.mutable_executor_id()->set_value(run.executor->id);
    accept(now, run.framework->info.id().value(), &task, std::move(status));
  }
}

void Agent::State::deliverQueuedTasks(Now now, ContainerRun& run) {
  const auto queued = std::exchange(run.executor->queuedTasks, {});
  const auto groups = std::exchange(run.executor->queuedGroups, {});
  for (auto task = queued.begin(); task != queued.end();) {
    const auto group = groups.find(task->task_id().value());
    if (group == groups.end()) {
      deliverTask(now, run, *task++);
      continue;
    }
    std::vector<TaskInfo> members;  // They were queued side by side.
    for (; task != queued.end(); ++task) {
      const auto other = groups.find(task->task_id().value());
      if (other == groups.end() || other->second != group->second) break;
      members.push_back(*task);
    }
    deliverGroup(now, run, members);
  }
}

/// Fact L34.
void Agent::State::deliverGroup(Now now, ContainerRun& run, const std::vector<TaskInfo>& tasks) {
  Event event = simpleEvent(Event::LAUNCH_GROUP);
  for (const TaskInfo& task : tasks) {
    run.executor->tasks[task.task_id().value()] = taskOf(task, run.framework->info.id());
    noteTask(*run.framework, *run.executor, task.task_id().value());
    *event.mutable_launch_group()->mutable_task_group()->add_tasks() = task;
  }
  if (!std::exchange(run.givenTask, true)) noteExecutor(*run.framework, *run.executor);
  send(now, run, std::move(event));
}

void Agent::State::deliverTask(Now now, ContainerRun& run, const TaskInfo& task) {
  run.executor->tasks[task.task_id().value()] = taskOf(task, run.framework->info.id());
  if (!std::exchange(run.givenTask, true)) noteExecutor(*run.framework, *run.executor);
  noteTask(*run.framework, *run.executor, task.task_id().value());
  Event event = simpleEvent(Event::LAUNCH);
  *event.mutable_launch()->mutable_task() = task;
  send(now, run, std::move(event));
}

void Agent::State::send(Now now, ContainerRun& run, Event event) {
  if (run.commandExecutor) {
    run.commandExecutor->onEvent(now, event, run.executor->shutdownGrace);
  } else if (run.executor->stream) {
    effects.push_back(ToExecutor{*run.executor->stream, std::move(event)});
  }
  // Else the stream broke: what is sent meanwhile is lost (fact X41).
}

void Agent::State::handle(Now now, const KillTask& message) {
  const std::string& frameworkId = message.frameworkId.value();
  const std::string& taskId = message.taskId.value();
  AgentFramework* known = findFramework(frameworkId);
  if (known == nullptr || isShuttingDown(frameworkId)) return;  // Fact K10.
  AgentExecutor* executor = findExecutorOf(*known, taskId);
  if (executor == nullptr) {
    const Termination what{droppedState(known->info), TaskStatus::REASON_EXECUTOR_TERMINATED,
                           "Cannot find executor"};  // Fact K14.
    return accept(now, frameworkId, nullptr, makeAgentStatus(now, taskId, what));
  }
  if (executor->state == ExecutorState::Registering) {
    return killQueued(now, *known, *executor, taskId);
  }
  if (executor->state != ExecutorState::Running) return;  // Fact K15.
  Event event = simpleEvent(Event::KILL);
  *event.mutable_kill()->mutable_task_id() = message.taskId;
  if (message.policy) *event.mutable_kill()->mutable_kill_policy() = *message.policy;
  send(now, runs.at(executor->containerId), std::move(event));
}

/// Facts K11 and K13: with one task of a group all of it is killed.
void Agent::State::killQueued(Now now, AgentFramework& known, AgentExecutor& executor,
                              const std::string& taskId) {
  std::vector<std::string> killed{taskId};
  if (const auto group = executor.queuedGroups.find(taskId); group != executor.queuedGroups.end()) {
    const std::uint64_t number = group->second;
    killed.clear();
    for (const auto& [member, ofMember] : executor.queuedGroups) {
      if (ofMember == number) killed.push_back(member);
    }
  }
  for (const std::string& id : killed) {
    TaskRecord* task = takeQueued(known, executor, id);
    if (task == nullptr) continue;  // Killed before.
    TaskStatus status = makeAgentStatus(now, id,
                                        {TASK_KILLED, TaskStatus::REASON_TASK_KILLED_DURING_LAUNCH,
                                         "Killed before delivery to the executor"});
    status.mutable_executor_id()->set_value(executor.id);
    accept(now, known.info.id().value(), task, std::move(status));
  }
}

TaskRecord* Agent::State::takeQueued(AgentFramework& known, AgentExecutor& executor,
                                     const std::string& taskId) {
  auto& queued = executor.queuedTasks;
  const auto found = std::find_if(queued.begin(), queued.end(), [&](const TaskInfo& task) {
    return task.task_id().value() == taskId;
  });
  if (found == queued.end()) return nullptr;
  TaskRecord& task = executor.tasks[taskId];
  task = taskOf(*found, known.info.id());
  executor.queuedGroups.erase(taskId);
  noteTask(known, executor, taskId);
  queued.erase(found);  // `taskId` may be its own.
  return &task;
}

void Agent::State::handle(Now now, const MessageToExecutor& message) {
  AgentExecutor* executor = findExecutor(message.frameworkId.value(), message.executorId.value());
  if (executor == nullptr || executor->state != ExecutorState::Running) return;  // Fact K40.
  ++counters.validFrameworkMessages;
  Event event = simpleEvent(Event::MESSAGE);
  event.mutable_message()->set_data(message.data);
  send(now, runs.at(executor->containerId), std::move(event));
}

void Agent::State::handle(Now now, const ShutdownExecutor& message) {
  AgentExecutor* executor = findExecutor(message.frameworkId.value(), message.executorId.value());
  ContainerRun* run = executor == nullptr ? nullptr : findRun(executor->containerId);
  if (run != nullptr) shutdown(now, *run);
}

void Agent::State::handle(Now now, const ShutdownFramework& message) {
  const std::string& id = message.frameworkId.value();
  streams.erase(id);
  dropOperations(id);
  AgentFramework* known = findFramework(id);
  if (known == nullptr) return;
  shuttingDown.insert(id);
  for (auto next = known->executors.begin(); next != known->executors.end();) {
    AgentExecutor& executor = (next++)->second;
    if (ContainerRun* run = findRun(executor.containerId)) {
      shutdown(now, *run);
    } else {  // It ended; nobody will acknowledge its tasks' statuses any more.
      removeExecutor(*known, std::string(executor.id));
    }
  }
  removeFrameworkIfIdle(id);
}

void Agent::State::shutdown(Now now, ContainerRun& run) {
  if (run.executor->state == ExecutorState::Terminating) return;
  run.executor->state = ExecutorState::Terminating;
  run.registerBy.reset();
  run.destroyAt = now.steady + run.executor->shutdownGrace;
  send(now, run, simpleEvent(Event::SHUTDOWN));
}

void Agent::State::missRegistration(Now now, ContainerRun& run) {
  run.registerBy.reset();
  run.executor->state = ExecutorState::Terminating;
  run.termination = std::make_unique<Termination>(missedDeadline(run));
  destroy(now, run);
}

/// Facts X42, X43.
Termination Agent::State::missedDeadline(const ContainerRun& run) const {
  if (!run.isRecovered) {
    return {
        TASK_FAILED, TaskStatus::REASON_EXECUTOR_REGISTRATION_TIMEOUT,
        "Executor did not register within " + formatDuration(options.executorRegistrationTimeout)};
  }
  return {isPartitionAware(run.framework->info) ? TASK_GONE : TASK_LOST,
          TaskStatus::REASON_EXECUTOR_REREGISTRATION_TIMEOUT,
          "Executor did not reregister within " +
              formatDuration(options.executorReregistrationTimeout)};
}

void Agent::State::destroy(Now now, ContainerRun& run) {
  run.destroyAt.reset();
  if (run.isDestroyed) return;
  run.isDestroyed = true;
  const bool hasProcess =
      run.phase != ContainerRun::Phase::Prepared && run.phase != ContainerRun::Phase::Exited;
  if (!hasProcess) return terminate(now, run, SIGKILL);
  effects.push_back(DestroyContainer{run.executor->containerId});
}

void Agent::State::exited(Now now, ContainerRun& run, int status) {
  if (MESOS_PLANTED(NeverReapRecovered) && run.isRecovered && !run.isDestroyed) return;
  // What a recovered run was doing before it was alive is forgotten.
  if (run.phase != ContainerRun::Phase::Forking && run.phase != ContainerRun::Phase::Alive &&
      !run.isRecovered) {
    return;
  }
  run.phase = ContainerRun::Phase::Exited;
  releaseHeldStatuses(now, run);
  if (!run.commandExecutor || run.isDestroyed) return terminate(now, run, status);
  run.commandExecutor->onExited(now, status);
}

void Agent::State::settle(Now now) {
  for (auto next = runs.begin(); next != runs.end();) {
    ContainerRun& run = (next++)->second;
    if (run.commandExecutor) driveCommandExecutor(now, run);
  }
  finishDrain();
  checkpointNoted();
}

void Agent::State::driveCommandExecutor(Now now, ContainerRun& run) {
  while (const auto effect = run.commandExecutor->poll()) {
    if (const auto* report = std::get_if<ReportStatus>(&*effect)) {
      // A status tells the process' id, as long as there is one to come (fact U16).
      if (run.phase == ContainerRun::Phase::Forking) {
        run.heldStatuses.push_back(report->status);
      } else {
        reportedStatus(now, run, report->status);
      }
    } else if (std::holds_alternative<StartCommand>(*effect)) {
      fork(run);
    } else if (const auto* kill = std::get_if<SignalCommand>(&*effect)) {
      effects.push_back(SignalContainer{run.executor->containerId, kill->signal});
    } else if (const auto* probe = std::get_if<StartProbe>(&*effect)) {
      startCheck(run, *probe);
    } else if (const auto* stop = std::get_if<StopProbe>(&*effect)) {
      effects.push_back(StopCheck{run.executor->containerId, stop->id});
    } else {
      return terminate(now, run, 0);
    }
  }
}

void Agent::State::releaseHeldStatuses(Now now, ContainerRun& run) {
  for (const auto& status : std::exchange(run.heldStatuses, {})) reportedStatus(now, run, status);
}

void Agent::State::terminate(Now now, ContainerRun& run, int status) {
  AgentFramework& known = *run.framework;
  AgentExecutor& executor = *run.executor;
  const std::string frameworkId = known.info.id().value();
  executor.state = ExecutorState::Terminated;
  executor.stream.reset();
  noteExecutor(known, executor);
  ++counters.executorsTerminated;
  if (!isShuttingDown(frameworkId) && !MESOS_PLANTED(LoseTaskOfDeadExecutor)) endTasks(now, run);
  if (!executor.isCommand && !hasLeft) {  // Of a command task's the master does not know (D2).
    ExecutorID id;
    id.set_value(executor.id);
    tellMaster(ExecutorExited{known.info.id(), std::move(id), status});
  }
  runs.erase(executor.containerId);
  // Else it is kept until all is acknowledged (fact X48).
  if (isShuttingDown(frameworkId) || executor.tasks.empty()) {
    removeExecutor(known, std::string(executor.id));
  }
  removeFrameworkIfIdle(frameworkId);
}

void Agent::State::endTasks(Now now, ContainerRun& run) {
  AgentExecutor& executor = *run.executor;
  const Termination what = run.termination ? *run.termination : Termination{};
  while (!executor.queuedTasks.empty()) {
    takeQueued(*run.framework, executor, executor.queuedTasks.front().task_id().value());
  }
  for (auto& [taskId, task] : executor.tasks) {
    if (isTerminal(task.state())) continue;
    TaskStatus status = makeAgentStatus(now, taskId, what);
    status.mutable_executor_id()->set_value(executor.id);
    accept(now, run.framework->info.id().value(), &task, std::move(status));
  }
}

void Agent::State::removeExecutor(AgentFramework& known, const std::string& executorId) {
  const auto found = known.executors.find(executorId);
  AgentExecutor& executor = found->second;
  noteExecutor(known, executor);
  // Tasks that nobody acknowledges any more are shown as they were last heard of.
  executor.queuedTasks.clear();
  executor.queuedGroups.clear();
  while (!executor.tasks.empty()) completeTask(known, executor, executor.tasks.begin()->first);
  known.completedExecutors.push_back(std::move(executor));
  known.executors.erase(found);
  if (known.completedExecutors.size() > options.completedExecutorsMax) {
    known.completedExecutors.pop_front();
  }
}

void Agent::State::removeFrameworkIfIdle(const std::string& frameworkId) {
  const auto found = frameworks.find(frameworkId);
  if (found == frameworks.end() || !found->second.executors.empty()) return;
  completedFrameworks.push_back(std::move(found->second));
  frameworks.erase(found);
  shuttingDown.erase(frameworkId);
  noteFramework(frameworkId);
  if (completedFrameworks.size() > options.completedFrameworksMax) completedFrameworks.pop_front();
}

Duration Agent::State::shutdownGrace(const ExecutorInfo& executor) const {
  if (!executor.has_shutdown_grace_period()) return options.executorShutdownGracePeriod;
  return clientDuration(executor.shutdown_grace_period(), options.timeScale);
}

}  // namespace mesos::cluster
