// Time as pure code sees it: always a parameter, never fetched.
#pragma once

#include <chrono>

namespace mesos {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// One instant on both clocks: `steady` for deadlines, `wall` for the Unix times that Mesos shows.
struct Now {
  TimePoint steady;
  std::chrono::sys_time<Duration> wall;

  /// Seconds since 1970, as in `timestamp` and `registered_time`.
  double unixSeconds() const {
    return std::chrono::duration<double>(wall.time_since_epoch()).count();
  }
  /// The same instant `later` by a duration.
  Now operator+(Duration later) const { return {steady + later, wall + later}; }
};

/// Seconds as protobuf messages carry them, made a Duration; clamped to what one can hold.
inline Duration fromSeconds(double seconds) {
  constexpr double kMax = 9.2e9;
  if (!(seconds < kMax)) seconds = kMax;
  if (seconds < -kMax) seconds = -kMax;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}
inline double toSeconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace mesos
