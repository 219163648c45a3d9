// Registration, and statuses on their way to the master (section 10.1).

#include "cluster/agent_fixture.hpp"

namespace mesos::cluster {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Words = std::vector<std::string>;

TEST(AgentRegistration, IsRepeatedUntilTheMasterAnswers) {
  Random random(1);
  Now now{TimePoint(seconds(10)), std::chrono::sys_time<Duration>(seconds(1700000000))};
  Agent agent(now, AgentOptions{}, random);
  agent.onStart(now);
  std::uint64_t attempts = 0;
  const Now end = now + minutes(5);
  for (; now.steady < end.steady; now = now + (*agent.deadline() - now.steady)) {
    agent.onTimer(now);
    while (const auto effect = agent.poll()) {
      const auto& message = std::get<ToMaster>(*effect).message;
      EXPECT_FALSE(std::get<RegisterAgent>(message).info.has_id());
      EXPECT_EQ(std::get<RegisterAgent>(message).attempt, attempts++);
    }
    ASSERT_TRUE(agent.deadline().has_value());
    EXPECT_LE(*agent.deadline() - now.steady, minutes(1));
  }
  EXPECT_GE(attempts, 8u);
  AgentRegistered registered;
  registered.agentId.set_value("m-S7");
  registered.attempt = attempts - 1;
  agent.onMasterMessage(now, registered);
  EXPECT_EQ(agent.info().id().value(), "m-S7");
  EXPECT_EQ(agent.deadline(), std::nullopt);
  EXPECT_EQ(agent.pid(), "slave(1)@127.0.0.1:5051");  // Fact W82.
}

class AgentSilence : public AgentConversation {
 protected:
  AgentSilence() {
    AgentRegistered message;
    message.agentId.set_value(kAgentId);
    message.pingTimeout = seconds(75);
    fromMaster(message);
    toMaster.clear();
  }
  template <typename Message>
  std::size_t count() const {
    return static_cast<std::size_t>(
        std::count_if(toMaster.begin(), toMaster.end(),
                      [](const auto& one) { return std::holds_alternative<Message>(one); }));
  }
};

// Fact G2.
TEST_F(AgentSilence, AnswersPings) {
  for (int i = 0; i < 10; ++i) {
    advance(seconds(60));
    fromMaster(Ping{});
  }
  EXPECT_EQ(count<Pong>(), 10u);
  EXPECT_EQ(count<RegisterAgent>(), 0u);
}

// Fact G8.
TEST_F(AgentSilence, RegistersAgainWhenThePingsStayAway) {
  advance(seconds(74));
  EXPECT_TRUE(toMaster.empty());
  advance(seconds(1));
  EXPECT_EQ(count<RegisterAgent>(), 1u);
  advance(minutes(5));
  EXPECT_GT(count<RegisterAgent>(), 4u);
}

TEST_F(AgentSilence, KeepsItsIdWhenItIsGivenAnother) {
  AgentRegistered late;
  late.agentId.set_value("another");
  fromMaster(late);
  fromMaster(late);
  EXPECT_EQ(agent.info().id().value(), kAgentId);
  ASSERT_EQ(count<RegisterAgent>(), 1u);
  EXPECT_EQ(std::get<RegisterAgent>(toMaster.back()).info.id().value(), kAgentId);
}

TEST_F(AgentSilence, RegistersAgainWhenTheMasterMissesIt) {
  fromMaster(Ping{false});
  fromMaster(Ping{false});
  EXPECT_EQ(count<RegisterAgent>(), 1u);
}

// A LAUNCH that was held up comes after the agent told the master what it has.
TEST_F(AgentSilence, TakesNoTasksUntilItIsRegisteredAgain) {
  advance(seconds(75));
  ASSERT_EQ(count<RegisterAgent>(), 1u);
  run(executorTask("t1"));
  EXPECT_TRUE(agent.frameworks().empty());
  AgentRegistered message;
  message.agentId.set_value(kAgentId);
  fromMaster(message);
  run(executorTask("t1"));
  EXPECT_EQ(agent.frameworks().size(), 1u);
}

// What the master did before it gave the agent up may arrive after what it will know it by.
TEST_F(AgentSilence, IsNotRegisteredByALateAnswer) {
  advance(seconds(75));
  advance(seconds(1));
  ASSERT_EQ(count<RegisterAgent>(), 2u);
  for (const auto& one : toMaster) {
    const auto* registration = std::get_if<RegisterAgent>(&one);
    ASSERT_TRUE(registration);
    AgentRegistered late;
    late.agentId.set_value(kAgentId);
    late.attempt = registration->attempt - 1;
    agent.onMasterMessage(now, late);
    run(executorTask("t1"));
    EXPECT_TRUE(agent.frameworks().empty());
  }
}

// Fact G6.
TEST_F(AgentSilence, EndsWhenItIsGone) {
  runSubscribed();
  fromMaster(ShutdownAgent{});
  EXPECT_TRUE(hasEnded);
  EXPECT_EQ(count<UnregisterAgent>(), 0u);
  ASSERT_EQ(destroys.size(), 1u);
  exited(SIGKILL);
  EXPECT_EQ(agent.deadline(), std::nullopt);
}

// Fact G7.
TEST_F(AgentSilence, DeniesOnlyTasksThatItReallyLacks) {
  runSubscribed();
  run(executorTask("t2"));
  clear();
  AgentRegistered message;
  message.agentId.set_value(kAgentId);
  for (const char* task : {"t1", "t2", "t3"}) {
    message.missing.push_back({frameworkInfo(), {}});
    message.missing.back().taskId.set_value(task);
  }
  fromMaster(message);
  fromMaster(message);
  ASSERT_EQ(statusesOf("t3").size(), 2u);  // The same once more: nobody acknowledged it.
  EXPECT_EQ(statusesOf("t3")[0].uuid(), statusesOf("t3")[1].uuid());
  EXPECT_EQ(statusesOf("t3")[0].state(), TASK_LOST);
  EXPECT_TRUE(statusesOf("t1").empty());
  EXPECT_TRUE(statusesOf("t2").empty());
}

class AgentUpdates : public AgentConversation {
 protected:
  void resubscribe() { fromMaster(FrameworkResubscribed{awareFramework()}); }
};

// Facts U16, X33.
TEST_F(AgentUpdates, ForwardsAStatusAndThenAcknowledgesIt) {
  runSubscribed();
  TaskStatus status = executorStatus("t1", TASK_RUNNING, 'a');
  status.set_message("m");
  status.set_data(std::string("\0\x01\xff", 3));
  status.set_healthy(true);
  status.mutable_labels()->add_labels()->set_key("a");
  update(status);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].frameworkId.value(), kFramework);
  EXPECT_EQ(updates[0].latestState, TASK_RUNNING);
  TaskStatus expected = status;
  expected.mutable_agent_id()->set_value(kAgentId);
  auto* container = expected.mutable_container_status();
  container->mutable_container_id()->set_value(containerId());
  container->set_executor_pid(4321);
  auto* address = container->add_network_infos()->add_ip_addresses();
  address->set_protocol(v1::NetworkInfo::IPv4);
  address->set_ip_address("10.0.0.7");
  EXPECT_EQ(lastStatus().SerializeAsString(), expected.SerializeAsString());
  EXPECT_EQ(eventsOf(1).back(), "ACKNOWLEDGED t1 a");
  EXPECT_EQ(agent.counters().validStatusUpdates, 1u);
}

