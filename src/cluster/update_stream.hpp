// One task's statuses on their way to its scheduler.
#pragma once

#include "base/time.hpp"
#include "cluster/packed.hpp"

#include <mesos/types.hpp>

#include <array>
#include <list>
#include <optional>
#include <string_view>
#include <vector>

namespace mesos::cluster {

/// Statuses in the order they came, of which only the first is in flight: it is sent again, after
/// 10 s doubling to 10 min, until it is acknowledged (facts U11, U12).
class UpdateStream {
 public:
  /// Whatever else an executor gives for one is cut, or filled with zeros.
  using Uuid = std::array<char, 16>;
  static Uuid uuidOf(std::string_view bytes);

  /// What survives a restart of the agent (fact U13).
  struct Contents {
    std::list<Packed<TaskStatus>> pending;  ///< Mostly empty, where a deque takes 576 bytes.
    std::vector<Uuid> seen;                 ///< Ascending.
    TaskState latestState = TASK_STAGING;
  };

  UpdateStream(Duration retryMin, Duration retryMax);
  /// As it was, with nothing in flight: the head waits for resend().
  UpdateStream(Duration retryMin, Duration retryMax, Contents contents);
  const Contents& contents() const { return contents_; }

  /// Whether the status was new. A repeated one, and any after a terminal one, is taken and
  /// forgotten (facts U14, U21).
  bool push(TimePoint now, const TaskStatus& status);
  /// The status in flight, nullopt if all are acknowledged.
  std::optional<TaskStatus> head() const;
  /// State of the newest status pushed (fact U15).
  TaskState latestState() const { return contents_.latestState; }

  /// When the head is to be sent, again or for the first time.
  std::optional<TimePoint> dueAt() const { return dueAt_; }
  void onSent(TimePoint now);
  /// Makes the head due now and starts the back-off over (fact S45).
  void resend(TimePoint now);

  /// Drops the head if it is this one; anything else is ignored (fact K34).
  bool acknowledge(TimePoint now, std::string_view uuid);
  /// Whether the terminal status is acknowledged: nothing more can come.
  bool isFinished() const { return isTerminal(contents_.latestState) && contents_.pending.empty(); }

 private:
  void makeHeadDue(TimePoint now);

  Duration retryMin_;
  Duration retryMax_;
  Duration nextDelay_;
  Contents contents_;
  std::optional<TimePoint> dueAt_;
};

}  // namespace mesos::cluster
