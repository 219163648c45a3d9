// Section 5 of the scenarios: who is offered what, and when.
#include "conformance/environment.hpp"
#include "conformance/state.hpp"

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

/// How late a busy machine may be.
constexpr Timeout kSlack{2000};

class Offers : public Scenario {};
BOTH_ENCODINGS(Offers);

SchedulerCall callOf(SchedulerCall::Type type) {
  SchedulerCall call;
  call.set_type(type);
  return call;
}

SchedulerCall acceptOf(const Offer& offer) {
  SchedulerCall call = callOf(SchedulerCall::ACCEPT);
  *call.mutable_accept()->add_offer_ids() = offer.id();
  return call;
}

/// An hour of Mesos' time at the least, and longer than a scenario lasts.
double longTime() { return 3600 * std::max(1.0, environment().timeScale); }

/// `giveBack` returns the framework's offer. It must come again not before `least` seconds of
/// Mesos' time, and soon after the tick that follows: a filter's end shows at a tick (fact O21).
void expectOfferAgain(TestFramework& framework, double least,
                      const std::function<void()>& giveBack) {
  const auto before = Clock::now();
  giveBack();
  framework.offer(scaled(least + 2) + kSlack);
  EXPECT_GE(Clock::now() - before, scaled(least));
}

TaskInfo sleeper(const Offer& offer, const std::string& resources) {
  return commandTask(offer, uniqueId("task"), "exec sleep 1000", resources);
}

std::string scalarsOf(const Offer& offer, double cpusLeft, double memLeft) {
  const Resources all(offer.resources());
  return "cpus:" + std::to_string(all.cpus() - cpusLeft) +
         ";mem:" + std::to_string(all.mem() - memLeft);
}

TEST_P(Offers, C059_OffersAllOfAnIdleAgentAtOnce) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const auto slaves = getJson(master(), "/slaves");
  const auto* slave = findBy(slaves["slaves"], "id", offer.agent_id().value());
  ASSERT_TRUE(slave);
  EXPECT_EQ(offer.framework_id().value(), framework.id().value());
  EXPECT_EQ(offer.hostname(), (*slave)["hostname"].GetString());
  EXPECT_EQ(offer.url().scheme(), "http");
  const std::string pid = (*slave)["pid"].GetString();
  EXPECT_EQ(offer.url().path(), "/" + pid.substr(0, pid.find('@')));
  EXPECT_EQ(offer.url().address().port(), (*slave)["port"].GetInt());
  EXPECT_EQ(offer.executor_ids_size(), 0);

  const Resources resources(offer.resources());
  EXPECT_EQ(resources.cpus(), (*slave)["unreserved_resources"]["cpus"].GetDouble());
  EXPECT_EQ(resources.mem(), (*slave)["unreserved_resources"]["mem"].GetDouble());
  EXPECT_EQ(resources.disk(), (*slave)["unreserved_resources"]["disk"].GetDouble());
  EXPECT_EQ((*slave)["offered_resources"]["cpus"].GetDouble(), resources.cpus());
  const auto& attributes = (*slave)["attributes"];
  EXPECT_EQ(static_cast<std::size_t>(offer.attributes_size()), attributes.MemberCount());
  for (const Attribute& attribute : offer.attributes()) {
    EXPECT_TRUE(attributes.HasMember(attribute.name().c_str())) << attribute.ShortDebugString();
  }
}

TEST_P(Offers, C059_NumbersOffersUpwards) {
  TestFramework framework = subscribe();
  const auto number = [](const Offer& offer) {
    EXPECT_EQ(offer.id().value().substr(36, 2), "-O") << offer.id().value();
    return std::stoi(offer.id().value().substr(38));
  };
  const Offer first = framework.offer();
  framework.decline(first, 0);
  EXPECT_GT(number(framework.offer()), number(first));
}

TEST_P(Offers, C060_OffersAgainFiveSecondsAfterADecline) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  expectOfferAgain(framework, 5, [&] { framework.decline(offer); });
}

TEST_P(Offers, C061_OffersAgainAtTheNextTickWithoutAFilter) {
  TestFramework framework = subscribe();
  Offer offer = framework.offer();
  const auto before = Clock::now();
  for (int i = 0; i < 5; ++i) {
    framework.decline(offer, 0);
    offer = framework.offer();
  }
  // Five offers are four ticks apart; with a default filter they would be 25 s apart.
  EXPECT_GE(Clock::now() - before, scaled(3.5));
  EXPECT_LT(Clock::now() - before, scaled(25));
}

TEST_P(Offers, C062_TakesANegativeRefusalForTheDefault) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  expectOfferAgain(framework, 5, [&] { framework.decline(offer, -1); });
}

TEST_P(Offers, C062_KeepsAShortRefusalForATickAtLeast) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  expectOfferAgain(framework, 1, [&] { framework.decline(offer, 0.2); });
}

TEST_P(Offers, C062_AcceptsAnEndlessRefusal) {
  TestFramework framework = subscribe();
  framework.decline(framework.offer(), 1e12);
  framework.expectNoOffer(scaled(8));
  framework.send(callOf(SchedulerCall::REVIVE));
  framework.offer();
}

TEST_P(Offers, C063_OffersWhatHasGrownDespiteTheFilter) {
  TestFramework framework = subscribe();
  const Offer whole = framework.offer();
  const TaskInfo task = sleeper(whole, "cpus:0.5;mem:128");
  framework.accept({whole}, {task}, longTime());
  framework.statusUntil(task.task_id().value(), TASK_RUNNING);
  framework.expectNoOffer(scaled(3));
  framework.kill(task.task_id().value());
  framework.statusUntil(task.task_id().value(), TASK_KILLED);
  EXPECT_EQ(Resources(framework.offer().resources()), Resources(whole.resources()));
}

