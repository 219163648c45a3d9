#include "cluster/test_cluster.hpp"

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

using protocol::Request;

constexpr const char* kJson = "application/json";

Request post(const std::string& path, const std::string& body) {
  return {"POST", path, {{"Content-Type", kJson}, {"Accept", kJson}}, body};
}

Request get(const std::string& target) { return {"GET", target, {}, {}}; }

std::string subscribeBody(const std::string& more = "") {
  return R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x",)"
         R"("roles":["r"],"capabilities":[{"type":"MULTI_ROLE"}],"failover_timeout":60}})" +
         more + "}";
}

/// A subscribed framework and the calls it makes.
struct Framework {
  explicit Framework(TestCluster& cluster)
      : stream(cluster.toMaster(post("/api/v1/scheduler", subscribeBody()))),
        streamId(*cluster.answer(stream).headers.find("Mesos-Stream-Id")),
        id(cluster.master().id() + "-0000") {}

  Request call(const std::string& type) const {
    Request request =
        post("/api/v1/scheduler",
             R"({"type":")" + type + R"(","framework_id":{"value":")" + id + R"("}})");
    request.headers.add("Mesos-Stream-Id", streamId);
    return request;
  }

  RequestId stream;
  std::string streamId;
  std::string id;
};

TEST(MasterHttp, SubscribeOpensAStreamOfRecords) {
  TestCluster cluster;
  const Framework framework(cluster);
  const Answer& answer = cluster.answer(framework.stream);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.streaming);
  EXPECT_EQ(framework.streamId.size(), 36u);
  EXPECT_EQ(*answer.headers.find("Content-Type"), kJson);
  const auto records = recordsOf(answer.body);
  ASSERT_GE(records.size(), 2u);
  EXPECT_EQ(records[0].find(R"({"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":")" +
                            framework.id),
            0u);
  EXPECT_EQ(records[1], R"({"type":"HEARTBEAT"})");
}

TEST(MasterHttp, EventsAreInTheTypeThatAcceptAsksFor) {
  TestCluster cluster;
  Request request = post("/api/v1/scheduler", subscribeBody());
  request.headers.set("Accept", "application/x-protobuf");
  const Answer& answer = cluster.askMaster(request);
  EXPECT_EQ(*answer.headers.find("Content-Type"), "application/x-protobuf");
  v1::scheduler::Event event;
  ASSERT_TRUE(event.ParseFromString(recordsOf(answer.body).at(0)));
  EXPECT_EQ(event.type(), v1::scheduler::Event::SUBSCRIBED);
}

TEST(MasterHttp, ARefusedFrameworkGetsAStreamWithOneErrorAndItsEnd) {
  TestCluster cluster;
  std::string body = subscribeBody();
  body.replace(body.find(R"("r")"), 3, R"("a//b")");
  const Answer& answer = cluster.askMaster(post("/api/v1/scheduler", body));
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.headers.has("Mesos-Stream-Id"));
  EXPECT_FALSE(answer.streaming);
  const auto records = recordsOf(answer.body);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].find(R"({"type":"ERROR",)"), 0u);
}

TEST(MasterHttp, TakeoverEndsTheOldStreamAndFencesItsCalls) {
  TestCluster cluster;
  const Framework old(cluster);
  const std::string id = R"({"value":")" + old.id + R"("})";
  std::string body = subscribeBody(R"(,"framework_id":)" + id);
  body.insert(body.find(R"("user")"), R"("id":)" + id + ",");
  const Answer& taken = cluster.askMaster(post("/api/v1/scheduler", body));
  EXPECT_TRUE(taken.streaming);
  EXPECT_FALSE(cluster.answer(old.stream).streaming);
  EXPECT_EQ(recordsOf(cluster.answer(old.stream).body).back(),
            R"({"type":"ERROR","error":{"message":"Framework failed over"}})");
  EXPECT_EQ(cluster.askMaster(old.call("REVIVE")).status, 400);
  Request fresh = old.call("REVIVE");
  fresh.headers.set("Mesos-Stream-Id", *taken.headers.find("Mesos-Stream-Id"));
  EXPECT_EQ(cluster.askMaster(fresh).status, 202);
}

