#include "protocol/executor_session.hpp"

#include "base/duration.hpp"
#include "base/uuid.hpp"

namespace mesos::protocol {
namespace {

using Call = v1::executor::Call;
using Event = v1::executor::Event;

constexpr std::size_t kCallBytesInFlightMax = std::size_t{4} << 20;
constexpr Backoff::Options kCallBackoff{.initial = std::chrono::milliseconds(100),
                                        .max = std::chrono::seconds(10)};

bool hasItsPart(const Event& event) {
  switch (event.type()) {
    case Event::SUBSCRIBED:
      return event.has_subscribed();
    case Event::LAUNCH:
      return event.has_launch();
    case Event::LAUNCH_GROUP:
      return event.has_launch_group();
    case Event::KILL:
      return event.has_kill();
    case Event::ACKNOWLEDGED:
      return event.has_acknowledged();
    case Event::MESSAGE:
      return event.has_message();
    case Event::ERROR:
      return event.has_error();
    default:
      return true;
  }
}

std::optional<Event> parseEvent(std::string_view record) {
  Event event;
  if (!event.ParsePartialFromArray(record.data(), static_cast<int>(record.size())) ||
      !event.IsInitialized())
    return std::nullopt;
  if (!hasItsPart(event)) return std::nullopt;
  return event;
}

// Why another attempt would be refused as well, as a sentence for the user; nullopt: it may not.
std::optional<std::string> finalRefusal(const std::string& place, const Answer& answer) {
  const std::string told = place + " answers " + answer.describe() + ". ";
  switch (answer.status()) {
    case 400:
      return told +
             "It knows no such executor (any more); only the process that the agent "
             "started for it can subscribe.";
    case 401:
    case 403:
      return told + "The token in MESOS_EXECUTOR_AUTHENTICATION_TOKEN is not this executor's.";
    case 406:
    case 415:
      return told + "Check that MESOS_AGENT_ENDPOINT is a Mesos agent, version 1.0 or later.";
    default:
      return std::nullopt;
  }
}

}  // namespace

ExecutorSession::ExecutorSession(ExecutorSessionOptions options, Random& random)
    : options_(std::move(options)),
      random_(random),
      calls_({options_.connectTimeout, options_.responseTimeout, kCallBytesInFlightMax}),
      callBackoff_(kCallBackoff) {}

void ExecutorSession::onStart(Now now) {
  if (state_ == State::Idle) connect(now);
}

void ExecutorSession::connect(Now now) {
  state_ = State::Connecting;
  retryAt_.reset();
  stream_.open(++lastId_, now.steady + options_.connectTimeout);
  effects_.push_back(Connect{lastId_, options_.agent});
}

void ExecutorSession::onConnected(Now now, ConnectionId id) {
  if (calls_.owns(id)) {
    calls_.onConnected();
    pumpCalls(now);
  } else if (stream_.owns(id) && state_ == State::Connecting) {
    sendSubscribe(now);
  }
}

void ExecutorSession::sendSubscribe(Now now) {
  state_ = State::Subscribing;
  stream_.onRequested(now.steady + options_.responseTimeout);
  Call call = makeCall(Call::SUBSCRIBE);
  unacknowledged_.tell(now.steady, call.mutable_subscribe());
  effects_.push_back(Send{stream_.id(), makeRequest(call.SerializeAsString())});
}

void ExecutorSession::onResponse(Now now, ConnectionId id, const ResponseHead& head) {
  if (calls_.owns(id)) return calls_.onHead(head);
  if (!stream_.owns(id) || stream_.phase() != EventStream::Phase::Requested) return;
  if (const auto problem = stream_.onHead(head)) lose(now, *problem);
}

void ExecutorSession::onBytes(Now now, ConnectionId id, std::string_view bytes) {
  if (calls_.owns(id)) return calls_.onBytes(bytes);
  if (stream_.owns(id)) onStreamBytes(now, bytes);
}

void ExecutorSession::onStreamBytes(Now now, std::string_view bytes) {
  if (stream_.phase() != EventStream::Phase::Streaming) return stream_.onBytes(bytes);
  const ConnectionId id = stream_.id();
  while (stream_.owns(id)) {  // An event may end the subscription.
    const auto record = stream_.next(bytes);
    if (!record) break;
    auto event = parseEvent(*record);
    if (!event) return lose(now, "the stream carries what is no event");
    onEvent(now, std::move(*event));
  }
  if (stream_.owns(id) && stream_.failure()) lose(now, *stream_.failure());
}

void ExecutorSession::onEvent(Now now, Event event) {
  switch (event.type()) {
    case Event::SUBSCRIBED:
      if (state_ == State::Subscribed) return lose(now, "the stream says SUBSCRIBED twice");
      onSubscribed(now, event.subscribed());
      break;
    case Event::LAUNCH:
      unacknowledged_.onLaunched(event.launch().task());
      break;
    case Event::LAUNCH_GROUP:
      for (const auto& task : event.launch_group().task_group().tasks()) {
        unacknowledged_.onLaunched(task);
      }
      break;
    case Event::ACKNOWLEDGED:
      unacknowledged_.onAcknowledged(event.acknowledged().task_id(), event.acknowledged().uuid());
      break;
    case Event::SHUTDOWN:
      return onShutdown(now);
    case Event::ERROR:
      return fail(event.error().message());
    default:
      break;
  }
  if (!stopping_) effects_.push_back(DeliverExecutorEvent{std::move(event)});
  finishIfSettled();
}

void ExecutorSession::onSubscribed(Now now, const Event::Subscribed& subscribed) {
  state_ = State::Subscribed;
  everSubscribed_ = true;
  agentId_ = subscribed.agent_info().id();
  failingSince_.reset();
  recoverAt_.reset();
  heartbeatAt_ = now.steady + options_.heartbeatInterval;
  callBackoff_.reset();
  unacknowledged_.onTold();
  sendDueUpdates(now);  // Those made while the SUBSCRIBE was under way.
}

// It may come first, instead of SUBSCRIBED (facts X24, X25). The stream may stay open, and updates
// still count (fact X22).
void ExecutorSession::onShutdown(Now now) {
  if (!shutDown_ && !stopping_) effects_.push_back(Shutdown{"the agent asks for it"});
  shutDown_ = true;
  recoverAt_.reset();
  if (state_ != State::Subscribed) {
    state_ = State::Subscribed;
    unacknowledged_.onTold();
    sendDueUpdates(now);
  }
  finishIfSettled();
}

void ExecutorSession::onBodyEnd(Now now, ConnectionId id) {
  if (calls_.owns(id)) {
    if (const auto answered = calls_.onAnswerEnd(now.steady)) onCallAnswered(now, *answered);
    return;
  }
  if (!stream_.owns(id)) return;
  if (stream_.phase() == EventStream::Phase::Refused) return onRefused(now);
  lose(now, stream_.endReason());
}

void ExecutorSession::onClosed(Now now, ConnectionId id, std::string_view reason) {
  if (calls_.owns(id)) return onCallsClosed(now, reason);
  if (!stream_.owns(id)) return;
  const bool refused = stream_.phase() == EventStream::Phase::Refused;
  const std::string what = state_ == State::Connecting ? "cannot connect to " : "lost ";
  stream_.close();  // There is nothing left for a Close to close.
  if (refused) return onRefused(now);
  lose(now, what + place() + ": " + std::string(reason));
}

void ExecutorSession::onRefused(Now now) {
  const Answer refusal = stream_.refusal();
  if (auto message = finalRefusal(place(), refusal)) return fail(std::move(*message));
  lose(now, place() + " answers " + refusal.describe());
}

// The stream is no more. Without checkpoints the agent will not take the executor back, and it must
// not live on without one (fact X40).
void ExecutorSession::lose(Now now, const std::string& reason) {
  if (const auto id = stream_.close()) effects_.push_back(Close{*id});
  heartbeatAt_.reset();
  const bool wasSubscribed = state_ == State::Subscribed;
  if (wasSubscribed && !shutDown_ && !stopping_) effects_.push_back(Disconnected{reason});
  if (shutDown_) {
    detach(reason);
  } else if (everSubscribed_ && !options_.checkpoint) {
    detach("the agent is lost and the framework does not checkpoint: " + reason);
  } else {
    retryLater(now, reason);
  }
  finishIfSettled();
}

void ExecutorSession::retryLater(Now now, const std::string& reason) {
  // The next SUBSCRIBE tells what these calls were to tell.
  if (const auto id = calls_.close()) effects_.push_back(Close{*id});
  calls_.clear();
  callRetryAt_.reset();
  if (!recoverAt_) recoverAt_ = now.steady + options_.recoveryTimeout;
  if (!failingSince_) failingSince_ = now.steady;
  state_ = State::BackingOff;
  // Any longer, and a restarted agent would have given up on this executor (fact X42).
  const Duration next = random_.below(options_.subscriptionBackoffMax);
  retryAt_ = now.steady + next;
  effects_.push_back(Waiting{reason, now.steady - *failingSince_, next});
}

void ExecutorSession::detach(const std::string& reason) {
  if (const auto id = stream_.close()) effects_.push_back(Close{*id});
  state_ = State::Detached;
  retryAt_.reset();
  recoverAt_.reset();
  if (!shutDown_ && !stopping_) effects_.push_back(Shutdown{reason});
  shutDown_ = true;
}

void ExecutorSession::closeAll() {
  if (const auto id = stream_.close()) effects_.push_back(Close{*id});
  if (const auto id = calls_.close()) effects_.push_back(Close{*id});
  calls_.clear();
}

void ExecutorSession::fail(std::string message) {
  if (stopping_) return finish();  // It wanted to end anyway.
  closeAll();
  effects_.push_back(Failed{std::move(message)});
  state_ = State::Finished;
}

void ExecutorSession::finish() {
  closeAll();
  effects_.push_back(Stopped{});
  state_ = State::Finished;
}

void ExecutorSession::onStop(Now now) {
  if (state_ == State::Finished) return;
  if (stopping_ || state_ == State::Idle) return finish();
  stopping_ = true;
  stopAt_ = now.steady + options_.stopTimeout;
  finishIfSettled();
  if (state_ == State::BackingOff) connect(now);
}

// A stop is complete when the agent has taken every update, or nobody is left to take them.
void ExecutorSession::finishIfSettled() {
  if (!stopping_ || state_ == State::Finished) return;
  // Without a stream there are no acknowledgements; an answered call is then the best there is.
  const bool acknowledged = state_ == State::Detached || unacknowledged_.updates() == 0;
  if (acknowledged && calls_.empty()) finish();
}

void ExecutorSession::onUpdate(Now now, v1::TaskStatus status) {
  if (state_ == State::Finished || !status.IsInitialized()) return;
  if (status.state() == v1::TASK_STAGING) return;  // Would be refused (fact X21).
  status.set_uuid(randomUuid(random_));
  status.set_source(v1::TaskStatus::SOURCE_EXECUTOR);
  *status.mutable_executor_id() = options_.executorId;
  status.clear_agent_id();  // One of another agent would make it vanish (fact X22).
  if (agentId_.has_value()) *status.mutable_agent_id() = agentId_;
  if (!status.has_timestamp()) status.set_timestamp(now.unixSeconds());
  unacknowledged_.add(std::move(status));
  if (canSend()) sendDueUpdates(now);
}

void ExecutorSession::onMessage(Now now, std::string data) {
  if (state_ != State::Subscribed) return;
  Call call = makeCall(Call::MESSAGE);
  call.mutable_message()->set_data(std::move(data));
  push(now, std::move(call), false);
}

void ExecutorSession::sendDueUpdates(Now now) {
  for (auto& status : unacknowledged_.due(now.steady, options_.updateRetry)) {
    Call call = makeCall(Call::UPDATE);
    *call.mutable_update()->mutable_status() = std::move(status);
    push(now, std::move(call), true);  // A second one is known by its uuid (fact U14).
  }
}

void ExecutorSession::push(Now now, Call call, bool repeatable) {
  calls_.push({call.type(), repeatable, call.SerializeAsString()});
  pumpCalls(now);
}

void ExecutorSession::pumpCalls(Now now) {
  if (!canSend()) return;
  if (calls_.wantsConnection() && !callRetryAt_) {
    calls_.open(now.steady, ++lastId_);
    effects_.push_back(Connect{lastId_, options_.agent});
  }
  while (auto body = calls_.next(now.steady)) {
    effects_.push_back(Send{calls_.id(), makeRequest(std::move(*body))});
  }
}

void ExecutorSession::onCallAnswered(Now now, const CallQueue::Answered& answered) {
  const Answer& answer = answered.answer;
  if (answer.succeeded()) callBackoff_.reset();
  if (answer.status() == 401) return fail(*finalRefusal(place(), answer));
  if (answer.status() == 403 &&
      state_ == State::Subscribed) {  // It holds us for unsubscribed (X11).
    return lose(now, place() + " answers " + answer.describe());
  }
  Call call;
  if (answer.status() == 400 && answered.call.type == Call::UPDATE &&
      call.ParseFromString(answered.call.body)) {
    // Said again it would be refused again, and spoil the next SUBSCRIBE as well.
    unacknowledged_.forget(call.update().status().uuid());
    effects_.push_back(Waiting{place() + " refuses an update of task " +
                                   call.update().status().task_id().value() + " with " +
                                   answer.describe(),
                               Duration::zero(), Duration::zero()});
  }
  finishIfSettled();
  if (state_ != State::Finished) pumpCalls(now);
}

// Only the stream's end is a disconnection; an idle connection may well be closed.
void ExecutorSession::onCallsClosed(Now now, std::string_view reason) {
  const auto answered = calls_.onAnswerEnd(now.steady);
  if (calls_.onClosed().useless) {
    if (state_ == State::Detached) calls_.clear();  // The agent is gone altogether.
    const Duration next = callBackoff_.next(random_);
    callRetryAt_ = now.steady + next;
    effects_.push_back(Waiting{"calls do not reach " + place() + ": " + std::string(reason),
                               Duration::zero(), next});
  }
  if (answered) return onCallAnswered(now, *answered);
  finishIfSettled();
  if (state_ != State::Finished) pumpCalls(now);
}

void ExecutorSession::onTimer(Now now) {
  if (state_ == State::Finished) return;
  const auto due = [&](const std::optional<TimePoint>& when) {
    return when && *when <= now.steady;
  };
  if (due(stopAt_)) return finish();
  if (due(recoverAt_)) {
    detach("the agent has not taken this executor back within " +
           formatDuration(options_.recoveryTimeout));
    return finishIfSettled();
  }
  if (due(stream_.deadline())) {
    if (stream_.phase() == EventStream::Phase::Refused) return onRefused(now);
    const bool connecting = state_ == State::Connecting;
    return lose(
        now, place() + (connecting ? " takes no connection within " : " gives no answer within ") +
                 formatDuration(connecting ? options_.connectTimeout : options_.responseTimeout));
  }
  if (due(retryAt_)) return connect(now);
  onCallsTimer(now);
  if (state_ == State::Subscribed) onSubscribedTimer(now);
}

void ExecutorSession::onCallsTimer(Now now) {
  if (calls_.deadline() && *calls_.deadline() <= now.steady) {
    effects_.push_back(Close{calls_.id()});
    return onCallsClosed(now, "no answer in time");
  }
  if (callRetryAt_ && *callRetryAt_ <= now.steady) {
    callRetryAt_.reset();
    pumpCalls(now);
  }
}

void ExecutorSession::onSubscribedTimer(Now now) {
  if (calls_.empty()) sendDueUpdates(now);  // Never behind others of their kind.
  if (!heartbeatAt_ || *heartbeatAt_ > now.steady) return;
  heartbeatAt_ = now.steady + options_.heartbeatInterval;
  // It only keeps an idle connection alive; behind calls that wait it would say nothing.
  if (calls_.empty()) push(now, makeCall(Call::HEARTBEAT), false);
}

Call ExecutorSession::makeCall(Call::Type type) const {
  Call call;
  call.set_type(type);
  *call.mutable_framework_id() = options_.frameworkId;
  *call.mutable_executor_id() = options_.executorId;
  return call;
}

Request ExecutorSession::makeRequest(std::string body) const {
  Request request{"POST", options_.path, {}, std::move(body)};
  request.headers.add("Accept", std::string(kProtobuf));
  request.headers.add("Content-Type", std::string(kProtobuf));
  if (!options_.authorization.empty()) request.headers.add("Authorization", options_.authorization);
  return request;
}

std::optional<ExecutorSession::Effect> ExecutorSession::poll() {
  if (effects_.empty()) return std::nullopt;
  Effect effect = std::move(effects_.front());
  effects_.pop_front();
  return effect;
}

std::optional<TimePoint> ExecutorSession::deadline() const {
  if (state_ == State::Finished) return std::nullopt;
  std::optional<TimePoint> updatesAt;
  if (state_ == State::Subscribed && calls_.empty()) {
    updatesAt = unacknowledged_.dueAt(options_.updateRetry);
  }
  std::optional<TimePoint> earliest;
  for (const auto& when : {stopAt_, stream_.deadline(), retryAt_, recoverAt_, heartbeatAt_,
                           callRetryAt_, calls_.deadline(), updatesAt}) {
    if (when && (!earliest || *when < *earliest)) earliest = when;
  }
  return earliest;
}

}  // namespace mesos::protocol
