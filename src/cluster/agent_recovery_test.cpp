// An agent that is killed and started again with its checkpoints (X7, X42, U13, W81), and the
// checkpoints themselves.

#include "cluster/agent_checkpoint.hpp"
#include "cluster/agent_fixture.hpp"

namespace mesos::cluster {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Words = std::vector<std::string>;

FrameworkInfo checkpointing(FrameworkInfo framework = awareFramework()) {
  framework.set_checkpoint(true);
  return framework;
}

class AgentRestart : public AgentConversation {
 protected:
  /// A custom executor of a checkpointing framework, subscribed on stream 1, with task t1.
  void runCheckpointed(const FrameworkInfo& framework = checkpointing()) {
    run(executorTask("t1"), framework);
    prepared();
    forked();
    subscribe(1);
  }
  void registered() {
    AgentRegistered message;
    message.agentId.set_value(kAgentId);
    fromMaster(message);
  }
  std::vector<RegisterAgent> registrations() const {
    std::vector<RegisterAgent> found;
    for (const auto& message : toMaster) {
      if (const auto* one = std::get_if<RegisterAgent>(&message)) found.push_back(*one);
    }
    return found;
  }
};

// Facts X42, X25, W81.
TEST_F(AgentRestart, KeepsAnExecutorThatSubscribesAgainInTime) {
  runCheckpointed();
  const std::string container = containerId();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  acknowledge(lastStatus());
  clear();
  restart();
  EXPECT_TRUE(agent.isRecovering());
  EXPECT_EQ(agent.info().id().value(), kAgentId);
  EXPECT_TRUE(registrations().empty());
  advance(seconds(1));
  subscribe(2);
  EXPECT_EQ(eventsOf(2), (Words{"SUBSCRIBED"}));
  EXPECT_EQ(events.back().event.subscribed().container_id().value(), container);
  advance(seconds(1));
  EXPECT_FALSE(agent.isRecovering());
  ASSERT_EQ(registrations().size(), 1u);
  const RegisterAgent message = registrations()[0];
  EXPECT_EQ(message.info.id().value(), kAgentId);
  ASSERT_EQ(message.tasks.size(), 1u);
  EXPECT_EQ(message.tasks[0].state(), TASK_RUNNING);
  ASSERT_EQ(message.executors.size(), 1u);
  ASSERT_EQ(message.frameworks.size(), 1u);
  EXPECT_TRUE(destroys.empty());
  registered();
  update(executorStatus("t1", TASK_FINISHED, 'b'));
  EXPECT_EQ(lastStatus().container_status().container_id().value(), container);
  EXPECT_EQ(lastStatus().container_status().executor_pid(), 4321u);
}

// Fact X42.
TEST_F(AgentRestart, KillsAnExecutorThatDoesNotSubscribeInTime) {
  for (const bool aware : {true, false}) {
    runCheckpointed(checkpointing(aware ? awareFramework() : frameworkInfo()));
    update(executorStatus("t1", TASK_RUNNING, 'a'));
    acknowledge(lastStatus());
    clear();
    restart();
    advance(seconds(2));
    ASSERT_EQ(destroys.size(), 1u);
    exited(destroys[0].containerId, SIGKILL);
    const TaskStatus status = lastStatus();
    EXPECT_EQ(status.state(), aware ? TASK_GONE : TASK_LOST);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_EXECUTOR_REREGISTRATION_TIMEOUT);
    EXPECT_EQ(status.message(), "Executor did not reregister within 2secs");
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(status.executor_id().value(), "e1");
    EXPECT_FALSE(status.uuid().empty());
    registered();
    acknowledge(status);
    EXPECT_FALSE(hasExecutor("e1"));
    EXPECT_TRUE(agent.frameworks().empty());
  }
}

// Fact U13.
TEST_F(AgentRestart, DeliversWhatWasNotAcknowledged) {
  runCheckpointed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  update(executorStatus("t1", TASK_FINISHED, 'b'));
  clear();
  restart();
  subscribe(2);
  advance(seconds(2));
  EXPECT_TRUE(updates.empty());
  registered();
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].status.uuid(), uuidOf('a'));
  EXPECT_EQ(updates[0].latestState, TASK_FINISHED);
  acknowledge(updates[0].status);
  EXPECT_EQ(lastStatus().uuid(), uuidOf('b'));
  // Said again by the executor, which does not know that it arrived (facts U14, X25).
  subscribe(3, "e1", {}, {executorStatus("t1", TASK_FINISHED, 'b')});
  EXPECT_EQ(updates.size(), 2u);
  acknowledge(lastStatus());
  advance(minutes(30));
  EXPECT_EQ(updates.size(), 2u);
}

