#include "fleet/sentences.hpp"

#include <algorithm>
#include <cstdio>

namespace mesos::fleet {

std::string formatQuantity(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", value);
  std::string trimmed = text;
  trimmed.erase(trimmed.find_last_not_of('0') + 1);
  if (trimmed.back() == '.') trimmed.pop_back();
  return trimmed;
}

std::string formatSeconds(Duration duration) {
  const double seconds = std::max(toSeconds(duration), 0.1);
  char text[64];
  std::snprintf(text, sizeof text, seconds < 9.95 ? "%.1f s" : "%.0f s", seconds);
  return text;
}

}  // namespace mesos::fleet
