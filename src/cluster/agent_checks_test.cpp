// Checks of command tasks, as the agent has them performed (facts H1, H3).
#include "cluster/agent_fixture.hpp"

#include <csignal>

namespace mesos::cluster {
namespace {

class AgentChecks : public AgentConversation {
 protected:
  static TaskInfo checkedTask() {
    TaskInfo task = commandTask("t1", "sleep 60");
    auto* variable = task.mutable_command()->mutable_environment()->add_variables();
    variable->set_name("OF_TASK");
    variable->set_value("1");
    v1::CheckInfo& check = *task.mutable_check();
    check.set_type(v1::CheckInfo::COMMAND);
    check.set_delay_seconds(0);
    CommandInfo& command = *check.mutable_command()->mutable_command();
    command.set_value("true");
    variable = command.mutable_environment()->add_variables();
    variable->set_name("OF_CHECK");
    variable->set_value("2");
    return task;
  }
};

TEST_F(AgentChecks, RunBesideTheTaskInItsEnvironment) {
  runCommand(checkedTask());
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].containerId, containerId());
  const auto& command = std::get<ForkContainer>(checks[0].what);
  EXPECT_EQ(command.value, "true");
  EXPECT_TRUE(command.shell);
  EXPECT_EQ(command.sandbox, forks[0].sandbox);
  EXPECT_EQ(command.user, forks[0].user);
  auto expected = forks[0].environment;
  expected["OF_CHECK"] = "2";
  EXPECT_EQ(command.environment, expected);
  EXPECT_EQ(expected.at("OF_TASK"), "1");
}

TEST_F(AgentChecks, ReportWhatTheyFind) {
  runCommand(checkedTask());
  checked(checks[0].checkId, 1 << 8);
  const auto statuses = statusesOf("t1");
  ASSERT_FALSE(statuses.empty());
  EXPECT_EQ(statuses.back().check_status().command().exit_code(), 1);
  EXPECT_EQ(statuses.back().reason(), TaskStatus::REASON_TASK_CHECK_STATUS_UPDATED);
  EXPECT_TRUE(statuses.back().has_container_status());
}

TEST_F(AgentChecks, EndWithTheTask) {
  runCommand(checkedTask());
  exited(0);
  EXPECT_EQ(stoppedChecks, std::vector<std::uint64_t>{checks[0].checkId});
  EXPECT_EQ(statusesOf("t1").back().state(), TASK_FINISHED);
}

// Fact H1.
TEST_F(AgentChecks, AreTheBusinessOfACustomExecutor) {
  TaskInfo task = executorTask("t1");
  *task.mutable_check() = checkedTask().check();
  run(task);
  prepared();
  forked();
  subscribe(1);
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  EXPECT_TRUE(checks.empty());
  EXPECT_TRUE(events.back().event.type() == Agent::Event::ACKNOWLEDGED);
}

}  // namespace
}  // namespace mesos::cluster
