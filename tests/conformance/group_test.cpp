// LAUNCH_GROUP (scenario 86 and facts 8.2), with a custom executor that the test plays.
#include "conformance/launching.hpp"

namespace mesos::conformance {
namespace {

class Group : public PlayedScenario {
 protected:
  /// LAUNCH_GROUP of these tasks with the executor's minimum (fact L31).
  static Offer::Operation groupOf(const TestFramework& framework, const Offer& offer,
                                  const std::string& executorId,
                                  const std::vector<TaskInfo>& tasks) {
    Offer::Operation operation;
    operation.set_type(Offer::Operation::LAUNCH_GROUP);
    ExecutorInfo& executor = *operation.mutable_launch_group()->mutable_executor();
    executor.set_type(ExecutorInfo::CUSTOM);
    executor.mutable_executor_id()->set_value(executorId);
    *executor.mutable_framework_id() = framework.id();
    executor.mutable_command()->set_value("exec sleep 1000");
    *executor.mutable_resources() =
        makeTask(offer, "unused", "cpus:0.1;mem:32;disk:32").resources();
    for (const TaskInfo& task : tasks) {
      *operation.mutable_launch_group()->mutable_task_group()->add_tasks() = task;
    }
    return operation;
  }
  static TaskInfo member(const Offer& offer, const std::string& id = uniqueId("member")) {
    return makeTask(offer, id, "cpus:0.1;mem:32");
  }
  static void expectRefused(TestFramework& framework, const std::vector<TaskInfo>& tasks) {
    for (const TaskInfo& task : tasks) {
      const TaskStatus status = framework.status(task.task_id().value());
      EXPECT_EQ(status.state(), TASK_ERROR);
      EXPECT_EQ(status.source(), TaskStatus::SOURCE_MASTER);
      EXPECT_EQ(status.reason(), TaskStatus::REASON_TASK_GROUP_INVALID);
      EXPECT_FALSE(status.has_uuid());
    }
  }
};
BOTH_ENCODINGS(Group);

TEST_P(Group, C086_RefusesAllForOneBadTask) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const std::vector<TaskInfo> tasks{member(offer), member(offer, "a/b"), member(offer)};
  accept(framework, {offer.id()}, {groupOf(framework, offer, uniqueId("executor"), tasks)});
  expectRefused(framework, tasks);
  EXPECT_EQ(Resources(framework.offer().resources()), Resources(offer.resources()));
}

TEST_P(Group, C086_RefusesExecutorsThatAreNoGroups) {
  TestFramework framework = subscribe();
  const std::vector<std::function<void(ExecutorInfo&)>> changes{
      [](ExecutorInfo& executor) { executor.clear_type(); },
      [](ExecutorInfo& executor) { executor.clear_framework_id(); },
      [](ExecutorInfo& executor) { executor.clear_command(); },
      [](ExecutorInfo& executor) { executor.clear_resources(); }};
  for (const auto& change : changes) {
    const Offer offer = framework.offer();
    const std::vector<TaskInfo> tasks{member(offer), member(offer)};
    Offer::Operation group = groupOf(framework, offer, uniqueId("executor"), tasks);
    change(*group.mutable_launch_group()->mutable_executor());
    accept(framework, {offer.id()}, {group});
    expectRefused(framework, tasks);
  }
}

TEST_P(Group, C086_DeliversAGroupAtOnce) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const std::vector<TaskInfo> tasks{member(offer), member(offer)};
  const std::string executorId = uniqueId("executor");
  accept(framework, {offer.id()}, {groupOf(framework, offer, executorId, tasks)});
  TestExecutor executor = Scenario::executorOf(framework, offer, executorId);
  executor.subscribe();
  const auto group = executor.stream().next(ExecutorEvent::LAUNCH_GROUP).launch_group();
  ASSERT_EQ(group.task_group().tasks_size(), 2);
  for (int i = 0; i < 2; ++i) {
    const TaskInfo& task = group.task_group().tasks(i);
    EXPECT_EQ(task.task_id().value(), tasks[static_cast<std::size_t>(i)].task_id().value());
    EXPECT_EQ(task.executor().executor_id().value(), executorId);
    executor.update(task.task_id(), TASK_RUNNING);
    framework.statusUntil(task.task_id().value(), TASK_RUNNING);
    executor.update(task.task_id(), TASK_FINISHED);
    framework.statusUntil(task.task_id().value(), TASK_FINISHED);
  }
}

// Fact K13.
TEST_P(Group, C101_KillsAWholeGroupThatIsNotDelivered) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const std::vector<TaskInfo> tasks{member(offer), member(offer)};
  const std::string executorId = uniqueId("executor");
  accept(framework, {offer.id()}, {groupOf(framework, offer, executorId, tasks)});
  framework.kill(tasks[1].task_id().value());
  for (const TaskInfo& task : tasks) {
    const TaskStatus status = framework.status(task.task_id().value());
    EXPECT_EQ(status.state(), TASK_KILLED);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_TASK_KILLED_DURING_LAUNCH);
    EXPECT_FALSE(status.uuid().empty());
  }
  TestExecutor executor = Scenario::executorOf(framework, offer, executorId);
  executor.subscribe();
  executor.stream().next(ExecutorEvent::SHUTDOWN);
}

}  // namespace
}  // namespace mesos::conformance
