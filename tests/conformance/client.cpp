#include "conformance/client.hpp"

#include "base/uuid.hpp"
#include "protocol/json.hpp"

#include <mesos/v1/master/master.pb.h>

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

Random& random() {
  static Random instance{std::random_device{}()};
  return instance;
}

std::string currentUser() {
  const passwd* entry = getpwuid(geteuid());
  return entry ? entry->pw_name : "root";
}

template <typename Event>
Event decode(const std::string& record, Encoding encoding) {
  Event event;
  if (encoding == Encoding::Protobuf) {
    if (!event.ParseFromString(record)) throw std::runtime_error("an event that does not parse");
  } else if (const auto read = protocol::fromJson(record, &event); !read) {
    throw std::runtime_error("an event that does not parse: " + read.error().message);
  }
  return event;
}

SchedulerCall teardownCall() {
  SchedulerCall call;
  call.set_type(SchedulerCall::TEARDOWN);
  return call;
}

protocol::Request operatorTeardown(const FrameworkID& id) {
  return {.method = "POST",
          .target = "/teardown",
          .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
          .body = "frameworkId=" + id.value()};
}

Timeout until(Clock::time_point deadline) {
  return std::max(std::chrono::duration_cast<Timeout>(deadline - Clock::now()), Timeout(0));
}

}  // namespace

std::string_view mediaType(Encoding encoding) {
  return encoding == Encoding::Json ? protocol::kJson : protocol::kProtobuf;
}

std::string encode(const google::protobuf::Message& message, Encoding encoding) {
  return encoding == Encoding::Json ? protocol::toJson(message)
                                    : message.SerializePartialAsString();
}

protocol::Request postOf(const std::string& target, Encoding encoding,
                         const google::protobuf::Message& call, bool streams) {
  protocol::Request request{.method = "POST", .target = target, .headers = {}, .body = {}};
  request.headers.add("Content-Type", std::string(mediaType(encoding)));
  if (streams) request.headers.add("Accept", std::string(mediaType(encoding)));
  request.body = encode(call, encoding);
  return request;
}

SchedulerCall subscribeCall(FrameworkInfo info) {
  if (!info.has_name()) info.set_name("conformance");
  if (!info.has_user()) info.set_user(currentUser());
  SchedulerCall call;
  call.set_type(SchedulerCall::SUBSCRIBE);
  if (info.has_id()) *call.mutable_framework_id() = info.id();
  *call.mutable_subscribe()->mutable_framework_info() = std::move(info);
  return call;
}

template <typename Event>
EventStream<Event>::EventStream(const protocol::Address& address, const protocol::Request& request,
                                Encoding encoding)
    : connection_(std::make_unique<Connection>(address)), encoding_(encoding) {
  connection_->send(request);
  auto head = connection_->readHead(Timeout(5000));
  if (!head) throw std::runtime_error("SUBSCRIBE got no answer");
  head_ = std::move(*head);
  if (head_.status != 200) refusal_ = connection_->readBody(head_, Timeout(5000));
}

template <typename Event>
std::optional<Event> EventStream<Event>::nextOrEnd(Timeout timeout) {
  if (!seen_.empty()) {
    Event event = std::move(seen_.front());
    seen_.pop_front();
    return event;
  }
  const auto deadline = Clock::now() + timeout;
  while (true) {
    if (auto record = decoder_.next()) return decode<Event>(*record, encoding_);
    if (decoder_.failure()) throw std::runtime_error("bad RecordIO: " + *decoder_.failure());
    const auto chunk = connection_->readChunk(until(deadline));
    if (!chunk) return std::nullopt;
    decoder_.feed(*chunk);
  }
}

template <typename Event>
Event EventStream<Event>::next(const std::function<bool(const Event&)>& wanted, Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  while (true) {
    auto event = nextOrEnd(until(deadline));
    if (!event) throw std::runtime_error("the stream ended instead of bringing an event");
    if (wanted(*event)) return std::move(*event);
  }
}

template <typename Event>
Event EventStream<Event>::next(typename Event::Type type, Timeout timeout) {
  return next([type](const Event& event) { return event.type() == type; }, timeout);
}

