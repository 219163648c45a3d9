#include "scheduler/waiter.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace mesos::scheduler {
namespace {

TEST(WaiterDeathTest, GivesTheSignalsBackWhenReleased) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(
        {
          Waiter waiter;
          std::raise(signal);
          if (!waiter.wait(std::nullopt)) std::_Exit(1);
          waiter.release();
          std::raise(signal);
          std::_Exit(2);
        },
        testing::KilledBySignal(signal), "");
  }
}

}  // namespace
}  // namespace mesos::scheduler
