// What the subscribers of the operator API are told (fact W72).
#include "cluster/master.hpp"
#include "cluster/operator_state.hpp"

#include <utility>

namespace mesos::cluster {

void Master::tellOperators(OperatorEvent event) {
  effects_.push_back(ToOperators{std::move(event)});
}

void Master::tellTaskAdded(const Task& task) {
  if (!isWatched_) return;
  OperatorEvent event;
  event.set_type(OperatorEvent::TASK_ADDED);
  *event.mutable_task_added()->mutable_task() = task;
  tellOperators(std::move(event));
}

void Master::tellTaskUpdated(const FrameworkID& frameworkId, TaskState latest,
                             const TaskStatus& status) {
  if (!isWatched_) return;
  OperatorEvent event;
  event.set_type(OperatorEvent::TASK_UPDATED);
  *event.mutable_task_updated()->mutable_framework_id() = frameworkId;
  *event.mutable_task_updated()->mutable_status() = status;
  event.mutable_task_updated()->set_state(latest);
  tellOperators(std::move(event));
}

void Master::tellAgentAdded(const MasterAgent& agent) {
  if (!isWatched_) return;
  OperatorEvent event;
  event.set_type(OperatorEvent::AGENT_ADDED);
  *event.mutable_agent_added()->mutable_agent() = agentMessage(*this, agent);
  tellOperators(std::move(event));
}

void Master::tellAgentRemoved(const AgentID& agentId) {
  if (!isWatched_) return;
  OperatorEvent event;
  event.set_type(OperatorEvent::AGENT_REMOVED);
  *event.mutable_agent_removed()->mutable_agent_id() = agentId;
  tellOperators(std::move(event));
}

void Master::tellFrameworkAdded(const MasterFramework& framework) {
  if (!isWatched_) return;
  OperatorEvent event;
  event.set_type(OperatorEvent::FRAMEWORK_ADDED);
  *event.mutable_framework_added()->mutable_framework() = frameworkMessage(framework);
  tellOperators(std::move(event));
}

void Master::tellFrameworkUpdated(const MasterFramework& framework) {
  if (!isWatched_) return;
  OperatorEvent event;
  event.set_type(OperatorEvent::FRAMEWORK_UPDATED);
  *event.mutable_framework_updated()->mutable_framework() = frameworkMessage(framework);
  tellOperators(std::move(event));
}

void Master::tellFrameworkRemoved(const MasterFramework& framework) {
  if (!isWatched_) return;
  OperatorEvent event;
  event.set_type(OperatorEvent::FRAMEWORK_REMOVED);
  *event.mutable_framework_removed()->mutable_framework_info() = framework.info;
  tellOperators(std::move(event));
}

}  // namespace mesos::cluster
