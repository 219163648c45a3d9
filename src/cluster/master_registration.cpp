// Agents come, and come back (section 11).
#include "cluster/master.hpp"
#include "cluster/task.hpp"
#include "cluster/validation.hpp"

#include "base/planted_bug.hpp"

#include <set>
#include <utility>

namespace mesos::cluster {
namespace {

/// For a master that may have passed on acknowledgements since this was sent: not the tasks that
/// ended, as one of them may be settled. What is not acknowledged comes as an update.
RegisterAgent withoutEndedTasks(RegisterAgent message) {
  std::erase_if(message.tasks, [](const TaskRecord& task) { return isTerminal(task.state()); });
  return message;
}

TaskID idOf(const std::string& text) {
  TaskID id;
  id.set_value(text);
  return id;
}

}  // namespace

void Master::registerAgent(Now now, std::uint64_t link, RegisterAgent message) {
  if (!leads() || isRecovering(now)) return;  // The agent asks again.
  const std::string id = message.info.id().value();
  ++counters_.messages[id.empty() ? "messages_register_slave" : "messages_reregister_slave"];
  if (registry_.gone.count(id) != 0) {  // Fact G6.
    effects_.push_back(ToAgent{id, link, ShutdownAgent{}});
    return;
  }
  if (const auto known = links_.find(link); id.empty() && known != links_.end()) {
    // The first answer was late or lost, and so may be what was launched behind it.
    MasterAgent& agent = agents_.at(known->second);
    releaseMissingExecutors(now, agent, message);
    welcome(agent, message, findMissingTasks(agent, message));
    return;
  }
  // Nobody else is at its address any more. It may be the same agent, which did not know yet that
  // it has an id.
  if (const auto old = agentsByPid_.find(message.pid);
      old != agentsByPid_.end() && old->second != id) {
    const std::string other = old->second;
    removeAgent(now, other, AgentLoss::Removed, "a new agent registered at the same address");
  }
  if (MasterAgent* known = findAgent(id)) return reregisterAgent(now, link, *known, message);
  if (!id.empty()) return addAgent(now, link, message);
  message.info.mutable_id()->set_value(id_ + "-S" + std::to_string(nextAgent_++));
  addAgent(now, link, message);
}

/// A new one, or one that this master did not have (facts G4, G8).
void Master::addAgent(Now now, std::uint64_t link, const RegisterAgent& message) {
  const std::string id = message.info.id().value();
  recovered_.erase(id);
  if (recovered_.empty()) recoverBy_.reset();
  const bool returns = registry_.unreachable.erase(id) != 0;
  registry_.admitted[id] = message.info;
  if (returns) forgetUnreachableTasks(id);

  MasterAgent& agent = agents_[id];
  agent.info = message.info;
  // A list that is cleared keeps its memory.
  google::protobuf::RepeatedPtrField<Resource>().Swap(agent.info.mutable_resources());
  agent.pid = message.pid;
  agent.version = message.version;
  agent.total = message.total.empty() ? Resources(message.info.resources()) : message.total;
  for (const auto& operation : message.operations) {
    agent.operations[operation.uuid().value()] = operation;
  }
  agent.registered = now;
  agent.link = link;
  links_[link] = id;
  agentsByPid_[agent.pid] = id;
  allocator_.addAgent(now, id, agent.info, agent.total);
  recoverFrameworks(now, message.frameworks);
  adoptTasks(agent, returns ? withoutEndedTasks(message) : message);
  welcome(agent, message, {});
  if (returns) reportReturned(now, agent, message);
  resumeDrain(now, agent);
  tellAgentAdded(agent);
  ping(now, agent);
}

/// Its link broke, its process was restarted, or it heard nothing for long. What the two know of
/// each other may differ.
void Master::reregisterAgent(Now now, std::uint64_t link, MasterAgent& agent,
                             const RegisterAgent& message) {
  const std::string& id = agent.info.id().value();
  if (const auto old = links_.find(agent.link); old != links_.end() && old->second == id) {
    links_.erase(old);
  }
  links_[link] = id;
  agent.link = link;
  agent.reregistered = now;
  agent.pinged = false;
  agent.missedPings = 0;
  if (agent.reregisterBy) reregistrations_.erase({*agent.reregisterBy, id});
  agent.reregisterBy.reset();
  agent.connected = true;
  releaseMissingExecutors(now, agent, message);
  recoverFrameworks(now, message.frameworks);
  adoptTasks(agent, withoutEndedTasks(message));
  welcome(agent, message, findMissingTasks(agent, message));
  syncReservations(agent, message.operations);
  if (!agent.active) allocator_.activateAgent(now, id);
  agent.active = true;
  resumeDrain(now, agent);
}

/// The answer, and what the agent missed: removed frameworks, new FrameworkInfos, kills (fact K3).
void Master::welcome(const MasterAgent& agent, const RegisterAgent& message,
                     std::vector<UnknownTask> missing) {
  const Duration pingTimeout =
      options_.agentPingTimeout * static_cast<Duration::rep>(options_.maxAgentPingTimeouts);
  sendToAgent(agent, AgentRegistered{agent.info.id(), agent.total, pingTimeout, std::move(missing),
                                     message.attempt});
  for (const FrameworkInfo& told : message.frameworks) {
    if (wasRemoved(told.id().value())) {
      sendToAgent(agent, ShutdownFramework{told.id()});
      continue;
    }
    const MasterFramework* known = findFramework(told.id().value());
    if (known == nullptr || known->recovered) continue;
    if (known->info.SerializeAsString() != told.SerializeAsString()) {
      sendToAgent(agent, FrameworkResubscribed{known->info});
    }
  }
  for (const auto& [frameworkId, taskIds] : agent.tasks) {
    const MasterFramework& framework = frameworks_.at(frameworkId);
    for (const std::string& taskId : taskIds) {
      const MasterTask& task = framework.tasks.at(taskId);
      if (!task.killRequested || isTerminal(task.task.state())) continue;
      sendToAgent(agent, KillTask{framework.info.id(), idOf(taskId), std::nullopt});
    }
  }
}

/// Fact S53: known from an agent, without a timer, until it subscribes.
void Master::recoverFrameworks(Now now, const std::vector<FrameworkInfo>& frameworks) {
  for (const FrameworkInfo& info : frameworks) {
    const std::string& id = info.id().value();
    if (findFramework(id) != nullptr || wasRemoved(id)) continue;
    MasterFramework& framework = frameworks_[id];
    framework.info = info;
    framework.registered = now;
    framework.recovered = true;
    allocator_.addFramework(now, info, {});
    allocator_.deactivateFramework(id);
  }
}

void Master::adoptTasks(MasterAgent& agent, const RegisterAgent& message) {
  const std::string& agentId = agent.info.id().value();
  const auto use = [&](const FrameworkID& frameworkId,
                       const google::protobuf::RepeatedPtrField<Resource>& resources) {
    const Resources used(resources);
    agent.used += used;
    allocator_.allocated(frameworkId.value(), agentId, used);
  };
  for (const ExecutorInfo& executor : message.executors) {
    MasterFramework* framework = findFramework(executor.framework_id().value());
    if (framework == nullptr) continue;
    auto& known = framework->executors[agentId];
    if (!known.emplace(executor.executor_id().value(), executor).second) continue;
    use(executor.framework_id(), executor.resources());
  }
  for (const TaskRecord& reported : message.tasks) {
    if (MESOS_PLANTED(ForgetTasksAfterFailover)) break;
    Task task = reported.unpack();
    MasterFramework* framework = findFramework(task.framework_id().value());
    if (framework == nullptr || framework->tasks.count(task.task_id().value()) != 0) continue;
    *task.mutable_agent_id() = agent.info.id();
    task.clear_status_update_state();  // This master has forwarded nothing yet (fact K32).
    task.clear_status_update_uuid();
    if (!isTerminal(task.state()) || MESOS_PLANTED(UseResourcesOfTerminalTasks)) {
      use(task.framework_id(), task.resources());
    }
    addTask(*framework, agent, std::move(task));
  }
}

/// Executors that ended while nobody could be told.
void Master::releaseMissingExecutors(Now now, MasterAgent& agent, const RegisterAgent& message) {
  if (MESOS_PLANTED(LeakExecutorsEndedMeanwhile)) return;
  const std::string& agentId = agent.info.id().value();
  std::set<std::pair<std::string, std::string>> named;
  for (const ExecutorInfo& executor : message.executors) {
    named.insert({executor.framework_id().value(), executor.executor_id().value()});
  }
  for (auto& [frameworkId, framework] : frameworks_) {
    const auto here = framework.executors.find(agentId);
    if (here == framework.executors.end()) continue;
    for (auto next = here->second.begin(); next != here->second.end();) {
      const auto executor = next++;
      if (named.count({frameworkId, executor->first}) != 0) continue;
      release(now, frameworkId, agentId, Resources(executor->second.resources()));
      here->second.erase(executor);
    }
    if (here->second.empty()) framework.executors.erase(here);
  }
}

/// A LAUNCH may be lost on its way (fact G7). Whether the agent really lacks the task it says
/// itself: the LAUNCH may as well have crossed with its message.
std::vector<UnknownTask> Master::findMissingTasks(const MasterAgent& agent,
                                                  const RegisterAgent& message) const {
  std::set<std::pair<std::string, std::string>> named;
  for (const TaskRecord& reported : message.tasks) {
    const Task task = reported.unpack();
    named.insert({task.framework_id().value(), task.task_id().value()});
  }
  std::vector<UnknownTask> missing;
  for (const auto& [frameworkId, taskIds] : agent.tasks) {
    const MasterFramework& framework = frameworks_.at(frameworkId);
    for (const std::string& taskId : taskIds) {
      if (named.count({frameworkId, taskId}) != 0) continue;
      missing.push_back({framework.info, idOf(taskId)});
    }
  }
  return missing;
}

void Master::forgetUnreachableTasks(const std::string& agentId) {
  for (auto& [frameworkId, framework] : frameworks_) {
    std::erase_if(framework.unreachableTasks,
                  [&](const Task& task) { return task.agent_id().value() == agentId; });
  }
}

/// Fact G4: whatever kind of framework, and whatever it was told before.
void Master::reportReturned(Now now, const MasterAgent& agent, const RegisterAgent& message) {
  for (const TaskRecord& record : message.tasks) {
    const Task reported = record.unpack();
    const MasterFramework* framework = findFramework(reported.framework_id().value());
    if (framework == nullptr) continue;
    const auto task = framework->tasks.find(reported.task_id().value());
    if (task == framework->tasks.end() || task->second.agent != &agent) continue;
    TaskStatus status = describeTask(task->second.task.unpack());
    status.set_state(task->second.task.state());
    status.set_source(TaskStatus::SOURCE_MASTER);
    status.set_reason(TaskStatus::REASON_AGENT_REREGISTERED);
    status.set_message("Unreachable agent re-reregistered");
    status.set_timestamp(now.unixSeconds());
    sendStatus(*framework, std::move(status));
  }
}

}  // namespace mesos::cluster