TEST(MasterHttp, ClosingTheConnectionDisconnectsTheFramework) {
  TestCluster cluster;
  const Framework framework(cluster);
  cluster.closeToMaster(framework.stream);
  EXPECT_FALSE(cluster.master().frameworks().at(framework.id).stream);
  const Answer& answer = cluster.askMaster(framework.call("REVIVE"));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, "Framework is not subscribed");
  const std::size_t received = cluster.answer(framework.stream).body.size();
  cluster.advance(std::chrono::seconds(30));
  EXPECT_EQ(cluster.answer(framework.stream).body.size(), received);
}

TEST(MasterHttp, ClosingARequestThatIsNoStreamIsHarmless) {
  TestCluster cluster;
  const Framework framework(cluster);
  cluster.closeToMaster(4711);
  EXPECT_EQ(cluster.askMaster(framework.call("REVIVE")).status, 202);
}

/// It is kept between requests, as long as nothing happens.
TEST(MasterHttp, StateIsTrueAtTheMomentItIsAskedFor) {
  TestCluster cluster;
  const auto state = [&] { return cluster.askMaster(get("/state")).body; };
  const std::string first = state();
  EXPECT_EQ(state(), first);
  cluster.startAgent();  // A message of an agent.
  const std::string withAgent = state();
  EXPECT_NE(withAgent.find("\"activated_slaves\":1"), std::string::npos);
  const Framework framework(cluster);  // A request.
  EXPECT_NE(state().find(framework.id), std::string::npos);
  cluster.closeToMaster(framework.stream);  // A connection that ends.
  EXPECT_NE(state().find("\"connected\":false"), std::string::npos);
  cluster.advance(std::chrono::seconds(61));  // Time: its failover_timeout.
  const std::string removed = state();
  EXPECT_NE(removed.find("\"frameworks\":[],\"completed_frameworks\":[{"), std::string::npos);
}

TEST(MasterHttp, HeartbeatsGoOutWithTime) {
  TestCluster cluster;
  const Framework framework(cluster);
  const std::size_t before = recordsOf(cluster.answer(framework.stream).body).size();
  cluster.advance(std::chrono::seconds(31));
  EXPECT_EQ(recordsOf(cluster.answer(framework.stream).body).size(), before + 2);
}

/// Each request has every fault that comes later in the order of checks, too.
TEST(MasterHttp, TheFirstFailingCheckDecides) {
  TestCluster cluster;
  const Framework framework(cluster);
  Request request{"GET", "/api/v1/scheduler", {{"Accept", "text/html"}}, "{"};
  EXPECT_EQ(cluster.askMaster(request).status, 405);
  request.method = "POST";
  EXPECT_EQ(cluster.askMaster(request).body, "Expecting 'Content-Type' to be present");
  request.headers.set("Content-Type", "text/plain");
  EXPECT_EQ(cluster.askMaster(request).status, 415);
  request.headers.set("Content-Type", kJson);
  request.headers.set("Mesos-Stream-Id", "no such stream");
  EXPECT_EQ(cluster.askMaster(request).status, 400);
  request.body = R"({"type":"SUBSCRIBE"})";
  EXPECT_EQ(cluster.askMaster(request).body,
            "Failed to validate scheduler::Call: Expecting 'subscribe' to be present");
  request.body = subscribeBody();
  EXPECT_EQ(cluster.askMaster(request).status, 406);
  request.headers.set("Accept", kJson);
  EXPECT_EQ(cluster.askMaster(request).body,
            "Subscribe calls should not include the 'Mesos-Stream-Id' header");
  request.body = R"({"type":"REVIVE","framework_id":{"value":"nope"}})";
  EXPECT_EQ(cluster.askMaster(request).body, "Framework cannot be found");
}

TEST(MasterHttp, AcceptIsIgnoredWhereNothingIsAnswered) {
  TestCluster cluster;
  const Framework framework(cluster);
  Request request = framework.call("REVIVE");
  request.headers.set("Accept", "text/html");
  const Answer& answer = cluster.askMaster(request);
  EXPECT_EQ(answer.status, 202);
  EXPECT_TRUE(answer.headers.empty());
  EXPECT_EQ(answer.body, "");
}

