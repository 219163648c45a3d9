// Section 4 of the scenarios: what a framework's capabilities change.
#include "conformance/environment.hpp"

namespace mesos::conformance {
namespace {

class Capabilities : public Scenario {};
BOTH_ENCODINGS(Capabilities);

using Capability = FrameworkInfo::Capability;

FrameworkInfo withCapabilities(const std::vector<Capability::Type>& types) {
  FrameworkInfo info;
  for (const auto type : types) info.add_capabilities()->set_type(type);
  return info;
}

FrameworkInfo multiRole(const std::vector<std::string>& roles) {
  FrameworkInfo info = withCapabilities({Capability::MULTI_ROLE});
  for (const std::string& role : roles) info.add_roles(role);
  return info;
}

TEST_P(Capabilities, C054_HidesAllocationInfoFromWhomHasOneRole) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  EXPECT_FALSE(offer.has_allocation_info());
  for (const Resource& resource : offer.resources()) {
    EXPECT_FALSE(resource.has_allocation_info()) << resource.ShortDebugString();
  }
}

TEST_P(Capabilities, C054_ShowsAllocationInfoToMultiRoleFrameworks) {
  TestFramework framework = subscribe(multiRole({"web"}));
  const Offer offer = framework.offer();
  EXPECT_EQ(offer.allocation_info().role(), "web");
  ASSERT_GT(offer.resources_size(), 0);
  for (const Resource& resource : offer.resources()) {
    EXPECT_EQ(resource.allocation_info().role(), "web") << resource.ShortDebugString();
  }
}

TEST_P(Capabilities, C054_FillsInTheAllocationOfATask) {
  TestFramework framework = subscribe(multiRole({"web"}));
  const Offer offer = framework.offer();
  TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
  for (Resource& resource : *task.mutable_resources()) resource.clear_allocation_info();
  framework.accept({offer}, {task});
  framework.statusUntil(task.task_id().value(), TASK_FINISHED);
}

TEST_P(Capabilities, C055_NeverMixesRolesInAnOffer) {
  TestFramework framework = subscribe(multiRole({"a", "b"}));
  framework.resubscribe([](auto& message) { message.add_suppressed_roles("b"); });
  const Offer whole = framework.offer();
  ASSERT_EQ(whole.allocation_info().role(), "a");
  const std::string half = "cpus:" + std::to_string(Resources(whole.resources()).cpus() / 2) +
                           ";mem:" + std::to_string(Resources(whole.resources()).mem() / 2);
  TaskInfo task = makeTask(whole, uniqueId("task"), half);
  task.mutable_command()->set_value("exec sleep 1000");
  framework.accept({whole}, {task});
  framework.statusUntil(task.task_id().value(), TASK_RUNNING);
  const Offer ofA = framework.offer();
  ASSERT_EQ(ofA.allocation_info().role(), "a");

  // What the task leaves goes to the role that has nothing.
  SchedulerCall revive;
  revive.set_type(SchedulerCall::REVIVE);
  revive.mutable_revive()->add_roles("b");
  framework.send(revive);
  framework.kill(task.task_id().value());
  framework.statusUntil(task.task_id().value(), TASK_KILLED);
  const Offer ofB = framework.offer();
  ASSERT_EQ(ofB.allocation_info().role(), "b");

  const std::string refused = uniqueId("task");
  framework.accept({ofA, ofB}, {commandTask(ofA, refused, "exit 0")});
  const TaskStatus status = framework.status(refused);
  EXPECT_EQ(status.state(), TASK_LOST);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_INVALID_OFFERS);
}

SchedulerCall reviveOf(const std::string& role) {
  SchedulerCall call;
  call.set_type(SchedulerCall::REVIVE);
  call.mutable_revive()->add_roles(role);
  return call;
}

SchedulerCall suppressOf(const std::string& role) {
  SchedulerCall call;
  call.set_type(SchedulerCall::SUPPRESS);
  call.mutable_suppress()->add_roles(role);
  return call;
}

