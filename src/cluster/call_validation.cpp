#include "cluster/call_validation.hpp"

#include "base/uuid.hpp"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>

namespace mesos::cluster {
namespace {

std::optional<std::string> missing(const std::string& field) {
  return "Expecting '" + field + "' to be present";
}

/// A call of type KILL needs its `kill`, and so on, if the call has a member of that name at all.
template <typename Call>
std::optional<std::string> missingPart(const Call& call) {
  std::string name = Call::Type_Name(call.type());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto* field = Call::descriptor()->FindFieldByName(name);
  if (field == nullptr || call.GetReflection()->HasField(call, field)) return std::nullopt;
  return missing(name);
}

std::optional<std::string> invalidUuid(const std::string& uuid) {
  if (isUuid(uuid)) return std::nullopt;
  return "Not a valid UUID";
}

using SchedulerCall = v1::scheduler::Call;

std::optional<std::string> faultOf(const SchedulerCall& call) {
  if (!call.has_type()) return missing("type");
  if (call.type() == SchedulerCall::SUBSCRIBE) {
    if (!call.has_subscribe()) return missing("subscribe");
    // By value: an id of "" equals an absent one (fact Q20).
    if (call.framework_id().value() != call.subscribe().framework_info().id().value()) {
      return "'framework_id' differs from 'subscribe.framework_info.id'";
    }
    return std::nullopt;
  }
  if (!call.has_framework_id()) return missing("framework_id");
  if (call.type() == SchedulerCall::REVIVE || call.type() == SchedulerCall::SUPPRESS) {
    return std::nullopt;
  }
  if (auto part = missingPart(call)) return part;
  switch (call.type()) {
    case SchedulerCall::ACKNOWLEDGE:
      return invalidUuid(call.acknowledge().uuid());
    case SchedulerCall::ACKNOWLEDGE_OPERATION_STATUS:
      if (auto fault = invalidUuid(call.acknowledge_operation_status().uuid())) return fault;
      if (!call.acknowledge_operation_status().has_agent_id()) return missing("agent_id");
      return std::nullopt;
    case SchedulerCall::UPDATE_FRAMEWORK:
      if (call.framework_id().value() != call.update_framework().framework_info().id().value()) {
        return "'framework_id' differs from 'update_framework.framework_info.id'";
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

using ExecutorCall = v1::executor::Call;

/// Exactly the outcome that `type` names may be there; an empty one says that there is no outcome
/// yet (fact H7).
std::optional<std::string> faultOf(const v1::CheckStatusInfo& check) {
  if (!check.has_type()) return "CheckStatusInfo must specify 'type'";
  switch (check.type()) {
    case v1::CheckInfo::COMMAND:
      if (!check.has_command()) return "Expecting 'command' to be set for COMMAND check's status";
      return std::nullopt;
    case v1::CheckInfo::HTTP:
      if (!check.has_http()) return "Expecting 'http' to be set for HTTP check's status";
      return std::nullopt;
    case v1::CheckInfo::TCP:
      if (!check.has_tcp()) return "Expecting 'tcp' to be set for TCP check's status";
      return std::nullopt;
    default:
      return "'" + v1::CheckInfo::Type_Name(check.type()) + "' is not a valid check's status type";
  }
}

std::optional<std::string> faultOfUpdate(const ExecutorCall& call) {
  const v1::TaskStatus& status = call.update().status();
  const std::string from =
      "executor " + call.executor_id().value() + " of framework " + call.framework_id().value();
  if (!status.has_uuid()) return missing("uuid");
  if (auto fault = invalidUuid(status.uuid())) return fault;
  if (status.has_executor_id() && status.executor_id().value() != call.executor_id().value()) {
    return "The executor id of the status, '" + status.executor_id().value() +
           "', is not that of the call, '" + call.executor_id().value() + "'";
  }
  if (status.source() != v1::TaskStatus::SOURCE_EXECUTOR) {
    return "Received Call from " + from + " with invalid source, expecting 'SOURCE_EXECUTOR'";
  }
  if (status.state() == v1::TASK_STAGING) {
    return "Received TASK_STAGING from " + from + " which is not allowed";
  }
  return status.has_check_status() ? faultOf(status.check_status()) : std::nullopt;
}

std::optional<std::string> faultOf(const ExecutorCall& call) {
  if (!call.has_type()) return missing("type");
  if (auto part = missingPart(call)) return part;
  return call.type() == ExecutorCall::UPDATE ? faultOfUpdate(call) : std::nullopt;
}

std::optional<std::string> faultOf(const v1::master::Call& call) {
  return call.has_type() ? missingPart(call) : missing("type");
}

std::optional<std::string> faultOf(const v1::agent::Call& call) {
  if (!call.has_type()) return missing("type");
  const bool partIsOptional = call.type() == v1::agent::Call::GET_CONTAINERS ||
                              call.type() == v1::agent::Call::PRUNE_IMAGES;
  return partIsOptional ? std::nullopt : missingPart(call);
}

template <typename Call>
Result<void> validate(const Call& call, const std::string& name) {
  const std::optional<std::string> fault = faultOf(call);
  if (!fault) return {};
  return Error{"Failed to validate " + name + ": " + *fault};
}

}  // namespace

// The names are as Mesos spells them, one capital included.
Result<void> validateCall(const v1::scheduler::Call& call) {
  return validate(call, "scheduler::Call");
}
Result<void> validateCall(const v1::executor::Call& call) {
  return validate(call, "Executor::Call");
}
Result<void> validateCall(const v1::master::Call& call) { return validate(call, "master::Call"); }
Result<void> validateCall(const v1::agent::Call& call) { return validate(call, "agent::Call"); }

}  // namespace mesos::cluster
