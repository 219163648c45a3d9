// Agents that fall silent, break off, return, or never do (sections 9.2 and 11).
#include "cluster/master_fixture.hpp"

#include <algorithm>

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;
using Type = MasterTest::Event;

class AgentLossTest : public MasterTest {
 protected:
  using MasterTest::MasterTest;

  /// One framework with task "t" running on one agent; all that came so far is forgotten.
  void start(bool aware, bool checkpoint, const std::string& task = "") {
    link = addAgent();
    stream = subscribe(std::string(aware ? kAware : kPlain) +
                       (checkpoint ? R"(,"checkpoint":true)" : ""));
    const Offer offer = takeOffer(stream);
    launch(stream, offer, {taskJson(offer, "t", task)});
    StatusUpdate running;
    running.frameworkId.set_value(idOf(stream));
    running.status = recordedStatus("agent restarted: other updates; PA");
    running.status.mutable_task_id()->set_value("t");
    running.status.mutable_agent_id()->set_value(agentId(link));
    running.latestState = TASK_RUNNING;
    fromAgent(link, running);
    take(stream);
    takeSent<RunTask>();
  }
  const MasterFramework& framework() const { return master.frameworks().at(idOf(stream)); }
  std::vector<TaskStatus> reconcile(const std::string& agent = "", const std::string& task = "t") {
    call(stream, R"("type":"RECONCILE","reconcile":{"tasks":[{"task_id":{"value":")" + task +
                     "\"}" + (agent.empty() ? "" : R"(,"agent_id":{"value":")" + agent + "\"}") +
                     "}]}");
    return takeUpdates(stream);
  }
  void expectFailureOf(const std::string& agent, const Event& event) {
    EXPECT_EQ(protocol::toJson(event),
              R"({"type":"FAILURE","failure":{"agent_id":{"value":")" + agent + "\"}}}");
  }
  static std::string words(bool aware) {
    return std::string("PARTITION_AWARE=") + (aware ? "True" : "False");
  }

  std::uint64_t link = 0;
  StreamId stream = 0;
};

// Fact G2.
TEST_F(AgentLossTest, PingsEveryAgentAndBearsFourMissedAnswers) {
  start(true, true);
  const std::string id = agentId(link);
  advance(1h);
  EXPECT_EQ(master.agents().size(), 1u);
  silent.insert(link);
  advance(74s);
  EXPECT_EQ(master.agents().size(), 1u);
  silent.erase(link);
  advance(30s);
  silent.insert(link);
  advance(60s);
  EXPECT_EQ(master.agents().size(), 1u);
  advance(31s);
  EXPECT_TRUE(master.agents().empty());
  EXPECT_EQ(master.registry().unreachable.count(id), 1u);
  EXPECT_EQ(master.registry().admitted.count(id), 0u);
}

// Fact G3.
TEST_F(AgentLossTest, TellsOfTheTasksOfAnUnreachableAgent) {
  for (const bool aware : {true, false}) {
    for (const bool checkpoint : {true, false}) {
      start(aware, checkpoint);
      advance(2s);
      takeOffers(stream);
      const std::string id = agentId(link);
      silent.insert(link);
      advance(2min);
      const auto events = take(stream);
      ASSERT_EQ(events.size(), 3u);
      EXPECT_EQ(events[0].type(), Event::RESCIND);
      expectLike(recordedStatus("agent process stopped, ping timeouts pass (marked unreachable); " +
                                words(aware) + ", checkpoint=" + (checkpoint ? "True" : "False")),
                 events[1].update().status());
      expectFailureOf(id, events[2]);
      EXPECT_TRUE(framework().tasks.empty());
      EXPECT_EQ(framework().unreachableTasks.size(), 1u);
      EXPECT_TRUE(framework().completedTasks.empty());

      const auto named = reconcile(id);
      ASSERT_EQ(named.size(), 1u);
      expectLike(recordedStatus("agent unreachable: explicit with agent_id; " + words(aware)),
                 named[0]);
      const auto unnamed = reconcile();
      ASSERT_EQ(unnamed.size(), 1u);
      expectLike(recordedStatus("agent unreachable: explicit without agent_id; " + words(aware)),
                 unnamed[0]);
      call(stream, R"("type":"TEARDOWN")");
    }
  }
}

// Fact G3: the status of a custom executor's task names it.
TEST_F(AgentLossTest, NamesTheExecutorOfAnUnreachableTask) {
  start(true, true, kExecutor);
  silent.insert(link);
  advance(2min);
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].executor_id().value(), "e");
}

