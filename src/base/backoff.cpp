#include "base/backoff.hpp"

#include <algorithm>

namespace mesos {

Duration Backoff::next(Random& random) {
  const Duration nominal = std::min(nominal_, options_.max);
  nominal_ = std::min(nominal * 2, options_.max);
  const double factor = 1.0 - options_.jitter * random.unit();
  return std::chrono::duration_cast<Duration>(nominal * factor);
}

}  // namespace mesos
