// Executors: subscription, KILL, shutdown, end.
#include "cluster/agent_fixture.hpp"

namespace mesos::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Words = std::vector<std::string>;

class AgentExecutors : public AgentConversation {
 protected:
  void shutdownFramework() {
    ShutdownFramework message;
    message.frameworkId.set_value(kFramework);
    fromMaster(message);
  }
};

// Fact X27.
TEST_F(AgentExecutors, IntroducesItselfToASubscriber) {
  runSubscribed();
  ASSERT_GE(events.size(), 1u);
  const auto& subscribed = events[0].event.subscribed();
  EXPECT_EQ(subscribed.executor_info().executor_id().value(), "e1");
  EXPECT_EQ(subscribed.executor_info().framework_id().value(), kFramework);
  EXPECT_EQ(subscribed.framework_info().id().value(), kFramework);
  EXPECT_EQ(subscribed.agent_info().id().value(), kAgentId);
  EXPECT_EQ(subscribed.agent_info().hostname(), "localhost");
  EXPECT_EQ(subscribed.agent_info().port(), 5051);
  EXPECT_EQ(subscribed.container_id().value(), containerId());
}

// Fact X23.
TEST_F(AgentExecutors, ReplacesTheStreamOfAnEarlierSubscription) {
  runSubscribed();
  TaskInfo task = executorTask("t1");
  subscribe(2, "e1", {task});
  EXPECT_EQ(eventsOf(1).back(), "end");
  EXPECT_EQ(eventsOf(2), Words{"SUBSCRIBED"});
  agent.onExecutorStreamClosed(now, 1);  // Late news of the old one.
  killTask("t1");
  EXPECT_EQ(eventsOf(2).back(), "KILL t1");
}

// Fact X24.
TEST_F(AgentExecutors, ShutsDownASubscriberThatIsTerminating) {
  runSubscribed();
  shutdownExecutor("e1");
  subscribe(2);
  EXPECT_EQ(eventsOf(2), (Words{"SHUTDOWN", "end"}));
}

TEST_F(AgentExecutors, ShutsDownASubscriberOfAFrameworkThatIs) {
  run(executorTask("t1"));
  prepared();
  forked();
  shutdownFramework();
  subscribe(2);
  EXPECT_EQ(eventsOf(2), (Words{"SHUTDOWN", "end"}));
}

TEST_F(AgentExecutors, ShutsDownASubscriberWhenItLeaves) {
  runSubscribed();
  leave();
  subscribe(2);
  EXPECT_EQ(eventsOf(2), (Words{"SHUTDOWN", "end"}));
}

// Facts X25, X26, in the order that was recorded.
TEST_F(AgentExecutors, TakesBothListsOfAResubscription) {
  runSubscribed();
  run(executorTask("t2"));
  agent.onExecutorStreamClosed(now, 1);
  clear();
  run(executorTask("t3"));  // Written to nobody.
  subscribe(2, "e1", {executorTask("t1")},
            {executorStatus("t1", TASK_STARTING, 'a'), executorStatus("t1", TASK_RUNNING, 'b'),
             executorStatus("t1", TASK_RUNNING, 'b')});
  EXPECT_EQ(eventsOf(2),
            (Words{"SUBSCRIBED", "ACKNOWLEDGED t1 a", "ACKNOWLEDGED t1 b", "ACKNOWLEDGED t1 b"}));
  ASSERT_EQ(statusesOf("t1").size(), 1u);  // The head.
  EXPECT_EQ(statusesOf("t1")[0].uuid(), uuidOf('a'));
  for (const char* taskId : {"t2", "t3"}) {  // Not in the list and still TASK_STAGING.
    ASSERT_EQ(statusesOf(taskId).size(), 1u) << taskId;
    const TaskStatus status = statusesOf(taskId)[0];
    EXPECT_EQ(status.state(), TASK_DROPPED);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_AGENT_RESTARTED);
    EXPECT_EQ(status.message(), "Task launched during agent restart");
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(status.executor_id().value(), "e1");
    EXPECT_FALSE(status.has_container_status());
  }
}

// A task whose update came with the SUBSCRIBE is not TASK_STAGING any more.
TEST_F(AgentExecutors, CountsAnUnacknowledgedUpdateAsNewsOfItsTask) {
  runSubscribed();
  subscribe(2, "e1", {}, {executorStatus("t1", TASK_RUNNING, 'a')});
  ASSERT_EQ(statusesOf("t1").size(), 1u);
  EXPECT_EQ(statusesOf("t1")[0].state(), TASK_RUNNING);
}

