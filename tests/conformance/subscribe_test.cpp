// Section 3 of the scenarios: SUBSCRIBE.
#include "conformance/environment.hpp"
#include "conformance/state.hpp"

#include <limits>
#include <regex>

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

class Subscribe : public Scenario {
 protected:
  std::unique_ptr<EventStream<SchedulerEvent>> open(const SchedulerCall& call) const {
    return std::make_unique<EventStream<SchedulerEvent>>(
        master(), postOf("/api/v1/scheduler", GetParam(), call, true), GetParam());
  }
  protocol::Response answerTo(const SchedulerCall& call) const {
    auto request = postOf("/api/v1/scheduler", GetParam(), call, true);
    return fetch(master(), request);
  }
  /// The refusal of a well-formed SUBSCRIBE: 200, one ERROR event, the end (fact S10). Its text.
  std::string refusalOf(const SchedulerCall& call) const {
    const auto stream = open(call);
    EXPECT_EQ(stream->status(), 200) << stream->refusal();
    if (stream->status() != 200) return "";
    EXPECT_TRUE(stream->head().headers.has("Mesos-Stream-Id"));
    const auto error = stream->nextOrEnd(Timeout(5000));
    if (!error || error->type() != SchedulerEvent::ERROR) {
      ADD_FAILURE() << "accepted: " << (error ? error->ShortDebugString() : "end of stream");
      return "";
    }
    const auto after = stream->nextOrEnd(Timeout(5000));
    EXPECT_FALSE(after) << after->ShortDebugString();
    EXPECT_TRUE(stream->connection().chunkedEnd()) << "the body was not ended";
    return error->error().message();
  }
  std::string refusalOf(const FrameworkInfo& info) const { return refusalOf(subscribeCall(info)); }
};
BOTH_ENCODINGS(Subscribe);

FrameworkInfo withRoles(const std::vector<std::string>& roles) {
  FrameworkInfo info;
  info.add_capabilities()->set_type(FrameworkInfo::Capability::MULTI_ROLE);
  for (const std::string& role : roles) info.add_roles(role);
  return info;
}

FrameworkInfo withFailoverTimeout(double seconds) {
  FrameworkInfo info;
  info.set_failover_timeout(seconds);
  return info;
}

FrameworkInfo withId(const std::string& id) {
  FrameworkInfo info;
  info.mutable_id()->set_value(id);
  return info;
}

TEST_P(Subscribe, C032_BeginsWithSubscribedThenAHeartbeatAtOnce) {
  TestFramework framework = subscribe();
  EXPECT_TRUE(std::regex_match(framework.id().value(), std::regex("[0-9a-f-]{36}-[0-9]{4,}")))
      << framework.id().value();
  EXPECT_NEAR(framework.subscribed().heartbeat_interval_seconds(), 15 / environment().timeScale,
              0.01);
  EXPECT_TRUE(framework.subscribed().has_master_info());
  EXPECT_EQ(framework.subscribed().master_info().port(), master().port);
  EXPECT_EQ(framework.id().value().find(framework.subscribed().master_info().id()), 0u);
  framework.stream().next(SchedulerEvent::HEARTBEAT, scaled(5));
}

TEST_P(Subscribe, C032_NumbersFrameworksUpwards) {
  TestFramework first = subscribe();
  TestFramework second = subscribe();
  const auto number = [](const TestFramework& framework) {
    return std::stoi(framework.id().value().substr(37));
  };
  EXPECT_EQ(number(second), number(first) + 1);
}

TEST_P(Subscribe, C033_BeatsEveryIntervalWhateverElseIsSent) {
  TestFramework framework = subscribe();
  const std::chrono::duration<double> interval(framework.subscribed().heartbeat_interval_seconds());
  std::vector<Clock::time_point> beats;
  while (beats.size() < 4) {
    const auto event = framework.stream().nextOrEnd(scaled(60) + Timeout(5000));
    ASSERT_TRUE(event);
    if (event->type() == SchedulerEvent::HEARTBEAT) beats.push_back(Clock::now());
    for (const Offer& offer : event->offers().offers()) framework.decline(offer, 0);
  }
  EXPECT_GE(beats.back() - beats.front(), 2.5 * interval);
  EXPECT_LE(beats.back() - beats.front(), 3.5 * interval + std::chrono::seconds(2));
}

TEST_P(Subscribe, C034_GivesEachSubscriptionAStreamIdOfItsOwn) {
  TestFramework framework = subscribe();
  const std::string first = framework.streamId();
  EXPECT_TRUE(std::regex_match(first, std::regex("[0-9a-f-]{36}"))) << first;
  framework.resubscribe();
  EXPECT_NE(framework.streamId(), first);
}

TEST_P(Subscribe, C035_RefusesAStreamIdOnSubscribe) {
  auto request = postOf("/api/v1/scheduler", GetParam(), subscribeCall(), true);
  request.headers.add("Mesos-Stream-Id", "2cf3bcbc-9ff1-4b22-ab37-0f0d6ea26ea1");
  EXPECT_EQ(fetch(master(), request).status, 400);
}

