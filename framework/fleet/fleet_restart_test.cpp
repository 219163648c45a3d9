#include "fleet/fleet_fixture.hpp"

namespace mesos::fleet {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Intent = TaskRecord::Intent;

TEST_F(FleetTest, RemembersATaskBeforeItsLaunchAndWhenItRunsAndWhenItHasEnded) {
  start(2);
  auto effects = give({offer()});
  const auto* remember = std::get_if<Remember>(&effects.at(0));
  ASSERT_TRUE(remember) << "ahead of all else";
  ASSERT_EQ(remember->tasks.size(), 2u) << "one transaction a decision";
  const auto launches = only<Launch>(effects);
  ASSERT_EQ(launches.size(), 1u);
  const TaskRecord& kept = remember->tasks[1];
  std::set<std::string> launched;
  for (const TaskInfo& task : launches[0].tasks) launched.insert(task.task_id().value());
  EXPECT_EQ(launched.count(kept.id), 1u);
  EXPECT_EQ(kept.agent, "S0");
  EXPECT_EQ(kept.url, "http://127.0.0.1:" + std::to_string(kept.port) + "/");
  EXPECT_EQ(kept.intent, Intent::Launching);

  EXPECT_EQ(count<Remember>(tell(kept.id, TASK_STARTING)), 0u) << "nothing new";
  const auto running = only<Remember>(tell(kept.id, TASK_RUNNING));
  ASSERT_EQ(running.size(), 1u);
  EXPECT_EQ(running[0].tasks.at(0).intent, Intent::Running);
  EXPECT_EQ(count<Remember>(tell(kept.id, TASK_RUNNING)), 0u);
  const auto ended = only<Remember>(tell(kept.id, TASK_FAILED));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0].tasks.empty());
  EXPECT_EQ(ended[0].ended, std::vector<std::string>{kept.id});
}

TEST_F(FleetTest, RemembersThatATaskIsToEndBeforeItsKill) {
  start(1);
  const std::string id = runOne();
  fleet_->onStop(now_);
  const auto effects = drain();
  const auto* remember = std::get_if<Remember>(&effects.at(0));
  ASSERT_TRUE(remember);
  EXPECT_EQ(remember->tasks.at(0).intent, Intent::Killing);
  EXPECT_EQ(count<Kill>(effects), 1u);
}

TEST_F(FleetTest, AsksForEveryTaskOfTheLastRunByItsAgentAndReplacesNone) {
  const auto questions =
      only<Reconcile>(restart(2, {record("a", Intent::Running), record("b", Intent::Launching)}));
  ASSERT_EQ(questions.size(), 3u);
  EXPECT_TRUE(questions[0].tasks.empty());
  EXPECT_FALSE(questions[1].tasks.at(0).has_agent_id());
  ASSERT_EQ(questions[2].tasks.size(), 2u);
  EXPECT_EQ(questions[2].tasks[0].task_id().value(), "a");
  EXPECT_EQ(questions[2].tasks[0].agent_id().value(), "S0");
  EXPECT_EQ(fleet_->tasks(), 2u);
  EXPECT_EQ(fleet_->running(), 0u);
  EXPECT_TRUE(launchOn(offer()).empty());
  pass(minutes(20));
  EXPECT_TRUE(launchOn(offer()).empty()) << "silence proves nothing";

  const auto lines = only<Announce>(tell("a", TASK_RUNNING));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].line, "Server is running: http://127.0.0.1:31000/");
}

TEST_F(FleetTest, LaunchesAtOnceWhatTheLastRunHadNot) {
  restart(2, {record("a", Intent::Running)});
  EXPECT_EQ(launchOn(offer()).size(), 1u);
}

