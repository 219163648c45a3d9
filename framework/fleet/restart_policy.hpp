// How soon a server that ended is replaced.
#pragma once

#include "base/backoff.hpp"
#include "base/random.hpp"
#include "base/time.hpp"

namespace mesos::fleet {

/// 1 s, doubling to 60 s, with jitter; a good run makes the next delay 1 s again. One for each
/// server, so that one that cannot start does not hold up the others.
class RestartPolicy {
 public:
  /// A server that ran this long was not crashing on start.
  static constexpr Duration kGoodRun = std::chrono::seconds(30);

  /// How long to wait after a server ended that had been running for `ran`; zero: it never ran.
  Duration delayAfter(Duration ran, Random& random) {
    if (ran >= kGoodRun) backoff_.reset();
    return backoff_.next(random);
  }

 private:
  Backoff backoff_{{.initial = std::chrono::seconds(1), .max = std::chrono::seconds(60)}};
};

}  // namespace mesos::fleet
