// Agents and masters that come and go: scenarios of sections 5, 7, 8 and 9 of the list that need a
// cluster which fails on request (docs/PROTOCOL.md, POST /local/fail).
#include "conformance/launching.hpp"

#include <mesos/v1/master/master.pb.h>

#include <cstdlib>
#include <thread>

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

/// Longer than a cluster with these flags takes for anything here, on a busy machine.
constexpr Timeout kPatience{30000};

class AgentLoss : public PlayedScenario {
 protected:
  void fail(const std::string& fault) const {
    protocol::Request request;
    request.method = "POST";
    request.target = "/local/fail";
    request.body = "fault=" + fault;
    const auto response = fetch(master(), request);
    if (response.status != 200) throw std::runtime_error(fault + ": " + response.body);
  }
  /// Of a flag that the cluster was started with, such as "30secs".
  static double secondsOf(const std::string& flag) {
    return std::strtod(environment().has.at(flag).c_str(), nullptr);
  }
  /// Pings without answer until an agent is unreachable.
  static double pingLimit() { return 5 * secondsOf("agent_ping_timeout"); }
  static std::string partitionFor(double seconds) {
    return "partition-agent&agent=0&for=" + std::to_string(seconds) + "secs";
  }
  static FrameworkInfo checkpointing(FrameworkInfo info = {}) {
    info.set_checkpoint(true);
    info.set_failover_timeout(10000);
    return info;
  }
  /// The status that a SUBSCRIBE must bring along so that no task is taken for lost (fact X26).
  static ExecutorCall::Subscribe knowing(const Launched& launched) {
    ExecutorCall::Subscribe lists;
    *lists.add_unacknowledged_tasks() = launched.task;
    return lists;
  }
  /// Waits until the master that was started again takes connections.
  void awaitMaster() const {
    eventually(
        "the master listens",
        [&] {
          try {
            return get(master(), "/health").status == 200;
          } catch (const std::runtime_error&) {
            return false;
          }
        },
        kPatience);
  }
  /// Waits until the agent is registered and offered, so that the next scenario finds it.
  void awaitAgent() const {
    eventually(
        "the agent registered",
        [&] {
          const auto slaves = getJson(master(), "/slaves");
          return slaves["slaves"].Size() == 1 && slaves["slaves"][0]["active"].GetBool();
        },
        kPatience);
  }
};
BOTH_ENCODINGS(AgentLoss);

#define NEEDS_FAULTS()         \
  NEEDS("faults");             \
  NEEDS("agent_ping_timeout"); \
  NEEDS("executor_reregistration_timeout")

TEST_P(AgentLoss, C071_RescindsTheOffersOfAnAgentThatGoes) {
  NEEDS_FAULTS();
  TestFramework framework = subscribe();
  const Offer first = framework.offer();
  fail("restart-agent&agent=0");
  const Offer second = framework.offer(kPatience);
  ASSERT_EQ(framework.rescinded().size(), 1u);
  EXPECT_EQ(framework.rescinded()[0].value(), first.id().value());
  EXPECT_EQ(second.agent_id().value(), first.agent_id().value());
}

TEST_P(AgentLoss, C098_DeliversUnacknowledgedUpdatesAfterAnAgentsRestart) {
  NEEDS_FAULTS();
  TestFramework framework = subscribe(checkpointing());
  const Launched launched = launch(framework);
  TestExecutor executor = play(framework, launched);
  const TaskStatus running = executor.update(launched.task.task_id(), TASK_RUNNING);
  executor.stream().next(ExecutorEvent::ACKNOWLEDGED);
  const TaskStatus finished = executor.update(launched.task.task_id(), TASK_FINISHED);
  executor.stream().next(ExecutorEvent::ACKNOWLEDGED);
  EXPECT_EQ(framework.status(launched.id(), false).uuid(), running.uuid());
  fail("restart-agent&agent=0");
  executor.subscribe();
  EXPECT_EQ(framework.status(launched.id(), true, kPatience).uuid(), running.uuid());
  EXPECT_EQ(framework.status(launched.id(), true, kPatience).uuid(), finished.uuid());
}

