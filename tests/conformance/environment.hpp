// The cluster under judgement, and what the scenarios need of it.
#pragma once

#include "conformance/client.hpp"

#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>

namespace mesos::conformance {

struct Environment {
  protocol::Address master;
  /// By how much the cluster's long constants are shortened (`local-cluster --time-scale`).
  double timeScale = 1;
  /// What the cluster was started with beyond the plain (`--has offer_timeout=1secs`).
  std::map<std::string, std::string> has;
};
Environment& environment();

/// The real time that `seconds` of Mesos' own constants take on this cluster.
Timeout scaled(double seconds);

/// Skips the scenario, naming what it needs, unless the cluster has it.
#define NEEDS(flag)                                                                \
  if (!::mesos::conformance::environment().has.contains(flag)) {                   \
    GTEST_SKIP() << "needs: a cluster started with " flag " (and --has " flag ")"; \
  }

/// How GoogleTest names the encoding of a scenario that failed.
inline void PrintTo(Encoding encoding, std::ostream* out) { *out << mediaType(encoding); }

/// A scenario in JSON and in protobuf. Instantiate with BOTH_ENCODINGS(Suite).
class Scenario : public testing::TestWithParam<Encoding> {
 protected:
  const protocol::Address& master() const { return environment().master; }
  /// A framework of role "*" (or what `info` says) in the scenario's encoding.
  TestFramework subscribe(FrameworkInfo info = {}) const {
    return TestFramework(master(), GetParam(), std::move(info));
  }
  TestExecutor executorOf(const TestFramework& framework, const Offer& offer,
                          const std::string& executorId) const {
    ExecutorID id;
    id.set_value(executorId);
    return TestExecutor(agentOf(offer), GetParam(), framework.id(), id);
  }
};

#define BOTH_ENCODINGS(suite)                                                                 \
  INSTANTIATE_TEST_SUITE_P(                                                                   \
      , suite,                                                                                \
      testing::Values(::mesos::conformance::Encoding::Json,                                   \
                      ::mesos::conformance::Encoding::Protobuf),                              \
      [](const testing::TestParamInfo<::mesos::conformance::Encoding>& parameter) {           \
        return parameter.param == ::mesos::conformance::Encoding::Json ? "json" : "protobuf"; \
      })

}  // namespace mesos::conformance
