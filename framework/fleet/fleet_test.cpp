#include "fleet/fleet_fixture.hpp"

namespace mesos::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(FleetTest, LaunchesOnTheFirstOfferThatFitsAndWantsNoMore) {
  start(1);
  EXPECT_TRUE(drain().empty());
  const auto effects = give({offer("S0", "cpus:0.1;mem:2048;ports:[31000-32000]"), offer("S1")});
  const auto declined = only<Decline>(effects);
  ASSERT_EQ(declined.size(), 1u);
  EXPECT_EQ(declined[0].offer.value(), "O0");
  EXPECT_EQ(declined[0].why,
            "0.1 cpus offered, 0.51 needed (0.5 for the server, 0.01 for its executor)");
  const auto launched = only<Launch>(effects);
  ASSERT_EQ(launched.size(), 1u);
  EXPECT_EQ(launched[0].offer.value(), "O1");
  ASSERT_EQ(launched[0].tasks.size(), 1u);
  EXPECT_EQ(launched[0].tasks[0].agent_id().value(), "S1");
  EXPECT_EQ(launched[0].tasks[0].task_id().value().rfind("web-", 0), 0u);
  EXPECT_GE(launched[0].refuse, minutes(10));
  EXPECT_EQ(count<Suppress>(effects), 1u);
  EXPECT_TRUE(std::holds_alternative<Suppress>(effects.back()));
}

TEST_F(FleetTest, PlacesServersOnAsManyOffersAsItTakesEachOnItsOwnPort) {
  start(5);
  const auto effects = give({offer("S0"), offer("S1")});
  const auto launched = only<Launch>(effects);
  ASSERT_EQ(launched.size(), 2u);
  EXPECT_EQ(launched[0].tasks.size(), 3u);  // 3 × 0.51 cpus of 2.
  EXPECT_EQ(launched[1].tasks.size(), 2u);
  std::set<std::string> ids;
  std::set<std::uint32_t> ports;
  for (const TaskInfo& task : launched[0].tasks) {
    ids.insert(task.task_id().value());
    EXPECT_EQ(task.executor().executor_id().value(), task.task_id().value());
    ports.insert(task.discovery().ports().ports(0).number());
  }
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_EQ(ports, (std::set<std::uint32_t>{31000, 31001, 31002}));
}

TEST_F(FleetTest, AnnouncesTheAddressOnceTheServerRuns) {
  start(1);
  const std::string id = launchOn(offer())[0].task_id().value();
  EXPECT_EQ(count<Announce>(tell(id, TASK_STARTING)), 0u);
  const auto lines = only<Announce>(tell(id, TASK_RUNNING));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].line, "Server is running: http://127.0.0.1:31000/");
  EXPECT_TRUE(tell(id, TASK_RUNNING).empty()) << "a repeated status says nothing new";
  EXPECT_EQ(fleet_->running(), 1u);
}

TEST_F(FleetTest, DeclinesForLongWithAReasonWhenNothingIsWanted) {
  start(1);
  runOne();
  const auto declined = only<Decline>(give({offer()}));
  ASSERT_EQ(declined.size(), 1u);
  EXPECT_EQ(declined[0].why, "the server is placed");
  EXPECT_GE(declined[0].refuse, minutes(10));
}

TEST_F(FleetTest, ReplacesAFailedServerAfterItsBackoffAndNotBefore) {
  start(1);
  const std::string id = runOne();
  const auto effects = tell(id, TASK_FAILED, "exit 1");
  const auto lines = only<Announce>(effects);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].line.rfind("Task " + id +
                                    " ended (TASK_FAILED: exit 1); a replacement "
                                    "starts in ",
                                0),
            0u)
      << lines[0].line;
  EXPECT_EQ(count<Revive>(effects), 0u) << "offers are of no use yet";

  const auto early = only<Decline>(give({offer()}));
  ASSERT_EQ(early.size(), 1u);
  EXPECT_GE(early[0].refuse, seconds(1));
  EXPECT_LE(early[0].refuse, seconds(2));

  ASSERT_TRUE(fleet_->deadline());
  const Duration wait = *fleet_->deadline() - now_.steady;
  EXPECT_LE(wait, seconds(1));
  EXPECT_GE(wait, milliseconds(500));
  EXPECT_EQ(count<Revive>(pass(wait - milliseconds(1))), 0u);
  EXPECT_EQ(count<Revive>(pass(milliseconds(1))), 1u);
  const auto tasks = launchOn(offer());
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_NE(tasks[0].task_id().value(), id) << "an id is never used twice";
}

TEST_F(FleetTest, RepeatedTerminalStatusesReplaceOnce) {
  start(1);
  const std::string id = runOne();
  tell(id, TASK_FAILED);
  EXPECT_TRUE(tell(id, TASK_FAILED).empty());
  EXPECT_TRUE(tell(id, TASK_RUNNING).empty()) << "stale: the task certainly ended";
  pass(seconds(1));
  EXPECT_EQ(launchOn(offer()).size(), 1u);
  EXPECT_EQ(fleet_->tasks(), 1u);
}

