#include "cluster/update_stream.hpp"

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1000)};

TaskStatus status(const std::string& uuid, TaskState state) {
  TaskStatus result;
  result.mutable_task_id()->set_value("t");
  result.set_state(state);
  result.set_uuid(uuid);
  return result;
}

UpdateStream makeStream() { return UpdateStream(seconds(10), minutes(10)); }

// Fact U11.
TEST(UpdateStream, KeepsOnlyTheHeadInFlight) {
  UpdateStream stream = makeStream();
  EXPECT_TRUE(stream.push(kStart, status("a", TASK_RUNNING)));
  EXPECT_TRUE(stream.push(kStart, status("b", TASK_FINISHED)));
  ASSERT_TRUE(stream.head());
  EXPECT_EQ(stream.head()->uuid(), "a");
  EXPECT_EQ(stream.latestState(), TASK_FINISHED);  // Fact U15.
  EXPECT_EQ(stream.dueAt(), kStart);
}

// Fact U11: 10, 20, 40 … 600 s.
TEST(UpdateStream, RetriesAfterTenSecondsDoublingToTenMinutes) {
  UpdateStream stream = makeStream();
  stream.push(kStart, status("a", TASK_RUNNING));
  TimePoint now = kStart;
  for (const int delay : {10, 20, 40, 80, 160, 320, 600, 600}) {
    stream.onSent(now);
    ASSERT_EQ(stream.dueAt(), now + seconds(delay));
    now += seconds(delay);
  }
}

// Facts K34, K35.
TEST(UpdateStream, AdvancesOnlyUponTheUuidOfItsHead) {
  UpdateStream stream = makeStream();
  stream.push(kStart, status("a", TASK_RUNNING));
  stream.push(kStart, status("b", TASK_FINISHED));
  stream.onSent(kStart);
  EXPECT_FALSE(stream.acknowledge(kStart, "b"));
  EXPECT_EQ(stream.head()->uuid(), "a");
  EXPECT_TRUE(stream.acknowledge(kStart + seconds(3), "a"));
  EXPECT_FALSE(stream.acknowledge(kStart + seconds(3), "a"));
  EXPECT_EQ(stream.head()->uuid(), "b");
  EXPECT_EQ(stream.dueAt(), kStart + seconds(3));
  EXPECT_FALSE(stream.isFinished());
  EXPECT_TRUE(stream.acknowledge(kStart + seconds(3), "b"));
  EXPECT_TRUE(stream.isFinished());
  EXPECT_EQ(stream.dueAt(), std::nullopt);
}

// The back-off of one head is not inherited by the next.
TEST(UpdateStream, StartsTheBackOffOverForEachHead) {
  UpdateStream stream = makeStream();
  stream.push(kStart, status("a", TASK_RUNNING));
  stream.push(kStart, status("b", TASK_FINISHED));
  stream.onSent(kStart);
  stream.onSent(kStart);
  stream.acknowledge(kStart, "a");
  stream.onSent(kStart);
  EXPECT_EQ(stream.dueAt(), kStart + seconds(10));
}

// Fact S45.
TEST(UpdateStream, ResendsAtOnceAndStartsTheBackOffOver) {
  UpdateStream stream = makeStream();
  stream.push(kStart, status("a", TASK_RUNNING));
  stream.onSent(kStart);
  stream.onSent(kStart);
  stream.resend(kStart + seconds(1));
  EXPECT_EQ(stream.dueAt(), kStart + seconds(1));
  stream.onSent(kStart + seconds(1));
  EXPECT_EQ(stream.dueAt(), kStart + seconds(11));
}

TEST(UpdateStream, HasNothingToResendWhenAllIsAcknowledged) {
  UpdateStream stream = makeStream();
  stream.push(kStart, status("a", TASK_RUNNING));
  stream.acknowledge(kStart, "a");
  stream.resend(kStart);
  EXPECT_EQ(stream.dueAt(), std::nullopt);
}

// Fact U14, also for one that is acknowledged already.
TEST(UpdateStream, TakesARepeatedUuidOnce) {
  UpdateStream stream = makeStream();
  EXPECT_TRUE(stream.push(kStart, status("a", TASK_RUNNING)));
  EXPECT_FALSE(stream.push(kStart, status("a", TASK_RUNNING)));
  stream.acknowledge(kStart, "a");
  EXPECT_FALSE(stream.push(kStart, status("a", TASK_RUNNING)));
  EXPECT_FALSE(stream.head());
}

// Fact U21.
TEST(UpdateStream, SwallowsWhatFollowsATerminalStatus) {
  UpdateStream stream = makeStream();
  stream.push(kStart, status("a", TASK_FINISHED));
  EXPECT_FALSE(stream.push(kStart, status("b", TASK_RUNNING)));
  EXPECT_FALSE(stream.push(kStart, status("c", TASK_FAILED)));
  EXPECT_EQ(stream.latestState(), TASK_FINISHED);
  stream.acknowledge(kStart, "a");
  EXPECT_TRUE(stream.isFinished());
}

}  // namespace
}  // namespace mesos::cluster
