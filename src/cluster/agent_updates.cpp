// Statuses on their way to the master, acknowledgements on their way back (section 10.1).

#include "cluster/agent_state.hpp"
#include "cluster/agent_tasks.hpp"

#include "base/planted_bug.hpp"
#include "base/uuid.hpp"

namespace mesos::cluster {

void Agent::State::executorCall(Now now, const Call& call) {
  const std::string& frameworkId = call.framework_id().value();
  AgentExecutor* executor = findExecutor(frameworkId, call.executor_id().value());
  if (executor == nullptr || isShuttingDown(frameworkId)) {
    if (call.type() == Call::UPDATE) ++counters.invalidStatusUpdates;
    return;  // Fact X22.
  }
  if (call.type() == Call::MESSAGE) {
    ++counters.validFrameworkMessages;
    tellMaster(ExecutorMessage{call.framework_id(), call.executor_id(), call.message().data()});
  } else if (call.type() == Call::UPDATE) {
    const TaskStatus& status = call.update().status();
    const bool isTaken = executorStatus(now, frameworks.at(frameworkId), *executor, status);
    ContainerRun* run = findRun(executor->containerId);
    if (isTaken && run != nullptr) sendAcknowledged(now, *run, status);
  }
}

bool Agent::State::executorStatus(Now now, AgentFramework& known, AgentExecutor& executor,
                                  TaskStatus status) {
  if (status.has_agent_id() && status.agent_id().value() != info.id().value()) {
    ++counters.invalidStatusUpdates;
    return false;  // Fact X22.
  }
  ++counters.validStatusUpdates;
  *status.mutable_agent_id() = info.id();
  const std::string& taskId = status.task_id().value();
  const std::string& frameworkId = known.info.id().value();
  const auto found = executor.tasks.find(taskId);
  Task* task = found != executor.tasks.end() ? &found->second : nullptr;
  // An executor that ends a task before it is given it, in its SUBSCRIBE, must not be given it.
  if (task == nullptr && isTerminal(status.state())) task = takeQueued(known, executor, taskId);
  if (task == nullptr) {
    accept(now, frameworkId, nullptr, status);
    return false;
  }
  v1::ContainerStatus* container = status.mutable_container_status();
  container->mutable_container_id()->set_value(executor.containerId);
  if (executor.pid > 0) container->set_executor_pid(static_cast<std::uint32_t>(executor.pid));
  if (container->network_infos().empty()) {
    auto* address = container->add_network_infos()->add_ip_addresses();
    address->set_protocol(v1::NetworkInfo::IPv4);
    address->set_ip_address(options.ip);
  }
  accept(now, frameworkId, task, status);
  return true;
}

void Agent::State::reportedStatus(Now now, ContainerRun& run, const TaskStatus& status) {
  if (isShuttingDown(run.framework->info.id().value())) {
    // Nobody wants it, but the executor waits for an answer before it ends (fact D13).
    return sendAcknowledged(now, run, status);
  }
  if (executorStatus(now, *run.framework, *run.executor, status)) {
    sendAcknowledged(now, run, status);
  }
}

void Agent::State::sendAcknowledged(Now now, ContainerRun& run, const TaskStatus& status) {
  Event event;
  event.set_type(Event::ACKNOWLEDGED);
  *event.mutable_acknowledged()->mutable_task_id() = status.task_id();
  event.mutable_acknowledged()->set_uuid(status.uuid());
  send(now, run, std::move(event));
}

TaskStatus Agent::State::makeAgentStatus(Now now, const std::string& taskId,
                                         const Termination& what) {
  TaskID id;
  id.set_value(taskId);
  TaskStatus status = makeStatus(id, what.state, what.message);
  status.set_source(TaskStatus::SOURCE_AGENT);
  status.set_reason(what.reason);
  *status.mutable_agent_id() = info.id();
  status.set_timestamp(now.unixSeconds());
  status.set_uuid(randomUuid(random));
  return status;
}

void Agent::State::accept(Now now, const std::string& frameworkId, Task* task, TaskStatus status) {
  const StreamKey key{frameworkId, status.task_id().value()};
  explainDrain(&status);
  UpdateStream& stream =
      streams.try_emplace(key, options.updateRetryMin, options.updateRetryMax).first->second;
  if (!stream.push(now.steady, status)) return;
  if (task != nullptr) {
    recordStatus(*task, status);
    AgentFramework* known = findFramework(frameworkId);
    if (AgentExecutor* executor = known == nullptr ? nullptr : findExecutorOf(*known, key.second)) {
      noteTask(*executor, key.second);
    }
  }
  if (isTerminal(status.state())) ++counters.terminalTasks[status.state()];
  if (stream.dueAt() == now.steady) sendHead(now, key, stream);
}

void Agent::State::sendDue(Now now) {
  for (auto& [key, stream] : streams) {
    if (stream.dueAt() && *stream.dueAt() <= now.steady) sendHead(now, key, stream);
  }
}

void Agent::State::sendHead(Now now, const StreamKey& key, UpdateStream& stream) {
  const TaskStatus& status = *stream.head();
  const auto& [frameworkId, taskId] = key;
  StatusUpdate message;
  message.frameworkId.set_value(frameworkId);
  message.status = status;
  message.latestState = stream.latestState();
  tellMaster(std::move(message));
  stream.onSent(now.steady);

  AgentFramework* known = findFramework(frameworkId);
  AgentExecutor* executor = known == nullptr ? nullptr : findExecutorOf(*known, taskId);
  if (executor == nullptr) return;
  if (const auto task = executor->tasks.find(taskId); task != executor->tasks.end()) {
    task->second.set_status_update_state(status.state());
    task->second.set_status_update_uuid(status.uuid());
  }
}

void Agent::State::resendAll(Now now, const std::string& frameworkId) {
  for (auto each = streams.lower_bound({frameworkId, ""});
       each != streams.end() && each->first.first == frameworkId; ++each) {
    each->second.resend(now.steady);
  }
  sendDue(now);
}

void Agent::State::dropStreams(const std::string& frameworkId) {
  const auto first = streams.lower_bound({frameworkId, ""});
  auto last = first;
  while (last != streams.end() && last->first.first == frameworkId) ++last;
  streams.erase(first, last);
}

void Agent::State::handle(Now now, const AcknowledgeUpdate& message) {
  const StreamKey key{message.frameworkId.value(), message.taskId.value()};
  const auto found = streams.find(key);
  if (found == streams.end()) return;
  UpdateStream& stream = found->second;
  if (!stream.acknowledge(now.steady, message.uuid)) return;  // Fact K34.
  AgentFramework* known = findFramework(key.first);
  AgentExecutor* executor = known == nullptr ? nullptr : findExecutorOf(*known, key.second);
  if (executor != nullptr) noteTask(*executor, key.second);
  if (MESOS_PLANTED(SkipQueuedUpdateAfterAck) && stream.head() != nullptr) return;
  if (stream.head() != nullptr) return sendHead(now, key, stream);  // Fact K35.
  if (!stream.isFinished() && executor != nullptr) return;
  streams.erase(found);
  if (executor != nullptr) retireTask(*known, *executor, key.second);
}

void Agent::State::retireTask(AgentFramework& known, AgentExecutor& executor,
                              const std::string& taskId) {
  completeTask(executor, taskId);
  if (executor.state != ExecutorState::Terminated || !executor.tasks.empty()) return;
  const std::string frameworkId = known.info.id().value();
  removeExecutor(known, executor.info.executor_id().value());
  removeFrameworkIfIdle(frameworkId);
}

void Agent::State::completeTask(AgentExecutor& executor, const std::string& taskId) {
  const auto task = executor.tasks.find(taskId);
  if (task == executor.tasks.end()) return;
  noteTask(executor, taskId);
  executor.completedTasks.push_back(std::move(task->second));
  executor.tasks.erase(task);
  if (executor.completedTasks.size() > options.completedTasksMax) {
    executor.completedTasks.pop_front();
  }
}

}  // namespace mesos::cluster
