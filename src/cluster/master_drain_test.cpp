// Agents that operators take out of service (facts G9, W70).
#include "base/base64.hpp"
#include "cluster/master_fixture.hpp"
#include "cluster/master_state_json.hpp"
#include "cluster/operator_state.hpp"

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;

class DrainTest : public MasterTest {
 protected:
  using MasterTest::MasterTest;
  /// An agent with task "t" running, which the master offers the rest of.
  void start() {
    link = addAgent();
    id = agentId(link);
    stream = subscribe(std::string(kAware) + R"(,"checkpoint":true)");
    advance(1s);
    launch(stream, {"t"});
    update(link, stream, "t", TASK_RUNNING);
    advance(5s);
    ASSERT_FALSE(takeOffers(stream).empty());
  }
  Result<void> drainAgent(bool markGone = false) {
    v1::master::Call::DrainAgent call;
    call.mutable_agent_id()->set_value(id);
    call.mutable_max_grace_period()->set_seconds(1);
    call.mutable_max_grace_period()->set_nanos(500'000'000);
    call.set_mark_gone(markGone);
    auto done = master.drainAgent(now, call);
    drain();
    return done;
  }
  std::string endTask() { return update(link, stream, "t", TASK_KILLED); }
  void acknowledge(const std::string& uuid) {
    call(stream, R"("type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":")" + id +
                     R"("},"task_id":{"value":"t"},"uuid":")" + encodeBase64(uuid) + "\"}");
  }
  const MasterAgent& agent() const { return master.agents().at(id); }
  /// UNKNOWN: there is no drain.
  v1::DrainState state() const {
    const auto known = master.registry().deactivated.find(id);
    if (known == master.registry().deactivated.end() || !known->second) return v1::UNKNOWN;
    return known->second->state();
  }
  bool isDeactivated() const { return master.registry().deactivated.count(id) != 0; }

  std::uint64_t link = 0;
  StreamId stream = 0;
  std::string id;
};

TEST_F(DrainTest, TellsTheAgentAndOffersItNoMore) {
  start();
  ASSERT_TRUE(drainAgent());
  const auto events = take(stream);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type(), Event::RESCIND);
  const auto sent = takeSent<DrainAgent>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].config.max_grace_period().nanoseconds(), 1'500'000'000);
  EXPECT_FALSE(sent[0].config.mark_gone());
  EXPECT_FALSE(agent().active);
  EXPECT_EQ(state(), v1::DRAINING);
  call(stream, R"("type":"REVIVE")");
  advance(30s);
  EXPECT_TRUE(takeOffers(stream).empty());
}

TEST_F(DrainTest, IsDoneWhenTheLastEndIsAcknowledged) {
  start();
  ASSERT_TRUE(drainAgent());
  const std::string uuid = endTask();
  EXPECT_EQ(state(), v1::DRAINING);
  const auto refused = master.reactivateAgent(now, id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "Agent is still in the DRAINING state");
  acknowledge(uuid);
  EXPECT_EQ(state(), v1::DRAINED);
  EXPECT_TRUE(isDeactivated());
  take(stream);
  advance(30s);
  EXPECT_TRUE(takeOffers(stream).empty());
  ASSERT_TRUE(master.reactivateAgent(now, id));
  EXPECT_TRUE(agent().active);
  EXPECT_FALSE(isDeactivated());
  advance(10s);
  EXPECT_FALSE(takeOffers(stream).empty());
}

TEST_F(DrainTest, EndsByMarkingTheAgentGoneIfToldSo) {
  start();
  ASSERT_TRUE(drainAgent(true));
  acknowledge(endTask());
  EXPECT_TRUE(master.agents().empty());
  EXPECT_EQ(master.registry().gone.count(id), 1u);
  EXPECT_FALSE(isDeactivated());
  EXPECT_EQ(takeSent<ShutdownAgent>().size(), 1u);
  EXPECT_EQ(master.reactivateAgent(now, id).error().message, "Unknown agent");
}

TEST_F(DrainTest, OfAnIdleAgentIsDoneAtOnce) {
  link = addAgent();
  id = agentId(link);
  ASSERT_TRUE(drainAgent());
  EXPECT_EQ(state(), v1::DRAINED);
}

