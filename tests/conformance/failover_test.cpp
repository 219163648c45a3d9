// Section 3 of the scenarios, continued: taking over, hanging up, coming back, being torn down.
#include "conformance/environment.hpp"
#include "conformance/state.hpp"

#include <thread>

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;
using Where = FrameworkState::Where;

class Failover : public Scenario {
 protected:
  FrameworkState stateOf(const FrameworkID& id) const {
    return frameworkState(master(), id.value());
  }
  void awaitCompletion(const FrameworkID& id, Timeout timeout = Timeout(5000)) const {
    eventually(
        "the framework among the completed ones",
        [&] { return stateOf(id).where == Where::Completed; }, timeout);
  }
  void awaitDisconnection(const FrameworkID& id) const {
    eventually("the framework disconnected", [&] {
      const auto state = stateOf(id);
      return state.where == Where::Live && !state.json["connected"].GetBool();
    });
  }
  /// The one event that a SUBSCRIBE is refused with (fact S10).
  SchedulerEvent firstEventFor(const FrameworkInfo& info) const {
    EventStream<SchedulerEvent> stream(
        master(), postOf("/api/v1/scheduler", GetParam(), subscribeCall(info), true), GetParam());
    return stream.nextOrEnd(Timeout(5000)).value_or(SchedulerEvent());
  }
};
BOTH_ENCODINGS(Failover);

/// A failover timeout of so many real seconds.
FrameworkInfo realFailoverTimeout(double seconds) {
  FrameworkInfo info;
  info.set_failover_timeout(seconds * environment().timeScale);
  return info;
}

SchedulerCall reviveCall() {
  SchedulerCall call;
  call.set_type(SchedulerCall::REVIVE);
  return call;
}

SchedulerCall suppressCall() {
  SchedulerCall call;
  call.set_type(SchedulerCall::SUPPRESS);
  return call;
}

TEST_P(Failover, C043_LetsALaterSubscriptionTakeOver) {
  TestFramework old = subscribe();
  TestFramework later = subscribe(old.info());
  EXPECT_EQ(later.id().value(), old.id().value());
  EXPECT_EQ(old.stream().next(SchedulerEvent::ERROR).error().message(), "Framework failed over");
  EXPECT_TRUE(old.stream().ends(Timeout(5000)));
  EXPECT_EQ(old.call(reviveCall()).status, 400);
  EXPECT_EQ(later.call(reviveCall()).status, 202);

  const auto state = getJson(master(), "/state");
  std::size_t seen = 0;
  for (const auto& framework : state["frameworks"].GetArray()) {
    if (framework["id"].GetString() != later.id().value()) continue;
    ++seen;
    EXPECT_TRUE(framework.HasMember("reregistered_time"));
    EXPECT_TRUE(framework["connected"].GetBool());
  }
  EXPECT_EQ(seen, 1u);
}

TEST_P(Failover, C044_WithdrawsOffersSilentlyOnATakeover) {
  TestFramework framework = subscribe();
  const Offer old = framework.offer();
  framework.resubscribe();
  SchedulerEvent event = framework.stream().next([](const SchedulerEvent& candidate) {
    return candidate.type() == SchedulerEvent::RESCIND ||
           candidate.type() == SchedulerEvent::OFFERS;
  });
  ASSERT_EQ(event.type(), SchedulerEvent::OFFERS) << event.ShortDebugString();
  EXPECT_NE(event.offers().offers(0).id().value(), old.id().value());
  EXPECT_EQ(Resources(event.offers().offers(0).resources()), Resources(old.resources()));

  const std::string task = uniqueId("task");
  framework.accept({old}, {commandTask(old, task, "exit 0")});
  const TaskStatus status = framework.status(task);
  EXPECT_EQ(status.state(), TASK_LOST);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_INVALID_OFFERS);
}

TEST_P(Failover, C045_RepeatsUnacknowledgedUpdatesAtOnceToWhomTakesOver) {
  TestFramework framework = subscribe(realFailoverTimeout(1000));
  const Offer offer = framework.offer();
  const std::string task = uniqueId("task");
  framework.accept({offer}, {commandTask(offer, task, "exec sleep 1000")});
  const TaskStatus first = framework.status(task, false);
  ASSERT_FALSE(first.uuid().empty());
  // After two repetitions the next one would be 40 s away.
  EXPECT_EQ(framework.status(task, false, scaled(15) + Timeout(2000)).uuid(), first.uuid());
  EXPECT_EQ(framework.status(task, false, scaled(25) + Timeout(2000)).uuid(), first.uuid());
  framework.resubscribe();
  const TaskStatus again = framework.status(task, true, scaled(30));
  EXPECT_EQ(again.uuid(), first.uuid());
  EXPECT_EQ(again.state(), first.state());
}

TEST_P(Failover, C046_KeepsUserAndCheckpointOfTheFirstSubscription) {
  FrameworkInfo info = realFailoverTimeout(1000);
  info.set_user("nobody");
  info.set_name("before");
  TestFramework framework = subscribe(info);
  framework.resubscribe([](SchedulerCall::Subscribe& message) {
    message.mutable_framework_info()->set_user("daemon");
    message.mutable_framework_info()->set_checkpoint(true);
    message.mutable_framework_info()->set_name("after");
    message.mutable_framework_info()->set_webui_url("http://after/");
  });
  const auto state = stateOf(framework.id());
  ASSERT_EQ(state.where, Where::Live);
  EXPECT_STREQ(state.json["user"].GetString(), "nobody");
  EXPECT_FALSE(state.json["checkpoint"].GetBool());
  EXPECT_STREQ(state.json["name"].GetString(), "after");
  EXPECT_STREQ(state.json["webui_url"].GetString(), "http://after/");
}

