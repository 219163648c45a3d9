// From RunTask to a process (8.3, section 14).

#include "cluster/agent_environment.hpp"
#include "cluster/agent_fetch.hpp"
#include "cluster/agent_state.hpp"
#include "cluster/agent_tasks.hpp"

#include "base/planted_bug.hpp"
#include "base/uuid.hpp"

#include <algorithm>
#include <string_view>

namespace mesos::cluster {

namespace {

/// ExecutorExited.status of an executor that never had a process (fact E7).
constexpr int kNoStatus = -1;
constexpr int kKilledStatus = 9;

/// What the posix isolators cannot do (fact L43).
std::optional<std::string> limitsError(const TaskInfo& task) {
  const std::string rest =
      " limits can only be set on tasks launched in Mesos containers when the agent has loaded the "
      "'cgroups/";
  if (task.limits().contains("cpus")) return "CPU" + rest + "cpu' isolator";
  if (task.limits().contains("mem")) return "Memory" + rest + "mem' isolator";
  return std::nullopt;
}

}  // namespace

void Agent::State::handle(Now now, const RunTask& message) {
  run(now, {message.framework, {message.task}, message.launchExecutor}, false);
}

void Agent::State::handle(Now now, const RunTaskGroup& message) { run(now, message, true); }

void Agent::State::run(Now now, const RunTaskGroup& message, bool isGroup) {
  const std::string& frameworkId = message.framework.id().value();
  const TaskInfo& first = message.tasks.front();
  if (isShuttingDown(frameworkId)) return;  // Fact L47.
  // What the master is about to be told would lack it. It asks for what it misses (fact G7).
  if (registerAgainAt && !MESOS_PLANTED(TakeTasksWhileRegistering)) return;
  // The id is free again, so what is left of an earlier bearer must not swallow this one's (X34).
  for (const TaskInfo& task : message.tasks) dropStream(frameworkId, task.task_id().value());

  AgentFramework& known = framework(message.framework);
  if (const auto refusal = refuse(known, message)) {
    dropTasks(now, known, message, *refusal);
    removeFrameworkIfIdle(frameworkId);
    return;
  }
  const auto found = known.executors.find(executorIdOf(first));
  AgentExecutor& executor =
      found == known.executors.end() ? startExecutor(now, known, first) : found->second;
  if (executor.state != ExecutorState::Registering) {
    ContainerRun& container = runs.at(executor.containerId);
    return isGroup ? deliverGroup(now, container, message.tasks)
                   : deliverTask(now, container, first);
  }
  for (const TaskInfo& task : message.tasks) {
    executor.queuedTasks.push_back(task);
    noteTask(known, executor, task.task_id().value());
    if (isGroup) executor.queuedGroups[task.task_id().value()] = nextGroup;
  }
  ++nextGroup;
}

std::optional<Agent::State::Refusal> Agent::State::refuse(const AgentFramework& known,
                                                          const RunTaskGroup& message) const {
  if (drain) {
    return Refusal{TaskStatus::REASON_AGENT_DRAINING, "The agent is being drained"};
  }
  for (const TaskInfo& task : message.tasks) {
    if (auto error = limitsError(task)) {
      return Refusal{TaskStatus::REASON_GC_ERROR, *error, false};
    }
  }
  if (lacksReserved(message)) {
    return Refusal{TaskStatus::REASON_RESOURCES_UNKNOWN,
                   "The checkpointed resources being used by the task are unknown to the agent"};
  }
  const TaskInfo& first = message.tasks.front();
  const auto found = known.executors.find(executorIdOf(first));
  if (found == known.executors.end()) {
    if (first.has_executor() && !message.launchExecutor.value_or(true)) {
      return Refusal{TaskStatus::REASON_EXECUTOR_TERMINATED,
                     "Master wants to use an existing executor, but there is none"};
    }
    return std::nullopt;
  }
  const ExecutorState state = found->second.state;
  if (!first.has_executor()) {
    return Refusal{TaskStatus::REASON_TASK_INVALID,
                   "Cannot reuse an already existing executor for a command task"};
  }
  if (message.launchExecutor.value_or(state == ExecutorState::Terminated)) {
    return Refusal{TaskStatus::REASON_EXECUTOR_TERMINATED,
                   "Master wants to launch executor, but one already exists"};
  }
  if (state == ExecutorState::Terminating || state == ExecutorState::Terminated) {
    const bool isOver = state == ExecutorState::Terminated;
    return Refusal{TaskStatus::REASON_EXECUTOR_TERMINATED,
                   isOver ? "Executor terminated" : "Executor terminating", false};
  }
  return std::nullopt;
}

void Agent::State::dropTasks(Now now, AgentFramework& known, const RunTaskGroup& message,
                             const Refusal& refusal) {
  const TaskInfo& first = message.tasks.front();
  const std::string& executorId = executorIdOf(first);
  const std::string& frameworkId = known.info.id().value();
  for (const TaskInfo& task : message.tasks) {
    TaskStatus status = makeAgentStatus(
        now, task.task_id().value(), {droppedState(known.info), refusal.reason, refusal.message});
    if (refusal.namesExecutor) status.mutable_executor_id()->set_value(executorId);
    accept(now, frameworkId, nullptr, std::move(status));
  }
  // A master that counts on a new executor must learn that there is none.
  const AgentExecutor* existing = findExecutor(frameworkId, executorId);
  const bool isNew = existing == nullptr || existing->state == ExecutorState::Terminated;
  if (first.has_executor() && message.launchExecutor.value_or(isNew)) {
    tellMaster(ExecutorExited{known.info.id(), first.executor().executor_id(), kNoStatus});
  }
}

AgentFramework& Agent::State::framework(const FrameworkInfo& frameworkInfo) {
  const std::string& id = frameworkInfo.id().value();
  const auto [entry, isNew] = frameworks.try_emplace(id);
  AgentFramework& known = entry->second;
  known.info = frameworkInfo;
  noteFramework(id);
  if (!isNew) return known;
  known.directory = options.workDir + "/slaves/" + info.id().value() + "/frameworks/" + id;
  // One that was here before gets its history back.
  const auto old = std::find_if(completedFrameworks.begin(), completedFrameworks.end(),
                                [&](const auto& each) { return each.info.id().value() == id; });
  if (old != completedFrameworks.end()) {
    known.completedExecutors = std::move(old->completedExecutors);
    completedFrameworks.erase(old);
  }
  return known;
}

AgentExecutor& Agent::State::startExecutor(Now now, AgentFramework& known, const TaskInfo& task) {
  const bool isCommand = !task.has_executor();
  const CommandInfo& command = isCommand ? task.command() : task.executor().command();
  const std::string& executorId = executorIdOf(task);

  AgentExecutor& executor = known.executors[executorId];
  ExecutorInfo executorInfo =
      isCommand ? commandExecutorInfo(task, known.info.id()) : task.executor();
  *executorInfo.mutable_framework_id() = known.info.id();
  executor.id = executorId;
  executor.info = executorInfo;
  executor.shutdownGrace = shutdownGrace(executorInfo);
  executor.isCommand = isCommand;
  executor.containerId = randomUuidText(random);

  ContainerRun run{};
  run.framework = &known;
  run.executor = &executor;
  run.command = command;
  run.user = userFor(known, command);
  // From the request on: fetching counts (fact X43).
  run.registerBy = now.steady + options.executorRegistrationTimeout;
  PrepareContainer prepare{executor.containerId, sandboxOf(known, executor), run.user, {}};
  // A refused URI is not fetched, but there is a sandbox all the same (fact F2).
  if (validateUris(command)) prepare.uris = urisToFetch(command);
  runs.emplace(executor.containerId, std::move(run));
  noteExecutor(known, executor);
  effects.push_back(std::move(prepare));
  return executor;
}

std::string Agent::State::userFor(const AgentFramework& known, const CommandInfo& command) const {
  if (!options.switchUser) return options.agentUser;
  if (!command.user().empty()) return command.user();
  return known.info.user().empty() ? options.agentUser : known.info.user();
}

void Agent::State::prepared(Now now, ContainerRun& run, const Result<void>& result) {
  if (run.phase != ContainerRun::Phase::Preparing) return;
  run.phase = ContainerRun::Phase::Prepared;
  if (!result) {
    const std::string& message = result.error().message;
    if (message.rfind("Failed to create executor directory", 0) != 0) {
      return failLaunch(now, run, message);
    }
    run.termination = std::make_unique<Termination>(
        Termination{droppedState(run.framework->info), TaskStatus::REASON_EXECUTOR_TERMINATED,
                    message});  // Fact L44.
    return terminate(now, run, kNoStatus);
  }
  if (const auto valid = validateUris(run.command.unpack()); !valid) {
    return failLaunch(now, run, "Could not fetch: " + valid.error().message);
  }
  if (run.executor->state == ExecutorState::Terminating) return terminate(now, run, kKilledStatus);
  if (run.executor->isCommand) return subscribeCommandExecutor(now, run);
  fork(run);
}

void Agent::State::failLaunch(Now now, ContainerRun& run, const std::string& why) {
  ++counters.containerLaunchErrors;
  // Whatever else was about to end it: this is what did (fact X43).
  run.termination = std::make_unique<Termination>(
      Termination{TASK_FAILED, TaskStatus::REASON_CONTAINER_LAUNCH_FAILED,
                  "Failed to launch container: " + why});
  terminate(now, run, run.isDestroyed ? kKilledStatus : kNoStatus);
}

EnvironmentSource Agent::State::environmentOf(const ContainerRun& run) const {
  return {options, info.id().value(), pid, *run.framework, *run.executor};
}

/// Fact H3: a command runs where the task runs, in its environment and the command's own.
void Agent::State::startCheck(ContainerRun& run, const StartProbe& probe) {
  StartCheck effect{run.executor->containerId, probe.id, {}};
  if (const auto* http = std::get_if<HttpProbe>(&probe.probe)) {
    effect.what = *http;
  } else if (const auto* tcp = std::get_if<TcpProbe>(&probe.probe)) {
    effect.what = *tcp;
  } else {
    const auto& command = std::get<CommandInfo>(probe.probe);
    effect.what =
        ForkContainer{run.executor->containerId,
                      sandboxOf(*run.framework, *run.executor),
                      run.user,
                      command.shell(),
                      command.value(),
                      {command.arguments().begin(), command.arguments().end()},
                      checkEnvironment(environmentOf(run), run.command.unpack(), command)};
  }
  effects.push_back(std::move(effect));
}

void Agent::State::fork(ContainerRun& run) {
  const AgentExecutor& executor = *run.executor;
  const EnvironmentSource source = environmentOf(run);
  const CommandInfo command = run.command.unpack();
  ForkContainer effect{
      executor.containerId,
      sandboxOf(*run.framework, executor),
      run.user,
      command.shell(),
      command.value(),
      {command.arguments().begin(), command.arguments().end()},
      executor.isCommand ? taskEnvironment(source, command) : executorEnvironment(source, command)};
  run.phase = ContainerRun::Phase::Forking;
  effects.push_back(std::move(effect));
}

void Agent::State::forked(Now now, ContainerRun& run, const Result<int>& forkedPid) {
  if (run.phase != ContainerRun::Phase::Forking) return;
  if (!forkedPid) {
    run.phase = ContainerRun::Phase::Exited;
    return failLaunch(now, run, forkedPid.error().message);
  }
  run.phase = ContainerRun::Phase::Alive;
  run.executor->pid = *forkedPid;
  noteExecutor(*run.framework, *run.executor);
  releaseHeldStatuses(now, run);
  if (run.commandExecutor && !run.isDestroyed) run.commandExecutor->onStarted(now);
}

}  // namespace mesos::cluster
