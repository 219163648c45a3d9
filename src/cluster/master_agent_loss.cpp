// Agents fall silent and leave (section 11).
#include "base/check.hpp"
#include "base/duration.hpp"
#include "base/planted_bug.hpp"
#include "cluster/master.hpp"
#include "cluster/validation.hpp"

#include <utility>

namespace mesos::cluster {
namespace {

/// What is told of the tasks of a lost agent (facts G3, G5, G6).
TaskState lostState(AgentLoss loss, const FrameworkInfo& framework) {
  if (!hasCapability(framework, FrameworkInfo::Capability::PARTITION_AWARE)) return TASK_LOST;
  if (loss == AgentLoss::Unreachable && !MESOS_PLANTED(TellLostOfUnreachable)) {
    return TASK_UNREACHABLE;
  }
  if (MESOS_PLANTED(KeepTasksOfGoneAgent)) return TASK_UNREACHABLE;
  return loss == AgentLoss::Gone ? TASK_GONE_BY_OPERATOR : TASK_LOST;
}

TaskStatus::Reason lossReason(TaskState state) {
  return state == TASK_GONE_BY_OPERATOR ? TaskStatus::REASON_AGENT_REMOVED_BY_OPERATOR
                                        : TaskStatus::REASON_AGENT_REMOVED;
}

TaskStatus statusOfLost(Now now, const Task& task, TaskState state, TaskStatus::Reason reason,
                        const std::string& message) {
  TaskStatus status = makeStatus(task.task_id(), state, message);
  status.set_source(TaskStatus::SOURCE_MASTER);
  status.set_reason(reason);
  *status.mutable_agent_id() = task.agent_id();
  if (task.has_executor_id()) *status.mutable_executor_id() = task.executor_id();
  status.set_timestamp(now.unixSeconds());
  return status;
}

/// Of an operation whose end nobody heard of. Without a uuid, as C20's; nullopt: nothing is told.
std::optional<v1::OperationStatus> statusOfLost(const v1::Operation& operation, AgentLoss loss,
                                                const std::string& message) {
  const bool isPending = operation.latest_status().state() == v1::OPERATION_PENDING;
  if (!isPending || loss == AgentLoss::Removed) return std::nullopt;
  v1::OperationStatus status;
  *status.mutable_operation_id() = operation.info().id();
  status.set_state(loss == AgentLoss::Gone ? v1::OPERATION_GONE_BY_OPERATOR
                                           : v1::OPERATION_UNREACHABLE);
  status.set_message(message);
  *status.mutable_agent_id() = operation.agent_id();
  return status;
}

}  // namespace

// --- Silence.

/// Fact G2.
void Master::pingAgents(Now now) {
  while (!pings_.empty() && pings_.begin()->first <= now.steady) {
    const std::string id = pings_.begin()->second;
    pings_.erase(pings_.begin());
    MasterAgent& agent = agents_.at(id);
    if (agent.pinged && ++agent.missedPings >= options_.maxAgentPingTimeouts) {
      removeAgent(now, id, AgentLoss::Unreachable, "health check timed out");
    } else {
      ping(now, agent);
    }
  }
}

void Master::ping(Now now, MasterAgent& agent) {
  const std::string& id = agent.info.id().value();
  // Also over a link that broke: an agent that has another one learns that it is missed.
  effects_.push_back(ToAgent{id, agent.link, Ping{agent.connected}});
  agent.pinged = true;
  agent.pingAt = now.steady + options_.agentPingTimeout;
  pings_.insert({agent.pingAt, id});
}

/// Fact G1.
void Master::onAgentLinkClosed(Now now, std::uint64_t link) {
  const auto known = links_.find(link);
  if (known == links_.end()) return;
  const std::string id = known->second;
  links_.erase(known);
  MasterAgent& agent = agents_.at(id);
  agent.connected = false;
  agent.active = false;
  if (!MESOS_PLANTED(OfferDisconnectedAgents)) allocator_.deactivateAgent(id);
  rescindOffersOf(now, agent);
  endTasksWithoutCheckpoint(now, agent);
  agent.reregisterBy = now.steady + options_.agentReregisterTimeout;
  reregistrations_.insert({*agent.reregisterBy, id});
}

void Master::rescindOffersOf(Now now, MasterAgent& agent) {
  while (!agent.offers.empty()) {
    const std::string offer = *agent.offers.begin();
    rescindOffer(now, offer);
  }
}

/// Nothing of theirs survives the agent's process, and nobody knows whether that still runs.
void Master::endTasksWithoutCheckpoint(Now now, MasterAgent& agent) {
  const std::string& agentId = agent.info.id().value();
  for (auto& [frameworkId, framework] : frameworks_) {
    if (framework.info.checkpoint() || MESOS_PLANTED(KeepTasksWithoutCheckpoint)) continue;
    while (agent.tasks.count(frameworkId) != 0) {
      const std::string taskId = *agent.tasks.at(frameworkId).begin();
      MasterTask& task = framework.tasks.at(taskId);
      endTask(
          now, framework, task,
          statusOfLost(now, task.task.unpack(), TASK_LOST, TaskStatus::REASON_AGENT_DISCONNECTED,
                       "Agent " + agent.info.hostname() + " disconnected"));
      completeTask(framework, taskId);
    }
    releaseExecutors(now, framework, agentId);
  }
}

/// Books and tells the status that the master makes up for a task; a terminal task keeps its own.
void Master::endTask(Now now, MasterFramework& framework, MasterTask& task, TaskStatus status) {
  if (isTerminal(task.task.state())) return;
  const TaskState state = status.state();
  applyStatus(now, framework, task, status, state);
  if (!isTerminal(state)) {  // TASK_UNREACHABLE: it may be back, and so may its resources.
    release(now, framework.info.id().value(), task.agent->info.id().value(),
            Resources(task.task.unpack().resources()));
  }
  sendStatus(framework, std::move(status));
}

void Master::releaseExecutors(Now now, MasterFramework& framework, const std::string& agentId) {
  const auto executors = framework.executors.find(agentId);
  if (executors == framework.executors.end()) return;
  for (const auto& executor : executors->second) {
    release(now, framework.info.id().value(), agentId, Resources(executor.second.resources()));
  }
  framework.executors.erase(executors);
}

/// Facts G2 and G8: those that did not come back in time.
void Master::expireAgents(Now now) {
  const std::string within =
      "agent did not re-register within " + formatDuration(options_.agentReregisterTimeout);
  while (!reregistrations_.empty() && reregistrations_.begin()->first <= now.steady) {
    const std::string id = reregistrations_.begin()->second;
    removeAgent(now, id, AgentLoss::Unreachable, within + " after disconnecting");
  }
  if (!recoverBy_ || *recoverBy_ > now.steady) return;
  recoverBy_.reset();
  for (const auto& [id, info] : std::exchange(recovered_, {})) {
    registry_.admitted.erase(id);
    registry_.unreachable.insert_or_assign(id, now);
    reportLost(info.id());
  }
}

// --- Loss.

void Master::stopWatching(MasterAgent& agent) {
  const std::string& id = agent.info.id().value();
  pings_.erase({agent.pingAt, id});
  if (agent.reregisterBy) reregistrations_.erase({*agent.reregisterBy, id});
  if (const auto link = links_.find(agent.link); link != links_.end() && link->second == id) {
    links_.erase(link);
  }
  if (const auto pid = agentsByPid_.find(agent.pid);
      pid != agentsByPid_.end() && pid->second == id) {
    agentsByPid_.erase(pid);
  }
}

void Master::removeAgent(Now now, std::string agentId, AgentLoss loss, const std::string& message) {
  MasterAgent& agent = agents_.at(agentId);
  registry_.admitted.erase(agentId);
  if (loss == AgentLoss::Unreachable && !MESOS_PLANTED(ForgetUnreachableAgents)) {
    registry_.unreachable.insert_or_assign(agentId, now);
  }
  if (loss != AgentLoss::Unreachable) registry_.deactivated.erase(agentId);
  if (loss == AgentLoss::Gone) {
    registry_.gone.insert_or_assign(agentId, now);
    sendToAgent(agent, ShutdownAgent{});
  }
  rescindOffersOf(now, agent);
  loseTasks(now, agent, loss,
            loss == AgentLoss::Removed ? "Agent " + agent.info.hostname() + " removed: " + message
                                       : message);
  for (auto& [frameworkId, framework] : frameworks_) releaseExecutors(now, framework, agentId);
  for (const auto& [uuid, operation] : agent.operations) {
    const MasterFramework* framework = findFramework(operation.framework_id().value());
    auto status = statusOfLost(operation, loss, message);
    if (framework != nullptr && status) sendOperationStatus(*framework, *std::move(status));
  }
  MESOS_CHECK(agent.used.empty());
  const AgentID id = agent.info.id();
  stopWatching(agent);
  allocator_.removeAgent(agentId);
  agents_.erase(agentId);
  if (loss == AgentLoss::Removed) tellAgentRemoved(id);  // Not of others (fact W72).
  reportLost(id);
}

void Master::loseTasks(Now now, MasterAgent& agent, AgentLoss loss, const std::string& message) {
  while (!agent.tasks.empty()) {
    const auto& [frameworkId, taskIds] = *agent.tasks.begin();
    const std::string taskId = *taskIds.begin();
    MasterFramework& framework = frameworks_.at(frameworkId);
    MasterTask& task = framework.tasks.at(taskId);
    const bool mayReturn = loss == AgentLoss::Unreachable && !isTerminal(task.task.state());
    const TaskState state = lostState(loss, framework.info);
    TaskStatus status = statusOfLost(now, task.task.unpack(), state, lossReason(state), message);
    if (loss == AgentLoss::Unreachable) {
      status.mutable_unreachable_time()->set_nanoseconds(now.wall.time_since_epoch().count());
    }
    endTask(now, framework, task, std::move(status));
    if (!mayReturn) {
      completeTask(framework, taskId);
      continue;
    }
    framework.unreachableTasks.push_back(takeTask(framework, taskId));
    while (framework.unreachableTasks.size() > options_.unreachableTasksMax) {
      framework.unreachableTasks.pop_front();
    }
  }
}

/// Fact E7.
void Master::reportLost(const AgentID& agentId) {
  Event failure;
  failure.set_type(Event::FAILURE);
  *failure.mutable_failure()->mutable_agent_id() = agentId;
  for (const auto& framework : frameworks_) send(framework.second, failure);
}

bool Master::markAgentGone(Now now, const std::string& agentId) {
  if (registry_.gone.count(agentId) != 0) return true;
  if (findAgent(agentId) != nullptr) {
    removeAgent(now, agentId, AgentLoss::Gone, "Agent has been marked gone");
    return true;
  }
  const auto recovered = recovered_.find(agentId);
  if (recovered == recovered_.end() && registry_.unreachable.count(agentId) == 0) return false;
  AgentID id;
  id.set_value(agentId);
  if (recovered != recovered_.end()) recovered_.erase(recovered);
  if (recovered_.empty()) recoverBy_.reset();
  registry_.admitted.erase(agentId);
  registry_.unreachable.erase(agentId);
  registry_.deactivated.erase(agentId);
  registry_.gone.insert_or_assign(agentId, now);
  reportLost(id);
  return true;
}

}  // namespace mesos::cluster
