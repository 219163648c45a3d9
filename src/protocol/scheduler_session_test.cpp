// Subscribing: what is sent, what is delivered, what is refused, where redirects lead.
#include "protocol/scheduler_session_fixture.hpp"

namespace mesos::protocol {
namespace {

// ---- Subscribing.

TEST_F(SchedulerSessionTest, DoesNothingUntilALeaderIsKnown) {
  start();
  EXPECT_TRUE(drain().empty());
  EXPECT_FALSE(session->deadline());
  session->onTimer(now);
  EXPECT_TRUE(drain().empty());
}

TEST_F(SchedulerSessionTest, ConnectsToTheLeaderAtOnceAndSubscribes) {
  start();
  session->onLeader(now, kLeader);
  const auto connect = only<Connect>();
  EXPECT_EQ(kLeader, connect.address);
  EXPECT_EQ(now.steady + 5s, session->deadline());

  session->onConnected(now, connect.id);
  const auto send = only<Send>();
  EXPECT_EQ(connect.id, send.id);
  EXPECT_EQ("POST", send.request.method);
  EXPECT_EQ("/api/v1/scheduler", send.request.target);
  EXPECT_EQ("application/x-protobuf", *send.request.headers.find("Accept"));
  EXPECT_EQ("application/x-protobuf", *send.request.headers.find("Content-Type"));
  EXPECT_FALSE(send.request.headers.has("Mesos-Stream-Id"));
  EXPECT_FALSE(send.request.headers.has("Authorization"));
  const Call call = callOf(send);
  EXPECT_EQ(Call::SUBSCRIBE, call.type());
  EXPECT_FALSE(call.has_framework_id());
  EXPECT_FALSE(call.subscribe().framework_info().has_id());
  EXPECT_EQ("test", call.subscribe().framework_info().name());
}

TEST_F(SchedulerSessionTest, AddsTheMultiRoleCapabilityThatRolesNeed) {
  start();
  session->onLeader(now, kLeader);
  const auto capabilities = subscribeRequest().subscribe().framework_info().capabilities();
  ASSERT_EQ(1, capabilities.size());
  EXPECT_EQ(Capability::MULTI_ROLE, capabilities[0].type());
}

TEST_F(SchedulerSessionTest, AddsMultiRoleNeitherTwiceNorWithoutRoles) {
  auto framework = makeFramework();
  framework.add_capabilities()->set_type(Capability::MULTI_ROLE);
  EXPECT_EQ(1, withMultiRole(framework).capabilities_size());
  framework.clear_roles();
  framework.clear_capabilities();
  EXPECT_EQ(0, withMultiRole(framework).capabilities_size());
}

TEST_F(SchedulerSessionTest, SubscribedIsDeliveredAndItsFrameworkIdKept) {
  startSubscribed();
  EXPECT_EQ("F", session->framework().id().value());
  EXPECT_TRUE(session->subscribed());
}

// Scenario 152.
TEST_F(SchedulerSessionTest, SubscribesAgainUnderTheIdItWasGivenBothIdsEqual) {
  startSubscribed();
  session->onBodyEnd(now, stream);
  drain();
  const Call call = resubscribe();
  EXPECT_EQ("F", call.framework_id().value());
  EXPECT_EQ("F", call.subscribe().framework_info().id().value());
}

// Scenario 155.
TEST_F(SchedulerSessionTest, SubscribesAgainWithoutTheOldStreamsId) {
  startSubscribed();
  session->onBodyEnd(now, stream);
  drain();
  timer();
  stream = only<Connect>().id;
  session->onConnected(now, stream);
  EXPECT_FALSE(only<Send>().request.headers.has("Mesos-Stream-Id"));
}

TEST_F(SchedulerSessionTest, SubscribesUnderTheIdOfAnEarlierLife) {
  auto framework = makeFramework();
  framework.mutable_id()->set_value("old");
  start(framework);
  session->onLeader(now, kLeader);
  EXPECT_EQ("old", subscribeRequest().framework_id().value());
}

TEST_F(SchedulerSessionTest, SendsCredentialsWithEveryRequest) {
  options.authorization = "Basic cDpz";
  start();
  session->onLeader(now, kLeader);
  stream = only<Connect>().id;
  session->onConnected(now, stream);
  EXPECT_EQ("Basic cDpz", *only<Send>().request.headers.find("Authorization"));
  session->onResponse(now, stream, streamHead());
  event(subscribedEvent());
  drain();
  EXPECT_EQ("Basic cDpz", *firstCall(calls::revive()).request.headers.find("Authorization"));
}

// Scenario 26.
TEST_F(SchedulerSessionTest, DeliversEventsInOrderHoweverTheBytesAreCut) {
  startSubscribed();
  const std::string bytes = encodeRecord(ofType(Event::HEARTBEAT).SerializeAsString()) +
                            encodeRecord(offersEvent("O1").SerializeAsString()) +
                            encodeRecord(updateEvent("t", "uuid").SerializeAsString());
  for (const char byte : bytes) session->onBytes(now, stream, std::string_view(&byte, 1));
  const auto events = eventsOf(drain());
  ASSERT_EQ(3U, events.size());
  EXPECT_EQ(Event::HEARTBEAT, events[0].type());
  EXPECT_EQ("O1", events[1].offers().offers(0).id().value());
  EXPECT_EQ("t", events[2].update().status().task_id().value());
}

// Scenario 26.
TEST_F(SchedulerSessionTest, DeliversAHundredEventsOfOneRead) {
  startSubscribed();
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    bytes += encodeRecord(offersEvent("O" + std::to_string(i)).SerializeAsString());
  }
  session->onBytes(now, stream, bytes);
  const auto events = eventsOf(drain());
  ASSERT_EQ(100U, events.size());
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ("O" + std::to_string(i), events[i].offers().offers(0).id().value());
  }
}

