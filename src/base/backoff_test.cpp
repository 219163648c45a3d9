#include "base/backoff.hpp"

#include <gtest/gtest.h>

namespace mesos {
namespace {

using std::chrono::seconds;

TEST(Backoff, DoublesUpToItsCap) {
  Random random(1);
  Backoff backoff({.initial = seconds(1), .max = seconds(5), .jitter = 0});
  EXPECT_EQ(backoff.next(random), seconds(1));
  EXPECT_EQ(backoff.next(random), seconds(2));
  EXPECT_EQ(backoff.next(random), seconds(4));
  EXPECT_EQ(backoff.next(random), seconds(5));
  EXPECT_EQ(backoff.next(random), seconds(5));
}

TEST(Backoff, StartsOverAfterSuccess) {
  Random random(1);
  Backoff backoff({.initial = seconds(1), .max = seconds(60), .jitter = 0});
  (void)backoff.next(random);
  (void)backoff.next(random);
  backoff.reset();
  EXPECT_EQ(backoff.next(random), seconds(1));
}

TEST(Backoff, SpreadsDelaysWithinItsJitter) {
  Random random(1);
  Backoff backoff({.initial = seconds(8), .max = seconds(8), .jitter = 0.5});
  Duration least = seconds(100), most = seconds(0);
  for (int i = 0; i < 1000; ++i) {
    const Duration delay = backoff.next(random);
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_GE(least, seconds(4));
  EXPECT_LE(most, seconds(8));
  EXPECT_LT(least, seconds(5));
  EXPECT_GT(most, seconds(7));
}

}  // namespace
}  // namespace mesos
