// Figures as people read them.
#pragma once

#include "base/time.hpp"

#include <string>

namespace mesos::fleet {

/// 0.5, 2, 0.51: at most three decimals, no trailing zeros.
std::string formatQuantity(double value);
/// "1.2 s", "40 s": tenths below ten seconds, never 0.
std::string formatSeconds(Duration duration);

}  // namespace mesos::fleet