// Fact X41.
TEST_F(AgentExecutors, DoesNotMindABrokenStream) {
  runSubscribed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  acknowledgeAll("t1");
  clear();
  agent.onExecutorStreamClosed(now, 1);
  advance(minutes(20));
  killTask("t1");
  EXPECT_TRUE(updates.empty());
  EXPECT_TRUE(destroys.empty());
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(agent.executor(kFramework, "e1")->state, ExecutorState::Running);
}

// Fact K11.
TEST_F(AgentExecutors, EndsATaskThatIsKilledBeforeItsDelivery) {
  run(executorTask("t1"));
  run(executorTask("t2"));
  killTask("t1");
  const TaskStatus status = lastStatus();
  EXPECT_EQ(status.task_id().value(), "t1");
  EXPECT_EQ(status.state(), TASK_KILLED);
  EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_TASK_KILLED_DURING_LAUNCH);
  EXPECT_EQ(status.message(), "Killed before delivery to the executor");
  EXPECT_EQ(status.executor_id().value(), "e1");
  EXPECT_EQ(status.uuid().size(), 16u);
  EXPECT_FALSE(status.has_container_status());
  killTask("t1");
  EXPECT_EQ(updates.size(), 1u);
  prepared();
  forked();
  subscribe(1);
  EXPECT_EQ(eventsOf(1), (Words{"SUBSCRIBED", "LAUNCH t2"}));  // Delivered as usual.
}

// Facts K11, X25: the stream stays open, the process is killed after the grace.
TEST_F(AgentExecutors, ShutsDownAnExecutorWhoseOnlyTaskWasKilled) {
  run(executorTask("t1"));
  prepared();
  forked();
  killTask("t1");
  subscribe(1);
  EXPECT_EQ(eventsOf(1), Words{"SHUTDOWN"});
  advance(milliseconds(4999));
  EXPECT_TRUE(destroys.empty());
  advance(milliseconds(1));
  EXPECT_EQ(destroys.size(), 1u);
}

// An executor that had a task before is kept, however idle (fact X49).
TEST_F(AgentExecutors, KeepsAnExecutorThatOnceHadATask) {
  runSubscribed();
  update(executorStatus("t1", TASK_FINISHED, 'a'));
  acknowledgeAll("t1");
  subscribe(2);
  EXPECT_EQ(eventsOf(2), Words{"SUBSCRIBED"});
}

// Facts K12, X32.
TEST_F(AgentExecutors, DeliversAKillWithItsPolicy) {
  runSubscribed();
  killTask("t1");
  EXPECT_FALSE(events.back().event.kill().has_kill_policy());
  killTask("t1", seconds(1));
  EXPECT_EQ(eventsOf(1).back(), "KILL t1");
  EXPECT_EQ(events.back().event.kill().kill_policy().grace_period().nanoseconds(), 1000000000);
  EXPECT_TRUE(updates.empty());
}

// Fact K4.
TEST_F(AgentExecutors, DeliversAKillOfATerminalTaskThatIsNotAcknowledged) {
  runSubscribed();
  update(executorStatus("t1", TASK_FINISHED, 'a'));
  killTask("t1");
  EXPECT_EQ(eventsOf(1).back(), "KILL t1");
}

