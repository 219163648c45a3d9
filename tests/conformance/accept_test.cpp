// Section 6 of the scenarios: what becomes of the offers and tasks of an ACCEPT.
#include "conformance/launching.hpp"

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

class Accept : public PlayedScenario {};
BOTH_ENCODINGS(Accept);

constexpr char kInvalidOffers[] = "Task launched with invalid offers: ";

OfferID noSuchOffer() {
  OfferID id;
  id.set_value("no-such-offer");
  return id;
}

/// The answer to a task that was launched on offers that do not do (fact A3).
void expectInvalidOffers(TestFramework& framework, const TaskInfo& task, TaskState state) {
  const TaskStatus status = framework.status(task.task_id().value());
  EXPECT_EQ(status.state(), state);
  EXPECT_EQ(status.source(), TaskStatus::SOURCE_MASTER);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_INVALID_OFFERS);
  EXPECT_EQ(status.message().find(kInvalidOffers), 0u) << status.message();
  EXPECT_EQ(status.agent_id().value(), task.agent_id().value());
  EXPECT_FALSE(status.has_uuid());
}

/// The next offer comes at the next tick: no filter was made (fact O21). Nobody rescinded anything.
Offer expectWholeOfferAgain(TestFramework& framework, const Offer& whole) {
  const Offer again = framework.offer(scaled(2) + kBusy);
  EXPECT_EQ(Resources(again.resources()), Resources(whole.resources()));
  EXPECT_TRUE(framework.rescinded().empty());
  return again;
}

TEST_P(Accept, C072_DropsTasksThatComeWithoutOffers) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
  framework.accept({}, {task});
  expectInvalidOffers(framework, task, TASK_LOST);
}

TEST_P(Accept, C072_DropsTasksOfAPartitionAwareFrameworkByItsOwnState) {
  TestFramework framework = subscribe(partitionAware());
  const Offer offer = framework.offer();
  const TaskInfo first = commandTask(offer, uniqueId("task"), "exit 0");
  const TaskInfo second = commandTask(offer, uniqueId("task"), "exit 0");
  accept(framework, {}, {launchOf({first}), launchOf({second})});
  expectInvalidOffers(framework, first, TASK_DROPPED);
  expectInvalidOffers(framework, second, TASK_DROPPED);
}

TEST_P(Accept, C073_ConsumesAnOfferThatIsGivenTwice) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
  accept(framework, {offer.id(), offer.id()}, {launchOf({task})}, endless());
  expectInvalidOffers(framework, task, TASK_LOST);
  expectWholeOfferAgain(framework, offer);
}

TEST_P(Accept, C073_ConsumesAGoodOfferBesideAStaleOne) {
  TestFramework framework = subscribe(partitionAware());
  const Offer offer = framework.offer();
  const TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
  accept(framework, {offer.id(), noSuchOffer()}, {launchOf({task})}, endless());
  expectInvalidOffers(framework, task, TASK_DROPPED);
  expectWholeOfferAgain(framework, offer);
  // The offer is as stale as the other one from now on.
  framework.accept({offer}, {task});
  expectInvalidOffers(framework, task, TASK_DROPPED);
}

TEST_P(Accept, C073_ConsumesAnotherFrameworksOffer) {
  TestFramework owner = subscribe();
  const Offer offer = owner.offer();
  TestFramework thief = subscribe();
  suppress(thief);
  const TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
  accept(thief, {offer.id()}, {launchOf({task})}, endless());
  expectInvalidOffers(thief, task, TASK_LOST);
  expectWholeOfferAgain(owner, offer);
  owner.accept({offer}, {task});
  expectInvalidOffers(owner, task, TASK_LOST);
}

TEST_P(Accept, C073_LooksAtTheOffersBeforeTheOperations) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
  task.mutable_resources(0)->mutable_scalar()->set_value(-1);
  accept(framework, {noSuchOffer()}, {launchOf({task})});
  expectInvalidOffers(framework, task, TASK_LOST);
}

TEST_P(Accept, C083_RefusesALaunchWithAnOperationId) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const TaskInfo first = commandTask(offer, uniqueId("task"), "exit 0");
  const TaskInfo second = commandTask(offer, uniqueId("task"), "exit 0");
  const TaskInfo other = commandTask(offer, uniqueId("task"), "exit 0");
  Offer::Operation named = launchOf({first, second});
  named.mutable_id()->set_value("operation");
  accept(framework, {offer.id()}, {named, launchOf({other})});
  for (const TaskInfo& task : {first, second}) {
    const TaskStatus status = framework.status(task.task_id().value());
    EXPECT_EQ(status.state(), TASK_ERROR);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_TASK_INVALID);
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_MASTER);
  }
  framework.statusUntil(other.task_id().value(), TASK_FINISHED);
}

