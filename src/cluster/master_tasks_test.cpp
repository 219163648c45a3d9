// Updates, acknowledgements, kills, reconciliation and agents (sections 9-11).
#include "base/base64.hpp"
#include "cluster/master_fixture.hpp"

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;
using Event = Master::Event;

class TaskTest : public MasterTest {
 public:
  explicit TaskTest(MasterOptions options = {}) : MasterTest(std::move(options)) {}

  void start(const std::string& framework = kAware) {
    agent = addAgent();
    stream = subscribe(framework);
    launch(stream, {"t"});
    take(stream);
    takeSent<RunTask>();
  }
  void acknowledge(const std::string& uuid, const std::string& taskId = "t") {
    call(stream, R"("type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":")" + agentId(agent) +
                     R"("},"task_id":{"value":")" + taskId + R"("},"uuid":")" + encodeBase64(uuid) +
                     "\"}");
  }
  std::vector<TaskStatus> reconcile(const std::string& tasks) {
    take(stream);
    call(stream, R"("type":"RECONCILE","reconcile":{"tasks":[)" + tasks + "]}");
    return takeUpdates(stream);
  }
  std::vector<TaskStatus> kill(const std::string& members) {
    take(stream);
    call(stream, R"("type":"KILL","kill":{)" + members + "}");
    return takeUpdates(stream);
  }
  const MasterFramework& framework() const { return *master.frameworkOf(stream); }

  std::uint64_t agent = 0;
  StreamId stream = 0;
};

TEST_F(TaskTest, ForwardsUpdatesAndPassesAcknowledgementsOn) {
  start();
  const std::string uuid = update(agent, stream, "t", TASK_RUNNING);
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].uuid(), uuid);
  EXPECT_EQ(updates[0].source(), TaskStatus::SOURCE_EXECUTOR);
  EXPECT_EQ(framework().tasks.at("t").task.state(), TASK_RUNNING);
  acknowledge(uuid);
  const auto sent = takeSent<AcknowledgeUpdate>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].uuid, uuid);
  EXPECT_EQ(sent[0].taskId.value(), "t");
  EXPECT_EQ(sent[0].frameworkId.value(), idOf(stream));
  EXPECT_EQ(master.counters().validStatusUpdates, 1u);
  EXPECT_EQ(master.counters().validAcknowledgements, 1u);
}

TEST_F(TaskTest, KeepsATerminalTaskUntilItIsAcknowledged) {
  start();
  const std::string uuid = update(agent, stream, "t", TASK_FINISHED);
  EXPECT_EQ(framework().tasks.at("t").task.state(), TASK_FINISHED);
  EXPECT_TRUE(framework().completedTasks.empty());
  EXPECT_TRUE(master.agents().begin()->second.used.empty());
  acknowledge(std::string(16, 'x'));
  EXPECT_EQ(framework().tasks.size(), 1u);
  acknowledge(uuid);
  EXPECT_TRUE(framework().tasks.empty());
  ASSERT_EQ(framework().completedTasks.size(), 1u);
  EXPECT_EQ(framework().completedTasks[0].state(), TASK_FINISHED);
  acknowledge(uuid);  // Again: the agent's business.
  EXPECT_EQ(takeSent<AcknowledgeUpdate>().size(), 3u);
  EXPECT_EQ(master.counters().terminalTasks.at(TASK_FINISHED), 1u);
}

TEST_F(TaskTest, DoesNotPassOnAcknowledgementsOfUpdatesItNeverForwarded) {
  start();
  acknowledge(std::string(16, 'x'));
  EXPECT_TRUE(takeSent<AcknowledgeUpdate>().empty());
  EXPECT_EQ(master.counters().invalidAcknowledgements, 1u);
  fromAgent(agent, UnregisterAgent{});
  acknowledge(std::string(16, 'x'));
  EXPECT_EQ(master.counters().invalidAcknowledgements, 2u);
}

TEST_F(TaskTest, FreesResourcesWithTheLatestStateAndShowsTheForwardedOne) {
  start();
  update(agent, stream, "t", TASK_RUNNING, TASK_FINISHED);
  EXPECT_TRUE(master.agents().begin()->second.used.empty());
  EXPECT_EQ(framework().tasks.at("t").task.state(), TASK_FINISHED);
  EXPECT_EQ(framework().tasks.at("t").task.unpack().status_update_state(), TASK_RUNNING);
  EXPECT_EQ(reconcile("").at(0).state(), TASK_RUNNING);
  const std::string uuid = update(agent, stream, "t", TASK_FINISHED);
  EXPECT_EQ(reconcile("").at(0).state(), TASK_FINISHED);
  acknowledge(uuid);
  EXPECT_TRUE(framework().tasks.empty());
}

