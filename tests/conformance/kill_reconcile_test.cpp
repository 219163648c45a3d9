// Section 8 of the scenarios: KILL and RECONCILE.
#include "conformance/launching.hpp"

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

class Kill : public PlayedScenario {
 protected:
  /// A command task that has said "ready" in its stdout.
  static Launched launchReady(TestFramework& framework, const std::string& command,
                              const Change& change = {}) {
    const Launched launched = launch(framework, [&](TaskInfo& task) {
      task.clear_executor();
      task.mutable_command()->set_value(command);
      if (change) change(task);
    });
    framework.statusUntil(launched.id(), TASK_RUNNING);
    const auto agent = agentOf(launched.offer);
    awaitFile(agent, sandboxOf(agent, framework.id(), launched.id()) + "/stdout", "ready");
    return launched;
  }
};
BOTH_ENCODINGS(Kill);

class Reconcile : public PlayedScenario {};
BOTH_ENCODINGS(Reconcile);

constexpr char kIgnoresTerm[] = "trap '' TERM; echo ready; exec sleep 1000";

FrameworkInfo knowingKilling() {
  FrameworkInfo info;
  info.add_capabilities()->set_type(FrameworkInfo::Capability::TASK_KILLING_STATE);
  return info;
}

TEST_P(Kill, C099_TerminatesACommandTaskBySigterm) {
  TestFramework framework = subscribe();
  const Launched launched =
      launchReady(framework, "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done",
                  [](TaskInfo& task) {  // More than the shell takes on a busy machine.
                    auto& grace = *task.mutable_kill_policy()->mutable_grace_period();
                    grace.set_nanoseconds(60'000'000'000);
                  });
  framework.kill(launched.id());
  const TaskStatus killed = framework.status(launched.id(), true, kBusy);
  EXPECT_EQ(killed.state(), TASK_KILLED);
  EXPECT_EQ(killed.source(), TaskStatus::SOURCE_EXECUTOR);
  EXPECT_FALSE(killed.has_reason());
  EXPECT_EQ(killed.message(), "Command exited with status 7");
}

TEST_P(Kill, C099_SaysKillingToAFrameworkThatKnowsIt) {
  TestFramework framework = subscribe(knowingKilling());
  const Launched launched = launchReady(framework, "echo ready; exec sleep 1000");
  framework.kill(launched.id());
  EXPECT_EQ(framework.status(launched.id()).state(), TASK_KILLING);
  const TaskStatus killed = framework.status(launched.id());
  EXPECT_EQ(killed.state(), TASK_KILLED);
  EXPECT_EQ(killed.message(), "Command terminated with signal Terminated");
}

TEST_P(Kill, C099_KillsByForceAfterTheGracePeriod) {
  TestFramework framework = subscribe();
  const Launched launched = launchReady(framework, kIgnoresTerm);
  const auto before = Clock::now();
  framework.kill(launched.id());
  const TaskStatus killed = framework.status(launched.id(), true, scaled(3) + kBusy);
  EXPECT_GE(Clock::now() - before, scaled(3));
  EXPECT_EQ(killed.state(), TASK_KILLED);
  EXPECT_EQ(killed.message(), "Command terminated with signal Killed");
}

TEST_P(Kill, C100_WaitsForTheTasksOwnGraceWhateverTheKillSays) {
  if (environment().has.contains("http_command_executor")) {
    GTEST_SKIP() << "needs: a cluster without http_command_executor";
  }
  TestFramework framework = subscribe();
  const Launched launched = launchReady(framework, kIgnoresTerm, [](TaskInfo& task) {
    task.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(8'000'000'000);
  });
  const auto before = Clock::now();
  killWith(framework, launched.id(), [](SchedulerCall::Kill& kill) {
    kill.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(0);
  });
  const TaskStatus killed = framework.status(launched.id(), true, scaled(8) + kBusy);
  EXPECT_GE(Clock::now() - before, scaled(8));
  EXPECT_EQ(killed.state(), TASK_KILLED);
}

TEST_P(Kill, C100_LetsTheKillOverrideTheTasksGrace) {
  NEEDS("http_command_executor");
  TestFramework framework = subscribe();
  const Launched launched = launchReady(framework, kIgnoresTerm, [](TaskInfo& task) {
    task.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(600'000'000'000);
  });
  killWith(framework, launched.id(), [](SchedulerCall::Kill& kill) {
    kill.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(0);
  });
  EXPECT_EQ(framework.status(launched.id(), true, kBusy).state(), TASK_KILLED);
}

TEST_P(Kill, C100_HandsTheKillsPolicyToACustomExecutor) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  framework.kill(launched.id());
  const auto plain = executor.stream().next(ExecutorEvent::KILL).kill();
  EXPECT_EQ(plain.task_id().value(), launched.id());
  EXPECT_FALSE(plain.has_kill_policy());
  killWith(framework, launched.id(), [](SchedulerCall::Kill& kill) {
    kill.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(123);
  });
  const auto withPolicy = executor.stream().next(ExecutorEvent::KILL).kill();
  EXPECT_EQ(withPolicy.kill_policy().grace_period().nanoseconds(), 123);
  executor.update(launched.task.task_id(), TASK_KILLED);
  EXPECT_EQ(framework.status(launched.id()).state(), TASK_KILLED);
}

TEST_P(Kill, C101_KillsATaskThatItsExecutorNeverGot) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  framework.kill(launched.id());
  const TaskStatus killed = framework.status(launched.id());
  EXPECT_EQ(killed.state(), TASK_KILLED);
  EXPECT_EQ(killed.source(), TaskStatus::SOURCE_AGENT);
  EXPECT_EQ(killed.reason(), TaskStatus::REASON_TASK_KILLED_DURING_LAUNCH);
  EXPECT_EQ(killed.message(), "Killed before delivery to the executor");
  EXPECT_EQ(killed.executor_id().value(), launched.task.executor().executor_id().value());
  EXPECT_EQ(killed.uuid().size(), 16u);

  TestExecutor executor = executorOf(framework, launched);
  executor.subscribe();
  const auto first = executor.stream().nextOrEnd(Timeout(5000));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type(), ExecutorEvent::SHUTDOWN) << first->ShortDebugString();
  // The process is killed after the grace.
  const auto failure = framework.event(SchedulerEvent::FAILURE, scaled(5) + kBusy).failure();
  EXPECT_EQ(failure.status(), 9);
}

