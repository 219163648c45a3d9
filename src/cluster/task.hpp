// What master and agent remember of a task.
#pragma once

#include "cluster/packed.hpp"

#include <mesos/types.hpp>

#include <cstddef>

namespace mesos::cluster {

/// A task as it is kept while it lives: packed, for nothing happens to most of them most of the
/// time, and with what is looked at of all of them beside it.
class TaskRecord {
 public:
  TaskRecord() = default;
  TaskRecord(Task task);

  TaskState state() const { return state_; }
  Task unpack() const;
  /// The same into a message that is used again and again.
  const Task& unpackInto(Task& task) const;
  std::size_t size() const { return task_.size(); }

  /// Makes `status` the newest, and `latest` the task's state. Of consecutive statuses in one state
  /// the newest is kept (fact U20); none keeps its data, which is opaque and unbounded (fact U17).
  /// `isForwarded`: as setForwarded(), too.
  void addStatus(const TaskStatus& status, TaskState latest, bool isForwarded);
  /// `status` is the last that was passed on (fact U15).
  void setForwarded(const TaskStatus& status);

 private:
  void pack(Task& task);

  Packed<Task> task_;
  TaskState state_ = TASK_STAGING;
};

/// The record of a task just launched: TASK_STAGING, without statuses and without its data (U17).
Task taskOf(const TaskInfo& info, const FrameworkID& frameworkId);

/// What the master's own statuses say of a task besides its state (facts C2, G4). State, source,
/// reason, message and timestamp are the caller's.
TaskStatus describeTask(const Task& task);

}  // namespace mesos::cluster