TEST_F(TaskTest, KeepsTheNewestStatusOfEachStateWithoutData) {
  start();
  StatusUpdate message;
  message.frameworkId.set_value(idOf(stream));
  message.status = makeStatus(TaskID(), TASK_RUNNING);
  message.status.mutable_task_id()->set_value("t");
  message.status.set_uuid(std::string(16, 'u'));
  message.status.set_data("big");
  message.latestState = TASK_RUNNING;
  for (const char* text : {"one", "two"}) {
    message.status.set_message(text);
    fromAgent(agent, message);
  }
  EXPECT_EQ(takeUpdates(stream).at(1).data(), "big");
  const Task task = framework().tasks.at("t").task.unpack();
  ASSERT_EQ(task.statuses_size(), 1);
  EXPECT_EQ(task.statuses(0).message(), "two");
  EXPECT_FALSE(task.statuses(0).has_data());
}

TEST_F(TaskTest, ForwardsUpdatesOfTasksItDoesNotKnow) {
  start();
  const std::string uuid = update(agent, stream, "ghost", TASK_RUNNING);
  EXPECT_EQ(takeUpdates(stream).at(0).uuid(), uuid);
  EXPECT_EQ(master.counters().invalidStatusUpdates, 1u);
  acknowledge(uuid, "ghost");
  EXPECT_EQ(takeSent<AcknowledgeUpdate>().size(), 1u);
}

TEST_F(TaskTest, DropsUpdatesOfFrameworksItDoesNotKnow) {
  start();
  const std::string id = idOf(stream);
  call(stream, R"("type":"TEARDOWN")");
  StatusUpdate message;
  message.frameworkId.set_value(id);
  message.status.mutable_task_id()->set_value("t");
  message.status.set_state(TASK_KILLED);
  fromAgent(agent, message);
  EXPECT_EQ(master.counters().invalidStatusUpdates, 1u);
}

TEST_F(TaskTest, IgnoresWhoeverHasNotRegistered) {
  start();
  StatusUpdate message;
  message.frameworkId.set_value(idOf(stream));
  message.status = makeStatus(TaskID(), TASK_FINISHED);
  message.status.mutable_task_id()->set_value("t");
  message.latestState = TASK_FINISHED;
  fromAgent(99, message);
  fromAgent(99, UnregisterAgent{});
  EXPECT_TRUE(take(stream).empty());
  EXPECT_EQ(framework().tasks.at("t").task.state(), TASK_STAGING);
}

class FewCompletedTest : public TaskTest {
 public:
  FewCompletedTest()
      : TaskTest([] {
          MasterOptions options;
          options.completedTasksMax = 2;
          return options;
        }()) {}
};

TEST_F(FewCompletedTest, RemembersOnlyTheLastCompletedTasks) {
  agent = addAgent();
  stream = subscribe(kAware);
  for (const std::string id : {"a", "b", "c"}) {
    launch(stream, {id});
    acknowledge(update(agent, stream, id, TASK_FAILED), id);
    take(stream);
    advance(1s);
  }
  ASSERT_EQ(framework().completedTasks.size(), 2u);
  EXPECT_EQ(framework().completedTasks[0].task_id().value(), "b");
}

// --- KILL.

TEST_F(TaskTest, PassesEveryKillOn) {
  start();
  EXPECT_TRUE(kill(R"("task_id":{"value":"t"})").empty());
  EXPECT_TRUE(kill(R"("task_id":{"value":"t"},"agent_id":{"value":")" + agentId(agent) +
                   R"("},"kill_policy":{"grace_period":{"nanoseconds":5}})")
                  .empty());
  const auto sent = takeSent<KillTask>();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_FALSE(sent[0].policy);
  ASSERT_TRUE(sent[1].policy);
  EXPECT_EQ(sent[1].policy->grace_period().nanoseconds(), 5);
  EXPECT_TRUE(framework().tasks.at("t").killRequested);
}

TEST_F(TaskTest, IgnoresAKillThatNamesAnotherAgent) {
  start();
  EXPECT_TRUE(kill(R"("task_id":{"value":"t"},"agent_id":{"value":"nope"})").empty());
  EXPECT_TRUE(takeSent<KillTask>().empty());
}

TEST_F(TaskTest, PassesOnTheKillOfATerminalTaskThatIsNotAcknowledged) {
  start();
  update(agent, stream, "t", TASK_FINISHED);
  kill(R"("task_id":{"value":"t"})");
  EXPECT_EQ(takeSent<KillTask>().size(), 1u);
}