TEST_P(Offers, C064_OffersAtOnceOnRevive) {
  TestFramework framework = subscribe();
  framework.decline(framework.offer(), longTime());
  framework.expectNoOffer(scaled(2));
  // One that waited for a tick would take almost a whole one, for each begins right after one.
  Clock::duration quickest = Clock::duration::max();
  for (int i = 0; i < 5; ++i) {
    const auto before = Clock::now();
    framework.send(callOf(SchedulerCall::REVIVE));
    const Offer offer = framework.offer();
    quickest = std::min<Clock::duration>(quickest, Clock::now() - before);
    framework.decline(offer, longTime());
  }
  EXPECT_LT(quickest, scaled(0.5));
}

TEST_P(Offers, C064_IgnoresAReviveThatNamesAForeignRole) {
  TestFramework framework = subscribe();
  framework.decline(framework.offer(), longTime());
  for (const std::vector<std::string>& roles :
       std::vector<std::vector<std::string>>{{"x"}, {"*", "x"}, {"a//b"}}) {
    SchedulerCall revive = callOf(SchedulerCall::REVIVE);
    for (const std::string& role : roles) revive.mutable_revive()->add_roles(role);
    framework.send(revive);
  }
  framework.expectNoOffer(scaled(3));
}

TEST_P(Offers, C065_StillTakesAnOfferAfterSuppress) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  framework.send(callOf(SchedulerCall::SUPPRESS));
  const TaskInfo task = sleeper(offer, "cpus:0.5;mem:128");
  framework.accept({offer}, {task}, 0);
  framework.statusUntil(task.task_id().value(), TASK_RUNNING);
  framework.expectNoOffer(scaled(3));
  framework.send(callOf(SchedulerCall::REVIVE));
  framework.offer();
}

TEST_P(Offers, C066_TakesAnAcceptWithoutOperationsForADecline) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  expectOfferAgain(framework, 5, [&] { framework.send(acceptOf(offer)); });
}

TEST_P(Offers, C066_TakesALaunchWithoutTasksForADecline) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  SchedulerCall accept = acceptOf(offer);
  auto* operation = accept.mutable_accept()->add_operations();
  operation->set_type(Offer::Operation::LAUNCH);
  operation->mutable_launch();
  expectOfferAgain(framework, 5, [&] { framework.send(accept); });
}

TEST_P(Offers, C067_IgnoresTheDeclineOfAnUnknownOffer) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  Offer stale = offer;
  stale.mutable_id()->set_value("no-such-offer");
  framework.decline(stale, 0);
  framework.stream().expectNone(
      [](const SchedulerEvent& event) { return event.type() != SchedulerEvent::HEARTBEAT; },
      scaled(2));
  // The offer at hand is as good as before.
  const TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
  framework.accept({offer}, {task});
  framework.statusUntil(task.task_id().value(), TASK_FINISHED);
}

TEST_P(Offers, C067_DeclinesTheKnownOnesAmongUnknownOffers) {
  TestFramework framework = subscribe();
  SchedulerCall decline = callOf(SchedulerCall::DECLINE);
  decline.mutable_decline()->add_offer_ids()->set_value("no-such-offer");
  *decline.mutable_decline()->add_offer_ids() = framework.offer().id();
  decline.mutable_decline()->mutable_filters()->set_refuse_seconds(0);
  framework.send(decline);
  framework.offer();
}

TEST_P(Offers, C068_OffersNothingTwice) {
  TestFramework holder = subscribe();
  const Offer offer = holder.offer();
  TestFramework other = subscribe();
  other.expectNoOffer(scaled(3));
  const auto slaves = getJson(master(), "/slaves");
  const auto* slave = findBy(slaves["slaves"], "id", offer.agent_id().value());
  ASSERT_TRUE(slave);
  EXPECT_LE((*slave)["offered_resources"]["cpus"].GetDouble() +
                (*slave)["used_resources"]["cpus"].GetDouble(),
            (*slave)["resources"]["cpus"].GetDouble());
  holder.decline(offer, longTime());
  EXPECT_EQ(Resources(other.offer().resources()), Resources(offer.resources()));
}

TEST_P(Offers, C069_RescindsAnOfferThatIsHeldTooLong) {
  NEEDS("offer_timeout");
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const auto rescind = framework.stream().next(SchedulerEvent::RESCIND, Timeout(20000));
  EXPECT_EQ(rescind.rescind().offer_id().value(), offer.id().value());
  framework.offer(scaled(2) + kSlack);

  const std::string task = uniqueId("task");
  framework.accept({offer}, {commandTask(offer, task, "exit 0")});
  const TaskStatus status = framework.status(task);
  EXPECT_EQ(status.state(), TASK_LOST);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_INVALID_OFFERS);
}

TEST_P(Offers, C070_OffersCrumbsOnlyToWhomAsksForThem) {
  TestFramework framework = subscribe();
  const Offer whole = framework.offer();
  const TaskInfo task = sleeper(whole, scalarsOf(whole, 0, 16));
  framework.accept({whole}, {task}, 0);
  framework.statusUntil(task.task_id().value(), TASK_RUNNING);
  framework.expectNoOffer(scaled(3));

  FrameworkInfo modest;
  (*modest.mutable_offer_filters())["*"].mutable_min_allocatable_resources();
  TestFramework crumbs = subscribe(modest);
  const Resources offered(crumbs.offer().resources());
  EXPECT_EQ(offered.mem(), 16);
  EXPECT_EQ(offered.cpus(), 0);
}

}  // namespace
}  // namespace mesos::conformance