TEST_F(FleetTest, RepeatsAtOnceALaunchThatTheLastRunNeverSent) {
  restart(1, {record("a", Intent::Launching)});
  TaskStatus gone = status("a", TASK_GONE, "Reconciliation: Task is unknown to the agent");
  gone.set_reason(TaskStatus::REASON_RECONCILIATION);
  fleet_->onStatus(now_, gone);
  const auto effects = drain();
  EXPECT_EQ(only<Remember>(effects).at(0).ended, std::vector<std::string>{"a"});
  EXPECT_NE(only<Announce>(effects).at(0).line.find("starts at once"), std::string::npos);
  EXPECT_EQ(launchOn(offer()).size(), 1u);
}

TEST_F(FleetTest, BacksOffAfterAServerOfTheLastRunThatHasEndedMeanwhile) {
  restart(1, {record("a", Intent::Running)});
  TaskStatus gone = status("a", TASK_GONE);
  gone.set_reason(TaskStatus::REASON_RECONCILIATION);
  fleet_->onStatus(now_, gone);
  EXPECT_TRUE(launchOn(offer()).empty());
  pass(seconds(1));
  const auto again = launchOn(offer());
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].discovery().ports().ports(0).number(), 31000u) << "its port was good";
}

TEST_F(FleetTest, BelievesThatATaskIsUnknownOnceNoAgentIsOnItsWayBack) {
  auto effects = restart(1, {record("a", Intent::Running)});
  tell("a", TASK_UNKNOWN);
  EXPECT_EQ(fleet_->tasks(), 1u);
  effects = answerMarkers({}, std::move(effects));
  const auto asked = only<Reconcile>(effects);
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked.back().tasks.at(0).task_id().value(), "a") << "at once: now it means something";
  tell("a", TASK_UNKNOWN);
  EXPECT_EQ(fleet_->tasks(), 0u);
}

TEST_F(FleetTest, OfMoreThanAreWantedNowThoseStayThatRan) {
  const auto effects = restart(1, {record("a", Intent::Launching), record("b", Intent::Running),
                                   record("c", Intent::Running)});
  const auto remember = only<Remember>(effects);
  ASSERT_EQ(remember.size(), 1u);
  ASSERT_EQ(remember[0].tasks.size(), 2u);
  EXPECT_EQ(remember[0].tasks[0].intent, Intent::Killing);
  const auto killed = only<Kill>(effects);
  ASSERT_EQ(killed.size(), 2u);
  EXPECT_EQ(killed[0].task.value(), "a");
  EXPECT_EQ(killed[1].task.value(), "c");
}

TEST_F(FleetTest, GoesOnKillingWhatTheLastRunWasKilling) {
  const auto effects = restart(2, {record("a", Intent::Killing), record("b", Intent::Running)});
  const auto killed = only<Kill>(effects);
  ASSERT_EQ(killed.size(), 1u);
  EXPECT_EQ(killed[0].task.value(), "a");
  EXPECT_EQ(launchOn(offer()).size(), 1u) << "it is no server";
  EXPECT_EQ(only<Kill>(pass(seconds(5))).at(0).task.value(), "a");
}

TEST_F(FleetTest, AdoptsStrangersUpToItsInstancesAndKillsTheSurplus) {
  const auto effects = answerMarkers({status("a", TASK_RUNNING), status("b", TASK_STARTING),
                                      status("c", TASK_RUNNING), status("d", TASK_FAILED)},
                                     restart(2, {}));
  const auto killed = only<Kill>(effects);
  ASSERT_EQ(killed.size(), 1u);
  EXPECT_EQ(killed[0].task.value(), "c");
  EXPECT_TRUE(launchOn(offer()).empty());
  tell("a", TASK_FAILED);
  EXPECT_EQ(count<Revive>(pass(seconds(1))), 1u);
  EXPECT_EQ(launchOn(offer()).size(), 1u);
}