// --- Reconciliation, of a RECONCILE and of a KILL alike.

TEST_F(TaskTest, AnswersForUnknownTasksAsRecorded) {
  agent = addAgent();
  for (const bool aware : {true, false}) {
    stream = subscribe(aware ? kAware : kPlain);
    const std::string kind = aware ? "PA" : "nonPA";
    const std::vector<std::pair<std::string, std::string>> table = {
        {"no agent", ""},
        {"registered agent", R"(,"agent_id":{"value":")" + agentId(agent) + "\"}"},
        {"unknown agent", R"(,"agent_id":{"value":"nope-S1"})"}};
    for (const auto& [which, agentJson] : table) {
      const std::string task = R"("task_id":{"value":"ghost"})" + agentJson;
      const std::string cause = "unknown task, " + which + ", " + kind;
      SCOPED_TRACE(cause);
      auto answers = reconcile("{" + task + "}");
      ASSERT_EQ(answers.size(), 1u);
      expectLike(recordedStatus(cause), answers[0]);
      answers = kill(task);
      ASSERT_EQ(answers.size(), 1u);
      expectLike(recordedStatus("KILL of " + cause), answers[0]);
    }
  }
}

TEST_F(TaskTest, AnswersForKnownTasksAsRecorded) {
  start();
  ASSERT_EQ(reconcile("").size(), 1u);
  EXPECT_EQ(reconcile("")[0].state(), TASK_STAGING);
  const TaskStatus recorded = recordedStatus("implicit: running command task");
  StatusUpdate message;
  message.frameworkId.set_value(idOf(stream));
  message.status = makeStatus(TaskID(), TASK_RUNNING);
  message.status.mutable_task_id()->set_value("t");
  message.status.set_uuid(std::string(16, 'u'));
  message.status.set_data("d");
  message.status.mutable_labels()->add_labels()->set_key("k");
  *message.status.mutable_container_status() = recorded.container_status();
  message.latestState = TASK_RUNNING;
  fromAgent(agent, message);
  const auto implicit = reconcile("");
  ASSERT_EQ(implicit.size(), 1u);
  expectLike(recorded, implicit[0]);
  EXPECT_EQ(implicit[0].timestamp(), now.unixSeconds());
  const auto wrong = reconcile(R"({"task_id":{"value":"t"},"agent_id":{"value":"nope"}})");
  ASSERT_EQ(wrong.size(), 1u);
  expectLike(recordedStatus("explicit: known task, wrong agent given"), wrong[0]);
}

TEST_F(TaskTest, NamesTheExecutorOfAStagingTaskAsRecorded) {
  agent = addAgent();
  stream = subscribe(kAware);
  const Offer offer = takeOffer(stream);
  launch(stream, offer, {taskJson(offer, "t", kExecutor)});
  const auto answers = reconcile("");
  ASSERT_EQ(answers.size(), 1u);
  expectLike(recordedStatus("implicit: staging, custom executor"), answers[0]);
}

TEST_F(TaskTest, ForgetsCompletedTasksWhenReconciling) {
  start();
  acknowledge(update(agent, stream, "t", TASK_FINISHED));
  EXPECT_TRUE(reconcile("").empty());
  const auto answers = reconcile(R"({"task_id":{"value":"t"}})");
  ASSERT_EQ(answers.size(), 1u);
  expectLike(recordedStatus("explicit: completed task, no agent, PA"), answers[0]);
}

TEST_F(TaskTest, AnswersForEachTaskOfAnImplicitReconciliation) {
  agent = addAgent();
  stream = subscribe(kAware);
  EXPECT_TRUE(reconcile("").empty());
  call(stream, R"("type":"REVIVE")");
  Offer offer;
  for (const auto& one : master.offers()) offer = one.second.offer;
  launch(stream, offer, {taskJson(offer, "a"), taskJson(offer, "b"), taskJson(offer, "c")});
  EXPECT_EQ(reconcile("").size(), 3u);
}

TEST_F(TaskTest, KnowsNoOperations) {
  start();
  call(stream, R"("type":"RECONCILE_OPERATIONS","reconcile_operations":{"operations":[
      {"operation_id":{"value":"nope"}},{"operation_id":{"value":"x"},
       "agent_id":{"value":"a"}}]})");
  const auto events = take(stream);
  ASSERT_EQ(events.size(), 2u);
  // As in tests/traces/subscribe-json/001.
  EXPECT_EQ(protocol::toJson(events[0]),
            R"({"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":)"
            R"({"operation_id":{"value":"nope"},"state":"OPERATION_UNKNOWN","message":)"
            R"("Reconciliation: Operation is unknown and no 'agent_id' was provided"}}})");
  EXPECT_EQ(events[1].update_operation_status().status().agent_id().value(), "a");
}

