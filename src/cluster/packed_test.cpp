#include "cluster/packed.hpp"

#include "cluster/task.hpp"

#include <mesos/types.hpp>

#include <gtest/gtest.h>

#include <utility>

namespace mesos::cluster {
namespace {

TaskStatus statusOf(TaskState state, const std::string& uuid) {
  TaskStatus status = makeStatus({}, state, "");
  status.set_uuid(uuid);
  status.set_data("opaque");
  return status;
}

std::vector<TaskState> statesOf(const Task& task) {
  std::vector<TaskState> states;
  for (const TaskStatus& status : task.statuses()) states.push_back(status.state());
  return states;
}

TEST(Packed, GivesBackWhatItWasGiven) {
  Task task;
  task.set_name(std::string("a\0b", 3));
  task.add_resources()->set_name("cpus");  // Without the rest of what a resource must have.
  const Packed<Task> packed(task);
  EXPECT_EQ(packed.unpack().SerializePartialAsString(), task.SerializePartialAsString());
  EXPECT_EQ(packed.size(), task.ByteSizeLong());
}

TEST(Packed, IsAnEmptyMessageAtFirst) {
  const Packed<TaskStatus> packed;
  EXPECT_EQ(packed.size(), 0u);
  TaskStatus used = statusOf(TASK_RUNNING, "u");
  EXPECT_FALSE(packed.unpackInto(used).has_state());
  EXPECT_EQ(Packed<TaskStatus>(TaskStatus()).size(), 0u);
}

TEST(Packed, CopiesAreIndependent) {
  Packed<TaskID> one([] {
    TaskID id;
    id.set_value("t");
    return id;
  }());
  Packed<TaskID> other = one;
  TaskID change;
  change.set_value("changed");
  other = change;
  EXPECT_EQ(one.unpack().value(), "t");
  EXPECT_EQ(other.unpack().value(), "changed");
  one = other;
  EXPECT_EQ(one.unpack().value(), "changed");
  other = Packed<TaskID>();
  EXPECT_EQ(other.unpack().value(), "");
  other = std::move(one);
  EXPECT_EQ(other.unpack().value(), "changed");
}

// Fact U20.
TEST(TaskRecord, OfConsecutiveStatusesInOneStateKeepsTheNewest) {
  Task task;
  task.set_name("n");
  task.set_state(TASK_STAGING);
  TaskRecord record(task);
  record.addStatus(statusOf(TASK_STARTING, "a"), TASK_STARTING, false);
  record.addStatus(statusOf(TASK_RUNNING, "b"), TASK_RUNNING, false);
  record.addStatus(statusOf(TASK_RUNNING, "c"), TASK_RUNNING, false);
  EXPECT_EQ(record.state(), TASK_RUNNING);
  const Task known = record.unpack();
  EXPECT_EQ(known.name(), "n");
  EXPECT_EQ(known.state(), TASK_RUNNING);
  EXPECT_EQ(statesOf(known), (std::vector{TASK_STARTING, TASK_RUNNING}));
  EXPECT_EQ(known.statuses(1).uuid(), "c");
  EXPECT_FALSE(known.statuses(1).has_data());  // Fact U17.
  // Also of one that has statuses when it is taken in.
  TaskRecord again(known);
  EXPECT_EQ(again.state(), TASK_RUNNING);
  again.addStatus(statusOf(TASK_RUNNING, "d"), TASK_FINISHED, false);
  EXPECT_EQ(statesOf(again.unpack()), (std::vector{TASK_STARTING, TASK_RUNNING}));
  EXPECT_EQ(again.unpack().state(), TASK_FINISHED);
}

// Fact U15.
TEST(TaskRecord, RemembersWhatWasForwardedLast) {
  TaskRecord record{Task()};
  EXPECT_FALSE(record.unpack().has_status_update_state());
  for (const char* const uuid : {"a", "b"}) {
    record.setForwarded(statusOf(TASK_RUNNING, uuid));
    EXPECT_EQ(record.unpack().status_update_state(), TASK_RUNNING);
    EXPECT_EQ(record.unpack().status_update_uuid(), uuid);
  }
  record.addStatus(statusOf(TASK_FINISHED, "c"), TASK_FINISHED, false);
  EXPECT_EQ(record.unpack().status_update_uuid(), "b");
  record.addStatus(statusOf(TASK_FAILED, "d"), TASK_FINISHED, true);
  EXPECT_EQ(record.unpack().status_update_uuid(), "d");
  EXPECT_EQ(record.unpack().status_update_state(), TASK_FAILED);
  EXPECT_EQ(record.unpack().state(), TASK_FINISHED);
}

/// What statuses repeat is not kept with each, and is there all the same.
TEST(TaskRecord, GivesBackTheIdsInStatuses) {
  Task task;
  task.mutable_task_id()->set_value("t");
  task.mutable_agent_id()->set_value(std::string(1000, 'a'));
  TaskStatus status = statusOf(TASK_STARTING, "a");
  *status.mutable_task_id() = task.task_id();
  status.clear_data();
  *task.add_statuses() = status;  // Of nobody.
  *status.mutable_agent_id() = task.agent_id();
  *task.add_statuses() = status;
  status.mutable_agent_id()->set_value("other");
  *task.add_statuses() = status;
  TaskRecord record(task);
  EXPECT_LT(record.size(), 2000u);
  EXPECT_EQ(record.unpack().SerializePartialAsString(), task.SerializePartialAsString());
  *status.mutable_agent_id() = task.agent_id();
  status.set_state(TASK_RUNNING);
  record.addStatus(status, TASK_RUNNING, false);
  EXPECT_LT(record.size(), 2000u);
  EXPECT_EQ(record.unpack().statuses(3).SerializeAsString(), status.SerializeAsString());
  Task again;
  again.add_statuses()->mutable_agent_id()->set_value("used");
  record.unpackInto(again);
  EXPECT_EQ(again.SerializePartialAsString(), record.unpack().SerializePartialAsString());
}

}  // namespace
}  // namespace mesos::cluster
