#include "cluster/simulated_agent.hpp"

#include "base/uuid.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace mesos::cluster {

SimulatedAgent::SimulatedAgent(Now now, AgentOptions options, SimulatedTasks tasks, Random& random)
    : tasks_(tasks), random_(random), agent_(now, std::move(options), random) {}

void SimulatedAgent::onStart(Now now) {
  agent_.onStart(now);
  settle(now);
}

void SimulatedAgent::onMasterMessage(Now now, MasterToAgent message) {
  agent_.onMasterMessage(now, std::move(message));
  settle(now);
}

void SimulatedAgent::onTimer(Now now) {
  agent_.onTimer(now);
  settle(now);
  while (!failures_.empty() && failures_.begin()->first <= now.steady) {
    const Failure failure = std::move(failures_.extract(failures_.begin()).mapped());
    if (failure.taskId.empty()) {
      exit(now, failure.containerId, 1 << 8);
    } else {
      report(now, failure.executor, failure.taskId, TASK_FAILED);
    }
    settle(now);
  }
}

std::optional<AgentToMaster> SimulatedAgent::poll() {
  if (toMaster_.empty()) return std::nullopt;
  AgentToMaster message = std::move(toMaster_.front());
  toMaster_.pop_front();
  return message;
}

std::optional<TimePoint> SimulatedAgent::deadline() const {
  auto earliest = agent_.deadline();
  if (failures_.empty()) return earliest;
  return earliest ? std::min(*earliest, failures_.begin()->first) : failures_.begin()->first;
}

void SimulatedAgent::settle(Now now) {
  while (auto effect = agent_.poll()) {
    std::visit([&](auto& order) { perform(now, order); }, *effect);
  }
}

void SimulatedAgent::perform(Now, ToMaster& order) {
  toMaster_.push_back(std::move(order.message));
}

void SimulatedAgent::perform(Now now, PrepareContainer& order) {
  agent_.onPrepared(now, order.containerId, {});
}

void SimulatedAgent::perform(Now now, ForkContainer& order) {
  const Names executor{order.environment["MESOS_FRAMEWORK_ID"],
                       order.environment["MESOS_EXECUTOR_ID"]};
  agent_.onForked(now, order.containerId, nextPid_++);
  const AgentExecutor* known = agent_.executor(executor.first, executor.second);
  if (known == nullptr) return;
  if (known->isCommand) {
    drawFailure(now, executor, order.containerId, {});
  } else {
    subscribe(now, executor);
  }
}

void SimulatedAgent::perform(Now now, SignalContainer& order) {
  if (order.signal == SIGTERM || order.signal == SIGKILL) {
    exit(now, order.containerId, order.signal);
  }
}

void SimulatedAgent::perform(Now now, DestroyContainer& order) {
  exit(now, order.containerId, SIGKILL);
}

/// As a probe that goes well answers.
void SimulatedAgent::perform(Now now, StartCheck& order) {
  int outcome = 0;
  if (std::holds_alternative<HttpProbe>(order.what)) outcome = 200;
  if (std::holds_alternative<TcpProbe>(order.what)) outcome = 1;
  agent_.onChecked(now, order.containerId, order.checkId, outcome);
}

void SimulatedAgent::perform(Now, AgentEnded&) { hasEnded_ = true; }

void SimulatedAgent::exit(Now now, const std::string& containerId, int status) {
  agent_.onExited(now, containerId, status);
}

// --- Executors that are not the agent's own.

void SimulatedAgent::subscribe(Now now, const Names& executor) {
  Agent::Call call;
  call.set_type(Agent::Call::SUBSCRIBE);
  call.mutable_framework_id()->set_value(executor.first);
  call.mutable_executor_id()->set_value(executor.second);
  call.mutable_subscribe();
  streams_[nextStream_] = executor;
  agent_.onExecutorSubscribe(now, nextStream_++, call);
}

void SimulatedAgent::perform(Now now, ToExecutor& order) {
  const auto stream = streams_.find(order.stream);
  if (stream == streams_.end()) return;
  const Names executor = stream->second;
  const AgentExecutor* known = agent_.executor(executor.first, executor.second);
  const std::string containerId = known == nullptr ? "" : known->containerId;
  const auto run = [&](const TaskInfo& task) {
    report(now, executor, task.task_id().value(), TASK_RUNNING);
    drawFailure(now, executor, containerId, task.task_id().value());
  };
  const Agent::Event& event = order.event;
  if (event.has_launch()) run(event.launch().task());
  for (const TaskInfo& task : event.launch_group().task_group().tasks()) run(task);
  if (event.has_kill()) report(now, executor, event.kill().task_id().value(), TASK_KILLED);
  if (event.type() == Agent::Event::SHUTDOWN) {
    streams_.erase(stream);
    exit(now, containerId, 0);
  }
}

void SimulatedAgent::report(Now now, const Names& executor, const std::string& taskId,
                            TaskState state) {
  Agent::Call call;
  call.set_type(Agent::Call::UPDATE);
  call.mutable_framework_id()->set_value(executor.first);
  call.mutable_executor_id()->set_value(executor.second);
  TaskStatus* status = call.mutable_update()->mutable_status();
  status->mutable_task_id()->set_value(taskId);
  status->set_state(state);
  status->set_source(TaskStatus::SOURCE_EXECUTOR);
  status->set_uuid(randomUuid(random_));
  status->set_timestamp(now.unixSeconds());
  if (state == TASK_FAILED) status->set_message("Drawn to fail by the simulated agent");
  agent_.onExecutorCall(now, call);
}

void SimulatedAgent::drawFailure(Now now, const Names& executor, const std::string& containerId,
                                 const std::string& taskId) {
  if (!random_.chance(tasks_.failures)) return;
  const Duration after =
      tasks_.failAfterMin + random_.below(tasks_.failAfterMax - tasks_.failAfterMin);
  failures_.emplace(now.steady + after, Failure{executor, containerId, taskId});
}

}  // namespace mesos::cluster