TEST_F(SchedulerSessionTest, DeliversWhatComesBeforeSubscribed) {
  start();
  session->onLeader(now, kLeader);
  subscribeRequest();
  session->onResponse(now, stream, streamHead());
  event(ofType(Event::HEARTBEAT));
  EXPECT_EQ(Event::HEARTBEAT, only<DeliverEvent>().event->type());
  EXPECT_FALSE(session->subscribed());
  event(subscribedEvent());
  EXPECT_TRUE(session->subscribed());
}

// Scenario 154.
TEST_F(SchedulerSessionTest, OffersBeforeSubscribedBreakTheProtocol) {
  start();
  session->onLeader(now, kLeader);
  subscribeRequest();
  session->onResponse(now, stream, streamHead());
  event(offersEvent("O1"));
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_TRUE(std::holds_alternative<Waiting>(effects[1]));
}

// Scenario 160.
TEST_F(SchedulerSessionTest, DeliversEventsOfUnknownType) {
  startSubscribed();
  session->onBytes(now, stream, encodeRecord(std::string("\x08\x63", 2)));  // type: 99
  EXPECT_EQ(Event::UNKNOWN, only<DeliverEvent>().event->type());
  session->onBytes(now, stream, "0\n");
  EXPECT_EQ(Event::UNKNOWN, only<DeliverEvent>().event->type());
  EXPECT_TRUE(session->subscribed());
}

// Scenario 160.
TEST_F(SchedulerSessionTest, DeliversTaskStatesFromTheFutureAsUnknown) {
  startSubscribed();
  Event update = updateEvent("t", "uuid");
  update.mutable_update()->mutable_status()->clear_state();
  // TaskStatus.state = 77, an enum value this build does not have.
  update.mutable_update()->mutable_status()->mutable_unknown_fields()->AddVarint(2, 77);
  session->onBytes(now, stream, encodeRecord(update.SerializePartialAsString()));
  EXPECT_EQ(v1::TASK_UNKNOWN, only<DeliverEvent>().event->update().status().state());
}

// ---- Refusals.

// Scenario 168.
TEST_F(SchedulerSessionTest, AnErrorEventIsTheEnd) {
  startSubscribed();
  event(errorEvent("Framework failed over"));
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_EQ("Framework failed over", std::get<Failed>(effects[1]).message);
  EXPECT_FALSE(session->deadline());
  session->onLeader(now, kOther);
  session->onCall(now, launchCall("O", {"t"}));
  session->onHandled(now, updateEvent("t", "uuid"));
  session->onStop(now, false);
  session->onTimer(now + 1000s);
  EXPECT_TRUE(drain().empty());
}

// Scenario 151.
TEST_F(SchedulerSessionTest, ARefusedSubscriptionIsAnErrorEventToo) {
  start();
  session->onLeader(now, kLeader);
  subscribeRequest();
  session->onResponse(now, stream, streamHead());
  event(errorEvent("Framework has been removed"));
  EXPECT_EQ("Framework has been removed", std::get<Failed>(drain().back()).message);
}

