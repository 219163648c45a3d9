// Calls on their way to the master, and what becomes of them without a subscription.
#include "protocol/scheduler_session_fixture.hpp"

namespace mesos::protocol {
namespace {

// ---- Calls.

TEST_F(SchedulerSessionTest, OpensAConnectionForCallsWhenThereIsOne) {
  startSubscribed();
  const auto send = firstCall(calls::kill(taskId("t")));
  EXPECT_NE(stream, send.id);
  EXPECT_EQ("stream-1", *send.request.headers.find("Mesos-Stream-Id"));
  EXPECT_EQ("POST", send.request.method);
  const Call call = callOf(send);
  EXPECT_EQ(Call::KILL, call.type());
  EXPECT_EQ("F", call.framework_id().value());
  EXPECT_EQ("t", call.kill().task_id().value());
}

// Scenario 163.
TEST_F(SchedulerSessionTest, PipelinesCallsInOrderOnOneConnection) {
  startSubscribed();
  session->onCall(now, calls::decline({offerId("1")}));
  session->onCall(now, calls::decline({offerId("2")}));
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  session->onCall(now, calls::revive());
  const auto effects = drain();
  EXPECT_EQ((std::vector{Call::DECLINE, Call::DECLINE, Call::REVIVE}), typesOf(effects));
  for (const Send& send : all<Send>(effects)) EXPECT_EQ(callConnection, send.id);
  EXPECT_GT(session->queuedBytes(), 0U);
  for (int i = 0; i < 3; ++i) answer(callConnection, 202);
  EXPECT_EQ(0U, session->queuedBytes());
  EXPECT_TRUE(drain().empty());
}

TEST_F(SchedulerSessionTest, HoldsCallsBackWhileTooManyBytesAreUnanswered) {
  options.callBytesInFlightMax = 100;
  startSubscribed();
  firstCall(launchCall("O1", {std::string(500, 'a')}));  // Alone, however large.
  session->onCall(now, calls::revive());
  session->onCall(now, calls::suppress());
  EXPECT_TRUE(drain().empty());
  answer(callConnection, 202);
  EXPECT_EQ((std::vector{Call::REVIVE, Call::SUPPRESS}), typesOf(drain()));
}

TEST_F(SchedulerSessionTest, AnIdleCallConnectionMayCloseAndIsOpenedAgainOnDemand) {
  startSubscribed();
  firstCall(calls::revive());
  answer(callConnection, 202);
  session->onClosed(now, callConnection, "idle");
  EXPECT_TRUE(drain().empty());
  EXPECT_TRUE(session->subscribed());
  firstCall(calls::suppress());
}

// Scenario 157.
TEST_F(SchedulerSessionTest, RepeatsCallsInOrderOnceWhenTheirConnectionDiesButNeverALaunch) {
  startSubscribed();
  firstCall(calls::revive());
  answer(callConnection, 202);
  session->onCall(now, calls::kill(taskId("k")));
  session->onCall(now, launchCall("O1", {"t"}));
  session->onCall(now, calls::decline({offerId("2")}));
  v1::ExecutorID executor;
  executor.set_value("e");
  v1::AgentID agent;
  agent.set_value("S");
  session->onCall(now, calls::message(executor, agent, "data"));
  session->onHandled(now, updateEvent("t", "uuid"));
  session->onCall(now, calls::reconcile());
  EXPECT_EQ(6U, drain().size());

  session->onClosed(now, callConnection, "reset");
  EXPECT_TRUE(session->subscribed());
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  // The first DECLINE gives back the launch's offer, in case the ACCEPT was lost (fact O30).
  const std::vector repeated{Call::KILL, Call::DECLINE, Call::DECLINE, Call::ACKNOWLEDGE,
                             Call::RECONCILE};
  const auto effects = drain();
  EXPECT_EQ(repeated, typesOf(effects));
  const Call inDoubt = callOf(all<Send>(effects)[1]);
  EXPECT_EQ("O1", inDoubt.decline().offer_ids(0).value());
  EXPECT_EQ(0, inDoubt.decline().filters().refuse_seconds());

  // What is lost twice costs the subscription: a lost DECLINE would starve the framework.
  session->onClosed(now, callConnection, "reset again");
  EXPECT_FALSE(session->subscribed());
  EXPECT_EQ(0U, session->queuedBytes());
  EXPECT_EQ(1U, all<Disconnected>(drain()).size());
}

TEST_F(SchedulerSessionTest, RepetitionsGoBeforeCallsThatWait) {
  options.callBytesInFlightMax = 1;
  startSubscribed();
  firstCall(calls::revive());
  answer(callConnection, 202);
  session->onCall(now, calls::kill(taskId("1")));
  session->onCall(now, calls::kill(taskId("2")));
  EXPECT_EQ("1", callOf(only<Send>()).kill().task_id().value());
  session->onClosed(now, callConnection, "reset");
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  EXPECT_EQ("1", callOf(only<Send>()).kill().task_id().value());
  answer(callConnection, 202);
  EXPECT_EQ("2", callOf(only<Send>()).kill().task_id().value());
}

TEST_F(SchedulerSessionTest, CallConnectionsThatAchieveNothingAreOpenedEverMoreRarely) {
  startSubscribed();
  session->onCall(now, calls::revive());
  Duration nominal = 500ms;
  for (int i = 0; i < 5; ++i) {
    session->onClosed(now, only<Connect>().id, "refused");
    const auto waiting = only<Waiting>();
    EXPECT_LE(waiting.next, nominal);
    EXPECT_GE(waiting.next, nominal / 2);
    session->onCall(now, calls::revive());
    EXPECT_TRUE(drain().empty());
    timer();
    nominal *= 2;
  }
  EXPECT_TRUE(session->subscribed());
}

TEST_F(SchedulerSessionTest, ANewSubscriptionTriesItsCallsAtOnce) {
  startSubscribed();
  session->onCall(now, calls::revive());
  session->onClosed(now, only<Connect>().id, "refused");
  only<Waiting>();
  session->onLeader(now, kOther);
  stream = std::get<Connect>(drain().back()).id;
  session->onConnected(now, stream);
  session->onResponse(now, stream, streamHead());
  event(subscribedEvent());
  drain();
  firstCall(calls::revive());
}

TEST_F(SchedulerSessionTest, GivesUpOnCallConnectionsThatAreNotMade) {
  startSubscribed();
  session->onCall(now, calls::revive());
  callConnection = only<Connect>().id;
  EXPECT_EQ(now.steady + 5s, session->deadline());
  timer();
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(callConnection, std::get<Close>(effects[0]).id);
  EXPECT_TRUE(std::holds_alternative<Waiting>(effects[1]));
}

TEST_F(SchedulerSessionTest, GivesUpOnCallsThatAreNotAnswered) {
  startSubscribed();
  firstCall(calls::revive());
  session->onCall(now, calls::suppress());
  drain();
  pass(10s);
  answer(callConnection, 202);
  EXPECT_EQ(now.steady + 15s, session->deadline());
  timer();
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(callConnection, std::get<Close>(effects[0]).id);
  session->onConnected(now, std::get<Connect>(effects[1]).id);
  EXPECT_EQ(std::vector{Call::SUPPRESS}, typesOf(drain()));
}

TEST_F(SchedulerSessionTest, ARefusedCallMeansAnotherSubscription) {
  for (const int status : {400, 403, 404, 500, 503}) {
    startSubscribed();
    firstCall(calls::revive());
    session->onCall(now, calls::kill(taskId("t")));
    drain();
    answer(callConnection, status, {}, "Framework is not subscribed");
    const auto effects = drain();
    EXPECT_EQ(2U, all<Close>(effects).size()) << status;
    const std::string reason = expectLost(effects);
    EXPECT_NE(reason.npos, reason.find("REVIVE")) << reason;
    EXPECT_NE(reason.npos, reason.find("Framework is not subscribed")) << reason;
    EXPECT_EQ(0U, session->queuedBytes());
    resubscribe();
    EXPECT_EQ("stream-2", *firstCall(calls::revive()).request.headers.find("Mesos-Stream-Id"));
  }
}

TEST_F(SchedulerSessionTest, ACallRefusedForItsCredentialsIsTheEnd) {
  startSubscribed();
  firstCall(calls::revive());
  answer(callConnection, 401);
  const auto effects = drain();
  EXPECT_EQ(2U, all<Close>(effects).size());
  EXPECT_TRUE(all<Disconnected>(effects).empty());
  EXPECT_NE(std::string::npos, std::get<Failed>(effects.back()).message.find("401"));
}

TEST_F(SchedulerSessionTest, ARedirectedCallMeansASubscriptionThere) {
  startSubscribed();
  firstCall(calls::revive());
  answer(callConnection, 307, {{"Location", "//10.0.0.2:5050/master/api/v1/scheduler"}});
  const auto effects = drain();
  EXPECT_EQ(2U, all<Close>(effects).size());
  EXPECT_EQ(1U, all<Disconnected>(effects).size());
  EXPECT_EQ(kOther, std::get<Connect>(effects.back()).address);
}

TEST_F(SchedulerSessionTest, AnAnswerThatBeganBeforeTheEndCounts) {
  startSubscribed();
  firstCall(calls::kill(taskId("t")));
  session->onResponse(now, callConnection, {202, {}});
  session->onClosed(now, callConnection, "closed after the answer");
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(0U, session->queuedBytes());

  firstCall(calls::kill(taskId("t")));
  session->onResponse(now, callConnection, {403, {}});
  session->onClosed(now, callConnection, "closed after the answer");
  const auto effects = drain();
  EXPECT_EQ(1U, all<Close>(effects).size());
  expectLost(effects);
}

TEST_F(SchedulerSessionTest, AnswersToNothingAreIgnored) {
  startSubscribed();
  firstCall(calls::revive());
  answer(callConnection, 202);
  answer(callConnection, 408, {}, "Request Timeout");
  EXPECT_TRUE(drain().empty());
  EXPECT_TRUE(session->subscribed());
}

TEST_F(SchedulerSessionTest, CallsThatAMasterWouldRefuseForTheirFormAreDropped) {
  startSubscribed();
  for (const auto type :
       {Call::UNKNOWN, Call::SUBSCRIBE, Call::TEARDOWN, Call::ACCEPT, Call::DECLINE, Call::KILL,
        Call::ACCEPT_INVERSE_OFFERS, Call::DECLINE_INVERSE_OFFERS, Call::SHUTDOWN,
        Call::ACKNOWLEDGE, Call::ACKNOWLEDGE_OPERATION_STATUS, Call::RECONCILE,
        Call::RECONCILE_OPERATIONS, Call::MESSAGE, Call::REQUEST, Call::UPDATE_FRAMEWORK}) {
    Call call;
    call.set_type(type);
    session->onCall(now, call);
    EXPECT_TRUE(drain().empty()) << type;
  }
  Call incomplete;
  incomplete.set_type(Call::KILL);
  incomplete.mutable_kill();
  session->onCall(now, incomplete);
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(0U, session->queuedBytes());
}

TEST_F(SchedulerSessionTest, CallsQueuedWhenTheSubscriptionEndsAreNotSentOnTheNext) {
  startSubscribed();
  session->onCall(now, calls::kill(taskId("t")));
  drain();
  session->onBodyEnd(now, stream);
  drain();
  resubscribe();
  EXPECT_EQ(0U, session->queuedBytes());
  firstCall(calls::revive());
}

// ---- Calls without a subscription.

// Scenario 156.
TEST_F(SchedulerSessionTest, LaunchesWithoutASubscriptionAreAnsweredLostOrDropped) {
  for (const bool aware : {false, true}) {
    auto framework = makeFramework();
    if (aware) framework.add_capabilities()->set_type(Capability::PARTITION_AWARE);
    start(framework);
    session->onCall(now, launchCall("O1", {"a", "b"}));
    const auto events = eventsOf(drain());
    ASSERT_EQ(2U, events.size());
    const auto& status = events[1].update().status();
    EXPECT_EQ(Event::UPDATE, events[1].type());
    EXPECT_EQ("b", status.task_id().value());
    EXPECT_EQ("S", status.agent_id().value());
    EXPECT_EQ(aware ? v1::TASK_DROPPED : v1::TASK_LOST, status.state());
    EXPECT_EQ(v1::TaskStatus::SOURCE_MASTER, status.source());
    EXPECT_EQ(v1::TaskStatus::REASON_MASTER_DISCONNECTED, status.reason());
    EXPECT_EQ(1'700'000'000, status.timestamp());
    EXPECT_FALSE(status.has_uuid());
    EXPECT_FALSE(status.message().empty());
    session->onHandled(now, events[1]);
    EXPECT_TRUE(drain().empty());
  }
}

TEST_F(SchedulerSessionTest, TaskGroupsWithoutASubscriptionAreAnsweredToo) {
  start();
  v1::Offer::Operation operation;
  operation.set_type(v1::Offer::Operation::LAUNCH_GROUP);
  operation.mutable_launch_group()->mutable_executor()->mutable_executor_id()->set_value("e");
  *operation.mutable_launch_group()->mutable_task_group()->add_tasks() = makeTask("g");
  session->onCall(now, calls::accept({offerId("O1")}, {operation}));
  EXPECT_EQ("g", only<DeliverEvent>().event->update().status().task_id().value());
}

TEST_F(SchedulerSessionTest, LaunchesThatNeverLeftAreAnsweredWhenTheSubscriptionEnds) {
  options.callBytesInFlightMax = 1;
  startSubscribed();
  firstCall(launchCall("O1", {"sent"}));
  session->onCall(now, launchCall("O2", {"waiting"}));
  session->onCall(now, calls::kill(taskId("x")));
  drain();
  session->onBodyEnd(now, stream);
  const auto effects = drain();
  const auto events = eventsOf(effects);
  ASSERT_EQ(1U, events.size());  // Whether "sent" was launched nobody knows.
  EXPECT_EQ("waiting", events[0].update().status().task_id().value());
  EXPECT_TRUE(std::holds_alternative<Disconnected>(effects[2]));
  EXPECT_TRUE(std::holds_alternative<DeliverEvent>(effects[3]));
}

// Scenario 156.
TEST_F(SchedulerSessionTest, OtherCallsWithoutASubscriptionAreDropped) {
  start();
  session->onCall(now, calls::kill(taskId("t")));
  session->onCall(now, calls::decline({offerId("O1")}));
  session->onCall(now, calls::reconcile());
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(0U, session->queuedBytes());
  subscribe();
  EXPECT_TRUE(drain().empty());
}

// ---- Suppressed roles.

// Scenario 152.
TEST_F(SchedulerSessionTest, SuppressionIsToldAgainWithEverySubscription) {
  startSubscribed();
  firstCall(calls::suppress({"web"}));
  session->onBodyEnd(now, stream);
  drain();
  const Call call = resubscribe();
  ASSERT_EQ(1, call.subscribe().suppressed_roles_size());
  EXPECT_EQ("web", call.subscribe().suppressed_roles(0));
}

TEST_F(SchedulerSessionTest, SuppressAndReviveWithoutASubscriptionAreRemembered) {
  const auto suppressedAfter = [&](const std::vector<Call>& calls) {
    start();
    for (const Call& call : calls) session->onCall(now, call);
    session->onLeader(now, kLeader);
    const Call call = subscribeRequest();
    return std::vector<std::string>(call.subscribe().suppressed_roles().begin(),
                                    call.subscribe().suppressed_roles().end());
  };
  using Roles = std::vector<std::string>;
  EXPECT_EQ((Roles{"batch", "web"}), suppressedAfter({calls::suppress()}));
  EXPECT_EQ((Roles{"batch"}), suppressedAfter({calls::suppress(), calls::revive({"web"})}));
  EXPECT_EQ((Roles{}), suppressedAfter({calls::suppress({"web"}), calls::revive()}));
  // One role of others spoils the call, as it does at the master (O33).
  EXPECT_EQ((Roles{}), suppressedAfter({calls::suppress({"web", "alien"})}));
}

TEST_F(SchedulerSessionTest, AFrameworkOfOneRoleSuppressesThatOne) {
  auto framework = makeFramework();
  framework.clear_roles();
  start(framework);
  session->onCall(now, calls::suppress());
  session->onLeader(now, kLeader);
  EXPECT_EQ("*", subscribeRequest().subscribe().suppressed_roles(0));
}

TEST_F(SchedulerSessionTest, AnAcceptedUpdateOfTheFrameworkHoldsForTheNextSubscription) {
  startSubscribed();
  Call call;
  call.set_type(Call::UPDATE_FRAMEWORK);
  auto& update = *call.mutable_update_framework();
  *update.mutable_framework_info() = makeFramework();
  update.mutable_framework_info()->set_name("renamed");
  update.add_suppressed_roles("web");
  (*update.mutable_offer_constraints()->mutable_role_constraints())["web"].add_groups();
  const auto sent = callOf(firstCall(call)).update_framework().framework_info();
  EXPECT_EQ("F", sent.id().value());
  EXPECT_EQ(1, sent.capabilities_size());
  EXPECT_EQ("test", session->framework().name());
  answer(callConnection, 200);
  EXPECT_EQ("renamed", session->framework().name());
  session->onBodyEnd(now, stream);
  drain();
  const Call again = resubscribe();
  EXPECT_EQ("renamed", again.subscribe().framework_info().name());
  EXPECT_EQ("F", again.framework_id().value());
  EXPECT_EQ("web", again.subscribe().suppressed_roles(0));
  EXPECT_TRUE(again.subscribe().offer_constraints().role_constraints().contains("web"));
}

// ---- Acknowledging.

// Scenario 158.
TEST_F(SchedulerSessionTest, AcknowledgesAnUpdateOnceItIsHandled) {
  startSubscribed();
  const Event update = updateEvent("t", "0123456789abcdef");
  event(update);
  EXPECT_EQ(Event::UPDATE, only<DeliverEvent>().event->type());
  session->onHandled(now, update);
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  const Call call = callOf(only<Send>());
  EXPECT_EQ(Call::ACKNOWLEDGE, call.type());
  EXPECT_EQ("F", call.framework_id().value());
  EXPECT_EQ("S", call.acknowledge().agent_id().value());
  EXPECT_EQ("t", call.acknowledge().task_id().value());
  EXPECT_EQ("0123456789abcdef", call.acknowledge().uuid());
}

// Scenario 158.
TEST_F(SchedulerSessionTest, AcknowledgesNothingElse) {
  startSubscribed();
  session->onHandled(now, updateEvent("t", ""));
  session->onHandled(now, offersEvent("O1"));
  Event nowhere = updateEvent("t", "uuid");
  nowhere.mutable_update()->mutable_status()->clear_agent_id();
  session->onHandled(now, nowhere);
  EXPECT_TRUE(drain().empty());
}

// Scenario 159: the agent has not heard the first acknowledgement (fact U12).
TEST_F(SchedulerSessionTest, ARepeatedUpdateIsDeliveredAndAcknowledgedAgain) {
  startSubscribed();
  const Event update = updateEvent("t", "0123456789abcdef");
  int acknowledged = 0;
  for (int delivery = 0; delivery < 2; ++delivery) {
    event(update);
    EXPECT_EQ(1U, eventsOf(drain()).size());
    session->onHandled(now, update);
    auto effects = drain();
    for (const Connect& connect : all<Connect>(effects)) {
      callConnection = connect.id;
      session->onConnected(now, callConnection);
      effects = drain();
    }
    for (const Send& send : all<Send>(effects)) {
      acknowledged += callOf(send).acknowledge().uuid() == "0123456789abcdef" ? 1 : 0;
    }
  }
  EXPECT_EQ(2, acknowledged);
}

TEST_F(SchedulerSessionTest, AcknowledgesOnALaterSubscriptionButNotWithoutOne) {
  startSubscribed();
  const Event update = updateEvent("t", "0123456789abcdef");
  event(update);
  drain();
  session->onBodyEnd(now, stream);
  drain();
  session->onHandled(now, update);
  EXPECT_TRUE(drain().empty());
  resubscribe();
  session->onHandled(now, update);
  callConnection = only<Connect>().id;
  session->onConnected(now, callConnection);
  const auto send = only<Send>();
  EXPECT_EQ(Call::ACKNOWLEDGE, callOf(send).type());
  EXPECT_EQ("stream-2", *send.request.headers.find("Mesos-Stream-Id"));
}

}  // namespace
}  // namespace mesos::protocol