template <typename Event>
void EventStream<Event>::expectNone(const std::function<bool(const Event&)>& unwanted,
                                    Timeout during) {
  const auto deadline = Clock::now() + during;
  std::deque<Event> kept;
  try {
    while (auto event = nextOrEnd(until(deadline))) {
      if (unwanted(*event)) {
        throw std::runtime_error("an event that must not come: " + event->ShortDebugString());
      }
      kept.push_back(std::move(*event));
    }
  } catch (const TimedOut&) {
  }
  seen_ = std::move(kept);
}

template <typename Event>
bool EventStream<Event>::ends(Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  try {
    while (nextOrEnd(until(deadline))) {
    }
    return true;
  } catch (const TimedOut&) {
    return false;
  }
}

template class EventStream<SchedulerEvent>;
template class EventStream<ExecutorEvent>;
template class EventStream<v1::master::Event>;

TestFramework::TestFramework(const protocol::Address& master, Encoding encoding, FrameworkInfo info)
    : master_(master), encoding_(encoding) {
  subscribe(subscribeCall(std::move(info)).subscribe());
}

TestFramework::~TestFramework() {
  try {
    if (live_ && stream_ && call(teardownCall()).status == 202) return;
    // Disconnected, or taken over by a stream that is not ours: the operator's way.
    if (live_) fetch(master_, operatorTeardown(info_.id()));
  } catch (const std::exception&) {
    // The test has said what it had to say.
  }
}

void TestFramework::subscribe(const SchedulerCall::Subscribe& message) {
  SchedulerCall call;
  call.set_type(SchedulerCall::SUBSCRIBE);
  *call.mutable_subscribe() = message;
  if (message.framework_info().has_id()) {
    *call.mutable_framework_id() = message.framework_info().id();
  }
  stream_ = std::make_unique<EventStream<SchedulerEvent>>(
      master_, postOf("/api/v1/scheduler", encoding_, call, true), encoding_);
  if (stream_->status() != 200) {
    throw std::runtime_error("SUBSCRIBE was answered " + std::to_string(stream_->status()) + ": " +
                             stream_->refusal());
  }
  const std::string* id = stream_->head().headers.find("Mesos-Stream-Id");
  if (!id) throw std::runtime_error("SUBSCRIBE's answer has no Mesos-Stream-Id");
  streamId_ = *id;
  const auto first = stream_->nextOrEnd(Timeout(5000));
  if (!first) throw std::runtime_error("the stream ended at once");
  if (first->type() != SchedulerEvent::SUBSCRIBED) {
    throw std::runtime_error("the first event is no SUBSCRIBED: " + first->ShortDebugString());
  }
  subscribed_ = first->subscribed();
  info_ = message.framework_info();
  *info_.mutable_id() = subscribed_.framework_id();
  offers_.clear();
  statuses_.clear();
  others_.clear();
  rescinded_.clear();
  live_ = true;
}

void TestFramework::resubscribe(const std::function<void(SchedulerCall::Subscribe&)>& change) {
  SchedulerCall::Subscribe message;
  *message.mutable_framework_info() = info_;
  if (change) change(message);
  subscribe(message);
}

void TestFramework::disconnect() { stream_.reset(); }

protocol::Request TestFramework::request(SchedulerCall call) const {
  if (!call.has_framework_id()) *call.mutable_framework_id() = info_.id();
  protocol::Request request = postOf("/api/v1/scheduler", encoding_, call);
  request.headers.add("Mesos-Stream-Id", streamId_);
  return request;
}

protocol::Response TestFramework::call(SchedulerCall call) {
  return fetch(master_, request(std::move(call)));
}

void TestFramework::send(SchedulerCall message) {
  const auto response = call(message);
  if (response.status != 202) {
    throw std::runtime_error(SchedulerCall::Type_Name(message.type()) + " was answered " +
                             std::to_string(response.status) + ": " + response.body);
  }
}

void TestFramework::read(Timeout timeout) {
  const auto event = stream_->nextOrEnd(timeout);
  if (!event) throw std::runtime_error("the stream ended instead of bringing an event");
  for (const Offer& offer : event->offers().offers()) offers_.push_back(offer);
  if (event->has_update()) statuses_.push_back(event->update().status());
  if (event->has_failure() || event->has_message() || event->has_update_operation_status()) {
    others_.push_back(*event);
  }
  if (event->has_rescind()) {
    rescinded_.push_back(event->rescind().offer_id());
    std::erase_if(offers_, [&](const Offer& offer) {
      return offer.id().value() == event->rescind().offer_id().value();
    });
  }
}

