// Reservations, and statuses of operations on their way to the master (section 8.4).
#include "base/uuid.hpp"
#include "cluster/agent_state.hpp"
#include "resources/reservations.hpp"

#include <algorithm>

namespace mesos::cluster {

void Agent::State::handle(Now now, const ApplyOperation& message) {
  total = message.total;
  checkpointAgent();
  const std::string& uuid = message.operation.uuid().value();
  if (!message.operation.info().has_id() || operations.count(uuid) > 0) return;
  PendingOperation& pending = operations[uuid];
  pending.operation = message.operation;
  v1::OperationStatus& status = *pending.operation.mutable_latest_status();
  status.Clear();
  *status.mutable_operation_id() = message.operation.info().id();
  status.set_state(v1::OPERATION_FINISHED);
  status.mutable_uuid()->set_value(randomUuid(random));
  *status.mutable_agent_id() = info.id();
  *pending.operation.add_statuses() = status;
  pending.nextDelay = options.updateRetryMin;
  pending.dueAt = now.steady;
  sendDueOperations(now);
}

void Agent::State::sendDueOperations(Now now) {
  for (auto& [uuid, pending] : operations) {
    if (pending.dueAt > now.steady) continue;
    tellMaster(OperationUpdate{uuid, pending.operation.latest_status()});
    pending.dueAt = now.steady + pending.nextDelay;
    pending.nextDelay = std::min(pending.nextDelay * 2, options.updateRetryMax);
  }
}

void Agent::State::resendOperations(Now now) {
  for (auto& entry : operations) {
    entry.second.dueAt = now.steady;
    entry.second.nextDelay = options.updateRetryMin;
  }
  sendDueOperations(now);
}

void Agent::State::handle(Now, const AcknowledgeOperation& message) {
  const auto found = operations.find(message.operation);
  if (found == operations.end()) return;
  const v1::OperationStatus& status = found->second.operation.latest_status();
  if (status.uuid().value() == message.statusUuid) operations.erase(found);
}

void Agent::State::dropOperations(const std::string& frameworkId) {
  std::erase_if(operations, [&](const auto& entry) {
    return entry.second.operation.framework_id().value() == frameworkId;
  });
}

bool Agent::State::lacksReserved(const RunTaskGroup& message) const {
  Resources needed;
  const auto need = [&](const google::protobuf::RepeatedPtrField<Resource>& resources) {
    for (const Resource& resource : Resources(resources).unallocated()) {
      if (isDynamicallyReserved(resource)) needed += Resources(resource);
    }
  };
  for (const TaskInfo& task : message.tasks) need(task.resources());
  if (message.launchExecutor.value_or(true)) need(message.tasks.front().executor().resources());
  return !total.contains(needed);
}

std::vector<v1::Operation> Agent::operations() const {
  std::vector<v1::Operation> operations;
  for (const auto& [uuid, pending] : state_->operations) operations.push_back(pending.operation);
  return operations;
}

}  // namespace mesos::cluster
