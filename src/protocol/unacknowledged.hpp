// The tasks and updates that an agent has not taken responsibility for yet (facts X26, X33, X34).
#pragma once

#include "base/time.hpp"

#include <mesos/v1/executor/executor.pb.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mesos::protocol {

/// What an executor must tell again after a broken connection, or its tasks are declared lost.
class Unacknowledged {
 public:
  void onLaunched(const v1::TaskInfo& task);
  /// Only the first of a task lets go of the task, only a terminal one of all its updates.
  void onAcknowledged(const v1::TaskID& task, const std::string& uuid);

  /// Keeps a status, with uuid, until it is acknowledged. One of a task that was never launched
  /// here, or has ended, is never acknowledged (fact X34): it is kept until it is sent.
  void add(v1::TaskStatus status);
  /// The agent will never take it.
  void forget(const std::string& uuid);

  /// Statuses due at `now`: never sent, or last sent `interval` ago or earlier. They count as sent.
  std::vector<v1::TaskStatus> due(TimePoint now, Duration interval);
  /// When the next one becomes due; nullopt if there is none.
  std::optional<TimePoint> dueAt(Duration interval) const;
  /// Everything, for a SUBSCRIBE; the statuses count as sent.
  void tell(TimePoint now, v1::executor::Call::Subscribe* subscribe);
  /// The SUBSCRIBE was taken, and with it what will not be acknowledged.
  void onTold();

  std::size_t updates() const { return updates_.size(); }

 private:
  struct Update {
    v1::TaskStatus status;
    bool willBeAcknowledged = true;
    std::optional<TimePoint> sentAt;
  };

  std::vector<v1::TaskInfo> tasks_;  // None of whose updates has been acknowledged.
  std::set<std::string> liveTasks_;  // Launched, and no terminal update acknowledged.
  std::deque<Update> updates_;       // In the order they were made.
};

}  // namespace mesos::protocol