TEST_F(FleetTest, EveryTerminalStateIsReplaced) {
  for (const TaskState state : {TASK_FINISHED, TASK_FAILED, TASK_KILLED, TASK_ERROR, TASK_LOST,
                                TASK_DROPPED, TASK_GONE, TASK_GONE_BY_OPERATOR}) {
    start(1);
    tell(runOne(), state);
    pass(seconds(1));
    EXPECT_EQ(launchOn(offer()).size(), 1u) << TaskState_Name(state);
  }
}

TEST_F(FleetTest, ADroppedLaunchIsRepeatedAtOnceAndWithoutBackoff) {
  start(1);
  const std::string id = launchOn(offer())[0].task_id().value();
  const auto effects = tell(id, TASK_DROPPED, "Task launched with invalid offers");
  EXPECT_EQ(count<Revive>(effects), 1u);
  ASSERT_EQ(count<Announce>(effects), 1u);
  EXPECT_NE(only<Announce>(effects)[0].line.find("a replacement starts at once"),
            std::string::npos);
  EXPECT_EQ(launchOn(offer()).size(), 1u);
}

TEST_F(FleetTest, LaunchesThatAreDroppedAgainAndAgainBackOff) {
  start(1);
  Duration waited{};
  for (int i = 0; i < 8; ++i) {
    const auto tasks = launchOn(offer());
    ASSERT_EQ(tasks.size(), 1u) << i;
    tell(tasks[0].task_id().value(), TASK_DROPPED);
    const Duration wait = std::max<Duration>(*fleet_->deadline() - now_.steady, Duration::zero());
    waited += wait;
    pass(wait);
  }
  EXPECT_GT(waited, seconds(8));
}

TEST_F(FleetTest, RevivesAtMostOnceASecond) {
  start(3);
  const auto tasks = launchOn(offer());
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(count<Revive>(tell(tasks[0].task_id().value(), TASK_DROPPED)), 1u);
  give({offer("S0", "mem:32")});  // Declined, so that there is a filter to clear again.
  EXPECT_EQ(count<Revive>(tell(tasks[1].task_id().value(), TASK_DROPPED)), 0u);
  EXPECT_EQ(fleet_->deadline(), now_.steady + seconds(1));
  EXPECT_EQ(count<Revive>(pass(seconds(1))), 1u);
}

TEST_F(FleetTest, APortThatFailedIsLeftAloneForAMinuteOnThatAgentOnly) {
  start(1);
  const std::string id = launchOn(offer())[0].task_id().value();
  tell(id, TASK_STARTING);
  tell(id, TASK_FAILED, "port 31000 is taken");
  pass(seconds(1));
  const auto again = launchOn(offer());
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].discovery().ports().ports(0).number(), 31001u);

  tell(again[0].task_id().value(), TASK_KILLED);
  pass(seconds(2));
  const auto elsewhere = launchOn(offer("S1"));
  ASSERT_EQ(elsewhere.size(), 1u);
  EXPECT_EQ(elsewhere[0].discovery().ports().ports(0).number(), 31000u);

  tell(elsewhere[0].task_id().value(), TASK_KILLED);
  pass(seconds(60));
  EXPECT_EQ(launchOn(offer())[0].discovery().ports().ports(0).number(), 31000u);
}

TEST_F(FleetTest, AnOfferWhosePortsAllFailedIsRefusedUntilTheFirstMayBeTriedAgain) {
  start(1);
  const char* onePort = "cpus:2;mem:2048;ports:[31000-31000]";
  tell(launchOn(offer("S0", onePort))[0].task_id().value(), TASK_FAILED);
  pass(seconds(1));
  const auto declined = only<Decline>(give({offer("S0", onePort)}));
  ASSERT_EQ(declined.size(), 1u);
  EXPECT_EQ(declined[0].refuse, seconds(59));
}

TEST_F(FleetTest, AServerThatRanKeepsItsPort) {
  start(1);
  tell(runOne(), TASK_FAILED, "Executor terminated");
  pass(seconds(1));
  EXPECT_EQ(launchOn(offer())[0].discovery().ports().ports(0).number(), 31000u);
}

TEST_F(FleetTest, WaitsForUnreachableTasksAndReplacesThoseThatAreGone) {
  start(1);
  const std::string id = runOne();
  EXPECT_EQ(count<Announce>(tell(id, TASK_UNREACHABLE)), 1u);
  EXPECT_EQ(count<Revive>(pass(minutes(5))), 0u);
  EXPECT_TRUE(launchOn(offer()).empty());
  EXPECT_EQ(only<Announce>(tell(id, TASK_RUNNING))[0].line, "Task " + id + " is back");

  tell(id, TASK_UNREACHABLE);
  tell(id, TASK_GONE_BY_OPERATOR);
  pass(seconds(1));
  EXPECT_EQ(launchOn(offer()).size(), 1u);
}