TEST_P(Subscribe, C036_RefusesTwoIdsThatDiffer) {
  SchedulerCall onlyOutside = subscribeCall();
  onlyOutside.mutable_framework_id()->set_value(uniqueId("outside"));
  EXPECT_EQ(answerTo(onlyOutside).status, 400);
  SchedulerCall onlyInside = subscribeCall(withId(uniqueId("inside")));
  onlyInside.clear_framework_id();
  EXPECT_EQ(answerTo(onlyInside).status, 400);
  SchedulerCall different = subscribeCall(withId(uniqueId("inside")));
  different.mutable_framework_id()->set_value(uniqueId("outside"));
  EXPECT_EQ(answerTo(different).status, 400);
}

TEST_P(Subscribe, C036_TakesAnEmptyIdForNone) {
  SchedulerCall call = subscribeCall();
  call.mutable_framework_id()->set_value("");
  const auto stream = open(call);
  ASSERT_EQ(stream->status(), 200) << stream->refusal();
  EXPECT_NE(stream->next(SchedulerEvent::SUBSCRIBED).subscribed().framework_id().value(), "");
}

TEST_P(Subscribe, C037_RefusesBadRolesByAnErrorEvent) {
  for (const char* role : {"a//b", "/a", "a/", "-a", "a/-b", ".", "..", "a/..", "a/*", "a b",
                           "a\tb", "a\nb", "a\x7f", ""}) {
    SCOPED_TRACE(role);
    EXPECT_NE(refusalOf(withRoles({role})), "");
    FrameworkInfo single;
    single.set_role(role);
    EXPECT_NE(refusalOf(single), "");
  }
}

TEST_P(Subscribe, C037_RefusesRolesThatDoNotFitTheCapability) {
  FrameworkInfo both = withRoles({"a"});
  both.set_role("a");
  EXPECT_NE(refusalOf(both), "");
  FrameworkInfo without = withRoles({"a"});
  without.clear_capabilities();
  EXPECT_NE(refusalOf(without), "");
  EXPECT_NE(refusalOf(withRoles({"a", "b", "a"})), "");
}

TEST_P(Subscribe, C038_AcceptsTheStarBesideRolesAndOddNames) {
  for (const auto& roles : std::vector<std::vector<std::string>>{
           {"*", "a/b"}, {"a*"}, {"..."}, {"a,b"}, {"a\\b"}, {"r\u00f6le"}, {"a\x01"}, {}}) {
    TestFramework framework = subscribe(withRoles(roles));
    EXPECT_FALSE(framework.id().value().empty());
  }
}

TEST_P(Subscribe, C039_RefusesToSuppressARoleThatIsNotSubscribed) {
  SchedulerCall call = subscribeCall(withRoles({"a"}));
  call.mutable_subscribe()->add_suppressed_roles("a");
  call.mutable_subscribe()->add_suppressed_roles("b");
  EXPECT_NE(refusalOf(call), "");
}

TEST_P(Subscribe, C040_RefusesFailoverTimeoutsThatOverflow) {
  for (const double seconds :
       {1e30, -1e30, std::numeric_limits<double>::infinity(), 1000 * 365 * 86400.0, 9223372037.0}) {
    SCOPED_TRACE(seconds);
    EXPECT_NE(refusalOf(withFailoverTimeout(seconds)), "");
  }
}

TEST_P(Subscribe, C040_AcceptsLongAndNegativeFailoverTimeouts) {
  for (const double seconds : {290 * 365 * 86400.0, 9223372036.0, -1.0}) {
    SCOPED_TRACE(seconds);
    TestFramework framework = subscribe(withFailoverTimeout(seconds));
    const auto state = frameworkState(master(), framework.id().value());
    ASSERT_EQ(state.where, FrameworkState::Where::Live);
    EXPECT_EQ(state.json["failover_timeout"].GetDouble(), seconds);
  }
}

TEST_P(Subscribe, C041_AcceptsAnIdThatItNeverGave) {
  const std::string id = uniqueId("my-fw");
  TestFramework framework = subscribe(withId(id));
  EXPECT_EQ(framework.id().value(), id);
}

TEST_P(Subscribe, C041_RefusesMalformedIds) {
  for (const std::string& id : {std::string("a/b"), std::string("a\\b"), std::string("."),
                                std::string(".."), std::string("a\nb"), std::string(256, 'x')}) {
    SCOPED_TRACE(id);
    EXPECT_NE(refusalOf(withId(id)), "");
  }
}

TEST_P(Subscribe, C042_RefusesTheIdOfAFrameworkThatWasTornDown) {
  TestFramework framework = subscribe();
  framework.teardown();
  EXPECT_EQ(refusalOf(framework.info()), "Framework has been removed");
}

