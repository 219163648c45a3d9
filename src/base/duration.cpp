#include "base/duration.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace mesos {
namespace {

struct Unit {
  std::string_view name;
  Duration length;
};

constexpr std::array<Unit, 8> kUnits{{
    {"weeks", std::chrono::hours(24 * 7)},
    {"days", std::chrono::hours(24)},
    {"hrs", std::chrono::hours(1)},
    {"mins", std::chrono::minutes(1)},
    {"secs", std::chrono::seconds(1)},
    {"ms", std::chrono::milliseconds(1)},
    {"us", std::chrono::microseconds(1)},
    {"ns", Duration(1)},
}};

}  // namespace

std::string formatDuration(Duration duration) {
  for (const Unit& unit : kUnits) {
    if (duration.count() != 0 && duration % unit.length == Duration::zero()) {
      return std::to_string(duration / unit.length) + std::string(unit.name);
    }
  }
  return "0ns";
}

Result<Duration> parseDuration(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unitName(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error == std::errc() && std::isfinite(number)) {
    for (const Unit& unit : kUnits) {
      if (unit.name != unitName) continue;
      const double count = number * static_cast<double>(unit.length.count());
      if (std::abs(count) >= 9.2e18) break;
      return Duration(static_cast<Duration::rep>(std::llround(count)));
    }
  }
  return Error{
      "'" + std::string(text) +
      "' is not a duration: expected a number and one of ns, us, ms, secs, mins, hrs, days, weeks, "
      "such as 15secs"};
}

}  // namespace mesos
