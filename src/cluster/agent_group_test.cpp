// Groups of tasks on their way to their executor (facts L34, K13).
#include "cluster/agent_fixture.hpp"

namespace mesos::cluster {
namespace {

using Words = std::vector<std::string>;

class AgentGroups : public AgentConversation {
 protected:
  void runGroup(const std::vector<std::string>& ids,
                std::optional<bool> launchExecutor = std::nullopt) {
    RunTaskGroup message{awareFramework(), {}, launchExecutor};
    for (const std::string& id : ids) message.tasks.push_back(executorTask(id));
    fromMaster(message);
  }
};

TEST_F(AgentGroups, AreDeliveredTogetherInTheOrderOfLaunches) {
  run(executorTask("t1"));
  runGroup({"g1", "g2"});
  runGroup({"h1"});
  run(executorTask("t2"));
  prepared();
  forked();
  subscribe(1);
  EXPECT_EQ(eventsOf(1), (Words{"SUBSCRIBED", "LAUNCH t1", "LAUNCH_GROUP g1 g2", "LAUNCH_GROUP h1",
                                "LAUNCH t2"}));
  EXPECT_EQ(prepares.size(), 1u);
}

TEST_F(AgentGroups, GoStraightToAnExecutorThatRuns) {
  runSubscribed();
  runGroup({"g1", "g2"}, false);
  EXPECT_EQ(eventsOf(1).back(), "LAUNCH_GROUP g1 g2");
  update(executorStatus("g2", TASK_RUNNING, 'a'));
  EXPECT_EQ(lastStatus().task_id().value(), "g2");
  EXPECT_EQ(eventsOf(1).back(), "ACKNOWLEDGED g2 a");
}

// Fact K13.
TEST_F(AgentGroups, DieWithOneOfThemBeforeTheyAreDelivered) {
  run(executorTask("t1"));
  runGroup({"g1", "g2"});
  killTask("g2");
  for (const char* id : {"g1", "g2"}) {
    ASSERT_EQ(statusesOf(id).size(), 1u) << id;
    EXPECT_EQ(statusesOf(id)[0].state(), TASK_KILLED);
    EXPECT_EQ(statusesOf(id)[0].reason(), TaskStatus::REASON_TASK_KILLED_DURING_LAUNCH);
    EXPECT_FALSE(statusesOf(id)[0].uuid().empty());
  }
  killTask("g1");  // Again: nothing.
  EXPECT_EQ(updates.size(), 2u);
  prepared();
  forked();
  subscribe(1);
  EXPECT_EQ(eventsOf(1), (Words{"SUBSCRIBED", "LAUNCH t1"}));
}

TEST_F(AgentGroups, AreKilledOneByOneOnceDelivered) {
  runGroup({"g1", "g2"});
  prepared();
  forked();
  subscribe(1);
  killTask("g2");
  EXPECT_EQ(eventsOf(1).back(), "KILL g2");
  EXPECT_TRUE(updates.empty());
}

TEST_F(AgentGroups, FailTogetherWithTheirExecutor) {
  runGroup({"g1", "g2"});
  prepared(Error{"no such file"});
  for (const char* id : {"g1", "g2"}) {
    ASSERT_EQ(statusesOf(id).size(), 1u) << id;
    EXPECT_EQ(statusesOf(id)[0].reason(), TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);
  }
  EXPECT_EQ(exits.size(), 1u);
}

TEST_F(AgentGroups, AreDroppedTogetherIfTheExecutorIsNotThere) {
  runGroup({"g1", "g2"}, false);
  for (const char* id : {"g1", "g2"}) {
    ASSERT_EQ(statusesOf(id).size(), 1u) << id;
    EXPECT_EQ(statusesOf(id)[0].state(), TASK_DROPPED);
    EXPECT_EQ(statusesOf(id)[0].reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
  }
  EXPECT_TRUE(exits.empty());
}

// Fact S60: what UPDATE_FRAMEWORK changes, later executors are shown.
TEST_F(AgentGroups, KnowTheirFrameworkAsItWasUpdated) {
  runGroup({"g1"});
  FrameworkInfo renamed = awareFramework();
  renamed.set_name("renamed");
  fromMaster(FrameworkUpdated{renamed});
  prepared();
  forked();
  subscribe(1);
  EXPECT_EQ(events.front().event.subscribed().framework_info().name(), "renamed");
}

}  // namespace
}  // namespace mesos::cluster
