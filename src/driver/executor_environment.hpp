// What an agent tells an executor by its environment (section 12.5).
#pragma once

#include "protocol/executor_session.hpp"
#include "transport/tls.hpp"

#include <mesos/result.hpp>

#include <functional>

namespace mesos::driver {

struct ExecutorEnvironment {
  protocol::ExecutorSessionOptions session;
  /// How long shutdown may take before the executor is killed.
  Duration shutdownGracePeriod = std::chrono::seconds(5);
  /// Of the agent's local socket (fact V10); empty: there is none.
  std::string domainSocket;
  /// If the agent speaks TLS.
  std::shared_ptr<const transport::TlsContext> tls;
};

/// The error names the variable.
Result<ExecutorEnvironment> executorEnvironment(
    const std::function<const char*(const char*)>& lookUp);

}  // namespace mesos::driver