// Facts U11, U12.
TEST_F(AgentUpdates, RepeatsTheHeadUnchangedUntilItIsAcknowledged) {
  runSubscribed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  update(executorStatus("t1", TASK_FINISHED, 'b'));
  ASSERT_EQ(updates.size(), 1u);
  advance(seconds(70));  // 10 s, 30 s, 70 s.
  ASSERT_EQ(updates.size(), 4u);
  for (const auto& each : updates) {
    EXPECT_EQ(each.status.SerializeAsString(), updates[0].status.SerializeAsString());
  }
  EXPECT_EQ(updates[0].latestState, TASK_RUNNING);
  EXPECT_EQ(updates[1].latestState, TASK_FINISHED);  // Fact U15.
  acknowledge(updates[0].status);
  ASSERT_EQ(updates.size(), 5u);  // Fact K35.
  EXPECT_EQ(lastStatus().uuid(), uuidOf('b'));
  acknowledge(lastStatus());
  clear();
  advance(minutes(20));
  EXPECT_TRUE(updates.empty());
}

// Fact K36.
TEST_F(AgentUpdates, DoesNotLetOneTaskWaitForAnother) {
  runSubscribed();
  run(executorTask("t2"));
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  update(executorStatus("t2", TASK_RUNNING, 'b'));
  EXPECT_EQ(statusesOf("t2").size(), 1u);
}

