// What must hold: after every step, whenever it could break, and at the end.
#include "simulation/world_nodes.hpp"

namespace mesos::simulation {

using SchedulerCall = v1::scheduler::Call;

void World::checkStep() {
  // Only the master changes them.
  if (std::exchange(masterWorked_, false) && master_) checkBooks(master_->http.master());
}

void World::checkBooks(const cluster::Master& master) {
  for (const auto& [id, agent] : master.agents()) {
    const Resources taken = (agent.used + agent.offered).unallocated();
    if (taken + master.allocator().available(id).unallocated() != agent.total) {
      fail("resources of " + id + " do not add up: used " + agent.used.toString() + ", offered " +
           agent.offered.toString() + ", free " + master.allocator().available(id).toString() +
           ", total " + agent.total.toString());
    }
    if (!agent.connected && !agent.offers.empty()) {
      fail(id + " is offered, and nothing reaches it");
    }
  }
}

void World::checkSend(const protocol::Request& request) {
  SchedulerCall call;
  if (!call.ParseFromString(request.body)) {
    fail("the session sent a call that does not parse");
  } else if (call.type() == SchedulerCall::ACKNOWLEDGE &&
             !handledUuids_.contains(call.acknowledge().uuid())) {
    fail("a status of " + call.acknowledge().task_id().value() +
         " was acknowledged before its callback returned");
  }
}

/// Nothing is launched beyond what is wanted, given what lives on the hosts: but for tasks that the
/// fleet wants gone, or was told the end of.
void World::checkLaunch(std::size_t launched) {
  std::set<std::string> live;
  for (const auto& node : agents_) {
    for (const auto& [container, process] : node->processes) {
      for (const auto& [task, state] : process->tasks) live.insert(task);
    }
    if (!node->running) continue;
    for (const auto& [frameworkId, framework] : node->agent().frameworks()) {
      for (const auto& [executorId, executor] : framework.executors) {
        if (executor.state != cluster::ExecutorState::Registering &&
            executor.state != cluster::ExecutorState::Running) {
          continue;
        }
        for (const TaskInfo& task : executor.queuedTasks) live.insert(task.task_id().value());
        const auto process = node->processes.find(executor.containerId);
        for (const auto& [taskId, task] : executor.tasks) {
          const bool ended = process != node->processes.end() &&
                             process->second->seen.contains(taskId) &&
                             !process->second->tasks.contains(taskId);
          if (!ended && !isTerminal(task.state())) live.insert(taskId);
        }
      }
    }
  }
  std::erase_if(live, [this](const std::string& task) {
    return killed_.contains(task) || toldEnded_.contains(task);
  });
  if (live.size() + launched > app_.instances) {
    fail(std::to_string(launched) + " launched while " + std::to_string(live.size()) + " of " +
         std::to_string(app_.instances) + " live");
  }
}

/// What ended must not be said of what may go on.
void World::checkStatus(const TaskStatus& status) {
  const std::string& id = status.task_id().value();
  if (status.state() == TASK_DROPPED) {
    dropped_.insert(id);
    if (delivered_.contains(id)) fail(id + " is said never to have been launched, and was");
  }
  // Without checkpoints the executors end when their agent does.
  const bool endsWithAgent =
      !checkpoint_ && status.reason() == TaskStatus::REASON_AGENT_DISCONNECTED;
  // Fact G5, of an agent that has another id for its master than for itself.
  const bool isReplaced = status.message().ends_with("registered at the same address");
  if (status.state() == TASK_LOST && !endsWithAgent && !isReplaced) {
    fail(id + " is said to be lost: " + status.message());
  }
}

void World::checkDelivery(const std::string& taskId) {
  delivered_.insert(taskId);
  if (dropped_.contains(taskId)) fail(taskId + " is launched, and was said never to be");
}

bool World::isExecutorOf(const std::string& agentId, const std::string& frameworkId,
                         const std::string& executorId) const {
  for (const auto& node : agents_) {
    if (node->lost || node->agent().info().id().value() != agentId) continue;
    return node->agent().executor(frameworkId, executorId) != nullptr;
  }
  return false;
}

void World::checkRest() {
  if (!master_) return fail("nobody leads");
  checkRestOfFleet();
  checkRestOfMaster();
  checkRestOfAgents();
}

void World::checkRestOfFleet() {
  const auto live = liveExecutors();
  if (live.size() != app_.instances) {
    fail(std::to_string(app_.instances) + " servers are wanted, " + std::to_string(live.size()) +
         " processes live");
  }
  for (const auto& node : live) {
    if (node->tasks.size() != 1 || node->tasks.begin()->second != TASK_RUNNING) {
      fail("a process lives without a running task");
    }
    if (node->session.unacknowledgedUpdates() != 0)
      fail("an executor still waits for an acknowledgement");
  }
  for (const auto& [id, task] : storedTasks_) {
    if (task.intent != fleet::TaskRecord::Intent::Running) fail(id + " is not remembered to run");
  }
  if (storedTasks_.size() != app_.instances) fail("the tasks remembered are not the wanted ones");
  if (scheduler_->fleet.running() != app_.instances ||
      scheduler_->fleet.tasks() != app_.instances) {
    fail("the fleet believes in " + std::to_string(scheduler_->fleet.running()) + " running of " +
         std::to_string(scheduler_->fleet.tasks()) + " tasks, wanted are " +
         std::to_string(app_.instances));
  }
  if (!scheduler_->session.subscribed()) fail("the scheduler is not subscribed");
}

void World::checkRestOfMaster() {
  const cluster::Master& master = master_->http.master();
  const std::string& ours = scheduler_->session.framework().id().value();
  if (!master.frameworks().contains(ours)) return fail("the master does not know the framework");
  for (const auto& [id, framework] : master.frameworks()) {
    // A SUBSCRIBE whose answer was lost leaves a framework that never was anybody's.
    if (framework.tasks.size() != (id == ours ? app_.instances : 0)) {
      fail("the master's tasks are not the wanted ones");
    }
    for (const auto& [taskId, task] : framework.tasks) {
      // A master that adopted the task has forwarded nothing of it (fact K32).
      const Task known = task.task.unpack();
      const bool isForwarded =
          !known.has_status_update_state() || known.status_update_state() == TASK_RUNNING;
      if (task.task.state() != TASK_RUNNING || !isForwarded) {
        fail("the master still holds " + taskId + " as " + TaskState_Name(task.task.state()));
      }
    }
  }
  if (!master.frameworks().at(ours).stream) fail("the master holds the framework for disconnected");
  if (master.allocator().suppressedRoles(ours).empty()) fail("offers are made that nobody wants");
  if (!master.frameworks().at(ours).offers.empty()) fail("an offer is never answered");
  // Of an agent, exactly what its tasks and executors take is used.
  for (const auto& [id, agent] : master.agents()) {
    Resources used;
    for (const auto& [frameworkId, framework] : master.frameworks()) {
      for (const auto& [taskId, task] : framework.tasks) {
        const Task known = task.task.unpack();
        if (known.agent_id().value() == id) used += Resources(known.resources());
      }
      const auto executors = framework.executors.find(id);
      if (executors == framework.executors.end()) continue;
      for (const auto& [executorId, executor] : executors->second) {
        used += Resources(executor.resources());
        if (!isExecutorOf(id, frameworkId, executorId)) {
          fail("the master's executor " + executorId + " is not there");
        }
      }
    }
    if (agent.used != used) {
      fail("of agent " + id + " " + agent.used.toString() + " are used, by tasks and executors " +
           used.toString());
    }
  }
}

void World::checkRestOfAgents() {
  for (const auto& agent : agents_) {
    if (agent->lost) continue;
    if (!agent->running) fail("an agent does not run");
    const std::string& id = agent->agent().info().id().value();
    if (!master_->http.master().agents().contains(id)) fail("the master has not agent " + id);
    for (const auto& [frameworkId, framework] : agent->agent().frameworks()) {
      for (const auto& [executorId, executor] : framework.executors) {
        if (executor.state != cluster::ExecutorState::Running) {
          fail("an agent still holds executor " + executorId);
        }
      }
    }
  }
}

}  // namespace mesos::simulation
