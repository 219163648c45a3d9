// RESERVE and UNRESERVE through ACCEPT (scenarios 84 and 85, facts 8.4).
#include "conformance/launching.hpp"

namespace mesos::conformance {
namespace {

using Capability = FrameworkInfo::Capability;

class Reserve : public PlayedScenario {
 protected:
  static FrameworkInfo info(bool refined = true) {
    FrameworkInfo result;
    result.set_role(kRole);
    if (refined) result.add_capabilities()->set_type(Capability::RESERVATION_REFINEMENT);
    return result;
  }
  /// So much of the offer's cpus, with a reservation of the role on top.
  static Resource reservedCpus(double cpus, bool refined = true) {
    Resource resource;
    resource.set_name("cpus");
    resource.set_type(v1::Value::SCALAR);
    resource.mutable_scalar()->set_value(cpus);
    if (refined) {
      auto* reservation = resource.add_reservations();
      reservation->set_type(Resource::ReservationInfo::DYNAMIC);
      reservation->set_role(kRole);
    } else {
      resource.set_role(kRole);
      resource.mutable_reservation();
    }
    return resource;
  }
  static Offer::Operation operationOf(Offer::Operation::Type type, const Resource& resource,
                                      const std::string& id = "") {
    Offer::Operation operation;
    operation.set_type(type);
    if (!id.empty()) operation.mutable_id()->set_value(id);
    if (type == Offer::Operation::RESERVE) {
      *operation.mutable_reserve()->add_resources() = resource;
    } else {
      *operation.mutable_unreserve()->add_resources() = resource;
    }
    return operation;
  }
  static double reservedIn(const Offer& offer) {
    double sum = 0;
    for (const Resource& resource : offer.resources()) {
      const bool dynamic =
          resource.has_reservation() ||
          (resource.reservations_size() > 0 &&
           resource.reservations().rbegin()->type() == Resource::ReservationInfo::DYNAMIC);
      if (dynamic && resource.name() == "cpus") sum += resource.scalar().value();
    }
    return sum;
  }
  /// What the agent offers again without reservations: others must find it as it was.
  static void unreserve(TestFramework& framework, const Offer& offer, double cpus) {
    accept(framework, {offer.id()}, {operationOf(Offer::Operation::UNRESERVE, reservedCpus(cpus))});
    EXPECT_EQ(reservedIn(framework.offer()), 0);
  }
  static v1::OperationStatus statusOf(TestFramework& framework, Timeout timeout = Timeout(5000)) {
    return framework.event(SchedulerEvent::UPDATE_OPERATION_STATUS, timeout)
        .update_operation_status()
        .status();
  }

