// What must outlive the scheduler's process about one task.
#pragma once

#include <cstdint>
#include <string>

namespace mesos::fleet {

struct TaskRecord {
  /// What was decided about it last. Launching: its ACCEPT may have left or not.
  enum class Intent { Launching, Running, Killing };

  std::string id;
  std::string agent;       ///< The agent's id: without it nobody can be asked about it (fact C13).
  std::string url;         ///< Where it serves; empty: unknown.
  std::uint16_t port = 0;  ///< 0: likewise.
  Intent intent = Intent::Launching;

  bool operator==(const TaskRecord&) const = default;
};

}  // namespace mesos::fleet
