// Stopping, for good or for a failover.
#include "protocol/scheduler_session_fixture.hpp"

#include <functional>

namespace mesos::protocol {
namespace {

// ---- Stopping.

TEST_F(SchedulerSessionTest, StopsAtOnceIfItNeverHadAFrameworkId) {
  start();
  session->onLeader(now, kLeader);
  stream = only<Connect>().id;
  session->onStop(now, false);
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_TRUE(std::holds_alternative<Stopped>(effects[1]));
  EXPECT_FALSE(session->deadline());
  session->onStop(now, true);
  session->onConnected(now, stream);
  EXPECT_TRUE(drain().empty());
}

TEST_F(SchedulerSessionTest, TearsDownAfterTheCallsBeforeIt) {
  startSubscribed();
  session->onCall(now, calls::kill(taskId("t")));
  session->onStop(now, false);
  session->onCall(now, calls::revive());
  session->onHandled(now, updateEvent("t", "uuid"));
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  const auto sends = drain();
  EXPECT_EQ((std::vector{Call::KILL, Call::TEARDOWN}), typesOf(sends));
  EXPECT_EQ("F", callOf(all<Send>(sends)[1]).framework_id().value());
  answer(callConnection, 202);
  EXPECT_TRUE(drain().empty());
  answer(callConnection, 202);
  const auto effects = drain();
  ASSERT_EQ(3U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_EQ(callConnection, std::get<Close>(effects[1]).id);
  EXPECT_TRUE(std::holds_alternative<Stopped>(effects[2]));
}

TEST_F(SchedulerSessionTest, TheStreamsEndAnswersATeardownAsWell) {
  startSubscribed();
  firstCall(calls::revive());
  answer(callConnection, 202);
  session->onStop(now, false);
  EXPECT_EQ(std::vector{Call::TEARDOWN}, typesOf(drain()));
  session->onBodyEnd(now, stream);
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(SchedulerSessionTest, DeliversNothingWhileItStops) {
  startSubscribed();
  session->onStop(now, false);
  drain();
  event(updateEvent("t", "uuid"));
  EXPECT_TRUE(drain().empty());
}

TEST_F(SchedulerSessionTest, WaitsForATeardownOnlySoLong) {
  startSubscribed();
  session->onStop(now, false);
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  only<Send>();
  EXPECT_EQ(now.steady + 5s, session->deadline());
  timer();
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(SchedulerSessionTest, SubscribesInOrderToTearDown) {
  startSubscribed();
  session->onBodyEnd(now, stream);
  drain();
  session->onStop(now, false);  // Does not wait for the back-off to pass.
  EXPECT_EQ("F", subscribeRequest().framework_id().value());
  session->onResponse(now, stream, streamHead("stream-2"));
  event(subscribedEvent());
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  EXPECT_EQ(Call::TEARDOWN, callOf(only<Send>()).type());
  answer(callConnection, 202);
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(SchedulerSessionTest, TearsDownAgainAfterABreakThatMayHaveSwallowedIt) {
  startSubscribed();
  session->onStop(now, false);
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  only<Send>();
  session->onClosed(now, stream, "reset");
  EXPECT_TRUE(all<Disconnected>(drain()).empty());
  timer();
  subscribeRequest();
  session->onResponse(now, stream, streamHead("stream-2"));
  event(errorEvent("Framework has been removed"));
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(SchedulerSessionTest, GivesUpTearingDownWhenNoMasterIsFoundInTime) {
  startSubscribed();
  session->onLeader(now, std::nullopt);
  session->onBodyEnd(now, stream);
  drain();
  session->onStop(now, false);
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(now.steady + 5s, session->deadline());
  timer();
  only<Stopped>();
}

TEST_F(SchedulerSessionTest, AStopForFailoverSendsNoTeardown) {
  startSubscribed();
  session->onStop(now, true);
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_TRUE(std::holds_alternative<Stopped>(effects[1]));
}

TEST_F(SchedulerSessionTest, AStopForFailoverLetsEarlierCallsThrough) {
  startSubscribed();
  session->onCall(now, calls::kill(taskId("t")));
  session->onStop(now, true);
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  EXPECT_EQ(std::vector{Call::KILL}, typesOf(drain()));
  session->onHandled(now, updateEvent("t", "uuid"));
  EXPECT_EQ(std::vector{Call::ACKNOWLEDGE}, typesOf(drain()));
  answer(callConnection, 202);
  answer(callConnection, 202);
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(SchedulerSessionTest, AStopForFailoverEndsWithTheSubscription) {
  const std::vector<std::function<void()>> ends = {
      [&] { session->onBodyEnd(now, stream); },
      [&] {
        answer(callConnection, 307, {{"Location", "//10.0.0.2:5050/"}});
      },
      [&] { answer(callConnection, 403); }, [&] { answer(callConnection, 401); }};
  for (const auto& end : ends) {
    startSubscribed();
    firstCall(calls::revive());
    session->onStop(now, true);
    session->onLeader(now, kOther);
    EXPECT_TRUE(drain().empty());
    end();
    EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
  }
}

TEST_F(SchedulerSessionTest, AStopForFailoverCutsATeardownShort) {
  startSubscribed();
  session->onStop(now, false);
  session->onStop(now, false);
  only<Connect>();
  session->onStop(now, true);
  EXPECT_TRUE(std::holds_alternative<Stopped>(drain().back()));
}

TEST_F(SchedulerSessionTest, AStopForFailoverWithoutASubscriptionIsImmediate) {
  auto framework = makeFramework();
  framework.mutable_id()->set_value("old");
  start(framework);
  session->onStop(now, true);
  only<Stopped>();
}

}  // namespace
}  // namespace mesos::protocol