  static constexpr char kRole[] = "conformance-reserve";
};
BOTH_ENCODINGS(Reserve);

TEST_P(Reserve, C084_LaunchesOnWhatTheSameAcceptReserved) {
  TestFramework framework = subscribe(info());
  const Offer offer = framework.offer();
  TaskInfo task = commandTask(offer, uniqueId("task"), "exec sleep 1000", "mem:32");
  *task.add_resources() = reservedCpus(0.5);
  accept(framework, {offer.id()},
         {operationOf(Offer::Operation::RESERVE, reservedCpus(0.5)), launchOf({task})});
  framework.statusUntil(task.task_id().value(), TASK_RUNNING);
  EXPECT_EQ(reservedIn(framework.offer()), 0) << "the task has it";
  framework.kill(task.task_id().value());
  framework.statusUntil(task.task_id().value(), TASK_KILLED);
  const Offer freed = framework.offer();
  EXPECT_EQ(reservedIn(freed), 0.5) << "a reservation outlives the task";
  unreserve(framework, freed, 0.5);
}

TEST_P(Reserve, C084_KeepsWhatIsReservedFromOtherRoles) {
  TestFramework framework = subscribe(info());
  const Offer whole = framework.offer();
  accept(framework, {whole.id()}, {operationOf(Offer::Operation::RESERVE, reservedCpus(0.5))});
  const Offer reserved = framework.offer();
  suppress(framework);
  framework.decline(reserved, 0);
  TestFramework other = subscribe();
  const Offer rest = other.offer(scaled(10) + kBusy);
  EXPECT_EQ(Resources(rest.resources()).cpus(), Resources(whole.resources()).cpus() - 0.5);
  other.teardown();
  framework.send(callWith(SchedulerCall::REVIVE));
  Offer again = framework.offer();
  while (reservedIn(again) == 0) again = framework.offer();
  unreserve(framework, again, 0.5);
}

TEST_P(Reserve, C085_AnswersAnInvalidOperationIfItHasAnId) {
  TestFramework framework = subscribe(info());
  Resource other = reservedCpus(0.5);
  other.mutable_reservations(0)->set_role("another");
  Resource plain = reservedCpus(0.5);
  plain.clear_reservations();
  Resource malformed = reservedCpus(-1);
  for (const Resource& bad : {other, plain, malformed, reservedCpus(100000)}) {
    const Offer offer = framework.offer();
    const std::string id = uniqueId("operation");
    accept(framework, {offer.id()},
           {operationOf(Offer::Operation::RESERVE, bad),
            operationOf(Offer::Operation::RESERVE, bad, id)});
    const auto status = statusOf(framework);
    EXPECT_EQ(status.operation_id().value(), id) << "without an id nothing is said";
    EXPECT_EQ(status.state(), v1::OPERATION_ERROR);
    EXPECT_NE(status.message(), "");
    EXPECT_FALSE(status.has_uuid());
    EXPECT_FALSE(status.has_agent_id());
  }
}

TEST_P(Reserve, C085_TellsUntilItIsAcknowledgedThatAnOperationIsDone) {
  TestFramework framework = subscribe(info());
  const Offer offer = framework.offer();
  const std::string id = uniqueId("operation");
  accept(framework, {offer.id()}, {operationOf(Offer::Operation::RESERVE, reservedCpus(0.5), id)});
  const auto first = statusOf(framework);
  EXPECT_EQ(first.operation_id().value(), id);
  EXPECT_EQ(first.state(), v1::OPERATION_FINISHED);
  EXPECT_EQ(first.uuid().value().size(), 16u);
  EXPECT_EQ(first.agent_id().value(), offer.agent_id().value());
  const auto repeated = statusOf(framework, scaled(10) + kBusy);
  EXPECT_EQ(repeated.uuid().value(), first.uuid().value());

  SchedulerCall reconcile = callWith(SchedulerCall::RECONCILE_OPERATIONS);
  reconcile.mutable_reconcile_operations();
  framework.send(reconcile);
  const auto known = statusOf(framework);
  EXPECT_EQ(known.operation_id().value(), id);
  EXPECT_EQ(known.state(), v1::OPERATION_FINISHED);
  EXPECT_FALSE(known.has_uuid());

  SchedulerCall acknowledge = callWith(SchedulerCall::ACKNOWLEDGE_OPERATION_STATUS);
  auto* acknowledged = acknowledge.mutable_acknowledge_operation_status();
  *acknowledged->mutable_agent_id() = offer.agent_id();
  *acknowledged->mutable_operation_id() = first.operation_id();
  acknowledged->set_uuid(first.uuid().value());
  framework.send(acknowledge);
  framework.stream().expectNone(
      [](const SchedulerEvent& event) {
        return event.type() == SchedulerEvent::UPDATE_OPERATION_STATUS;
      },
      scaled(25));
  unreserve(framework, framework.offer(), 0.5);
}

TEST_P(Reserve, C056_ShowsDynamicReservationsInTheFormatThatTheFrameworkKnows) {
  TestFramework framework = subscribe(info(false));
  accept(framework, {framework.offer().id()},
         {operationOf(Offer::Operation::RESERVE, reservedCpus(0.5, false))});
  const Offer old = framework.offer();
  EXPECT_EQ(reservedIn(old), 0.5);
  for (const Resource& resource : old.resources()) {
    EXPECT_TRUE(resource.has_role());
    EXPECT_EQ(resource.reservations_size(), 0) << resource.ShortDebugString();
  }
  framework.resubscribe([](SchedulerCall::Subscribe& message) {
    message.mutable_framework_info()->add_capabilities()->set_type(
        Capability::RESERVATION_REFINEMENT);
  });
  const Offer refined = framework.offer();
  EXPECT_EQ(reservedIn(refined), 0.5);
  for (const Resource& resource : refined.resources()) {
    EXPECT_FALSE(resource.has_role());
    EXPECT_FALSE(resource.has_reservation()) << resource.ShortDebugString();
  }
  unreserve(framework, refined, 0.5);
}

}  // namespace
}  // namespace mesos::conformance
