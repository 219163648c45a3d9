// An executor's subscription to its agent, as a state machine. Links against lite protobuf.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"
#include "protocol/http.hpp"
#include "protocol/record_io.hpp"
#include "protocol/session_effects.hpp"

#include <mesos/v1/executor/executor.pb.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mesos::protocol {

/// From the MESOS_* variables (section 12.5).
struct ExecutorSessionOptions {
  v1::FrameworkID frameworkId;
  v1::ExecutorID executorId;
  Address agent;
  bool checkpoint = false;                                    ///< V5.
  Duration recoveryTimeout = std::chrono::minutes(15);        ///< V6.
  Duration subscriptionBackoffMax = std::chrono::seconds(2);  ///< V6.
  Duration connectTimeout = std::chrono::seconds(5);
  Duration responseTimeout = std::chrono::seconds(15);
  /// How long a stop waits for the agent to acknowledge the last updates (fact X50).
  Duration stopTimeout = std::chrono::seconds(5);
  /// Unanswered updates are sent again after this long on a healthy connection.
  Duration updateRetry = std::chrono::seconds(10);
  /// Of the HEARTBEAT calls that keep idle connections alive (fact X35).
  Duration heartbeatInterval = std::chrono::minutes(30);
  /// `Authorization` header of every request; empty: none.
  std::string authorization;
};

struct DeliverExecutorEvent {
  v1::executor::Event event;
};
/// End every task and stop: the agent said so, or it is gone and will not be waited for (fact X40).
struct Shutdown {
  std::string reason;
};

/// Tell it what happened (on*), then drain poll() and arm one timer for deadline(). Performs no
/// I/O, reads no clock, never blocks, never throws. Not thread-safe. `now` must not go backwards.
/// The caller's duties are those of SchedulerSession; events need no onHandled.
class ExecutorSession {
 public:
  using Call = v1::executor::Call;
  using Event = v1::executor::Event;
  using Effect = std::variant<Connect, Send, Close, DeliverExecutorEvent, Shutdown, Disconnected,
                              Waiting, Failed, Stopped>;

  ExecutorSession(ExecutorSessionOptions options, Random& random);

  void onStart(Now now);
  void onConnected(Now now, ConnectionId id);
  void onResponse(Now now, ConnectionId id, const ResponseHead& head);
  void onBytes(Now now, ConnectionId id, std::string_view bytes);
  void onBodyEnd(Now now, ConnectionId id);
  void onClosed(Now now, ConnectionId id, std::string_view reason);
  /// Stamps uuid, timestamp, source, executor_id and agent_id, keeps it until ACKNOWLEDGED, sends
  /// it.
  void onUpdate(Now now, v1::TaskStatus status);
  void onMessage(Now now, std::string data);
  /// Waits for acknowledgements of all updates (bounded), then Stopped.
  void onStop(Now now);
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

  std::size_t unacknowledgedUpdates() const;
};

}  // namespace mesos::protocol