// Fact U13: what is acknowledged before the restart is not told again.
TEST_F(AgentRestart, RemembersAcknowledgements) {
  runCheckpointed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  acknowledge(lastStatus());
  clear();
  restart();
  subscribe(2, "e1", {}, {executorStatus("t1", TASK_RUNNING, 'a')});
  advance(seconds(2));
  registered();
  EXPECT_TRUE(updates.empty());
  EXPECT_EQ(eventsOf(2), (Words{"SUBSCRIBED", "ACKNOWLEDGED t1 a"}));
}

// Facts X25, X41.
TEST_F(AgentRestart, DropsTasksThatTheExecutorNeverGot) {
  runCheckpointed();
  run(executorTask("t2"), checkpointing());
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  clear();
  restart();
  subscribe(2, "e1", {executorTask("t1")});
  const auto statuses = statusesOf("t2");
  ASSERT_EQ(statuses.size(), 1u);
  EXPECT_EQ(statuses[0].state(), TASK_DROPPED);
  EXPECT_EQ(statuses[0].reason(), TaskStatus::REASON_AGENT_RESTARTED);
}

// Fact X40: nothing of them is known any more; the master learns by fact G7.
TEST_F(AgentRestart, KnowsNothingOfFrameworksWithoutCheckpoint) {
  runSubscribed();
  runCommand(commandTask("c1"));
  clear();
  EXPECT_EQ(files.size(), 1u);  // The agent's own id.
  restart();
  EXPECT_TRUE(agent.frameworks().empty());
  EXPECT_TRUE(agent.containers().empty());
  EXPECT_FALSE(agent.isRecovering());
  ASSERT_EQ(registrations().size(), 1u);
  EXPECT_TRUE(registrations()[0].tasks.empty());
  AgentRegistered message;
  message.agentId.set_value(kAgentId);
  for (const char* task : {"t1", "c1"}) {
    message.missing.push_back({awareFramework(), {}});
    message.missing.back().taskId.set_value(task);
  }
  fromMaster(message);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].status.state(), TASK_DROPPED);
  EXPECT_EQ(updates[0].status.reason(), TaskStatus::REASON_RECONCILIATION);
  EXPECT_EQ(updates[0].status.message(), "Reconciliation: task unknown to the agent");
  EXPECT_EQ(updates[0].status.source(), TaskStatus::SOURCE_AGENT);
  EXPECT_FALSE(updates[0].status.has_executor_id());
  EXPECT_FALSE(updates[0].status.uuid().empty());
}

// The executor of a command task is a process of its own in Mesos.
TEST_F(AgentRestart, KeepsCommandTasks) {
  runCommand(commandTask("c1"), checkpointing());
  const std::string container = containerId();
  clear();
  restart();
  EXPECT_FALSE(agent.isRecovering());
  ASSERT_EQ(registrations().size(), 1u);
  EXPECT_EQ(registrations()[0].tasks.at(0).state(), TASK_RUNNING);
  registered();
  killTask("c1", std::nullopt);
  ASSERT_EQ(signals.size(), 1u);
  EXPECT_EQ(signals[0].containerId, container);
  exited(container, SIGTERM);
  EXPECT_EQ(lastStatus().state(), TASK_KILLED);
  EXPECT_EQ(lastStatus().executor_id().value(), "c1");
}

TEST_F(AgentRestart, KeepsACommandTaskThatIsBeingStarted) {
  run(commandTask("c1"), checkpointing());
  prepared();
  restart();
  registered();
  forked();
  acknowledgeAll("c1");
  EXPECT_EQ(statusesOf("c1").back().state(), TASK_RUNNING);
  EXPECT_EQ(statusesOf("c1").front().state(), TASK_STARTING);
}

TEST_F(AgentRestart, EndsALaunchThatHadNoProcessYet) {
  run(executorTask("t1"), checkpointing());
  restart();
  ASSERT_EQ(destroys.size(), 1u);
  registered();
  prepared(Error{"Fetching was cancelled"});
  EXPECT_EQ(lastStatus().state(), TASK_FAILED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);

  clear();
  run(executorTask("t2", "e2"), checkpointing());
  prepared();  // Its process is being forked.
  restart();
  registered();
  forked();
  exited(SIGKILL);
  EXPECT_EQ(lastStatus().task_id().value(), "t2");
  EXPECT_EQ(lastStatus().state(), TASK_FAILED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
}

TEST_F(AgentRestart, LearnsThatAnExecutorEndedMeanwhile) {
  runCheckpointed();
  restart();
  exited(exitStatus(1));
  EXPECT_EQ(lastStatus().state(), TASK_FAILED);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0].status, exitStatus(1));
}

