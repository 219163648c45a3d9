// A framework and an executor played by a test, over HTTP alone, in JSON or protobuf.
#pragma once

#include "conformance/http.hpp"
#include "protocol/record_io.hpp"

#include <mesos/v1/executor/executor.pb.h>
#include <mesos/v1/scheduler/scheduler.pb.h>
#include <mesos/resources.hpp>
#include <mesos/types.hpp>

#include <google/protobuf/message.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mesos::conformance {

enum class Encoding { Json, Protobuf };
std::string_view mediaType(Encoding encoding);
std::string encode(const google::protobuf::Message& message, Encoding encoding);

/// POST of a call in an encoding; `streams` accepts the answer in that encoding alone.
protocol::Request postOf(const std::string& target, Encoding encoding,
                         const google::protobuf::Message& call, bool streams = false);

using SchedulerCall = v1::scheduler::Call;
using SchedulerEvent = v1::scheduler::Event;
using ExecutorCall = v1::executor::Call;
using ExecutorEvent = v1::executor::Event;

/// SUBSCRIBE of a framework: name "conformance" and the user of this process unless `info` says
/// otherwise; the id, if there is one, also at the top level (fact Q20).
SchedulerCall subscribeCall(FrameworkInfo info = {});

/// A RecordIO stream of events: what a SUBSCRIBE opened.
template <typename Event>
class EventStream {
 public:
  EventStream(const protocol::Address& address, const protocol::Request& request,
              Encoding encoding);

  const protocol::ResponseHead& head() const { return head_; }
  int status() const { return head_.status; }
  /// Of an answer that is not a stream.
  const std::string& refusal() const { return refusal_; }

  /// The next event of any type; throws TimedOut. nullopt: the stream ended.
  std::optional<Event> nextOrEnd(Timeout timeout);
  /// The next event that `wanted` accepts; skipped ones are dropped. Throws TimedOut, or
  /// std::runtime_error if the stream ends first.
  Event next(const std::function<bool(const Event&)>& wanted, Timeout timeout = Timeout(5000));
  Event next(typename Event::Type type, Timeout timeout = Timeout(5000));
  /// Throws std::runtime_error if an event that `unwanted` accepts comes within the time. Events
  /// that come are kept for next().
  void expectNone(const std::function<bool(const Event&)>& unwanted, Timeout during);
  /// Whether the stream ends (by the zero chunk or by the connection) within the time.
  bool ends(Timeout timeout);
  /// Hangs up.
  void close() { connection_.reset(); }
  Connection& connection() { return *connection_; }

 private:
  std::unique_ptr<Connection> connection_;
  Encoding encoding_;
  protocol::ResponseHead head_;
  std::string refusal_;
  protocol::RecordDecoder decoder_;
  std::deque<Event> seen_;  // Put back by expectNone().
};

/// A framework of the test's: its SUBSCRIBE and calls.
class TestFramework {
 public:
  /// Subscribes. Defaults: name "conformance", user of this process, role "*", PARTITION_AWARE not
  /// set.
  TestFramework(const protocol::Address& master, Encoding encoding, FrameworkInfo info);
  /// Tears the framework down if it still is there, connected or not, so that the next test finds
  /// a free cluster.
  ~TestFramework();

  EventStream<SchedulerEvent>& stream() { return *stream_; }
  const std::string& streamId() const { return streamId_; }
  const FrameworkID& id() const { return info_.id(); }
  const FrameworkInfo& info() const { return info_; }
  /// What the SUBSCRIBED event said.
  const SchedulerEvent::Subscribed& subscribed() const { return subscribed_; }

  /// Hangs up without TEARDOWN.
  void disconnect();

  /// A call with id and stream id filled in, ready to be sent.
  protocol::Request request(SchedulerCall call) const;
  /// Sends a call with id and stream id filled in; the answer.
  protocol::Response call(SchedulerCall call);
  /// The same, and throws unless it is answered 202.
  void send(SchedulerCall call);
  /// Subscribes again under the same id, with `info` changed as wanted.
  void resubscribe(const std::function<void(SchedulerCall::Subscribe&)>& change = {});

