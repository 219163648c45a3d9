// Agents that an operator takes out of service, for a while (fact G9) or for good (G6; scenarios of
// sections 8 and 12). What is marked gone never comes back: that needs agents to spare.
#include "conformance/launching.hpp"

#include <mesos/v1/master/master.pb.h>

namespace mesos::conformance {
namespace {

using MasterCall = v1::master::Call;
using MasterEvent = v1::master::Event;

/// Longer than anything takes that an agent does by itself.
constexpr Timeout kPatience{10000};

class OutOfService : public PlayedScenario {
 protected:
  /// What a scenario took out of service is back for the next one.
  void TearDown() override {
    if (drained_.empty()) return;
    eventually(
        "the drain ends",
        [&] { return reactivate(drained_).body.find("DRAINING") == std::string::npos; }, kPatience);
  }
  protocol::Response post(const MasterCall& call) const {
    return fetch(master(), postOf("/api/v1", GetParam(), call, true));
  }
  protocol::Response drain(const AgentID& agent, std::optional<std::int64_t> graceSeconds,
                           bool markGone = false) {
    MasterCall call;
    call.set_type(MasterCall::DRAIN_AGENT);
    *call.mutable_drain_agent()->mutable_agent_id() = agent;
    if (graceSeconds) {
      call.mutable_drain_agent()->mutable_max_grace_period()->set_seconds(*graceSeconds);
    }
    if (markGone) {
      call.mutable_drain_agent()->set_mark_gone(true);
    } else {
      drained_ = agent.value();
    }
    return post(call);
  }
  protocol::Response deactivate(const AgentID& agent) {
    MasterCall call;
    call.set_type(MasterCall::DEACTIVATE_AGENT);
    *call.mutable_deactivate_agent()->mutable_agent_id() = agent;
    drained_ = agent.value();
    return post(call);
  }
  protocol::Response reactivate(const std::string& agent) const {
    MasterCall call;
    call.set_type(MasterCall::REACTIVATE_AGENT);
    call.mutable_reactivate_agent()->mutable_agent_id()->set_value(agent);
    return post(call);
  }
  protocol::Response markGone(const std::string& agent) const {
    MasterCall call;
    call.set_type(MasterCall::MARK_AGENT_GONE);
    call.mutable_mark_agent_gone()->mutable_agent_id()->set_value(agent);
    return post(call);
  }
  /// A command task that runs on the next offer.
  static TaskInfo runTask(TestFramework& framework, Offer* offer) {
    *offer = framework.offer();
    const TaskInfo task = commandTask(*offer, uniqueId("task"), "exec sleep 1000");
    framework.accept({*offer}, {task});
    framework.statusUntil(task.task_id().value(), TASK_RUNNING);
    return task;
  }
  void awaitDrained(const AgentID& agent) const {
    eventually(
        "the agent is drained",
        [&] {
          const auto shown = agentState(master(), agent);
          return std::string(shown["drain_info"]["state"].GetString()) == "DRAINED";
        },
        kPatience);
  }

