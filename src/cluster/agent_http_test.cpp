#include "cluster/agent_checkpoint.hpp"
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

/// An executor call of executor "e" of framework "f".
Request call(const std::string& type, const std::string& more = "") {
  return post("/api/v1/executor", R"({"type":")" + type +
                                      R"(","executor_id":{"value":"e"},)"
                                      R"("framework_id":{"value":"f"})" +
                                      more + "}");
}

Request subscribe() { return call("SUBSCRIBE", R"(,"subscribe":{})"); }

Request update(const std::string& state) {
  return call("UPDATE", R"(,"update":{"status":{"task_id":{"value":"t"},"state":")" + state +
                            R"(","source":"SOURCE_EXECUTOR","uuid":"xkl1jPYpRK+/WqHvitJVLg=="}})");
}

RunTask run(const TestCluster& cluster, bool command = false) {
  RunTask message;
  message.framework.set_user("root");
  message.framework.set_name("n");
  message.framework.mutable_id()->set_value("f");
  message.task.set_name("t");
  message.task.mutable_task_id()->set_value("t");
  *message.task.mutable_agent_id() = cluster.agent().info().id();
  *message.task.mutable_resources() =
      Resources::parse("cpus:0.1;mem:32").value().allocatedTo("*").toProto();
  if (command) {
    message.task.mutable_command()->set_value("sleep 1000");
    return message;
  }
  ExecutorInfo& executor = *message.task.mutable_executor();
  executor.mutable_executor_id()->set_value("e");
  executor.mutable_framework_id()->set_value("f");
  executor.mutable_command()->set_value("sleep 1000");
  return message;
}

class AgentHttpTest : public testing::Test {
 protected:
  AgentHttpTest() { cluster_.startAgent(); }

  TestCluster cluster_;
};

TEST_F(AgentHttpTest, AnExecutorSubscribesAndGetsItsTasks) {
  cluster_.tellAgent(run(cluster_));
  const RequestId stream = cluster_.toAgent(subscribe());
  const Answer& answer = cluster_.answer(stream);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.streaming);
  EXPECT_FALSE(answer.headers.has("Mesos-Stream-Id"));
  const auto records = recordsOf(answer.body);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].find(R"({"type":"SUBSCRIBED",)"), 0u);
  EXPECT_EQ(records[1].find(R"({"type":"LAUNCH",)"), 0u);
}

TEST_F(AgentHttpTest, AnUpdateIsAcknowledgedOnTheStream) {
  cluster_.tellAgent(run(cluster_));
  const RequestId stream = cluster_.toAgent(subscribe());
  EXPECT_EQ(cluster_.askAgent(update("TASK_RUNNING")).status, 202);
  EXPECT_EQ(recordsOf(cluster_.answer(stream).body).back().find(R"({"type":"ACKNOWLEDGED",)"), 0u);
}

TEST_F(AgentHttpTest, ASecondSubscribeReplacesTheFirst) {
  cluster_.tellAgent(run(cluster_));
  const RequestId first = cluster_.toAgent(subscribe());
  const RequestId second = cluster_.toAgent(subscribe());
  EXPECT_FALSE(cluster_.answer(first).streaming);
  EXPECT_TRUE(cluster_.answer(second).streaming);
}

TEST_F(AgentHttpTest, AfterItsStreamIsGoneAnExecutorMayStillUpdate) {
  cluster_.tellAgent(run(cluster_));
  const RequestId stream = cluster_.toAgent(subscribe());
  cluster_.closeToAgent(stream);
  EXPECT_EQ(cluster_.askAgent(update("TASK_RUNNING")).status, 202);
}

TEST_F(AgentHttpTest, OnlyAStartedProcessSubscribes) {
  cluster_.forksAtOnce = false;
  cluster_.tellAgent(run(cluster_));
  const Answer& answer = cluster_.askAgent(subscribe());
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, "Executor cannot be found");
}

TEST_F(AgentHttpTest, ABuiltInExecutorIsNobodysToPlay) {
  cluster_.tellAgent(run(cluster_, true));
  Request request = subscribe();
  request.body.replace(request.body.find(R"("e")"), 3, R"("t")");
  EXPECT_EQ(cluster_.askAgent(request).status, 400);
}

/// Each request has every fault that comes later in the order of checks, too.
TEST_F(AgentHttpTest, TheFirstFailingCheckDecides) {
  Request request{"GET", "/api/v1/executor", {{"Accept", "text/html"}}, "{}"};
  EXPECT_EQ(cluster_.askAgent(request).status, 405);
  request.method = "POST";
  EXPECT_EQ(cluster_.askAgent(request).status, 400);
  request.headers.set("Content-Type", "text/plain");
  EXPECT_EQ(cluster_.askAgent(request).status, 415);
  request.headers.set("Content-Type", kJson);
  EXPECT_EQ(cluster_.askAgent(request).status, 400);
  request.body = subscribe().body;
  EXPECT_EQ(cluster_.askAgent(request).status, 406);
  request.headers.set("Accept", kJson);
  EXPECT_EQ(cluster_.askAgent(request).body, "Framework cannot be found");
  cluster_.tellAgent(run(cluster_));
  request.body.replace(request.body.find(R"("e")"), 3, R"("other")");
  EXPECT_EQ(cluster_.askAgent(request).body, "Executor cannot be found");
  EXPECT_EQ(cluster_.askAgent(update("TASK_RUNNING")).body, "Executor is not subscribed");
  EXPECT_EQ(cluster_.askAgent(update("TASK_STAGING")).status, 400);
}