  /// The next offer that was not rescinded. Statuses that come meanwhile are kept for status().
  Offer offer(Timeout timeout = Timeout(5000));
  /// Throws if an offer comes within the time.
  void expectNoOffer(Timeout during);
  void decline(const Offer& offer, std::optional<double> refuseSeconds = std::nullopt);
  void accept(const std::vector<Offer>& offers, const std::vector<TaskInfo>& tasks,
              std::optional<double> refuseSeconds = 0.0);
  /// The next status of this task, acknowledged if it has a uuid and `acknowledge`. Offers and
  /// other tasks' statuses that come meanwhile are kept.
  TaskStatus status(const std::string& taskId, bool acknowledge = true,
                    Timeout timeout = Timeout(5000));
  /// Statuses of this task, acknowledged, until one in `state`; that one.
  TaskStatus statusUntil(const std::string& taskId, TaskState state,
                         Timeout timeout = Timeout(10000));
  /// Throws if a status of this task comes within the time, or came and was not asked for.
  void expectNoStatus(const std::string& taskId, Timeout during);
  /// The next FAILURE, MESSAGE or UPDATE_OPERATION_STATUS; what comes meanwhile is kept.
  SchedulerEvent event(SchedulerEvent::Type type, Timeout timeout = Timeout(5000));
  /// The offers that were withdrawn, as far as the stream was read.
  const std::vector<OfferID>& rescinded() const { return rescinded_; }
  void acknowledge(const TaskStatus& status);
  void kill(const std::string& taskId);
  void teardown();

 private:
  void subscribe(const SchedulerCall::Subscribe& subscribe);
  void read(Timeout timeout);

  protocol::Address master_;
  Encoding encoding_;
  FrameworkInfo info_;
  std::unique_ptr<EventStream<SchedulerEvent>> stream_;
  std::string streamId_;
  SchedulerEvent::Subscribed subscribed_;
  std::deque<Offer> offers_;
  std::deque<TaskStatus> statuses_;
  std::deque<SchedulerEvent> others_;  // What event() returns.
  std::vector<OfferID> rescinded_;
  bool live_ = false;
};

/// An executor played from outside, as in the recorded traces: its process only sleeps, its calls
/// are the test's, made with its ids.
class TestExecutor {
 public:
  TestExecutor(const protocol::Address& agent, Encoding encoding, FrameworkID framework,
               ExecutorID executor);

  /// Subscribes, retrying while the agent does not know the executor yet.
  void subscribe(const ExecutorCall::Subscribe& lists = {});
  EventStream<ExecutorEvent>& stream() { return *stream_; }
  protocol::Response call(ExecutorCall call);
  /// An update with uuid, source and executor id; the status as sent.
  TaskStatus update(const TaskID& task, TaskState state,
                    const std::function<void(TaskStatus&)>& change = {});
  /// The same update, but the agent's answer.
  protocol::Response sendUpdate(const TaskStatus& status);
  TaskStatus makeUpdate(const TaskID& task, TaskState state);

 private:
  protocol::Address agent_;
  Encoding encoding_;
  FrameworkID framework_;
  ExecutorID executor_;
  std::unique_ptr<EventStream<ExecutorEvent>> stream_;
};

/// Where the agent of an offer listens.
protocol::Address agentOf(const Offer& offer);
/// A task of `resources` (Resources::parse text) taken out of the offer, allocation included.
TaskInfo makeTask(const Offer& offer, const std::string& taskId, const std::string& resources);
/// The same with a shell command.
TaskInfo commandTask(const Offer& offer, const std::string& taskId, const std::string& command,
                     const std::string& resources = "cpus:0.1;mem:32");
/// The same with a custom executor whose process sleeps.
TaskInfo executorTask(const Offer& offer, const std::string& taskId, const std::string& executorId,
                      const std::string& resources = "cpus:0.1;mem:32");
/// A name that no other test of this run has used.
std::string uniqueId(const std::string& stem);

}  // namespace mesos::conformance
