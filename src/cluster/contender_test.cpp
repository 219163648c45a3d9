#include "cluster/contender.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace mesos::cluster {
namespace {

using protocol::NodeFault;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

class ContenderTest : public testing::Test {
 protected:
  Texts effects() {
    Texts texts;
    while (const auto effect = contender.poll()) {
      texts.push_back(std::visit([this](const auto& e) { return describe(e); }, *effect));
    }
    return texts;
  }

  std::string describe(const protocol::OpenZooKeeper& open) {
    session = open.id;
    return "open " + open.url.servers;
  }
  std::string describe(const protocol::CloseZooKeeper&) { return "close"; }
  std::string describe(const protocol::CreateNode& create) {
    request = create.request;
    return (create.isMember ? "join " : "make ") + create.path + " " + create.data;
  }
  std::string describe(const CandidacyBegan& began) { return "began " + began.node; }
  std::string describe(const CandidacyLost&) { return "lost"; }
  std::string describe(const protocol::Waiting&) { return "waiting"; }
  std::string describe(const protocol::Failed&) { return "failed"; }

  void connect() { contender.onConnected(now, session, seconds(10)); }
  void exists() { contender.onRequestFailed(now, request, NodeFault::NodeExists, "node exists"); }
  void join() {
    contender.onStart(now);
    effects();
    connect();
    effects();
    exists();
    effects();
    exists();
    EXPECT_EQ(effects(), Texts{"join /a/b/json.info_ {}"});
    contender.onCreated(now, request, "/a/b/json.info_0000000003");
    EXPECT_EQ(effects(), Texts{"began /a/b/json.info_0000000003"});
    EXPECT_FALSE(contender.deadline());
  }
  void advance(Duration duration) {
    now = now + duration;
    ASSERT_TRUE(contender.deadline());
    ASSERT_LE(*contender.deadline(), now.steady);
    contender.onTimer(now);
  }

  Now now{TimePoint(seconds(1000)), {}};
  Contender contender{{}, protocol::parseZooKeeperUrl("zk://z:1/a/b").value(), "{}"};
  protocol::ZooKeeperId session = 0;
  protocol::NodeRequest request = 0;
};

// Facts Z2, Z5.
TEST_F(ContenderTest, MakesTheParentsAndThenItsNode) {
  contender.onStart(now);
  EXPECT_EQ(effects(), Texts{"open z:1"});
  connect();
  EXPECT_EQ(effects(), Texts{"make /a "});
  contender.onCreated(now, request, "/a");
  EXPECT_EQ(effects(), Texts{"make /a/b "});
  exists();
  EXPECT_EQ(effects(), Texts{"join /a/b/json.info_ {}"});
  contender.onCreated(now, request, "/a/b/json.info_0000000000");
  EXPECT_EQ(effects(), Texts{"began /a/b/json.info_0000000000"});
}

TEST_F(ContenderTest, WhatIsRefusedIsTriedAgain) {
  contender.onStart(now);
  effects();
  connect();
  effects();
  contender.onRequestFailed(now, request, NodeFault::Other, "not authenticated");
  EXPECT_EQ(effects(), Texts{"waiting"});
  advance(seconds(2));
  EXPECT_EQ(effects(), Texts{"make /a "});
}

// Fact Z13.
TEST_F(ContenderTest, AShortOutageCostsNothing) {
  join();
  contender.onConnecting(now, session);
  EXPECT_EQ(*contender.deadline(), now.steady + seconds(10));
  now = now + seconds(9);
  connect();
  EXPECT_EQ(effects(), Texts{});
  EXPECT_FALSE(contender.deadline());
}

// Fact Z13.
TEST_F(ContenderTest, ALongOutageCostsTheCandidacyAndItContendsAnew) {
  join();
  contender.onConnecting(now, session);
  advance(seconds(10));
  EXPECT_EQ(effects(), (Texts{"lost", "waiting", "open z:1"}));
  connect();
  EXPECT_EQ(effects(), Texts{"make /a "});
}

// Fact Z13.
TEST_F(ContenderTest, AnExpiredSessionCostsTheCandidacy) {
  join();
  contender.onExpired(now, session);
  EXPECT_EQ(effects(), (Texts{"lost", "open z:1"}));
}

TEST_F(ContenderTest, ALossWhileJoiningCannotLeaveASecondNodeBehind) {
  contender.onStart(now);
  effects();
  connect();
  effects();
  exists();
  effects();
  exists();
  effects();
  const auto asked = request;
  contender.onConnecting(now, session);
  EXPECT_EQ(effects(), Texts{"open z:1"});
  contender.onCreated(now, asked, "/a/b/json.info_0000000001");
  EXPECT_EQ(effects(), Texts{});
}

TEST_F(ContenderTest, LeavingClosesTheSession) {
  join();
  contender.onLeave();
  EXPECT_EQ(effects(), Texts{"close"});
  contender.onExpired(now, session);
  connect();
  EXPECT_EQ(effects(), Texts{});
  EXPECT_FALSE(contender.deadline());
}

TEST_F(ContenderTest, RefusedCredentialsAreTheEnd) {
  join();
  contender.onAuthFailed(now, session);
  EXPECT_EQ(effects(), (Texts{"lost", "close", "failed"}));
  EXPECT_FALSE(contender.deadline());
}

TEST_F(ContenderTest, WhatDoesNotAnswerIsOpenedAnew) {
  contender.onStart(now);
  effects();
  connect();
  effects();
  advance(seconds(10));
  EXPECT_EQ(effects(), (Texts{"waiting", "open z:1"}));
  contender.onOpenFailed(now, session, "unknown host");
  EXPECT_EQ(effects(), Texts{"waiting"});
  advance(seconds(2));
  EXPECT_EQ(effects(), Texts{"open z:1"});
}

}  // namespace
}  // namespace mesos::cluster
