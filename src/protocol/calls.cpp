#include "protocol/calls.hpp"

namespace mesos::protocol::calls {
namespace {

Call ofType(Call::Type type) {
  Call call;
  call.set_type(type);
  return call;
}

// Filters nobody set are better left out: a master's own default applies then (fact O20).
bool isSet(const v1::Filters& filters) { return filters.ByteSizeLong() > 0; }

}  // namespace

v1::Offer::Operation launch(const std::vector<v1::TaskInfo>& tasks) {
  v1::Offer::Operation operation;
  operation.set_type(v1::Offer::Operation::LAUNCH);
  operation.mutable_launch()->mutable_task_infos()->Assign(tasks.begin(), tasks.end());
  return operation;
}

Call accept(const std::vector<v1::OfferID>& offers,
            const std::vector<v1::Offer::Operation>& operations, const v1::Filters& filters) {
  Call call = ofType(Call::ACCEPT);
  call.mutable_accept()->mutable_offer_ids()->Assign(offers.begin(), offers.end());
  call.mutable_accept()->mutable_operations()->Assign(operations.begin(), operations.end());
  if (isSet(filters)) *call.mutable_accept()->mutable_filters() = filters;
  return call;
}

Call decline(const std::vector<v1::OfferID>& offers, const v1::Filters& filters) {
  Call call = ofType(Call::DECLINE);
  call.mutable_decline()->mutable_offer_ids()->Assign(offers.begin(), offers.end());
  if (isSet(filters)) *call.mutable_decline()->mutable_filters() = filters;
  return call;
}

Call revive(const std::vector<std::string>& roles) {
  Call call = ofType(Call::REVIVE);
  if (!roles.empty()) call.mutable_revive()->mutable_roles()->Assign(roles.begin(), roles.end());
  return call;
}

Call suppress(const std::vector<std::string>& roles) {
  Call call = ofType(Call::SUPPRESS);
  if (!roles.empty()) call.mutable_suppress()->mutable_roles()->Assign(roles.begin(), roles.end());
  return call;
}

Call kill(const v1::TaskID& task) {
  Call call = ofType(Call::KILL);
  *call.mutable_kill()->mutable_task_id() = task;
  return call;
}

Call kill(const v1::TaskID& task, const v1::AgentID& agent) {
  Call call = kill(task);
  *call.mutable_kill()->mutable_agent_id() = agent;
  return call;
}

Call shutdown(const v1::ExecutorID& executor, const v1::AgentID& agent) {
  Call call = ofType(Call::SHUTDOWN);
  *call.mutable_shutdown()->mutable_executor_id() = executor;
  *call.mutable_shutdown()->mutable_agent_id() = agent;
  return call;
}

Call acknowledge(const v1::TaskStatus& status) {
  Call call = ofType(Call::ACKNOWLEDGE);
  *call.mutable_acknowledge()->mutable_agent_id() = status.agent_id();
  *call.mutable_acknowledge()->mutable_task_id() = status.task_id();
  call.mutable_acknowledge()->set_uuid(status.uuid());
  return call;
}

Call reconcile(const std::vector<v1::TaskStatus>& statuses) {
  Call call = ofType(Call::RECONCILE);
  call.mutable_reconcile();
  for (const v1::TaskStatus& status : statuses) {
    auto& task = *call.mutable_reconcile()->add_tasks();
    *task.mutable_task_id() = status.task_id();
    if (status.has_agent_id()) *task.mutable_agent_id() = status.agent_id();
  }
  return call;
}

Call message(const v1::ExecutorID& executor, const v1::AgentID& agent, std::string data) {
  Call call = ofType(Call::MESSAGE);
  *call.mutable_message()->mutable_executor_id() = executor;
  *call.mutable_message()->mutable_agent_id() = agent;
  call.mutable_message()->set_data(std::move(data));
  return call;
}

Call request(const std::vector<v1::Request>& requests) {
  Call call = ofType(Call::REQUEST);
  call.mutable_request()->mutable_requests()->Assign(requests.begin(), requests.end());
  return call;
}

Call teardown() { return ofType(Call::TEARDOWN); }

}  // namespace mesos::protocol::calls