// Fact L2.
TEST_F(AgentLossTest, KeepsTheIdOfAnUnreachableTask) {
  start(true, true);
  silent.insert(link);
  advance(2min);
  take(stream);
  addAgent(kResources, "slave(9)@127.0.0.1:5059");
  advance(2s);
  const auto offers = takeOffers(stream);
  ASSERT_EQ(offers.size(), 1u);
  launch(stream, offers[0], {taskJson(offers[0], "t")});
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state(), TASK_ERROR);
  EXPECT_EQ(updates[0].message(), "Task reuses the ID of an unreachable task: t");
}

// Fact G4.
TEST_F(AgentLossTest, TakesTheTasksOfAnUnreachableAgentBack) {
  for (const bool aware : {true, false}) {
    start(aware, true);
    const RegisterAgent message = registrationOf(agentId(link));
    silent.insert(link);
    advance(2min);
    take(stream);
    silent.clear();
    fromAgent(link, message);
    ASSERT_EQ(takeSent<AgentRegistered>().size(), 1u);
    const auto updates = takeUpdates(stream);
    ASSERT_EQ(updates.size(), 1u);
    expectLike(recordedStatus("unreachable agent returns; " + words(aware) + ", checkpoint=True"),
               updates[0]);
    EXPECT_TRUE(framework().unreachableTasks.empty());
    EXPECT_EQ(framework().tasks.at("t").task.state(), TASK_RUNNING);
    EXPECT_EQ(master.registry().unreachable.size(), 0u);
    EXPECT_EQ(master.registry().admitted.size(), 1u);
    advance(2s);
    EXPECT_EQ(master.offers().size(), 1u);
    call(stream, R"("type":"TEARDOWN")");
    fromAgent(link, UnregisterAgent{});
  }
}

// A registration that was sent before its agent had the acknowledgement of a task's end; also of an
// agent that was given up meanwhile.
TEST_F(AgentLossTest, DoesNotTakeUpAgainATaskThatIsAcknowledged) {
  start(true, true);
  const std::string id = agentId(link);
  RegisterAgent late = registrationOf(id);
  Task ended = late.tasks.at(0).unpack();
  ended.set_state(TASK_FINISHED);
  late.tasks.at(0) = ended;
  StatusUpdate end;
  end.frameworkId = framework().info.id();
  end.status = makeStatus(ended.task_id(), TASK_FINISHED, "");
  *end.status.mutable_agent_id() = late.info.id();
  end.status.set_uuid("0123456789abcdef");
  end.latestState = TASK_FINISHED;
  fromAgent(link, end);
  Call acknowledge;
  acknowledge.set_type(Call::ACKNOWLEDGE);
  *acknowledge.mutable_framework_id() = framework().info.id();
  *acknowledge.mutable_acknowledge()->mutable_task_id() = ended.task_id();
  *acknowledge.mutable_acknowledge()->mutable_agent_id() = late.info.id();
  acknowledge.mutable_acknowledge()->set_uuid("0123456789abcdef");
  master.onCall(now, acknowledge);
  drain();
  ASSERT_TRUE(framework().tasks.empty());
  fromAgent(link, late);
  EXPECT_TRUE(framework().tasks.empty());

  silent.insert(link);
  advance(2min);
  ASSERT_TRUE(master.agents().empty());
  fromAgent(link, late);
  ASSERT_EQ(master.agents().size(), 1u);
  EXPECT_TRUE(framework().tasks.empty());
}

// What it said before it knew its id arrives when it is given up.
TEST_F(AgentLossTest, HasAnAgentOnlyOnceThatRegistersUnderTwoIds) {
  const std::string pid = "slave(1)@127.0.0.1:5051";
  link = addAgent(kResources, pid);
  RegisterAgent registration = registrationOf(agentId(link));
  const std::string id = agentId(link);
  silent.insert(link);
  advance(2min);
  ASSERT_TRUE(master.agents().empty());
  silent.insert(addAgent(kResources, pid));
  ASSERT_EQ(master.agents().size(), 1u);
  const std::string other = master.agents().begin()->first;
  ASSERT_NE(other, id);

  fromAgent(link, registration);
  ASSERT_EQ(master.agents().size(), 1u);
  EXPECT_EQ(master.agents().begin()->first, id);
  advance(1h);
  EXPECT_FALSE(master.registry().unreachable.contains(other));
}

