#include "protocol/scheduler_session.hpp"

#include "base/duration.hpp"
#include "base/planted_bug.hpp"

#include <algorithm>

namespace mesos::protocol {
namespace {

using Call = v1::scheduler::Call;
using Event = v1::scheduler::Event;

constexpr std::string_view kPath = "/api/v1/scheduler";

// An interval nobody would want, so that its multiples stay within what a Duration can hold.
constexpr Duration kHeartbeatIntervalMax = std::chrono::hours(24);

// Of memory for effects: those of some reads of a socket.
constexpr std::size_t kEffectsKept = 2048;

// A task state from the future leaves the required `state` unset. Such an update must be seen and
// acknowledged all the same, or it would come again for ever (pitfall 11).
void completeState(Event& event) {
  if (!event.has_update() || !event.update().has_status()) return;
  if (event.update().status().has_state()) return;
  event.mutable_update()->mutable_status()->set_state(v1::TASK_UNKNOWN);
}

bool parseEvent(std::string_view record, Event& event) {
  if (!event.ParsePartialFromArray(record.data(), static_cast<int>(record.size()))) return false;
  completeState(event);
  return event.IsInitialized() && (event.type() != Event::SUBSCRIBED || event.has_subscribed());
}

// Why another attempt would be refused as well, as a sentence for the user; nullopt: it may not.
std::optional<std::string> finalRefusal(const std::string& place, const Answer& answer,
                                        bool authorized) {
  const std::string told = place + " answers " + answer.describe() + ". ";
  switch (answer.status()) {
    case 401:
      return told + (authorized ? "Check the principal and the secret."
                                : "It wants credentials: give a principal and a secret.");
    case 403:
      return told + "Check what the principal is allowed to do.";
    case 400:
      return told + "Check the FrameworkInfo, its principal above all.";
    case 406:
    case 415:
      return told + "Check that this is the address of a Mesos master, version 1.0 or later.";
    default:
      return std::nullopt;
  }
}

}  // namespace

SchedulerSession::SchedulerSession(SchedulerSessionOptions options, v1::FrameworkInfo framework,
                                   Random& random)
    : options_(std::move(options)),
      random_(random),
      framework_(withMultiRole(std::move(framework))),
      backoff_(options_.backoff),
      heartbeatInterval_(options_.heartbeatInterval),
      calls_({options_.connectTimeout, options_.responseTimeout, options_.callBytesInFlightMax}),
      callBackoff_(options_.backoff) {}

void SchedulerSession::onLeader(Now now, std::optional<Address> leader) {
  if (state_ == State::Finished || stop_ == Stop::Leave || leader == leader_) return;
  leader_ = std::move(leader);
  if (!leader_) {
    if (MESOS_PLANTED(DropWhenNoLeaderIsKnown)) return retryLater(now, "no master leads");
    // What is connected stays: the master's stream knows better than a blind detector (Z13).
    retryAt_.reset();
    if (state_ == State::BackingOff) state_ = State::Leaderless;
    return;
  }
  const bool connected = state_ != State::Leaderless && state_ != State::BackingOff;
  if (connected && endpoint_.address == *leader_) return;
  drop(now, "another master leads: " + leader_->toString());
  backoff_.reset();
  redirects_ = 0;
  connect(now, {*leader_, std::string(kPath)});
}

void SchedulerSession::connect(Now now, Endpoint endpoint) {
  state_ = State::Connecting;
  retryAt_.reset();
  endpoint_ = std::move(endpoint);
  heartbeatInterval_ = options_.heartbeatInterval;
  stream_.open(++lastId_, now.steady + options_.connectTimeout);
  effects_.emplace_back(Connect{lastId_, endpoint_.address});
}

void SchedulerSession::onConnected(Now now, ConnectionId id) {
  if (calls_.owns(id)) {
    calls_.onConnected();
    pumpCalls(now);
  } else if (stream_.owns(id) && state_ == State::Connecting) {
    sendSubscribe(now);
  }
}

void SchedulerSession::sendSubscribe(Now now) {
  state_ = State::Subscribing;
  stream_.onRequested(now.steady + options_.responseTimeout);
  silenceAt_ = now.steady + silenceMax();
  Call call;
  call.set_type(Call::SUBSCRIBE);
  if (!framework_.id().value().empty()) *call.mutable_framework_id() = framework_.id();
  auto& subscribe = *call.mutable_subscribe();
  *subscribe.mutable_framework_info() = framework_;
  // Leaving these out would bring back the offers of every role (fact S43).
  if (!MESOS_PLANTED(ForgetSuppression)) {
    subscribe.mutable_suppressed_roles()->Assign(suppressedRoles_.begin(), suppressedRoles_.end());
  }
  if (offerConstraints_) *subscribe.mutable_offer_constraints() = *offerConstraints_;
  effects_.emplace_back(Send{stream_.id(), makeRequest(call.SerializeAsString())});
}

void SchedulerSession::onResponse(Now now, ConnectionId id, const ResponseHead& head) {
  if (calls_.owns(id)) return calls_.onHead(head);
  if (!stream_.owns(id) || stream_.phase() != EventStream::Phase::Requested) return;
  if (const auto problem = stream_.onHead(head)) return retryLater(now, *problem);
  if (stream_.phase() != EventStream::Phase::Streaming) return;
  const std::string* streamId = head.headers.find("Mesos-Stream-Id");
  if (!streamId || streamId->empty()) return retryLater(now, "the stream has no Mesos-Stream-Id");
  streamId_ = *streamId;
}

void SchedulerSession::onBytes(Now now, ConnectionId id, std::string_view bytes) {
  if (calls_.owns(id)) return calls_.onBytes(bytes);
  if (stream_.owns(id)) onStreamBytes(now, bytes);
}

void SchedulerSession::onStreamBytes(Now now, std::string_view bytes) {
  // Before SUBSCRIBED, which is always first (fact E1), talk is no excuse for not saying it.
  if (subscribed()) silenceAt_ = now.steady + silenceMax();
  if (stream_.phase() != EventStream::Phase::Streaming) return stream_.onBytes(bytes);
  const ConnectionId id = stream_.id();
  while (stream_.owns(id)) {  // An event may end the subscription.
    const auto record = stream_.next(bytes);
    if (!record) break;
    auto event = spares_.take(*record);
    if (!parseEvent(*record, *event)) {
      return retryLater(now, "the stream carries what is no event");
    }
    onEvent(now, std::move(event), record->size());
  }
  if (stream_.owns(id) && stream_.failure()) retryLater(now, *stream_.failure());
}

void SchedulerSession::onEvent(Now now, std::unique_ptr<Event> event, std::size_t bytes) {
  switch (event->type()) {
    case Event::SUBSCRIBED:
      if (subscribed()) return retryLater(now, "the stream says SUBSCRIBED twice");
      onSubscribed(now, event->subscribed());
      break;
    case Event::OFFERS:
      if (!subscribed()) return retryLater(now, "the stream makes offers before SUBSCRIBED");
      break;
    case Event::ERROR:
      return fail(event->error().message());  // Never subscribe again after one (facts S12, S46).
    default:
      break;
  }
  if (MESOS_PLANTED(AcknowledgeBeforeCallback)) onHandled(now, *event);
  if (stop_ == Stop::No) effects_.emplace_back(DeliverEvent{std::move(event), bytes});
}

void SchedulerSession::onSubscribed(Now now, const Event::Subscribed& subscribed) {
  state_ = State::Subscribed;
  *framework_.mutable_id() = subscribed.framework_id();
  if (subscribed.heartbeat_interval_seconds() > 0) {
    heartbeatInterval_ =
        std::min(fromSeconds(subscribed.heartbeat_interval_seconds()), kHeartbeatIntervalMax);
  }
  silenceAt_ = now.steady + silenceMax();
  backoff_.reset();
  callBackoff_.reset();
  failingSince_.reset();
  redirects_ = 0;
  if (stop_ == Stop::TearDown) sendTeardown(now);
}

void SchedulerSession::onBodyEnd(Now now, ConnectionId id) {
  if (calls_.owns(id)) {
    if (const auto answered = calls_.onAnswerEnd(now.steady)) onCallAnswered(now, *answered);
    return;
  }
  if (!stream_.owns(id)) return;
  if (stream_.phase() == EventStream::Phase::Refused) return onRefused(now);
  // A master that was told to tear down ends the stream (fact S55), perhaps before we see the 202.
  if (stop_ == Stop::TearDown && subscribed() && calls_.allWritten()) return finish();
  retryLater(now, stream_.endReason());
}

void SchedulerSession::onClosed(Now now, ConnectionId id, std::string_view reason) {
  if (calls_.owns(id)) return onCallsClosed(now, reason);
  if (!stream_.owns(id)) return;
  const bool refused = stream_.phase() == EventStream::Phase::Refused;
  const std::string what = state_ == State::Connecting ? "cannot connect to " : "lost ";
  stream_.close();  // There is nothing left for a Close to close.
  if (refused) return onRefused(now);
  retryLater(now, what + place() + ": " + std::string(reason));
}

void SchedulerSession::onRefused(Now now) {
  const Answer refusal = stream_.refusal();
  if (refusal.status() == 307) return follow(now, refusal);
  if (auto message = finalRefusal(place(), refusal, !options_.authorization.empty())) {
    return fail(std::move(*message));
  }
  retryLater(now, place() + " answers " + refusal.describe());
}

void SchedulerSession::follow(Now now, const Answer& redirect) {
  if (stop_ == Stop::Leave) return finish();
  const std::string* location = redirect.header("Location");
  auto endpoint = location ? resolve(*location) : std::nullopt;
  if (!endpoint) return retryLater(now, place() + " redirects to nowhere");
  if (redirects_ >= options_.redirectsMax) {
    return retryLater(now, "too many redirects, the last to " + endpoint->address.toString());
  }
  ++redirects_;
  drop(now, place() + " does not lead; it says that " + endpoint->address.toString() + " does");
  connect(now, std::move(*endpoint));
}

// A Location as a browser reads it (facts T31, T32), but for a port that is not named: Mesos always
// names it.
std::optional<SchedulerSession::Endpoint> SchedulerSession::resolve(
    std::string_view location) const {
  const bool isHttps = location.substr(0, 6) == "https:";
  for (const std::string_view scheme : {"http:", "https:"}) {
    if (location.substr(0, scheme.size()) == scheme) location.remove_prefix(scheme.size());
  }
  if (location.substr(0, 1) != "/") return std::nullopt;
  if (location.substr(0, 2) != "//") return Endpoint{endpoint_.address, std::string(location)};
  location.remove_prefix(2);
  const std::size_t slash = location.find('/');
  auto address = parseAddress(location.substr(0, slash));
  if (!address) return std::nullopt;
  // Without a scheme it is that of the request (fact T32). No redirect leads out of TLS: what would
  // follow, the credentials included, could be read by anyone.
  address->tls = endpoint_.address.tls || isHttps;
  const std::string_view path = slash == location.npos ? kPath : location.substr(slash);
  return Endpoint{std::move(*address), std::string(path)};
}

Duration SchedulerSession::silenceMax() const {
  if (MESOS_PLANTED(NoHeartbeatWatchdog)) return std::chrono::hours(24 * 365);
  return 5 * heartbeatInterval_;
}

// Returns the calls that were waiting to be written.
std::vector<CallQueue::Call> SchedulerSession::closeAll() {
  if (const auto id = stream_.close()) effects_.emplace_back(Close{*id});
  if (const auto id = calls_.close()) effects_.emplace_back(Close{*id});
  if (!MESOS_PLANTED(KeepStreamIdAfterReconnect)) streamId_.clear();
  silenceAt_.reset();
  callRetryAt_.reset();
  return calls_.clear();
}

// Leaves no connection and no call behind. The state that follows is the caller's to enter.
void SchedulerSession::drop(Now now, const std::string& reason) {
  const bool wasSubscribed = subscribed();
  const auto waiting = closeAll();
  if (!wasSubscribed || stop_ != Stop::No) return;
  effects_.emplace_back(Disconnected{reason});
  for (const CallQueue::Call& queued : waiting) {
    Call call;
    if (queued.type == Call::ACCEPT && call.ParseFromString(queued.body)) answerUnsent(now, call);
  }
}

void SchedulerSession::retryLater(Now now, const std::string& reason) {
  if (stop_ == Stop::Leave) return finish();
  drop(now, reason);
  redirects_ = 0;  // Where they led is forgotten as well: the next attempt starts at the leader.
  if (!failingSince_) failingSince_ = now.steady;
  const Duration waited = now.steady - *failingSince_;
  if (!leader_) {
    state_ = State::Leaderless;
    effects_.emplace_back(
        Waiting{reason + "; no leading master is known", waited, Duration::zero()});
    return;
  }
  state_ = State::BackingOff;
  const Duration next = backoff_.next(random_);
  retryAt_ = now.steady + next;
  effects_.emplace_back(Waiting{reason, waited, next});
}

void SchedulerSession::fail(std::string message) {
  if (stop_ != Stop::No) return finish();  // It wanted to end anyway.
  closeAll();
  effects_.emplace_back(Failed{std::move(message)});
  state_ = State::Finished;
}

void SchedulerSession::finish() {
  closeAll();
  effects_.emplace_back(Stopped{});
  state_ = State::Finished;
}

void SchedulerSession::onStop(Now now, bool failover) {
  if (state_ == State::Finished) return;
  if (stop_ != Stop::No) {
    if (failover) finish();
    return;
  }
  stop_ = failover ? Stop::Leave : Stop::TearDown;
  if (!subscribed() && (failover || framework_.id().value().empty())) return finish();
  stopAt_ = now.steady + options_.teardownTimeout;
  if (subscribed()) {
    if (!failover) sendTeardown(now);
    return finishIfDrained();
  }
  // There may not be time for the whole wait and an attempt.
  if (state_ == State::BackingOff) connect(now, {*leader_, std::string(kPath)});
}

// A stop is complete when the calls before it, and the TEARDOWN if there was one, are answered.
void SchedulerSession::finishIfDrained() {
  if (stop_ != Stop::No && subscribed() && calls_.empty()) finish();
}

void SchedulerSession::onTimer(Now now) {
  if (state_ == State::Finished) return;
  const auto due = [&](const std::optional<TimePoint>& when) {
    return when && *when <= now.steady;
  };
  if (due(stopAt_)) return finish();
  if (due(stream_.deadline())) {
    if (stream_.phase() == EventStream::Phase::Refused) return onRefused(now);
    const bool connecting = state_ == State::Connecting;
    return retryLater(
        now, place() + (connecting ? " takes no connection within " : " gives no answer within ") +
                 formatDuration(connecting ? options_.connectTimeout : options_.responseTimeout));
  }
  if (due(silenceAt_)) {
    return retryLater(now, place() + " has been silent for " + formatDuration(silenceMax()));
  }
  if (due(retryAt_)) {
    return connect(now, MESOS_PLANTED(KeepRedirectTarget) ? endpoint_
                                                          : Endpoint{*leader_, std::string(kPath)});
  }
  onCallsTimer(now);
}

std::optional<SchedulerSession::Effect> SchedulerSession::poll() {
  if (polled_ == effects_.size()) {
    if (effects_.capacity() > kEffectsKept) effects_ = std::vector<Effect>();
    effects_.clear();
    polled_ = 0;
    return std::nullopt;
  }
  return std::optional<Effect>(std::move(effects_[polled_++]));
}

std::optional<TimePoint> SchedulerSession::deadline() const {
  if (state_ == State::Finished) return std::nullopt;
  std::optional<TimePoint> earliest;
  for (const auto& when :
       {stopAt_, stream_.deadline(), silenceAt_, retryAt_, calls_.deadline(), callRetryAt_}) {
    if (when && (!earliest || *when < *earliest)) earliest = when;
  }
  return earliest;
}

}  // namespace mesos::protocol
