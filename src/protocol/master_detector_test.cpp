#include "protocol/master_detector.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace mesos::protocol {
namespace {

using std::chrono::seconds;
using Names = std::vector<std::string>;

constexpr const char* kUrl = "zk://u:hidden@z1:1,z2:2/mesos";

std::string dataOf(int port) {
  return R"({"id":"m","ip":16777343,"port":)" + std::to_string(port) + "}";
}

/// A detector and the text of what it asks for, such as "list 1 /mesos" or "leader 127.0.0.1:7".
class MasterDetectorTest : public testing::Test {
 protected:
  explicit MasterDetectorTest(const char* master = kUrl)
      : detector(std::make_unique<MasterDetector>(MasterDetectorOptions{},
                                                  parseMasterSpec(master).value())) {}

  Names effects() {
    Names texts;
    while (auto effect = detector->poll()) {
      texts.push_back(std::visit([this](const auto& e) { return describe(e); }, *effect));
    }
    return texts;
  }
  /// Only those that tell of a leader.
  Names leaders() {
    Names all = effects();
    std::erase_if(all, [](const std::string& text) { return !text.starts_with("leader"); });
    return all;
  }

  std::string describe(const OpenZooKeeper& open) {
    session = open.id;
    return "open " + open.url.servers;
  }
  std::string describe(const CloseZooKeeper&) { return "close"; }
  std::string describe(const ListNodes& list) {
    request = list.request;
    return "list " + list.path;
  }
  std::string describe(const ReadNode& read) {
    request = read.request;
    return "read " + read.path;
  }
  std::string describe(const LeaderChanged& changed) {
    return "leader " + (changed.address ? changed.address->toString() : "none");
  }
  std::string describe(const Waiting& waiting) {
    EXPECT_EQ(waiting.reason.find("hidden"), std::string::npos);
    lastWaiting = waiting;
    return "waiting";
  }
  std::string describe(const Failed& failed) {
    EXPECT_EQ(failed.message.find("hidden"), std::string::npos);
    return "failed";
  }

  void connect() {
    detector->onStart(now);
    effects();
    detector->onConnected(now, session, seconds(10));
    effects();
  }
  void children(const Names& names) { detector->onChildren(now, request, names); }
  /// To the state in which that master is known to lead.
  void follow(const std::string& node, int port) {
    connect();
    children({node});
    effects();
    detector->onData(now, request, dataOf(port));
    EXPECT_EQ(effects(), Names{"leader 127.0.0.1:" + std::to_string(port)});
  }
  /// Lets the time pass until `until`, at every deadline on the way.
  void advance(Duration duration) {
    const TimePoint end = now.steady + duration;
    while (detector->deadline() && *detector->deadline() <= end) {
      now = now + (std::max(*detector->deadline(), now.steady) - now.steady);
      detector->onTimer(now);
      if (detector->deadline() && *detector->deadline() <= now.steady) break;
    }
    now = now + (end - now.steady);
  }