// Facts G4, C12: what the agent no longer has is not unreachable any more.
TEST_F(AgentLossTest, ForgetsUnreachableTasksThatDoNotReturn) {
  start(true, true);
  const std::string id = agentId(link);
  RegisterAgent message = registrationOf(id);
  message.tasks.clear();
  silent.insert(link);
  advance(2min);
  silent.clear();
  fromAgent(link, message);
  take(stream);
  EXPECT_TRUE(framework().unreachableTasks.empty());
  const auto answers = reconcile(id);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].state(), TASK_GONE);
}

TEST_F(AgentLossTest, IgnoresWhatAnUnreachableAgentSaysUntilItRegisters) {
  start(true, true);
  silent.insert(link);
  advance(2min);
  take(stream);
  update(link, stream, "t", TASK_FINISHED);
  EXPECT_TRUE(takeUpdates(stream).empty());
}

// Fact G1.
TEST_F(AgentLossTest, EndsTasksWithoutCheckpointWhenTheLinkBreaks) {
  for (const bool aware : {true, false}) {
    start(aware, false, kExecutor);
    advance(2s);
    ASSERT_EQ(takeOffers(stream).size(), 1u);
    const std::string id = agentId(link);
    closeLink(link);
    const auto events = take(stream);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].type(), Event::RESCIND);
    TaskStatus status = events[1].update().status();
    EXPECT_EQ(status.executor_id().value(), "e");
    status.clear_executor_id();
    expectLike(recordedStatus("agent process killed (connection breaks); " + words(aware) +
                              ", checkpoint=False"),
               status);
    EXPECT_TRUE(framework().executors.empty());
    EXPECT_FALSE(master.agents().at(id).active);
    advance(10s);
    EXPECT_TRUE(takeOffers(stream).empty());
    advance(2min);
    call(stream, R"("type":"TEARDOWN")");
  }
}

// Fact G1.
TEST_F(AgentLossTest, KeepsCheckpointedTasksWhenTheLinkBreaks) {
  start(true, true);
  advance(2s);
  ASSERT_EQ(takeOffers(stream).size(), 1u);
  const std::string id = agentId(link);
  closeLink(link);
  const auto events = take(stream);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type(), Event::RESCIND);
  const auto answers = reconcile(id);
  ASSERT_EQ(answers.size(), 1u);
  expectLike(recordedStatus("agent disconnected: explicit with agent_id; PARTITION_AWARE=True"),
             answers[0]);
  fromAgent(link, registrationOf(id));
  advance(2s);
  EXPECT_EQ(takeOffers(stream).size(), 1u);
  EXPECT_TRUE(master.agents().at(id).active);
  EXPECT_TRUE(master.agents().at(id).reregistered.has_value());
}

// Facts K31, K3.
TEST_F(AgentLossTest, DeliversKillsWhenADisconnectedAgentIsBack) {
  start(true, true);
  const std::string id = agentId(link);
  closeLink(link);
  call(stream, R"("type":"KILL","kill":{"task_id":{"value":"t"}})");
  EXPECT_TRUE(takeSent<KillTask>().empty());
  const std::string uuid = framework().tasks.at("t").task.unpack().status_update_uuid();
  Call acknowledge;
  acknowledge.set_type(Call::ACKNOWLEDGE);
  *acknowledge.mutable_framework_id() = framework().info.id();
  acknowledge.mutable_acknowledge()->mutable_task_id()->set_value("t");
  acknowledge.mutable_acknowledge()->mutable_agent_id()->set_value(id);
  acknowledge.mutable_acknowledge()->set_uuid(uuid);
  master.onCall(now, acknowledge);
  drain();
  EXPECT_TRUE(takeSent<AcknowledgeUpdate>().empty());
  fromAgent(7, registrationOf(id));
  EXPECT_EQ(takeSent<KillTask>().size(), 1u);
  fromAgent(7, registrationOf(id));
  EXPECT_EQ(takeSent<KillTask>().size(), 1u);
}

// Fact G2.
class ShortReregistrationTest : public AgentLossTest {
 protected:
  static MasterOptions shortTimeout() {
    MasterOptions options;
    options.agentReregisterTimeout = 20s;
    return options;
  }
  ShortReregistrationTest() : AgentLossTest(shortTimeout()) {}
};

TEST_F(ShortReregistrationTest, MarksADisconnectedAgentUnreachableThatStaysAway) {
  start(true, true);
  closeLink(link);
  take(stream);
  advance(19s);
  EXPECT_TRUE(take(stream).empty());
  advance(1s);
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state(), TASK_UNREACHABLE);
  EXPECT_EQ(updates[0].message(), "agent did not re-register within 20secs after disconnecting");
}

