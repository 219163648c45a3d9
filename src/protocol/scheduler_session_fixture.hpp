// A scheduler session whose network and clock are the test's.
#pragma once

#include "protocol/calls.hpp"
#include "protocol/scheduler_session.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mesos::protocol {

using namespace std::chrono_literals;
using Call = SchedulerSession::Call;
using Event = SchedulerSession::Event;
using Effect = SchedulerSession::Effect;
using Capability = v1::FrameworkInfo::Capability;

inline const Address kLeader{"10.0.0.1", 5050};
inline const Address kOther{"10.0.0.2", 5050};

inline v1::FrameworkInfo makeFramework() {
  v1::FrameworkInfo framework;
  framework.set_user("root");
  framework.set_name("test");
  framework.add_roles("web");
  framework.add_roles("batch");
  return framework;
}

inline Event subscribedEvent(const std::string& id = "F", double heartbeat = 15) {
  Event event;
  event.set_type(Event::SUBSCRIBED);
  event.mutable_subscribed()->mutable_framework_id()->set_value(id);
  event.mutable_subscribed()->set_heartbeat_interval_seconds(heartbeat);
  return event;
}

inline Event ofType(Event::Type type) {
  Event event;
  event.set_type(type);
  return event;
}

inline Event offersEvent(const std::string& id) {
  Event event = ofType(Event::OFFERS);
  auto& offer = *event.mutable_offers()->add_offers();
  offer.mutable_id()->set_value(id);
  offer.mutable_framework_id()->set_value("F");
  offer.mutable_agent_id()->set_value("S");
  offer.set_hostname("host");
  return event;
}

inline Event errorEvent(const std::string& message) {
  Event event = ofType(Event::ERROR);
  event.mutable_error()->set_message(message);
  return event;
}

inline Event updateEvent(const std::string& task, const std::string& uuid) {
  Event event = ofType(Event::UPDATE);
  auto& status = *event.mutable_update()->mutable_status();
  status.mutable_task_id()->set_value(task);
  status.mutable_agent_id()->set_value("S");
  status.set_state(v1::TASK_RUNNING);
  if (!uuid.empty()) status.set_uuid(uuid);
  return event;
}

inline v1::OfferID offerId(const std::string& value) {
  v1::OfferID id;
  id.set_value(value);
  return id;
}

inline v1::TaskID taskId(const std::string& value) {
  v1::TaskID id;
  id.set_value(value);
  return id;
}

inline v1::TaskInfo makeTask(const std::string& id) {
  v1::TaskInfo task;
  task.set_name(id);
  *task.mutable_task_id() = taskId(id);
  task.mutable_agent_id()->set_value("S");
  return task;
}

inline Call launchCall(const std::string& offer, const std::vector<std::string>& ids) {
  std::vector<v1::TaskInfo> tasks;
  for (const std::string& id : ids) tasks.push_back(makeTask(id));
  return calls::accept({offerId(offer)}, {calls::launch(tasks)});
}

inline ResponseHead streamHead(const std::string& streamId = "stream-1") {
  return {200, {{"Content-Type", "application/x-protobuf"}, {"Mesos-Stream-Id", streamId}}};
}

// The session, and what it asked for, in order.
class SchedulerSessionTest : public testing::Test {
 protected:
  void start(v1::FrameworkInfo framework = makeFramework()) {
    session.emplace(options, std::move(framework), random);
  }

  // Effects since the last call.
  std::vector<Effect> drain() {
    std::vector<Effect> effects;
    while (auto effect = session->poll()) effects.push_back(std::move(*effect));
    return effects;
  }

  // The only effect since the last call.
  template <typename T>
  T only() {
    auto effects = drain();
    EXPECT_EQ(1U, effects.size());
    for (auto& effect : effects) {
      if (auto* found = std::get_if<T>(&effect)) return std::move(*found);
    }
    ADD_FAILURE() << "no such effect";
    return T();
  }

  template <typename T>
  static std::vector<T> all(const std::vector<Effect>& effects) {
    std::vector<T> found;
    for (const auto& effect : effects) {
      if (const auto* one = std::get_if<T>(&effect)) found.push_back(*one);
    }
    return found;
  }

  static Call callOf(const Send& send) {
    Call call;
    EXPECT_TRUE(call.ParseFromString(send.request.body));
    return call;
  }

  static std::vector<Event> eventsOf(const std::vector<Effect>& effects) {
    std::vector<Event> events;
    for (const auto& effect : effects) {
      if (const auto* deliver = std::get_if<DeliverEvent>(&effect)) {
        events.push_back(*deliver->event);
      }
    }
    return events;
  }

  static std::vector<Call::Type> typesOf(const std::vector<Effect>& effects) {
    std::vector<Call::Type> types;
    for (const Send& send : all<Send>(effects)) types.push_back(callOf(send).type());
    return types;
  }

  // Up to the SUBSCRIBE; its connection becomes `stream`.
  Call subscribeRequest() {
    stream = only<Connect>().id;
    session->onConnected(now, stream);
    const auto send = only<Send>();
    EXPECT_EQ(stream, send.id);
    return callOf(send);
  }

  // Up to SUBSCRIBED; returns the SUBSCRIBE.
  Call subscribe(const Address& leader = kLeader, const std::string& streamId = "stream-1") {
    session->onLeader(now, leader);
    const Call call = subscribeRequest();
    session->onResponse(now, stream, streamHead(streamId));
    event(subscribedEvent());
    EXPECT_TRUE(session->subscribed());
    EXPECT_EQ(Event::SUBSCRIBED, only<DeliverEvent>().event->type());
    return call;
  }

  void startSubscribed() {
    start();
    subscribe();
  }

  // Lets the back-off pass and subscribes again; returns the SUBSCRIBE.
  Call resubscribe(const std::string& streamId = "stream-2") {
    timer();
    const Call call = subscribeRequest();
    session->onResponse(now, stream, streamHead(streamId));
    event(subscribedEvent());
    only<DeliverEvent>();
    return call;
  }

  void event(const Event& what) {
    session->onBytes(now, stream, encodeRecord(what.SerializeAsString()));
  }

  // Sends a first call and opens the call connection for it, which becomes `callConnection`.
  Send firstCall(Call call) {
    session->onCall(now, std::move(call));
    callConnection = only<Connect>().id;
    session->onConnected(now, callConnection);
    return only<Send>();
  }

  void answer(ConnectionId id, int status, Headers headers = {}, std::string_view text = "") {
    session->onResponse(now, id, {status, std::move(headers)});
    if (!text.empty()) session->onBytes(now, id, text);
    session->onBodyEnd(now, id);
  }

  void pass(Duration duration) { now = now + duration; }

  // Time passes up to the deadline.
  void timer() {
    const auto deadline = session->deadline();
    ASSERT_TRUE(deadline);
    pass(*deadline - now.steady);
    session->onTimer(now);
  }

  // The subscription is gone: Close of the stream, Disconnected, Waiting. Returns the reason.
  std::string expectLost(const std::vector<Effect>& effects) {
    EXPECT_FALSE(session->subscribed());
    const auto disconnected = all<Disconnected>(effects);
    EXPECT_EQ(1U, disconnected.size());
    EXPECT_EQ(1U, all<Waiting>(effects).size());
    return disconnected.empty() ? "" : disconnected[0].reason;
  }

  Now now{TimePoint(1000s), std::chrono::sys_time<Duration>(1'700'000'000s)};
  Random random{7};
  SchedulerSessionOptions options;
  std::optional<SchedulerSession> session;
  ConnectionId stream = 0;
  ConnectionId callConnection = 0;
};

}  // namespace mesos::protocol
