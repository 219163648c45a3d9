// A seeded source of randomness: the same seed gives the same world.
#pragma once

#include "base/time.hpp"

#include <cstdint>

namespace mesos {

/// SplitMix64. Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next();
  /// Uniform in [0, bound); 0 if bound is 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
  bool chance(double probability) { return unit() < probability; }
  /// Uniform in [0, bound).
  Duration below(Duration bound);

 private:
  std::uint64_t state_;
};

}  // namespace mesos
