#include "base/random.hpp"

namespace mesos {

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::uint64_t Random::below(std::uint64_t bound) {
  // The modulo bias is far below anything a jitter or a simulation could notice.
  return bound == 0 ? 0 : next() % bound;
}

double Random::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

Duration Random::below(Duration bound) {
  return bound.count() <= 0 ? Duration::zero()
                            : Duration(static_cast<Duration::rep>(
                                  below(static_cast<std::uint64_t>(bound.count()))));
}

}  // namespace mesos
