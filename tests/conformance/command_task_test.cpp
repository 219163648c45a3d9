// Section 10 of the scenarios: tasks that are a command.
#include "conformance/launching.hpp"

#include <regex>

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

class CommandTask : public PlayedScenario {
 protected:
  static Launched launchCommand(TestFramework& framework, const std::string& command,
                                const Change& change = {}) {
    return launch(framework, [&](TaskInfo& task) {
      task.clear_executor();
      task.mutable_command()->set_value(command);
      if (change) change(task);
    });
  }
};
BOTH_ENCODINGS(CommandTask);

std::string sandboxOfTask(const TestFramework& framework, const Offer& offer,
                          const std::string& taskId) {
  return sandboxOf(agentOf(offer), framework.id(), taskId);
}

std::string stdoutOf(const TestFramework& framework, const Offer& offer,
                     const std::string& taskId) {
  const auto content =
      agentFile(agentOf(offer), sandboxOfTask(framework, offer, taskId) + "/stdout");
  if (!content) throw std::runtime_error("the task has no stdout");
  return *content;
}

struct End {
  const char* command;
  TaskState state;
  const char* message;
};

TEST_P(CommandTask, C125_TellsHowACommandEnds) {
  TestFramework framework = subscribe();
  for (const End& end :
       {End{"exit 0", TASK_FINISHED, "Command exited with status 0"},
        End{"exit 3", TASK_FAILED, "Command exited with status 3"},
        End{"exit 200", TASK_FAILED, "Command exited with status 200"},
        End{"kill -9 $$", TASK_FAILED, "Command terminated with signal Killed"},
        End{"kill -15 $$", TASK_FAILED, "Command terminated with signal Terminated"}}) {
    SCOPED_TRACE(end.command);
    const Launched launched = launchCommand(framework, end.command);
    EXPECT_EQ(framework.status(launched.id()).state(), TASK_STARTING);
    EXPECT_EQ(framework.status(launched.id()).state(), TASK_RUNNING);
    const TaskStatus last = framework.status(launched.id());
    EXPECT_EQ(last.state(), end.state);
    EXPECT_EQ(last.message(), end.message);
    EXPECT_EQ(last.source(), TaskStatus::SOURCE_EXECUTOR);
    EXPECT_FALSE(last.has_reason());
    EXPECT_EQ(last.executor_id().value(), launched.id());
    EXPECT_TRUE(last.has_container_status());
    EXPECT_EQ(last.uuid().size(), 16u);
  }
}