TEST_P(Capabilities, C055_SuppressesAndRevivesRolesOneByOne) {
  TestFramework framework = subscribe(multiRole({"a", "b"}));
  framework.resubscribe([](auto& message) { message.add_suppressed_roles("b"); });
  const Offer ofA = framework.offer();
  ASSERT_EQ(ofA.allocation_info().role(), "a");
  framework.send(suppressOf("a"));
  framework.send(suppressOf("zz"));  // Void (fact O33).
  framework.decline(ofA, 0);
  framework.expectNoOffer(scaled(3));
  framework.send(reviveOf("b"));
  const Offer ofB = framework.offer();
  ASSERT_EQ(ofB.allocation_info().role(), "b");
  framework.send(suppressOf("b"));
  framework.decline(ofB, 0);
  framework.expectNoOffer(scaled(3));
  framework.send(reviveOf("a"));
  EXPECT_EQ(framework.offer().allocation_info().role(), "a");
}

TEST_P(Capabilities, C055_FiltersOneRoleOnly) {
  TestFramework framework = subscribe(multiRole({"a", "b"}));
  const Offer first = framework.offer();
  framework.decline(first, 3600 * std::max(1.0, environment().timeScale));
  const Offer second = framework.offer(scaled(3) + Timeout(3000));
  EXPECT_NE(second.allocation_info().role(), first.allocation_info().role());
}

TEST_P(Capabilities, C056_ShowsReservationsInTheFormatThatTheFrameworkKnows) {
  NEEDS("reserved_role");
  const std::string role = environment().has["reserved_role"];
  for (const bool refined : {false, true}) {
    SCOPED_TRACE(refined);
    FrameworkInfo info =
        refined ? withCapabilities({Capability::RESERVATION_REFINEMENT}) : FrameworkInfo();
    info.set_role(role);
    TestFramework framework = subscribe(info);
    const Offer offer = framework.offer();
    std::size_t reserved = 0;
    for (const Resource& resource : offer.resources()) {
      EXPECT_EQ(resource.has_role(), !refined) << resource.ShortDebugString();
      EXPECT_FALSE(resource.has_reservation()) << "a static one has none";
      if (refined && resource.reservations_size() == 1) {
        ++reserved;
        EXPECT_EQ(resource.reservations(0).role(), role);
        EXPECT_EQ(resource.reservations(0).type(), Resource::ReservationInfo::STATIC);
      } else {
        EXPECT_EQ(resource.reservations_size(), 0);
        if (resource.role() == role) ++reserved;
      }
    }
    EXPECT_GT(reserved, 0u);
  }
}

TEST_P(Capabilities, C057_OffersAgentsWithGpusOnlyToWhomKnowsThem) {
  NEEDS("gpus");
  TestFramework without = subscribe();
  without.expectNoOffer(scaled(3));
  TestFramework with = subscribe(withCapabilities({Capability::GPU_RESOURCES}));
  EXPECT_GT(Resources(with.offer().resources()).scalar("gpus"), 0);
  without.expectNoOffer(scaled(1));
}

TEST_P(Capabilities, C058_SaysDroppedOnlyToWhomKnowsPartitions) {
  for (const bool aware : {false, true}) {
    SCOPED_TRACE(aware);
    TestFramework framework =
        subscribe(aware ? withCapabilities({Capability::PARTITION_AWARE}) : FrameworkInfo());
    Offer offer = framework.offer();
    offer.mutable_id()->set_value("no-such-offer");
    const std::string task = uniqueId("task");
    framework.accept({offer}, {commandTask(offer, task, "exit 0")});
    const TaskStatus status = framework.status(task);
    EXPECT_EQ(status.state(), aware ? TASK_DROPPED : TASK_LOST);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_INVALID_OFFERS);
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_MASTER);
    EXPECT_TRUE(status.uuid().empty());
    EXPECT_EQ(status.agent_id().value(), offer.agent_id().value());
  }
}

}  // namespace
}  // namespace mesos::conformance