TEST_P(Kill, C101_DeliversTheOtherTasksOfTheExecutor) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const std::string executorId = uniqueId("executor");
  const TaskInfo doomed = executorTask(offer, uniqueId("task"), executorId);
  const TaskInfo other = executorTask(offer, uniqueId("task"), executorId);
  framework.accept({offer}, {doomed, other});
  framework.kill(doomed.task_id().value());
  EXPECT_EQ(framework.status(doomed.task_id().value()).state(), TASK_KILLED);
  TestExecutor executor = executorOf(framework, {offer, other});
  executor.subscribe();
  executor.stream().next(ExecutorEvent::SUBSCRIBED);
  awaitLaunch(executor, other.task_id().value());
}

struct UnknownTask {
  const char* what;
  std::string agentId;
  TaskState aware;
};

std::vector<UnknownTask> unknownTasks(const AgentID& registered) {
  return {{"registered agent", registered.value(), TASK_GONE},
          {"unknown agent", "no-such-agent", TASK_UNKNOWN},
          {"no agent", "", TASK_UNKNOWN}};
}

/// What is said of a task that nobody knows (facts C12-C16).
void expectUnknown(const TaskStatus& status, const UnknownTask& unknown, TaskState state) {
  EXPECT_EQ(status.state(), state);
  EXPECT_EQ(status.source(), TaskStatus::SOURCE_MASTER);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_RECONCILIATION);
  EXPECT_EQ(status.agent_id().value(), unknown.agentId);
  EXPECT_EQ(status.has_agent_id(), !unknown.agentId.empty());
  EXPECT_FALSE(status.has_uuid());
}

TEST_P(Kill, C102_AnswersTheKillOfAnUnknownTask) {
  for (const bool aware : {true, false}) {
    TestFramework framework = subscribe(aware ? partitionAware() : FrameworkInfo());
    for (const UnknownTask& unknown : unknownTasks(framework.offer().agent_id())) {
      SCOPED_TRACE(unknown.what);
      const std::string taskId = uniqueId("ghost");
      killWith(framework, taskId, [&](SchedulerCall::Kill& kill) {
        if (!unknown.agentId.empty()) kill.mutable_agent_id()->set_value(unknown.agentId);
      });
      expectUnknown(framework.status(taskId), unknown, aware ? unknown.aware : TASK_LOST);
    }
  }
}

TEST_P(Reconcile, C102_AnswersForAnUnknownTask) {
  for (const bool aware : {true, false}) {
    TestFramework framework = subscribe(aware ? partitionAware() : FrameworkInfo());
    for (const UnknownTask& unknown : unknownTasks(framework.offer().agent_id())) {
      SCOPED_TRACE(unknown.what);
      const std::string taskId = uniqueId("ghost");
      reconcile(framework, {{taskId, unknown.agentId}});
      expectUnknown(framework.status(taskId), unknown, aware ? unknown.aware : TASK_LOST);
    }
  }
}

