// For tests: time passes for one machine, timer by timer.
#pragma once

#include "base/time.hpp"

#include <algorithm>

namespace mesos::cluster {

/// `now` moves on by so much; `drain()` does what the machine asks for after each of its timers.
template <typename Machine, typename Drain>
void passTime(Machine& machine, Now& now, Duration by, const Drain& drain) {
  const TimePoint end = now.steady + by;
  while (machine.deadline() && *machine.deadline() <= end) {
    now = now + std::max(*machine.deadline() - now.steady, Duration::zero());
    machine.onTimer(now);
    drain();
  }
  now = now + (end - now.steady);
}

}  // namespace mesos::cluster