TEST_P(AgentLoss, C102_TellsOfTasksOnAnUnreachableAgent) {
  NEEDS_FAULTS();
  for (const bool aware : {true, false}) {
    TestFramework framework = subscribe(checkpointing(aware ? partitionAware() : FrameworkInfo()));
    const Launched launched = launch(framework);
    TestExecutor executor = run(framework, launched);
    const std::string& agent = launched.offer.agent_id().value();
    fail(partitionFor(pingLimit() + 20));
    framework.event(SchedulerEvent::FAILURE, kPatience);
    framework.status(launched.id());
    const auto expectAnswer = [&](TaskState state, bool isUnreachable) {
      const TaskStatus status = framework.status(launched.id());
      EXPECT_EQ(status.state(), aware ? state : TASK_LOST);
      EXPECT_EQ(status.source(), TaskStatus::SOURCE_MASTER);
      EXPECT_EQ(status.reason(), TaskStatus::REASON_RECONCILIATION);
      EXPECT_EQ(status.has_unreachable_time(), isUnreachable);
      EXPECT_FALSE(status.has_uuid());
    };
    reconcile(framework, {{launched.id(), agent}});
    expectAnswer(TASK_UNREACHABLE, true);
    reconcile(framework, {{launched.id()}});
    expectAnswer(TASK_UNKNOWN, false);
    killWith(framework, launched.id(),
             [&](SchedulerCall::Kill& kill) { kill.mutable_agent_id()->set_value(agent); });
    expectAnswer(TASK_UNREACHABLE, true);
    framework.kill(launched.id());
    expectAnswer(TASK_UNKNOWN, false);
    EXPECT_EQ(framework.status(launched.id(), true, kPatience).state(), TASK_RUNNING);
  }
}

TEST_P(AgentLoss, C106_IsSilentAboutATaskWhoseAgentIsNotBackYet) {
  NEEDS_FAULTS();
  TestFramework framework = subscribe(checkpointing());
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  fail(partitionFor(pingLimit() / 2));
  fail("failover-master");
  EXPECT_TRUE(framework.stream().ends(Timeout(5000)));
  awaitMaster();
  framework.resubscribe();
  for (const std::string& agent : {launched.offer.agent_id().value(), std::string()}) {
    reconcile(framework, {{launched.id(), agent}});
    reconcile(framework, {{"ghost", agent}});
  }
  framework.expectNoStatus(launched.id(), Timeout(300));
  framework.expectNoStatus("ghost", Timeout(10));
  awaitAgent();
  reconcile(framework, {{launched.id(), launched.offer.agent_id().value()}});
  const TaskStatus status = framework.status(launched.id());
  EXPECT_EQ(status.state(), TASK_RUNNING);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_RECONCILIATION);
}

TEST_P(AgentLoss, C107_LosesAnUnreachableAgentAndTakesItBack) {
  NEEDS_FAULTS();
  for (const bool aware : {true, false}) {
    TestFramework framework = subscribe(aware ? partitionAware() : FrameworkInfo());
    const Launched launched = launch(framework);
    TestExecutor executor = run(framework, launched);
    const auto begin = Clock::now();
    fail(partitionFor(pingLimit() + 10));
    const TaskStatus lost = framework.status(launched.id(), true, kPatience);
    // The last answered ping may have been just before.
    EXPECT_GE(Clock::now() - begin, scaled(pingLimit() - secondsOf("agent_ping_timeout")));
    EXPECT_EQ(lost.state(), aware ? TASK_UNREACHABLE : TASK_LOST);
    EXPECT_EQ(lost.source(), TaskStatus::SOURCE_MASTER);
    EXPECT_EQ(lost.reason(), TaskStatus::REASON_AGENT_REMOVED);
    EXPECT_TRUE(lost.has_unreachable_time());
    EXPECT_TRUE(lost.uuid().empty());
    const auto failure = framework.event(SchedulerEvent::FAILURE);
    EXPECT_EQ(failure.failure().agent_id().value(), launched.offer.agent_id().value());
    EXPECT_FALSE(failure.failure().has_executor_id());

    const TaskStatus running = framework.status(launched.id(), true, kPatience);
    EXPECT_EQ(running.state(), TASK_RUNNING);
    EXPECT_EQ(running.source(), TaskStatus::SOURCE_MASTER);
    EXPECT_EQ(running.reason(), TaskStatus::REASON_AGENT_REREGISTERED);
    EXPECT_TRUE(running.uuid().empty());
    EXPECT_TRUE(executor.update(launched.task.task_id(), TASK_FINISHED).has_uuid());
    EXPECT_EQ(framework.status(launched.id()).state(), TASK_FINISHED);
  }
}

TEST_P(AgentLoss, C108_LosesTasksWithoutCheckpointAsTheConnectionBreaks) {
  NEEDS_FAULTS();
  for (const bool aware : {true, false}) {
    TestFramework framework = subscribe(aware ? partitionAware() : FrameworkInfo());
    const Launched launched = launch(framework);
    TestExecutor executor = run(framework, launched);
    fail("restart-agent&agent=0");
    const TaskStatus lost = framework.status(launched.id());
    EXPECT_EQ(lost.state(), TASK_LOST);
    EXPECT_EQ(lost.source(), TaskStatus::SOURCE_MASTER);
    EXPECT_EQ(lost.reason(), TaskStatus::REASON_AGENT_DISCONNECTED);
    EXPECT_TRUE(lost.uuid().empty());
    EXPECT_TRUE(executor.stream().ends(Timeout(5000)));
    framework.teardown();
    awaitAgent();
  }
}

