// A scheduler's subscription to the leading master, as a state machine.
#pragma once

#include "base/backoff.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "protocol/call_queue.hpp"
#include "protocol/event_stream.hpp"
#include "protocol/http.hpp"
#include "protocol/session_effects.hpp"
#include "protocol/spare_events.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mesos::protocol {

struct SchedulerSessionOptions {
  Duration connectTimeout = std::chrono::seconds(5);
  Duration responseTimeout = std::chrono::seconds(15);
  Duration teardownTimeout = std::chrono::seconds(5);
  /// Silence on the stream, from the request on, after which it is dead: 5 × this until the master
  /// tells its own interval (facts S32, S47).
  Duration heartbeatInterval = std::chrono::seconds(15);
  Backoff::Options backoff{.initial = std::chrono::milliseconds(500),
                           .max = std::chrono::seconds(15)};
  /// Redirects followed in a row before backing off (fact T31).
  int redirectsMax = 5;
  /// Bytes of calls written and not yet answered before further calls wait in the session.
  std::size_t callBytesInFlightMax = std::size_t{16} << 20;
  /// `Authorization` header of every request; empty: none.
  std::string authorization;
};

/// Deliver this event to the user; a status with a uuid is acknowledged by onHandled().
struct DeliverEvent {
  std::unique_ptr<v1::scheduler::Event> event;
  std::size_t bytes = 0;  ///< That it had on the wire; 0 if it is the session's own.
};

/// A scheduler's subscription to the leading master, as a state machine.
/// Tell it what happened (on*), then drain poll() and arm one timer for deadline(). Performs no
/// I/O, reads no clock, never blocks, never throws. Not thread-safe. `now` must not go backwards.
///
/// The subscription has one connection, calls another, opened when there is something to say. Only
/// the end of the first is a disconnection.
///
/// The caller's duties:
///  1. Perform every effect in order. After Close{id} nothing about `id` needs to be reported any
///     more; what is reported is ignored.
///  2. For each Connect report onConnected or onClosed; for each Send on it, in order, onResponse,
///     onBytes* and onBodyEnd; when the connection breaks, onClosed once.
///  3. Deliver events in order, and call onHandled(event) after the user's callback returned.
///  4. Call onTimer no later than deadline().
class SchedulerSession {
 public:
  using Call = v1::scheduler::Call;
  using Event = v1::scheduler::Event;
  using Effect =
      std::variant<Connect, Send, Close, DeliverEvent, Disconnected, Waiting, Failed, Stopped>;

  SchedulerSession(SchedulerSessionOptions options, v1::FrameworkInfo framework, Random& random);

  /// The leading master is now this one; nullopt: nobody knows one, which ends no subscription
  /// (fact Z13).
  void onLeader(Now now, std::optional<Address> leader);
  void onConnected(Now now, ConnectionId id);
  void onResponse(Now now, ConnectionId id, const ResponseHead& head);
  void onBytes(Now now, ConnectionId id, std::string_view bytes);
  void onBodyEnd(Now now, ConnectionId id);
  void onClosed(Now now, ConnectionId id, std::string_view reason);
  /// A call of the user's, without framework_id; stamped, then sent, remembered (SUPPRESS, REVIVE),
  /// answered synthetically (ACCEPT) or dropped. Also dropped: SUBSCRIBE, TEARDOWN and UNKNOWN,
  /// which are not for users, and calls that lack something, which a master would answer with 400.
  void onCall(Now now, Call call);
  /// The callback for this event returned: acknowledges if due.
  void onHandled(Now now, const Event& event);
  /// Gives back what need not be kept any more, for its memory alone.
  void recycle(DeliverEvent handled) { spares_.put(std::move(handled.event), handled.bytes); }
  /// `failover` false: TEARDOWN first, subscribing for it if need be. Calls accepted before are
  /// still delivered. Ends with Stopped, within the teardownTimeout; a repetition with `failover`
  /// ends it at once.
  void onStop(Now now, bool failover);
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

  bool subscribed() const { return state_ == State::Subscribed; }
  const v1::FrameworkInfo& framework() const { return framework_; }
  /// Bytes of calls not yet handed out as Send, and of those handed out and unanswered.
  std::size_t queuedBytes() const;

 private:
  enum class State { Leaderless, Connecting, Subscribing, Subscribed, BackingOff, Finished };
  enum class Stop { No, Leave, TearDown };
  struct Endpoint {
    Address address;
    std::string path;
  };

  // The way to a subscription and out of it: scheduler_session.cpp.
  void connect(Now now, Endpoint endpoint);
  void sendSubscribe(Now now);
  void onRefused(Now now);
  void follow(Now now, const Answer& redirect);
  std::vector<CallQueue::Call> closeAll();
  void drop(Now now, const std::string& reason);
  void retryLater(Now now, const std::string& reason);
  void fail(std::string message);
  void finish();
  void onStreamBytes(Now now, std::string_view bytes);
  void onStreamEnd(Now now, const std::string& reason);
  void onEvent(Now now, std::unique_ptr<Event> event, std::size_t bytes);
  void onSubscribed(Now now, const Event::Subscribed& subscribed);
  void sendTeardown(Now now);
  void finishIfDrained();
  std::optional<Endpoint> resolve(std::string_view location) const;
  std::string place() const { return "the master at " + endpoint_.address.toString(); }
  Duration silenceMax() const;

  // Calls: scheduler_session_calls.cpp.
  void send(Now now, Call call);
  void pumpCalls(Now now);
  void onCallAnswered(Now now, const CallQueue::Answered& answered);
  void onCallsClosed(Now now, std::string_view reason);
  void onCallsTimer(Now now);
  void answerUnsent(Now now, const Call& call);
  void rememberRoles(const Call& call);
  void adopt(const Call::UpdateFramework& update);
  Request makeRequest(std::string body);

  const SchedulerSessionOptions options_;
  Random& random_;
  State state_ = State::Leaderless;
  Stop stop_ = Stop::No;
  v1::FrameworkInfo framework_;
  std::set<std::string> suppressedRoles_;
  std::optional<v1::scheduler::OfferConstraints> offerConstraints_;

  std::optional<Address> leader_;
  Endpoint endpoint_;  // Of the latest connection: the leader's, or where that one sent us.
  int redirects_ = 0;
  Backoff backoff_;
  std::optional<TimePoint> failingSince_;

  ConnectionId lastId_ = 0;
  EventStream stream_;
  std::string streamId_;
  Duration heartbeatInterval_;
  CallQueue calls_;
  Backoff callBackoff_;

  std::optional<TimePoint> retryAt_;      // Set in BackingOff only.
  std::optional<TimePoint> silenceAt_;    // The stream is dead unless it says something before.
  std::optional<TimePoint> callRetryAt_;  // No new call connection before this.
  std::optional<TimePoint> stopAt_;       // The stop has taken long enough.

  // What is made, or taken memory for, again and again.
  SpareEvents spares_;
  Call acknowledgement_;
  Headers headers_;
  std::string headersStreamId_;  // Those of `headers_`.

  std::vector<Effect> effects_;
  std::size_t polled_ = 0;  // Of them.
};

/// `framework` with the MULTI_ROLE capability if it has `roles`, which need it (fact S20).
v1::FrameworkInfo withMultiRole(v1::FrameworkInfo framework);

}  // namespace mesos::protocol