TEST_F(SchedulerSessionTest, EventsAfterAnErrorAreNotDelivered) {
  startSubscribed();
  session->onBytes(now, stream,
                   encodeRecord(errorEvent("no").SerializeAsString()) +
                       encodeRecord(offersEvent("O1").SerializeAsString()));
  EXPECT_TRUE(eventsOf(drain()).empty());
}

// Scenario 151.
TEST_F(SchedulerSessionTest, StatusesThatNoRepetitionHelpsFailWithASentence) {
  const std::vector<std::pair<int, std::string>> cases = {{400, "FrameworkInfo"},
                                                          {401, "credentials"},
                                                          {403, "principal"},
                                                          {406, "address"},
                                                          {415, "version 1.0"}};
  for (const auto& [status, hint] : cases) {
    start();
    session->onLeader(now, kLeader);
    subscribeRequest();
    answer(stream, status, {{"Content-Type", "text/plain"}}, "because\nof this\n");
    const auto effects = drain();
    ASSERT_EQ(2U, effects.size()) << status;
    EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
    const std::string message = std::get<Failed>(effects[1]).message;
    EXPECT_NE(message.npos, message.find("10.0.0.1:5050")) << message;
    EXPECT_NE(message.npos, message.find(std::to_string(status))) << message;
    EXPECT_NE(message.npos, message.find("because of this")) << message;
    EXPECT_NE(message.npos, message.find(hint)) << message;
  }
}

// Scenario 150.
TEST_F(SchedulerSessionTest, StatusesThatMayPassAreTriedAgain) {
  for (const int status : {404, 405, 500, 502, 503, 202, 302}) {
    start();
    session->onLeader(now, kLeader);
    subscribeRequest();
    answer(stream, status, {}, "No leader elected");
    const auto effects = drain();
    ASSERT_EQ(2U, effects.size()) << status;
    EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
    const auto waiting = std::get<Waiting>(effects[1]);
    EXPECT_NE(waiting.reason.npos, waiting.reason.find("No leader elected")) << waiting.reason;
    timer();
    EXPECT_EQ(kLeader, only<Connect>().address);
  }
}

TEST_F(SchedulerSessionTest, ARefusalCutShortIsStillARefusal) {
  start();
  session->onLeader(now, kLeader);
  subscribeRequest();
  session->onResponse(now, stream, {401, {}});
  session->onClosed(now, stream, "reset");
  EXPECT_TRUE(std::get<Failed>(drain().back()).message.find("401") != std::string::npos);

  start();
  session->onLeader(now, kLeader);
  subscribeRequest();
  session->onResponse(now, stream, {401, {}});
  timer();
  EXPECT_TRUE(std::get<Failed>(drain().back()).message.find("401") != std::string::npos);
}

TEST_F(SchedulerSessionTest, KeepsLittleOfALongRefusal) {
  start();
  session->onLeader(now, kLeader);
  subscribeRequest();
  session->onResponse(now, stream, {400, {}});
  for (int i = 0; i < 100; ++i) session->onBytes(now, stream, std::string(1000, 'x'));
  session->onBodyEnd(now, stream);
  EXPECT_LT(std::get<Failed>(drain().back()).message.size(), 1500U);
}

TEST_F(SchedulerSessionTest, AStreamWithoutItsIdOrOfAnotherTypeIsNotTaken) {
  const std::vector<Headers> heads = {
      {{"Content-Type", "application/x-protobuf"}},
      {{"Content-Type", "application/x-protobuf"}, {"Mesos-Stream-Id", ""}},
      {{"Content-Type", "application/json"}, {"Mesos-Stream-Id", "s"}},
      {{"Mesos-Stream-Id", "s"}}};
  for (const Headers& headers : heads) {
    start();
    session->onLeader(now, kLeader);
    subscribeRequest();
    session->onResponse(now, stream, {200, headers});
    const auto effects = drain();
    ASSERT_EQ(2U, effects.size());
    EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
    EXPECT_TRUE(std::holds_alternative<Waiting>(effects[1]));
  }
}

// ---- Redirects.