TEST_P(Reconcile, C102_KnowsACompletedTaskNoMore) {
  TestFramework framework = subscribe(partitionAware());
  const Offer offer = framework.offer();
  const TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
  framework.accept({offer}, {task});
  framework.statusUntil(task.task_id().value(), TASK_FINISHED);
  reconcile(framework, {{task.task_id().value(), offer.agent_id().value()}});
  EXPECT_EQ(framework.status(task.task_id().value()).state(), TASK_GONE);
  reconcile(framework, {{task.task_id().value()}});
  EXPECT_EQ(framework.status(task.task_id().value()).state(), TASK_UNKNOWN);
}

TEST_P(Kill, C103_IgnoresAKillThatNamesAnotherAgent) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  killWith(framework, launched.id(),
           [](SchedulerCall::Kill& kill) { kill.mutable_agent_id()->set_value("other"); });
  executor.stream().expectNone(
      [](const ExecutorEvent& event) { return event.type() == ExecutorEvent::KILL; }, scaled(2));
  framework.expectNoStatus(launched.id(), scaled(1));
  killWith(framework, launched.id(), [&](SchedulerCall::Kill& kill) {
    *kill.mutable_agent_id() = launched.offer.agent_id();
  });
  executor.stream().next(ExecutorEvent::KILL);
}

/// The next status that the master made up: an agent's unacknowledged one may be repeated before.
TaskStatus answerFor(TestFramework& framework, const std::string& taskId) {
  while (true) {
    TaskStatus status = framework.status(taskId, false);
    if (!status.has_uuid()) return status;
  }
}

void expectLatestState(const TaskStatus& status, TaskState state) {
  EXPECT_EQ(status.state(), state);
  EXPECT_EQ(status.source(), TaskStatus::SOURCE_MASTER);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_RECONCILIATION);
  EXPECT_EQ(status.message(), "Reconciliation: Latest task state");
  EXPECT_FALSE(status.has_uuid());
  EXPECT_FALSE(status.has_data());
}

TEST_P(Reconcile, C104_TellsNothingWhenThereAreNoTasks) {
  TestFramework framework = subscribe();
  reconcile(framework, {});
  framework.stream().expectNone([](const SchedulerEvent& event) { return event.has_update(); },
                                scaled(3));
}

TEST_P(Reconcile, C104_TellsTheStateOfEveryTask) {
  TestFramework framework = subscribe();
  const Launched staging = launch(framework);
  const Launched running = launch(framework);
  run(framework, running);
  const Launched finished = launch(framework, [](TaskInfo& task) {
    task.clear_executor();
    task.mutable_command()->set_value("exit 0");
  });
  framework.status(finished.id());  // STARTING and RUNNING; the end stays unacknowledged.
  framework.status(finished.id());
  EXPECT_EQ(framework.status(finished.id(), false).state(), TASK_FINISHED);
  reconcile(framework, {});
  expectLatestState(framework.status(staging.id()), TASK_STAGING);
  expectLatestState(framework.status(running.id()), TASK_RUNNING);
  const TaskStatus last = answerFor(framework, finished.id());
  expectLatestState(last, TASK_FINISHED);
  EXPECT_FALSE(last.has_executor_id());
  EXPECT_TRUE(last.has_container_status());
}

TEST_P(Reconcile, C104_DoesNotNoticeAWrongAgentBesideAKnownTask) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  run(framework, launched);
  reconcile(framework, {{launched.id(), "other"}});
  const TaskStatus status = framework.status(launched.id());
  expectLatestState(status, TASK_RUNNING);
  EXPECT_EQ(status.agent_id().value(), launched.offer.agent_id().value());
}

TEST_P(Reconcile, C105_TellsTheStateThatWasLastForwarded) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  executor.update(launched.task.task_id(), TASK_RUNNING);
  EXPECT_EQ(framework.status(launched.id(), false).state(), TASK_RUNNING);
  awaitAcknowledged(executor, executor.update(launched.task.task_id(), TASK_FINISHED));
  // Also once the master knows the end: it learns it with the repeated RUNNING.
  framework.status(launched.id(), false, scaled(10) + kBusy);
  ASSERT_STREQ(taskState(master(), framework.id(), launched.id())["state"].GetString(),
               "TASK_FINISHED");
  reconcile(framework, {{launched.id()}});
  expectLatestState(answerFor(framework, launched.id()), TASK_RUNNING);
}

}  // namespace
}  // namespace mesos::conformance
