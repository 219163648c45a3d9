// From RunTask to a process: refusals, sandboxes, environments, launches that fail.

#include "cluster/agent_fixture.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <string_view>

namespace mesos::cluster {
namespace {

using std::chrono::seconds;

class AgentLaunch : public AgentConversation {};

// Facts B1, F1, F11, D10.
TEST_F(AgentLaunch, PreparesASandboxForANewExecutor) {
  TaskInfo task = executorTask("t1");
  auto* uri = task.mutable_executor()->mutable_command()->add_uris();
  uri->set_value("  /files/executor");
  uri->set_executable(true);
  *task.mutable_executor()->mutable_command()->add_uris() = *uri;
  run(task);
  ASSERT_EQ(prepares.size(), 1u);
  EXPECT_EQ(prepares[0].sandbox,
            "/work/slaves/m-S0/frameworks/m-0001/executors/e1/runs/" + prepares[0].containerId);
  EXPECT_EQ(prepares[0].containerId.size(), 36u);
  EXPECT_EQ(prepares[0].user, "root");
  ASSERT_EQ(prepares[0].uris.size(), 1u);
  EXPECT_EQ(prepares[0].uris[0].value(), "/files/executor");
  EXPECT_TRUE(prepares[0].uris[0].executable());
  EXPECT_TRUE(forks.empty());
  prepared();
  ASSERT_EQ(forks.size(), 1u);
  EXPECT_TRUE(forks[0].shell);
  EXPECT_EQ(forks[0].value, "./executor");
  EXPECT_EQ(forks[0].sandbox, prepares[0].sandbox);
}

// Fact F1: only the first launch of an executor fetches.
TEST_F(AgentLaunch, GivesFurtherTasksToTheSameExecutor) {
  run(executorTask("t1"));
  run(executorTask("t2"));
  EXPECT_EQ(prepares.size(), 1u);
  prepared();
  forked();
  subscribe(1);
  run(executorTask("t3"));
  EXPECT_EQ(eventsOf(1),
            (std::vector<std::string>{"SUBSCRIBED", "LAUNCH t1", "LAUNCH t2", "LAUNCH t3"}));
  EXPECT_EQ(prepares.size(), 1u);
  EXPECT_EQ(forks.size(), 1u);
}

// Fact D10.
TEST_F(AgentLaunch, RunsAsTheCommandsUserBeforeTheFrameworks) {
  TaskInfo task = commandTask("t1");
  task.mutable_command()->set_user("nobody");
  run(task);
  EXPECT_EQ(prepares.back().user, "nobody");
  FrameworkInfo framework = awareFramework();
  framework.set_user("daemon");
  run(commandTask("t2"), framework);
  EXPECT_EQ(prepares.back().user, "daemon");
  prepared();
  EXPECT_EQ(forks.back().user, "daemon");
  framework.set_user("");
  run(commandTask("t3"), framework);
  EXPECT_EQ(prepares.back().user, "root");
}

AgentOptions withoutSwitchUser() {
  AgentOptions options;
  options.switchUser = false;
  options.agentUser = "mesos";
  return options;
}

class AgentWithoutSwitchUser : public AgentConversation {
 protected:
  AgentWithoutSwitchUser() : AgentConversation(withoutSwitchUser()) {}
};

TEST_F(AgentWithoutSwitchUser, RunsEverythingAsItself) {
  TaskInfo task = commandTask("t1");
  task.mutable_command()->set_user("nobody");
  run(task);
  EXPECT_EQ(prepares.back().user, "mesos");
}

// Facts D1, D2, W32.
TEST_F(AgentLaunch, InventsAnExecutorForACommandTask) {
  TaskInfo task = commandTask("task-done", "echo hello; sleep 1");
  task.mutable_labels()->add_labels()->set_key("k");
  run(task);
  const AgentExecutor* executor = agent.executor(kFramework, "task-done");
  ASSERT_NE(executor, nullptr);
  EXPECT_TRUE(executor->isCommand);
  const ExecutorInfo info = executor->info.unpack();
  EXPECT_EQ(info.name(), "Command Executor (Task: task-done) (Command: sh -c 'echo hello; ...')");
  EXPECT_EQ(info.labels().labels(0).key(), "k");
  EXPECT_EQ(info.framework_id().value(), kFramework);
  const Resources resources(info.resources());
  EXPECT_DOUBLE_EQ(resources.cpus(), 0.1);
  EXPECT_DOUBLE_EQ(resources.mem(), 32);
  EXPECT_EQ(info.resources(0).allocation_info().role(), "*");
}

// Fact D8.
TEST_F(AgentLaunch, HandsOnAnArgumentVector) {
  TaskInfo task = commandTask("t1", "/bin/echo");
  task.mutable_command()->set_shell(false);
  task.mutable_command()->add_arguments("echo");
  task.mutable_command()->add_arguments("b c");
  run(task);
  prepared();
  ASSERT_EQ(forks.size(), 1u);
  EXPECT_FALSE(forks[0].shell);
  EXPECT_EQ(forks[0].value, "/bin/echo");
  EXPECT_EQ(forks[0].arguments, (std::vector<std::string>{"echo", "b c"}));
}

/// The variables of a recorded environment.
std::map<std::string, std::string> recordedEnvironment(const std::string& name) {
  std::ifstream file(std::string(MESOS_TRACES_DIR) + "/executor-env/" + name);
  std::map<std::string, std::string> variables;
  for (std::string line; std::getline(file, line);) {
    const auto equals = line.find('=');
    if (line.rfind("#", 0) != 0) variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  variables.erase("PWD");  // The shell's own.
  return variables;
}

std::set<std::string> namesOf(const std::map<std::string, std::string>& variables) {
  std::set<std::string> names;
  for (const auto& [name, value] : variables) names.insert(name);
  return names;
}

/// Those that say nothing of ids, addresses and paths are the same everywhere.
void expectEnvironment(const std::map<std::string, std::string>& ours, const std::string& trace) {
  const auto recorded = recordedEnvironment(trace);
  ASSERT_FALSE(recorded.empty()) << trace;
  EXPECT_EQ(namesOf(ours), namesOf(recorded)) << trace;
  for (const auto& [name, value] : recorded) {
    const std::set<std::string> here{"LIBPROCESS_IP",     "MESOS_AGENT_ENDPOINT", "MESOS_DIRECTORY",
                                     "MESOS_EXECUTOR_ID", "MESOS_FRAMEWORK_ID",   "MESOS_SANDBOX",
                                     "MESOS_SLAVE_ID",    "MESOS_SLAVE_PID"};
    if (here.count(name) == 0 && ours.count(name) > 0) {
      EXPECT_EQ(ours.at(name), value) << name << " in " << trace;
    }
  }
}

// Section 12.5, as recorded.
TEST_F(AgentLaunch, GivesTheRecordedEnvironmentToCustomExecutors) {
  for (const bool checkpoint : {false, true}) {
    FrameworkInfo framework = awareFramework();
    framework.set_checkpoint(checkpoint);
    run(executorTask("t", checkpoint ? "e1" : "e0"), framework);
    prepared();
    expectEnvironment(forks.back().environment, checkpoint
                                                    ? "custom-executor-checkpoint-true.txt"
                                                    : "custom-executor-checkpoint-false.txt");
  }
}

TEST_F(AgentLaunch, GivesTheRecordedEnvironmentToCommandTasks) {
  for (const bool checkpoint : {false, true}) {
    FrameworkInfo framework = awareFramework();
    framework.set_checkpoint(checkpoint);
    run(commandTask(checkpoint ? "t1" : "t0"), framework);
    prepared();
    expectEnvironment(forks.back().environment, checkpoint ? "command-task-checkpoint-true.txt"
                                                           : "command-task-checkpoint-false.txt");
  }
}

// Facts V1-V4.
TEST_F(AgentLaunch, TellsAnExecutorWhereAndWhoItIs) {
  run(executorTask("t1"));
  prepared();
  const auto& variables = forks.back().environment;
  EXPECT_EQ(variables.at("MESOS_FRAMEWORK_ID"), "m-0001");
  EXPECT_EQ(variables.at("MESOS_EXECUTOR_ID"), "e1");
  EXPECT_EQ(variables.at("MESOS_SLAVE_ID"), "m-S0");
  EXPECT_EQ(variables.at("MESOS_SLAVE_PID"), "slave(1)@10.0.0.7:5051");
  EXPECT_EQ(variables.at("MESOS_AGENT_ENDPOINT"), "10.0.0.7:5051");
  EXPECT_EQ(variables.at("MESOS_SANDBOX"), prepares.back().sandbox);
  EXPECT_EQ(variables.at("MESOS_DIRECTORY"), prepares.back().sandbox);
  EXPECT_EQ(variables.at("LIBPROCESS_IP"), "10.0.0.7");
}

AgentOptions withTokens() {
  AgentOptions options;
  options.authentication.tokenKey = "key";
  return options;
}

class AgentWithTokens : public AgentConversation {
 protected:
  AgentWithTokens() : AgentConversation(withTokens()) {}
};

// Facts T47, V9.
TEST_F(AgentWithTokens, GivesAnExecutorItsTokenAndACommandTaskNone) {
  run(executorTask("t1"));
  prepared();
  EXPECT_EQ(forks.back().environment.at("MESOS_EXECUTOR_AUTHENTICATION_TOKEN"),
            executorToken({"m-0001", "e1", forks.back().containerId}, "key"));
  run(commandTask("t2"));
  prepared();
  EXPECT_EQ(forks.back().environment.count("MESOS_EXECUTOR_AUTHENTICATION_TOKEN"), 0u);
}

void addVariable(CommandInfo* command, const std::string& name, const std::string& value) {
  auto* variable = command->mutable_environment()->add_variables();
  variable->set_name(name);
  variable->set_value(value);
}

AgentOptions withExecutorEnvironment() {
  AgentOptions options;
  options.executorEnvironment = {{"A", "agent"}, {"B", "agent"}, {"MESOS_CHECKPOINT", "agent"}};
  return options;
}

class AgentWithExecutorEnvironment : public AgentConversation {
 protected:
  AgentWithExecutorEnvironment() : AgentConversation(withExecutorEnvironment()) {}
};

// Facts V13, V14, V15.
TEST_F(AgentWithExecutorEnvironment, LetsTheCommandsEnvironmentWin) {
  TaskInfo task = executorTask("t1");
  CommandInfo* command = task.mutable_executor()->mutable_command();
  addVariable(command, "B", "command");
  addVariable(command, "MESOS_EXECUTOR_ID", "mine");
  addVariable(command, "PATH", "/mine");
  auto* secret = command->mutable_environment()->add_variables();
  secret->set_name("S");
  secret->set_type(Environment::Variable::SECRET);
  run(task);
  prepared();
  const auto& variables = forks.back().environment;
  EXPECT_EQ(variables.at("A"), "agent");
  EXPECT_EQ(variables.at("B"), "command");
  EXPECT_EQ(variables.at("MESOS_CHECKPOINT"), "0");
  EXPECT_EQ(variables.at("MESOS_EXECUTOR_ID"), "mine");
  EXPECT_EQ(variables.at("PATH"), "/mine");
  EXPECT_EQ(variables.count("S"), 0u);
}

// Fact V7; D6: a command task's executor gets two seconds more than the task.
TEST_F(AgentLaunch, TellsTheShutdownGrace) {
  TaskInfo custom = executorTask("t1");
  setGrace(custom.mutable_executor()->mutable_shutdown_grace_period(), seconds(90));
  run(custom);
  prepared();
  EXPECT_EQ(forks.back().environment.at("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"), "90secs");
  TaskInfo command = commandTask("t2");
  setGrace(command.mutable_kill_policy()->mutable_grace_period(), seconds(58));
  run(command);
  prepared();
  EXPECT_EQ(forks.back().environment.at("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"), "1mins");
}

// Fact L43.
TEST_F(AgentLaunch, DropsATaskWithLimitsItCannotEnforce) {
  for (const char* name : {"cpus", "mem"}) {
    TaskInfo task = commandTask(name);
    (*task.mutable_limits())[name].set_value(1);
    run(task);
    const TaskStatus status = lastStatus();
    EXPECT_EQ(status.state(), TASK_DROPPED);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_GC_ERROR);
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(status.uuid().size(), 16u);
    EXPECT_FALSE(status.has_executor_id());
    EXPECT_FALSE(status.has_container_status());
  }
  EXPECT_EQ(statusesOf("cpus").at(0).message(),
            "CPU limits can only be set on tasks launched in Mesos containers when the agent has "
            "loaded the 'cgroups/cpu' isolator");
  EXPECT_EQ(statusesOf("mem").at(0).message(),
            "Memory limits can only be set on tasks launched in Mesos containers when the agent "
            "has loaded the 'cgroups/mem' isolator");
  EXPECT_TRUE(prepares.empty());
  EXPECT_TRUE(agent.frameworks().empty());
  clear();
  advance(seconds(10));  // All the same it is told until it is acknowledged.
  EXPECT_EQ(updates.size(), 2u);
}

TEST_F(AgentLaunch, LosesRatherThanDropsForAFrameworkThatIsNotPartitionAware) {
  TaskInfo task = commandTask("t1");
  (*task.mutable_limits())["mem"].set_value(1);
  run(task, frameworkInfo());
  EXPECT_EQ(lastStatus().state(), TASK_LOST);
}

// The master released nothing yet of an executor that it counts on.
TEST_F(AgentLaunch, TellsTheMasterThatADroppedTasksExecutorDoesNotExist) {
  TaskInfo task = executorTask("t1");
  (*task.mutable_limits())["mem"].set_value(1);
  run(task);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0].executorId.value(), "e1");
  EXPECT_EQ(exits[0].status, -1);
}

