#include "cluster/agent.hpp"

#include "cluster/agent_state.hpp"
#include "cluster/agent_tasks.hpp"
#include "cluster/task.hpp"

#include "base/planted_bug.hpp"

#include <algorithm>
#include <iterator>

namespace mesos::cluster {

Agent::State::State(Now now, AgentOptions agentOptions, Random& source, AgentRecovery recovery)
    : options(std::move(agentOptions)),
      random(source),
      started(now),
      registrationBackoff({options.registrationBackoff,
                           std::max(options.registrationBackoff, options.registrationBackoff * 60),
                           0.5}) {
  total = options.resources;
  info.set_hostname(options.hostname);
  info.set_port(options.port);
  *info.mutable_resources() = options.resources.toProto();
  for (const auto& attribute : options.attributes) *info.add_attributes() = attribute;
  pid = "slave(1)@" + options.ip + ":" + std::to_string(options.port);
  recover(now, std::move(recovery));
}

void Agent::State::start(Now now) {
  registrationBackoff.reset();
  if (!hasLeft && !recoverBy) sendRegistration(now);
}

void Agent::State::sendRegistration(Now now) {
  RegisterAgent message{info, pid, options.version, {}, {}, {}};
  for (const auto& [frameworkId, known] : frameworks) {
    message.frameworks.push_back(known.info);
    for (const auto& [executorId, executor] : known.executors) {
      const bool isLive = executor.state != ExecutorState::Terminated;
      if (isLive && !executor.isCommand) message.executors.push_back(executor.info.unpack());
      for (const auto& [taskId, task] : executor.tasks) message.tasks.push_back(task);
      for (const auto& task : executor.queuedTasks) {
        message.tasks.emplace_back(taskOf(task, known.info.id()));
      }
    }
  }
  message.total = total;
  for (const auto& [uuid, pending] : operations) message.operations.push_back(pending.operation);
  message.attempt = registrationAttempts++;
  tellMaster(std::move(message));
  if (MESOS_PLANTED(RegisterOnlyOnce)) return;
  registerAgainAt = now.steady + registrationBackoff.next(random);
}

void Agent::State::handle(Now now, const AgentRegistered& message) {
  // A late answer to a registration before the last one, which does not tell the master of tasks
  // that would be taken now.
  if (registerAgainAt && message.attempt + 1 != registrationAttempts) return;
  const std::string& known = info.id().value();
  if (!known.empty() && known != message.agentId.value()) {
    // A master that had given this agent up has answered one of its first registrations anew. Its
    // executors live under the id that it has, and the master must learn that.
    if (!registerAgainAt) start(now);
    return;
  }
  if (known.empty()) {
    *info.mutable_id() = message.agentId;
    checkpointAgent();
  }
  registerAgainAt.reset();
  registrationBackoff.reset();
  if (message.total && !(*message.total == total)) {
    total = *message.total;
    checkpointAgent();
  }
  pingTimeout = message.pingTimeout;
  if (pingTimeout > Duration::zero()) silentAt = now.steady + pingTimeout;
  for (auto& [frameworkId, ofTasks] : streams) {
    for (auto& [taskId, stream] : ofTasks) stream.resend(now.steady);
  }
  sendDue(now);
  resendOperations(now);
  for (const UnknownTask& task : message.missing) denyTask(now, task);
}

/// Facts G2, G8.
void Agent::State::handle(Now now, const Ping& message) {
  tellMaster(Pong{});
  if (silentAt) silentAt = now.steady + pingTimeout;
  if (!message.connected && !registerAgainAt) start(now);
}

void Agent::State::handle(Now now, const ShutdownAgent&) { end(now); }

/// Fact G7.
void Agent::State::denyTask(Now now, const UnknownTask& task) {
  const std::string& frameworkId = task.framework.id().value();
  const std::string& taskId = task.taskId.value();
  if (isShuttingDown(frameworkId) || MESOS_PLANTED(IgnoreMissingTasks)) return;
  AgentFramework* known = findFramework(frameworkId);
  if (known != nullptr && findExecutorOf(*known, taskId) != nullptr) return;
  if (findStream(frameworkId, taskId) != nullptr) return;  // Its end is on its way.
  accept(now, frameworkId, nullptr,
         makeAgentStatus(now, taskId,
                         {droppedState(task.framework), TaskStatus::REASON_RECONCILIATION,
                          "Reconciliation: task unknown to the agent"}));
}

void Agent::State::handle(Now now, const FrameworkResubscribed& message) {
  const std::string& id = message.framework.id().value();
  if (AgentFramework* known = findFramework(id)) {
    known->info = message.framework;
    noteFramework(id);
  }
  resendAll(now, id);
}

void Agent::State::handle(Now, const FrameworkUpdated& message) {
  if (AgentFramework* known = findFramework(message.framework.id().value())) {
    known->info = message.framework;
    noteFramework(message.framework.id().value());
  }
}

void Agent::State::leave(Now now) {
  if (hasLeft) return;
  tellMaster(UnregisterAgent{});
  end(now);
}

void Agent::State::end(Now now) {
  hasLeft = true;
  registerAgainAt.reset();
  silentAt.reset();
  streams.clear();
  operations.clear();
  effects.push_back(AgentEnded{});
  for (auto next = runs.begin(); next != runs.end();) {
    ContainerRun& run = (next++)->second;  // destroy() may end the run.
    run.executor->state = ExecutorState::Terminating;
    destroy(now, run);
  }
}

void Agent::State::fireTimers(Now now) {
  if (registerAgainAt && *registerAgainAt <= now.steady) sendRegistration(now);
  if (silentAt && *silentAt <= now.steady) {
    silentAt = now.steady + pingTimeout;
    if (!registerAgainAt) start(now);
  }
  for (auto next = runs.begin(); next != runs.end();) {
    ContainerRun& run = (next++)->second;
    fireTimers(now, run);
  }
  if (recoverBy && *recoverBy <= now.steady) finishRecovery(now);
  sendDue(now);
  sendDueOperations(now);
}

namespace {

bool isDue(const std::optional<TimePoint>& when, Now now) { return when && *when <= now.steady; }

void keepEarliest(std::optional<TimePoint>& earliest, const std::optional<TimePoint>& when) {
  if (when && (!earliest || *when < *earliest)) earliest = when;
}

}  // namespace

void Agent::State::fireTimers(Now now, ContainerRun& run) {
  if (isDue(run.heartbeatAt, now)) {
    run.heartbeatAt = now.steady + options.executorHeartbeatInterval;
    Event heartbeat;
    heartbeat.set_type(Event::HEARTBEAT);
    send(now, run, std::move(heartbeat));
  }
  if (run.commandExecutor) run.commandExecutor->onTimer(now);
  if (isDue(run.registerBy, now)) return missRegistration(now, run);
  if (isDue(run.destroyAt, now)) destroy(now, run);
}

std::optional<TimePoint> Agent::State::deadline() const {
  std::optional<TimePoint> earliest = registerAgainAt;
  keepEarliest(earliest, silentAt);
  keepEarliest(earliest, recoverBy);
  for (const auto& [containerId, run] : runs) {
    keepEarliest(earliest, run.registerBy);
    keepEarliest(earliest, run.destroyAt);
    keepEarliest(earliest, run.heartbeatAt);
    if (run.commandExecutor) keepEarliest(earliest, run.commandExecutor->deadline());
  }
  for (const auto& [frameworkId, ofTasks] : streams) {
    for (const auto& [taskId, stream] : ofTasks) keepEarliest(earliest, stream.dueAt());
  }
  for (const auto& [uuid, pending] : operations) keepEarliest(earliest, pending.dueAt);
  return earliest;
}

AgentFramework* Agent::State::findFramework(const std::string& id) {
  const auto found = frameworks.find(id);
  return found == frameworks.end() ? nullptr : &found->second;
}

AgentExecutor* Agent::State::findExecutor(const std::string& frameworkId,
                                          const std::string& executorId) {
  AgentFramework* known = findFramework(frameworkId);
  if (known == nullptr) return nullptr;
  const auto found = known->executors.find(executorId);
  return found == known->executors.end() ? nullptr : &found->second;
}

AgentExecutor* Agent::State::findExecutorOf(AgentFramework& known, const std::string& taskId) {
  for (auto& [executorId, executor] : known.executors) {
    if (executor.tasks.count(taskId) > 0) return &executor;
    for (const auto& task : executor.queuedTasks) {
      if (task.task_id().value() == taskId) return &executor;
    }
  }
  return nullptr;
}

ContainerRun* Agent::State::findRun(const std::string& containerId) {
  const auto found = runs.find(containerId);
  return found == runs.end() ? nullptr : &found->second;
}

bool Agent::State::isShuttingDown(const std::string& frameworkId) const {
  return hasLeft || shuttingDown.count(frameworkId) > 0;
}

Agent::Agent(Now now, AgentOptions options, Random& random, AgentRecovery recovery)
    : state_(std::make_unique<State>(now, std::move(options), random, std::move(recovery))) {}

Agent::~Agent() = default;

void Agent::onStart(Now now) { state_->start(now); }

void Agent::onMasterMessage(Now now, MasterToAgent message) {
  if (state_->hasLeft) return;
  std::visit([&](const auto& each) { state_->handle(now, each); }, message);
  state_->settle(now);
}

void Agent::onLeave(Now now) {
  state_->leave(now);
  state_->settle(now);
}

void Agent::onExecutorSubscribe(Now now, ExecutorStreamId stream, const Call& call) {
  state_->subscribe(now, stream, call);
  state_->settle(now);
}

void Agent::onExecutorStreamClosed(Now, ExecutorStreamId stream) {
  for (auto& [containerId, run] : state_->runs) {
    if (run.executor->stream != stream) continue;
    run.executor->stream.reset();
    run.heartbeatAt.reset();
  }
}

void Agent::onExecutorCall(Now now, const Call& call) {
  state_->executorCall(now, call);
  state_->settle(now);
}

void Agent::onPrepared(Now now, const std::string& containerId, Result<void> result) {
  if (ContainerRun* run = state_->findRun(containerId)) state_->prepared(now, *run, result);
  state_->settle(now);
}

void Agent::onForked(Now now, const std::string& containerId, Result<int> pid) {
  if (ContainerRun* run = state_->findRun(containerId)) state_->forked(now, *run, pid);
  state_->settle(now);
}

void Agent::onExited(Now now, const std::string& containerId, int status) {
  if (ContainerRun* run = state_->findRun(containerId)) state_->exited(now, *run, status);
  state_->settle(now);
}

void Agent::onChecked(Now now, const std::string& containerId, std::uint64_t checkId,
                      const Result<int>& outcome) {
  ContainerRun* run = state_->findRun(containerId);
  if (run != nullptr && run->commandExecutor) run->commandExecutor->onProbed(now, checkId, outcome);
  state_->settle(now);
}

LivingExecutors Agent::onKilled() { return state_->killed(); }

void Agent::onTimer(Now now) {
  state_->fireTimers(now);
  state_->settle(now);
}

std::optional<Agent::Effect> Agent::poll() {
  if (state_->effects.empty()) return std::nullopt;
  Effect effect = std::move(state_->effects.front());
  state_->effects.pop_front();
  return effect;
}

std::optional<TimePoint> Agent::deadline() const { return state_->deadline(); }

const AgentOptions& Agent::options() const { return state_->options; }
const AgentInfo& Agent::info() const { return state_->info; }
const std::string& Agent::pid() const { return state_->pid; }
Now Agent::started() const { return state_->started; }
bool Agent::isRecovering() const { return state_->recoverBy.has_value(); }
std::vector<std::string> Agent::containers() const {
  std::vector<std::string> ids;
  for (const auto& run : state_->runs) ids.push_back(run.first);
  return ids;
}
const std::map<std::string, AgentFramework>& Agent::frameworks() const {
  return state_->frameworks;
}
const std::list<AgentFramework>& Agent::completedFrameworks() const {
  return state_->completedFrameworks;
}
const Resources& Agent::total() const { return state_->total; }
const std::optional<v1::DrainConfig>& Agent::drain() const { return state_->drain; }
std::optional<Now> Agent::drainStarted() const { return state_->drainStarted; }
const AgentCounters& Agent::counters() const { return state_->counters; }
const AgentExecutor* Agent::executor(const std::string& frameworkId,
                                     const std::string& executorId) const {
  return state_->findExecutor(frameworkId, executorId);
}

}  // namespace mesos::cluster