// Facts C12, G1: the master has given up a task that goes on, and that its agent still reports.
TEST_F(FleetTest, ATaskThatOnlyTheMasterCallsGoneIsKilledIfItComesBackReplaced) {
  start(1);
  const std::string id = runOne();
  TaskStatus gone = status(id, TASK_GONE, "Reconciliation: Task is unknown to the agent");
  gone.set_source(TaskStatus::SOURCE_MASTER);
  gone.set_reason(TaskStatus::REASON_RECONCILIATION);
  fleet_->onStatus(now_, gone);
  pass(seconds(1));
  ASSERT_EQ(launchOn(offer()).size(), 1u);
  const auto kills = only<Kill>(tell(id, TASK_RUNNING));
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].task.value(), id);

  // What the agent says is certain.
  gone.set_source(TaskStatus::SOURCE_AGENT);
  fleet_->onStatus(now_, gone);
  pass(seconds(1));
  EXPECT_EQ(count<Kill>(tell(id, TASK_RUNNING)), 0u);
}

TEST_F(FleetTest, ALostTaskThatComesBackIsTakenBackOrKilledIfReplaced) {
  start(1);
  const std::string id = runOne();
  tell(id, TASK_LOST);
  const auto adopted = tell(id, TASK_RUNNING);
  EXPECT_EQ(only<Announce>(adopted)[0].line,
            "Adopted task " + id + ", which is in state TASK_RUNNING");
  EXPECT_EQ(count<Kill>(adopted), 0u);

  tell(id, TASK_LOST);
  pass(seconds(2));
  const std::string replacement = launchOn(offer())[0].task_id().value();
  const auto killed = only<Kill>(tell(id, TASK_RUNNING));
  ASSERT_EQ(killed.size(), 1u);
  EXPECT_EQ(killed[0].task.value(), id);
  EXPECT_EQ(only<Kill>(pass(seconds(5))).size(), 1u) << "KILL is not reliable";
  tell(id, TASK_KILLED);
  EXPECT_EQ(only<Kill>(pass(seconds(5))).size(), 0u);
  EXPECT_EQ(fleet_->tasks(), 1u);
}

TEST_F(FleetTest, AGoodRunMakesTheNextDelayShortAgain) {
  start(1);
  for (int i = 0; i < 5; ++i) {
    tell(runOne(), TASK_FAILED);
    pass(*fleet_->deadline() - now_.steady);
  }
  const std::string id = runOne();
  pass(seconds(30));
  tell(id, TASK_FAILED);
  EXPECT_LE(*fleet_->deadline() - now_.steady, seconds(1));
}

TEST_F(FleetTest, StoppingKillsEveryTaskAndIsDrainedWhenTheLastHasEnded) {
  start(2);
  const auto tasks = launchOn(offer());
  fleet_->onStop(now_);
  const auto effects = drain();
  EXPECT_EQ(count<Kill>(effects), 2u);
  EXPECT_EQ(count<Drained>(effects), 0u);
  EXPECT_EQ(only<Decline>(give({offer()}))[0].why, "stopping");
  EXPECT_EQ(count<Drained>(tell(tasks[0].task_id().value(), TASK_KILLED)), 0u);
  EXPECT_EQ(count<Kill>(pass(seconds(5))), 1u) << "repeated for the one that is left";
  const auto last = tell(tasks[1].task_id().value(), TASK_FINISHED);
  EXPECT_EQ(count<Drained>(last), 1u);
  EXPECT_EQ(count<Announce>(last), 0u);
  EXPECT_EQ(count<Drained>(pass(seconds(5))), 0u) << "once";
}

TEST_F(FleetTest, StoppingWithoutTasksIsDrainedAtOnceAndDoesNotWaitForUnreachableOnes) {
  start(1);
  fleet_->onStop(now_);
  EXPECT_EQ(count<Drained>(drain()), 1u);

  start(1);
  tell(runOne(), TASK_UNREACHABLE);
  fleet_->onStop(now_);
  const auto effects = drain();
  EXPECT_EQ(count<Kill>(effects), 0u);
  EXPECT_EQ(count<Drained>(effects), 1u);
}

TEST_F(FleetTest, TheSameSeedMakesTheSameDecisions) {
  std::vector<std::string> ids;
  for (int run = 0; run < 2; ++run) {
    random_ = Random(9);
    start(1);
    ids.push_back(launchOn(offer())[0].task_id().value());
  }
  EXPECT_EQ(ids[0], ids[1]);
}

}  // namespace
}  // namespace mesos::fleet
