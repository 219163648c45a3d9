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

  bool isTrue(const std::string& name) {
    const auto value = optional(name);
    return value == "1" || value == "true";
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

/// "slave(1)@10.0.0.1:5051": the agent's name is what its paths begin with (fact V10).
void readDomainSocket(Reader& reader, ExecutorEnvironment& environment) {
  const auto path = reader.optional("MESOS_DOMAIN_SOCKET");
  if (!path || path->empty()) return;
  const std::string pid = reader.required("MESOS_SLAVE_PID");
  environment.domainSocket = *path;
  environment.session.path = "/" + pid.substr(0, pid.find('@')) + environment.session.path;
}

/// What Mesos' own executors obey. Mesos checks the agent's certificate only if it is told to, and
/// that it is made out to the agent's address only if it is told that as well: the address is the
/// agent's own word, by an environment that nobody else can write.
transport::TlsClientOptions tlsOptions(Reader& reader) {
  transport::TlsClientOptions options;
  options.caFile = reader.optional("LIBPROCESS_SSL_CA_FILE").value_or("");
  options.certificateFile = reader.optional("LIBPROCESS_SSL_CERT_FILE").value_or("");
  options.keyFile = reader.optional("LIBPROCESS_SSL_KEY_FILE").value_or("");
  options.verifyPeer = reader.isTrue("LIBPROCESS_SSL_VERIFY_SERVER_CERT") ||
                       reader.isTrue("LIBPROCESS_SSL_VERIFY_CERT");
  options.verifyHost = reader.isTrue("LIBPROCESS_SSL_VERIFY_IPADD");
  return options;
}

void readTls(Reader& reader, ExecutorEnvironment& environment) {
  // The local socket carries plain HTTP even then.
  if (!reader.isTrue("LIBPROCESS_SSL_ENABLED") || !environment.domainSocket.empty()) return;
  auto tls = transport::tlsClient(tlsOptions(reader));
  if (tls) {
    environment.tls = *std::move(tls);
    environment.session.agent.tls = true;
  } else if (!reader.isTrue("LIBPROCESS_SSL_SUPPORT_DOWNGRADE")) {
    reader.refuse("the agent speaks TLS (LIBPROCESS_SSL_ENABLED), but " + tls.error().message);
  }
}

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
  readDomainSocket(reader, environment);
  readTls(reader, environment);
  if (reader.problem()) return Error{*reader.problem()};
  return environment;
}

}  // namespace mesos::driver