TEST(MasterHttp, ACallOfTypeUnknownIsNotImplemented) {
  TestCluster cluster;
  const Framework framework(cluster);
  EXPECT_EQ(cluster.askMaster(framework.call("UNKNOWN")).status, 501);
}

TEST(MasterHttp, TeardownAnswersAndThenEndsTheStream) {
  TestCluster cluster;
  const Framework framework(cluster);
  EXPECT_EQ(cluster.askMaster(framework.call("TEARDOWN")).status, 202);
  EXPECT_FALSE(cluster.answer(framework.stream).streaming);
  EXPECT_EQ(cluster.askMaster(framework.call("REVIVE")).body, "Framework cannot be found");
}

TEST(MasterHttp, AnOperatorTearsDownByForm) {
  TestCluster cluster;
  const Framework framework(cluster);
  Request request{"POST", "/master/teardown", {}, "frameworkId=" + framework.id};
  EXPECT_EQ(cluster.askMaster(request).status, 200);
  EXPECT_FALSE(cluster.answer(framework.stream).streaming);
  EXPECT_EQ(cluster.askMaster(request).status, 400);
  request.body = "frameworkId=%zz";
  EXPECT_EQ(cluster.askMaster(request).status, 400);
}

TEST(MasterHttp, AnOperatorTearsDownByCall) {
  TestCluster cluster;
  const Framework framework(cluster);
  const Request request =
      post("/api/v1", R"({"type":"TEARDOWN","teardown":{"framework_id":{"value":")" + framework.id +
                          R"("}}})");
  const Answer& answer = cluster.askMaster(request);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_FALSE(cluster.answer(framework.stream).streaming);
}

TEST(MasterHttp, RedirectNamesTheLeaderAndLoopsNowhere) {
  TestCluster cluster;
  for (const char* path : {"/redirect", "/master/redirect", "/redirect?a=b"}) {
    const Answer& answer = cluster.askMaster(get(path));
    EXPECT_EQ(answer.status, 307) << path;
    EXPECT_EQ(*answer.headers.find("Location"), "//127.0.0.1:5050");
  }
  for (const char* path : {"/redirect/", "/redirect/x", "/master/redirect/"}) {
    EXPECT_EQ(cluster.askMaster(get(path)).status, 404) << path;
  }
}

TEST(MasterHttp, ReadOnlyEndpointsLookAtNeitherMethodNorAccept) {
  TestCluster cluster;
  Request request{"PUT", "/state", {{"Accept", "text/html"}}, "whatever"};
  EXPECT_EQ(cluster.askMaster(request).status, 200);
}

TEST(MasterHttp, FilesOfAMasterAreNotThere) {
  TestCluster cluster;
  EXPECT_EQ(cluster.askMaster(get("/files/debug")).body, "{}");
  EXPECT_EQ(cluster.askMaster(get("/files/read?path=/master/log&offset=0")).status, 404);
  EXPECT_EQ(cluster.askMaster(get("/files/browse")).status, 400);
}

TEST(MasterHttp, TasksQueryNeverFails) {
  TestCluster cluster;
  for (const char* query : {"limit=x", "limit=0", "offset=99", "order=sideways", "limit=-1"}) {
    const Answer& answer = cluster.askMaster(get(std::string("/tasks?") + query));
    EXPECT_EQ(answer.status, 200) << query;
    EXPECT_EQ(answer.body, R"({"tasks":[]})") << query;
  }
}

TEST(MasterHttp, OperatorCallsNotServedSaySo) {
  TestCluster cluster;
  const Answer& answer = cluster.askMaster(post("/api/v1", R"({"type":"GET_QUOTA"})"));
  EXPECT_EQ(answer.status, 501);
  EXPECT_NE(answer.body.find("GET_QUOTA"), std::string::npos);
  EXPECT_EQ(cluster.askMaster(post("/api/v1", R"({"type":"UNKNOWN"})")).status, 501);
}

