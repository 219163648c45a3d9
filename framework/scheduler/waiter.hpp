// What main waits for: a signal, a word from another thread, or a moment.
#pragma once

#include "base/time.hpp"

#include <optional>

namespace mesos::scheduler {

/// Blocks SIGINT, SIGTERM and SIGHUP, and ignores SIGPIPE, from construction on; create it before
/// any thread, so that all inherit that.
class Waiter {
 public:
  Waiter();
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Makes wait() return. Any thread.
  void wake();
  /// Waits until a signal, wake(), or `until`; unset: without limit. Whether it was a signal.
  bool wait(std::optional<TimePoint> until);
  /// Gives the signals back to this thread: from now on one ends the program at once.
  void release();

 private:
  int signals_;
  int wakes_;
};

}  // namespace mesos::scheduler
