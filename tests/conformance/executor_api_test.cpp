// Section 9 of the scenarios: the executor API of an agent.
#include "conformance/launching.hpp"

namespace mesos::conformance {
namespace {

class ExecutorApi : public PlayedScenario {
 protected:
  static constexpr char kPath[] = "/api/v1/executor";

  ExecutorCall callOf(ExecutorCall::Type type, const std::string& frameworkId,
                      const std::string& executorId) const {
    ExecutorCall call;
    call.set_type(type);
    call.mutable_framework_id()->set_value(frameworkId);
    call.mutable_executor_id()->set_value(executorId);
    if (type == ExecutorCall::SUBSCRIBE) call.mutable_subscribe();
    return call;
  }
  protocol::Response answerTo(const protocol::Address& agent, const ExecutorCall& call) const {
    return fetch(agent, postOf(kPath, GetParam(), call, call.has_subscribe()));
  }
};
BOTH_ENCODINGS(ExecutorApi);

ExecutorCall messageCall(const std::string& data) {
  ExecutorCall call;
  call.set_type(ExecutorCall::MESSAGE);
  call.mutable_message()->set_data(data);
  return call;
}

const std::string& executorIdOf(const TaskInfo& task) {
  return task.executor().executor_id().value();
}

TEST_P(ExecutorApi, C109_RefusesASubscriptionOfNobody) {
  TestFramework framework = subscribe();
  const auto agent = agentOf(framework.offer());
  const auto stranger = answerTo(agent, callOf(ExecutorCall::SUBSCRIBE, "no-framework", "e"));
  EXPECT_EQ(stranger.status, 400);
  EXPECT_EQ(stranger.body, "Framework cannot be found");
}

TEST_P(ExecutorApi, C109_RefusesASubscriptionOfAnUnknownExecutor) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  const auto agent = agentOf(launched.offer);
  eventually("400 for an executor that was not launched", [&] {
    const auto call = callOf(ExecutorCall::SUBSCRIBE, framework.id().value(), "no-executor");
    const auto response = answerTo(agent, call);
    return response.status == 400 && response.body == "Executor cannot be found";
  });
}

TEST_P(ExecutorApi, C110_RefusesUpdatesAndMessagesBeforeTheSubscription) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = executorOf(framework, launched);
  const TaskStatus status = executor.makeUpdate(launched.task.task_id(), TASK_RUNNING);
  eventually("the agent knows the executor",
             [&] { return executor.sendUpdate(status).status == 403; });
  EXPECT_EQ(executor.sendUpdate(status).body, "Executor is not subscribed");
  EXPECT_EQ(executor.call(messageCall("m")).status, 403);
}

TEST_P(ExecutorApi, C111_RefusesMalformedUpdates) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  const std::vector<std::pair<const char*, std::function<void(TaskStatus&)>>> faults = {
      {"no uuid", [](TaskStatus& status) { status.clear_uuid(); }},
      {"short uuid", [](TaskStatus& status) { status.set_uuid("short"); }},
      {"no source", [](TaskStatus& status) { status.clear_source(); }},
      {"source AGENT", [](TaskStatus& status) { status.set_source(TaskStatus::SOURCE_AGENT); }},
      {"source MASTER", [](TaskStatus& status) { status.set_source(TaskStatus::SOURCE_MASTER); }},
      {"STAGING", [](TaskStatus& status) { status.set_state(TASK_STAGING); }},
      {"another executor's",
       [](TaskStatus& status) { status.mutable_executor_id()->set_value("other"); }}};
  for (const auto& [what, commit] : faults) {
    SCOPED_TRACE(what);
    TaskStatus status = executor.makeUpdate(launched.task.task_id(), TASK_RUNNING);
    commit(status);
    EXPECT_EQ(executor.sendUpdate(status).status, 400);
  }
  const TaskStatus good = executor.update(launched.task.task_id(), TASK_RUNNING);
  EXPECT_EQ(framework.status(launched.id()).uuid(), good.uuid());
}

