#include "cluster/operator_state.hpp"

#include "cluster/master_state_json.hpp"
#include "cluster/state_json.hpp"

namespace mesos::cluster {
namespace {

v1::TimeInfo timeMessage(Now now) {
  v1::TimeInfo time;
  time.set_nanoseconds(now.wall.time_since_epoch().count());
  return time;
}

/// What GET_FRAMEWORKS shows beyond the events.
OperatorResponse::GetFrameworks::Framework frameworkMessage(const Master& master,
                                                            const MasterFramework& framework) {
  auto message = frameworkMessage(framework);
  if (!framework.unregistered) message.clear_unregistered_time();
  for (const std::string& id : framework.offers) {
    const auto offer = master.offers().find(id);
    if (offer == master.offers().end()) continue;
    Offer& shown = *message.add_offers();
    shown = offer->second.offer;
    *shown.mutable_resources() = offer->second.resources.toProto();
  }
  *message.mutable_allocated_resources() = resourcesWithRole(usedResources(framework));
  *message.mutable_offered_resources() = resourcesWithRole(offeredResources(master, framework));
  message.mutable_offer_constraints();
  return message;
}

}  // namespace

google::protobuf::RepeatedPtrField<Resource> resourcesWithRole(const Resources& resources) {
  auto list = resources.toProto();
  for (Resource& resource : list) showRole(&resource);
  return list;
}

OperatorResponse::GetTasks tasksMessage(const Master& master) {
  OperatorResponse::GetTasks message;
  forEachFramework(master, [&](const MasterFramework& framework) {
    for (const auto& [id, task] : framework.tasks) *message.add_tasks() = task.task.unpack();
    for (const Task& task : framework.unreachableTasks) *message.add_unreachable_tasks() = task;
    for (const Task& task : framework.completedTasks) *message.add_completed_tasks() = task;
  });
  return message;
}

OperatorResponse::GetExecutors executorsMessage(const Master& master) {
  OperatorResponse::GetExecutors message;
  for (const auto& [frameworkId, framework] : master.frameworks()) {
    for (const auto& [agentId, executors] : framework.executors) {
      for (const auto& [id, executor] : executors) {
        auto& shown = *message.add_executors();
        *shown.mutable_executor_info() = executor;
        shown.mutable_agent_id()->set_value(agentId);
      }
    }
  }
  return message;
}

OperatorResponse::GetFrameworks frameworksMessage(const Master& master) {
  OperatorResponse::GetFrameworks message;
  for (const auto& [id, framework] : master.frameworks()) {
    *message.add_frameworks() = frameworkMessage(master, framework);
  }
  for (const MasterFramework& framework : master.completedFrameworks()) {
    *message.add_completed_frameworks() = frameworkMessage(master, framework);
  }
  return message;
}

OperatorResponse::GetAgents agentsMessage(const Master& master) {
  OperatorResponse::GetAgents message;
  for (const auto& [id, agent] : master.agents()) {
    *message.add_agents() = agentMessage(master, agent);
  }
  return message;
}

OperatorResponse::GetOperations operationsMessage(const Master& master) {
  OperatorResponse::GetOperations message;
  for (const auto& [agentId, agent] : master.agents()) {
    for (const auto& [uuid, operation] : agent.operations) *message.add_operations() = operation;
  }
  return message;
}

OperatorResponse::GetState stateMessage(const Master& master) {
  OperatorResponse::GetState message;
  *message.mutable_get_tasks() = tasksMessage(master);
  *message.mutable_get_executors() = executorsMessage(master);
  *message.mutable_get_frameworks() = frameworksMessage(master);
  *message.mutable_get_agents() = agentsMessage(master);
  return message;
}

OperatorResponse::GetAgents::Agent agentMessage(const Master& master, const MasterAgent& agent) {
  OperatorResponse::GetAgents::Agent message;
  *message.mutable_agent_info() = master.registry().admitted.at(agent.info.id().value()).unpack();
  message.set_active(agent.active);
  const auto& outOfService = master.registry().deactivated;
  const auto deactivated = outOfService.find(agent.info.id().value());
  message.set_deactivated(deactivated != outOfService.end());
  message.set_version(agent.version);
  message.set_pid(agent.pid);
  *message.mutable_registered_time() = timeMessage(agent.registered);
  if (agent.reregistered) *message.mutable_reregistered_time() = timeMessage(*agent.reregistered);
  *message.mutable_total_resources() = resourcesWithRole(agent.total);
  *message.mutable_allocated_resources() = resourcesWithRole(agent.used);
  *message.mutable_offered_resources() = resourcesWithRole(agent.offered);
  for (const auto capability : kAgentCapabilities) {
    message.add_capabilities()->set_type(capability);
  }
  if (deactivated != outOfService.end() && deactivated->second) {
    *message.mutable_drain_info() = *deactivated->second;
    if (agent.drainStarted) {
      *message.mutable_estimated_drain_start_time() = timeMessage(*agent.drainStarted);
    }
  }
  return message;
}

OperatorResponse::GetFrameworks::Framework frameworkMessage(const MasterFramework& framework) {
  OperatorResponse::GetFrameworks::Framework message;
  *message.mutable_framework_info() = framework.info;
  message.set_active(framework.active);
  message.set_connected(framework.stream.has_value());
  message.set_recovered(framework.recovered);
  *message.mutable_registered_time() = timeMessage(framework.registered);
  *message.mutable_reregistered_time() =
      timeMessage(framework.reregistered.value_or(framework.registered));
  message.mutable_unregistered_time()->set_nanoseconds(0);
  if (framework.unregistered) {
    *message.mutable_unregistered_time() = timeMessage(*framework.unregistered);
  }
  return message;
}

}  // namespace mesos::cluster
