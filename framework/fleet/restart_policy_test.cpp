#include "fleet/restart_policy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace mesos::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RestartPolicy, DoublesFromOneSecondToAMinuteWithJitter) {
  Random random(7);
  RestartPolicy policy;
  Duration nominal = seconds(1);
  for (int i = 0; i < 10; ++i) {
    const Duration delay = policy.delayAfter(Duration::zero(), random);
    EXPECT_LE(delay, nominal) << i;
    EXPECT_GE(delay, nominal / 2) << i;
    nominal = std::min<Duration>(2 * nominal, seconds(60));
  }
}

TEST(RestartPolicy, StartsOverAfterAGoodRunAndOnlyThen) {
  Random random(7);
  RestartPolicy policy;
  for (int i = 0; i < 5; ++i) (void)policy.delayAfter(Duration::zero(), random);
  EXPECT_GT(policy.delayAfter(RestartPolicy::kGoodRun - milliseconds(1), random), seconds(15));
  EXPECT_LE(policy.delayAfter(RestartPolicy::kGoodRun, random), seconds(1));
}

TEST(RestartPolicy, SpreadsServersThatFailTogether) {
  Random random(7);
  std::set<Duration> delays;
  for (int i = 0; i < 20; ++i) delays.insert(RestartPolicy().delayAfter(Duration::zero(), random));
  EXPECT_GT(delays.size(), 15u);
}

}  // namespace
}  // namespace mesos::fleet