TEST_P(ExecutorApi, C112_DropsAnUpdateThatNamesAnotherAgent) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  executor.update(launched.task.task_id(), TASK_RUNNING,
                  [](TaskStatus& status) { status.mutable_agent_id()->set_value("other"); });
  const TaskStatus good = executor.update(
      launched.task.task_id(), TASK_FINISHED,
      [&](TaskStatus& status) { *status.mutable_agent_id() = launched.offer.agent_id(); });
  EXPECT_EQ(framework.status(launched.id()).uuid(), good.uuid());
}

TEST_P(ExecutorApi, C113_AnswersAHeartbeatOfAnybody) {
  TestFramework framework = subscribe();
  const auto agent = agentOf(framework.offer());
  EXPECT_EQ(answerTo(agent, callOf(ExecutorCall::HEARTBEAT, "nobody", "nothing")).status, 202);
}

TEST_P(ExecutorApi, C114_BeginsWithSubscribedThenTheTasksInOrder) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const std::string executorId = uniqueId("executor");
  std::vector<TaskInfo> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(executorTask(offer, uniqueId("task"), executorId));
    tasks.back().set_data(std::string("d\0", 2) + std::to_string(i));
  }
  framework.accept({offer}, tasks);
  TestExecutor executor = executorOf(framework, {offer, tasks[0]});
  executor.subscribe();
  const auto first = executor.stream().nextOrEnd(Timeout(5000));
  ASSERT_TRUE(first);
  ASSERT_EQ(first->type(), ExecutorEvent::SUBSCRIBED) << first->ShortDebugString();
  const auto& subscribed = first->subscribed();
  EXPECT_EQ(subscribed.executor_info().executor_id().value(), executorId);
  EXPECT_EQ(subscribed.executor_info().framework_id().value(), framework.id().value());
  EXPECT_EQ(subscribed.framework_info().id().value(), framework.id().value());
  EXPECT_EQ(subscribed.framework_info().name(), framework.info().name());
  EXPECT_EQ(subscribed.agent_info().id().value(), offer.agent_id().value());
  EXPECT_EQ(subscribed.agent_info().hostname(), offer.hostname());
  EXPECT_EQ(subscribed.container_id().value(),
            executorState(agentOf(offer), framework.id(), executorId)["container"].GetString());
  for (const TaskInfo& task : tasks) {
    const TaskInfo given = awaitLaunch(executor, task.task_id().value());
    EXPECT_EQ(given.data(), task.data());
    EXPECT_EQ(given.executor().framework_id().value(), framework.id().value());
    EXPECT_EQ(given.resources(0).allocation_info().role(), "*");
  }
}

TEST_P(ExecutorApi, C115_KeepsEverythingOfAnExecutorThatReportsBothLists) {
  TestFramework framework = subscribe();
  const Launched first = launch(framework);
  TestExecutor executor = run(framework, first);
  const Launched second =
      launch(framework, [&](TaskInfo& task) { *task.mutable_executor() = first.task.executor(); });
  const TaskInfo given = awaitLaunch(executor, second.id());
  executor.stream().close();

  const TaskStatus finished = executor.makeUpdate(first.task.task_id(), TASK_FINISHED);
  ExecutorCall::Subscribe lists;
  *lists.add_unacknowledged_tasks() = given;
  *lists.add_unacknowledged_updates()->mutable_status() = finished;
  executor.subscribe(lists);
  awaitAcknowledged(executor, finished);
  EXPECT_EQ(framework.status(first.id()).uuid(), finished.uuid());
  framework.expectNoStatus(second.id(), scaled(1));

  executor.stream().close();
  executor.subscribe(lists);  // The update again, as if its acknowledgement had been lost.
  executor.stream().next(ExecutorEvent::SUBSCRIBED);
  executor.update(second.task.task_id(), TASK_RUNNING);
  EXPECT_EQ(framework.status(second.id()).state(), TASK_RUNNING);
}

