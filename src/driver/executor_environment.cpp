#include "driver/executor_environment.hpp"

#include "base/duration.hpp"

#include <optional>
#include <string>

namespace mesos::driver {
namespace {

/// Reads variables until the first that is wrong.
class Reader {
 public:
  explicit Reader(const std::function<const char*(const char*)>& lookUp) : lookUp_(lookUp) {}

  std::optional<std::string> optional(const std::string& name) {
    const char* const value = lookUp_(name.c_str());
    if (!value) return std::nullopt;
    return value;
  }

  std::string required(const std::string& name) {
    auto value = optional(name);
    if (!value || value->empty()) {
      refuse(name + " is not set; an executor is started by a Mesos agent, which sets it");
      return {};
    }
    return *value;
  }

  void duration(const std::string& name, Duration& into) {
    const auto value = optional(name);
    if (!value) return;
    const auto parsed = parseDuration(*value);
    if (parsed) {
      into = *parsed;
    } else {
      refuse(name + " is no duration: " + parsed.error().message);
    }
  }

  void refuse(std::string problem) {
    if (!problem_) problem_ = std::move(problem);
  }
  const std::optional<std::string>& problem() const { return problem_; }

 private:
  const std::function<const char*(const char*)>& lookUp_;
  std::optional<std::string> problem_;
};

}  // namespace

Result<ExecutorEnvironment> executorEnvironment(
    const std::function<const char*(const char*)>& lookUp) {
  ExecutorEnvironment environment;
  protocol::ExecutorSessionOptions& session = environment.session;
  Reader reader(lookUp);
  session.frameworkId.set_value(reader.required("MESOS_FRAMEWORK_ID"));
  session.executorId.set_value(reader.required("MESOS_EXECUTOR_ID"));
  const std::string endpoint = reader.required("MESOS_AGENT_ENDPOINT");
  if (const auto agent = protocol::parseAddress(endpoint)) {
    session.agent = *agent;
  } else {
    reader.refuse("MESOS_AGENT_ENDPOINT is not IP:PORT: \"" + endpoint + "\"");
  }
  session.checkpoint = reader.optional("MESOS_CHECKPOINT") == "1";  // Fact V5.
  reader.duration("MESOS_RECOVERY_TIMEOUT", session.recoveryTimeout);
  reader.duration("MESOS_SUBSCRIPTION_BACKOFF_MAX", session.subscriptionBackoffMax);
  reader.duration("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", environment.shutdownGracePeriod);
  // Only with an agent that authenticates its executors (fact T47).
  const auto token = reader.optional("MESOS_EXECUTOR_AUTHENTICATION_TOKEN");
  if (token) session.authorization = "Bearer " + *token;
  if (reader.problem()) return Error{*reader.problem()};
  return environment;
}

}  // namespace mesos::driver
