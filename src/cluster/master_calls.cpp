// The calls of a subscribed framework, but ACCEPT and DECLINE (section 9).
#include "cluster/master.hpp"
#include "cluster/task.hpp"
#include "cluster/validation.hpp"

#include "base/planted_bug.hpp"

#include <algorithm>
#include <utility>

namespace mesos::cluster {
namespace {

using Call = v1::scheduler::Call;

/// Fact O33: one role that is not the framework's makes the whole call void.
bool areAllSubscribed(const google::protobuf::RepeatedPtrField<std::string>& asked,
                      const FrameworkInfo& framework) {
  const std::set<std::string> roles = rolesOf(framework);
  return std::all_of(asked.begin(), asked.end(),
                     [&](const std::string& role) { return roles.count(role) != 0; });
}

/// The name of a call's counter in /metrics/snapshot (fact W74); nullptr: it has none.
const char* counterOf(const Call& call) {
  switch (call.type()) {
    case Call::TEARDOWN:
      return "messages_unregister_framework";
    case Call::ACCEPT: {
      const auto& operations = call.accept().operations();
      const bool launches = std::any_of(operations.begin(), operations.end(), [](const auto& one) {
        return one.launch().task_infos_size() > 0 || one.has_launch_group();
      });
      return launches ? "messages_launch_tasks" : "messages_decline_offers";
    }
    case Call::DECLINE:
      return "messages_decline_offers";
    case Call::REVIVE:
      return "messages_revive_offers";
    case Call::SUPPRESS:
      return "messages_suppress_offers";
    case Call::KILL:
      return "messages_kill_task";
    case Call::ACKNOWLEDGE:
      return "messages_status_update_acknowledgement";
    case Call::ACKNOWLEDGE_OPERATION_STATUS:
      return "messages_operation_status_update_acknowledgement";
    case Call::RECONCILE:
      return "messages_reconcile_tasks";
    case Call::RECONCILE_OPERATIONS:
      return "messages_reconcile_operations";
    case Call::MESSAGE:
      return "messages_framework_to_executor";
    case Call::REQUEST:
      return "messages_resource_request";
    default:
      return nullptr;
  }
}

}  // namespace

void Master::onCall(Now now, const Call& call) {
  MasterFramework* framework = findFramework(call.framework_id().value());
  if (framework == nullptr || !framework->stream) return;
  if (const char* name = counterOf(call)) ++counters_.messages[name];
  switch (call.type()) {
    case Call::TEARDOWN:
      removeFramework(now, framework->info.id().value());
      break;
    case Call::ACCEPT:
      accept(now, *framework, call.accept());
      break;
    case Call::DECLINE:
      decline(now, *framework, call.decline());
      break;
    case Call::REVIVE:
      revive(now, *framework, call.revive());
      break;
    case Call::SUPPRESS:
      suppress(*framework, call.suppress());
      break;
    case Call::KILL:
      kill(now, *framework, call.kill());
      break;
    case Call::SHUTDOWN:
      if (const MasterAgent* agent = findAgent(call.shutdown().agent_id().value())) {
        sendToAgent(*agent, ShutdownExecutor{framework->info.id(), call.shutdown().executor_id()});
      }
      break;
    case Call::ACKNOWLEDGE:
      acknowledge(*framework, call.acknowledge());
      break;
    case Call::ACKNOWLEDGE_OPERATION_STATUS:
      acknowledgeOperation(*framework, call.acknowledge_operation_status());
      break;
    case Call::RECONCILE:
      reconcile(now, *framework, call.reconcile());
      break;
    case Call::RECONCILE_OPERATIONS:
      reconcileOperations(*framework, call.reconcile_operations());
      break;
    case Call::MESSAGE:
      if (const MasterAgent* agent = findAgent(call.message().agent_id().value())) {
        sendToAgent(*agent, MessageToExecutor{framework->info.id(), call.message().executor_id(),
                                              call.message().data()});
      }
      break;
    default:
      break;  // REQUEST (fact O35), inverse offers (fact O37): no effect.
  }
}

void Master::revive(Now now, const MasterFramework& framework, const Call::Revive& revive) {
  if (!areAllSubscribed(revive.roles(), framework.info)) return;
  allocator_.revive(now, framework.info.id().value(),
                    {revive.roles().begin(), revive.roles().end()});
}

void Master::suppress(const MasterFramework& framework, const Call::Suppress& suppress) {
  if (!areAllSubscribed(suppress.roles(), framework.info)) return;
  allocator_.suppress(framework.info.id().value(),
                      {suppress.roles().begin(), suppress.roles().end()});
}

/// Facts K1-K4.
void Master::kill(Now now, MasterFramework& framework, const Call::Kill& kill) {
  const auto found = framework.tasks.find(kill.task_id().value());
  if (found == framework.tasks.end()) {
    reconcileTask(now, framework, kill.task_id().value(),
                  kill.has_agent_id() ? std::optional(kill.agent_id().value()) : std::nullopt);
    return;
  }
  MasterTask& task = found->second;
  if (kill.has_agent_id() && kill.agent_id().value() != task.agent->info.id().value()) return;
  task.killRequested = true;
  KillTask message{framework.info.id(), kill.task_id(), std::nullopt};
  if (kill.has_kill_policy()) message.policy = kill.kill_policy();
  sendToAgent(*task.agent, std::move(message));
}

/// Facts K31-K33. A task this master does not know may still be one of the agent's (fact X34).
void Master::acknowledge(MasterFramework& framework, const Call::Acknowledge& acknowledge) {
  const MasterAgent* agent = findAgent(acknowledge.agent_id().value());
  if (agent == nullptr || !agent->connected) {
    ++counters_.invalidAcknowledgements;
    return;
  }
  const auto found = framework.tasks.find(acknowledge.task_id().value());
  if (found != framework.tasks.end() && found->second.agent == agent) {
    const Task task = found->second.task.unpack();
    if (!task.has_status_update_state()) {
      ++counters_.invalidAcknowledgements;
      return;
    }
    if (isTerminal(task.status_update_state()) && task.status_update_uuid() == acknowledge.uuid()) {
      completeTask(framework, acknowledge.task_id().value());
    }
  }
  ++counters_.validAcknowledgements;
  sendToAgent(*agent,
              AcknowledgeUpdate{framework.info.id(), acknowledge.task_id(), acknowledge.uuid()});
}

void Master::reconcile(Now now, const MasterFramework& framework,
                       const Call::Reconcile& reconcile) {
  if (reconcile.tasks().empty()) {
    for (const auto& task : framework.tasks) {
      reconcileTask(now, framework, task.first, std::nullopt);
    }
    return;
  }
  for (const auto& task : reconcile.tasks()) {
    reconcileTask(now, framework, task.task_id().value(),
                  task.has_agent_id() ? std::optional(task.agent_id().value()) : std::nullopt);
  }
}

/// Facts C2, C3 and C10.
void Master::reconcileTask(Now now, const MasterFramework& framework, const std::string& taskId,
                           const std::optional<std::string>& agentId) {
  std::optional<TaskStatus> status;
  if (const auto found = framework.tasks.find(taskId); found != framework.tasks.end()) {
    const Task task = found->second.task.unpack();
    status = describeTask(task);
    status->set_state(task.has_status_update_state() ? task.status_update_state() : task.state());
    status->set_message("Reconciliation: Latest task state");
  } else {
    status = reconcileUnknown(framework, agentId);
  }
  if (!status) return;
  status->mutable_task_id()->set_value(taskId);
  status->set_source(TaskStatus::SOURCE_MASTER);
  status->set_reason(TaskStatus::REASON_RECONCILIATION);
  status->set_timestamp(now.unixSeconds());
  sendStatus(framework, *std::move(status));
}

/// Facts C11-C16. nullopt: no answer, as the task may be on an agent that is still coming back.
std::optional<TaskStatus> Master::reconcileUnknown(
    const MasterFramework& framework, const std::optional<std::string>& agentId) const {
  const bool isSilent = agentId ? recovered_.count(*agentId) != 0 : !recovered_.empty();
  if (isSilent && !MESOS_PLANTED(AnswerWhileRecovering)) return std::nullopt;
  TaskStatus status;
  TaskState state = TASK_UNKNOWN;
  status.set_message("Reconciliation: Task is unknown");
  if (agentId) {
    status.mutable_agent_id()->set_value(*agentId);
    const auto unreachable = registry_.unreachable.find(*agentId);
    if (agents_.count(*agentId) != 0) {
      state = TASK_GONE;
      status.set_message("Reconciliation: Task is unknown to the agent");
    } else if (unreachable != registry_.unreachable.end()) {
      state = TASK_UNREACHABLE;
      status.set_message("Reconciliation: Task is unreachable");
      status.mutable_unreachable_time()->set_nanoseconds(
          unreachable->second.wall.time_since_epoch().count());
    } else if (registry_.gone.count(*agentId) != 0 && MESOS_PLANTED(KeepTasksOfGoneAgent)) {
      return std::nullopt;
    } else if (registry_.gone.count(*agentId) != 0) {
      state = TASK_GONE_BY_OPERATOR;
      status.set_message("Reconciliation: Task is gone");
    }
  }
  const bool partitionAware =
      hasCapability(framework.info, FrameworkInfo::Capability::PARTITION_AWARE);
  status.set_state(partitionAware ? state : TASK_LOST);
  return status;
}

}  // namespace mesos::cluster