// Facts K10, K14.
TEST_F(AgentExecutors, AnswersAKillOfATaskThatNoExecutorHas) {
  killTask("t9");  // Unknown framework.
  EXPECT_TRUE(updates.empty());
  runSubscribed();
  killTask("t9");
  EXPECT_EQ(lastStatus().task_id().value(), "t9");
  EXPECT_EQ(lastStatus().state(), TASK_DROPPED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  EXPECT_EQ(lastStatus().message(), "Cannot find executor");
  EXPECT_FALSE(lastStatus().has_executor_id());
}

// Fact K15.
TEST_F(AgentExecutors, IgnoresAKillForATerminatingExecutor) {
  runSubscribed();
  shutdownExecutor("e1");
  killTask("t1");
  EXPECT_EQ(eventsOf(1).back(), "SHUTDOWN");
  exited(0);
  clear();
  killTask("t1");
  EXPECT_TRUE(updates.empty());
}

// Facts K41, X44.
TEST_F(AgentExecutors, DestroysAShutDownExecutorAfterItsGrace) {
  runSubscribed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  acknowledgeAll("t1");
  shutdownExecutor("e1");
  shutdownExecutor("e1");  // Once is enough.
  EXPECT_EQ(eventsOf(1), (Words{"SUBSCRIBED", "LAUNCH t1", "ACKNOWLEDGED t1 a", "SHUTDOWN"}));
  update(executorStatus("t1", TASK_KILLING, 'b'));  // Still taken and forwarded (X22).
  EXPECT_EQ(lastStatus().state(), TASK_KILLING);
  EXPECT_EQ(eventsOf(1).back(), "ACKNOWLEDGED t1 b");
  acknowledgeAll("t1");
  advance(seconds(5));
  ASSERT_EQ(destroys.size(), 1u);
  exited(SIGKILL);
  EXPECT_EQ(lastStatus().state(), TASK_FAILED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  EXPECT_EQ(exits.at(0).status, 9);
}

TEST_F(AgentExecutors, GivesAnExecutorItsOwnShutdownGrace) {
  TaskInfo task = executorTask("t1");
  setGrace(task.mutable_executor()->mutable_shutdown_grace_period(), seconds(2));
  run(task);
  prepared();
  forked();
  subscribe(1);
  shutdownExecutor("e1");
  advance(milliseconds(1999));
  EXPECT_TRUE(destroys.empty());
  advance(milliseconds(1));
  EXPECT_EQ(destroys.size(), 1u);
}

TEST_F(AgentExecutors, DestroysAnExecutorThatIsShutDownBeforeItSubscribes) {
  run(executorTask("t1"));
  shutdownExecutor("e1");
  advance(seconds(5));
  EXPECT_EQ(destroys.size(), 1u);
  prepared(Error{"terminated with signal Killed"});
  EXPECT_FALSE(updates.empty());
  EXPECT_EQ(exits.size(), 1u);
}

// Facts X45, X47, E7.
TEST_F(AgentExecutors, FailsTheTasksOfAnExecutorThatEnds) {
  for (const int status : {exitStatus(3), exitStatus(0), int{SIGKILL}, int{SIGTERM}}) {
    runSubscribed();
    exited(status);
    EXPECT_EQ(lastStatus().state(), TASK_FAILED);
    EXPECT_EQ(lastStatus().source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
    EXPECT_EQ(lastStatus().message(), "Executor terminated");
    EXPECT_EQ(lastStatus().executor_id().value(), "e1");
    EXPECT_FALSE(lastStatus().has_container_status());
    EXPECT_EQ(exits.back().status, status);
    EXPECT_EQ(exits.back().executorId.value(), "e1");
    acknowledgeAll("t1");
    EXPECT_FALSE(hasExecutor("e1"));
    clear();
  }
  EXPECT_EQ(agent.counters().executorsTerminated, 4u);
  EXPECT_EQ(agent.counters().terminalTasks.at(TASK_FAILED), 4u);
}

TEST_F(AgentExecutors, FailsQueuedTasksOfAnExecutorThatEndsBeforeItSubscribes) {
  run(executorTask("t1"));
  prepared();
  forked();
  exited(exitStatus(5));
  EXPECT_EQ(lastStatus().state(), TASK_FAILED);
  EXPECT_EQ(lastStatus().message(), "Executor terminated");
}

TEST_F(AgentExecutors, LeavesTheTasksAloneThatHadEndedBefore) {
  runSubscribed();
  update(executorStatus("t1", TASK_FINISHED, 'a'));
  exited(0);
  EXPECT_EQ(updates.size(), 1u);
  EXPECT_EQ(exits.at(0).status, 0);
}

// Fact X48.
TEST_F(AgentExecutors, KeepsATerminatedExecutorUntilAllIsAcknowledged) {
  runSubscribed();
  run(executorTask("t2"));
  exited(0);
  ASSERT_TRUE(hasExecutor("e1"));
  EXPECT_EQ(agent.executor(kFramework, "e1")->state, ExecutorState::Terminated);
  acknowledgeAll("t1");
  EXPECT_TRUE(hasExecutor("e1"));
  acknowledgeAll("t2");
  EXPECT_TRUE(agent.frameworks().empty());
  ASSERT_EQ(agent.completedFrameworks().size(), 1u);
  const auto& executors = agent.completedFrameworks().front().completedExecutors;
  ASSERT_EQ(executors.size(), 1u);
  ASSERT_EQ(executors.front().completedTasks.size(), 2u);
  EXPECT_EQ(executors.front().completedTasks.front().state(), TASK_FAILED);
}

TEST_F(AgentExecutors, RevivesTheHistoryOfAFrameworkThatComesBack) {
  runSubscribed();
  exited(0);
  acknowledgeAll("t1");
  run(executorTask("t2", "e2"));
  EXPECT_TRUE(agent.completedFrameworks().empty());
  EXPECT_EQ(agent.frameworks().at(kFramework).completedExecutors.size(), 1u);
}

// Fact S54.
TEST_F(AgentExecutors, ShutsDownAllExecutorsOfARemovedFrameworkSilently) {
  runSubscribed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  run(commandTask("t2"));
  const std::string command = containerId();
  prepared();
  forked();
  clear();
  shutdownFramework();
  EXPECT_EQ(eventsOf(1), Words{"SHUTDOWN"});
  ASSERT_EQ(signals.size(), 1u);  // The command task.
  EXPECT_EQ(signals[0].signal, SIGTERM);
  exited(command, SIGTERM);
  advance(seconds(30));  // Nothing is sent again.
  EXPECT_EQ(destroys.size(), 1u);
  exited(destroys[0].containerId, SIGKILL);
  EXPECT_TRUE(updates.empty());
  EXPECT_TRUE(agent.frameworks().empty());
  ASSERT_EQ(agent.completedFrameworks().size(), 1u);
  for (const auto& executor : agent.completedFrameworks().front().completedExecutors) {
    EXPECT_TRUE(executor.tasks.empty());
    ASSERT_EQ(executor.completedTasks.size(), 1u);
    EXPECT_EQ(executor.completedTasks.front().state(), TASK_RUNNING);  // As recorded.
  }
  run(executorTask("t3", "e3"));  // The id is not banned.
  EXPECT_TRUE(hasExecutor("e3"));
}

TEST_F(AgentExecutors, ForgetsTerminatedExecutorsOfARemovedFramework) {
  runSubscribed();
  exited(0);
  clear();
  shutdownFramework();
  EXPECT_TRUE(agent.frameworks().empty());
  advance(minutes(1));
  EXPECT_TRUE(updates.empty());
}

TEST_F(AgentExecutors, DestroysEverythingWhenItLeaves) {
  runSubscribed();
  const std::string custom = containerId();
  run(commandTask("t2"));
  clear();
  leave();
  ASSERT_EQ(toMaster.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<UnregisterAgent>(toMaster[0]));
  EXPECT_EQ(destroys.size(), 2u);
  exited(custom, SIGKILL);
  prepared(Error{"terminated with signal Killed"});
  advance(minutes(5));
  EXPECT_TRUE(updates.empty());
  EXPECT_TRUE(exits.empty());
  EXPECT_TRUE(agent.frameworks().empty());
  EXPECT_EQ(agent.deadline(), std::nullopt);
  run(commandTask("t3"));
  EXPECT_FALSE(hasExecutor("t3"));
}

// Fact X35.
TEST_F(AgentExecutors, BeatsEveryThirtyMinutesOnASubscription) {
  runSubscribed();
  clear();
  advance(minutes(29));
  EXPECT_TRUE(events.empty());
  advance(minutes(1));
  EXPECT_EQ(eventsOf(1), Words{"HEARTBEAT"});
  advance(minutes(30));
  EXPECT_EQ(eventsOf(1), (Words{"HEARTBEAT", "HEARTBEAT"}));
}

// Facts K40, E6.
TEST_F(AgentExecutors, PassesMessagesBothWays) {
  MessageToExecutor down;
  down.frameworkId.set_value(kFramework);
  down.executorId.set_value("e1");
  down.data = std::string("p\0ng", 4);
  run(executorTask("t1"));
  fromMaster(down);  // Not registered: dropped.
  prepared();
  forked();
  subscribe(1);
  fromMaster(down);
  EXPECT_EQ(eventsOf(1), (Words{"SUBSCRIBED", "LAUNCH t1", std::string("MESSAGE p\0ng", 12)}));
  clear();
  messageFromExecutor(std::string("\0\xff", 2));
  ASSERT_EQ(toMaster.size(), 1u);
  const auto& up = std::get<ExecutorMessage>(toMaster[0]);
  EXPECT_EQ(up.data, std::string("\0\xff", 2));
  EXPECT_EQ(up.executorId.value(), "e1");
  EXPECT_EQ(agent.counters().validFrameworkMessages, 2u);
}

AgentOptions tenTimesFaster() {
  AgentOptions options;
  options.timeScale = 10;
  options.executorShutdownGracePeriod = milliseconds(500);
  options.taskKillGrace = milliseconds(300);
  return options;
}

class FasterAgent : public AgentConversation {
 protected:
  FasterAgent() : AgentConversation(tenTimesFaster()) {}
};

TEST_F(FasterAgent, DividesTheClientsGraceByTheTimeScale) {
  TaskInfo task = executorTask("t1");
  setGrace(task.mutable_executor()->mutable_shutdown_grace_period(), seconds(2));
  run(task);
  prepared();
  EXPECT_EQ(forks.back().environment.at("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"), "200ms");
  forked();
  subscribe(1);
  shutdownExecutor("e1");
  advance(milliseconds(200));
  EXPECT_EQ(destroys.size(), 1u);
}

}  // namespace
}  // namespace mesos::cluster
