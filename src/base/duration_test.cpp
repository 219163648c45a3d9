#include "base/duration.hpp"

#include <gtest/gtest.h>

namespace mesos {
namespace {

using namespace std::chrono_literals;

TEST(Duration, PrintsTheLargestWholeUnit) {
  EXPECT_EQ(formatDuration(90s), "90secs");
  EXPECT_EQ(formatDuration(120s), "2mins");
  EXPECT_EQ(formatDuration(1500ms), "1500ms");
  EXPECT_EQ(formatDuration(24h * 7), "1weeks");
  EXPECT_EQ(formatDuration(0s), "0ns");
}

// Scenario 177.
TEST(Duration, ReadsWhatItPrints) {
  for (const Duration duration : {Duration(1), Duration(15min), Duration(2s), Duration(36h)}) {
    EXPECT_EQ(parseDuration(formatDuration(duration)).value(), duration);
  }
  EXPECT_EQ(parseDuration("0.5secs").value(), Duration(500ms));
  EXPECT_EQ(parseDuration("1.5mins").value(), Duration(90s));
  EXPECT_EQ(parseDuration("250ms").value(), Duration(250ms));
  EXPECT_EQ(parseDuration("2hrs").value(), Duration(2h));
  EXPECT_EQ(parseDuration("1weeks").value(), Duration(24h * 7));
}

TEST(Duration, RefusesWhatIsNotOne) {
  for (const char* text : {"", "5", "secs", "5 secs", "5sec", "nansecs", "1e300weeks", "5secsx"}) {
    EXPECT_FALSE(parseDuration(text)) << text;
  }
}

TEST(Seconds, AreClampedToWhatADurationHolds) {
  EXPECT_EQ(fromSeconds(1.5), Duration(1500ms));
  EXPECT_GT(fromSeconds(1e30), Duration(24h * 365 * 200));
  EXPECT_LT(fromSeconds(-1e30), Duration(0));
}

}  // namespace
}  // namespace mesos