// Fact L44.
TEST_F(AgentLaunch, DropsATaskForAnExecutorThatIsTerminating) {
  runSubscribed();
  shutdownExecutor("e1");
  run(executorTask("t2"));
  EXPECT_EQ(lastStatus().task_id().value(), "t2");
  EXPECT_EQ(lastStatus().state(), TASK_DROPPED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  EXPECT_EQ(lastStatus().message(), "Executor terminating");
  EXPECT_FALSE(lastStatus().has_executor_id());
  EXPECT_TRUE(exits.empty());
}

// Fact L45.
TEST_F(AgentLaunch, DropsATaskForATerminatedExecutorWithAnUnacknowledgedUpdate) {
  runSubscribed();
  exited(0);
  clear();
  run(executorTask("t2"));
  EXPECT_EQ(lastStatus().state(), TASK_DROPPED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  EXPECT_EQ(lastStatus().message(), "Master wants to launch executor, but one already exists");
  EXPECT_EQ(lastStatus().executor_id().value(), "e1");
  EXPECT_EQ(exits.size(), 1u);
}

TEST_F(AgentLaunch, DropsACommandTaskWithTheIdOfALiveExecutor) {
  runSubscribed();
  run(commandTask("e1"));
  EXPECT_EQ(lastStatus().state(), TASK_DROPPED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_TASK_INVALID);
  EXPECT_EQ(lastStatus().message(), "Cannot reuse an already existing executor for a command task");
  EXPECT_EQ(lastStatus().executor_id().value(), "e1");
}

TEST_F(AgentLaunch, DropsATaskWhoseExecutorTheMasterWronglyTakesForRunning) {
  fromMaster(RunTask{awareFramework(), executorTask("t1"), false});
  EXPECT_EQ(lastStatus().state(), TASK_DROPPED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  EXPECT_TRUE(prepares.empty());
  EXPECT_TRUE(exits.empty());
}

// Fact L47.
TEST_F(AgentLaunch, IgnoresATaskOfAFrameworkThatIsShuttingDown) {
  runSubscribed();
  ShutdownFramework message;
  message.frameworkId.set_value(kFramework);
  fromMaster(message);
  run(executorTask("t2", "e2"));
  EXPECT_TRUE(updates.empty());
  EXPECT_EQ(prepares.size(), 1u);
}

// Fact F2.
TEST_F(AgentLaunch, FailsTheTasksOfALaunchWhoseFetchFails) {
  run(commandTask("t1"));
  const std::string error =
      "Failed to fetch all URIs for container '" + containerId() + "': exited with status 1";
  prepared(Error{error});
  ASSERT_EQ(updates.size(), 1u);  // No STARTING before it.
  const TaskStatus status = lastStatus();
  EXPECT_EQ(status.state(), TASK_FAILED);
  EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);
  EXPECT_EQ(status.message(), "Failed to launch container: " + error);
  EXPECT_EQ(status.executor_id().value(), "t1");
  EXPECT_EQ(status.agent_id().value(), kAgentId);
  EXPECT_FALSE(status.has_container_status());
  EXPECT_TRUE(exits.empty());  // Fact D2.
  EXPECT_EQ(agent.counters().containerLaunchErrors, 1u);
  acknowledgeAll("t1");
  EXPECT_TRUE(agent.frameworks().empty());
}

TEST_F(AgentLaunch, FailsAllQueuedTasksOfACustomExecutorThatCannotBeFetched) {
  run(executorTask("t1"));
  run(executorTask("t2"));
  prepared(Error{"x"});
  EXPECT_EQ(statusesOf("t1").at(0).message(), "Failed to launch container: x");
  EXPECT_EQ(statusesOf("t2").at(0).message(), "Failed to launch container: x");
  EXPECT_EQ(statusesOf("t2").at(0).executor_id().value(), "e1");
  EXPECT_EQ(exits.size(), 1u);
}

// Facts F2, F7, F8: refused before anything is fetched, in a sandbox that is there.
TEST_F(AgentLaunch, RefusesMalformedUrisWithoutFetching) {
  struct Case {
    const char* uri;
    std::optional<std::string> outputFile;
    const char* message;
  };
  const Case cases[] = {
      {"/f", "/abs", "URI output file must be within the sandbox directory"},
      {"/f", "a/../../b", "URI output file must be within the sandbox directory"},
      {"/f", "", "URI output file path is empty"},
      {"http://127.0.0.1", std::nullopt, "Malformed URI (missing path): http://127.0.0.1"},
      {" http://127.0.0.1:35101/", std::nullopt,
       "Malformed URI (missing path): http://127.0.0.1:35101/"},
      {"/a'b", std::nullopt, "Illegal characters in URI"},
      {"/a\\b", std::nullopt, "Illegal characters in URI"},
  };
  int number = 0;
  for (const Case& each : cases) {
    TaskInfo task = commandTask("t" + std::to_string(number++));
    task.mutable_command()->add_uris()->set_value("/good");
    auto* uri = task.mutable_command()->add_uris();
    uri->set_value(each.uri);
    if (each.outputFile) uri->set_output_file(*each.outputFile);
    run(task);
    EXPECT_TRUE(prepares.back().uris.empty());
    prepared();
    EXPECT_EQ(lastStatus().task_id().value(), task.task_id().value());
    EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);
    EXPECT_EQ(lastStatus().message(),
              std::string("Failed to launch container: Could not fetch: ") + each.message);
  }
  EXPECT_TRUE(forks.empty());
}

// What only the fetcher can find wrong goes to the fetcher.
TEST_F(AgentLaunch, LeavesOtherUrisToTheFetcher) {
  TaskInfo task = commandTask("t1");
  for (const char* uri : {"http://h/dir/", "", "relative", "file:///x", "gopher://h/x"}) {
    task.mutable_command()->add_uris()->set_value(uri);
  }
  task.mutable_command()->mutable_uris(0)->set_output_file("d/..a");
  run(task);
  EXPECT_EQ(prepares.back().uris.size(), 5u);
}

// Fact L44: the sandbox cannot be made.
TEST_F(AgentLaunch, DropsTheTasksOfAnExecutorWithoutSandbox) {
  const std::string error =
      "Failed to create executor directory '/work/x': Failed to chown directory to 'no-such-user': "
      "No such user 'no-such-user'";
  run(commandTask("t1"));
  prepared(Error{error});
  EXPECT_EQ(lastStatus().state(), TASK_DROPPED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  EXPECT_EQ(lastStatus().message(), error);
  EXPECT_EQ(lastStatus().executor_id().value(), "t1");
  run(executorTask("t2"), frameworkInfo());
  prepared(Error{error});
  EXPECT_EQ(lastStatus().state(), TASK_LOST);
  EXPECT_EQ(exits.size(), 1u);
}

TEST_F(AgentLaunch, FailsALaunchThatCannotFork) {
  run(commandTask("t1"));
  prepared();
  forked(Error{"Failed to fork: no memory"});
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);
  EXPECT_EQ(lastStatus().message(), "Failed to launch container: Failed to fork: no memory");
  run(executorTask("t2"));
  prepared();
  forked(Error{"y"});
  EXPECT_EQ(lastStatus().message(), "Failed to launch container: y");
  EXPECT_EQ(exits.size(), 1u);
}

// Fact X43.
TEST_F(AgentLaunch, DestroysAnExecutorThatDoesNotSubscribeInAMinute) {
  run(executorTask("t1"));
  advance(seconds(50));
  prepared();
  forked();
  advance(seconds(9));
  EXPECT_TRUE(destroys.empty());
  advance(seconds(1));
  ASSERT_EQ(destroys.size(), 1u);
  EXPECT_EQ(destroys[0].containerId, containerId());
  EXPECT_TRUE(updates.empty());
  exited(SIGKILL);
  EXPECT_EQ(lastStatus().state(), TASK_FAILED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_REGISTRATION_TIMEOUT);
  EXPECT_EQ(lastStatus().message(), "Executor did not register within 1mins");
  EXPECT_EQ(lastStatus().executor_id().value(), "e1");
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0].status, 9);
}

