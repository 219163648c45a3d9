// Command tasks from end to end.
#include "cluster/agent_fixture.hpp"

namespace mesos::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Words = std::vector<std::string>;

using AgentCommandTasks = AgentConversation;

// Facts D3, D2, U16.
TEST_F(AgentCommandTasks, RunsACommandTaskToItsEnd) {
  run(commandTask("t1", "exit 0"));
  prepared();
  ASSERT_EQ(forks.size(), 1u);
  EXPECT_EQ(forks[0].value, "exit 0");
  EXPECT_TRUE(updates.empty());  // A status tells the process' id.
  forked(27133);
  acknowledgeAll("t1");
  exited(exitStatus(0));
  const auto statuses = statusesOf("t1");
  ASSERT_EQ(statuses.size(), 3u);
  EXPECT_EQ(statuses[0].state(), TASK_STARTING);
  EXPECT_EQ(statuses[1].state(), TASK_RUNNING);
  EXPECT_EQ(statuses[2].state(), TASK_FINISHED);
  EXPECT_EQ(statuses[2].message(), "Command exited with status 0");
  for (const TaskStatus& status : statuses) {
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_EXECUTOR);
    EXPECT_EQ(status.executor_id().value(), "t1");
    EXPECT_EQ(status.agent_id().value(), kAgentId);
    EXPECT_EQ(status.container_status().container_id().value(), containerId());
    EXPECT_EQ(status.container_status().executor_pid(), 27133u);
    EXPECT_EQ(status.container_status().network_infos(0).ip_addresses(0).ip_address(), "10.0.0.7");
  }
  EXPECT_EQ(agent.executor(kFramework, "t1")->state, ExecutorState::Terminated);
  acknowledgeAll("t1");
  EXPECT_FALSE(hasExecutor("t1"));
  EXPECT_TRUE(exits.empty());
  EXPECT_TRUE(destroys.empty());
}

// Facts D5, D7.
TEST_F(AgentCommandTasks, SignalsTheTreeOfAKilledCommandTask) {
  FrameworkInfo framework = awareFramework();
  framework.add_capabilities()->set_type(FrameworkInfo::Capability::TASK_KILLING_STATE);
  runCommand(commandTask("t1"), framework);
  killTask("t1", seconds(0));
  ASSERT_EQ(signals.size(), 1u);
  EXPECT_EQ(signals[0].signal, SIGTERM);
  EXPECT_EQ(signals[0].containerId, containerId());
  EXPECT_EQ(lastStatus().state(), TASK_KILLING);
  advance(milliseconds(2999));
  EXPECT_EQ(signals.size(), 1u);
  advance(milliseconds(1));
  ASSERT_EQ(signals.size(), 2u);
  EXPECT_EQ(signals[1].signal, SIGKILL);
  exited(SIGKILL);
  acknowledgeAll("t1");
  EXPECT_EQ(lastStatus().state(), TASK_KILLED);
  EXPECT_EQ(lastStatus().message(), "Command terminated with signal Killed");
}

// Fact D8.
TEST_F(AgentCommandTasks, FailsACommandTaskWithoutValue) {
  TaskInfo task = commandTask("t1");
  task.mutable_command()->clear_value();
  run(task);
  prepared();
  acknowledgeAll("t1");
  const auto statuses = statusesOf("t1");
  ASSERT_EQ(statuses.size(), 2u);
  EXPECT_EQ(statuses[0].state(), TASK_STARTING);
  EXPECT_EQ(statuses[1].state(), TASK_FAILED);
  EXPECT_EQ(statuses[1].source(), TaskStatus::SOURCE_AGENT);
  EXPECT_EQ(statuses[1].reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  EXPECT_EQ(statuses[1].message(), "Executor terminated");
  EXPECT_TRUE(forks.empty());
  EXPECT_FALSE(hasExecutor("t1"));
}

TEST_F(AgentCommandTasks, NeverStartsACommandTaskThatWasKilledDuringTheFetch) {
  run(commandTask("t1"));
  killTask("t1");
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_TASK_KILLED_DURING_LAUNCH);
  EXPECT_EQ(lastStatus().executor_id().value(), "t1");
  prepared();
  EXPECT_TRUE(forks.empty());
  EXPECT_EQ(agent.executor(kFramework, "t1")->state, ExecutorState::Terminated);
  acknowledgeAll("t1");
  EXPECT_FALSE(hasExecutor("t1"));
}

// Facts K41, D6.
TEST_F(AgentCommandTasks, ShutsDownACommandTaskByKillingItWithinItsPolicy) {
  TaskInfo task = commandTask("t1");
  setGrace(task.mutable_kill_policy()->mutable_grace_period(), seconds(6));
  runCommand(task);
  shutdownExecutor("t1");
  EXPECT_EQ(signals.at(0).signal, SIGTERM);
  advance(milliseconds(5999));
  EXPECT_EQ(signals.size(), 1u);
  advance(milliseconds(1));
  EXPECT_EQ(signals.at(1).signal, SIGKILL);
  exited(SIGKILL);
  EXPECT_EQ(lastStatus().state(), TASK_KILLED);
  EXPECT_TRUE(destroys.empty());
  EXPECT_TRUE(exits.empty());
}

// The agent's own last resort.
TEST_F(AgentCommandTasks, DestroysACommandTaskThatOutlivesItsShutdown) {
  runCommand(commandTask("t1"));
  shutdownExecutor("t1");
  advance(seconds(5));
  ASSERT_EQ(destroys.size(), 1u);
  exited(SIGKILL);
  EXPECT_EQ(lastStatus().state(), TASK_FAILED);
  EXPECT_EQ(lastStatus().message(), "Executor terminated");
}

TEST_F(AgentCommandTasks, DoesNotLetOthersSubscribeAsACommandTasksExecutor) {
  runCommand(commandTask("t1"));
  subscribe(5, "t1");
  EXPECT_EQ(eventsOf(5), (Words{"SHUTDOWN", "end"}));
  EXPECT_EQ(agent.executor(kFramework, "t1")->state, ExecutorState::Running);
}

}  // namespace
}  // namespace mesos::cluster