TEST_F(DrainTest, IsDoneWhenTheFrameworkIsTornDown) {
  start();
  ASSERT_TRUE(drainAgent());
  call(stream, R"("type":"TEARDOWN")");
  EXPECT_EQ(state(), v1::DRAINED);
}

TEST_F(DrainTest, RefusesAnAgentItDoesNotKnow) {
  id = "nope";
  EXPECT_EQ(drainAgent().error().message, "Unknown agent");
  EXPECT_EQ(master.deactivateAgent(now, id).error().message, "Unknown agent");
  EXPECT_EQ(master.reactivateAgent(now, id).error().message, "Unknown agent");
}

TEST_F(DrainTest, ADeactivatedAgentKeepsItsTasksAndIsNotOffered) {
  start();
  ASSERT_TRUE(master.deactivateAgent(now, id));
  drain();
  EXPECT_TRUE(takeSent<DrainAgent>().empty());
  EXPECT_EQ(state(), v1::UNKNOWN);
  take(stream);
  advance(30s);
  EXPECT_TRUE(takeOffers(stream).empty());
  EXPECT_EQ(agent().tasks.size(), 1u);
  ASSERT_TRUE(master.reactivateAgent(now, id));
  EXPECT_EQ(master.reactivateAgent(now, id).error().message, "Agent is not deactivated");
  advance(10s);
  EXPECT_FALSE(takeOffers(stream).empty());
}

TEST_F(DrainTest, DeactivatingADrainedAgentDoesNotEndItsDrain) {
  start();
  ASSERT_TRUE(drainAgent());
  ASSERT_TRUE(master.deactivateAgent(now, id));
  EXPECT_EQ(state(), v1::DRAINING);
}

TEST_F(DrainTest, GoesOnWhenTheAgentRegistersAgain) {
  start();
  ASSERT_TRUE(drainAgent());
  EXPECT_EQ(takeSent<DrainAgent>().size(), 1u);
  const RegisterAgent message = registrationOf(id);
  closeLink(link);
  fromAgent(link, message);
  EXPECT_EQ(takeSent<DrainAgent>().size(), 1u);
  EXPECT_FALSE(agent().active);
  take(stream);
  advance(30s);
  EXPECT_TRUE(takeOffers(stream).empty());
}

TEST_F(DrainTest, AnAgentThatIsAwayIsNotOfferedWhenItIsReactivated) {
  start();
  ASSERT_TRUE(master.deactivateAgent(now, id));
  const RegisterAgent message = registrationOf(id);
  closeLink(link);
  ASSERT_TRUE(master.reactivateAgent(now, id));
  EXPECT_FALSE(agent().active);
  fromAgent(link, message);
  EXPECT_TRUE(agent().active);
}

// The drain of an agent out of reach waits for its return.
TEST_F(DrainTest, OfAnUnreachableAgentBeginsWhenItReturns) {
  start();
  const RegisterAgent message = registrationOf(id);
  silent.insert(link);
  advance(100s);
  ASSERT_EQ(master.registry().unreachable.count(id), 1u);
  ASSERT_TRUE(drainAgent(true));
  EXPECT_EQ(state(), v1::DRAINING);  // Nothing is known of its tasks.
  EXPECT_TRUE(takeSent<DrainAgent>().empty());
  silent.clear();
  fromAgent(link, message);
  EXPECT_EQ(takeSent<DrainAgent>().size(), 1u);
  EXPECT_FALSE(agent().active);
  acknowledge(endTask());
  EXPECT_EQ(master.registry().gone.count(id), 1u);
}

TEST_F(DrainTest, AnUnreachableAgentThatIsMarkedGoneIsNotDrainedAnyMore) {
  start();
  silent.insert(link);
  advance(100s);
  ASSERT_TRUE(drainAgent());
  ASSERT_TRUE(master.markAgentGone(now, id));
  EXPECT_FALSE(isDeactivated());
}

TEST_F(DrainTest, AnAgentThatUnregistersIsForgotten) {
  start();
  ASSERT_TRUE(drainAgent());
  fromAgent(link, UnregisterAgent{});
  EXPECT_FALSE(isDeactivated());
}

