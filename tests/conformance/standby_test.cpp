// Scenarios 19 and 20: masters that do not lead, or do not yet.
#include "conformance/environment.hpp"
#include "conformance/state.hpp"

namespace mesos::conformance {
namespace {

constexpr const char* kScheduler = "/api/v1/scheduler";

std::string locationOf(const protocol::Response& response) {
  const std::string* location = response.headers.find("Location");
  return location ? *location : "";
}

class Standby : public Scenario {
 protected:
  static protocol::Address standby() {
    return protocol::parseAddress(environment().has.at("standby")).value();
  }
  std::string leadersPlace() const { return locationOf(get(master(), "/redirect")); }
  protocol::Request subscribeRequest() const {
    return postOf(kScheduler, GetParam(), subscribeCall(), true);
  }
  protocol::Request operatorRequest() const {
    return {"POST", "/api/v1", {{"Content-Type", "application/json"}}, R"({"type":"GET_HEALTH"})"};
  }
};
BOTH_ENCODINGS(Standby);

void expectUnavailable(const protocol::Response& response, const std::string& why) {
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, why);
}

TEST_P(Standby, C019_RedirectsCallsToTheLeader) {
  NEEDS("standby");
  const std::string leader = leadersPlace();
  ASSERT_EQ(leader.substr(0, 2), "//") << leader;
  const auto response = fetch(standby(), subscribeRequest());
  EXPECT_EQ(response.status, 307);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(*response.headers.find("Content-Length"), "0");
  EXPECT_EQ(locationOf(response), leader + "/master/api/v1/scheduler");
  // Before it looks at method and content (fact T36).
  EXPECT_EQ(get(standby(), kScheduler).status, 307);
  EXPECT_EQ(locationOf(fetch(standby(), operatorRequest())), leader + "/master/api/v1");
  EXPECT_EQ(locationOf(get(standby(), "/redirect")), leader);

  // A client goes there with the same body, as a browser would resolve it (fact T32).
  protocol::Request again = subscribeRequest();
  again.target = locationOf(response).substr(leader.size());
  EventStream<SchedulerEvent> stream(protocol::parseAddress(leader.substr(2)).value(), again,
                                     GetParam());
  EXPECT_EQ(stream.status(), 200) << stream.refusal();
  stream.next(SchedulerEvent::SUBSCRIBED);
}

TEST_P(Standby, C019_RedirectsQueriesWithTheirParameters) {
  NEEDS("standby");
  if (GetParam() == Encoding::Protobuf) GTEST_SKIP() << "the same in both";
  const std::string leader = leadersPlace();
  EXPECT_EQ(locationOf(get(standby(), "/state?x=1")), leader + "/master/state?x=1");
  const std::string both = locationOf(get(standby(), "/tasks?limit=5&order=asc"));
  EXPECT_TRUE(both == leader + "/master/tasks?limit=5&order=asc" ||
              both == leader + "/master/tasks?order=asc&limit=5")
      << both;
  for (const char* path : {"/slaves", "/frameworks", "/roles", "/state-summary"}) {
    EXPECT_EQ(locationOf(get(standby(), path)), leader + "/master" + path);
  }
  for (const char* path : {"/health", "/version", "/flags", "/metrics/snapshot"}) {
    EXPECT_EQ(get(standby(), path).status, 200) << path;
  }
}

TEST_P(Standby, C020_IsUnavailableWithoutALeader) {
  NEEDS("no_leader");
  const char* const why = "No leader elected";
  expectUnavailable(fetch(master(), subscribeRequest()), why);
  expectUnavailable(fetch(master(), operatorRequest()), why);
  for (const char* path : {"/state", "/slaves", "/redirect"}) {
    expectUnavailable(get(master(), path), why);
  }
  for (const char* path : {"/health", "/version", "/flags", "/metrics/snapshot"}) {
    EXPECT_EQ(get(master(), path).status, 200) << path;
  }
}

TEST_P(Standby, C020_TakesNoCallsUntilItHasRecovered) {
  NEEDS("master_recovery_time");
  const char* const why = "Master has not finished recovery";
  expectUnavailable(fetch(master(), subscribeRequest()), why);
  expectUnavailable(fetch(master(), operatorRequest()), why);
  const auto state = getJson(master(), "/state");
  EXPECT_EQ(state["slaves"].Size(), 0u);
  EXPECT_EQ(state["frameworks"].Size(), 0u);
  EXPECT_EQ(getJson(master(), "/slaves")["slaves"].Size(), 0u);
}

}  // namespace
}  // namespace mesos::conformance