Offer TestFramework::offer(Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  while (offers_.empty()) read(until(deadline));
  Offer first = std::move(offers_.front());
  offers_.pop_front();
  return first;
}

void TestFramework::expectNoOffer(Timeout during) {
  if (!offers_.empty()) throw std::runtime_error("there is an offer already");
  stream_->expectNone(
      [](const SchedulerEvent& event) { return event.type() == SchedulerEvent::OFFERS; }, during);
}

void TestFramework::decline(const Offer& offer, std::optional<double> refuseSeconds) {
  SchedulerCall message;
  message.set_type(SchedulerCall::DECLINE);
  *message.mutable_decline()->add_offer_ids() = offer.id();
  if (refuseSeconds)
    message.mutable_decline()->mutable_filters()->set_refuse_seconds(*refuseSeconds);
  send(message);
}

void TestFramework::accept(const std::vector<Offer>& offers, const std::vector<TaskInfo>& tasks,
                           std::optional<double> refuseSeconds) {
  SchedulerCall message;
  message.set_type(SchedulerCall::ACCEPT);
  auto* accept = message.mutable_accept();
  for (const Offer& offer : offers) *accept->add_offer_ids() = offer.id();
  auto* operation = accept->add_operations();
  operation->set_type(Offer::Operation::LAUNCH);
  for (const TaskInfo& task : tasks) *operation->mutable_launch()->add_task_infos() = task;
  if (refuseSeconds) accept->mutable_filters()->set_refuse_seconds(*refuseSeconds);
  send(message);
}

TaskStatus TestFramework::status(const std::string& taskId, bool acknowledgeIt, Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  const auto wanted = [&](const TaskStatus& status) { return status.task_id().value() == taskId; };
  while (std::none_of(statuses_.begin(), statuses_.end(), wanted)) read(until(deadline));
  const auto found = std::find_if(statuses_.begin(), statuses_.end(), wanted);
  TaskStatus status = std::move(*found);
  statuses_.erase(found);
  if (acknowledgeIt) acknowledge(status);
  return status;
}

TaskStatus TestFramework::statusUntil(const std::string& taskId, TaskState state, Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  while (true) {
    TaskStatus last = status(taskId, true, until(deadline));
    if (last.state() == state) return last;
    if (isTerminal(last.state())) {
      throw std::runtime_error(taskId + " ended otherwise: " + last.ShortDebugString());
    }
  }
}

void TestFramework::expectNoStatus(const std::string& taskId, Timeout during) {
  const auto ofTask = [&](const TaskStatus& status) { return status.task_id().value() == taskId; };
  if (std::any_of(statuses_.begin(), statuses_.end(), ofTask)) {
    throw std::runtime_error("there is a status of " + taskId + " already");
  }
  stream_->expectNone(
      [&](const SchedulerEvent& event) {
        return event.has_update() && ofTask(event.update().status());
      },
      during);
}

SchedulerEvent TestFramework::event(SchedulerEvent::Type type, Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  const auto wanted = [type](const SchedulerEvent& event) { return event.type() == type; };
  while (std::none_of(others_.begin(), others_.end(), wanted)) read(until(deadline));
  const auto found = std::find_if(others_.begin(), others_.end(), wanted);
  SchedulerEvent event = std::move(*found);
  others_.erase(found);
  return event;
}

void TestFramework::acknowledge(const TaskStatus& status) {
  if (status.uuid().empty()) return;
  SchedulerCall message;
  message.set_type(SchedulerCall::ACKNOWLEDGE);
  *message.mutable_acknowledge()->mutable_agent_id() = status.agent_id();
  *message.mutable_acknowledge()->mutable_task_id() = status.task_id();
  message.mutable_acknowledge()->set_uuid(status.uuid());
  send(message);
}

void TestFramework::kill(const std::string& taskId) {
  SchedulerCall message;
  message.set_type(SchedulerCall::KILL);
  message.mutable_kill()->mutable_task_id()->set_value(taskId);
  send(message);
}

void TestFramework::teardown() {
  live_ = false;
  send(teardownCall());
}

