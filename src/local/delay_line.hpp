// A slow network: what goes in comes out later, in the same order.
#pragma once

#include "transport/event_loop.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>

namespace mesos::local {

/// On the loop's thread. Without a delay, push() runs its task at once.
class DelayLine {
 public:
  explicit DelayLine(transport::EventLoop& loop) : timer_(loop) {}

  /// Of what is pushed from now on. What is on its way is not overtaken.
  void setDelay(Duration delay) { delay_ = delay; }
  template <typename Task>
  void push(Task task) {
    if (delay_ <= Duration::zero() && tasks_.empty()) return task();
    const TimePoint due = transport::currentTime().steady + delay_;
    tasks_.emplace_back(tasks_.empty() ? due : std::max(due, tasks_.back().first), std::move(task));
    if (tasks_.size() == 1) arm();
  }
  /// Forgets what is on its way.
  void clear() {
    tasks_.clear();
    timer_.cancel();
  }

 private:
  void arm() {
    timer_.set(tasks_.front().first, [this] { release(); });
  }
  void release() {
    const TimePoint now = transport::currentTime().steady;
    while (!tasks_.empty() && tasks_.front().first <= now) {
      const auto task = std::move(tasks_.front().second);
      task();  // Its place is kept meanwhile, so that nothing it leads to overtakes the next ones.
      if (!tasks_.empty()) tasks_.pop_front();
    }
    if (!tasks_.empty()) arm();
  }

  transport::Timer timer_;
  Duration delay_{};
  std::deque<std::pair<TimePoint, std::function<void()>>> tasks_;
};

}  // namespace mesos::local
