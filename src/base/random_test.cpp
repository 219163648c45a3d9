#include "base/random.hpp"

#include <gtest/gtest.h>

namespace mesos {
namespace {

TEST(Random, RepeatsItselfForTheSameSeed) {
  Random a(7), b(7), c(8);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
}

TEST(Random, StaysBelowItsBound) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(random.below(std::uint64_t{10}), 10u);
    EXPECT_LT(random.below(Duration(50)), Duration(50));
    EXPECT_LT(random.unit(), 1.0);
    EXPECT_GE(random.unit(), 0.0);
  }
  EXPECT_EQ(random.below(std::uint64_t{0}), 0u);
  EXPECT_EQ(random.below(Duration(0)), Duration(0));
}

TEST(Random, TakesAChanceAboutAsOftenAsAsked) {
  Random random(3);
  int hits = 0;
  for (int i = 0; i < 10000; ++i) hits += random.chance(0.25) ? 1 : 0;
  EXPECT_NEAR(hits, 2500, 200);
}

}  // namespace
}  // namespace mesos