 private:
  std::string drained_;
};
BOTH_ENCODINGS(OutOfService);

TEST_P(OutOfService, G9_KillsWhatRunsOnADrainedAgentAndOffersItNoMore) {
  FrameworkInfo info = partitionAware();
  info.add_capabilities()->set_type(FrameworkInfo::Capability::TASK_KILLING_STATE);
  TestFramework framework = subscribe(info);
  Offer offer;
  const std::string taskId = runTask(framework, &offer).task_id().value();
  const Offer rest = framework.offer();
  const AgentID agent = offer.agent_id();
  const protocol::Response drained = drain(agent, 1);
  EXPECT_EQ(drained.status, 200);
  EXPECT_EQ(drained.body, "");

  const TaskStatus killing = framework.status(taskId);
  EXPECT_EQ(killing.state(), TASK_KILLING);
  EXPECT_EQ(killing.reason(), TaskStatus::REASON_AGENT_DRAINING);
  ASSERT_EQ(framework.rescinded().size(), 1u);
  EXPECT_EQ(framework.rescinded()[0].value(), rest.id().value());
  const TaskStatus killed = framework.status(taskId, false, kPatience);
  EXPECT_EQ(killed.state(), TASK_KILLED);
  EXPECT_EQ(killed.source(), TaskStatus::SOURCE_EXECUTOR);
  EXPECT_EQ(killed.reason(), TaskStatus::REASON_AGENT_DRAINING);
  const auto shown = agentState(master(), agent);
  EXPECT_FALSE(shown["active"].GetBool());
  EXPECT_TRUE(shown["deactivated"].GetBool());
  EXPECT_STREQ(shown["drain_info"]["state"].GetString(), "DRAINING");
  EXPECT_EQ(shown["drain_info"]["config"]["max_grace_period"]["nanoseconds"].GetInt64(),
            1'000'000'000);
  EXPECT_GT(shown["estimated_drain_start_time_seconds"].GetDouble(), 0);
  const protocol::Response early = reactivate(agent.value());
  EXPECT_EQ(early.status, 400) << "its end is not acknowledged";

  framework.acknowledge(killed);
  awaitDrained(agent);
  framework.send(callWith(SchedulerCall::REVIVE));
  framework.expectNoOffer(scaled(3));
  const protocol::Response back = reactivate(agent.value());
  EXPECT_EQ(back.status, 200);
  EXPECT_EQ(back.body, "");
  EXPECT_EQ(framework.offer().agent_id().value(), agent.value());
  EXPECT_FALSE(agentState(master(), agent).HasMember("drain_info"));
}

TEST_P(OutOfService, G9_LimitsTheGraceOfTasksOnADrainedAgent) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework, [](TaskInfo& task) {
    task.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(60'000'000'000);
  });
  TestExecutor executor = run(framework, launched);
  EXPECT_EQ(drain(launched.offer.agent_id(), 7).status, 200);
  const auto kill = executor.stream().next(ExecutorEvent::KILL).kill();
  EXPECT_EQ(kill.task_id().value(), launched.id());
  EXPECT_EQ(kill.kill_policy().grace_period().nanoseconds(), 7'000'000'000);
  executor.update(launched.task.task_id(), TASK_KILLED);
  const TaskStatus killed = framework.status(launched.id());
  EXPECT_EQ(killed.state(), TASK_KILLED);
  EXPECT_EQ(killed.reason(), TaskStatus::REASON_AGENT_DRAINING);
}

TEST_P(OutOfService, G9_LeavesTheTasksOfADeactivatedAgentAlone) {
  TestFramework framework = subscribe();
  Offer offer;
  const std::string taskId = runTask(framework, &offer).task_id().value();
  const Offer rest = framework.offer();
  EXPECT_EQ(deactivate(offer.agent_id()).status, 200);
  // What it was offered meanwhile is as if it had never been.
  framework.accept({rest}, {commandTask(rest, "late", "exit 0")});
  EXPECT_EQ(framework.status("late").reason(), TaskStatus::REASON_INVALID_OFFERS);
  framework.expectNoStatus(taskId, scaled(2));
  framework.expectNoOffer(scaled(2));
  const auto shown = agentState(master(), offer.agent_id());
  EXPECT_TRUE(shown["deactivated"].GetBool());
  EXPECT_FALSE(shown["active"].GetBool());
  EXPECT_FALSE(shown.HasMember("drain_info"));
  EXPECT_EQ(reactivate(offer.agent_id().value()).status, 200);
  EXPECT_EQ(reactivate(offer.agent_id().value()).status, 400);
  EXPECT_EQ(framework.offer().agent_id().value(), offer.agent_id().value());
}

TEST_P(OutOfService, G9_RefusesAgentsThatNobodyHeardOf) {
  AgentID nobody;
  nobody.set_value(uniqueId("nobody"));
  for (const protocol::Response& refusal : {drain(nobody, 1, true), reactivate(nobody.value())}) {
    EXPECT_EQ(refusal.status, 400);
    EXPECT_EQ(refusal.body, "Unknown agent");
  }
}

class ForGood : public OutOfService {};
BOTH_ENCODINGS(ForGood);

TEST_P(ForGood, C102_TasksOfAnAgentMarkedGoneAreGoneByOperator) {
  NEEDS("spare_agents");
  for (const bool aware : {true, false}) {
    TestFramework framework = subscribe(aware ? partitionAware() : FrameworkInfo());
    Offer offer;
    const std::string taskId = runTask(framework, &offer).task_id().value();
    const std::string& agent = offer.agent_id().value();
    EXPECT_EQ(markGone(agent).status, 200);
    const TaskStatus gone = framework.status(taskId);
    EXPECT_EQ(gone.state(), aware ? TASK_GONE_BY_OPERATOR : TASK_LOST);
    EXPECT_EQ(gone.source(), TaskStatus::SOURCE_MASTER);
    EXPECT_EQ(gone.reason(), aware ? TaskStatus::REASON_AGENT_REMOVED_BY_OPERATOR
                                   : TaskStatus::REASON_AGENT_REMOVED);
    EXPECT_FALSE(gone.has_uuid());
    EXPECT_EQ(framework.event(SchedulerEvent::FAILURE).failure().agent_id().value(), agent);
    EXPECT_EQ(markGone(agent).status, 200);

    reconcile(framework, {{taskId, agent}});
    EXPECT_EQ(framework.status(taskId).state(), aware ? TASK_GONE_BY_OPERATOR : TASK_LOST);
    reconcile(framework, {{taskId}});
    EXPECT_EQ(framework.status(taskId).state(), aware ? TASK_UNKNOWN : TASK_LOST);
    killWith(framework, taskId,
             [&](SchedulerCall::Kill& kill) { kill.mutable_agent_id()->set_value(agent); });
    EXPECT_EQ(framework.status(taskId).state(), aware ? TASK_GONE_BY_OPERATOR : TASK_LOST);
  }
  EXPECT_EQ(markGone(uniqueId("nobody")).status, 404);
}

TEST_P(ForGood, C146_AnAgentMarkedGoneIsNoEvent) {
  NEEDS("spare_agents");
  TestFramework framework = subscribe();
  const std::string agent = framework.offer().agent_id().value();
  MasterCall call;
  call.set_type(MasterCall::SUBSCRIBE);
  EventStream<MasterEvent> events(master(), postOf("/api/v1", GetParam(), call, true), GetParam());
  events.next(MasterEvent::SUBSCRIBED);
  EXPECT_EQ(markGone(agent).status, 200);
  events.expectNone(
      [](const MasterEvent& event) { return event.type() == MasterEvent::AGENT_REMOVED; },
      scaled(5));
  EXPECT_EQ(getJson(master(), "/slaves?slave_id=" + agent)["slaves"].Size(), 0u);
}

TEST_P(ForGood, G9_ADrainMayEndWithTheAgentGone) {
  NEEDS("spare_agents");
  TestFramework framework = subscribe(partitionAware());
  Offer offer;
  const std::string taskId = runTask(framework, &offer).task_id().value();
  const std::string& agent = offer.agent_id().value();
  EXPECT_EQ(drain(offer.agent_id(), std::nullopt, true).status, 200);
  const TaskStatus gone = framework.status(taskId, false, kPatience);
  EXPECT_EQ(gone.state(), TASK_GONE_BY_OPERATOR);
  EXPECT_EQ(gone.reason(), TaskStatus::REASON_AGENT_DRAINING);
  EXPECT_EQ(gone.source(), TaskStatus::SOURCE_EXECUTOR);
  EXPECT_TRUE(gone.has_uuid());
  EXPECT_EQ(getJson(master(), "/slaves?slave_id=" + agent)["slaves"].Size(), 1u);
  framework.acknowledge(gone);
  EXPECT_EQ(framework.event(SchedulerEvent::FAILURE).failure().agent_id().value(), agent);
  EXPECT_EQ(markGone(agent).status, 200);
  EXPECT_EQ(reactivate(agent).status, 400);
}

}  // namespace
}  // namespace mesos::conformance