TEST_P(ExecutorApi, C115_TakesAnUpdateOfBothWaysOnce) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  const TaskStatus running = executor.update(launched.task.task_id(), TASK_RUNNING);
  EXPECT_EQ(framework.status(launched.id()).uuid(), running.uuid());
  executor.stream().close();
  ExecutorCall::Subscribe lists;
  *lists.add_unacknowledged_updates()->mutable_status() = running;
  executor.subscribe(lists);
  awaitAcknowledged(executor, running);
  framework.expectNoStatus(launched.id(), scaled(3));
}

TEST_P(ExecutorApi, C116_DropsAStagingTaskThatTheExecutorDoesNotReport) {
  for (const bool aware : {true, false}) {
    TestFramework framework = subscribe(aware ? partitionAware() : FrameworkInfo());
    const Launched launched = launch(framework);
    TestExecutor executor = play(framework, launched);
    executor.stream().close();
    executor.subscribe();
    const TaskStatus status = framework.status(launched.id());
    EXPECT_EQ(status.state(), aware ? TASK_DROPPED : TASK_LOST);
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_AGENT_RESTARTED);
    EXPECT_EQ(status.message(), "Task launched during agent restart");
    EXPECT_EQ(status.uuid().size(), 16u);
  }
}

TEST_P(ExecutorApi, C117_DoesNotMindABrokenStream) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  executor.stream().close();
  framework.stream().expectNone(
      [](const SchedulerEvent& event) { return event.has_update() || event.has_failure(); },
      scaled(6));
  reconcile(framework, {{launched.id()}});
  EXPECT_EQ(framework.status(launched.id()).state(), TASK_RUNNING);
  // Its calls count without a stream.
  executor.update(launched.task.task_id(), TASK_FINISHED);
  EXPECT_EQ(framework.status(launched.id()).state(), TASK_FINISHED);
}

TEST_P(ExecutorApi, C117_ClosesTheOldStreamOfAnExecutorThatSubscribesAgain) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  TestExecutor again = executorOf(framework, launched);
  again.subscribe();
  again.stream().next(ExecutorEvent::SUBSCRIBED);
  EXPECT_TRUE(executor.stream().ends(Timeout(5000)));
  framework.kill(launched.id());
  again.stream().next(ExecutorEvent::KILL);
}

TEST_P(ExecutorApi, C121_CarriesMessagesBothWays) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  const std::string data("\0\x01 caf\xc3\xa9 \xff\0", 11);
  EXPECT_EQ(executor.call(messageCall(data)).status, 202);
  const auto up = framework.event(SchedulerEvent::MESSAGE).message();
  EXPECT_EQ(up.data(), data);
  EXPECT_EQ(up.agent_id().value(), launched.offer.agent_id().value());
  EXPECT_EQ(up.executor_id().value(), executorIdOf(launched.task));

  SchedulerCall down = callWith(SchedulerCall::MESSAGE);
  *down.mutable_message()->mutable_agent_id() = launched.offer.agent_id();
  *down.mutable_message()->mutable_executor_id() = launched.task.executor().executor_id();
  down.mutable_message()->set_data(data);
  framework.send(down);
  EXPECT_EQ(executor.stream().next(ExecutorEvent::MESSAGE).message().data(), data);
}

TEST_P(ExecutorApi, C121_DropsAMessageToAnExecutorThatIsNotSubscribed) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  SchedulerCall down = callWith(SchedulerCall::MESSAGE);
  *down.mutable_message()->mutable_agent_id() = launched.offer.agent_id();
  *down.mutable_message()->mutable_executor_id() = launched.task.executor().executor_id();
  down.mutable_message()->set_data("lost");
  framework.send(down);
  TestExecutor executor = executorOf(framework, launched);
  executor.subscribe();
  awaitLaunch(executor, launched.id());
  executor.stream().expectNone(
      [](const ExecutorEvent& event) { return event.type() == ExecutorEvent::MESSAGE; }, scaled(2));
}

}  // namespace
}  // namespace mesos::conformance
