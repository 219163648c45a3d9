// A scheduler's subscription to the leading master, as a state machine.
#pragma once

#include "base/backoff.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "protocol/http.hpp"
#include "protocol/record_io.hpp"
#include "protocol/session_effects.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

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
  v1::scheduler::Event event;
};

/// A scheduler's subscription to the leading master, as a state machine.
/// Tell it what happened (on*), then drain poll() and arm one timer for deadline(). Performs no
/// I/O, reads no clock, never blocks, never throws. Not thread-safe. `now` must not go backwards.
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

  /// The leading master is now this one; nullopt: nobody knows one.
  void onLeader(Now now, std::optional<Address> leader);
  void onConnected(Now now, ConnectionId id);
  void onResponse(Now now, ConnectionId id, const ResponseHead& head);
  void onBytes(Now now, ConnectionId id, std::string_view bytes);
  void onBodyEnd(Now now, ConnectionId id);
  void onClosed(Now now, ConnectionId id, std::string_view reason);
  /// A call of the user's, without framework_id; stamped, then sent, remembered (SUPPRESS, REVIVE),
  /// answered synthetically (ACCEPT) or dropped. SUBSCRIBE and UNKNOWN are not for users.
  void onCall(Now now, Call call);
  /// The callback for this event returned: acknowledges if due.
  void onHandled(Now now, const Event& event);
  /// `failover` false: TEARDOWN first. Ends with Stopped.
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

  State state_ = State::Leaderless;
  v1::FrameworkInfo framework_;
};

}  // namespace mesos::protocol