// Fact X48.
TEST_F(AgentRestart, KeepsAnEndedExecutorUntilAllIsAcknowledged) {
  runCheckpointed();
  exited(exitStatus(1));
  const TaskStatus failed = lastStatus();
  clear();
  restart();
  EXPECT_FALSE(agent.isRecovering());
  ASSERT_TRUE(hasExecutor("e1"));
  EXPECT_TRUE(registrations().at(0).executors.empty());
  registered();
  EXPECT_EQ(lastStatus().uuid(), failed.uuid());
  acknowledge(failed);
  EXPECT_FALSE(hasExecutor("e1"));
}

// What is not needed any more does not stay.
TEST_F(AgentRestart, CleansUpItsCheckpoints) {
  runCheckpointed();
  EXPECT_EQ(files.size(), 4u);
  update(executorStatus("t1", TASK_FINISHED, 'a'));
  acknowledge(lastStatus());
  EXPECT_EQ(files.size(), 3u);
  exited(exitStatus(0));
  EXPECT_EQ(files.size(), 1u);
}

TEST_F(AgentRestart, LeavesBadCheckpointsOut) {
  runCheckpointed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  files["frameworks/x/info"] = "foreign";
  files["stray"] = "";
  std::string& task = files.at(checkpointFile(taskPath(kFramework, "e1", "t1")));
  task.resize(task.size() - 1);
  restart();
  ASSERT_TRUE(hasExecutor("e1"));
  EXPECT_TRUE(agent.executor(kFramework, "e1")->tasks.empty());
  EXPECT_EQ(agent.frameworks().size(), 1u);
}

// --- Checkpoints.

TEST(AgentCheckpoint, ReadsBackWhatItWrote) {
  ExecutorCheckpoint executor;
  executor.info.mutable_executor_id()->set_value("e\n");
  executor.command.set_value(std::string("\0x", 2));
  executor.containerId = "c";
  executor.sandbox = "/s";
  executor.user = "";
  executor.pid = 77;
  executor.isCommand = true;
  ExecutorCheckpoint read;
  ASSERT_TRUE(decode(encode(executor), &read));
  EXPECT_EQ(encode(read), encode(executor));
  EXPECT_EQ(read.pid, 77);
  EXPECT_TRUE(read.isCommand);
  EXPECT_FALSE(read.givenTask);

  TaskCheckpoint task;
  task.task.set_name("n");
  task.updates.pending = {executorStatus("t", TASK_RUNNING, 'a'),
                          executorStatus("t", TASK_FINISHED, 'b')};
  task.updates.seen = {UpdateStream::uuidOf(uuidOf('a')), UpdateStream::uuidOf(uuidOf('b'))};
  task.updates.latestState = TASK_FINISHED;
  TaskCheckpoint again;
  ASSERT_TRUE(decode(encode(task), &again));
  EXPECT_EQ(encode(again), encode(task));
  EXPECT_EQ(again.updates.pending.size(), 2u);
}

TEST(AgentCheckpoint, RefusesWhatIsTornOrForeign) {
  TaskCheckpoint task;
  task.updates.seen = {UpdateStream::uuidOf(uuidOf('a'))};
  const std::string bytes = encode(task);
  TaskCheckpoint read;
  EXPECT_FALSE(decode("", &read));
  EXPECT_FALSE(decode("3\nabc", &read));
  EXPECT_FALSE(decode(bytes.substr(0, bytes.size() - 1), &read));
}

TEST(AgentCheckpoint, FindsItsFilesByTheirNames) {
  const auto task = parseCheckpointPath(checkpointFile(taskPath("f", "e e", "tasks")));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->kind, CheckpointName::Kind::Task);
  EXPECT_EQ(task->frameworkId, "f");
  EXPECT_EQ(task->executorId, "e e");
  EXPECT_EQ(task->taskId, "tasks");
  EXPECT_EQ(parseCheckpointPath(checkpointFile(executorPath("f", "e")))->kind,
            CheckpointName::Kind::Executor);
  EXPECT_EQ(parseCheckpointPath(checkpointFile(frameworkPath("f")))->kind,
            CheckpointName::Kind::Framework);
  EXPECT_EQ(parseCheckpointPath(kAgentPath)->kind, CheckpointName::Kind::Agent);
  for (const char* path : {"", "x", "frameworks/", "frameworks//info", "frameworks/f",
                           "frameworks/f/info/x", "frameworks/f/executors/e/other/t/info"}) {
    EXPECT_FALSE(parseCheckpointPath(path)) << path;
  }
}

}  // namespace
}  // namespace mesos::cluster