// Fact K34.
TEST_F(AgentUpdates, IgnoresAnAcknowledgementOfAnotherUuid) {
  runSubscribed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  update(executorStatus("t1", TASK_FINISHED, 'b'));
  acknowledge(executorStatus("t1", TASK_FINISHED, 'b'));
  acknowledge(executorStatus("t9", TASK_FINISHED, 'a'));
  EXPECT_EQ(updates.size(), 1u);
  EXPECT_EQ(agent.executor(kFramework, "e1")->tasks.count("t1"), 1u);
}

// Fact S45.
TEST_F(AgentUpdates, ResendsEveryHeadWhenTheFrameworkIsBack) {
  runSubscribed();
  run(executorTask("t2"));
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  update(executorStatus("t2", TASK_RUNNING, 'b'));
  advance(seconds(31));  // Repeated twice each.
  clear();
  resubscribe();
  EXPECT_EQ(updates.size(), 2u);
  advance(seconds(10));  // The back-off started over.
  EXPECT_EQ(updates.size(), 4u);
}

TEST_F(AgentUpdates, LearnsTheNewFrameworkInfo) {
  runSubscribed();
  FrameworkInfo info = awareFramework();
  info.set_name("renamed");
  fromMaster(FrameworkResubscribed{info});
  EXPECT_EQ(agent.frameworks().at(kFramework).info.name(), "renamed");
}

TEST_F(AgentUpdates, ResendsEveryHeadWhenItIsRegisteredAgain) {
  runSubscribed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  AgentRegistered registered;
  registered.agentId.set_value(kAgentId);
  fromMaster(registered);
  EXPECT_EQ(updates.size(), 2u);
}

TEST_F(AgentUpdates, TellsANewMasterAllThatIsHere) {
  runSubscribed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  run(executorTask("t2", "e2"));
  run(commandTask("t3"));
  clear();
  start();
  ASSERT_EQ(toMaster.size(), 1u);
  const auto& message = std::get<RegisterAgent>(toMaster[0]);
  EXPECT_EQ(message.info.id().value(), kAgentId);
  EXPECT_EQ(message.pid, "slave(1)@10.0.0.7:5051");
  ASSERT_EQ(message.frameworks.size(), 1u);
  ASSERT_EQ(message.executors.size(), 2u);  // Not the command task's (fact D2).
  EXPECT_EQ(message.executors[0].executor_id().value(), "e1");
  EXPECT_EQ(message.executors[1].executor_id().value(), "e2");
  std::map<std::string, TaskState> states;
  for (const TaskRecord& task : message.tasks) {
    states[task.unpack().task_id().value()] = task.state();
  }
  EXPECT_EQ(states, (std::map<std::string, TaskState>{
                        {"t1", TASK_RUNNING}, {"t2", TASK_STAGING}, {"t3", TASK_STAGING}}));
}

// Fact U14.
TEST_F(AgentUpdates, AcknowledgesARepeatedUpdateWithoutForwardingIt) {
  runSubscribed();
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  acknowledgeAll("t1");
  update(executorStatus("t1", TASK_RUNNING, 'a'));
  EXPECT_EQ(updates.size(), 1u);
  EXPECT_EQ(eventsOf(1), (Words{"SUBSCRIBED", "LAUNCH t1", "ACKNOWLEDGED t1 a", "ACKNOWLEDGED t1 a",
                                "ACKNOWLEDGED t1 a"}));
}