// Scenario 149.
TEST_F(SchedulerSessionTest, FollowsARedirectToTheLeaderAndUsesItsPath) {
  start();
  session->onLeader(now, kOther);
  stream = only<Connect>().id;
  session->onConnected(now, stream);
  const auto first = only<Send>();
  answer(stream, 307, {{"Location", "//10.0.0.1:5050/master/api/v1/scheduler"}});
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  stream = std::get<Connect>(effects[1]).id;
  EXPECT_EQ(kLeader, std::get<Connect>(effects[1]).address);
  session->onConnected(now, stream);
  const auto send = only<Send>();
  EXPECT_EQ("/master/api/v1/scheduler", send.request.target);
  EXPECT_EQ(Call::SUBSCRIBE, callOf(send).type());
  EXPECT_EQ(first.request.body, send.request.body);  // Fact T32.
  session->onResponse(now, stream, streamHead());
  event(subscribedEvent());
  drain();
  EXPECT_EQ("/master/api/v1/scheduler", firstCall(calls::revive()).request.target);
}

// What follows a redirect could be read by anyone if it led out of TLS.
TEST_F(SchedulerSessionTest, NoRedirectLeadsOutOfTls) {
  const Address secure{"10.0.0.2", 5050, true};
  for (const char* location : {"//10.0.0.1:5050/x", "http://10.0.0.1:5050/x", "/x"}) {
    start();
    session->onLeader(now, secure);
    subscribeRequest();
    answer(stream, 307, {{"Location", location}});
    EXPECT_TRUE(std::get<Connect>(drain().back()).address.tls) << location;
  }
}

TEST_F(SchedulerSessionTest, ReadsLocationsAsABrowserDoes) {
  struct Case {
    std::string location;
    Address address;
    std::string path;
  };
  const std::vector<Case> cases = {
      {"http://master:80/x", {"master", 80}, "/x"},
      {"https://[::1]:5050/x?y=z", {"::1", 5050, true}, "/x?y=z"},
      {"//10.0.0.1:5050", kLeader, "/api/v1/scheduler"},
      {"/master/api/v1/scheduler", kOther, "/master/api/v1/scheduler"}};
  for (const Case& one : cases) {
    start();
    session->onLeader(now, kOther);
    subscribeRequest();
    answer(stream, 307, {{"Location", one.location}});
    const auto connect = std::get<Connect>(drain().back());
    EXPECT_EQ(one.address, connect.address) << one.location;
    session->onConnected(now, connect.id);
    EXPECT_EQ(one.path, only<Send>().request.target) << one.location;
  }
}

TEST_F(SchedulerSessionTest, ARedirectToNowhereIsAFailure) {
  for (const std::string location :
       {"", "nonsense", "//nohost/x", "//host:99999/x", "ftp://h:1/x"}) {
    start();
    session->onLeader(now, kOther);
    subscribeRequest();
    answer(stream, 307, {{"Location", location}});
    EXPECT_TRUE(std::holds_alternative<Waiting>(drain().back())) << location;
    timer();
    EXPECT_EQ(kOther, only<Connect>().address);
  }
}

// Scenario 149.
TEST_F(SchedulerSessionTest, FollowsSoManyRedirectsAndThenBacksOff) {
  options.redirectsMax = 3;
  start();
  session->onLeader(now, kOther);
  for (int i = 0; i < 4; ++i) {
    const auto connect = std::get<Connect>(drain().back());
    session->onConnected(now, connect.id);
    drain();
    answer(connect.id, 307, {{"Location", i % 2 ? "//10.0.0.2:5050/x" : "//10.0.0.1:5050/x"}});
  }
  EXPECT_TRUE(std::holds_alternative<Waiting>(drain().back()));
  timer();
  const auto connect = only<Connect>();
  EXPECT_EQ(kOther, connect.address);
  session->onConnected(now, connect.id);
  EXPECT_EQ("/api/v1/scheduler", only<Send>().request.target);
}

TEST_F(SchedulerSessionTest, WhereARedirectLedIsForgottenWithTheNextFailure) {
  start();
  session->onLeader(now, kOther);
  subscribeRequest();
  answer(stream, 307, {{"Location", "//10.0.0.1:5050/master/api/v1/scheduler"}});
  stream = std::get<Connect>(drain().back()).id;
  session->onClosed(now, stream, "refused");
  only<Waiting>();
  timer();
  EXPECT_EQ(kOther, only<Connect>().address);
}

}  // namespace
}  // namespace mesos::protocol
