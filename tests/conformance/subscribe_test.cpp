// Section 3 of the scenarios: SUBSCRIBE and the life of a framework.
#include "conformance/environment.hpp"

#include <regex>

namespace mesos::conformance {
namespace {

class Subscribe : public Scenario {};
BOTH_ENCODINGS(Subscribe);

TEST_P(Subscribe, C032_BeginsWithSubscribedThenAHeartbeatAtOnce) {
  TestFramework framework = subscribe();
  EXPECT_TRUE(std::regex_match(framework.id().value(), std::regex("[0-9a-f-]{36}-[0-9]{4,}")))
      << framework.id().value();
  EXPECT_NEAR(framework.subscribed().heartbeat_interval_seconds(), 15 / environment().timeScale,
              0.01);
  EXPECT_TRUE(framework.subscribed().has_master_info());
  framework.stream().next(SchedulerEvent::HEARTBEAT, Timeout(1000));
}

TEST_P(Subscribe, C034_GivesEachSubscriptionAStreamIdOfItsOwn) {
  TestFramework framework = subscribe();
  const std::string first = framework.streamId();
  EXPECT_TRUE(std::regex_match(first, std::regex("[0-9a-f-]{36}"))) << first;
  framework.resubscribe();
  EXPECT_NE(framework.streamId(), first);
}

}  // namespace
}  // namespace mesos::conformance