TEST_P(Failover, C046_RefusesAnotherPrincipal) {
  TestFramework framework = subscribe();
  FrameworkInfo other = framework.info();
  other.set_principal("somebody-else");
  EXPECT_EQ(firstEventFor(other).type(), SchedulerEvent::ERROR);
  EXPECT_EQ(framework.call(reviveCall()).status, 202);
}

TEST_P(Failover, C047_SuppressesExactlyWhatTheLastSubscriptionSays) {
  TestFramework framework = subscribe();
  framework.decline(framework.offer(), 0);
  framework.send(suppressCall());
  framework.resubscribe(
      [](SchedulerCall::Subscribe& message) { message.add_suppressed_roles("*"); });
  framework.expectNoOffer(scaled(3));
  framework.resubscribe();
  framework.offer();
}

TEST_P(Failover, C048_RemovesAFrameworkWithoutFailoverTimeoutAsItHangsUp) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const std::string task = uniqueId("task");
  framework.accept({offer}, {commandTask(offer, task, "exec sleep 1000")});
  framework.statusUntil(task, TASK_RUNNING);
  framework.disconnect();
  awaitCompletion(framework.id());
  const auto state = stateOf(framework.id());
  EXPECT_EQ(state.json["tasks"].Size(), 0u);
  const auto* ended = findBy(state.json["completed_tasks"], "id", task);
  ASSERT_TRUE(ended);
  EXPECT_STREQ((*ended)["state"].GetString(), "TASK_KILLED");
  const auto refusal = firstEventFor(framework.info());
  EXPECT_EQ(refusal.error().message(), "Framework has been removed");
}

TEST_P(Failover, C049_KeepsTasksOfWhomComesBackInTimeEachTimeAnew) {
  // Away twice for more than half of the timeout: together longer than it lasts.
  TestFramework framework = subscribe(realFailoverTimeout(3));
  const Offer offer = framework.offer();
  const std::string task = uniqueId("task");
  framework.accept({offer}, {commandTask(offer, task, "exec sleep 1000")});
  framework.statusUntil(task, TASK_RUNNING);
  for (int time = 0; time < 2; ++time) {
    framework.disconnect();
    awaitDisconnection(framework.id());
    std::this_thread::sleep_for(Timeout(1700));
    framework.resubscribe();
  }
  SchedulerCall reconcile;
  reconcile.set_type(SchedulerCall::RECONCILE);
  reconcile.mutable_reconcile();
  framework.send(reconcile);
  EXPECT_EQ(framework.status(task).state(), TASK_RUNNING);
}

TEST_P(Failover, C049_RemovesWhomDoesNotComeBackAndNotBefore) {
  TestFramework framework = subscribe(realFailoverTimeout(1.5));
  const auto left = Clock::now();
  framework.disconnect();
  awaitCompletion(framework.id(), Timeout(8000));
  EXPECT_GE(Clock::now() - left, Timeout(1500));
}

TEST_P(Failover, C050_DeliversAfterwardsWhatHappenedWhileNobodyListened) {
  TestFramework framework = subscribe(realFailoverTimeout(1000));
  const Offer offer = framework.offer();
  const std::string executorId = uniqueId("executor");
  const TaskInfo task = executorTask(offer, uniqueId("task"), executorId);
  framework.accept({offer}, {task});
  TestExecutor executor = executorOf(framework, offer, executorId);
  executor.subscribe();
  executor.stream().next(ExecutorEvent::LAUNCH);

  framework.disconnect();
  awaitDisconnection(framework.id());
  const TaskStatus running = executor.update(task.task_id(), TASK_RUNNING);
  const TaskStatus finished = executor.update(task.task_id(), TASK_FINISHED);
  // The agent keeps them for the framework.
  executor.stream().next(ExecutorEvent::ACKNOWLEDGED);
  executor.stream().next(ExecutorEvent::ACKNOWLEDGED);
  framework.resubscribe();
  EXPECT_EQ(framework.status(task.task_id().value()).uuid(), running.uuid());
  EXPECT_EQ(framework.status(task.task_id().value()).uuid(), finished.uuid());
}

TEST_P(Failover, C051_TearsDownTasksAndReturnsTheirResources) {
  TestFramework framework = subscribe(realFailoverTimeout(1000));
  const Offer offer = framework.offer();
  const std::string executorId = uniqueId("executor");
  const TaskInfo task = executorTask(offer, uniqueId("task"), executorId);
  framework.accept({offer}, {task}, 1000 * environment().timeScale);
  TestExecutor executor = executorOf(framework, offer, executorId);
  executor.subscribe();
  executor.update(task.task_id(), TASK_RUNNING);
  framework.statusUntil(task.task_id().value(), TASK_RUNNING);

  framework.teardown();
  // Nothing is said about tasks, executors or offers (fact S54).
  while (const auto event = framework.stream().nextOrEnd(Timeout(5000))) {
    EXPECT_NE(event->type(), SchedulerEvent::UPDATE) << event->ShortDebugString();
    EXPECT_NE(event->type(), SchedulerEvent::FAILURE) << event->ShortDebugString();
    EXPECT_NE(event->type(), SchedulerEvent::RESCIND) << event->ShortDebugString();
  }
  executor.stream().next(ExecutorEvent::SHUTDOWN);
  EXPECT_EQ(stateOf(framework.id()).where, Where::Completed);

  TestFramework heir = subscribe();
  EXPECT_EQ(Resources(heir.offer().resources()), Resources(offer.resources()));
}

}  // namespace
}  // namespace mesos::conformance
