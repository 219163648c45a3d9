// Section 7 of the scenarios: status updates, their repetition and their acknowledgement.
#include "conformance/launching.hpp"

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

class Updates : public PlayedScenario {
 protected:
  std::string stateOf(const TestFramework& framework, const std::string& taskId) const {
    const auto task = taskState(master(), framework.id(), taskId);
    return task.IsObject() ? task["state"].GetString() : "";
  }
  bool completed(const TestFramework& framework, const std::string& taskId) const {
    return taskState(master(), framework.id(), taskId, "completed_tasks").IsObject();
  }
};
BOTH_ENCODINGS(Updates);

TEST_P(Updates, C090_RepeatsTheFirstUnacknowledgedUpdateEverMoreSeldom) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  const auto begin = Clock::now();
  const TaskStatus running = executor.update(launched.task.task_id(), TASK_RUNNING);
  const TaskStatus finished = executor.update(launched.task.task_id(), TASK_FINISHED);
  EXPECT_EQ(framework.status(launched.id(), false).uuid(), running.uuid());
  TaskStatus last;
  for (const double seconds : {10, 30, 70}) {
    last = framework.status(launched.id(), false, scaled(seconds) + kBusy);
    EXPECT_EQ(last.uuid(), running.uuid());
    EXPECT_GE(Clock::now() - begin, scaled(seconds));
  }
  framework.acknowledge(last);
  EXPECT_EQ(framework.status(launched.id()).uuid(), finished.uuid());
}

TEST_P(Updates, C091_RepeatsAnUpdateWithTheSameUuidAndTimestamp) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  const TaskStatus sent = executor.update(launched.task.task_id(), TASK_RUNNING,
                                          [](TaskStatus& status) { status.set_data("d"); });
  const TaskStatus first = framework.status(launched.id(), false);
  const TaskStatus second = framework.status(launched.id(), true, scaled(10) + kBusy);
  EXPECT_EQ(first.uuid(), sent.uuid());
  EXPECT_EQ(first.timestamp(), sent.timestamp());
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  framework.expectNoStatus(launched.id(), scaled(25));
}

TEST_P(Updates, C092_IgnoresAcknowledgementsOfOtherUpdates) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  const TaskStatus running = executor.update(launched.task.task_id(), TASK_RUNNING);
  const TaskStatus finished = executor.update(launched.task.task_id(), TASK_FINISHED);
  const TaskStatus first = framework.status(launched.id(), false);
  TaskStatus other = first;
  other.set_uuid(finished.uuid());
  framework.acknowledge(other);
  const TaskStatus repeated = framework.status(launched.id(), false, scaled(10) + kBusy);
  EXPECT_EQ(repeated.uuid(), running.uuid());

  framework.acknowledge(repeated);
  framework.acknowledge(repeated);
  EXPECT_EQ(framework.status(launched.id(), false).uuid(), finished.uuid());
  framework.acknowledge(repeated);
  const TaskStatus again = framework.status(launched.id(), true, scaled(10) + kBusy);
  EXPECT_EQ(again.uuid(), finished.uuid());
  eventually("the task completed", [&] { return completed(framework, launched.id()); });
}

TEST_P(Updates, C093_KeepsAFinishedTaskUntilItsEndIsAcknowledged) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  framework.decline(framework.offer(), endless());
  executor.update(launched.task.task_id(), TASK_FINISHED);
  const TaskStatus finished = framework.status(launched.id(), false);
  EXPECT_EQ(stateOf(framework, launched.id()), "TASK_FINISHED");
  EXPECT_FALSE(completed(framework, launched.id()));
  // Bigger than what was refused, so no filter holds it back (fact O22).
  EXPECT_EQ(Resources(framework.offer(scaled(2) + kBusy).resources()),
            Resources(launched.offer.resources()));

  framework.acknowledge(finished);
  EXPECT_TRUE(completed(framework, launched.id()));
  EXPECT_EQ(stateOf(framework, launched.id()), "");
}

TEST_P(Updates, C093_LearnsOfAnEndBehindAnotherUpdateWhenThatIsRepeated) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  framework.decline(framework.offer(), endless());
  const auto begin = Clock::now();
  executor.update(launched.task.task_id(), TASK_RUNNING);
  EXPECT_EQ(framework.status(launched.id(), false).state(), TASK_RUNNING);
  awaitAcknowledged(executor, executor.update(launched.task.task_id(), TASK_FINISHED));
  const std::string before = stateOf(framework, launched.id());
  const bool repeated = Clock::now() - begin >= scaled(10);
  EXPECT_EQ(before, repeated ? before : "TASK_RUNNING");

  EXPECT_EQ(framework.status(launched.id(), false, scaled(10) + kBusy).state(), TASK_RUNNING);
  EXPECT_EQ(stateOf(framework, launched.id()), "TASK_FINISHED");
  EXPECT_EQ(Resources(framework.offer(scaled(2) + kBusy).resources()),
            Resources(launched.offer.resources()));
}

