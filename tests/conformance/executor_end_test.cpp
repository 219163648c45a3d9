// Section 9 of the scenarios, continued: how executors end, and the environment they begin with.
#include "conformance/launching.hpp"

#include "base/duration.hpp"

#include <map>
#include <set>

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

class ExecutorEnd : public PlayedScenario {};
BOTH_ENCODINGS(ExecutorEnd);

/// An executor whose process waits for the file `go` in its sandbox and then runs `end`.
std::function<void(TaskInfo&)> waitingFor(const std::string& end) {
  return [end](TaskInfo& task) {
    task.mutable_executor()->mutable_command()->set_value(
        "while [ ! -e go ]; do sleep 0.05; done; " + end);
  };
}

struct End {
  const char* command;
  int waitStatus;
};

TEST_P(ExecutorEnd, C118_FailsTheTasksOfAnExecutorThatExits) {
  for (const End& end : {End{"exit 0", 0}, End{"exit 3", 3 << 8}, End{"kill -9 $$", 9}}) {
    SCOPED_TRACE(end.command);
    TestFramework framework = subscribe(partitionAware());
    const Launched launched = launch(framework, waitingFor(end.command));
    const std::string& executorId = launched.task.executor().executor_id().value();
    TestExecutor executor = run(framework, launched);
    runCommand(framework,
               "touch " + sandboxOf(agentOf(launched.offer), framework.id(), executorId) + "/go");
    const TaskStatus status = framework.status(launched.id());
    EXPECT_EQ(status.state(), TASK_FAILED);
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
    EXPECT_EQ(status.message(), "Executor terminated");
    EXPECT_EQ(status.executor_id().value(), executorId);
    EXPECT_EQ(status.uuid().size(), 16u);
    EXPECT_FALSE(status.has_container_status());
    const auto failure = framework.event(SchedulerEvent::FAILURE).failure();
    EXPECT_EQ(failure.status(), end.waitStatus);
    EXPECT_EQ(failure.executor_id().value(), executorId);
    EXPECT_EQ(failure.agent_id().value(), launched.offer.agent_id().value());
  }
}

TEST_P(ExecutorEnd, C118_FailsTheQueuedTaskOfAnExecutorThatExitsAtOnce) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework, [](TaskInfo& task) {
    task.mutable_executor()->mutable_command()->set_value("exit 5");
  });
  const TaskStatus status = framework.status(launched.id());
  EXPECT_EQ(status.state(), TASK_FAILED);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  EXPECT_EQ(framework.event(SchedulerEvent::FAILURE).failure().status(), 5 << 8);
}

TEST_P(ExecutorEnd, C118_SendsNoFailureForACommandTask) {
  TestFramework framework = subscribe();
  runCommand(framework, "exit 0");
  EXPECT_THROW(framework.event(SchedulerEvent::FAILURE, scaled(3)), TimedOut);
}

TEST_P(ExecutorEnd, C119_GivesUpAnExecutorThatNeverSubscribes) {
  TestFramework framework = subscribe();
  const auto before = Clock::now();
  const Launched launched = launch(framework);
  const TaskStatus status = framework.status(launched.id(), true, scaled(60) + kBusy);
  EXPECT_GE(Clock::now() - before, scaled(60));
  EXPECT_EQ(status.state(), TASK_FAILED);
  EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_EXECUTOR_REGISTRATION_TIMEOUT);
  EXPECT_EQ(status.message().find("Executor did not register within "), 0u) << status.message();
  EXPECT_EQ(framework.event(SchedulerEvent::FAILURE).failure().status(), 9);
}

SchedulerCall shutdownOf(const Offer& offer, const TaskInfo& task) {
  SchedulerCall call = callWith(SchedulerCall::SHUTDOWN);
  *call.mutable_shutdown()->mutable_agent_id() = offer.agent_id();
  *call.mutable_shutdown()->mutable_executor_id() = task.executor().executor_id();
  return call;
}