TEST_F(DrainTest, ShowsWhatIsDrained) {
  start();
  const auto slaves = [this] {
    return slavesJson(master, protocol::parseTarget("/slaves").value());
  };
  EXPECT_NE(slaves().find(R"("active":true,"deactivated":false)"), std::string::npos);
  EXPECT_EQ(slaves().find("drain_info"), std::string::npos);
  ASSERT_TRUE(drainAgent());
  EXPECT_NE(slaves().find(R"("active":false,"deactivated":true)"), std::string::npos);
  EXPECT_NE(slaves().find(R"("drain_info":{"state":"DRAINING","config":)"
                          R"({"max_grace_period":{"nanoseconds":1500000000},"mark_gone":false}},)"
                          R"("estimated_drain_start_time_seconds":)"),
            std::string::npos)
      << slaves();
  const auto shown = agentsMessage(master).agents(0);
  EXPECT_FALSE(shown.active());
  EXPECT_TRUE(shown.deactivated());
  EXPECT_EQ(shown.drain_info().state(), v1::DRAINING);
  EXPECT_EQ(shown.estimated_drain_start_time().nanoseconds(), now.wall.time_since_epoch().count());
}

/// A master that follows one which drained agent old-S0, and had taken old-S1 out of service.
class DrainAfterFailoverTest : public DrainTest {
 protected:
  DrainAfterFailoverTest() : DrainTest(MasterOptions{}, registry()) { id = "old-S0"; }
  static Registry registry() {
    Registry registry;
    for (const char* each : {"old-S0", "old-S1"}) {
      AgentInfo info;
      info.mutable_id()->set_value(each);
      registry.admitted[each] = info;
    }
    v1::DrainInfo drain;
    drain.set_state(v1::DRAINING);
    drain.mutable_config()->set_mark_gone(false);
    registry.deactivated["old-S0"] = drain;
    registry.deactivated["old-S1"];
    return registry;
  }
  /// With nothing on it.
  void registerAgain(const std::string& agentId) {
    RegisterAgent message;
    message.info.mutable_id()->set_value(agentId);
    message.info.set_hostname("127.0.0.1");
    *message.info.mutable_resources() = Resources::parse(kResources).value().toProto();
    message.pid = "slave(1)@127.0.0.1:" + std::to_string(6000 + nextLink);
    fromAgent(nextLink++, message);
  }
  std::uint64_t nextLink = 100;
};

TEST_F(DrainAfterFailoverTest, GoesOnWithTheNextMaster) {
  EXPECT_EQ(state(), v1::DRAINING);
  stream = subscribe(kAware);
  registerAgain("old-S0");
  EXPECT_EQ(takeSent<DrainAgent>().size(), 1u);
  EXPECT_EQ(state(), v1::DRAINED);  // It has nothing.
  registerAgain("old-S1");
  EXPECT_TRUE(takeSent<DrainAgent>().empty());
  EXPECT_FALSE(master.agents().at("old-S1").active);
  advance(30s);
  EXPECT_TRUE(takeOffers(stream).empty());
  ASSERT_TRUE(master.reactivateAgent(now, "old-S1"));
  advance(10s);
  EXPECT_FALSE(takeOffers(stream).empty());
}

// Fact C20.
TEST_F(DrainAfterFailoverTest, KnowsNoOperationsOfAnAgentThatIsNotBack) {
  stream = subscribe(kAware);
  call(stream, R"("type":"RECONCILE_OPERATIONS","reconcile_operations":{"operations":[
      {"operation_id":{"value":"o"},"agent_id":{"value":"old-S0"}}]})");
  const auto events = take(stream);
  ASSERT_EQ(events.back().type(), Event::UPDATE_OPERATION_STATUS);
  EXPECT_EQ(events.back().update_operation_status().status().state(), v1::OPERATION_RECOVERING);
}

TEST_F(DrainAfterFailoverTest, CanBeAskedForBeforeTheAgentIsBack) {
  id = "old-S1";
  ASSERT_TRUE(drainAgent());
  EXPECT_EQ(state(), v1::DRAINING);
  registerAgain("old-S1");
  EXPECT_EQ(takeSent<DrainAgent>().size(), 1u);
  EXPECT_EQ(state(), v1::DRAINED);
}

}  // namespace
}  // namespace mesos::cluster