TEST_F(AgentLaunch, BlamesTheFetchForARegistrationTimeoutDuringIt) {
  run(commandTask("t1"));
  advance(seconds(60));
  EXPECT_EQ(destroys.size(), 1u);
  prepared(Error{"Failed to fetch all URIs for container 'c': terminated with signal Killed"});
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);
  EXPECT_EQ(lastStatus().message(),
            "Failed to launch container: Failed to fetch all URIs for container 'c': terminated "
            "with signal Killed");
}

// The fetcher may have ended in the same instant.
TEST_F(AgentLaunch, DoesNotForkWhatIsAlreadyDestroyed) {
  run(executorTask("t1"));
  advance(seconds(60));
  prepared();
  EXPECT_TRUE(forks.empty());
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_REGISTRATION_TIMEOUT);
  EXPECT_EQ(exits.at(0).status, 9);
}

TEST_F(AgentLaunch, DoesNotTimeOutAnExecutorThatSubscribed) {
  runSubscribed();
  advance(std::chrono::hours(1));
  EXPECT_TRUE(destroys.empty());
}

// Fact K33 of the agent's part: an id may be used again once its end is acknowledged.
TEST_F(AgentLaunch, RunsASecondTaskOfTheSameIdOnceTheFirstIsAcknowledged) {
  runCommand(commandTask("t1"));
  exited(exitStatus(0));
  acknowledgeAll("t1");
  clear();
  run(commandTask("t1"));
  prepared();
  forked();
  EXPECT_EQ(lastStatus().state(), TASK_STARTING);
}

}  // namespace
}  // namespace mesos::cluster
