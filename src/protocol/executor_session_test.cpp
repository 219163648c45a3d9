// The subscription: made, lost, and ended by a SHUTDOWN.
#include "protocol/executor_session_fixture.hpp"

namespace mesos::protocol {
namespace {

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

}  // namespace
}  // namespace mesos::protocol