// --- Messages.

TEST_F(TaskTest, CarriesMessagesBothWays) {
  start();
  call(stream, R"("type":"MESSAGE","message":{"agent_id":{"value":")" + agentId(agent) +
                   R"("},"executor_id":{"value":"e"},"data":"AAE="})");
  const auto sent = takeSent<MessageToExecutor>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].data, std::string("\0\1", 2));
  ExecutorMessage message;
  message.frameworkId.set_value(idOf(stream));
  message.executorId.set_value("e");
  message.data = std::string("\0x", 2);
  fromAgent(agent, message);
  const auto events = take(stream);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].message().data(), message.data);
  EXPECT_EQ(events[0].message().executor_id().value(), "e");
  EXPECT_EQ(events[0].message().agent_id().value(), agentId(agent));
  call(stream, R"("type":"MESSAGE","message":{"agent_id":{"value":"nope"},
      "executor_id":{"value":"e"},"data":""})");
  EXPECT_TRUE(takeSent<MessageToExecutor>().empty());
}

TEST_F(TaskTest, PassesAShutdownOn) {
  start();
  call(stream,
       R"("type":"SHUTDOWN","shutdown":{"executor_id":{"value":"e"},"agent_id":{"value":")" +
           agentId(agent) + "\"}}");
  EXPECT_EQ(takeSent<ShutdownExecutor>().size(), 1u);
}

// --- Agents.

TEST_F(TaskTest, NumbersAgentsFromZeroAndAnswersARepeatedRegistration) {
  const std::uint64_t link = addAgent();
  EXPECT_EQ(agentId(link), master.id() + "-S0");
  EXPECT_EQ(agentId(addAgent()), master.id() + "-S1");
  RegisterAgent again;
  again.info = master.agents().at(agentId(link)).info;
  again.info.clear_id();
  again.pid = "slave(1)@127.0.0.1:5051";
  fromAgent(link, again);
  EXPECT_EQ(takeSent<AgentRegistered>().at(0).agentId.value(), agentId(link));
  EXPECT_EQ(master.agents().size(), 2u);
}

TEST_F(TaskTest, LosesTheTasksOfAnAgentThatUnregisters) {
  for (const bool aware : {true, false}) {
    start(aware ? kAware : kPlain);
    const std::string other = agentId(agent);
    fromAgent(agent, UnregisterAgent{});
    const auto events = take(stream);
    ASSERT_EQ(events.size(), 2u);
    expectLike(recordedStatus(std::string("agent unregisters (SIGUSR1); PARTITION_AWARE=") +
                              (aware ? "True" : "False") + ", checkpoint=True"),
               events[0].update().status());
    EXPECT_EQ(protocol::toJson(events[1]),
              R"({"type":"FAILURE","failure":{"agent_id":{"value":")" + other + "\"}}}");
    EXPECT_EQ(framework().completedTasks.at(0).state(), TASK_LOST);
    EXPECT_TRUE(master.agents().empty());
    const auto after =
        reconcile(R"({"task_id":{"value":"t"},"agent_id":{"value":")" + other + "\"}}");
    ASSERT_EQ(after.size(), 1u);
    expectLike(recordedStatus(std::string("after unregistration: explicit with agent_id; "
                                          "PARTITION_AWARE=") +
                              (aware ? "True" : "False")),
               after[0]);
    call(stream, R"("type":"TEARDOWN")");
  }
}

TEST_F(TaskTest, ReplacesAnAgentByANewOneFromItsAddress) {
  agent = addAgent(kResources, "slave(1)@127.0.0.1:5051");
  stream = subscribe(kAware);
  const Offer offer = takeOffer(stream);
  launch(stream, offer, {taskJson(offer, "t", kExecutor)});
  take(stream);
  addAgent(kResources, "slave(1)@127.0.0.1:5051");
  EXPECT_EQ(master.agents().size(), 1u);
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  expectLike(recordedStatus("agent comes back with a new id from the same address; "
                            "PARTITION_AWARE=True, checkpoint=True"),
             updates[0]);
  EXPECT_EQ(Resources(master.offers().begin()->second.offer.resources()).unallocated(),
            Resources::parse(kResources).value());
}

