// Losing the subscription and coming back: failures, silence, other leaders.
#include "protocol/scheduler_session_fixture.hpp"

namespace mesos::protocol {
namespace {

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

}  // namespace
}  // namespace mesos::protocol
