// Virtual time: things that happen at instants, in order, on one thread.
#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace mesos::simulation {

/// Runs what is due, earliest first, first scheduled first among equals.
class Clockwork {
 public:
  Now now() const { return now_; }
  void at(TimePoint when, std::function<void()> happening) {
    due_.emplace(std::pair{std::max(when, now_.steady), sequence_++}, std::move(happening));
  }
  void after(Duration delay, std::function<void()> happening) {
    at(now_.steady + delay, std::move(happening));
  }
  /// Moves time to the next thing and does it. False: there is none at or before `limit`.
  bool step(TimePoint limit) {
    if (due_.empty() || due_.begin()->first.first > limit) return false;
    auto node = due_.extract(due_.begin());
    now_ = now_ + (node.key().first - now_.steady);
    node.mapped()();
    return true;
  }

 private:
  // Years after the epoch, so that deadlines before the start are representable.
  Now now_{TimePoint(std::chrono::hours(24)),
           std::chrono::sys_time<Duration>(std::chrono::hours(24 * 365 * 55))};
  std::uint64_t sequence_ = 0;
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> due_;
};

}  // namespace mesos::simulation