TEST_F(TaskTest, AdoptsWhatAnUnknownAgentBrings) {
  RegisterAgent message;
  message.info = fromText<AgentInfo>(R"({"hostname":"h","id":{"value":"old-S7"}})");
  *message.info.mutable_resources() = Resources::parse("cpus:2;mem:256").value().toProto();
  message.pid = "slave(1)@127.0.0.1:5051";
  message.frameworks.push_back(
      fromText<FrameworkInfo>(R"({"user":"u","name":"f","failover_timeout":5,"roles":["*"],
          "capabilities":[{"type":"MULTI_ROLE"}],"id":{"value":"old-0000"}})"));
  message.tasks.push_back(fromText<Task>(
      R"({"name":"t","task_id":{"value":"t"},"framework_id":{"value":"old-0000"},
          "agent_id":{"value":"old-S7"},"state":"TASK_RUNNING","resources":[{"name":"cpus",
          "type":"SCALAR","scalar":{"value":1},"allocation_info":{"role":"*"}}]})"));
  fromAgent(1, message);
  EXPECT_EQ(takeSent<AgentRegistered>().at(0).agentId.value(), "old-S7");
  ASSERT_EQ(master.frameworks().size(), 1u);
  EXPECT_FALSE(master.frameworks().begin()->second.active);
  advance(10h);
  EXPECT_EQ(master.frameworks().size(), 1u);
  stream = subscribe(R"("user":"u","name":"f","roles":["*"],"id":{"value":"old-0000"},
      "capabilities":[{"type":"MULTI_ROLE"}])");
  EXPECT_EQ(takeSent<FrameworkResubscribed>().size(), 1u);
  EXPECT_FALSE(framework().reregistered);
  EXPECT_EQ(Resources(takeOffer(stream).resources()).cpus(), 1);
  const auto answers = reconcile("");
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].state(), TASK_RUNNING);

  call(stream, R"("type":"TEARDOWN")");
  takeSent<ShutdownFramework>();
  message.info.mutable_id()->set_value("old-S8");
  message.pid = "slave(2)@127.0.0.1:5051";
  fromAgent(2, message);
  EXPECT_EQ(takeSent<ShutdownFramework>().at(0).frameworkId.value(), "old-0000");
  EXPECT_TRUE(master.frameworks().empty());
}

TEST_F(TaskTest, TakesAKnownAgentsNewLink) {
  start();
  RegisterAgent message;
  message.info = master.agents().at(agentId(agent)).info;
  message.pid = master.agents().at(agentId(agent)).pid;
  fromAgent(77, message);
  EXPECT_EQ(takeSent<AgentRegistered>().size(), 1u);
  EXPECT_EQ(master.agents().at(agentId(agent)).link, 77u);
  fromAgent(agent, UnregisterAgent{});  // The old link says nothing any more.
  EXPECT_EQ(master.agents().size(), 1u);
}

TEST_F(TaskTest, SurvivesRandomConversations) {
  // The books are checked after every step (MasterTest::drain).
  const std::uint64_t agents[] = {addAgent(), addAgent("cpus:2;mem:512;ports:[1-10]")};
  std::vector<StreamId> streams = {subscribe(kPlain), subscribe(kAware)};
  int number = 0;
  for (int i = 0; i < 1500; ++i) {
    StreamId& one = streams[random.below(std::uint64_t{2})];
    switch (random.below(std::uint64_t{7})) {
      case 0:
      case 1:
        for (const Offer& offer : takeOffers(one)) {
          const std::string id = "t" + std::to_string(number++);
          launch(one, offer, {taskJson(offer, id, random.chance(0.5) ? kExecutor : "")});
        }
        break;
      case 2:
        for (const Offer& offer : takeOffers(one)) {
          call(one, R"("type":"DECLINE","decline":{"offer_ids":[{"value":")" + offer.id().value() +
                        R"("}],"filters":{"refuse_seconds":1}})");
        }
        break;
      case 3:
      case 4:
        if (const MasterFramework* owner = master.frameworkOf(one); !owner->tasks.empty()) {
          const std::string id = owner->tasks.begin()->first;
          for (const std::uint64_t link : agents) {
            if (owner->tasks.count(id) == 0 ||
                owner->tasks.at(id).task.unpack().agent_id().value() != agentId(link)) {
              continue;
            }
            agent = link;
            stream = one;
            acknowledge(update(link, one, id, random.chance(0.5) ? TASK_FINISHED : TASK_RUNNING),
                        id);
          }
        }
        break;
      case 5:
        if (random.chance(0.1)) {
          one = subscribe(std::string(kAware) + R"(,"id":{"value":")" + idOf(one) + "\"}");
        } else if (random.chance(0.1)) {
          call(one, R"("type":"TEARDOWN")");
          one = subscribe(kPlain);
        }
        break;
      default:
        advance(std::chrono::milliseconds(random.below(std::uint64_t{3000})));
    }
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(number, 50);
}

}  // namespace
}  // namespace mesos::cluster
