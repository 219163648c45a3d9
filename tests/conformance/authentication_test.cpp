// Scenarios of section 1.3: a cluster whose credentials are p with secret s and q with secret t.
#include "conformance/launching.hpp"

namespace mesos::conformance {
namespace {

constexpr const char* kScheduler = "/api/v1/scheduler";
constexpr const char* kP = "Basic cDpz";
constexpr const char* kQ = "Basic cTp0";

using protocol::Request;
using protocol::Response;

Request with(Request request, const std::string& authorization) {
  if (!authorization.empty()) request.headers.set("Authorization", authorization);
  return request;
}

std::string challenge(const Response& response) {
  const std::string* value = response.headers.find("WWW-Authenticate");
  return value ? *value : "";
}

void expectUnauthorized(const Response& response, const std::string& realm) {
  EXPECT_EQ(response.status, 401) << response.body;
  EXPECT_EQ(challenge(response), "Basic realm=\"" + realm + "\"");
  EXPECT_EQ(response.body, "401 Unauthorized.");
}

class Credentials : public Scenario {
 protected:
  Request subscribeWith(const std::string& authorization, FrameworkInfo info = {}) const {
    return with(postOf(kScheduler, GetParam(), subscribeCall(std::move(info)), true),
                authorization);
  }
  Response ask(const Request& request, const std::string& authorization) const {
    return fetch(master(), with(request, authorization));
  }
  /// Also proves that a mutating endpoint can be used.
  void tearDown(const FrameworkID& id) const {
    const Request request{"POST", "/teardown", {}, "frameworkId=" + id.value()};
    EXPECT_EQ(ask(request, kP).status, 200);
  }
};
BOTH_ENCODINGS(Credentials);

TEST_P(Credentials, C022_TheSchedulerApiWantsOnesThatAreRight) {
  NEEDS("credentials");
  for (const char* wrong :
       {"", "Basic", "Basic cDp4", "Basic eno6cw==", "basic cDpz", "BASIC cDpz", "Basic  cDpz",
        "Basic\tcDpz", "Basic cDpz ", "Bearer abc", "Basic !!!", "Basic cHM=", "Basic cDpzOg=="}) {
    SCOPED_TRACE(wrong);
    expectUnauthorized(fetch(master(), subscribeWith(wrong)), "mesos-master-scheduler");
  }
  EventStream<SchedulerEvent> stream(master(), subscribeWith(kP), GetParam());
  ASSERT_EQ(stream.status(), 200) << stream.refusal();
  tearDown(stream.next(SchedulerEvent::SUBSCRIBED).subscribed().framework_id());
}

TEST_P(Credentials, C022_EveryEndpointAsksForItsRealm) {
  NEEDS("credentials");
  const Request get{"GET", "", {}, ""};
  const auto at = [&](const char* target) {
    Request request = get;
    request.target = target;
    return request;
  };
  for (const char* target : {"/state", "/state-summary", "/slaves", "/frameworks", "/tasks",
                             "/roles", "/flags", "/metrics/snapshot", "/files/browse?path=/"}) {
    SCOPED_TRACE(target);
    expectUnauthorized(ask(at(target), ""), "mesos-master-readonly");
    expectUnauthorized(ask(at(target), "Basic cDp4"), "mesos-master-readonly");
    EXPECT_NE(ask(at(target), kQ).status, 401);
  }
  expectUnauthorized(ask({"POST", "/teardown", {}, ""}, ""), "mesos-master-readwrite");
  // Also reading calls, and before the method is looked at (fact T40).
  expectUnauthorized(ask(at("/api/v1"), ""), "mesos-master-readwrite");
  EXPECT_EQ(ask(at("/api/v1"), kQ).status, 405);
  expectUnauthorized(ask(at(kScheduler), ""), "mesos-master-scheduler");
  for (const char* target : {"/health", "/version"}) {
    EXPECT_EQ(ask(at(target), "").status, 200) << target;
  }
  EXPECT_EQ(ask(at("/redirect"), "").status, 307);
  EXPECT_EQ(ask(at("/no-such-endpoint"), "").status, 404);
}

TEST_P(Credentials, C023_AFrameworkIsItsPrincipals) {
  NEEDS("credentials");
  EventStream<SchedulerEvent> stream(master(), subscribeWith(kP), GetParam());
  ASSERT_EQ(stream.status(), 200) << stream.refusal();
  const auto id = stream.next(SchedulerEvent::SUBSCRIBED).subscribed().framework_id();
  const Response state = ask({"GET", "/frameworks", {}, ""}, kP);
  rapidjson::Document json;
  json.Parse(state.body.data(), state.body.size());
  ASSERT_FALSE(json.HasParseError());
  const auto* framework = findBy(json["frameworks"], "id", id.value());
  ASSERT_NE(framework, nullptr);
  EXPECT_STREQ((*framework)["principal"].GetString(), "p");
  tearDown(id);
}

TEST_P(Credentials, C023_AnotherPrincipalInTheFrameworkInfoIsRefused) {
  NEEDS("credentials");
  for (const char* other : {"q", ""}) {
    FrameworkInfo info;
    info.set_principal(other);
    const Response response = fetch(master(), subscribeWith(kP, info));
    EXPECT_EQ(response.status, 400) << response.body;
  }
  FrameworkInfo info;
  info.set_principal("p");
  EventStream<SchedulerEvent> stream(master(), subscribeWith(kP, info), GetParam());
  ASSERT_EQ(stream.status(), 200) << stream.refusal();
  tearDown(stream.next(SchedulerEvent::SUBSCRIBED).subscribed().framework_id());
}

TEST_P(Credentials, C025_CallsAreForTheFrameworksPrincipalAlone) {
  NEEDS("credentials");
  EventStream<SchedulerEvent> stream(master(), subscribeWith(kP), GetParam());
  ASSERT_EQ(stream.status(), 200) << stream.refusal();
  const auto id = stream.next(SchedulerEvent::SUBSCRIBED).subscribed().framework_id();
  SchedulerCall call;
  call.set_type(SchedulerCall::REVIVE);
  *call.mutable_framework_id() = id;
  Request request = postOf(kScheduler, GetParam(), call);
  request.headers.set("Mesos-Stream-Id", *stream.head().headers.find("Mesos-Stream-Id"));
  EXPECT_EQ(ask(request, kQ).status, 400);
  expectUnauthorized(ask(request, ""), "mesos-master-scheduler");
  EXPECT_EQ(ask(request, kP).status, 202);
  tearDown(id);
}

class ExecutorTokens : public PlayedScenario {};
BOTH_ENCODINGS(ExecutorTokens);

/// What an executor finds in its environment, the way to its sandbox being free.
std::string tokenOf(const TestFramework& framework, const protocol::Address& agent,
                    const std::string& executorId) {
  std::string sandbox;
  eventually("the executor has a sandbox", [&] {
    try {
      sandbox = sandboxOf(agent, framework.id(), executorId);
    } catch (const std::exception&) {
      return false;
    }
    return !sandbox.empty();
  });
  std::string token = awaitFile(agent, sandbox + "/token", "\n");
  token.erase(token.find('\n'));
  return token;
}

TEST_P(ExecutorTokens, C124_AnExecutorNeedsItsOwn) {
  NEEDS("authenticate_http_executors");
  TestFramework framework = subscribe();
  const auto printing = [](TaskInfo& task) {
    task.mutable_executor()->mutable_command()->set_value(
        "echo $MESOS_EXECUTOR_AUTHENTICATION_TOKEN > token; exec sleep 1000");
  };
  const Launched launched = launch(framework, printing);
  const Launched other = launch(framework, printing);
  const auto agent = agentOf(launched.offer);
  const auto& executorId = launched.task.executor().executor_id();
  const std::string own = tokenOf(framework, agent, executorId.value());
  const std::string foreign =
      tokenOf(framework, agent, other.task.executor().executor_id().value());
  ASSERT_NE(own, foreign);

  ExecutorCall call;
  call.set_type(ExecutorCall::SUBSCRIBE);
  *call.mutable_framework_id() = framework.id();
  *call.mutable_executor_id() = executorId;
  call.mutable_subscribe();
  const Request request = postOf("/api/v1/executor", GetParam(), call, true);
  const Response none = fetch(agent, request);
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(challenge(none), "Bearer realm=\"mesos-agent-executor\"");
  std::string forged = own;
  forged[forged.find('.') + 3] ^= 1;
  EXPECT_EQ(fetch(agent, with(request, "Bearer " + forged)).status, 401);
  EXPECT_EQ(fetch(agent, with(request, "Bearer " + foreign)).status, 403);
  EventStream<ExecutorEvent> stream(agent, with(request, "Bearer " + own), GetParam());
  ASSERT_EQ(stream.status(), 200) << stream.refusal();
  stream.next(ExecutorEvent::SUBSCRIBED);
}

}  // namespace
}  // namespace mesos::conformance
