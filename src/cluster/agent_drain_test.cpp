// What an agent does when it is drained (facts G9, L40).
#include "cluster/agent_checkpoint.hpp"
#include "cluster/agent_fixture.hpp"

namespace mesos::cluster {
namespace {

using std::chrono::seconds;
using Words = std::vector<std::string>;

class AgentDrain : public AgentConversation {
 protected:
  explicit AgentDrain(AgentOptions options = defaultOptions())
      : AgentConversation(std::move(options)) {}
  void drainAgent(std::optional<Duration> grace = std::nullopt, bool markGone = false) {
    v1::DrainConfig config;
    if (grace) setGrace(config.mutable_max_grace_period(), *grace);
    config.set_mark_gone(markGone);
    fromMaster(DrainAgent{config});
  }
  static TaskInfo withGrace(TaskInfo task, Duration grace) {
    setGrace(task.mutable_kill_policy()->mutable_grace_period(), grace);
    return task;
  }
  /// The grace of the last KILL; -1: it has none.
  Duration graceOfKill() const {
    const auto& event = events.back().event;
    EXPECT_EQ(event.type(), Agent::Event::KILL);
    if (!event.kill().has_kill_policy()) return Duration(-1);
    return Duration(event.kill().kill_policy().grace_period().nanoseconds());
  }
};

TEST_F(AgentDrain, KillsItsTasksAndSaysWhy) {
  runSubscribed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  acknowledge(lastStatus());
  drainAgent();
  EXPECT_EQ(eventsOf(1).back(), "KILL t1");
  EXPECT_EQ(graceOfKill(), Duration(-1));
  ASSERT_TRUE(agent.drain());
  EXPECT_EQ(agent.drainStarted()->wall, now.wall);
  TaskStatus killing = executorStatus("t1", TASK_KILLING, 'b');
  killing.set_reason(TaskStatus::REASON_TASK_CHECK_STATUS_UPDATED);
  update(killing);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_AGENT_DRAINING);
  EXPECT_EQ(lastStatus().source(), TaskStatus::SOURCE_EXECUTOR);
  acknowledge(lastStatus());
  update(executorStatus("t1", TASK_KILLED, 'c'));
  EXPECT_EQ(lastStatus().state(), TASK_KILLED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_AGENT_DRAINING);
  EXPECT_TRUE(agent.drain());
  acknowledge(lastStatus());
  EXPECT_FALSE(agent.drain());
}

TEST_F(AgentDrain, SaysGoneByOperatorIfTheAgentIsToBeGone) {
  runSubscribed();
  drainAgent(std::nullopt, true);
  update(executorStatus("t1", TASK_KILLING, 'b'));
  EXPECT_EQ(lastStatus().state(), TASK_KILLING);
  acknowledge(lastStatus());
  update(executorStatus("t1", TASK_KILLED, 'c'));
  EXPECT_EQ(lastStatus().state(), TASK_GONE_BY_OPERATOR);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_AGENT_DRAINING);
}

TEST_F(AgentDrain, DoesNotWaitForFrameworksThatAreShutDown) {
  runSubscribed();
  drainAgent();
  ASSERT_TRUE(agent.drain());
  FrameworkID id;
  id.set_value(kFramework);
  fromMaster(ShutdownFramework{id});
  EXPECT_FALSE(agent.containers().empty());
  EXPECT_FALSE(agent.drain());
  drainAgent();
  EXPECT_FALSE(agent.drain());
}

TEST_F(AgentDrain, LeavesOtherEndsAlone) {
  runSubscribed();
  drainAgent(std::nullopt, true);
  update(executorStatus("t1", TASK_FINISHED, 'b'));
  EXPECT_EQ(lastStatus().state(), TASK_FINISHED);
  EXPECT_FALSE(lastStatus().has_reason());
}

