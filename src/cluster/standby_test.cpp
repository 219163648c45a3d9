#include "cluster/recorded_exchange.hpp"
#include "cluster/test_cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mesos::cluster {
namespace {

using protocol::Request;
using protocol::Response;

MasterInfo anotherMaster() {
  MasterInfo leader;
  leader.set_id("another");
  leader.set_ip(16777343);
  leader.set_hostname("127.0.0.1");
  leader.set_port(7050);
  return leader;
}

MasterOptions onPort(std::uint16_t port) {
  MasterOptions options;
  options.hostname = "127.0.0.1";
  options.port = port;
  return options;
}

/// A cluster whose master stands as the recorded one did.
TestCluster clusterOf(const std::string& name) {
  const bool isRecovering = name.find("-recovering-leader-") != name.npos;
  MasterOptions options = onPort(isRecovering ? 7058 : 7050);
  if (isRecovering) options.recoveryTime = std::chrono::seconds(60);
  if (name.find("-with-auth-") != name.npos) {
    options.authentication = {
        {Realm::MasterScheduler, Realm::MasterReadonly, Realm::MasterReadwrite}, {{"p", "s"}}, ""};
  }
  return TestCluster(options, AgentOptions{});
}

void stand(TestCluster& cluster, const std::string& name) {
  if (name.find("-standby-") != name.npos) {
    cluster.masterHttp().onLeader(cluster.now(), anotherMaster());
  } else if (name.find("-no-leader-") != name.npos) {
    cluster.masterHttp().onLeader(cluster.now(), std::nullopt);
  }
}

/// The order of a query's parameters is not kept (fact T31).
std::string sorted(const std::string& location) {
  const auto target = protocol::parseTarget(location.substr(location.find('/', 2)));
  auto query = target->query;
  std::sort(query.begin(), query.end());
  std::string text = location.substr(0, location.find('?'));
  for (const auto& [key, value] : query) text += " " + key + "=" + value;
  return text;
}

/// Sends what was recorded and compares the answers; how many there were.
int replay(const std::string& group) {
  int count = 0;
  for (const RecordedExchange& exchange : readRecorded("redirect")) {
    if (!exchange.name.substr(exchange.name.find('-') + 1).starts_with(group)) continue;
    SCOPED_TRACE(exchange.name);
    TestCluster cluster = clusterOf(exchange.name);
    stand(cluster, exchange.name);
    const Answer& answer = cluster.askMaster(parseRequest(exchange.request));
    const Response recorded = parseResponse(exchange.response);
    EXPECT_EQ(answer.status, recorded.status);
    const std::string* location = recorded.headers.find("Location");
    EXPECT_EQ(answer.headers.has("Location"), location != nullptr);
    if (location && answer.headers.has("Location")) {
      const std::string& ours = *answer.headers.find("Location");
      if (location->find('?') == location->npos) {
        EXPECT_EQ(ours, *location);
      } else {
        EXPECT_EQ(sorted(ours), sorted(*location));
      }
    }
    if (recorded.status >= 300) {
      EXPECT_EQ(answer.body, recorded.body);
    }
    ++count;
  }
  return count;
}

// Facts T30-T32, T35, T36; scenario 19.
TEST(Standby, AnswersAsRecorded) { EXPECT_EQ(replay("standby-"), 39); }

// Facts T34, T35; scenario 20.
TEST(Standby, WithoutALeaderAnswersAsRecorded) { EXPECT_EQ(replay("no-leader-"), 11); }

// Facts T34, T35; scenario 20. Its /redirect is the leader's.
TEST(Standby, ALeaderThatRecoversAnswersAsRecorded) { EXPECT_EQ(replay("recovering-leader-"), 11); }

TEST(Standby, ALeaderAnswersAsRecorded) { EXPECT_EQ(replay("leader-"), 5); }

TEST(Standby, BecomesTheLeaderAndRecovers) {
  TestCluster cluster(
      [] {
        MasterOptions options = onPort(7052);
        options.recoveryTime = std::chrono::seconds(2);
        return options;
      }(),
      AgentOptions{});
  cluster.masterHttp().onLeader(cluster.now(), anotherMaster());
  cluster.advance(std::chrono::seconds(10));
  cluster.masterHttp().onLeader(cluster.now(), cluster.master().info());
  const Request version{
      "POST", "/api/v1", {{"Content-Type", "application/json"}}, R"({"type":"GET_VERSION"})"};
  EXPECT_EQ(cluster.askMaster(version).body, "Master has not finished recovery");
  EXPECT_EQ(cluster.askMaster({"GET", "/state", {}, ""}).status, 200);
  EXPECT_EQ(cluster.master().elected().steady, cluster.now().steady);
  cluster.advance(std::chrono::seconds(2));
  EXPECT_EQ(cluster.askMaster(version).status, 200);
}

TEST(Standby, TakesNoAgentUntilItLeadsAndHasRecovered) {
  TestCluster cluster(
      [] {
        MasterOptions options = onPort(7052);
        options.recoveryTime = std::chrono::seconds(2);
        return options;
      }(),
      AgentOptions{});
  cluster.masterHttp().onLeader(cluster.now(), std::nullopt);
  cluster.startAgent();
  cluster.advance(std::chrono::minutes(2));
  EXPECT_TRUE(cluster.master().agents().empty());
  cluster.masterHttp().onLeader(cluster.now(), cluster.master().info());
  EXPECT_TRUE(cluster.master().agents().empty());
  cluster.advance(std::chrono::minutes(2));
  EXPECT_EQ(cluster.master().agents().size(), 1u);
}

TEST(Standby, SaysThatItIsNotElected) {
  TestCluster cluster;
  cluster.masterHttp().onLeader(cluster.now(), anotherMaster());
  const Answer& answer = cluster.askMaster({"GET", "/metrics/snapshot", {}, ""});
  EXPECT_NE(answer.body.find(R"("master/elected":0)"), std::string::npos);
}

}  // namespace
}  // namespace mesos::cluster