TestExecutor::TestExecutor(const protocol::Address& agent, Encoding encoding, FrameworkID framework,
                           ExecutorID executor)
    : agent_(agent),
      encoding_(encoding),
      framework_(std::move(framework)),
      executor_(std::move(executor)) {}

void TestExecutor::subscribe(const ExecutorCall::Subscribe& lists) {
  ExecutorCall message;
  message.set_type(ExecutorCall::SUBSCRIBE);
  *message.mutable_framework_id() = framework_;
  *message.mutable_executor_id() = executor_;
  *message.mutable_subscribe() = lists;
  const protocol::Request request = postOf("/api/v1/executor", encoding_, message, true);
  for (int attempt = 0;; ++attempt) {
    stream_ = std::make_unique<EventStream<ExecutorEvent>>(agent_, request, encoding_);
    if (stream_->status() == 200) return;
    // The agent learns of the executor, and starts it, a moment after the ACCEPT.
    if (attempt == 100) {
      throw std::runtime_error("executor SUBSCRIBE was answered " +
                               std::to_string(stream_->status()) + ": " + stream_->refusal());
    }
    std::this_thread::sleep_for(Timeout(20));
  }
}

protocol::Response TestExecutor::call(ExecutorCall message) {
  if (!message.has_framework_id()) *message.mutable_framework_id() = framework_;
  if (!message.has_executor_id()) *message.mutable_executor_id() = executor_;
  return fetch(agent_, postOf("/api/v1/executor", encoding_, message, false));
}

TaskStatus TestExecutor::makeUpdate(const TaskID& task, TaskState state) {
  TaskStatus status = makeStatus(task, state);
  status.set_uuid(randomUuid(random()));
  status.set_source(TaskStatus::SOURCE_EXECUTOR);
  *status.mutable_executor_id() = executor_;
  status.set_timestamp(1700000000.5);
  return status;
}

TaskStatus TestExecutor::update(const TaskID& task, TaskState state,
                                const std::function<void(TaskStatus&)>& change) {
  TaskStatus status = makeUpdate(task, state);
  if (change) change(status);
  const auto response = sendUpdate(status);
  if (response.status != 202) {
    throw std::runtime_error("UPDATE was answered " + std::to_string(response.status) + ": " +
                             response.body);
  }
  return status;
}

protocol::Response TestExecutor::sendUpdate(const TaskStatus& status) {
  ExecutorCall message;
  message.set_type(ExecutorCall::UPDATE);
  *message.mutable_update()->mutable_status() = status;
  return call(message);
}

protocol::Address agentOf(const Offer& offer) {
  const auto& address = offer.url().address();
  return {address.has_ip() ? address.ip() : address.hostname(),
          static_cast<std::uint16_t>(address.port())};
}

TaskInfo makeTask(const Offer& offer, const std::string& taskId, const std::string& resources) {
  TaskInfo task;
  task.set_name(taskId);
  task.mutable_task_id()->set_value(taskId);
  *task.mutable_agent_id() = offer.agent_id();
  const auto need = Resources::parse(resources);
  if (!need) throw std::runtime_error(need.error().message);
  const auto found = Resources(offer.resources()).find(*need);
  if (!found) throw std::runtime_error("the offer does not hold " + resources);
  *task.mutable_resources() = found->toProto();
  return task;
}

TaskInfo commandTask(const Offer& offer, const std::string& taskId, const std::string& command,
                     const std::string& resources) {
  TaskInfo task = makeTask(offer, taskId, resources);
  task.mutable_command()->set_value(command);
  return task;
}

TaskInfo executorTask(const Offer& offer, const std::string& taskId, const std::string& executorId,
                      const std::string& resources) {
  TaskInfo task = makeTask(offer, taskId, resources);
  task.mutable_executor()->set_type(ExecutorInfo::CUSTOM);
  task.mutable_executor()->mutable_executor_id()->set_value(executorId);
  task.mutable_executor()->mutable_command()->set_value("exec sleep 1000");
  return task;
}

std::string uniqueId(const std::string& stem) {
  static std::atomic<int> counter{0};
  static const std::string run = std::to_string(getpid());
  return stem + "-" + run + "-" + std::to_string(counter++);
}

}  // namespace mesos::conformance
