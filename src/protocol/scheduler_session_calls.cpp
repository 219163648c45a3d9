// What a SchedulerSession does with calls; scheduler_session.cpp has the rest.
#include "protocol/calls.hpp"

#include "base/planted_bug.hpp"
#include "protocol/scheduler_session.hpp"

#include <algorithm>

namespace mesos::protocol {
namespace {

using Call = v1::scheduler::Call;
using v1::FrameworkInfo;
using v1::TaskInfo;

bool hasCapability(const FrameworkInfo& framework, FrameworkInfo::Capability::Type type) {
  return std::any_of(framework.capabilities().begin(), framework.capabilities().end(),
                     [&](const auto& capability) { return capability.type() == type; });
}

std::set<std::string> rolesOf(const FrameworkInfo& framework) {
  if (!hasCapability(framework, FrameworkInfo::Capability::MULTI_ROLE)) return {framework.role()};
  return {framework.roles().begin(), framework.roles().end()};
}

// An ACCEPT that may or may not have arrived is never repeated, but its offers must not stay
// outstanding for ever (fact O7). If it arrived, they are unknown and this changes nothing (fact
// O30); if it arrives later, its tasks are answered as launched with invalid offers (fact A3).
std::string declineInDoubt(const Call& accept) {
  v1::Filters filters;
  filters.set_refuse_seconds(0);
  const auto& offers = accept.accept().offer_ids();
  Call decline = calls::decline({offers.begin(), offers.end()}, filters);
  *decline.mutable_framework_id() = accept.framework_id();
  return decline.SerializeAsString();
}

// Whether users may send it and a master would not refuse it for its form (fact Q20).
bool isSendable(const Call& call) {
  if (!call.IsInitialized()) return false;
  switch (call.type()) {
    case Call::ACCEPT:
      return call.has_accept();
    case Call::DECLINE:
      return call.has_decline();
    case Call::ACCEPT_INVERSE_OFFERS:
      return call.has_accept_inverse_offers();
    case Call::DECLINE_INVERSE_OFFERS:
      return call.has_decline_inverse_offers();
    case Call::KILL:
      return call.has_kill();
    case Call::SHUTDOWN:
      return call.has_shutdown();
    case Call::ACKNOWLEDGE:
      return call.has_acknowledge();
    case Call::ACKNOWLEDGE_OPERATION_STATUS:
      return call.has_acknowledge_operation_status();
    case Call::RECONCILE:
      return call.has_reconcile();
    case Call::RECONCILE_OPERATIONS:
      return call.has_reconcile_operations();
    case Call::MESSAGE:
      return call.has_message();
    case Call::REQUEST:
      return call.has_request();
    case Call::UPDATE_FRAMEWORK:
      return call.has_update_framework();
    case Call::REVIVE:
    case Call::SUPPRESS:
      return true;
    case Call::SUBSCRIBE:
    case Call::TEARDOWN:
    case Call::UNKNOWN:
      return false;
  }
  return false;
}

// A launch or a message must not happen twice (pitfall 25, fact K40); all else may.
bool isRepeatable(Call::Type type) {
  if (MESOS_PLANTED(RepeatAcceptOnNewConnection) && type == Call::ACCEPT) return true;
  return type != Call::ACCEPT && type != Call::MESSAGE;
}

std::vector<const TaskInfo*> launchedBy(const Call::Accept& accept) {
  std::vector<const TaskInfo*> tasks;
  for (const auto& operation : accept.operations()) {
    for (const TaskInfo& task : operation.launch().task_infos()) tasks.push_back(&task);
    for (const TaskInfo& task : operation.launch_group().task_group().tasks()) {
      tasks.push_back(&task);
    }
  }
  return tasks;
}

}  // namespace

FrameworkInfo withMultiRole(FrameworkInfo framework) {
  constexpr auto kMultiRole = FrameworkInfo::Capability::MULTI_ROLE;
  if (framework.roles_size() > 0 && !hasCapability(framework, kMultiRole)) {
    framework.add_capabilities()->set_type(kMultiRole);
  }
  return framework;
}

void SchedulerSession::onCall(Now now, Call call) {
  if (state_ == State::Finished || stop_ != Stop::No || !isSendable(call)) return;
  rememberRoles(call);
  if (subscribed()) {
    send(now, std::move(call));
  } else {
    answerUnsent(now, call);
  }
}

void SchedulerSession::onHandled(Now now, const Event& event) {
  // Whatever subscription the event came by: the uuid says which update is meant. Without a
  // subscription the agent will send the update again (fact S45).
  if (!subscribed() || stop_ == Stop::TearDown || event.type() != Event::UPDATE) return;
  const v1::TaskStatus& status = event.update().status();
  if (status.uuid().empty() || !status.has_agent_id()) return;
  // As send(calls::acknowledge(status)), in one message for all.
  acknowledgement_.set_type(Call::ACKNOWLEDGE);
  *acknowledgement_.mutable_framework_id() = framework_.id();
  Call::Acknowledge& acknowledge = *acknowledgement_.mutable_acknowledge();
  *acknowledge.mutable_agent_id() = status.agent_id();
  *acknowledge.mutable_task_id() = status.task_id();
  acknowledge.set_uuid(status.uuid());
  calls_.push(
      {Call::ACKNOWLEDGE, isRepeatable(Call::ACKNOWLEDGE), acknowledgement_.SerializeAsString()});
  pumpCalls(now);
}

void SchedulerSession::sendTeardown(Now now) { send(now, calls::teardown()); }

void SchedulerSession::send(Now now, Call call) {
  *call.mutable_framework_id() = framework_.id();
  if (call.type() == Call::UPDATE_FRAMEWORK) {  // Both ids must be there and equal (fact Q22).
    auto& info = *call.mutable_update_framework()->mutable_framework_info();
    info = withMultiRole(std::move(info));
    *info.mutable_id() = framework_.id();
  }
  CallQueue::Call queued{call.type(), isRepeatable(call.type()), call.SerializeAsString()};
  if (call.type() == Call::ACCEPT) {
    queued.bodyInDoubt = declineInDoubt(call);
    queued.typeInDoubt = Call::DECLINE;
  }
  calls_.push(std::move(queued));
  pumpCalls(now);
}

void SchedulerSession::pumpCalls(Now now) {
  if (calls_.wantsConnection() && !callRetryAt_) {
    calls_.open(now.steady, ++lastId_);
    effects_.emplace_back(Connect{lastId_, endpoint_.address});
  }
  while (auto body = calls_.next(now.steady)) {
    effects_.emplace_back(Send{calls_.id(), makeRequest(std::move(*body))});
  }
}

Request SchedulerSession::makeRequest(std::string body) {
  if (headers_.empty() || headersStreamId_ != streamId_) {
    headersStreamId_ = streamId_;
    // Exactly these: a parameter would be answered 415, a second choice in Accept JSON (T20, T23).
    headers_ = {{"Accept", std::string(kProtobuf)}, {"Content-Type", std::string(kProtobuf)}};
    // Of every call but SUBSCRIBE, which is refused with one (facts Q31, Q8).
    if (!streamId_.empty()) headers_.add("Mesos-Stream-Id", streamId_);
    if (!options_.authorization.empty()) headers_.add("Authorization", options_.authorization);
  }
  return {"POST", endpoint_.path, headers_, std::move(body)};
}

// A 202 says no more than that the call was understood (fact Q23); a refusal, that the
// subscription is not what we think (fact Q26).
void SchedulerSession::onCallAnswered(Now now, const CallQueue::Answered& answered) {
  const Answer& answer = answered.answer;
  if (answer.status() == 307) return follow(now, answer);
  if (answer.status() == 401) {
    return fail(place() + " answers a call with " + answer.describe() +
                ". Check the principal and the secret.");
  }
  if (!answer.succeeded()) {
    const auto type = static_cast<Call::Type>(answered.call.type);
    return retryLater(now,
                      place() + " answers " + Call::Type_Name(type) + " with " + answer.describe());
  }
  callBackoff_.reset();
  if (answered.call.type == Call::UPDATE_FRAMEWORK) {
    Call call;
    if (call.ParseFromString(answered.call.body)) adopt(call.update_framework());
  }
  finishIfDrained();
  if (subscribed()) pumpCalls(now);
}

// Only the stream's end is the end of the subscription; an idle connection may well be closed.
void SchedulerSession::onCallsClosed(Now now, std::string_view reason) {
  const auto answered = calls_.onAnswerEnd(now.steady);
  const CallQueue::Loss loss = calls_.onClosed();
  const std::string problem = "calls do not reach " + place() + ": " + std::string(reason);
  // A lost REVIVE or DECLINE would starve the framework for ever (pitfall 25). A new subscription
  // starts clean: no offer is outstanding, the suppression is told again (facts S41, S43).
  if (loss.gaveUp && stop_ == Stop::No) return retryLater(now, problem);
  if (loss.useless) {
    const Duration next = callBackoff_.next(random_);
    callRetryAt_ = now.steady + next;
    effects_.emplace_back(Waiting{problem, Duration::zero(), next});
  }
  if (answered) return onCallAnswered(now, *answered);
  finishIfDrained();
  if (subscribed()) pumpCalls(now);
}

void SchedulerSession::onCallsTimer(Now now) {
  if (calls_.deadline() && *calls_.deadline() <= now.steady) {
    effects_.emplace_back(Close{calls_.id()});
    return onCallsClosed(now, "no answer in time");
  }
  if (callRetryAt_ && *callRetryAt_ <= now.steady) {
    callRetryAt_.reset();
    pumpCalls(now);
  }
}

// A launch that cannot leave must not vanish: its tasks are reported as never launched.
void SchedulerSession::answerUnsent(Now now, const Call& call) {
  const bool aware = hasCapability(framework_, FrameworkInfo::Capability::PARTITION_AWARE);
  for (const TaskInfo* task : launchedBy(call.accept())) {
    auto event = std::make_unique<Event>();
    event->set_type(Event::UPDATE);
    v1::TaskStatus& status = *event->mutable_update()->mutable_status();
    *status.mutable_task_id() = task->task_id();
    *status.mutable_agent_id() = task->agent_id();
    status.set_state(aware ? v1::TASK_DROPPED : v1::TASK_LOST);
    status.set_source(v1::TaskStatus::SOURCE_MASTER);
    status.set_reason(v1::TaskStatus::REASON_MASTER_DISCONNECTED);
    status.set_message("Not launched: the scheduler is not subscribed with a master");
    status.set_timestamp(now.unixSeconds());
    effects_.emplace_back(DeliverEvent{std::move(event)});
  }
}

void SchedulerSession::rememberRoles(const Call& call) {
  if (call.type() != Call::SUPPRESS && call.type() != Call::REVIVE) return;
  const auto& named =
      call.type() == Call::SUPPRESS ? call.suppress().roles() : call.revive().roles();
  const std::set<std::string> own = rolesOf(framework_);
  std::set<std::string> roles(named.begin(), named.end());
  // One role that is not ours makes a master ignore the whole call (fact O33).
  if (!std::includes(own.begin(), own.end(), roles.begin(), roles.end())) return;
  if (roles.empty()) roles = own;
  for (const std::string& role : roles) {
    if (call.type() == Call::SUPPRESS) {
      suppressedRoles_.insert(role);
    } else {
      suppressedRoles_.erase(role);
    }
  }
}

// The master has taken it: the next SUBSCRIBE must not undo it (facts S60, S62).
void SchedulerSession::adopt(const Call::UpdateFramework& update) {
  framework_ = update.framework_info();
  suppressedRoles_ = {update.suppressed_roles().begin(), update.suppressed_roles().end()};
  offerConstraints_.reset();
  if (update.has_offer_constraints()) offerConstraints_ = update.offer_constraints();
}

std::size_t SchedulerSession::queuedBytes() const { return calls_.bytes(); }

}  // namespace mesos::protocol