TEST_F(AgentHttpTest, HeartbeatsAreAcceptedFromAnybody) {
  EXPECT_EQ(cluster_.askAgent(call("HEARTBEAT")).status, 202);
}

TEST_F(AgentHttpTest, UnknownCallsAreNotImplementedOnceSubscribed) {
  cluster_.tellAgent(run(cluster_));
  EXPECT_EQ(cluster_.askAgent(call("UNKNOWN")).status, 403);
  cluster_.toAgent(subscribe());
  EXPECT_EQ(cluster_.askAgent(call("UNKNOWN")).status, 501);
}

TEST_F(AgentHttpTest, ItsPathsBeginWithItsActorOrNothing) {
  for (const char* path : {"/state", "/slave(1)/state", "/slave%281%29/state", "/health",
                           "/version", "/flags", "/metrics/snapshot", "/containers"}) {
    EXPECT_EQ(cluster_.askAgent(get(path)).status, 200) << path;
  }
  for (const char* path : {"/slave(2)/state", "/master/state", "/slaves", "/redirect"}) {
    EXPECT_EQ(cluster_.askAgent(get(path)).status, 404) << path;
  }
}

TEST_F(AgentHttpTest, SandboxesAreServedByTheirRealAndVirtualPaths) {
  cluster_.tellAgent(run(cluster_));
  const std::string sandbox = cluster_.sandboxOf("f", "e");
  const std::string runs = sandbox.substr(0, sandbox.rfind('/'));
  for (const std::string& path :
       {sandbox, runs + "/latest", std::string("/frameworks/f/executors/e/runs/latest")}) {
    const Answer& answer = cluster_.askAgent(get("/files/read?offset=3&path=" + path + "/stdout"));
    ASSERT_TRUE(answer.file) << path;
    EXPECT_EQ(answer.file->path, sandbox + "/stdout");
    EXPECT_EQ(answer.file->virtualRoot, path);
    EXPECT_EQ(answer.file->offset, 3);
  }
}

TEST_F(AgentHttpTest, SandboxesOfEndedExecutorsStayServed) {
  cluster_.tellAgent(run(cluster_));
  const std::string sandbox = cluster_.sandboxOf("f", "e");
  cluster_.exitContainer(cluster_.agent().executor("f", "e")->containerId, 0);
  EXPECT_TRUE(cluster_.askAgent(get("/files/browse?path=" + sandbox)).file);
  EXPECT_NE(cluster_.askAgent(get("/files/debug")).body.find(sandbox), std::string::npos);
}

TEST_F(AgentHttpTest, StateShowsARunningExecutorBeforeTheNextRequest) {
  EXPECT_EQ(cluster_.askAgent(get("/state")).body.find(R"("executors":[{)"), std::string::npos);
  cluster_.tellAgent(run(cluster_));
  EXPECT_NE(cluster_.askAgent(get("/state")).body.find(R"("executors":[{"id":"e")"),
            std::string::npos);
}

TEST_F(AgentHttpTest, OperatorCallsNotServedSaySo) {
  const Answer& answer = cluster_.askAgent(post("/api/v1", R"({"type":"GET_RESOURCE_PROVIDERS"})"));
  EXPECT_EQ(answer.status, 501);
  EXPECT_NE(answer.body.find("GET_RESOURCE_PROVIDERS"), std::string::npos);
}

/// A restarted agent that found executor "e" of framework "f".
class RecoveringAgent : public testing::Test {
 protected:
  static std::map<std::string, std::string> files() {
    FrameworkInfo framework;
    framework.set_user("root");
    framework.set_name("n");
    framework.set_checkpoint(true);
    framework.mutable_id()->set_value("f");
    ExecutorCheckpoint executor;
    executor.info.mutable_executor_id()->set_value("e");
    *executor.info.mutable_framework_id() = framework.id();
    executor.containerId = "c";
    executor.pid = 77;
    executor.givenTask = true;
    return {{checkpointFile(frameworkPath("f")), encode(framework)},
            {checkpointFile(executorPath("f", "e")), encode(executor)}};
  }
  /// Of whatever answers the request.
  int ask(const Request& request) {
    http_.onRequest(now_, next_++, request);
    int status = 0;
    while (const auto effect = http_.poll()) {
      if (const auto* respond = std::get_if<Respond>(&*effect)) status = respond->response.status;
      if (const auto* open = std::get_if<OpenStream>(&*effect)) status = open->head.status;
    }
    return status;
  }

  Now now_{TimePoint(std::chrono::hours(1)), {}};
  Random random_{1};
  AgentHttp http_{now_, AgentOptions{}, {}, random_, {files(), {}}};
  RequestId next_ = 1;
};

