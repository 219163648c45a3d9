// Updates and messages on their way to the agent, and stopping, which waits for them.
#include "base/uuid.hpp"
#include "protocol/executor_session_fixture.hpp"

namespace mesos::protocol {
namespace {

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
