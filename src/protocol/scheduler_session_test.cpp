#include "protocol/scheduler_session.hpp"

#include "protocol/calls.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace mesos::protocol {
namespace {

using namespace std::chrono_literals;
using Call = SchedulerSession::Call;
using Event = SchedulerSession::Event;
using Effect = SchedulerSession::Effect;
using Capability = v1::FrameworkInfo::Capability;

const Address kLeader{"10.0.0.1", 5050};
const Address kOther{"10.0.0.2", 5050};

v1::FrameworkInfo makeFramework() {
  v1::FrameworkInfo framework;
  framework.set_user("root");
  framework.set_name("test");
  framework.add_roles("web");
  framework.add_roles("batch");
  return framework;
}

Event subscribedEvent(const std::string& id = "F", double heartbeat = 15) {
  Event event;
  event.set_type(Event::SUBSCRIBED);
  event.mutable_subscribed()->mutable_framework_id()->set_value(id);
  event.mutable_subscribed()->set_heartbeat_interval_seconds(heartbeat);
  return event;
}

Event ofType(Event::Type type) {
  Event event;
  event.set_type(type);
  return event;
}

Event offersEvent(const std::string& id) {
  Event event = ofType(Event::OFFERS);
  auto& offer = *event.mutable_offers()->add_offers();
  offer.mutable_id()->set_value(id);
  offer.mutable_framework_id()->set_value("F");
  offer.mutable_agent_id()->set_value("S");
  offer.set_hostname("host");
  return event;
}

Event errorEvent(const std::string& message) {
  Event event = ofType(Event::ERROR);
  event.mutable_error()->set_message(message);
  return event;
}

Event updateEvent(const std::string& task, const std::string& uuid) {
  Event event = ofType(Event::UPDATE);
  auto& status = *event.mutable_update()->mutable_status();
  status.mutable_task_id()->set_value(task);
  status.mutable_agent_id()->set_value("S");
  status.set_state(v1::TASK_RUNNING);
  if (!uuid.empty()) status.set_uuid(uuid);
  return event;
}

v1::OfferID offerId(const std::string& value) {
  v1::OfferID id;
  id.set_value(value);
  return id;
}

v1::TaskID taskId(const std::string& value) {
  v1::TaskID id;
  id.set_value(value);
  return id;
}

v1::TaskInfo makeTask(const std::string& id) {
  v1::TaskInfo task;
  task.set_name(id);
  *task.mutable_task_id() = taskId(id);
  task.mutable_agent_id()->set_value("S");
  return task;
}

Call launchCall(const std::string& offer, const std::vector<std::string>& ids) {
  std::vector<v1::TaskInfo> tasks;
  for (const std::string& id : ids) tasks.push_back(makeTask(id));
  return calls::accept({offerId(offer)}, {calls::launch(tasks)});
}

ResponseHead streamHead(const std::string& streamId = "stream-1") {
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

// ---- Failing and backing off.

// Scenario 150.
TEST_F(SchedulerSessionTest, BacksOffFromTheFirstFailureOnWithGrowingJitteredDelays) {
  start();
  session->onLeader(now, kLeader);
  Duration nominal = 500ms;
  const auto began = now.steady;
  for (int i = 0; i < 8; ++i) {
    const auto connect = only<Connect>();
    session->onClosed(now, connect.id, "Connection refused");
    const auto waiting = only<Waiting>();
    EXPECT_NE(waiting.reason.npos, waiting.reason.find("Connection refused"));
    EXPECT_EQ(now.steady - began, waiting.waited);
    EXPECT_LE(waiting.next, nominal);
    EXPECT_GE(waiting.next, nominal / 2);
    EXPECT_EQ(now.steady + waiting.next, session->deadline());
    session->onTimer(now);  // Early: nothing.
    EXPECT_TRUE(drain().empty());
    timer();
    nominal = std::min<Duration>(nominal * 2, 15s);
  }
}

TEST_F(SchedulerSessionTest, ASubscriptionResetsTheBackoff) {
  start();
  session->onLeader(now, kLeader);
  for (int i = 0; i < 6; ++i) {
    session->onClosed(now, only<Connect>().id, "refused");
    drain();
    timer();
  }
  stream = only<Connect>().id;
  session->onConnected(now, stream);
  session->onResponse(now, stream, streamHead());
  event(subscribedEvent());
  drain();
  session->onClosed(now, stream, "reset");
  const auto waiting = std::get<Waiting>(drain().back());
  EXPECT_LE(waiting.next, 500ms);
  EXPECT_EQ(Duration::zero(), waiting.waited);
}

TEST_F(SchedulerSessionTest, GivesUpOnAConnectionThatIsNotMade) {
  start();
  session->onLeader(now, kLeader);
  stream = only<Connect>().id;
  pass(4999ms);
  session->onTimer(now);
  EXPECT_TRUE(drain().empty());
  pass(1ms);
  session->onTimer(now);
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_NE(std::string::npos, std::get<Waiting>(effects[1]).reason.find("5secs"));
}

TEST_F(SchedulerSessionTest, GivesUpOnASubscribeThatIsNotAnswered) {
  start();
  session->onLeader(now, kLeader);
  subscribeRequest();
  EXPECT_EQ(now.steady + 15s, session->deadline());
  timer();
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_TRUE(std::holds_alternative<Waiting>(effects[1]));
}

TEST_F(SchedulerSessionTest, CountsSilenceFromTheRequestOn) {
  start();
  session->onLeader(now, kLeader);
  subscribeRequest();
  const auto requested = now.steady;
  pass(10s);
  session->onResponse(now, stream, streamHead());
  EXPECT_EQ(requested + 75s, session->deadline());
  pass(10s);
  event(ofType(Event::HEARTBEAT));  // Not what it waits for.
  drain();
  EXPECT_EQ(requested + 75s, session->deadline());
  timer();
  EXPECT_EQ(2U, drain().size());
}

// Scenario 152.
TEST_F(SchedulerSessionTest, ResubscribesAfterFiveMissedHeartbeats) {
  startSubscribed();
  EXPECT_EQ(now.steady + 75s, session->deadline());
  pass(70s);
  event(ofType(Event::HEARTBEAT));
  drain();
  EXPECT_EQ(now.steady + 75s, session->deadline());
  timer();
  const auto effects = drain();
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_NE(std::string::npos, expectLost(effects).find("silent"));
  resubscribe();
}

// Scenario 153.
TEST_F(SchedulerSessionTest, TakesTheHeartbeatIntervalTheMasterTells) {
  for (const auto& [told, silence] :
       std::vector<std::pair<double, Duration>>{{0.2, 1s}, {0, 75s}, {-3, 75s}, {1e300, 5 * 24h}}) {
    start();
    session->onLeader(now, kLeader);
    subscribeRequest();
    session->onResponse(now, stream, streamHead());
    event(subscribedEvent("F", told));
    EXPECT_EQ(now.steady + silence, session->deadline()) << told;
  }
}

// Scenario 28.
TEST_F(SchedulerSessionTest, TheEndOfTheBodyIsTheEndOfTheSubscription) {
  startSubscribed();
  session->onBodyEnd(now, stream);
  const auto effects = drain();
  ASSERT_EQ(3U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_EQ("the stream was ended", std::get<Disconnected>(effects[1]).reason);
  EXPECT_LE(std::get<Waiting>(effects[2]).next, 500ms);
}

// Scenario 28.
TEST_F(SchedulerSessionTest, AStreamCutInsideAnEventDeliversNoPartOfIt) {
  const std::string record = encodeRecord(offersEvent("O1").SerializeAsString());
  for (const bool byZeroChunk : {true, false}) {
    startSubscribed();
    session->onBytes(now, stream, record.substr(0, record.size() - 1));
    EXPECT_TRUE(drain().empty());
    if (byZeroChunk) {
      session->onBodyEnd(now, stream);
      session->onClosed(now, stream, "Connection reset by peer");
    } else {
      session->onClosed(now, stream, "Connection reset by peer");
    }
    const auto effects = drain();
    EXPECT_TRUE(eventsOf(effects).empty());
    const std::string reason = expectLost(effects);
    if (byZeroChunk) {
      EXPECT_EQ("the stream ended inside an event", reason);
    }
  }
}

TEST_F(SchedulerSessionTest, AClosedConnectionIsTheEndOfTheSubscription) {
  startSubscribed();
  session->onClosed(now, stream, "Connection reset by peer");
  const auto effects = drain();
  EXPECT_TRUE(all<Close>(effects).empty());
  EXPECT_NE(std::string::npos, expectLost(effects).find("Connection reset by peer"));
}

// Scenario 27.
TEST_F(SchedulerSessionTest, BrokenRecordsEndTheSubscription) {
  for (const std::string& bytes :
       {std::string("x\n"), std::string("12a\n"), std::string("-1\n"), std::string("\n"),
        std::string("99999999999\n"), std::string(30, '9') + "\n", std::string("2\n\xff\xff"),
        std::string("2\n\x08\x01")}) {
    startSubscribed();
    session->onBytes(now, stream, bytes);
    const auto effects = drain();
    ASSERT_FALSE(effects.empty()) << bytes;
    EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
    expectLost(effects);
  }
}

TEST_F(SchedulerSessionTest, ASecondSubscribedBreaksTheProtocol) {
  startSubscribed();
  event(subscribedEvent("G"));
  const auto effects = drain();
  EXPECT_TRUE(eventsOf(effects).empty());
  expectLost(effects);
  EXPECT_EQ("F", session->framework().id().value());
}

TEST_F(SchedulerSessionTest, IgnoresWhatConnectionsOfThePastReport) {
  startSubscribed();
  const ConnectionId old = stream;
  session->onBodyEnd(now, old);
  drain();
  resubscribe();
  session->onConnected(now, old);
  session->onResponse(now, old, {401, {}});
  session->onBytes(now, old, encodeRecord(errorEvent("stale").SerializeAsString()));
  session->onBodyEnd(now, old);
  session->onClosed(now, old, "stale");
  session->onClosed(now, 999, "never was");
  EXPECT_TRUE(drain().empty());
  EXPECT_TRUE(session->subscribed());
}

// ---- Leaders.

TEST_F(SchedulerSessionTest, GoesToANewLeaderAtOnce) {
  startSubscribed();
  session->onLeader(now, kOther);
  const auto effects = drain();
  ASSERT_EQ(3U, effects.size());
  EXPECT_EQ(stream, std::get<Close>(effects[0]).id);
  EXPECT_TRUE(std::holds_alternative<Disconnected>(effects[1]));
  EXPECT_EQ(kOther, std::get<Connect>(effects[2]).address);
}

TEST_F(SchedulerSessionTest, KeepsItsSubscriptionWhenNoLeaderIsKnownAnyMore) {
  startSubscribed();
  session->onLeader(now, std::nullopt);
  EXPECT_TRUE(drain().empty());
  session->onLeader(now, kLeader);
  EXPECT_TRUE(drain().empty());
  EXPECT_TRUE(session->subscribed());
}

TEST_F(SchedulerSessionTest, WaitsForALeaderWhenTheSubscriptionEndsAndNoneIsKnown) {
  startSubscribed();
  session->onLeader(now, std::nullopt);
  session->onBodyEnd(now, stream);
  expectLost(drain());
  EXPECT_FALSE(session->deadline());
  session->onLeader(now, kLeader);
  EXPECT_EQ(kLeader, only<Connect>().address);
}

TEST_F(SchedulerSessionTest, ANewLeaderCutsABackoffShortAndTheSameOneDoesNot) {
  start();
  session->onLeader(now, kLeader);
  session->onClosed(now, only<Connect>().id, "refused");
  drain();
  session->onLeader(now, kLeader);
  EXPECT_TRUE(drain().empty());
  session->onLeader(now, std::nullopt);
  EXPECT_TRUE(drain().empty());
  EXPECT_FALSE(session->deadline());
  session->onLeader(now, kOther);
  EXPECT_EQ(kOther, only<Connect>().address);
}

TEST_F(SchedulerSessionTest, LeavesAnAttemptForANewLeader) {
  start();
  session->onLeader(now, kLeader);
  const ConnectionId first = only<Connect>().id;
  session->onLeader(now, kOther);
  const auto effects = drain();
  ASSERT_EQ(2U, effects.size());
  EXPECT_EQ(first, std::get<Close>(effects[0]).id);
  EXPECT_EQ(kOther, std::get<Connect>(effects[1]).address);
  session->onConnected(now, first);
  EXPECT_TRUE(drain().empty());
}

TEST_F(SchedulerSessionTest, TheMasterWeWereRedirectedToBecomingKnownChangesNothing) {
  start();
  session->onLeader(now, kOther);
  subscribeRequest();
  answer(stream, 307, {{"Location", "//10.0.0.1:5050/x"}});
  drain();
  session->onLeader(now, kLeader);
  EXPECT_TRUE(drain().empty());
}

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