TEST_P(AgentLoss, C123_KeepsAnExecutorThatSubscribesToTheRestartedAgent) {
  NEEDS_FAULTS();
  TestFramework framework = subscribe(checkpointing());
  const Launched launched = launch(framework);
  TestExecutor executor = executorOf(framework, launched);
  executor.subscribe();
  const auto before = executor.stream().next(ExecutorEvent::SUBSCRIBED);
  awaitLaunch(executor, launched.id());
  fail("restart-agent&agent=0");
  EXPECT_TRUE(executor.stream().ends(Timeout(5000)));
  // Not before it is done (facts X6, X7).
  const TaskStatus early = executor.makeUpdate(launched.task.task_id(), TASK_RUNNING);
  EXPECT_EQ(executor.sendUpdate(early).status, 503);
  ExecutorCall heartbeat;
  heartbeat.set_type(ExecutorCall::HEARTBEAT);
  EXPECT_EQ(executor.call(heartbeat).status, 202);
  executor.subscribe(knowing(launched));
  const auto after = executor.stream().next(ExecutorEvent::SUBSCRIBED);
  EXPECT_EQ(after.subscribed().container_id().value(), before.subscribed().container_id().value());
  awaitAgent();
  executor.update(launched.task.task_id(), TASK_RUNNING);
  EXPECT_EQ(framework.status(launched.id()).state(), TASK_RUNNING);
}

TEST_P(AgentLoss, C123_KillsAnExecutorThatSubscribesTooLate) {
  NEEDS_FAULTS();
  for (const bool aware : {true, false}) {
    TestFramework framework = subscribe(checkpointing(aware ? partitionAware() : FrameworkInfo()));
    const Launched launched = launch(framework);
    TestExecutor executor = run(framework, launched);
    const auto begin = Clock::now();
    fail("restart-agent&agent=0");
    const TaskStatus lost = framework.status(launched.id(), true, kPatience);
    EXPECT_GE(Clock::now() - begin, scaled(secondsOf("executor_reregistration_timeout")));
    EXPECT_EQ(lost.state(), aware ? TASK_GONE : TASK_LOST);
    EXPECT_EQ(lost.source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(lost.reason(), TaskStatus::REASON_EXECUTOR_REREGISTRATION_TIMEOUT);
    EXPECT_FALSE(lost.uuid().empty());
  }
}

/// What an operator decided about an agent outlasts the master that was told, and the agent's
/// process.
TEST_P(AgentLoss, G9_AnAgentIsStillDrainedUnderTheNextMaster) {
  NEEDS_FAULTS();
  TestFramework framework = subscribe(checkpointing(partitionAware()));
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  const AgentID& agent = launched.offer.agent_id();
  v1::master::Call drain;
  drain.set_type(v1::master::Call::DRAIN_AGENT);
  *drain.mutable_drain_agent()->mutable_agent_id() = agent;
  ASSERT_EQ(fetch(master(), postOf("/api/v1", GetParam(), drain, true)).status, 200);
  executor.stream().next(ExecutorEvent::KILL);

  fail("failover-master");
  EXPECT_TRUE(framework.stream().ends(Timeout(5000)));
  awaitMaster();
  framework.resubscribe();
  executor.stream().next(ExecutorEvent::KILL, kPatience);
  const auto shown = agentState(master(), agent);
  EXPECT_TRUE(shown["deactivated"].GetBool());
  EXPECT_STREQ(shown["drain_info"]["state"].GetString(), "DRAINING");

  fail("restart-agent&agent=0");
  executor.subscribe(knowing(launched));
  executor.stream().next(ExecutorEvent::KILL, kPatience);
  executor.update(launched.task.task_id(), TASK_KILLED);
  const TaskStatus killed = framework.statusUntil(launched.id(), TASK_KILLED, kPatience);
  EXPECT_EQ(killed.reason(), TaskStatus::REASON_AGENT_DRAINING);
  v1::master::Call reactivate;
  reactivate.set_type(v1::master::Call::REACTIVATE_AGENT);
  *reactivate.mutable_reactivate_agent()->mutable_agent_id() = agent;
  eventually(
      "the drain ends",
      [&] {
        return fetch(master(), postOf("/api/v1", GetParam(), reactivate, true)).status == 200;
      },
      kPatience);
  EXPECT_EQ(framework.offer(kPatience).agent_id().value(), agent.value());
}

}  // namespace
}  // namespace mesos::conformance
