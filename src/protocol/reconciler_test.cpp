#include <mesos/reconciler.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace mesos {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Question = std::vector<TaskStatus>;

class ReconcilerTest : public testing::Test {
 protected:
  static TaskID id(const std::string& value) {
    TaskID id;
    id.set_value(value);
    return id;
  }
  static AgentID agent(const std::string& value) {
    AgentID agent;
    agent.set_value(value);
    return agent;
  }

  std::vector<Question> drain() {
    std::vector<Question> questions;
    while (auto question = reconciler_.poll()) questions.push_back(std::move(*question));
    return questions;
  }

  std::vector<Question> subscribe() {
    reconciler_.onSubscribed(now_);
    return drain();
  }

  std::vector<Question> pass(Reconciler::Duration time) {
    now_ += time;
    reconciler_.onTimer(now_);
    return drain();
  }

  bool tell(const std::string& task, TaskState state, const std::string& onAgent = {}) {
    TaskStatus status = makeStatus(id(task), state);
    if (!onAgent.empty()) *status.mutable_agent_id() = agent(onAgent);
    return reconciler_.onStatus(now_, status);
  }

  /// The id of the reconciler's own question among `questions`.
  static std::string markerIn(const std::vector<Question>& questions) {
    for (const Question& question : questions) {
      if (question.size() == 1 && !question[0].has_agent_id()) {
        return question[0].task_id().value();
      }
    }
    return {};
  }

  /// Subscribes, and answers what proves that no agent is on its way back.
  void becomeCertain() {
    std::string marker = markerIn(subscribe());
    for (int round = 0; round < 2; ++round) {
      tell(marker, TASK_UNKNOWN);
      marker = markerIn(drain());
    }
    ASSERT_TRUE(reconciler_.isCertain());
  }

  /// How many seconds pass until each of the next questions about `task`.
  std::vector<int> waitsUntilAskedFor(const std::string& task, int questions) {
    std::vector<int> waits;
    for (int waited = 1; questions > 0 && waited < 10'000; ++waited) {
      for (const Question& question : pass(seconds(1))) {
        for (const TaskStatus& asked : question) {
          if (asked.task_id().value() != task) continue;
          waits.push_back(std::exchange(waited, 0));
          --questions;
        }
      }
    }
    return waits;
  }

  Reconciler::TimePoint now_{std::chrono::hours(1)};
  Reconciler reconciler_;
};

TEST_F(ReconcilerTest, AsksForEverythingForAMarkerAndForEveryTaskAfterASubscription) {
  reconciler_.follow(now_, id("a"), agent("S0"), seconds(30));
  reconciler_.follow(now_, id("b"), {}, {});
  EXPECT_TRUE(drain().empty()) << "nobody would hear it";
  EXPECT_FALSE(reconciler_.deadline());
  const auto questions = subscribe();
  ASSERT_EQ(questions.size(), 3u);
  EXPECT_TRUE(questions[0].empty());
  EXPECT_FALSE(questions[1].at(0).has_agent_id()) << "an agent named would make it answered early";
  ASSERT_EQ(questions[2].size(), 2u);
  EXPECT_EQ(questions[2][0].task_id().value(), "a");
  EXPECT_EQ(questions[2][0].agent_id().value(), "S0");
  EXPECT_FALSE(questions[2][1].has_agent_id());
  EXPECT_TRUE(questions[2][1].IsInitialized());
}

TEST_F(ReconcilerTest, RepeatsAQuestionWithBackoffUntilItIsAnswered) {
  becomeCertain();
  reconciler_.follow(now_, id("a"), agent("S0"), seconds(30));
  EXPECT_EQ(waitsUntilAskedFor("a", 8), (std::vector<int>{30, 2, 4, 8, 16, 32, 60, 60}));
  tell("a", TASK_UNKNOWN, "S0");
  EXPECT_EQ(waitsUntilAskedFor("a", 1), std::vector<int>{60}) << "that is no answer";
  tell("a", TASK_RUNNING, "S0");
  for (int minute = 0; minute < 10; ++minute) {
    for (const Question& question : pass(minutes(1))) EXPECT_TRUE(question.empty());
  }
}

TEST_F(ReconcilerTest, AsksAgainSoonAfterATaskThatIsOnItsWay) {
  becomeCertain();
  reconciler_.follow(now_, id("a"), agent("S0"), seconds(30));
  for (const TaskState state : {TASK_STAGING, TASK_STARTING, TASK_KILLING, TASK_UNREACHABLE}) {
    tell("a", state, "S0");
    EXPECT_EQ(waitsUntilAskedFor("a", 3), (std::vector<int>{60, 2, 4})) << TaskState_Name(state);
  }
}

TEST_F(ReconcilerTest, AsksForEverythingEveryFifteenMinutesMoreOrLess) {
  becomeCertain();
  reconciler_.follow(now_, id("a"), agent("S0"), {});
  tell("a", TASK_RUNNING, "S0");
  drain();
  std::vector<Reconciler::Duration> waits;
  auto last = now_;
  while (waits.size() < 20) {
    ASSERT_TRUE(reconciler_.deadline());
    const auto questions = pass(*reconciler_.deadline() - now_);
    ASSERT_EQ(questions.size(), 2u);
    EXPECT_TRUE(questions[0].empty()) << "whatever the master knows";
    EXPECT_EQ(questions[1].at(0).task_id().value(), "a") << "and what it may have forgotten";
    tell("a", TASK_RUNNING, "S0");
    waits.push_back(now_ - std::exchange(last, now_));
  }
  const auto [least, most] = std::minmax_element(waits.begin(), waits.end());
  EXPECT_GE(*least, seconds(810));
  EXPECT_LE(*most, seconds(990));
  EXPECT_GT(*most - *least, seconds(30)) << "with jitter";
}

