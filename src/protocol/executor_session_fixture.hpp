// An executor session whose network and clock are the test's.
#pragma once

#include "protocol/executor_session.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mesos::protocol {

using namespace std::chrono_literals;
using Call = ExecutorSession::Call;
using Event = ExecutorSession::Event;
using Effect = ExecutorSession::Effect;

inline const Address kAgent{"10.0.0.9", 5051};

inline Event ofType(Event::Type type) {
  Event event;
  event.set_type(type);
  return event;
}

inline Event subscribedEvent() {
  Event event = ofType(Event::SUBSCRIBED);
  auto& subscribed = *event.mutable_subscribed();
  subscribed.mutable_executor_info()->mutable_executor_id()->set_value("E");
  subscribed.mutable_framework_info()->set_user("root");
  subscribed.mutable_framework_info()->set_name("test");
  subscribed.mutable_agent_info()->set_hostname("host");
  subscribed.mutable_agent_info()->mutable_id()->set_value("S");
  return event;
}

inline v1::TaskInfo makeTask(const std::string& id) {
  v1::TaskInfo task;
  task.set_name(id);
  task.mutable_task_id()->set_value(id);
  task.mutable_agent_id()->set_value("S");
  return task;
}

inline Event launchEvent(const std::string& id) {
  Event event = ofType(Event::LAUNCH);
  *event.mutable_launch()->mutable_task() = makeTask(id);
  return event;
}

inline Event errorEvent(const std::string& message) {
  Event event = ofType(Event::ERROR);
  event.mutable_error()->set_message(message);
  return event;
}

inline v1::TaskStatus makeStatus(const std::string& id, v1::TaskState state) {
  v1::TaskStatus status;
  status.mutable_task_id()->set_value(id);
  status.set_state(state);
  return status;
}

inline const ResponseHead kStreamHead{200, {{"Content-Type", "application/x-protobuf"}}};

// The session, and what it asked for, in order.
class ExecutorSessionTest : public testing::Test {
 protected:
  ExecutorSessionTest() {
    options.frameworkId.set_value("F");
    options.executorId.set_value("E");
    options.agent = kAgent;
  }

  std::vector<Effect> drain() {
    std::vector<Effect> effects;
    while (auto effect = session->poll()) effects.push_back(std::move(*effect));
    return effects;
  }

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

  void start() {
    session.emplace(options, random);
    session->onStart(now);
  }

  // Up to the SUBSCRIBE; its connection becomes `stream`.
  Call subscribeRequest() {
    stream = only<Connect>().id;
    session->onConnected(now, stream);
    return callOf(only<Send>());
  }

  void startSubscribed() {
    start();
    subscribeRequest();
    session->onResponse(now, stream, kStreamHead);
    event(subscribedEvent());
    EXPECT_EQ(Event::SUBSCRIBED, only<DeliverExecutorEvent>().event.type());
  }

  // A checkpointing executor loses its stream, waits and comes back; returns its SUBSCRIBE.
  Call resubscribe() {
    session->onBodyEnd(now, stream);
    drain();
    timer();
    return subscribeRequest();
  }

  void event(const Event& what) {
    session->onBytes(now, stream, encodeRecord(what.SerializeAsString()));
  }

  void launch(const std::string& id) {
    event(launchEvent(id));
    EXPECT_EQ(id, only<DeliverExecutorEvent>().event.launch().task().task_id().value());
  }

  void acknowledge(const v1::TaskStatus& status) {
    Event acknowledged = ofType(Event::ACKNOWLEDGED);
    *acknowledged.mutable_acknowledged()->mutable_task_id() = status.task_id();
    acknowledged.mutable_acknowledged()->set_uuid(status.uuid());
    event(acknowledged);
  }

  // Reports a state and returns the status as sent.
  v1::TaskStatus report(const std::string& id, v1::TaskState state) {
    session->onUpdate(now, makeStatus(id, state));
    auto effects = drain();
    if (effects.size() == 1 && std::holds_alternative<Connect>(effects[0])) {
      callConnection = std::get<Connect>(effects[0]).id;
      session->onConnected(now, callConnection);
      effects = drain();
    }
    const auto sends = all<Send>(effects);
    EXPECT_EQ(1U, sends.size());
    if (sends.empty()) return {};
    EXPECT_EQ(callConnection, sends[0].id);
    return callOf(sends[0]).update().status();
  }

  void answer(ConnectionId id, int status, std::string_view text = "") {
    session->onResponse(now, id, {status, {}});
    if (!text.empty()) session->onBytes(now, id, text);
    session->onBodyEnd(now, id);
  }

  void timer() {
    const auto deadline = session->deadline();
    ASSERT_TRUE(deadline);
    now = now + (*deadline - now.steady);
    session->onTimer(now);
  }

  // Every attempt fails, until the session gives up; what it said then.
  std::vector<Effect> failUntilShutdown() {
    drain();
    for (int i = 0; i < 10'000; ++i) {
      timer();
      auto effects = drain();
      if (!all<Shutdown>(effects).empty()) return effects;
      for (const Connect& attempt : all<Connect>(effects)) {
        session->onClosed(now, attempt.id, "refused");
      }
    }
    return {};
  }

  static std::vector<std::string> updatesOf(const Call& subscribe) {
    std::vector<std::string> updates;
    for (const auto& update : subscribe.subscribe().unacknowledged_updates()) {
      updates.push_back(update.status().task_id().value() + " " +
                        v1::TaskState_Name(update.status().state()));
    }
    return updates;
  }

  static std::vector<std::string> tasksOf(const Call& subscribe) {
    std::vector<std::string> tasks;
    for (const auto& task : subscribe.subscribe().unacknowledged_tasks()) {
      tasks.push_back(task.task_id().value());
    }
    return tasks;
  }

  using Strings = std::vector<std::string>;

  Now now{TimePoint(1000s), std::chrono::sys_time<Duration>(1'700'000'000s)};
  Random random{7};
  ExecutorSessionOptions options;
  std::optional<ExecutorSession> session;
  ConnectionId stream = 0;
  ConnectionId callConnection = 0;
};

}  // namespace mesos::protocol