TEST_F(ShortReregistrationTest, SparesADisconnectedAgentThatIsBackInTime) {
  start(true, true);
  closeLink(link);
  fromAgent(link, registrationOf(agentId(link)));
  advance(1h);
  EXPECT_EQ(master.agents().size(), 1u);
  EXPECT_EQ(framework().tasks.size(), 1u);
}

// Fact G7.
TEST_F(AgentLossTest, AsksForTasksThatAReturningAgentDoesNotName) {
  start(true, true);
  RegisterAgent message = registrationOf(agentId(link));
  message.tasks.clear();
  fromAgent(link, message);
  const auto answers = takeSent<AgentRegistered>();
  ASSERT_EQ(answers.size(), 1u);
  ASSERT_EQ(answers[0].missing.size(), 1u);
  EXPECT_EQ(answers[0].missing[0].taskId.value(), "t");
  EXPECT_EQ(answers[0].missing[0].framework.id().value(), idOf(stream));
  EXPECT_EQ(answers[0].pingTimeout, 75s);
  EXPECT_EQ(framework().tasks.size(), 1u);
}

TEST_F(AgentLossTest, AsksForTasksThatAnAgentCouldNotTakeBeforeItKnewItsId) {
  start(true, true, kExecutor);
  RegisterAgent message = registrationOf(agentId(link));
  message.info.clear_id();
  message.tasks.clear();
  message.executors.clear();
  fromAgent(link, message);
  const auto answers = takeSent<AgentRegistered>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].agentId.value(), agentId(link));
  ASSERT_EQ(answers[0].missing.size(), 1u);
  EXPECT_EQ(answers[0].missing[0].taskId.value(), "t");
  EXPECT_TRUE(framework().executors.empty());
}

TEST_F(AgentLossTest, ReleasesExecutorsThatAReturningAgentDoesNotName) {
  start(true, true, kExecutor);
  RegisterAgent message = registrationOf(agentId(link));
  message.executors.clear();
  fromAgent(link, message);
  EXPECT_TRUE(framework().executors.empty());
}

// Fact S57: removed while the agent could not be told.
TEST_F(AgentLossTest, ShutsRemovedFrameworksDownWhenTheAgentIsBack) {
  start(true, true);
  const RegisterAgent message = registrationOf(agentId(link));
  closeLink(link);
  call(stream, R"("type":"TEARDOWN")");
  EXPECT_TRUE(takeSent<ShutdownFramework>().empty());
  fromAgent(link, message);
  EXPECT_EQ(takeSent<ShutdownFramework>().size(), 1u);
}

// Facts G6, C14.
TEST_F(AgentLossTest, MarksAgentsGoneForEver) {
  for (const bool aware : {true, false}) {
    start(aware, true);
    const std::string id = agentId(link);
    const RegisterAgent message = registrationOf(id);
    EXPECT_TRUE(master.markAgentGone(now, id));
    drain();
    EXPECT_EQ(takeSent<ShutdownAgent>().size(), 1u);
    auto events = take(stream);
    std::erase_if(events, [](const Event& event) { return event.type() == Event::RESCIND; });
    ASSERT_EQ(events.size(), 2u);
    expectLike(
        recordedStatus("operator marks the agent gone; " + words(aware) + ", checkpoint=True"),
        events[0].update().status());
    expectFailureOf(id, events[1]);
    const auto named = reconcile(id);
    ASSERT_EQ(named.size(), 1u);
    expectLike(recordedStatus("agent marked gone: explicit with agent_id; " + words(aware)),
               named[0]);
    EXPECT_TRUE(master.markAgentGone(now, id));
    EXPECT_TRUE(take(stream).empty());
    fromAgent(link, message);
    EXPECT_EQ(takeSent<ShutdownAgent>().size(), 1u);
    EXPECT_TRUE(master.agents().empty());
    call(stream, R"("type":"TEARDOWN")");
  }
  EXPECT_FALSE(master.markAgentGone(now, "nope"));
}

TEST_F(AgentLossTest, MarksAnUnreachableAgentGone) {
  start(true, true);
  const std::string id = agentId(link);
  silent.insert(link);
  advance(2min);
  EXPECT_TRUE(master.markAgentGone(now, id));
  drain();
  take(stream);
  const auto answers = reconcile(id);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].state(), TASK_GONE_BY_OPERATOR);
}

// --- A new master (fact G8).

