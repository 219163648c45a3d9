// Checks and health checks of command tasks (scenarios 130 and 131).
#include "conformance/file_server.hpp"
#include "conformance/launching.hpp"

namespace mesos::conformance {
namespace {

class TaskChecks : public PlayedScenario {
 protected:
  static Launched launchSleeper(TestFramework& framework, const Change& change) {
    return launch(framework, [&](TaskInfo& task) {
      task.clear_executor();
      task.mutable_command()->set_value("exec sleep 1000");
      change(task);
    });
  }
  static void setHealthTimes(v1::HealthCheck* check) {
    check->set_delay_seconds(0);
    check->set_interval_seconds(0.2 * environment().timeScale);
    check->set_timeout_seconds(20 * environment().timeScale);
    check->set_grace_period_seconds(0);
    check->set_consecutive_failures(3);
  }
  static void setTimes(v1::CheckInfo* check) {
    check->set_delay_seconds(0);
    check->set_interval_seconds(0.2 * environment().timeScale);
    check->set_timeout_seconds(20 * environment().timeScale);
  }
  static void expectStarted(TestFramework& framework, const Launched& launched) {
    for (const TaskState state : {TASK_STARTING, TASK_RUNNING}) {
      const TaskStatus status = framework.status(launched.id());
      EXPECT_EQ(status.state(), state);
      EXPECT_FALSE(status.has_healthy());
    }
  }
  static bool isHealthUpdate(const TaskStatus& status) {
    return status.state() == TASK_RUNNING && status.source() == TaskStatus::SOURCE_EXECUTOR &&
           status.reason() == TaskStatus::REASON_TASK_HEALTH_CHECK_STATUS_UPDATED;
  }
  /// The first health of a task with this check, which is killed afterwards.
  bool firstHealth(const std::function<void(v1::HealthCheck*)>& set) const {
    TestFramework framework = subscribe();
    const Launched launched = launchSleeper(framework, [&](TaskInfo& task) {
      setHealthTimes(task.mutable_health_check());
      set(task.mutable_health_check());
    });
    expectStarted(framework, launched);
    const TaskStatus status = framework.status(launched.id());
    EXPECT_TRUE(isHealthUpdate(status)) << status.ShortDebugString();
    EXPECT_TRUE(status.has_healthy());
    return status.healthy();
  }
  static std::uint32_t portOf(const FileServer& server) {
    const std::string url = server.url("");
    return static_cast<std::uint32_t>(std::stoul(url.substr(url.rfind(':') + 1)));
  }
};
BOTH_ENCODINGS(TaskChecks);

TEST_P(TaskChecks, C130_KillATaskWhoseHealthCheckFailsTooOften) {
  TestFramework framework = subscribe();
  const Launched launched = launchSleeper(framework, [](TaskInfo& task) {
    setHealthTimes(task.mutable_health_check());
    task.mutable_health_check()->set_type(v1::HealthCheck::COMMAND);
    task.mutable_health_check()->mutable_command()->set_value("exit 1");
  });
  expectStarted(framework, launched);
  int failures = 0;
  TaskStatus status = framework.status(launched.id(), true, Timeout(20000));
  for (; status.state() == TASK_RUNNING;
       status = framework.status(launched.id(), true, Timeout(20000))) {
    EXPECT_TRUE(isHealthUpdate(status)) << status.ShortDebugString();
    EXPECT_TRUE(status.has_healthy());
    EXPECT_FALSE(status.healthy());
    ++failures;
  }
  EXPECT_GE(failures, 1);
  EXPECT_LE(failures, 3);
  EXPECT_EQ(status.state(), TASK_KILLED);
  EXPECT_TRUE(status.has_healthy());
  EXPECT_FALSE(status.healthy());
  EXPECT_FALSE(status.has_reason());
  EXPECT_EQ(status.message(), "Command terminated with signal Terminated");
}

TEST_P(TaskChecks, C130_RunACommandWhereTheTaskRuns) {
  TestFramework framework = subscribe();
  const Launched launched = launchSleeper(framework, [](TaskInfo& task) {
    setHealthTimes(task.mutable_health_check());
    task.mutable_health_check()->set_type(v1::HealthCheck::COMMAND);
    task.mutable_health_check()->mutable_command()->set_value(
        "test \"$OF_TASK-$OF_CHECK\" = a-b && test \"$PWD\" = \"$MESOS_SANDBOX\"");
    const auto set = [](CommandInfo* command, const char* name, const char* value) {
      auto* variable = command->mutable_environment()->add_variables();
      variable->set_name(name);
      variable->set_value(value);
    };
    set(task.mutable_command(), "OF_TASK", "a");
    set(task.mutable_health_check()->mutable_command(), "OF_CHECK", "b");
  });
  expectStarted(framework, launched);
  const TaskStatus status = framework.status(launched.id());
  EXPECT_TRUE(status.healthy()) << status.ShortDebugString();
  const auto task = taskState(master(), framework.id(), launched.id());
  EXPECT_TRUE(task["statuses"][task["statuses"].Size() - 1]["healthy"].GetBool());
}

TEST_P(TaskChecks, C131_JudgeByTheStatusOfAnHttpAnswer) {
  FileServer server(master(), {{"/200", {200, "ok"}},
                               {"/302", {302, "", "/elsewhere"}},
                               {"/399", {399, ""}},
                               {"/404", {404, ""}},
                               {"/500", {500, ""}}});
  for (const int code : {200, 302, 399, 404, 500}) {
    SCOPED_TRACE(code);
    EXPECT_EQ(firstHealth([&](v1::HealthCheck* check) {
                check->set_type(v1::HealthCheck::HTTP);
                check->mutable_http()->set_port(portOf(server));
                check->mutable_http()->set_path("/" + std::to_string(code));
              }),
              code < 400);
  }
}

TEST_P(TaskChecks, C131_JudgeByATcpConnection) {
  FileServer server(master(), {});
  const auto tcp = [](std::uint32_t port) {
    return [port](v1::HealthCheck* check) {
      check->set_type(v1::HealthCheck::TCP);
      check->mutable_tcp()->set_port(port);
    };
  };
  EXPECT_TRUE(firstHealth(tcp(portOf(server))));
  EXPECT_FALSE(firstHealth(tcp(1)));
}

TEST_P(TaskChecks, C131_TellEveryOutcomeOfACheck) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework, [](TaskInfo& task) {
    task.clear_executor();
    task.mutable_command()->set_value("sleep 1; touch there; sleep 1");
    setTimes(task.mutable_check());
    task.mutable_check()->set_type(v1::CheckInfo::COMMAND);
    task.mutable_check()->mutable_command()->mutable_command()->set_value("test -e there");
  });
  std::vector<TaskStatus> statuses;
  while (statuses.empty() || !isTerminal(statuses.back().state())) {
    statuses.push_back(framework.status(launched.id(), true, Timeout(20000)));
  }
  ASSERT_EQ(statuses.size(), 5u);
  for (const TaskStatus& status : statuses) {
    EXPECT_EQ(status.check_status().type(), v1::CheckInfo::COMMAND);
    EXPECT_TRUE(status.check_status().has_command());
  }
  EXPECT_FALSE(statuses[0].check_status().command().has_exit_code());
  EXPECT_FALSE(statuses[1].check_status().command().has_exit_code());
  EXPECT_EQ(statuses[2].check_status().command().exit_code(), 1);
  EXPECT_EQ(statuses[2].reason(), TaskStatus::REASON_TASK_CHECK_STATUS_UPDATED);
  EXPECT_EQ(statuses[2].state(), TASK_RUNNING);
  EXPECT_EQ(statuses[3].check_status().command().exit_code(), 0);
  EXPECT_EQ(statuses[4].state(), TASK_FINISHED);
  EXPECT_FALSE(statuses[4].check_status().command().has_exit_code());
}