TEST_P(Accept, C087_OffersTheRemainderAtTheNextTickWithoutAFilter) {
  TestFramework framework = subscribe();
  const Offer whole = framework.offer();
  const TaskInfo task = executorTask(whole, uniqueId("task"), uniqueId("executor"));
  framework.accept({whole}, {task}, 0);
  const Offer rest = framework.offer(scaled(2) + kBusy);
  EXPECT_EQ(Resources(rest.resources()) + Resources(task.resources()),
            Resources(whole.resources()));
}

TEST_P(Accept, C087_OffersTheRemainderAfterFiveSecondsByDefault) {
  TestFramework framework = subscribe();
  const Offer whole = framework.offer();
  const TaskInfo task = executorTask(whole, uniqueId("task"), uniqueId("executor"));
  const auto before = Clock::now();
  framework.accept({whole}, {task}, std::nullopt);
  const Offer rest = framework.offer(scaled(7) + kBusy);
  EXPECT_GE(Clock::now() - before, scaled(5));
  EXPECT_EQ(Resources(rest.resources()) + Resources(task.resources()),
            Resources(whole.resources()));
}

TEST_P(Accept, C087_NamesTheFrameworksExecutorsInTheOffer) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  const Offer rest = framework.offer(scaled(2) + kBusy);
  ASSERT_EQ(rest.executor_ids_size(), 1);
  EXPECT_EQ(rest.executor_ids(0).value(), launched.task.executor().executor_id().value());
}

TEST(Accounting, C088_AddsAThousandFractionsWithoutDrift) {
  TestFramework framework(environment().master, Encoding::Protobuf, {});
  const Offer whole = framework.offer();
  const Resources all(whole.resources());
  const std::string executorId = uniqueId("executor");
  ExecutorID id;
  id.set_value(executorId);
  TestExecutor executor(agentOf(whole), Encoding::Protobuf, framework.id(), id);
  Offer offer = whole;
  constexpr int kRounds = 84;
  constexpr int kTasks = 12;  // Six of 0.1 and six of 0.2: in binary their sum is not 1.8.
  for (int round = 0; round < kRounds; ++round) {
    std::vector<TaskInfo> tasks;
    for (int i = 0; i < kTasks; ++i) {
      tasks.push_back(executorTask(offer, uniqueId("task"), executorId,
                                   i % 2 == 0 ? "cpus:0.1;mem:0.1" : "cpus:0.2;mem:0.2"));
    }
    // Nothing but the whole is offered again: what is freed makes the offer bigger (fact O22).
    framework.accept({offer}, tasks, endless());
    const auto agent = agentState(environment().master, offer.agent_id());
    ASSERT_EQ(agent["used_resources"]["cpus"].GetDouble(), 1.8);
    ASSERT_EQ(agent["used_resources"]["mem"].GetDouble(), 1.8);
    if (round == 0) executor.subscribe();
    for (const TaskInfo& task : tasks) awaitLaunch(executor, task.task_id().value());
    for (const TaskInfo& task : tasks) executor.update(task.task_id(), TASK_FINISHED);
    for (const TaskInfo& task : tasks) framework.status(task.task_id().value());
    while (Resources((offer = framework.offer(scaled(2) + kBusy)).resources()) != all) {
      framework.decline(offer, endless());
    }
  }
  const auto agent = agentState(environment().master, offer.agent_id());
  EXPECT_EQ(agent["used_resources"]["cpus"].GetDouble(), 0.0);
}

TEST_P(Accept, C089_ShowsAnAcceptedTaskAsStagingAtOnce) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  const auto task = taskState(master(), framework.id(), launched.id());
  ASSERT_TRUE(task.IsObject());
  EXPECT_STREQ(task["state"].GetString(), "TASK_STAGING");
  EXPECT_EQ(task["executor_id"].GetString(), launched.task.executor().executor_id().value());

  reconcile(framework, {{launched.id()}});
  const TaskStatus status = framework.status(launched.id());
  EXPECT_EQ(status.state(), TASK_STAGING);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_RECONCILIATION);
  EXPECT_EQ(status.agent_id().value(), launched.offer.agent_id().value());
  EXPECT_EQ(status.executor_id().value(), launched.task.executor().executor_id().value());
  EXPECT_FALSE(status.has_uuid());
}

}  // namespace
}  // namespace mesos::conformance
