// Agents: registration, what they report, their loss; and the books of tasks and executors.
#include "base/check.hpp"

#include "base/planted_bug.hpp"
#include "cluster/master.hpp"
#include "cluster/validation.hpp"

#include <algorithm>
#include <utility>

namespace mesos::cluster {

void Master::onAgentMessage(Now now, std::uint64_t link, AgentToMaster message) {
  if (auto* registration = std::get_if<RegisterAgent>(&message)) {
    registerAgent(now, link, std::move(*registration));
    return;
  }
  const auto known = links_.find(link);
  if (known == links_.end()) return;  // Whoever it is has to register first.
  MasterAgent& agent = agents_.at(known->second);
  if (const auto* update = std::get_if<StatusUpdate>(&message)) {
    ++counters_.messages["messages_status_update"];
    updateStatus(now, agent, *update);
  } else if (const auto* operation = std::get_if<OperationUpdate>(&message)) {
    ++counters_.messages["messages_operation_status_update"];
    updateOperation(agent, *operation);
  } else if (const auto* exited = std::get_if<ExecutorExited>(&message)) {
    ++counters_.messages["messages_exited_executor"];
    executorExited(now, agent, *exited);
  } else if (auto* said = std::get_if<ExecutorMessage>(&message)) {
    ++counters_.messages["messages_executor_to_framework"];
    const MasterFramework* framework = findFramework(said->frameworkId.value());
    if (framework == nullptr) return;
    Event event;
    event.set_type(Event::MESSAGE);
    *event.mutable_message()->mutable_agent_id() = agent.info.id();
    *event.mutable_message()->mutable_executor_id() = said->executorId;
    event.mutable_message()->set_data(std::move(said->data));
    send(*framework, std::move(event));
  } else {
    ++counters_.messages["messages_unregister_slave"];
    removeAgent(now, known->second, "the agent unregistered");
  }
}

// --- Registration.

void Master::registerAgent(Now now, std::uint64_t link, RegisterAgent message) {
  if (!leads() || isRecovering(now)) return;  // The agent asks again.
  const std::string id = message.info.id().value();
  ++counters_.messages[id.empty() ? "messages_register_slave" : "messages_reregister_slave"];
  if (id.empty()) {
    if (const auto known = links_.find(link); known != links_.end()) {
      const MasterAgent& agent = agents_.at(known->second);
      sendToAgent(agent, AgentRegistered{agent.info.id()});  // The first answer was late or lost.
      return;
    }
    if (const auto old = agentsByPid_.find(message.pid); old != agentsByPid_.end()) {
      removeAgent(now, old->second, "a new agent registered at the same address");
    }
    message.info.mutable_id()->set_value(id_ + "-S" + std::to_string(nextAgent_++));
  } else if (MasterAgent* known = findAgent(id)) {
    links_.erase(known->link);
    links_[link] = id;
    known->link = link;
    known->reregistered = now;
    sendToAgent(*known, AgentRegistered{known->info.id(), known->total});
    syncReservations(*known, message.operations);
    return;
  }
  addAgent(now, link, std::move(message));
}

void Master::addAgent(Now now, std::uint64_t link, RegisterAgent message) {
  const std::string id = message.info.id().value();
  MasterAgent& agent = agents_[id];
  agent.info = message.info;
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
  sendToAgent(agent, AgentRegistered{agent.info.id()});
  recoverFrameworks(now, message.frameworks);
  for (const FrameworkInfo& framework : message.frameworks) {
    if (wasRemoved(framework.id().value())) sendToAgent(agent, ShutdownFramework{framework.id()});
  }
  adoptTasks(agent, message);
  tellAgentAdded(agent);
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
  for (const Task& reported : message.tasks) {
    MasterFramework* framework = findFramework(reported.framework_id().value());
    if (framework == nullptr || framework->tasks.count(reported.task_id().value()) != 0) continue;
    Task task = reported;
    *task.mutable_agent_id() = agent.info.id();
    task.clear_status_update_state();  // This master has forwarded nothing yet (fact K32).
    task.clear_status_update_uuid();
    if (!isTerminal(task.state())) use(task.framework_id(), task.resources());
    addTask(*framework, agent, std::move(task));
  }
}

// --- Loss.

/// Fact G5.
void Master::removeAgent(Now now, std::string agentId, const std::string& why) {
  MasterAgent& agent = agents_.at(agentId);
  while (!agent.offers.empty()) {
    const std::string offer = *agent.offers.begin();
    rescindOffer(now, offer);
  }
  loseTasks(now, agent, "Agent " + agent.info.hostname() + " removed: " + why);
  Event failure;
  failure.set_type(Event::FAILURE);
  *failure.mutable_failure()->mutable_agent_id() = agent.info.id();
  for (auto& [frameworkId, framework] : frameworks_) {
    if (const auto executors = framework.executors.find(agentId);
        executors != framework.executors.end()) {
      for (const auto& executor : executors->second) {
        release(now, frameworkId, agentId, Resources(executor.second.resources()));
      }
      framework.executors.erase(executors);
    }
    send(framework, failure);
  }
  MESOS_CHECK(agent.used.empty());
  tellAgentRemoved(agent.info.id());
  allocator_.removeAgent(agentId);
  links_.erase(agent.link);
  agentsByPid_.erase(agent.pid);
  agents_.erase(agentId);
}

void Master::loseTasks(Now now, MasterAgent& agent, const std::string& message) {
  while (!agent.tasks.empty()) {
    const auto& [frameworkId, taskIds] = *agent.tasks.begin();
    const std::string taskId = *taskIds.begin();
    MasterFramework& framework = frameworks_.at(frameworkId);
    MasterTask& task = framework.tasks.at(taskId);
    if (!isTerminal(task.task.state())) {
      TaskStatus status = makeStatus(task.task.task_id(), TASK_LOST, message);
      status.set_source(TaskStatus::SOURCE_MASTER);
      status.set_reason(TaskStatus::REASON_AGENT_REMOVED);
      *status.mutable_agent_id() = task.task.agent_id();
      if (task.task.has_executor_id()) *status.mutable_executor_id() = task.task.executor_id();
      status.set_timestamp(now.unixSeconds());
      applyStatus(now, framework, task, status, TASK_LOST);
      sendStatus(framework, std::move(status));
    }
    completeTask(framework, taskId);
  }
}

// --- Tasks and executors.

void Master::updateStatus(Now now, MasterAgent& agent, const StatusUpdate& update) {
  MasterFramework* framework = findFramework(update.frameworkId.value());
  if (framework == nullptr) {
    ++counters_.invalidStatusUpdates;  // Fact U19.
    return;
  }
  sendStatus(*framework, update.status);
  const auto found = framework->tasks.find(update.status.task_id().value());
  if (found == framework->tasks.end() ||
      found->second.task.agent_id().value() != agent.info.id().value()) {
    ++counters_.invalidStatusUpdates;  // Forwarded all the same (fact X34).
    return;
  }
  ++counters_.validStatusUpdates;
  applyStatus(now, *framework, found->second, update.status, update.latestState);
  const bool nobodyAcknowledges = update.status.uuid().empty();
  if (nobodyAcknowledges && isTerminal(update.status.state())) {
    completeTask(*framework, std::string(found->first));
  }
}

/// Facts U15, U17, U20: `latest` decides about resources, `status` about what is shown.
void Master::applyStatus(Now now, MasterFramework& framework, MasterTask& task,
                         const TaskStatus& status, TaskState latest) {
  Task& state = task.task;
  if (!isTerminal(state.state())) {
    const bool isNew = state.state() != latest;
    state.set_state(latest);
    if (isNew) tellTaskUpdated(state, status);
    if (isTerminal(latest)) {
      ++counters_.terminalTasks[latest];
      release(now, framework.info.id().value(), state.agent_id().value(),
              Resources(state.resources()));
    }
  }
  state.set_status_update_state(status.state());
  state.set_status_update_uuid(status.uuid());
  if (state.statuses_size() > 0 && state.statuses().rbegin()->state() == status.state()) {
    state.mutable_statuses()->RemoveLast();
  }
  TaskStatus* shown = state.add_statuses();
  *shown = status;
  shown->clear_data();
}

void Master::release(Now now, const std::string& frameworkId, const std::string& agentId,
                     const Resources& resources) {
  agents_.at(agentId).used -= resources;
  if (MESOS_PLANTED(LeakResourcesOfTerminalTask)) return;
  allocator_.recover(now, frameworkId, allocationRole(resources), agentId, resources, std::nullopt);
}

void Master::addTask(MasterFramework& framework, MasterAgent& agent, Task task) {
  const std::string id = task.task_id().value();
  agent.tasks[framework.info.id().value()].insert(id);
  tellTaskAdded(task);
  framework.tasks[id].task = std::move(task);
}

void Master::completeTask(MasterFramework& framework, const std::string& taskId) {
  const auto found = framework.tasks.find(taskId);
  MESOS_CHECK(found != framework.tasks.end());
  Task& task = found->second.task;
  MasterAgent& agent = agents_.at(task.agent_id().value());
  const auto ofFramework = agent.tasks.find(framework.info.id().value());
  ofFramework->second.erase(taskId);
  if (ofFramework->second.empty()) agent.tasks.erase(ofFramework);
  framework.completedTasks.push_back(std::move(task));
  framework.tasks.erase(found);
  while (framework.completedTasks.size() > options_.completedTasksMax) {
    framework.completedTasks.pop_front();
  }
}

/// Fact E7. A command task's executor is not in the books (facts D1, D2).
void Master::executorExited(Now now, MasterAgent& agent, const ExecutorExited& message) {
  MasterFramework* framework = findFramework(message.frameworkId.value());
  if (framework == nullptr) return;
  const std::string agentId = agent.info.id().value();
  const auto ofAgent = framework->executors.find(agentId);
  if (ofAgent == framework->executors.end()) return;
  const auto executor = ofAgent->second.find(message.executorId.value());
  if (executor == ofAgent->second.end()) return;
  release(now, message.frameworkId.value(), agentId, Resources(executor->second.resources()));
  ofAgent->second.erase(executor);
  if (ofAgent->second.empty()) framework->executors.erase(ofAgent);
  Event event;
  event.set_type(Event::FAILURE);
  *event.mutable_failure()->mutable_agent_id() = agent.info.id();
  *event.mutable_failure()->mutable_executor_id() = message.executorId;
  event.mutable_failure()->set_status(message.status);
  send(*framework, std::move(event));
}

}  // namespace mesos::cluster
