// Statuses on their way to the master, acknowledgements on their way back (section 10.1).

#include "cluster/agent_state.hpp"
#include "cluster/agent_tasks.hpp"

#include "base/planted_bug.hpp"
#include "base/uuid.hpp"

namespace mesos::cluster {
namespace {

/// nullptr: none is there.
template <typename Streams>
auto* lookUp(Streams& streams, const std::string& frameworkId, const std::string& taskId) {
  const auto ofTasks = streams.find(frameworkId);
  const bool isThere = ofTasks != streams.end() && ofTasks->second.contains(taskId);
  return isThere ? &ofTasks->second.find(taskId)->second : nullptr;
}

}  // namespace

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
  TaskRecord* task = found != executor.tasks.end() ? &found->second : nullptr;
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

void Agent::State::accept(Now now, const std::string& frameworkId, TaskRecord* task,
                          TaskStatus status) {
  const std::string taskId = status.task_id().value();
  explainDrain(&status);
  UpdateStream& stream = streams[frameworkId]
                             .try_emplace(taskId, options.updateRetryMin, options.updateRetryMax)
                             .first->second;
  if (!stream.push(now.steady, status)) return;
  const bool isHead = stream.contents().pending.size() == 1;
  if (task != nullptr) {
    task->addStatus(status, status.state(), isHead);
    AgentFramework* known = findFramework(frameworkId);
    if (AgentExecutor* executor = known == nullptr ? nullptr : findExecutorOf(*known, taskId)) {
      noteTask(*known, *executor, taskId);
    }
  }
  if (isTerminal(status.state())) ++counters.terminalTasks[status.state()];
  if (isHead) transmitHead(now, frameworkId, stream);
}

void Agent::State::sendDue(Now now) {
  for (auto& [frameworkId, ofTasks] : streams) {
    for (auto& [taskId, stream] : ofTasks) {
      if (stream.dueAt() && *stream.dueAt() <= now.steady) {
        sendHead(now, frameworkId, taskId, stream);
      }
    }
  }
}

void Agent::State::sendHead(Now now, const std::string& frameworkId, const std::string& taskId,
                            UpdateStream& stream) {
  transmitHead(now, frameworkId, stream);
  AgentFramework* known = findFramework(frameworkId);
  AgentExecutor* executor = known == nullptr ? nullptr : findExecutorOf(*known, taskId);
  if (executor == nullptr) return;
  if (const auto task = executor->tasks.find(taskId); task != executor->tasks.end()) {
    task->second.setForwarded(*stream.head());
  }
}

void Agent::State::transmitHead(Now now, const std::string& frameworkId, UpdateStream& stream) {
  StatusUpdate message;
  message.frameworkId.set_value(frameworkId);
  message.status = *stream.head();
  message.latestState = stream.latestState();
  tellMaster(std::move(message));
  stream.onSent(now.steady);
}

void Agent::State::resendAll(Now now, const std::string& frameworkId) {
  if (const auto found = streams.find(frameworkId); found != streams.end()) {
    for (auto& [taskId, stream] : found->second) stream.resend(now.steady);
  }
  sendDue(now);
}

const UpdateStream* Agent::State::findStream(const std::string& frameworkId,
                                             const std::string& taskId) const {
  return lookUp(streams, frameworkId, taskId);
}

UpdateStream* Agent::State::findStream(const std::string& frameworkId, const std::string& taskId) {
  return lookUp(streams, frameworkId, taskId);
}

void Agent::State::dropStream(const std::string& frameworkId, const std::string& taskId) {
  const auto ofTasks = streams.find(frameworkId);
  if (ofTasks == streams.end()) return;
  ofTasks->second.erase(taskId);
  if (ofTasks->second.empty()) streams.erase(ofTasks);
}

void Agent::State::handle(Now now, const AcknowledgeUpdate& message) {
  const std::string& frameworkId = message.frameworkId.value();
  const std::string& taskId = message.taskId.value();
  UpdateStream* const found = findStream(frameworkId, taskId);
  if (found == nullptr) return;
  UpdateStream& stream = *found;
  if (!stream.acknowledge(now.steady, message.uuid)) return;  // Fact K34.
  AgentFramework* known = findFramework(frameworkId);
  AgentExecutor* executor = known == nullptr ? nullptr : findExecutorOf(*known, taskId);
  if (executor != nullptr) noteTask(*known, *executor, taskId);
  if (MESOS_PLANTED(SkipQueuedUpdateAfterAck) && stream.head()) return;
  if (stream.head()) return sendHead(now, frameworkId, taskId, stream);  // Fact K35.
  if (!stream.isFinished() && executor != nullptr) return;
  dropStream(frameworkId, taskId);
  if (executor != nullptr) retireTask(*known, *executor, taskId);
}

void Agent::State::retireTask(AgentFramework& known, AgentExecutor& executor,
                              const std::string& taskId) {
  completeTask(known, executor, taskId);
  if (executor.state != ExecutorState::Terminated || !executor.tasks.empty()) return;
  const std::string frameworkId = known.info.id().value();
  removeExecutor(known, std::string(executor.id));
  removeFrameworkIfIdle(frameworkId);
}

void Agent::State::completeTask(AgentFramework& known, AgentExecutor& executor,
                                const std::string& taskId) {
  const auto task = executor.tasks.find(taskId);
  if (task == executor.tasks.end()) return;
  noteTask(known, executor, taskId);
  executor.completedTasks.push_back(std::move(task->second));
  executor.tasks.erase(task);
  if (executor.completedTasks.size() > options.completedTasksMax) {
    executor.completedTasks.pop_front();
  }
}

}  // namespace mesos::cluster