TEST_P(TaskChecks, C131_TellTheOutcomesOfHttpAndTcp) {
  FileServer server(master(), {{"/204", {204, ""}}});
  TestFramework framework = subscribe();
  const Launched http = launchSleeper(framework, [&](TaskInfo& task) {
    setTimes(task.mutable_check());
    task.mutable_check()->set_type(v1::CheckInfo::HTTP);
    task.mutable_check()->mutable_http()->set_port(portOf(server));
    task.mutable_check()->mutable_http()->set_path("/204");
  });
  expectStarted(framework, http);
  const TaskStatus status = framework.status(http.id());
  EXPECT_EQ(status.check_status().http().status_code(), 204u) << status.ShortDebugString();
  const Launched tcp = launchSleeper(framework, [](TaskInfo& task) {
    setTimes(task.mutable_check());
    task.mutable_check()->set_type(v1::CheckInfo::TCP);
    task.mutable_check()->mutable_tcp()->set_port(1);
  });
  expectStarted(framework, tcp);
  const TaskStatus refused = framework.status(tcp.id());
  EXPECT_TRUE(refused.check_status().tcp().has_succeeded()) << refused.ShortDebugString();
  EXPECT_FALSE(refused.check_status().tcp().succeeded());
}

}  // namespace
}  // namespace mesos::conformance