class MasterFailoverTest : public AgentLossTest {
 protected:
  static Registry formerAgents() {
    Registry registry;
    for (const char* id : {"old-S0", "old-S1"}) {
      AgentInfo info;
      info.set_hostname("h");
      info.mutable_id()->set_value(id);
      registry.admitted[id] = info;
    }
    return registry;
  }
  MasterFailoverTest() : AgentLossTest({}, formerAgents()) {}

  static RegisterAgent registration(const std::string& id, const std::string& taskId = "") {
    RegisterAgent message;
    message.info = fromText<AgentInfo>(R"({"hostname":"h","id":{"value":")" + id + "\"}}");
    *message.info.mutable_resources() = Resources::parse("cpus:2;mem:256").value().toProto();
    message.pid = id + "@127.0.0.1:5051";
    if (taskId.empty()) return message;
    message.frameworks.push_back(
        fromText<FrameworkInfo>("{" + std::string(kAware) + R"(,"id":{"value":"old-0000"}})"));
    message.tasks.push_back(fromText<Task>(
        R"({"name":"t","task_id":{"value":")" + taskId + R"("},"agent_id":{"value":")" + id +
        R"("},"framework_id":{"value":"old-0000"},"state":"TASK_RUNNING","resources":[
            {"name":"cpus","type":"SCALAR","scalar":{"value":1},"allocation_info":{"role":"*"}}]})"));
    return message;
  }
  void resubscribe() {
    stream = subscribe(std::string(kAware) + R"(,"id":{"value":"old-0000"})");
    take(stream);
  }
};

// Fact C11.
TEST_F(MasterFailoverTest, IsSilentAboutTasksWhileTheirAgentsAreComingBack) {
  resubscribe();
  EXPECT_TRUE(reconcile("old-S0").empty());
  EXPECT_TRUE(reconcile().empty());
  call(stream, R"("type":"KILL","kill":{"task_id":{"value":"t"}})");
  EXPECT_TRUE(takeUpdates(stream).empty());
  const auto unheard = reconcile("never-S0");
  ASSERT_EQ(unheard.size(), 1u);
  EXPECT_EQ(unheard[0].state(), TASK_UNKNOWN);

  fromAgent(1, registration("old-S0", "t"));
  // Its return says nothing by itself (fact G8).
  EXPECT_TRUE(takeUpdates(stream).empty());
  const auto known = reconcile("old-S0");
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].state(), TASK_RUNNING);
  EXPECT_EQ(reconcile("old-S0", "ghost").at(0).state(), TASK_GONE);
  EXPECT_TRUE(reconcile("", "ghost").empty());
  fromAgent(2, registration("old-S1"));
  EXPECT_EQ(reconcile("", "ghost").at(0).state(), TASK_UNKNOWN);
  EXPECT_EQ(takeSent<AgentRegistered>().size(), 2u);
}

TEST_F(MasterFailoverTest, GivesUpOnAgentsThatDoNotComeBack) {
  resubscribe();
  fromAgent(1, registration("old-S0"));
  take(stream);
  advance(10min - 1s);
  EXPECT_TRUE(reconcile("old-S1").empty());
  EXPECT_EQ(master.recoveredAgents().size(), 1u);
  advance(1s);
  EXPECT_TRUE(master.recoveredAgents().empty());
  const auto events = take(stream);
  ASSERT_FALSE(events.empty());
  expectFailureOf("old-S1", events.back());
  EXPECT_EQ(reconcile("old-S1").at(0).state(), TASK_UNREACHABLE);
  // And back after all (fact G4).
  fromAgent(2, registration("old-S1", "t"));
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].reason(), TaskStatus::REASON_AGENT_REREGISTERED);
}

TEST_F(MasterFailoverTest, MarksAnAgentGoneThatIsNotBack) {
  resubscribe();
  EXPECT_TRUE(master.markAgentGone(now, "old-S0"));
  drain();
  take(stream);
  EXPECT_EQ(reconcile("old-S0").at(0).state(), TASK_GONE_BY_OPERATOR);
  fromAgent(1, registration("old-S0"));
  EXPECT_EQ(takeSent<ShutdownAgent>().size(), 1u);
}

TEST_F(MasterFailoverTest, HandsItsRegistryOn) {
  fromAgent(1, registration("old-S0"));
  EXPECT_EQ(master.registry().admitted.size(), 2u);
  fromAgent(1, UnregisterAgent{});
  EXPECT_EQ(master.registry().admitted.size(), 1u);
  EXPECT_TRUE(master.registry().unreachable.empty());
}

}  // namespace
}  // namespace mesos::cluster
