// What clients in the wild rely on without saying so, found by reading and running them.
#include "conformance/launching.hpp"

#include <mesos/v1/master/master.pb.h>

#include <chrono>

namespace mesos::conformance {
namespace {

class ClientTraps : public Scenario {};
BOTH_ENCODINGS(ClientTraps);

/// A client that reads lines takes the next length from the tail of the record before; one that
/// reads pieces takes each for a record.
TEST_P(ClientTraps, EachRecordIsOneWholeChunkWithNothingBetween) {
  Connection connection(master());
  connection.send(postOf("/api/v1/scheduler", GetParam(), subscribeCall(), true));
  const auto head = connection.readHead(Timeout(5000));
  ASSERT_TRUE(head);
  ASSERT_EQ(head->status, 200);
  for (int i = 0; i < 3; ++i) {
    const auto chunk = connection.readChunk(Timeout(5000));
    ASSERT_TRUE(chunk) << "the stream ended";
    const std::size_t newline = chunk->find('\n');
    ASSERT_NE(newline, std::string::npos);
    EXPECT_EQ(chunk->substr(0, newline), std::to_string(chunk->size() - newline - 1));
    if (GetParam() == Encoding::Protobuf) continue;
    const std::string json = chunk->substr(newline + 1);
    EXPECT_EQ(json.find('\n'), std::string::npos);
    EXPECT_EQ(json.find("\": "), std::string::npos) << "not compact: " << json;
    EXPECT_EQ(json.front(), '{');
    EXPECT_EQ(json.back(), '}');
  }
}

TEST_P(ClientTraps, EveryCallIsAcceptedUnderTheIdOfItsStream) {
  TestFramework framework = subscribe();
  EXPECT_EQ(framework.streamId().size(), 36u);
  const protocol::Response revive = framework.call(callWith(SchedulerCall::REVIVE));
  EXPECT_EQ(revive.status, 202);
  EXPECT_EQ(revive.body, "");
}

TEST_P(ClientTraps, HeartbeatsComeAsOftenAsIsAnnounced) {
  TestFramework framework = subscribe();
  const double announced = framework.subscribed().heartbeat_interval_seconds();
  ASSERT_GT(announced, 0);
  suppress(framework);
  framework.stream().next(SchedulerEvent::HEARTBEAT);
  const auto begin = std::chrono::steady_clock::now();
  framework.stream().next(SchedulerEvent::HEARTBEAT,
                          Timeout(static_cast<int>(announced * 1000)) + kBusy);
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begin;
  EXPECT_GT(waited.count(), announced / 2);
}

/// Mesos-DNS, web pages and command lines look here, each at the spelling it knows.
TEST(ClientPolls, AreAnsweredUnderEverySpellingThatMesosStillHas) {
  for (const char* name :
       {"/state", "/state-summary", "/slaves", "/tasks", "/frameworks", "/roles"}) {
    for (const char* prefix : {"", "/master"}) {
      EXPECT_TRUE(getJson(environment().master, std::string(prefix) + name).IsObject()) << name;
    }
    const std::string old = std::string(name) + ".json";
    EXPECT_EQ(get(environment().master, old).status, 404) << old;
  }
}

protocol::Request fromPage(std::string method, std::string path) {
  return {std::move(method), std::move(path), {{"Origin", "http://page:3000"}}, {}};
}

/// Apache Mesos says nothing to pages of other origins.
TEST(ClientPolls, ByPagesOfOtherOriginsAreAnsweredAsAnyOther) {
  if (environment().has.contains("http_cors_allowed_origins")) GTEST_SKIP() << "it has the flag";
  const auto answer = fetch(environment().master, fromPage("GET", "/state"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.headers.has("Access-Control-Allow-Origin"));
}

TEST(ClientPolls, ByPagesOfOtherOriginsCanBeAllowed) {
  NEEDS("http_cors_allowed_origins");
  const auto answer = fetch(environment().master, fromPage("GET", "/state"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(*answer.headers.find("Access-Control-Allow-Origin"), "http://page:3000");
  auto request = fromPage("OPTIONS", "/api/v1");
  request.headers.add("Access-Control-Request-Method", "POST");
  const auto preflight = fetch(environment().master, request);
  EXPECT_EQ(preflight.status, 200);
  EXPECT_EQ(*preflight.headers.find("Access-Control-Allow-Methods"), "GET, POST");
}

/// "slave" in what is older than the v1 API, "agent" in the v1 API, and never the other.
TEST_P(ClientTraps, AgentsAreSlavesInTheStateAndAgentsOnTheStream) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const TaskInfo task = commandTask(offer, uniqueId("task"), "sleep 1000");
  framework.accept({offer}, {task});
  framework.statusUntil(task.task_id().value(), TASK_RUNNING);
  const auto shown = taskState(environment().master, framework.id(), task.task_id().value());
  ASSERT_TRUE(shown.IsObject());
  EXPECT_EQ(shown["slave_id"].GetString(), offer.agent_id().value());
  EXPECT_FALSE(shown.HasMember("agent_id"));
  if (GetParam() == Encoding::Protobuf) return;
  v1::master::Call call;
  call.set_type(v1::master::Call::GET_TASKS);
  const std::string tasks = fetch(master(), postOf("/api/v1", GetParam(), call, true)).body;
  EXPECT_NE(tasks.find(R"("agent_id":{"value":")" + offer.agent_id().value()), std::string::npos);
  EXPECT_EQ(tasks.find("slave_id"), std::string::npos);
}

}  // namespace
}  // namespace mesos::conformance