// Fact G6.
TEST(MasterHttp, AnOperatorMarksAnAgentGone) {
  TestCluster cluster;
  cluster.startAgent();
  const std::string agentId = cluster.agent().info().id().value();
  const std::string call =
      R"({"type":"MARK_AGENT_GONE","mark_agent_gone":{"agent_id":{"value":")" + agentId + "\"}}}";
  EXPECT_EQ(cluster.askMaster(post("/api/v1", call)).status, 200);
  EXPECT_TRUE(cluster.master().registry().gone.contains(agentId));
  EXPECT_TRUE(cluster.master().agents().empty());
  EXPECT_EQ(cluster.askMaster(post("/api/v1", R"({"type":"MARK_AGENT_GONE"})")).status, 400);
}

TEST(MasterHttp, PassesFaultsOnToItsShell) {
  TestCluster cluster;
  EXPECT_EQ(cluster.askMaster(post("/local/fail", "fault=failover-master")).status, 0);
  EXPECT_EQ(cluster.askMaster(post("/master/local/fail", "fault=failover-master")).status, 404);
  ASSERT_EQ(cluster.faults.size(), 1u);
  EXPECT_EQ(cluster.faults[0].kind, Fault::Kind::FailoverMaster);
  const Answer& refused = cluster.askMaster(post("/local/fail", "fault=kill-agent"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body, "kill-agent needs an 'agent', counted from 0");
  EXPECT_EQ(cluster.askMaster(get("/local/fail")).status, 405);
}

// Fact W12.
TEST(MasterHttp, ShowsAgentsThatAreNotBackYet) {
  Registry registry;
  AgentInfo info;
  info.set_hostname("h");
  info.set_port(5051);
  info.mutable_id()->set_value("a-S0");
  registry.admitted["a-S0"] = info;
  registry.unreachable["a-S1"];
  Random random(1);
  const Now now{TimePoint(std::chrono::hours(1)), {}};
  MasterHttp http(now, {}, {}, random, registry);
  const auto bodyOf = [&](const std::string& target) {
    http.onRequest(now, 1, get(target));
    return std::get<Respond>(*http.poll()).response.body;
  };
  EXPECT_EQ(bodyOf("/slaves"),
            R"({"slaves":[],"recovered_slaves":[{"id":"a-S0","hostname":"h","port":5051,)"
            R"("attributes":{}}]})");
  EXPECT_NE(bodyOf("/state").find(R"("unreachable_slaves":1.0)"), std::string::npos);
  EXPECT_NE(bodyOf("/metrics/snapshot").find(R"("master/slaves_unreachable":1.0)"),
            std::string::npos);
}

MasterOptions askingMaster() {
  MasterOptions options;
  options.authentication = {{Realm::MasterScheduler}, {{"p", "s"}}, "key"};
  return options;
}

Request with(Request request, const std::string& authorization) {
  request.headers.set("Authorization", authorization);
  return request;
}

TEST(MasterHttp, FailsOnlyForWhomItKnows) {
  MasterOptions options = askingMaster();
  options.authentication.realms = {Realm::MasterReadwrite};
  TestCluster cluster(options, AgentOptions());
  const Request request = post("/local/fail", "fault=failover-master");
  EXPECT_EQ(cluster.askMaster(request).status, 401);
  EXPECT_TRUE(cluster.faults.empty());
  EXPECT_EQ(cluster.askMaster(with(request, "Basic cDpz")).status, 0);
  EXPECT_EQ(cluster.faults.size(), 1u);
}

// Facts Q1, T48: somebody is known, but by nothing that a framework could belong to.
TEST(MasterHttp, APrincipalWithoutAValueIsNoFrameworks) {
  TestCluster cluster(askingMaster(), AgentOptions());
  const std::string token = "Bearer " + executorToken({"f", "e", "c"}, "key");
  EXPECT_EQ(cluster.askMaster(with(get("/api/v1/scheduler"), token)).status, 403);
  EXPECT_EQ(cluster.askMaster(with(post("/api/v1/scheduler", subscribeBody()), token)).status, 403);
}

// Fact T45.
TEST(MasterHttp, AFrameworkIsItsPrincipals) {
  TestCluster cluster(askingMaster(), AgentOptions());
  const Request request = with(post("/api/v1/scheduler", subscribeBody()), "Basic cDpz");
  EXPECT_EQ(cluster.askMaster(request).status, 200);
  EXPECT_EQ(cluster.master().frameworks().begin()->second.info.principal(), "p");
}

}  // namespace
}  // namespace mesos::cluster
