#include "protocol/executor_session.hpp"

#include "base/uuid.hpp"

#include <gtest/gtest.h>

namespace mesos::protocol {
namespace {

using namespace std::chrono_literals;
using Call = ExecutorSession::Call;
using Event = ExecutorSession::Event;
using Effect = ExecutorSession::Effect;

const Address kAgent{"10.0.0.9", 5051};

Event ofType(Event::Type type) {
  Event event;
  event.set_type(type);
  return event;
}

Event subscribedEvent() {
  Event event = ofType(Event::SUBSCRIBED);
  auto& subscribed = *event.mutable_subscribed();
  subscribed.mutable_executor_info()->mutable_executor_id()->set_value("E");
  subscribed.mutable_framework_info()->set_user("root");
  subscribed.mutable_framework_info()->set_name("test");
  subscribed.mutable_agent_info()->set_hostname("host");
  subscribed.mutable_agent_info()->mutable_id()->set_value("S");
  return event;
}

v1::TaskInfo makeTask(const std::string& id) {
  v1::TaskInfo task;
  task.set_name(id);
  task.mutable_task_id()->set_value(id);
  task.mutable_agent_id()->set_value("S");
  return task;
}

Event launchEvent(const std::string& id) {
  Event event = ofType(Event::LAUNCH);
  *event.mutable_launch()->mutable_task() = makeTask(id);
  return event;
}

Event errorEvent(const std::string& message) {
  Event event = ofType(Event::ERROR);
  event.mutable_error()->set_message(message);
  return event;
}

v1::TaskStatus makeStatus(const std::string& id, v1::TaskState state) {
  v1::TaskStatus status;
  status.mutable_task_id()->set_value(id);
  status.set_state(state);
  return status;
}

const ResponseHead kStreamHead{200, {{"Content-Type", "application/x-protobuf"}}};

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

// ---- Subscribing.

TEST_F(ExecutorSessionTest, DoesNothingBeforeItsStart) {
  session.emplace(options, random);
  EXPECT_TRUE(drain().empty());
  EXPECT_FALSE(session->deadline());
  session->onStop(now);
  only<Stopped>();
}

// Scenario 169.
TEST_F(ExecutorSessionTest, ConnectsToTheAgentAtOnceAndSubscribes) {
  options.authorization = "Bearer token";
  start();
  const auto connect = only<Connect>();
  EXPECT_EQ(kAgent, connect.address);
  EXPECT_EQ(now.steady + 5s, session->deadline());
  session->onConnected(now, connect.id);
  const auto send = only<Send>();
  EXPECT_EQ(connect.id, send.id);
  EXPECT_EQ("POST", send.request.method);
  EXPECT_EQ("/api/v1/executor", send.request.target);
  EXPECT_EQ("application/x-protobuf", *send.request.headers.find("Accept"));
  EXPECT_EQ("application/x-protobuf", *send.request.headers.find("Content-Type"));
  EXPECT_EQ("Bearer token", *send.request.headers.find("Authorization"));
  const Call call = callOf(send);
  EXPECT_EQ(Call::SUBSCRIBE, call.type());
  EXPECT_EQ("F", call.framework_id().value());
  EXPECT_EQ("E", call.executor_id().value());
  EXPECT_TRUE(call.has_subscribe());
  EXPECT_TRUE(tasksOf(call).empty());
  EXPECT_TRUE(updatesOf(call).empty());
}

// Scenario 26.
TEST_F(ExecutorSessionTest, DeliversEventsInOrderHoweverTheBytesAreCut) {
  startSubscribed();
  Event kill = ofType(Event::KILL);
  kill.mutable_kill()->mutable_task_id()->set_value("one");
  Event message = ofType(Event::MESSAGE);
  message.mutable_message()->set_data("data");
  std::string bytes;
  for (const Event& one : {launchEvent("one"), kill, message, ofType(Event::HEARTBEAT)}) {
    appendRecord(bytes, one.SerializeAsString());
  }
  bytes += "2\n\x08\x63";  // type: 99
  for (const char byte : bytes) session->onBytes(now, stream, std::string_view(&byte, 1));
  const auto events = all<DeliverExecutorEvent>(drain());
  ASSERT_EQ(5U, events.size());
  EXPECT_EQ("one", events[0].event.launch().task().task_id().value());
  EXPECT_EQ(Event::KILL, events[1].event.type());
  EXPECT_EQ("data", events[2].event.message().data());
  EXPECT_EQ(Event::HEARTBEAT, events[3].event.type());
  EXPECT_EQ(Event::UNKNOWN, events[4].event.type());
}

TEST_F(ExecutorSessionTest, TriesAgainUntilItHasSubscribedOnce) {
  start();
  const auto began = now.steady;
  for (int i = 0; i < 10; ++i) {
    session->onClosed(now, only<Connect>().id, "Connection refused");
    const auto waiting = only<Waiting>();
    EXPECT_NE(waiting.reason.npos, waiting.reason.find("Connection refused"));
    EXPECT_LT(waiting.next, 2s);
    EXPECT_EQ(now.steady - began, waiting.waited);
    timer();
  }
  subscribeRequest();
  answer(stream, 503, "Agent has not finished recovery");
  const auto effects = drain();
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_NE(std::string::npos,
            std::get<Waiting>(effects[1]).reason.find("Agent has not finished recovery"));
  timer();
  subscribeRequest();
}

TEST_F(ExecutorSessionTest, DoesNotTryForEver) {
  start();
  const auto began = now.steady;
  session->onClosed(now, only<Connect>().id, "refused");
  EXPECT_EQ(1U, all<Shutdown>(failUntilShutdown()).size());
  EXPECT_EQ(began + 15min, now.steady);
  EXPECT_FALSE(session->deadline());
}

TEST_F(ExecutorSessionTest, StatusesThatNoRepetitionHelpsFailWithASentence) {
  for (const auto& [status, hint] : std::vector<std::pair<int, std::string>>{
           {400, "executor"}, {401, "TOKEN"}, {403, "TOKEN"}, {406, "ENDPOINT"}, {415, "1.0"}}) {
    start();
    subscribeRequest();
    answer(stream, status, "Framework cannot be found");
    const auto effects = drain();
    ASSERT_EQ(2U, effects.size());
    EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
    const std::string message = std::get<Failed>(effects[1]).message;
    EXPECT_NE(message.npos, message.find("Framework cannot be found")) << message;
    EXPECT_NE(message.npos, message.find(hint)) << message;
    EXPECT_FALSE(session->deadline());
    session->onUpdate(now, makeStatus("t", v1::TASK_RUNNING));
    session->onTimer(now + 1h);
    session->onStop(now);
    EXPECT_TRUE(drain().empty());
  }
}

TEST_F(ExecutorSessionTest, ARefusalCutShortIsStillARefusal) {
  start();
  subscribeRequest();
  session->onResponse(now, stream, {400, {}});
  session->onClosed(now, stream, "reset");
  EXPECT_TRUE(std::holds_alternative<Failed>(drain().back()));

  start();
  subscribeRequest();
  session->onResponse(now, stream, {400, {}});
  timer();
  EXPECT_TRUE(std::holds_alternative<Failed>(drain().back()));
}

TEST_F(ExecutorSessionTest, GivesUpOnConnectionsAndAnswersThatDoNotCome) {
  start();
  stream = only<Connect>().id;
  EXPECT_EQ(now.steady + 5s, session->deadline());
  timer();
  auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  timer();
  subscribeRequest();
  EXPECT_EQ(now.steady + 15s, session->deadline());
  timer();
  effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
}

TEST_F(ExecutorSessionTest, AnErrorEventIsTheEnd) {
  startSubscribed();
  event(errorEvent("no"));
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_EQ("no", std::get<Failed>(effects[1]).message);
}

// ---- Losing the agent.

// Scenario 170.
TEST_F(ExecutorSessionTest, ShutsDownAtOnceWithTheStreamWithoutCheckpoints) {
  startSubscribed();
  session->onBodyEnd(now, stream);
  const auto effects = drain();
  ASSERT_EQ(3U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_EQ("the stream was ended", std::get<Disconnected>(effects[1]).reason);
  EXPECT_NE(std::string::npos, std::get<Shutdown>(effects[2]).reason.find("checkpoint"));
  EXPECT_FALSE(session->deadline());
  session->onStop(now);
  only<Stopped>();
}

// Scenario 171.
TEST_F(ExecutorSessionTest, ComesBackWithCheckpointsAfterAShortRandomWait) {
  options.checkpoint = true;
  startSubscribed();
  for (int i = 0; i < 20; ++i) {
    session->onClosed(now, stream, "reset");
    const auto effects = drain();
    ASSERT_EQ(2U, effects.size());
    EXPECT_NE(std::string::npos, std::get<Disconnected>(effects[0]).reason.find("reset"));
    const auto waiting = std::get<Waiting>(effects[1]);
    EXPECT_LT(waiting.next, 2s);
    EXPECT_GE(waiting.next, 0s);
    timer();
    subscribeRequest();
    session->onResponse(now, stream, kStreamHead);
    event(subscribedEvent());
    only<DeliverExecutorEvent>();
  }
}

// Scenario 172.
TEST_F(ExecutorSessionTest, GivesUpAfterTheRecoveryTimeoutFromTheFirstDisconnection) {
  options.checkpoint = true;
  options.recoveryTimeout = 10s;
  options.subscriptionBackoffMax = 1s;
  startSubscribed();
  const auto lost = now.steady;
  session->onClosed(now, stream, "reset");
  EXPECT_EQ(1U, all<Shutdown>(failUntilShutdown()).size());
  EXPECT_EQ(lost + 10s, now.steady);
  EXPECT_FALSE(session->deadline());
}

TEST_F(ExecutorSessionTest, ASubscriptionEndsTheRecoveryTimeout) {
  options.checkpoint = true;
  startSubscribed();
  resubscribe();
  session->onResponse(now, stream, kStreamHead);
  event(subscribedEvent());
  drain();
  EXPECT_EQ(now.steady + 30min, session->deadline());  // Of the next HEARTBEAT.
}

TEST_F(ExecutorSessionTest, GivesUpAlsoWhileAnAttemptHangs) {
  options.checkpoint = true;
  options.recoveryTimeout = 3s;
  options.subscriptionBackoffMax = 1s;
  startSubscribed();
  session->onClosed(now, stream, "reset");
  drain();
  timer();
  stream = only<Connect>().id;
  timer();
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_NE(std::string::npos, std::get<Shutdown>(effects[1]).reason.find("3secs"));
}

// Scenarios 27 and 28.
TEST_F(ExecutorSessionTest, BrokenStreamsAreLostStreams) {
  for (const std::string bytes :
       {"x\n", "12a\n", "-1\n", "\n", "2\n\xff\xff", "2\n\x08\x01", "2\n\x08\x02", "2\n\x08\x08",
        "2\n\x08\x03", "2\n\x08\x04", "2\n\x08\x05", "2\n\x08\x06"}) {
    startSubscribed();
    session->onBytes(now, stream, bytes);
    const auto effects = drain();
    EXPECT_EQ(1U, all<Shutdown>(effects).size());
    EXPECT_TRUE(all<DeliverExecutorEvent>(effects).empty());
  }
  startSubscribed();
  event(subscribedEvent());
  EXPECT_EQ(1U, all<Shutdown>(drain()).size());

  start();
  subscribeRequest();
  session->onResponse(now, stream, {200, {{"Content-Type", "application/json"}}});
  EXPECT_TRUE(std::holds_alternative<Waiting>(drain().back()));
}

TEST_F(ExecutorSessionTest, IgnoresWhatConnectionsOfThePastReport) {
  options.checkpoint = true;
  startSubscribed();
  const ConnectionId old = stream;
  resubscribe();
  session->onConnected(now, old);
  session->onResponse(now, old, {400, {}});
  session->onBytes(now, old, encodeRecord(errorEvent("stale").SerializeAsString()));
  session->onBodyEnd(now, old);
  session->onClosed(now, old, "stale");
  EXPECT_TRUE(drain().empty());
}

// ---- SHUTDOWN.

TEST_F(ExecutorSessionTest, PassesOnAShutdownAndStillReports) {
  options.checkpoint = true;
  startSubscribed();
  launch("one");
  event(ofType(Event::SHUTDOWN));
  EXPECT_EQ("the agent asks for it", only<Shutdown>().reason);
  const auto killed = report("one", v1::TASK_KILLED);
  session->onStop(now);
  answer(callConnection, 202);
  EXPECT_TRUE(drain().empty());
  acknowledge(killed);
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

// Scenario 175.
TEST_F(ExecutorSessionTest, AShutdownMayComeFirst) {
  start();
  subscribeRequest();
  session->onResponse(now, stream, kStreamHead);
  event(ofType(Event::SHUTDOWN));
  only<Shutdown>();
  session->onBodyEnd(now, stream);
  EXPECT_EQ(stream, only<Close>().id);
  EXPECT_FALSE(session->deadline());
  session->onStop(now);
  only<Stopped>();
}

TEST_F(ExecutorSessionTest, DoesNotComeBackAfterAShutdownAndReportsWithoutAStream) {
  options.checkpoint = true;
  startSubscribed();
  launch("one");
  event(ofType(Event::SHUTDOWN));
  event(ofType(Event::SHUTDOWN));
  only<Shutdown>();
  session->onClosed(now, stream, "reset");
  EXPECT_TRUE(drain().empty());
  report("one", v1::TASK_KILLED);
  session->onStop(now);
  EXPECT_TRUE(drain().empty());
  answer(callConnection, 202);  // As much as there will be.
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(ExecutorSessionTest, AnUnreachableAgentHoldsNobodyBack) {
  startSubscribed();
  launch("one");
  session->onClosed(now, stream, "reset");
  drain();
  session->onUpdate(now, makeStatus("one", v1::TASK_KILLED));
  session->onStop(now);
  session->onClosed(now, only<Connect>().id, "refused");
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

// ---- Updates.

// Scenario 178.
TEST_F(ExecutorSessionTest, StampsAndSendsUpdates) {
  startSubscribed();
  launch("one");
  auto status = makeStatus("one", v1::TASK_RUNNING);
  status.mutable_agent_id()->set_value("wrong");
  status.mutable_executor_id()->set_value("wrong");
  status.set_source(v1::TaskStatus::SOURCE_MASTER);
  status.set_uuid("wrong");
  status.set_data("data");
  session->onUpdate(now, status);
  callConnection = only<Connect>().id;
  EXPECT_NE(stream, callConnection);
  session->onConnected(now, callConnection);
  const Call call = callOf(only<Send>());
  EXPECT_EQ(Call::UPDATE, call.type());
  EXPECT_EQ("F", call.framework_id().value());
  EXPECT_EQ("E", call.executor_id().value());
  const auto& sent = call.update().status();
  EXPECT_EQ("one", sent.task_id().value());
  EXPECT_EQ(v1::TASK_RUNNING, sent.state());
  EXPECT_EQ("data", sent.data());
  EXPECT_EQ(v1::TaskStatus::SOURCE_EXECUTOR, sent.source());
  EXPECT_EQ("E", sent.executor_id().value());
  EXPECT_EQ("S", sent.agent_id().value());
  EXPECT_EQ(1'700'000'000, sent.timestamp());
  EXPECT_TRUE(isUuid(sent.uuid()));
  EXPECT_EQ(1U, session->unacknowledgedUpdates());
}

TEST_F(ExecutorSessionTest, KeepsATimestampThatIsThere) {
  startSubscribed();
  auto status = makeStatus("one", v1::TASK_RUNNING);
  status.set_timestamp(3);
  session->onUpdate(now, status);
  session->onConnected(now, only<Connect>().id);
  EXPECT_EQ(3, callOf(only<Send>()).update().status().timestamp());
}

TEST_F(ExecutorSessionTest, SendsNoUpdateThatAnAgentWouldRefuse) {
  startSubscribed();
  session->onUpdate(now, makeStatus("one", v1::TASK_STAGING));
  session->onUpdate(now, v1::TaskStatus());
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(0U, session->unacknowledgedUpdates());
}

// Scenarios 171 and 173.
TEST_F(ExecutorSessionTest, TellsUnacknowledgedTasksAndUpdatesWhenItComesBack) {
  options.checkpoint = true;
  startSubscribed();
  launch("one");
  Event group = ofType(Event::LAUNCH_GROUP);
  *group.mutable_launch_group()->mutable_task_group()->add_tasks() = makeTask("two");
  *group.mutable_launch_group()->mutable_task_group()->add_tasks() = makeTask("three");
  event(group);
  drain();
  const auto starting = report("one", v1::TASK_STARTING);
  report("two", v1::TASK_STARTING);
  report("one", v1::TASK_RUNNING);
  acknowledge(starting);
  EXPECT_EQ(Event::ACKNOWLEDGED, only<DeliverExecutorEvent>().event.type());
  EXPECT_EQ(2U, session->unacknowledgedUpdates());

  const Call call = resubscribe();
  EXPECT_EQ((Strings{"two", "three"}), tasksOf(call));
  EXPECT_EQ((Strings{"two TASK_STARTING", "one TASK_RUNNING"}), updatesOf(call));
  EXPECT_TRUE(isUuid(call.subscribe().unacknowledged_updates(0).status().uuid()));
}

TEST_F(ExecutorSessionTest, UpdatesMadeWhileDisconnectedGoWithTheNextSubscription) {
  options.checkpoint = true;
  startSubscribed();
  launch("one");
  session->onBodyEnd(now, stream);
  drain();
  session->onUpdate(now, makeStatus("one", v1::TASK_RUNNING));
  EXPECT_TRUE(drain().empty());
  timer();
  EXPECT_EQ(Strings{"one TASK_RUNNING"}, updatesOf(subscribeRequest()));
  // This one is too late for the SUBSCRIBE, and goes as a call as soon as possible.
  session->onUpdate(now, makeStatus("one", v1::TASK_FINISHED));
  EXPECT_TRUE(drain().empty());
  session->onResponse(now, stream, kStreamHead);
  event(subscribedEvent());
  const auto connects = all<Connect>(drain());
  ASSERT_EQ(1U, connects.size());
  session->onConnected(now, connects[0].id);
  EXPECT_EQ(v1::TASK_FINISHED, callOf(only<Send>()).update().status().state());
}

TEST_F(ExecutorSessionTest, SendsAnUpdateAgainThatIsNotAcknowledged) {
  startSubscribed();
  launch("one");
  const auto sent = now.steady;
  const auto running = report("one", v1::TASK_RUNNING);
  answer(callConnection, 202);
  EXPECT_EQ(sent + 10s, session->deadline());
  timer();
  EXPECT_EQ(running.uuid(), callOf(only<Send>()).update().status().uuid());
  answer(callConnection, 202);
  acknowledge(running);
  only<DeliverExecutorEvent>();
  EXPECT_EQ(0U, session->unacknowledgedUpdates());
  EXPECT_EQ(sent + 30min, session->deadline());  // The next HEARTBEAT.
}

TEST_F(ExecutorSessionTest, DoesNotPileUpRepetitionsBehindAnAgentThatDoesNotAnswer) {
  startSubscribed();
  launch("one");
  const auto sent = now.steady;
  report("one", v1::TASK_RUNNING);
  EXPECT_EQ(sent + 15s, session->deadline());
  session->onTimer(now + 12s);
  EXPECT_TRUE(drain().empty());
  timer();
  const auto effects = drain();
  EXPECT_EQ(callConnection, std::get<Close>(effects[0]).id);
  EXPECT_TRUE(std::holds_alternative<Waiting>(effects[1]));
  timer();
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  EXPECT_EQ(Call::UPDATE, callOf(only<Send>()).type());
}

TEST_F(ExecutorSessionTest, UpdatesOfTasksTheAgentDoesNotKnowAreSentOnceAndForgotten) {
  options.checkpoint = true;
  startSubscribed();
  report("never launched", v1::TASK_RUNNING);
  EXPECT_EQ(0U, session->unacknowledgedUpdates());

  launch("one");
  const auto finished = report("one", v1::TASK_FINISHED);
  report("one", v1::TASK_FAILED);
  EXPECT_EQ(2U, session->unacknowledgedUpdates());
  acknowledge(finished);
  EXPECT_EQ(0U, session->unacknowledgedUpdates());
  report("one", v1::TASK_RUNNING);
  EXPECT_EQ(0U, session->unacknowledgedUpdates());
  const Call call = resubscribe();
  EXPECT_TRUE(updatesOf(call).empty());
  EXPECT_TRUE(tasksOf(call).empty());
}

TEST_F(ExecutorSessionTest, SuchUpdatesMadeWhileDisconnectedAreToldOnce) {
  options.checkpoint = true;
  startSubscribed();
  session->onBodyEnd(now, stream);
  drain();
  session->onUpdate(now, makeStatus("never launched", v1::TASK_RUNNING));
  timer();
  EXPECT_EQ(1U, updatesOf(subscribeRequest()).size());
  answer(stream, 503);  // Not taken, so told again.
  drain();
  timer();
  EXPECT_EQ(1U, updatesOf(subscribeRequest()).size());
  session->onResponse(now, stream, kStreamHead);
  event(subscribedEvent());
  drain();
  EXPECT_EQ(0U, session->unacknowledgedUpdates());
}

TEST_F(ExecutorSessionTest, RepeatsUpdatesWhoseConnectionDiedButNotMessages) {
  startSubscribed();
  launch("one");
  report("one", v1::TASK_STARTING);
  answer(callConnection, 202);
  const auto running = report("one", v1::TASK_RUNNING);
  session->onMessage(now, "data");
  EXPECT_EQ("data", callOf(only<Send>()).message().data());
  session->onClosed(now, callConnection, "reset");
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  EXPECT_EQ(running.uuid(), callOf(only<Send>()).update().status().uuid());
}

TEST_F(ExecutorSessionTest, AnIdleCallConnectionMayClose) {
  startSubscribed();
  launch("one");
  report("one", v1::TASK_STARTING);
  answer(callConnection, 202);
  session->onClosed(now, callConnection, "idle");
  EXPECT_TRUE(drain().empty());
  report("one", v1::TASK_RUNNING);
}

// Scenario 174.
TEST_F(ExecutorSessionTest, AnUpdateThatIsRefusedIsDroppedAndSaid) {
  startSubscribed();
  launch("one");
  report("one", v1::TASK_RUNNING);
  answer(callConnection, 400, "Not a valid check status");
  EXPECT_NE(std::string::npos, only<Waiting>().reason.find("Not a valid check status"));
  EXPECT_EQ(0U, session->unacknowledgedUpdates());
}

// Scenario 174.
TEST_F(ExecutorSessionTest, AnUpdateThatIsPutOffIsSentAgain) {
  startSubscribed();
  launch("one");
  report("one", v1::TASK_RUNNING);
  answer(callConnection, 503);
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(1U, session->unacknowledgedUpdates());
  timer();
  EXPECT_EQ(Call::UPDATE, callOf(only<Send>()).type());
}

TEST_F(ExecutorSessionTest, CallsRefusedForTheirSenderEndTheSubscription) {
  options.checkpoint = true;
  startSubscribed();
  report("one", v1::TASK_RUNNING);
  answer(callConnection, 403, "Executor is not subscribed");
  auto effects = drain();
  EXPECT_EQ(2U, all<Close>(effects).size());
  EXPECT_EQ(1U, all<Disconnected>(effects).size());
  EXPECT_EQ(1U, all<Waiting>(effects).size());

  startSubscribed();
  report("one", v1::TASK_RUNNING);
  session->onResponse(now, callConnection, {401, {}});
  session->onClosed(now, callConnection, "closed");
  EXPECT_TRUE(std::holds_alternative<Failed>(drain().back()));
}

TEST_F(ExecutorSessionTest, AcknowledgementsOfUnknownUpdatesAreHarmless) {
  startSubscribed();
  launch("one");
  acknowledge(makeStatus("one", v1::TASK_RUNNING));
  acknowledge(makeStatus("two", v1::TASK_RUNNING));
  EXPECT_EQ(2U, drain().size());
}

TEST_F(ExecutorSessionTest, MessagesWithoutASubscriptionAreDropped) {
  start();
  only<Connect>();
  session->onMessage(now, "data");
  EXPECT_TRUE(drain().empty());
}

TEST_F(ExecutorSessionTest, KeepsIdleConnectionsAliveWithHeartbeats) {
  startSubscribed();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(now.steady + 30min, session->deadline());
    timer();
    if (i == 0) {
      callConnection = only<Connect>().id;
      session->onConnected(now, callConnection);
    }
    EXPECT_EQ(Call::HEARTBEAT, callOf(only<Send>()).type());
    answer(callConnection, 202);
  }
}

TEST_F(ExecutorSessionTest, HeartbeatsDoNotPileUpWhileCallsDoNotReachTheAgent) {
  startSubscribed();
  timer();
  callConnection = only<Connect>().id;
  for (int i = 0; i < 3; ++i) {  // More heartbeats are due, and none can leave.
    now.steady += 30min;
    session->onTimer(now);
  }
  std::size_t heartbeats = 0;
  std::vector<Effect> effects = drain();
  for (int i = 0; i < 8 && heartbeats == 0; ++i) {
    const auto connects = all<Connect>(effects);
    if (!connects.empty()) session->onConnected(now, connects.back().id);
    if (connects.empty()) timer();
    effects = drain();
    heartbeats = all<Send>(effects).size();
  }
  EXPECT_EQ(1U, heartbeats);
}

// ---- Stopping.

// Scenario 179.
TEST_F(ExecutorSessionTest, AStopWaitsForTheAcknowledgements) {
  startSubscribed();
  launch("one");
  const auto finished = report("one", v1::TASK_FINISHED);
  session->onStop(now);
  answer(callConnection, 202);
  event(launchEvent("late"));
  EXPECT_TRUE(drain().empty());
  acknowledge(finished);
  const auto effects = drain();
  ASSERT_EQ(3U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_EQ(callConnection, std::get<Close>(effects[1]).id);
  EXPECT_TRUE(std::holds_alternative<Stopped>(effects[2]));
}

// Scenario 179.
TEST_F(ExecutorSessionTest, AStopWaitsOnlySoLong) {
  startSubscribed();
  launch("one");
  report("one", v1::TASK_FINISHED);
  session->onStop(now);
  answer(callConnection, 202);
  EXPECT_EQ(now.steady + 5s, session->deadline());
  timer();
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(ExecutorSessionTest, AStopWithNothingToTellIsImmediate) {
  start();
  stream = only<Connect>().id;
  session->onStop(now);
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_TRUE(std::holds_alternative<Stopped>(effects[1]));
}

TEST_F(ExecutorSessionTest, AStopComesBackToTellTheLastUpdates) {
  options.checkpoint = true;
  startSubscribed();
  launch("one");
  session->onBodyEnd(now, stream);
  drain();
  session->onUpdate(now, makeStatus("one", v1::TASK_FINISHED));
  session->onStop(now);
  const Call call = subscribeRequest();
  EXPECT_EQ(Strings{"one TASK_FINISHED"}, updatesOf(call));
  session->onResponse(now, stream, kStreamHead);
  event(subscribedEvent());
  EXPECT_TRUE(drain().empty());
  acknowledge(call.subscribe().unacknowledged_updates(0).status());
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(ExecutorSessionTest, ASecondStopIsImmediate) {
  startSubscribed();
  launch("one");
  report("one", v1::TASK_FINISHED);
  session->onStop(now);
  session->onStop(now);
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(ExecutorSessionTest, AnErrorWhileStoppingIsAStop) {
  startSubscribed();
  launch("one");
  report("one", v1::TASK_FINISHED);
  session->onStop(now);
  event(errorEvent("no"));
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(ExecutorSessionTest, LosingTheAgentWhileStoppingIsNoNews) {
  startSubscribed();
  launch("one");
  report("one", v1::TASK_FINISHED);
  answer(callConnection, 202);
  session->onStop(now);
  session->onBodyEnd(now, stream);
  const auto effects = drain();
  EXPECT_TRUE(all<Disconnected>(effects).empty());
  EXPECT_TRUE(all<Shutdown>(effects).empty());
  EXPECT_TRUE(std::holds_alternative<Stopped>(effects.back()));
}

}  // namespace
}  // namespace mesos::protocol