TEST_P(CommandTask, C125_FailsACommandWithoutValue) {
  TestFramework framework = subscribe();
  for (const bool shell : {true, false}) {
    const Launched launched = launchCommand(framework, "", [shell](TaskInfo& task) {
      task.mutable_command()->clear_value();
      task.mutable_command()->set_shell(shell);
    });
    EXPECT_EQ(framework.status(launched.id()).state(), TASK_STARTING);
    const TaskStatus last = framework.status(launched.id());
    EXPECT_EQ(last.state(), TASK_FAILED);
    EXPECT_EQ(last.source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(last.reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  }
}

TEST_P(CommandTask, C126_RunsAProgramWithArgumentsAsTheyAre) {
  TestFramework framework = subscribe();
  const Launched launched = launchCommand(framework, "/bin/echo", [](TaskInfo& task) {
    task.mutable_command()->set_shell(false);
    for (const char* argument : {"echo", "a", "b c", "$HOME", "*"}) {
      task.mutable_command()->add_arguments(argument);
    }
  });
  framework.statusUntil(launched.id(), TASK_FINISHED);
  const std::string output = stdoutOf(framework, launched.offer, launched.id());
  EXPECT_NE(output.find("a b c $HOME *\n"), output.npos) << output;
}

TEST_P(CommandTask, C126_SearchesAProgramInThePath) {
  TestFramework framework = subscribe();
  const Launched found = launchCommand(
      framework, "true", [](TaskInfo& task) { task.mutable_command()->set_shell(false); });
  framework.statusUntil(found.id(), TASK_FINISHED);
  const Launched missing = launchCommand(framework, "no-such-program", [](TaskInfo& task) {
    task.mutable_command()->set_shell(false);
    task.mutable_command()->add_arguments("no-such-program");
  });
  EXPECT_EQ(framework.statusUntil(missing.id(), TASK_FAILED).message(),
            "Command exited with status 1");
}

TEST_P(CommandTask, C127_RunsInTheSandboxAndKeepsItsOutputThere) {
  TestFramework framework = subscribe();
  const Launched launched =
      launchCommand(framework, "pwd; echo $MESOS_SANDBOX; echo said; echo complained >&2; cat");
  framework.statusUntil(launched.id(), TASK_FINISHED);
  const std::string sandbox = sandboxOfTask(framework, launched.offer, launched.id());
  const std::string output = stdoutOf(framework, launched.offer, launched.id());
  EXPECT_NE(output.find(sandbox + "\n" + sandbox + "\nsaid\n"), output.npos) << output;
  EXPECT_EQ(output.find("complained"), output.npos);
  const auto errors = agentFile(agentOf(launched.offer), sandbox + "/stderr");
  ASSERT_TRUE(errors);
  EXPECT_NE(errors->find("complained\n"), errors->npos) << *errors;
}

TEST_P(CommandTask, C128_EndsATaskAtItsCompletionTime) {
  TestFramework framework = subscribe();
  const auto before = Clock::now();
  const Launched launched = launchCommand(framework, "exec sleep 1000", [](TaskInfo& task) {
    task.mutable_max_completion_time()->set_nanoseconds(10'000'000'000);
  });
  const TaskStatus failed = framework.statusUntil(launched.id(), TASK_FAILED, scaled(10) + kBusy);
  EXPECT_GE(Clock::now() - before, scaled(10));
  EXPECT_EQ(failed.source(), TaskStatus::SOURCE_EXECUTOR);
  EXPECT_EQ(failed.reason(), TaskStatus::REASON_MAX_COMPLETION_TIME_REACHED);
  EXPECT_EQ(failed.message(), "Command terminated with signal Terminated");
}

TEST_P(CommandTask, C128_TakesACompletionTimeOfZeroForNone) {
  TestFramework framework = subscribe();
  const Launched launched = launchCommand(framework, "sleep 0.3", [](TaskInfo& task) {
    task.mutable_max_completion_time()->set_nanoseconds(0);
  });
  framework.statusUntil(launched.id(), TASK_FINISHED);
}

/// A shell text that exits 0 as soon as the process is gone or a zombie, 1 if it stays.
std::string untilGone(const std::string& pid) {
  return "for i in $(seq 100); do "
         "grep -qs '^State:.[^ZX]' /proc/" +
         pid +
         "/status || exit 0; sleep 0.1; "
         "done; exit 1";
}

TEST_P(CommandTask, C129_KillsTheDescendantsOfATask) {
  TestFramework framework = subscribe();
  const Launched launched = launchCommand(
      framework, "sleep 1000 & echo child:$!:; (sleep 1000 & echo grandchild:$!:; wait) & wait");
  framework.statusUntil(launched.id(), TASK_RUNNING);
  const std::string path = sandboxOfTask(framework, launched.offer, launched.id()) + "/stdout";
  std::vector<std::string> pids;
  for (const char* name : {"grandchild", "child"}) {
    std::smatch found;
    const std::regex pattern("(^|\n)" + std::string(name) + ":([0-9]+):");
    std::string output;
    eventually("the pid of the " + std::string(name), [&] {
      output = agentFile(agentOf(launched.offer), path).value_or("");
      return std::regex_search(output, found, pattern);
    });
    pids.push_back(found[2]);
  }
  framework.kill(launched.id());
  framework.statusUntil(launched.id(), TASK_KILLED);
  for (const std::string& pid : pids) runCommand(framework, untilGone(pid));
}

TEST_P(CommandTask, C132_HidesTheExecutorOfATaskFromTheMasterOnly) {
  TestFramework framework = subscribe();
  const Launched launched = launchCommand(framework, "exec sleep 1000",
                                          [](TaskInfo& task) { task.set_name("the name"); });
  framework.statusUntil(launched.id(), TASK_RUNNING);
  const auto tasks = getJson(master(), "/tasks?task_id=" + launched.id());
  const auto* task = findBy(tasks["tasks"], "id", launched.id());
  ASSERT_TRUE(task);
  EXPECT_STREQ((*task)["executor_id"].GetString(), "");
  EXPECT_STREQ((*task)["name"].GetString(), "the name");
  const auto state = frameworkState(master(), framework.id().value());
  EXPECT_TRUE(state.json["executors"].Empty());
  EXPECT_EQ(framework.offer().executor_ids_size(), 0);

  const auto executor = executorState(agentOf(launched.offer), framework.id(), launched.id());
  EXPECT_EQ(executor["source"].GetString(), launched.id());
  EXPECT_EQ(executor["name"].GetString(),
            "Command Executor (Task: " + launched.id() + ") (Command: sh -c 'exec sleep 1000')");
  ASSERT_EQ(executor["tasks"].Size(), 1u);
  EXPECT_EQ(executor["tasks"][0]["id"].GetString(), launched.id());
}

}  // namespace
}  // namespace mesos::conformance
