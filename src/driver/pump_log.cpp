#include "driver/pump_log.hpp"

#include <array>
#include <cctype>
#include <cstdio>
#include <random>

namespace mesos::driver {
namespace {

std::string seconds(Duration duration) {
  std::array<char, 32> text{};
  const bool isShort = duration < std::chrono::seconds(10);
  std::snprintf(text.data(), text.size(), isShort ? "%.1f s" : "%.0f s", toSeconds(duration));
  return text.data();
}

}  // namespace

std::string describe(const protocol::Waiting& waiting) {
  std::string line = waiting.reason;
  if (!line.empty()) line[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(line[0])));
  if (waiting.next > Duration::zero()) line += "; trying again in " + seconds(waiting.next);
  if (waiting.waited > Duration::zero()) line += " (nothing for " + seconds(waiting.waited) + ")";
  return line;
}

std::uint64_t drawSeed() {
  std::random_device device;
  const std::uint64_t seed = (std::uint64_t{device()} << 32) | device();
  return seed == 0 ? 1 : seed;
}

}  // namespace mesos::driver
