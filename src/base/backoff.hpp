// Backoff: how long to wait before the next attempt.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"

namespace mesos {

/// Exponential, capped, with jitter. The first attempt is the caller's and immediate; next() is
/// asked after a failure.
class Backoff {
 public:
  struct Options {
    Duration initial = std::chrono::seconds(1);
    Duration max = std::chrono::seconds(60);
    /// Each delay is spread over [1 - jitter, 1] of its nominal value.
    double jitter = 0.5;
  };

  explicit Backoff(Options options) : options_(options), nominal_(options.initial) {}

  /// The delay to wait now; the one after it is nominally twice as long.
  Duration next(Random& random);
  /// After success: starts over.
  void reset() { nominal_ = options_.initial; }

 private:
  Options options_;
  Duration nominal_;
};

}  // namespace mesos
