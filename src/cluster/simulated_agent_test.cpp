// Agents whose tasks are state.
#include "cluster/simulated_agent.hpp"

#include "cluster/agent_fixture.hpp"
#include "cluster/pass_time.hpp"

namespace mesos::cluster {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class SimulatedAgentTest : public testing::Test {
 protected:
  explicit SimulatedAgentTest(SimulatedTasks tasks = {}) : agent(now, {}, tasks, random) {
    agent.onStart(now);
    tell(AgentRegistered{.agentId = idOf(kAgentId)});
  }

  static AgentID idOf(const std::string& text) {
    AgentID id;
    id.set_value(text);
    return id;
  }
  void tell(MasterToAgent message) {
    agent.onMasterMessage(now, std::move(message));
    drain();
  }
  void run(const TaskInfo& task) { tell(RunTask{awareFramework(), task}); }
  void kill(const std::string& taskId) {
    KillTask message;
    message.frameworkId.set_value(kFramework);
    message.taskId.set_value(taskId);
    tell(std::move(message));
  }
  void advance(Duration by) {
    passTime(agent, now, by, [this] { drain(); });
  }
  // As a scheduler does: whatever comes is acknowledged.
  void drain() {
    while (auto message = agent.poll()) {
      if (const auto* update = std::get_if<StatusUpdate>(&*message)) {
        states[update->status.task_id().value()].push_back(update->status.state());
        AcknowledgeUpdate acknowledge;
        acknowledge.frameworkId = update->frameworkId;
        acknowledge.taskId = update->status.task_id();
        acknowledge.uuid = update->status.uuid();
        agent.onMasterMessage(now, acknowledge);
      } else {
        others.push_back(*std::move(message));
      }
    }
  }

  Random random{1};
  Now now{TimePoint(seconds(1000)), std::chrono::sys_time<Duration>(seconds(1700000000))};
  SimulatedAgent agent;
  std::map<std::string, std::vector<TaskState>> states;
  std::vector<AgentToMaster> others;
};

using States = std::vector<TaskState>;

TEST_F(SimulatedAgentTest, RunsACommandTaskUntilItIsKilled) {
  run(commandTask("t1"));
  advance(minutes(60));
  EXPECT_EQ(states["t1"], (States{TASK_STARTING, TASK_RUNNING}));
  kill("t1");
  EXPECT_EQ(states["t1"], (States{TASK_STARTING, TASK_RUNNING, TASK_KILLED}));
  EXPECT_EQ(agent.agent().executor(kFramework, "t1"), nullptr);
}

TEST_F(SimulatedAgentTest, RunsTasksOfAnExecutorUntilTheyAreKilled) {
  run(executorTask("t1"));
  run(executorTask("t2"));
  EXPECT_EQ(states["t2"], (States{TASK_RUNNING}));
  kill("t1");
  EXPECT_EQ(states["t1"], (States{TASK_RUNNING, TASK_KILLED}));
  EXPECT_EQ(states["t2"], (States{TASK_RUNNING}));
}

TEST_F(SimulatedAgentTest, EndsAnExecutorThatIsShutDown) {
  run(executorTask("t1"));
  ShutdownExecutor message;
  message.frameworkId.set_value(kFramework);
  message.executorId.set_value("e1");
  tell(message);
  EXPECT_EQ(states["t1"].size(), 2u);
  EXPECT_TRUE(isTerminal(states["t1"].back()));
  ASSERT_FALSE(others.empty());
  EXPECT_TRUE(std::holds_alternative<ExecutorExited>(others.back()));
}

TEST_F(SimulatedAgentTest, TellsANewMasterOfItsTasks) {
  run(commandTask("t1"));
  run(executorTask("t2"));
  agent.onStart(now);
  drain();
  const auto* registration = std::get_if<RegisterAgent>(&others.back());
  ASSERT_NE(registration, nullptr);
  ASSERT_EQ(registration->tasks.size(), 2u);
  for (const TaskRecord& task : registration->tasks) EXPECT_EQ(task.state(), TASK_RUNNING);
}

TEST_F(SimulatedAgentTest, PassesEveryCheck) {
  TaskInfo task = commandTask("t1");
  v1::HealthCheck* check = task.mutable_health_check();
  check->set_type(v1::HealthCheck::TCP);
  check->mutable_tcp()->set_port(80);
  run(task);
  advance(minutes(10));
  EXPECT_EQ(states["t1"], (States{TASK_STARTING, TASK_RUNNING, TASK_RUNNING}));  // Healthy.
}

TEST_F(SimulatedAgentTest, IsOverOnceItIsGone) {
  run(commandTask("t1"));
  EXPECT_FALSE(agent.hasEnded());
  tell(ShutdownAgent{});
  EXPECT_TRUE(agent.hasEnded());
}

class FailingTasks : public SimulatedAgentTest {
 protected:
  FailingTasks() : SimulatedAgentTest({.failures = 0.5}) {}
};

TEST_F(FailingTasks, AreTheShareThatWasAskedFor) {
  for (int i = 0; i < 200; ++i) run(commandTask("c" + std::to_string(i)));
  for (int i = 0; i < 200; ++i) run(executorTask("e" + std::to_string(i)));
  for (const auto& [id, of] : states) ASSERT_EQ(of.back(), TASK_RUNNING) << id;
  advance(minutes(5));
  std::map<char, int> failed;
  for (const auto& [id, of] : states) {
    if (of.back() == TASK_FAILED) ++failed[id[0]];
  }
  EXPECT_NEAR(failed['c'], 100, 30);
  EXPECT_NEAR(failed['e'], 100, 30);
}

}  // namespace
}  // namespace mesos::cluster