TEST_F(FleetTest, ALaunchWithoutAWordIsAskedAfterWithItsAgent) {
  start(1);
  const std::string id = launchOn(offer())[0].task_id().value();
  EXPECT_EQ(count<Reconcile>(pass(seconds(29))), 0u);
  const auto asked = only<Reconcile>(pass(seconds(1)));
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_EQ(asked[0].tasks.size(), 1u);
  EXPECT_EQ(asked[0].tasks[0].task_id().value(), id);
  EXPECT_EQ(asked[0].tasks[0].agent_id().value(), "S0");
  EXPECT_EQ(count<Reconcile>(pass(seconds(2))), 1u);
  EXPECT_EQ(count<Reconcile>(pass(seconds(3))), 0u) << "the next question comes after 4 s";

  EXPECT_EQ(count<Announce>(tell(id, TASK_UNKNOWN)), 1u);
  pass(seconds(1));
  EXPECT_EQ(launchOn(offer()).size(), 1u);
}

TEST_F(FleetTest, KnowsWhichAnswersAreNoNews) {
  start(1);
  const std::string id = launchOn(offer())[0].task_id().value();
  const auto isNews = [&](TaskState state, bool reconciliation) {
    TaskStatus told = status(id, state);
    if (reconciliation) told.set_reason(TaskStatus::REASON_RECONCILIATION);
    return fleet_->onStatus(now_, told);
  };
  EXPECT_FALSE(isNews(TASK_STAGING, true));
  EXPECT_TRUE(isNews(TASK_RUNNING, true));
  EXPECT_FALSE(isNews(TASK_RUNNING, true));
  EXPECT_TRUE(isNews(TASK_RUNNING, false)) << "its health may have changed";
  EXPECT_TRUE(isNews(TASK_FAILED, true));
}

TEST_F(FleetTest, UnknownWithoutAgentIsNoProof) {
  start(1);
  const std::string id = runOne();
  TaskStatus unknown = status(id, TASK_UNKNOWN);
  unknown.clear_agent_id();
  fleet_->onStatus(now_, unknown);
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(fleet_->tasks(), 1u);
}

TEST_F(FleetTest, AfterAResubscriptionEveryTaskIsAskedAfterAndNoneReplacedForSilence) {
  start(2);
  const auto tasks = launchOn(offer());
  ASSERT_EQ(tasks.size(), 2u);
  tell(tasks[0].task_id().value(), TASK_RUNNING);
  fleet_->onDisconnected(now_);
  EXPECT_FALSE(fleet_->deadline());
  EXPECT_TRUE(pass(minutes(20)).empty()) << "what is said now is not heard";

  fleet_->onReregistered(now_);
  const auto effects = drain();
  const auto questions = only<Reconcile>(effects);
  ASSERT_EQ(questions.size(), 3u);
  EXPECT_TRUE(questions[0].tasks.empty());
  EXPECT_EQ(questions[2].tasks.size(), 2u);
  EXPECT_EQ(questions[2].tasks[0].agent_id().value(), "S0");
  EXPECT_EQ(count<Revive>(effects), 0u);
  pass(minutes(1));
  EXPECT_EQ(fleet_->tasks(), 2u);

  // While agents are on their way back, UNKNOWN says nothing; afterwards it does.
  const std::string launching = tasks[1].task_id().value();
  tell(launching, TASK_UNKNOWN);
  EXPECT_EQ(fleet_->tasks(), 2u);
  answerMarkers({}, pass(minutes(1)));
  tell(launching, TASK_UNKNOWN);
  EXPECT_EQ(fleet_->tasks(), 1u);
}

TEST_F(FleetTest, AServerKnownToHaveEndedIsReplacedBeforeAllIsKnown) {
  start(1);
  tell(runOne(), TASK_FAILED);
  fleet_->onDisconnected(now_);
  now_ = now_ + seconds(2);
  fleet_->onReregistered(now_);
  EXPECT_EQ(launchOn(offer()).size(), 1u);
}

TEST_F(FleetTest, AsksAfterItsRunningTasksNowAndThen) {
  start(1);
  const std::string id = runOne();
  EXPECT_EQ(count<Reconcile>(pass(minutes(13))), 0u);
  const auto asked = only<Reconcile>(pass(minutes(4)));
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_TRUE(asked[0].tasks.empty());
  EXPECT_EQ(asked[1].tasks.at(0).task_id().value(), id);
}

}  // namespace
}  // namespace mesos::fleet