/// An UPDATE_FRAMEWORK of `framework` with its info changed as wanted.
SchedulerCall updateOf(const TestFramework& framework,
                       const std::function<void(FrameworkInfo&)>& change) {
  SchedulerCall call;
  call.set_type(SchedulerCall::UPDATE_FRAMEWORK);
  FrameworkInfo& info = *call.mutable_update_framework()->mutable_framework_info();
  info = framework.info();
  change(info);
  return call;
}

TEST_P(Subscribe, C052_UpdatesAFrameworkAtOnce) {
  TestFramework framework = subscribe(withRoles({"a"}));
  const auto answer = framework.call(updateOf(framework, [](FrameworkInfo& info) {
    info.set_name("renamed");
    info.set_webui_url("http://127.0.0.1/");
    info.add_roles("b");
  }));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  const auto state = frameworkState(master(), framework.id().value());
  EXPECT_STREQ(state.json["name"].GetString(), "renamed");
  EXPECT_STREQ(state.json["webui_url"].GetString(), "http://127.0.0.1/");
  EXPECT_EQ(state.json["roles"].Size(), 2u);
}

TEST_P(Subscribe, C052_RescindsTheOffersOfARoleThatIsRemoved) {
  TestFramework framework = subscribe(withRoles({"a"}));
  const Offer ofA = framework.offer();
  ASSERT_EQ(ofA.allocation_info().role(), "a");
  const auto answer = framework.call(updateOf(framework, [](FrameworkInfo& info) {
    info.clear_roles();
    info.add_roles("b");
  }));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(framework.offer().allocation_info().role(), "b");
  ASSERT_EQ(framework.rescinded().size(), 1u);
  EXPECT_EQ(framework.rescinded()[0].value(), ofA.id().value());
}

TEST_P(Subscribe, C052_SuppressesAndRevivesRolesByAnUpdate) {
  TestFramework framework = subscribe(withRoles({"a"}));
  const auto nothing = [](FrameworkInfo&) {};
  SchedulerCall suppressing = updateOf(framework, nothing);
  suppressing.mutable_update_framework()->add_suppressed_roles("a");
  const Offer offer = framework.offer();
  EXPECT_EQ(framework.call(suppressing).status, 200);
  EXPECT_TRUE(framework.rescinded().empty());
  framework.decline(offer, 3600 * std::max(1.0, environment().timeScale));
  framework.expectNoOffer(scaled(2));
  EXPECT_EQ(framework.call(updateOf(framework, nothing)).status, 200);
  framework.offer();
  EXPECT_TRUE(framework.rescinded().empty());
}

TEST_P(Subscribe, C052_RefusesToUpdateWhatMayNotChange) {
  TestFramework framework = subscribe(withRoles({"a"}));
  const std::vector<std::function<void(FrameworkInfo&)>> changes{
      [](FrameworkInfo& info) { info.set_user("zz"); },
      [](FrameworkInfo& info) { info.set_principal("zz"); },
      [](FrameworkInfo& info) { info.set_checkpoint(true); },
      [](FrameworkInfo& info) { info.add_roles("a//b"); },
      [](FrameworkInfo& info) { info.mutable_id()->set_value("another"); }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto answer = framework.call(updateOf(framework, changes[i]));
    EXPECT_EQ(answer.status, 400) << i;
    EXPECT_NE(answer.body, "") << i;
  }
  SchedulerCall suppressing = updateOf(framework, [](FrameworkInfo&) {});
  suppressing.mutable_update_framework()->add_suppressed_roles("zz");
  EXPECT_EQ(framework.call(suppressing).status, 400);
  const auto same =
      framework.call(updateOf(framework, [](FrameworkInfo& info) { info.set_checkpoint(false); }));
  EXPECT_EQ(same.status, 200) << same.body;
}

TEST_P(Subscribe, C053_RefusesCallsThatBelongToNoSubscription) {
  TestFramework framework = subscribe(withFailoverTimeout(1000 * environment().timeScale));
  SchedulerCall revive;
  revive.set_type(SchedulerCall::REVIVE);

  auto request = framework.request(revive);
  request.headers.set("Mesos-Stream-Id", "2cf3bcbc-9ff1-4b22-ab37-0f0d6ea26ea1");
  EXPECT_EQ(fetch(master(), request).status, 400);
  request.headers = {{"Content-Type", std::string(mediaType(GetParam()))}};
  EXPECT_EQ(fetch(master(), request).status, 400);

  SchedulerCall stranger = revive;
  stranger.mutable_framework_id()->set_value(uniqueId("stranger"));
  const auto unknown = framework.call(stranger);
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.body, "Framework cannot be found");

  framework.disconnect();
  eventually("403 to the call of a framework that hung up",
             [&] { return framework.call(revive).status == 403; });
  EXPECT_EQ(framework.call(revive).body, "Framework is not subscribed");
}

}  // namespace
}  // namespace mesos::conformance