// Fact C17: the master would say that it does not exist.
TEST_F(ReconcilerTest, TheRoundAboutEverythingLeavesOutWhatIsJustBeingLaunched) {
  becomeCertain();
  now_ = *reconciler_.deadline() - seconds(1);
  reconciler_.follow(now_, id("a"), agent("S0"), seconds(30));
  const auto questions = pass(seconds(1));
  ASSERT_EQ(questions.size(), 1u);
  EXPECT_TRUE(questions[0].empty());
  EXPECT_EQ(waitsUntilAskedFor("a", 1), std::vector<int>{29});
}

TEST_F(ReconcilerTest, StopsAskingForWhatEndedOrIsForgotten) {
  becomeCertain();
  for (const char* const task : {"a", "b"}) reconciler_.follow(now_, id(task), agent("S0"), {});
  drain();
  EXPECT_EQ(reconciler_.following(), 2u);
  tell("a", TASK_FAILED, "S0");
  reconciler_.forget(id("b"));
  reconciler_.forget(id("c"));
  EXPECT_EQ(reconciler_.following(), 0u);
  EXPECT_TRUE(pass(minutes(10)).empty());
}

TEST_F(ReconcilerTest, FollowsATaskToTheAgentThatItsStatusNames) {
  becomeCertain();
  reconciler_.follow(now_, id("a"), {}, {});
  drain();
  tell("a", TASK_STARTING, "S7");
  const auto questions = pass(minutes(1));
  ASSERT_EQ(questions.size(), 1u);
  EXPECT_EQ(questions[0][0].agent_id().value(), "S7");
}

TEST_F(ReconcilerTest, IsCertainAfterTwoRoundsWhoseMarkersWereAnswered) {
  EXPECT_FALSE(reconciler_.isCertain());
  const std::string first = markerIn(subscribe());
  EXPECT_FALSE(tell(first, TASK_UNKNOWN)) << "of interest to nobody else";
  EXPECT_FALSE(reconciler_.isCertain());
  const auto second = drain();
  ASSERT_EQ(second.size(), 2u);
  EXPECT_TRUE(second[0].empty()) << "now that every agent is back, once more for all";
  EXPECT_NE(markerIn(second), first);
  EXPECT_FALSE(tell(first, TASK_UNKNOWN)) << "a late answer to the first says nothing";
  EXPECT_FALSE(reconciler_.isCertain());
  EXPECT_FALSE(tell(markerIn(second), TASK_UNKNOWN));
  EXPECT_TRUE(reconciler_.isCertain());
  EXPECT_TRUE(tell("a", TASK_UNKNOWN));
}

// Fact C11: no answer comes while an agent is on its way back.
TEST_F(ReconcilerTest, RepeatsTheMarkerWithANewIdUntilItIsAnswered) {
  std::string marker = markerIn(subscribe());
  for (const int wait : {2, 4, 8, 16, 32, 60, 60}) {
    EXPECT_TRUE(pass(seconds(wait) - std::chrono::milliseconds(1)).empty()) << wait;
    const auto again = pass(std::chrono::milliseconds(1));
    ASSERT_EQ(again.size(), 2u) << wait;
    EXPECT_TRUE(again[0].empty());
    EXPECT_NE(markerIn(again), marker);
    marker = markerIn(again);
  }
  EXPECT_FALSE(reconciler_.isCertain());
}

TEST_F(ReconcilerTest, AsksOnceMoreForWhatStayedUnansweredWhenAnAnswerMeansSomething) {
  reconciler_.follow(now_, id("a"), agent("S0"), {});
  std::string marker = markerIn(subscribe());
  tell("a", TASK_UNKNOWN, "S0");
  for (int round = 0; round < 2; ++round) {
    tell(marker, TASK_UNKNOWN);
    const auto questions = drain();
    marker = markerIn(questions);
    if (round == 0) continue;
    ASSERT_EQ(questions.size(), 1u);
    EXPECT_EQ(questions[0][0].task_id().value(), "a");
  }
}

TEST_F(ReconcilerTest, EverySubscriptionStartsAnew) {
  becomeCertain();
  reconciler_.follow(now_, id("a"), agent("S0"), {});
  tell("a", TASK_RUNNING, "S0");
  reconciler_.onDisconnected();
  EXPECT_FALSE(reconciler_.isCertain());
  EXPECT_FALSE(reconciler_.deadline());
  EXPECT_TRUE(pass(std::chrono::hours(1)).empty());
  const auto questions = subscribe();
  ASSERT_EQ(questions.size(), 3u);
  EXPECT_EQ(questions[2][0].task_id().value(), "a");
  EXPECT_FALSE(reconciler_.isCertain());
}

TEST_F(ReconcilerTest, TheSameSeedAsksTheSame) {
  const std::string marker = markerIn(subscribe());
  Reconciler twin;
  twin.onSubscribed(now_);
  twin.poll();
  EXPECT_EQ(twin.poll()->at(0).task_id().value(), marker);
}

}  // namespace
}  // namespace mesos