// Facts U21, X34.
TEST_F(AgentUpdates, SwallowsUpdatesAfterATerminalOneUntilThatIsAcknowledged) {
  runSubscribed();
  update(executorStatus("t1", TASK_FINISHED, 'a'));
  update(executorStatus("t1", TASK_FAILED, 'b'));
  EXPECT_EQ(eventsOf(1).back(), "ACKNOWLEDGED t1 b");
  EXPECT_EQ(agent.executor(kFramework, "e1")->tasks.at("t1").state(), TASK_FINISHED);
  acknowledgeAll("t1");
  EXPECT_EQ(updates.size(), 1u);
  update(executorStatus("t1", TASK_FAILED, 'c'));
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(lastStatus().uuid(), uuidOf('c'));
  EXPECT_FALSE(lastStatus().has_container_status());
  EXPECT_EQ(eventsOf(1).back(), "ACKNOWLEDGED t1 b");  // Never 'c'.
}

// Fact X34.
TEST_F(AgentUpdates, ForwardsButDoesNotAcknowledgeUpdatesOfUnknownTasks) {
  runSubscribed();
  update(executorStatus("t9", TASK_RUNNING, 'a'));
  EXPECT_EQ(lastStatus().task_id().value(), "t9");
  EXPECT_EQ(lastStatus().agent_id().value(), kAgentId);
  EXPECT_FALSE(lastStatus().has_container_status());
  EXPECT_EQ(eventsOf(1), (Words{"SUBSCRIBED", "LAUNCH t1"}));
}

// An update that nobody acknowledged must not swallow those of the id's next bearer.
TEST_F(AgentUpdates, StartsAFreshStreamForATaskIdThatIsUsedAgain) {
  runSubscribed();
  update(executorStatus("t2", TASK_FINISHED, 'a'));
  run(executorTask("t2"));
  update(executorStatus("t2", TASK_RUNNING, 'b'));
  EXPECT_EQ(lastStatus().uuid(), uuidOf('b'));
}

// Fact X22.
TEST_F(AgentUpdates, DropsAnUpdateInTheNameOfAnotherAgent) {
  runSubscribed();
  TaskStatus status = executorStatus("t1", TASK_RUNNING, 'a');
  status.mutable_agent_id()->set_value("m-S9");
  update(status);
  EXPECT_TRUE(updates.empty());
  EXPECT_EQ(eventsOf(1), (Words{"SUBSCRIBED", "LAUNCH t1"}));
  EXPECT_EQ(agent.counters().invalidStatusUpdates, 1u);
}

// Facts U17, U20.
TEST_F(AgentUpdates, KeepsAHistoryOfStatusesWithoutTheirData) {
  runSubscribed();
  update(executorStatus("t1", TASK_STARTING, 'a'));
  TaskStatus running = executorStatus("t1", TASK_RUNNING, 'b');
  running.set_data("x");
  update(running);
  running.set_uuid(uuidOf('c'));
  running.set_healthy(true);
  update(running);
  const TaskRecord& record = agent.executor(kFramework, "e1")->tasks.at("t1");
  Task task = record.unpack();
  EXPECT_EQ(task.state(), TASK_RUNNING);
  ASSERT_EQ(task.statuses_size(), 2);
  EXPECT_EQ(task.statuses(0).state(), TASK_STARTING);
  EXPECT_TRUE(task.statuses(1).healthy());
  EXPECT_FALSE(task.statuses(1).has_data());
  EXPECT_EQ(task.status_update_state(), TASK_STARTING);  // What the scheduler was told.
  acknowledge(executorStatus("t1", TASK_STARTING, 'a'));
  task = record.unpack();
  EXPECT_EQ(task.status_update_state(), TASK_RUNNING);
  EXPECT_EQ(task.status_update_uuid(), uuidOf('b'));
}

}  // namespace
}  // namespace mesos::cluster
