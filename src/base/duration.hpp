// Mesos' duration text, "15mins" (fact V21).
#pragma once

#include "base/time.hpp"

#include <mesos/result.hpp>

#include <string>
#include <string_view>

namespace mesos {

/// The largest unit that gives a whole number: 90 s is "90secs", 120 s "2mins", 1.5 s "1500ms".
std::string formatDuration(Duration duration);
/// A number, fractions allowed, and a unit of ns, us, ms, secs, mins, hrs, days, weeks.
Result<Duration> parseDuration(std::string_view text);

}  // namespace mesos
