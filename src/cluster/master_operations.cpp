// RESERVE and UNRESERVE, and what becomes of operations that have an id (sections 8.4 and 9.3).
#include "base/uuid.hpp"
#include "cluster/master_accept.hpp"
#include "cluster/validation.hpp"
#include "resources/reservations.hpp"

#include <algorithm>
#include <utility>

namespace mesos::cluster {
namespace {

using Operation = Offer::Operation;

bool isOver(v1::OperationState state) {
  switch (state) {
    case v1::OPERATION_FINISHED:
    case v1::OPERATION_FAILED:
    case v1::OPERATION_ERROR:
    case v1::OPERATION_DROPPED:
    case v1::OPERATION_GONE_BY_OPERATOR:
      return true;
    default:
      return false;
  }
}

/// " on agent … at slave(1)@127.0.0.1:5051 (host)", as Mesos names it.
std::string nameOf(const MasterAgent& agent) {
  return "on agent " + agent.info.id().value() + " at " + agent.pid + " (" + agent.info.hostname() +
         ")";
}

}  // namespace

void allocate(google::protobuf::RepeatedPtrField<Resource>* resources, const std::string& role) {
  for (Resource& resource : *resources) {
    if (!resource.allocation_info().has_role()) resource.mutable_allocation_info()->set_role(role);
  }
}

void upgradeResources(google::protobuf::RepeatedPtrField<Resource>* resources) {
  for (Resource& resource : *resources) toPostRefinement(&resource);
}

void Master::sendOperationStatus(const MasterFramework& framework, v1::OperationStatus status) {
  Event event;
  event.set_type(Event::UPDATE_OPERATION_STATUS);
  *event.mutable_update_operation_status()->mutable_status() = std::move(status);
  send(framework, std::move(event));
}

/// Fact P1: only an operation with an id gets an answer.
void Master::failOperation(const MasterFramework& framework, const Operation& operation,
                           const std::string& message) {
  if (!operation.has_id()) return;
  v1::OperationStatus status;
  *status.mutable_operation_id() = operation.id();
  status.set_state(v1::OPERATION_ERROR);
  status.set_message(message);
  sendOperationStatus(framework, std::move(status));
}

/// Facts P1, P2 and A7. Both operations come here.
void Master::reserve(Accepted& accepted, const Operation& operation) {
  const bool reserves = operation.type() == Operation::RESERVE;
  Operation filled = operation;
  auto* resources = reserves ? filled.mutable_reserve()->mutable_resources()
                             : filled.mutable_unreserve()->mutable_resources();
  allocate(resources, accepted.role);
  Result<void> wellFormed = validateResources(*resources);
  if (wellFormed && !operation.reserve().source().empty()) {
    wellFormed = Error{"Reservation updates are not yet implemented for the scheduler API."};
  }
  if (!wellFormed) {
    return failOperation(
        accepted.framework, operation,
        "Operation attempted with invalid resources: " + wellFormed.error().message);
  }
  upgradeResources(resources);
  const auto valid = reserves ? validateReserve(*resources, accepted.framework.info)
                              : validateUnreserve(*resources);
  if (!valid) {
    return failOperation(accepted.framework, operation,
                         valid.error().message + "; " + nameOf(accepted.agent));
  }
  const Resources reserved(*resources);
  const Resources plain = withoutLastReservation(reserved);
  const Resources& consumed = reserves ? plain : reserved;
  const Resources& converted = reserves ? reserved : plain;
  if (!accepted.remaining.contains(consumed)) {
    return failOperation(accepted.framework, operation,
                         describe(accepted.remaining) + " does not contain " + describe(consumed));
  }
  accepted.remaining -= consumed;
  accepted.remaining += converted;
  accepted.agent.total -= consumed.unallocated();
  accepted.agent.total += converted.unallocated();
  allocator_.convert(accepted.agent.info.id().value(), consumed.unallocated(),
                     converted.unallocated());
  applyOperation(accepted, filled);
}

/// Tells the agent. The books of the master have it already: nothing on the agent can fail.
void Master::applyOperation(Accepted& accepted, const Operation& operation) {
  v1::Operation record;
  const std::string uuid = randomUuid(random_);
  *record.mutable_framework_id() = accepted.framework.info.id();
  *record.mutable_agent_id() = accepted.agent.info.id();
  *record.mutable_info() = operation;
  record.mutable_latest_status()->set_state(v1::OPERATION_PENDING);
  if (operation.has_id()) *record.mutable_latest_status()->mutable_operation_id() = operation.id();
  record.mutable_uuid()->set_value(uuid);
  if (operation.has_id()) accepted.agent.operations[uuid] = record;
  sendToAgent(accepted.agent, ApplyOperation{std::move(record), accepted.agent.total});
}

void Master::updateOperation(MasterAgent& agent, const OperationUpdate& update) {
  const auto found = agent.operations.find(update.operation);
  if (found == agent.operations.end()) {
    ++counters_.invalidOperationUpdates;
    return;
  }
  ++counters_.validOperationUpdates;
  v1::Operation& operation = found->second;
  *operation.mutable_latest_status() = update.status;
  const auto& statuses = operation.statuses();
  const bool repeated =
      std::any_of(statuses.begin(), statuses.end(), [&](const v1::OperationStatus& status) {
        return status.uuid().value() == update.status.uuid().value();
      });
  if (!repeated) *operation.add_statuses() = update.status;
  const MasterFramework* framework = findFramework(operation.framework_id().value());
  if (framework != nullptr) sendOperationStatus(*framework, update.status);
}

/// Fact P6.
void Master::acknowledgeOperation(const MasterFramework& framework,
                                  const Call::AcknowledgeOperationStatus& acknowledge) {
  MasterAgent* agent = findAgent(acknowledge.agent_id().value());
  auto* operations = agent == nullptr ? nullptr : &agent->operations;
  const auto isMeant = [&](const auto& entry) {
    const v1::Operation& operation = entry.second;
    return operation.framework_id().value() == framework.info.id().value() &&
           operation.info().id().value() == acknowledge.operation_id().value() &&
           operation.latest_status().uuid().value() == acknowledge.uuid();
  };
  if (operations == nullptr || std::none_of(operations->begin(), operations->end(), isMeant)) {
    ++counters_.invalidOperationAcknowledgements;
    return;
  }
  ++counters_.validOperationAcknowledgements;
  const auto found = std::find_if(operations->begin(), operations->end(), isMeant);
  sendToAgent(*agent, AcknowledgeOperation{found->first, acknowledge.uuid()});
  if (isOver(found->second.latest_status().state())) operations->erase(found);
}

/// Fact C20: answers bear no uuid.
void Master::reconcileOperations(const MasterFramework& framework,
                                 const Call::ReconcileOperations& reconcile) {
  std::map<std::string, v1::OperationStatus> known;
  for (const auto& [agentId, agent] : agents_) {
    for (const auto& [uuid, operation] : agent.operations) {
      if (operation.framework_id().value() != framework.info.id().value()) continue;
      v1::OperationStatus& status = known[operation.info().id().value()];
      *status.mutable_operation_id() = operation.info().id();
      status.set_state(operation.latest_status().state());
      status.set_message("Reconciliation: Latest operation state");
      *status.mutable_agent_id() = agent.info.id();
    }
  }
  if (reconcile.operations().empty()) {
    for (auto& status : known) sendOperationStatus(framework, std::move(status.second));
    return;
  }
  for (const auto& operation : reconcile.operations()) {
    if (const auto found = known.find(operation.operation_id().value()); found != known.end()) {
      sendOperationStatus(framework, found->second);
      continue;
    }
    v1::OperationStatus status;
    *status.mutable_operation_id() = operation.operation_id();
    status.set_state(v1::OPERATION_UNKNOWN);
    const std::string& agentId = operation.agent_id().value();
    if (!operation.has_agent_id()) {
      status.set_message("Reconciliation: Operation is unknown and no 'agent_id' was provided");
    } else if (recovered_.count(agentId) != 0) {
      status.set_state(v1::OPERATION_RECOVERING);
      status.set_message("Reconciliation: Agent is recovering");
    } else if (registry_.unreachable.count(agentId) != 0) {
      status.set_state(v1::OPERATION_UNREACHABLE);
      status.set_message("Reconciliation: Agent is unreachable");
    } else if (registry_.gone.count(agentId) != 0) {
      status.set_state(v1::OPERATION_GONE_BY_OPERATOR);
      status.set_message("Reconciliation: Agent is gone");
    } else {
      status.set_message("Reconciliation: Operation is unknown");
    }
    if (operation.has_agent_id()) *status.mutable_agent_id() = operation.agent_id();
    if (operation.has_resource_provider_id()) {
      *status.mutable_resource_provider_id() = operation.resource_provider_id();
    }
    sendOperationStatus(framework, std::move(status));
  }
}

/// A known agent that registers again may have missed what was sent to its old link.
void Master::syncReservations(MasterAgent& agent, const std::vector<v1::Operation>& reported) {
  for (const auto& [uuid, operation] : agent.operations) {
    const bool isThere =
        std::any_of(reported.begin(), reported.end(),
                    [id = &uuid](const v1::Operation& one) { return one.uuid().value() == *id; });
    if (!isThere) sendToAgent(agent, ApplyOperation{operation, agent.total});
  }
}

}  // namespace mesos::cluster
