// What agents report, and the books of tasks and executors.
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
  } else if (std::holds_alternative<Pong>(message)) {
    agent.pinged = false;
    agent.missedPings = 0;
  } else {
    ++counters_.messages["messages_unregister_slave"];
    removeAgent(now, known->second, AgentLoss::Removed, "the agent unregistered");
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
  if (found == framework->tasks.end() || found->second.agent != &agent) {
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
  const TaskState before = task.task.state();
  const FrameworkID& frameworkId = framework.info.id();
  if (!isTerminal(before)) {
    if (before != latest) tellTaskUpdated(frameworkId, latest, status);
    if (isTerminal(latest)) {
      ++counters_.terminalTasks[latest];
      release(now, frameworkId.value(), task.agent->info.id().value(),
              Resources(task.task.unpack().resources()));
    }
  }
  task.task.addStatus(status, isTerminal(before) ? before : latest, true);
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
  framework.tasks[id] = MasterTask{std::move(task), &agent};
}

/// Out of the books of its framework and its agent.
Task Master::takeTask(MasterFramework& framework, const std::string& taskId) {
  const auto found = framework.tasks.find(taskId);
  MESOS_CHECK(found != framework.tasks.end());
  const Task task = found->second.task.unpack();
  framework.tasks.erase(found);
  MasterAgent& agent = agents_.at(task.agent_id().value());
  const auto ofFramework = agent.tasks.find(framework.info.id().value());
  ofFramework->second.erase(taskId);
  if (ofFramework->second.empty()) agent.tasks.erase(ofFramework);
  return task;
}

void Master::completeTask(MasterFramework& framework, const std::string& taskId) {
  framework.completedTasks.push_back(takeTask(framework, taskId));
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