// Facts X6-X8, W30.
TEST_F(RecoveringAgent, TakesSubscriptionsAndNothingElse) {
  http_.onStart(now_);
  EXPECT_EQ(ask(update("TASK_RUNNING")), 503);
  EXPECT_EQ(ask(call("HEARTBEAT")), 202);
  EXPECT_EQ(ask(get("/state")), 503);
  EXPECT_EQ(ask(get("/health")), 200);
  EXPECT_EQ(ask(subscribe()), 200);
  EXPECT_EQ(ask(update("TASK_RUNNING")), 503);
  now_ = now_ + std::chrono::seconds(2);
  http_.onTimer(now_);
  EXPECT_EQ(ask(update("TASK_RUNNING")), 202);
  EXPECT_EQ(ask(get("/state")), 200);
}

/// An agent that wants its executors' tokens (fact T47).
class AuthenticatingAgentTest : public testing::Test {
 protected:
  AuthenticatingAgentTest() : cluster_(MasterOptions(), options()) {
    cluster_.startAgent();
    cluster_.tellAgent(run(cluster_));
  }

  static AgentOptions options() {
    AgentOptions options;
    options.resources = Resources::parse("cpus:2;mem:2048").value();
    options.authentication.realms = {Realm::AgentExecutor, Realm::AgentReadwrite};
    options.authentication.tokenKey = "key";
    return options;
  }
  std::string container() const { return cluster_.agent().executor("f", "e")->containerId; }
  static Request with(Request request, const ExecutorClaims& claims,
                      const std::string& key = "key") {
    request.headers.set("Authorization", "Bearer " + executorToken(claims, key));
    return request;
  }

  TestCluster cluster_;
};

TEST_F(AuthenticatingAgentTest, AnExecutorNeedsItsOwnToken) {
  const Answer& none = cluster_.askAgent(subscribe());
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.body, "401 Unauthorized.");
  EXPECT_EQ(*none.headers.find("WWW-Authenticate"), "Bearer realm=\"mesos-agent-executor\"");
  EXPECT_EQ(cluster_.askAgent(with(subscribe(), {"f", "e", container()}, "forged")).status, 401);
  EXPECT_EQ(cluster_.askAgent(with(subscribe(), {"f", "e", "another"})).status, 403);
  EXPECT_EQ(cluster_.askAgent(with(subscribe(), {"f", "another", container()})).status, 403);
  EXPECT_EQ(cluster_.askAgent(with(subscribe(), {"f", "e", container()})).status, 200);
  EXPECT_EQ(cluster_.askAgent(update("TASK_RUNNING")).status, 401);
  EXPECT_EQ(cluster_.askAgent(with(update("TASK_RUNNING"), {"f", "e", "another"})).status, 403);
  EXPECT_EQ(cluster_.askAgent(with(update("TASK_RUNNING"), {"f", "e", container()})).status, 202);
}

TEST_F(AuthenticatingAgentTest, AuthenticationComesFirstAndClaimsAfterTheExecutorIsKnown) {
  EXPECT_EQ(cluster_.askAgent(get("/api/v1/executor")).status, 401);
  EXPECT_EQ(cluster_.askAgent(with(get("/api/v1/executor"), {"x", "x", "x"})).status, 405);
  Request stranger = subscribe();
  stranger.body.replace(stranger.body.find("\"e\""), 3, "\"z\"");
  EXPECT_EQ(cluster_.askAgent(with(stranger, {"x", "x", "x"})).status, 400);
  // A heartbeat's ids are not looked at (fact X6).
  EXPECT_EQ(cluster_.askAgent(with(call("HEARTBEAT"), {"x", "x", "x"})).status, 202);
}

TEST_F(AuthenticatingAgentTest, OtherRealmsAreTheirOwn) {
  EXPECT_EQ(cluster_.askAgent(get("/state")).status, 200);
  EXPECT_EQ(cluster_.askAgent(get("/health")).status, 200);
  const Request version = post("/api/v1", R"({"type":"GET_VERSION"})");
  EXPECT_EQ(cluster_.askAgent(version).status, 401);
  // An executor may use the agent's API, as the default executor does.
  EXPECT_EQ(cluster_.askAgent(with(version, {"f", "e", container()})).status, 200);
}

// Fact V10.
TEST_F(AgentHttpTest, TheLocalSocketServesTheApisAlone) {
  cluster_.tellAgent(run(cluster_));
  const auto ask = [&](const std::string& target) {
    Request request = subscribe();
    request.target = target;
    return cluster_.askAgentLocally(request).status;
  };
  EXPECT_EQ(ask("/slave(1)/api/v1/executor"), 200);
  EXPECT_EQ(ask("/slave(1)/api/v1"), 400);
  for (const char* target :
       {"/api/v1/executor", "/api/v1", "/slave(1)/state", "/state", "/health",
        "/slave(1)/api/v1/executor/x", "/slave(1)/api/v1/../state", "/slave%281%29/api/v1",
        "//slave(1)/api/v1", "/files/read?path=/", "/no-such-endpoint", "/"}) {
    EXPECT_EQ(ask(target), 403) << target;
  }
}

}  // namespace
}  // namespace mesos::cluster
