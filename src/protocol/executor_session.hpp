// An executor's subscription to its agent, as a state machine. Links against lite protobuf.
#pragma once

#include "base/backoff.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "protocol/call_queue.hpp"
#include "protocol/event_stream.hpp"
#include "protocol/http.hpp"
#include "protocol/session_effects.hpp"
#include "protocol/unacknowledged.hpp"

#include <mesos/v1/executor/executor.pb.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace mesos::protocol {

/// From the MESOS_* variables (section 12.5).
struct ExecutorSessionOptions {
  v1::FrameworkID frameworkId;
  v1::ExecutorID executorId;
  Address agent;
  std::string path = "/api/v1/executor";
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
/// The caller's duties are those of SchedulerSession; events need no onHandled. After Shutdown the
/// caller ends the tasks, reports them and calls onStop; updates are sent as long as there is
/// anybody to take them.
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
  /// Waits for acknowledgements of all updates (bounded), then Stopped. A repetition ends it at
  /// once.
  void onStop(Now now);
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

  std::size_t unacknowledgedUpdates() const { return unacknowledged_.updates(); }

 private:
  /// Detached: told to shut down and without a stream; it will not subscribe again.
  enum class State { Idle, Connecting, Subscribing, Subscribed, BackingOff, Detached, Finished };

  void connect(Now now);
  void sendSubscribe(Now now);
  void onRefused(Now now);
  void onStreamBytes(Now now, std::string_view bytes);
  void onEvent(Now now, Event event);
  void onSubscribed(Now now, const Event::Subscribed& subscribed);
  void onShutdown(Now now);
  void lose(Now now, const std::string& reason);
  void retryLater(Now now, const std::string& reason);
  void detach(const std::string& reason);
  void closeAll();
  void fail(std::string message);
  void finish();
  void finishIfSettled();

  bool canSend() const { return state_ == State::Subscribed || state_ == State::Detached; }
  void sendDueUpdates(Now now);
  void push(Now now, Call call, bool repeatable);
  void pumpCalls(Now now);
  void onCallAnswered(Now now, const CallQueue::Answered& answered);
  void onCallsClosed(Now now, std::string_view reason);
  void onCallsTimer(Now now);
  void onSubscribedTimer(Now now);

  Call makeCall(Call::Type type) const;
  Request makeRequest(std::string body) const;
  std::string place() const { return "the agent at " + options_.agent.toString(); }

  const ExecutorSessionOptions options_;
  Random& random_;
  State state_ = State::Idle;
  bool everSubscribed_ = false;
  bool shutDown_ = false;  // The caller has been told.
  bool stopping_ = false;
  v1::AgentID agentId_;
  Unacknowledged unacknowledged_;

  ConnectionId lastId_ = 0;
  EventStream stream_;
  CallQueue calls_;
  Backoff callBackoff_;

  std::optional<TimePoint> failingSince_;
  std::optional<TimePoint> retryAt_;      // Set in BackingOff only.
  std::optional<TimePoint> recoverAt_;    // The agent must be back before this.
  std::optional<TimePoint> heartbeatAt_;  // Set in Subscribed only.
  std::optional<TimePoint> callRetryAt_;  // No new call connection before this.
  std::optional<TimePoint> stopAt_;       // The stop has taken long enough.

  std::deque<Effect> effects_;
};

}  // namespace mesos::protocol