  std::unique_ptr<MasterDetector> detector;
  Now now{TimePoint(seconds(1000)), {}};
  ZooKeeperId session = 0;
  NodeRequest request = 0;
  Waiting lastWaiting{};
};

class NamedMasterTest : public MasterDetectorTest {
 protected:
  NamedMasterTest() : MasterDetectorTest("10.0.0.1:5050") {}
};

TEST_F(NamedMasterTest, LeadsForEver) {
  detector->onStart(now);
  EXPECT_EQ(effects(), Names{"leader 10.0.0.1:5050"});
  EXPECT_FALSE(detector->deadline());
}

TEST_F(MasterDetectorTest, ListsTheMastersAndReadsTheFirst) {
  detector->onStart(now);
  EXPECT_EQ(effects(), Names{"open z1:1,z2:2"});
  detector->onConnected(now, session, seconds(10));
  EXPECT_EQ(effects(), Names{"list /mesos"});
  children({"log_replicas", "json.info_0000000009", "json.info_0000000005"});
  EXPECT_EQ(effects(), Names{"read /mesos/json.info_0000000005"});
  detector->onData(now, request, dataOf(7));
  EXPECT_EQ(effects(), Names{"leader 127.0.0.1:7"});
}

// Fact Z9.
TEST_F(MasterDetectorTest, OnlyAnotherLeaderIsAnEvent) {
  follow("json.info_0000000005", 7);
  detector->onChanged(now, session);
  EXPECT_EQ(effects(), Names{"list /mesos"});
  children({"json.info_0000000005", "json.info_0000000006"});
  EXPECT_EQ(effects(), Names{});
  detector->onChanged(now, session);
  effects();
  children({"json.info_0000000006"});
  EXPECT_EQ(effects(), Names{"read /mesos/json.info_0000000006"});
  detector->onData(now, request, dataOf(8));
  EXPECT_EQ(effects(), Names{"leader 127.0.0.1:8"});
}

// Fact Z8, scenario 164.
TEST_F(MasterDetectorTest, ListsAnewWhenTheNodeIsGoneBeforeItIsRead) {
  connect();
  children({"json.info_0000000005", "json.info_0000000006"});
  effects();
  detector->onRequestFailed(now, request, NodeFault::NoNode, "no node");
  EXPECT_EQ(effects(), Names{"list /mesos"});
  children({"json.info_0000000006"});
  EXPECT_EQ(effects(), Names{"read /mesos/json.info_0000000006"});
}

// Fact Z8.
TEST_F(MasterDetectorTest, AChangeWhileReadingListsAnew) {
  connect();
  children({"json.info_0000000005"});
  effects();
  const NodeRequest old = request;
  detector->onChanged(now, session);
  EXPECT_EQ(effects(), Names{"list /mesos"});
  detector->onData(now, old, dataOf(7));
  EXPECT_EQ(effects(), Names{});
}

// Fact Z17.
TEST_F(MasterDetectorTest, ListsAnewNowAndThen) {
  follow("json.info_0000000005", 7);
  advance(seconds(29));
  EXPECT_EQ(effects(), Names{});
  advance(seconds(1));
  EXPECT_EQ(effects(), Names{"list /mesos"});
}

// Fact Z17.
TEST_F(MasterDetectorTest, OpensAnotherSessionWhenARequestIsNotAnswered) {
  connect();
  advance(seconds(10));
  EXPECT_EQ(effects(), (Names{"waiting", "open z1:1,z2:2"}));
}

// Fact Z15.
TEST_F(MasterDetectorTest, WaitsForALeaderAndSaysSinceWhen) {
  connect();
  now = now + seconds(5);
  children({"log_replicas"});
  EXPECT_EQ(effects(), Names{"waiting"});
  EXPECT_EQ(lastWaiting.waited, seconds(5));
  advance(seconds(30));
  EXPECT_EQ(effects(), Names{"list /mesos"});
  children({});
  EXPECT_EQ(effects(), Names{"waiting"});
  EXPECT_EQ(lastWaiting.waited, seconds(35));
  EXPECT_NE(lastWaiting.reason.find("no master leads at zk://z1:1,z2:2/mesos"), std::string::npos);
}

// Facts Z14, Z15.
TEST_F(MasterDetectorTest, LooksEveryTwoSecondsForANodeThatIsNotThereYet) {
  connect();
  detector->onRequestFailed(now, request, NodeFault::NoNode, "no node");
  EXPECT_EQ(effects(), Names{"waiting"});
  advance(seconds(2));
  EXPECT_EQ(effects(), Names{"list /mesos"});
}

TEST_F(MasterDetectorTest, TellsWhenTheLastMasterIsGone) {
  follow("json.info_0000000005", 7);
  detector->onChanged(now, session);
  effects();
  children({});
  EXPECT_EQ(effects(), (Names{"leader none", "waiting"}));
}

// Fact Z14.
TEST_F(MasterDetectorTest, RepeatsWhatFailsAndKeepsTheLeader) {
  follow("json.info_0000000005", 7);
  detector->onChanged(now, session);
  effects();
  detector->onRequestFailed(now, request, NodeFault::Other, "not authenticated");
  EXPECT_EQ(effects(), Names{"waiting"});
  EXPECT_EQ(lastWaiting.next, seconds(2));
  advance(seconds(2));
  EXPECT_EQ(effects(), Names{"list /mesos"});
}

// Fact Z14.
TEST_F(MasterDetectorTest, RefusedCredentialsAreTheEnd) {
  connect();
  detector->onAuthFailed(now, session);
  EXPECT_EQ(effects(), (Names{"close", "failed"}));
  EXPECT_FALSE(detector->deadline());
  detector->onConnected(now, session, seconds(10));
  EXPECT_EQ(effects(), Names{});
}

// Fact Z13, scenario 166.
TEST_F(MasterDetectorTest, AShortOutageKeepsTheLeader) {
  follow("json.info_0000000005", 7);
  detector->onConnecting(now, session);
  EXPECT_EQ(effects(), Names{"waiting"});
  advance(std::chrono::milliseconds(9999));
  EXPECT_EQ(effects(), Names{});
  detector->onConnected(now, session, seconds(10));
  EXPECT_EQ(effects(), Names{"list /mesos"});
  children({"json.info_0000000005"});
  EXPECT_EQ(effects(), Names{});
}

// Fact Z13.
TEST_F(MasterDetectorTest, AfterTheSessionTimeoutNoLeaderIsKnownAndAnotherSessionIsTried) {
  follow("json.info_0000000005", 7);
  detector->onConnecting(now, session);
  effects();
  advance(seconds(10));
  EXPECT_EQ(effects(), (Names{"leader none", "waiting", "open z1:1,z2:2"}));
  EXPECT_EQ(lastWaiting.waited, seconds(10));
  const ZooKeeperId second = session;
  advance(seconds(10));
  EXPECT_EQ(effects(), (Names{"waiting", "open z1:1,z2:2"}));
  EXPECT_NE(session, second);
  detector->onConnected(now, session, seconds(10));
  effects();
  children({"json.info_0000000005"});
  effects();
  detector->onData(now, request, dataOf(7));
  EXPECT_EQ(effects(), Names{"leader 127.0.0.1:7"});
}

// Fact Z13: the server grants less, or more, than is asked for.
TEST_F(MasterDetectorTest, TheServerSaysHowLongASessionLives) {
  detector->onStart(now);
  effects();
  detector->onConnected(now, session, seconds(2));
  effects();
  children({"json.info_0000000005"});
  effects();
  detector->onData(now, request, dataOf(7));
  detector->onConnecting(now, session);
  leaders();
  advance(seconds(2));
  EXPECT_EQ(leaders(), Names{"leader none"});
}

TEST_F(MasterDetectorTest, AnExpiredSessionIsReplacedAndTheLeaderKeptMeanwhile) {
  follow("json.info_0000000005", 7);
  detector->onExpired(now, session);
  EXPECT_EQ(effects(), Names{"open z1:1,z2:2"});
  detector->onConnected(now, session, seconds(10));
  effects();
  children({"json.info_0000000006"});
  effects();
  detector->onData(now, request, dataOf(8));
  EXPECT_EQ(effects(), Names{"leader 127.0.0.1:8"});
}

TEST_F(MasterDetectorTest, WhatCannotBeOpenedIsTriedAgainEveryTwoSeconds) {
  detector->onStart(now);
  effects();
  detector->onOpenFailed(now, session, "unknown host");
  EXPECT_EQ(effects(), Names{"waiting"});
  EXPECT_EQ(lastWaiting.next, seconds(2));
  advance(seconds(2));
  EXPECT_EQ(effects(), Names{"open z1:1,z2:2"});
}

TEST_F(MasterDetectorTest, ANodeThatCannotBeReadIsSkippedAndSaid) {
  connect();
  children({"json.info_0000000005", "json.info_0000000006"});
  effects();
  detector->onData(now, request, "{");
  EXPECT_EQ(effects(), (Names{"waiting", "read /mesos/json.info_0000000006"}));
  EXPECT_NE(lastWaiting.reason.find("json.info_0000000005"), std::string::npos);
  detector->onData(now, request, "{");
  EXPECT_EQ(effects(), (Names{"waiting", "waiting"}));
  advance(seconds(30));
  EXPECT_EQ(effects(), Names{"list /mesos"});
}

TEST_F(MasterDetectorTest, WhatAnEarlierSessionSaysIsIgnored) {
  follow("json.info_0000000005", 7);
  const ZooKeeperId old = session;
  const NodeRequest asked = request;
  detector->onExpired(now, session);
  effects();
  detector->onConnected(now, old, seconds(10));
  detector->onConnecting(now, old);
  detector->onExpired(now, old);
  detector->onChanged(now, old);
  detector->onAuthFailed(now, old);
  detector->onOpenFailed(now, old, "");
  detector->onChildren(now, asked, {"json.info_0000000006"});
  detector->onData(now, asked, dataOf(9));
  detector->onRequestFailed(now, asked, NodeFault::NoNode, "");
  EXPECT_EQ(effects(), Names{});
}

}  // namespace
}  // namespace mesos::protocol