TEST_P(ExecutorEnd, C120_KillsAnExecutorThatIgnoresItsShutdown) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  const auto before = Clock::now();
  framework.send(shutdownOf(launched.offer, launched.task));
  executor.stream().next(ExecutorEvent::SHUTDOWN);
  // What it says before it is killed still counts.
  executor.update(launched.task.task_id(), TASK_KILLING);
  EXPECT_EQ(framework.status(launched.id()).state(), TASK_KILLING);
  const TaskStatus status = framework.status(launched.id(), true, scaled(5) + kBusy);
  EXPECT_GE(Clock::now() - before, scaled(5));
  EXPECT_EQ(status.state(), TASK_FAILED);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  EXPECT_EQ(framework.event(SchedulerEvent::FAILURE).failure().status(), 9);
}

TEST_P(ExecutorEnd, C120_HeedsTheExecutorsOwnGrace) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework, [](TaskInfo& task) {
    task.mutable_executor()->mutable_shutdown_grace_period()->set_nanoseconds(12'000'000'000);
  });
  TestExecutor executor = run(framework, launched);
  const auto before = Clock::now();
  framework.send(shutdownOf(launched.offer, launched.task));
  executor.stream().next(ExecutorEvent::SHUTDOWN);
  framework.event(SchedulerEvent::FAILURE, scaled(12) + kBusy);
  EXPECT_GE(Clock::now() - before, scaled(12));
}

TEST_P(ExecutorEnd, C120_AnswersATerminatingExecutorByShutdownAlone) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework, [](TaskInfo& task) {
    task.mutable_executor()->mutable_shutdown_grace_period()->set_nanoseconds(60'000'000'000);
  });
  TestExecutor executor = run(framework, launched);
  framework.send(shutdownOf(launched.offer, launched.task));
  executor.stream().next(ExecutorEvent::SHUTDOWN);
  TestExecutor again = executorOf(framework, launched);
  again.subscribe();
  const auto first = again.stream().nextOrEnd(Timeout(5000));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type(), ExecutorEvent::SHUTDOWN);
  EXPECT_FALSE(again.stream().nextOrEnd(Timeout(5000)));
  EXPECT_TRUE(again.stream().connection().chunkedEnd());
}

TEST_P(ExecutorEnd, C120_EndsAnExecutorQuietlyThatEndsItsTasks) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  framework.send(shutdownOf(launched.offer, launched.task));
  executor.stream().next(ExecutorEvent::SHUTDOWN);
  executor.update(launched.task.task_id(), TASK_KILLED);
  EXPECT_EQ(framework.status(launched.id()).state(), TASK_KILLED);
  EXPECT_EQ(framework.event(SchedulerEvent::FAILURE, scaled(5) + kBusy).failure().status(), 9);
  framework.expectNoStatus(launched.id(), scaled(2));
}

using Variables = std::map<std::string, std::string>;

Variables variablesIn(const std::string& text) {
  Variables variables;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    const std::size_t equals = line.find('=');
    if (equals != line.npos) variables[line.substr(0, equals)] = line.substr(equals + 1);
    begin = end + 1;
  }
  return variables;
}

/// The environment that `env` writes when the process begins; and then the file says so.
constexpr char kWriteEnvironment[] = "env > env.txt; echo written >> env.txt; exec sleep 1000";

