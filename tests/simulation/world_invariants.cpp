// What must hold: after every step, whenever it could break, and at the end.
#include "simulation/world_nodes.hpp"

namespace mesos::simulation {

using SchedulerCall = v1::scheduler::Call;

void World::checkStep() {
  const cluster::Master& master = master_->http.master();
  for (const auto& [id, agent] : master.agents()) {
    const Resources taken = (agent.used + agent.offered).unallocated();
    if (taken + master.allocator().available(id).unallocated() != agent.total) {
      fail("resources of " + id + " do not add up: used " + agent.used.toString() + ", offered " +
           agent.offered.toString() + ", free " + master.allocator().available(id).toString() +
           ", total " + agent.total.toString());
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

/// Nothing is launched beyond what is wanted, given what the agents have.
void World::checkLaunch(std::size_t launched) {
  std::size_t live = 0;
  const auto isLive = [&](const AgentNode& agent, const cluster::AgentExecutor& executor,
                          const std::string& task) {
    const auto process = agent.processes.find(executor.containerId);
    const bool ended = process != agent.processes.end() && process->second->seen.contains(task) &&
                       !process->second->tasks.contains(task);
    return !ended && !killed_.contains(task);
  };
  for (const auto& agent : agents_) {
    for (const auto& [frameworkId, framework] : agent->http.agent().frameworks()) {
      for (const auto& [executorId, executor] : framework.executors) {
        if (executor.state != cluster::ExecutorState::Registering &&
            executor.state != cluster::ExecutorState::Running) {
          continue;
        }
        for (const TaskInfo& task : executor.queuedTasks) {
          live += isLive(*agent, executor, task.task_id().value()) ? 1 : 0;
        }
        for (const auto& [taskId, task] : executor.tasks) {
          live += !isTerminal(task.state()) && isLive(*agent, executor, taskId) ? 1 : 0;
        }
      }
    }
  }
  if (live + launched > app_.instances) {
    fail(std::to_string(launched) + " launched while " + std::to_string(live) + " of " +
         std::to_string(app_.instances) + " live");
  }
}

void World::checkRest() {
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
  for (const auto& [id, framework] : master_->http.master().frameworks()) {
    // A SUBSCRIBE whose answer was lost leaves a framework that never was anybody's.
    const bool ours = id == scheduler_->session.framework().id().value();
    if (framework.tasks.size() != (ours ? app_.instances : 0)) {
      fail("the master's tasks are not the wanted ones");
    }
    for (const auto& [taskId, task] : framework.tasks) {
      if (task.task.state() != TASK_RUNNING || task.task.status_update_state() != TASK_RUNNING) {
        fail("the master still holds " + taskId + " as " + TaskState_Name(task.task.state()));
      }
    }
  }
  for (const auto& agent : agents_) {
    for (const auto& [id, framework] : agent->http.agent().frameworks()) {
      for (const auto& [executorId, executor] : framework.executors) {
        if (executor.state != cluster::ExecutorState::Running) {
          fail("an agent still holds executor " + executorId);
        }
      }
    }
  }
}

}  // namespace mesos::simulation