TEST_P(Updates, C094_SaysWhereAnUpdateComesFrom) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  const TaskStatus sent =
      executor.update(launched.task.task_id(), TASK_RUNNING, [](TaskStatus& status) {
        status.clear_agent_id();
        status.clear_executor_id();
      });
  const TaskStatus status = framework.status(launched.id());
  EXPECT_EQ(status.agent_id().value(), launched.offer.agent_id().value());
  EXPECT_EQ(status.source(), TaskStatus::SOURCE_EXECUTOR);
  EXPECT_EQ(status.timestamp(), sent.timestamp());
  EXPECT_EQ(status.uuid(), sent.uuid());
  // What the executor leaves out stays out (fact U16).
  EXPECT_FALSE(status.has_executor_id());
  EXPECT_FALSE(status.has_reason());
  const auto agent = agentOf(launched.offer);
  const auto state =
      executorState(agent, framework.id(), launched.task.executor().executor_id().value());
  EXPECT_EQ(status.container_status().container_id().value(), state["container"].GetString());
  ASSERT_GE(status.container_status().network_infos_size(), 1);
  EXPECT_EQ(status.container_status().network_infos(0).ip_addresses(0).ip_address(), agent.host);
}

TEST_P(Updates, C095_CarriesDataAndLabelsUnchangedButNotIntoReconciliation) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  const std::string data("\0\xff\x80 data", 8);
  executor.update(launched.task.task_id(), TASK_RUNNING, [&](TaskStatus& status) {
    status.set_data(data);
    status.set_message("m\u00e9ssage");
    status.set_healthy(true);
    auto* label = status.mutable_labels()->add_labels();
    label->set_key("k");
    label->set_value("v");
  });
  const TaskStatus status = framework.status(launched.id());
  EXPECT_EQ(status.data(), data);
  EXPECT_EQ(status.message(), "m\u00e9ssage");
  EXPECT_TRUE(status.healthy());
  ASSERT_EQ(status.labels().labels_size(), 1);
  EXPECT_EQ(status.labels().labels(0).value(), "v");

  reconcile(framework, {{launched.id()}});
  const TaskStatus reconciled = framework.status(launched.id());
  EXPECT_EQ(reconciled.state(), TASK_RUNNING);
  EXPECT_TRUE(reconciled.healthy());
  EXPECT_TRUE(reconciled.has_container_status());
  EXPECT_TRUE(reconciled.has_executor_id());
  EXPECT_FALSE(reconciled.has_data());
  EXPECT_FALSE(reconciled.has_labels());
  EXPECT_FALSE(reconciled.has_uuid());
}

TEST_P(Updates, C096_TakesARepeatedUpdateOnce) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  const TaskStatus running = executor.update(launched.task.task_id(), TASK_RUNNING);
  awaitAcknowledged(executor, running);
  EXPECT_EQ(executor.sendUpdate(running).status, 202);
  awaitAcknowledged(executor, running);
  EXPECT_EQ(framework.status(launched.id()).uuid(), running.uuid());
  EXPECT_EQ(executor.sendUpdate(running).status, 202);
  awaitAcknowledged(executor, running);

  const TaskStatus finished = executor.update(launched.task.task_id(), TASK_FINISHED);
  EXPECT_EQ(framework.status(launched.id()).uuid(), finished.uuid());
  framework.expectNoStatus(launched.id(), scaled(12));
}

TEST_P(Updates, C097_SwallowsUpdatesAfterTheTerminalOneUntilItIsAcknowledged) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  const TaskID& id = launched.task.task_id();
  executor.update(id, TASK_FINISHED);
  awaitAcknowledged(executor, executor.update(id, TASK_FAILED));
  awaitAcknowledged(executor, executor.update(id, TASK_RUNNING));
  EXPECT_EQ(framework.status(launched.id()).state(), TASK_FINISHED);
  framework.expectNoStatus(launched.id(), scaled(2));
}

TEST_P(Updates, C097_ForwardsUpdatesOfAForgottenTaskWithoutAcknowledgingThem) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  const TaskID& id = launched.task.task_id();
  awaitAcknowledged(executor, executor.update(id, TASK_FINISHED));
  EXPECT_EQ(framework.status(launched.id()).state(), TASK_FINISHED);
  // The agent forgets the task a moment after the master has passed the acknowledgement on.
  eventually("no live task of the executor at the agent", [&] {
    const auto state = executorState(agentOf(launched.offer), framework.id(),
                                     launched.task.executor().executor_id().value());
    return state["tasks"].Empty() && !state["completed_tasks"].Empty();
  });

  const TaskStatus late = executor.update(id, TASK_FAILED);
  const TaskStatus forwarded = framework.status(launched.id());
  EXPECT_EQ(forwarded.state(), TASK_FAILED);
  EXPECT_EQ(forwarded.uuid(), late.uuid());
  EXPECT_FALSE(forwarded.has_container_status());
  executor.stream().expectNone(
      [](const ExecutorEvent& event) { return event.type() == ExecutorEvent::ACKNOWLEDGED; },
      scaled(2));
}

}  // namespace
}  // namespace mesos::conformance