/// The environment of the process of an executor.
Variables environmentOf(const TestFramework& framework, const Offer& offer,
                        const std::string& executorId) {
  const auto agent = agentOf(offer);
  std::string sandbox;
  eventually("the executor in the agent's /state", [&] {
    try {
      sandbox = sandboxOf(agent, framework.id(), executorId);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  });
  return variablesIn(awaitFile(agent, sandbox + "/env.txt", "\nwritten\n"));
}

constexpr char kPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How a duration of Mesos' reads on this cluster.
std::string scaledText(double seconds) {
  return formatDuration(fromSeconds(seconds / environment().timeScale));
}

/// All that every executor is told (the rows of 12.5), the parts of libprocess aside.
Variables expectedEnvironment(const TestFramework& framework, const Offer& offer,
                              const std::string& executorId) {
  const auto agent = agentOf(offer);
  const std::string endpoint = agent.host + ":" + std::to_string(agent.port);
  const std::string sandbox = sandboxOf(agent, framework.id(), executorId);
  Variables expected = {{"MESOS_FRAMEWORK_ID", framework.id().value()},
                        {"MESOS_EXECUTOR_ID", executorId},
                        {"MESOS_AGENT_ENDPOINT", endpoint},
                        {"MESOS_SLAVE_ID", offer.agent_id().value()},
                        {"MESOS_SLAVE_PID", "slave(1)@" + endpoint},
                        {"MESOS_DIRECTORY", sandbox},
                        {"MESOS_SANDBOX", sandbox},
                        {"MESOS_CHECKPOINT", framework.info().checkpoint() ? "1" : "0"},
                        {"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", scaledText(5)},
                        {"PATH", kPath},
                        {"PWD", sandbox}};
  if (framework.info().checkpoint()) {
    expected["MESOS_RECOVERY_TIMEOUT"] = scaledText(15 * 60);
    expected["MESOS_SUBSCRIPTION_BACKOFF_MAX"] = scaledText(2);
  }
  return expected;
}

/// Nothing of the agent's own environment is there (fact V20).
void expectEnvironment(Variables actual, const Variables& expected) {
  EXPECT_EQ(actual["LIBPROCESS_PORT"], "0");
  const std::string& byHttp = actual["MESOS_HTTP_COMMAND_EXECUTOR"];
  EXPECT_TRUE(byHttp == "0" || byHttp == "1") << byHttp;
  for (const char* name : {"LIBPROCESS_PORT", "LIBPROCESS_IP", "MESOS_HTTP_COMMAND_EXECUTOR",
                           "MESOS_NATIVE_LIBRARY", "MESOS_NATIVE_JAVA_LIBRARY", "_", "SHLVL"}) {
    actual.erase(name);
  }
  EXPECT_EQ(actual, expected);
}

TEST_P(ExecutorEnd, C122_TellsACustomExecutorWhatItNeeds) {
  for (const bool checkpoint : {false, true}) {
    FrameworkInfo info;
    info.set_checkpoint(checkpoint);
    TestFramework framework = subscribe(info);
    const Launched launched = launch(framework, [](TaskInfo& task) {
      task.mutable_executor()->mutable_command()->set_value(kWriteEnvironment);
    });
    const std::string& executorId = launched.task.executor().executor_id().value();
    const Variables actual = environmentOf(framework, launched.offer, executorId);
    expectEnvironment(actual, expectedEnvironment(framework, launched.offer, executorId));
  }
}

TEST_P(ExecutorEnd, C122_TellsACommandTaskItsRoleToo) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework, [](TaskInfo& task) {
    task.clear_executor();
    task.mutable_command()->set_value(kWriteEnvironment);
  });
  const Variables actual = environmentOf(framework, launched.offer, launched.id());
  Variables expected = expectedEnvironment(framework, launched.offer, launched.id());
  expected["MESOS_ALLOCATION_ROLE"] = "*";
  expectEnvironment(actual, expected);
}

TEST_P(ExecutorEnd, C122_LetsTheCommandsOwnEnvironmentWin) {
  TestFramework framework = subscribe();
  const Variables own = {{"MESOS_CHECKPOINT", "mine"}, {"PATH", "/bin:/usr/bin"}, {"OWN", "a=b c"}};
  const Launched launched = launch(framework, [&](TaskInfo& task) {
    auto* command = task.mutable_executor()->mutable_command();
    command->set_value(kWriteEnvironment);
    for (const auto& [name, value] : own) {
      auto* variable = command->mutable_environment()->add_variables();
      variable->set_name(name);
      variable->set_value(value);
    }
  });
  Variables actual =
      environmentOf(framework, launched.offer, launched.task.executor().executor_id().value());
  for (const auto& [name, value] : own) EXPECT_EQ(actual[name], value);
}

}  // namespace
}  // namespace mesos::conformance