// Fact G9: min(policy, max_grace_period).
TEST_F(AgentDrain, LimitsTheGraceOfTasks) {
  run(withGrace(executorTask("t1"), seconds(60)));
  prepared();
  forked();
  subscribe(1);
  drainAgent(seconds(10));
  EXPECT_EQ(graceOfKill(), seconds(10));
  drainAgent(seconds(60));
  EXPECT_EQ(graceOfKill(), Duration(-1));  // Its own is no longer.
}

TEST_F(AgentDrain, GivesTasksWithoutAPolicyTheLimit) {
  runSubscribed();
  drainAgent(seconds(10));
  EXPECT_EQ(graceOfKill(), seconds(10));
}

// Fact D5: the default command executor never sees the limit.
TEST_F(AgentDrain, CannotShortenTheGraceOfACommandTask) {
  runCommand(withGrace(commandTask("c"), seconds(6)));
  signals.clear();
  drainAgent(seconds(1));
  ASSERT_EQ(signals.size(), 1u);
  EXPECT_EQ(signals[0].signal, SIGTERM);
  advance(seconds(2));
  EXPECT_EQ(signals.size(), 1u);
  advance(seconds(4));
  ASSERT_EQ(signals.size(), 2u);
  EXPECT_EQ(signals[1].signal, SIGKILL);
  exited(SIGKILL);
  EXPECT_EQ(lastStatus().state(), TASK_KILLED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_AGENT_DRAINING);
}

TEST_F(AgentDrain, KillsTasksThatWereNotDelivered) {
  run(executorTask("t1"));
  drainAgent();
  EXPECT_EQ(lastStatus().state(), TASK_KILLED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_AGENT_DRAINING);
}

// Fact L40.
TEST_F(AgentDrain, TakesNoTasksUntilNothingIsLeft) {
  runSubscribed();
  drainAgent();
  run(commandTask("aware"));
  EXPECT_EQ(lastStatus().state(), TASK_DROPPED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_AGENT_DRAINING);
  EXPECT_EQ(lastStatus().source(), TaskStatus::SOURCE_AGENT);
  EXPECT_FALSE(lastStatus().uuid().empty());
  run(commandTask("plain"), frameworkInfo("m-0002"));
  EXPECT_EQ(lastStatus().state(), TASK_LOST);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_AGENT_DRAINING);
  update(executorStatus("t1", TASK_KILLED, 'c'));
  acknowledge(lastStatus());
  run(executorTask("t2"));  // The executor is still there.
  EXPECT_EQ(eventsOf(1).back(), "LAUNCH t2");
  const std::size_t before = prepares.size();
  run(commandTask("after"));
  EXPECT_EQ(prepares.size(), before + 1);
}

TEST_F(AgentDrain, OfAnIdleAgentIsNone) {
  drainAgent();
  EXPECT_FALSE(agent.drain());
  run(commandTask("c"));
  EXPECT_EQ(prepares.size(), 1u);
}

TEST_F(AgentDrain, OutlastsARestart) {
  FrameworkInfo framework = awareFramework();
  framework.set_checkpoint(true);
  run(executorTask("t1"), framework);
  prepared();
  forked();
  subscribe(1);
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  acknowledge(lastStatus());
  drainAgent(seconds(10), true);
  EXPECT_EQ(files.count(kDrainPath), 1u);
  restart();
  ASSERT_TRUE(agent.drain());
  EXPECT_TRUE(agent.drain()->mark_gone());
  EXPECT_FALSE(agent.drainStarted());
  subscribe(2);
  update(executorStatus("t1", TASK_KILLED, 'b'));
  advance(seconds(2));
  AgentRegistered registered;
  registered.agentId.set_value(kAgentId);
  fromMaster(registered);
  EXPECT_EQ(lastStatus().state(), TASK_GONE_BY_OPERATOR);
  acknowledge(lastStatus());
  EXPECT_FALSE(agent.drain());
  EXPECT_EQ(files.count(kDrainPath), 0u);
}

}  // namespace
}  // namespace mesos::cluster
