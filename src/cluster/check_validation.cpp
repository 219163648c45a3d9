#include "cluster/check_validation.hpp"

#include "cluster/validation_steps.hpp"

namespace mesos::cluster {
namespace {

Result<void> nonNegative(double value, const char* field) {
  if (value >= 0) return {};
  return Error{std::string("Expecting '") + field + "' to be non-negative"};
}

Result<void> validatePath(bool given, const std::string& path, const char* kind) {
  if (!given || path.starts_with('/')) return {};
  return Error{"The path '" + path + "' of HTTP " + kind + " must start with '/'"};
}

Result<void> expecting(bool present, const char* member, const char* type, const char* kind) {
  if (present) return {};
  return Error{std::string("Expecting '") + member + "' to be set for " + type + " " + kind};
}

/// Fact L5: what `type` says must be there.
Result<void> validateCheckKind(const v1::CheckInfo& check) {
  switch (check.type()) {
    case v1::CheckInfo::COMMAND:
      if (const auto valid = expecting(check.has_command(), "command", "COMMAND", "check"); !valid)
        return valid;
      if (check.command().command().has_value()) return {};
      return Error{check.command().command().shell()
                       ? "Command check must contain 'shell command'"
                       : "Command check must contain 'executable path'"};
    case v1::CheckInfo::HTTP:
      if (const auto valid = expecting(check.has_http(), "http", "HTTP", "check"); !valid)
        return valid;
      return validatePath(check.http().has_path(), check.http().path(), "check");
    case v1::CheckInfo::TCP:
      return expecting(check.has_tcp(), "tcp", "TCP", "check");
    default:
      return Error{"'" + v1::CheckInfo::Type_Name(check.type()) + "' is not a valid check type"};
  }
}

Result<void> validateHealthHttp(const v1::HealthCheck& check) {
  if (const auto valid = expecting(check.has_http(), "http", "HTTP", "health check"); !valid)
    return valid;
  const auto& http = check.http();
  if (http.has_scheme() && http.scheme() != "http" && http.scheme() != "https") {
    return Error{"Unsupported HTTP health check scheme: '" + http.scheme() + "'"};
  }
  return validatePath(http.has_path(), http.path(), "health check");
}

Result<void> validateHealthKind(const v1::HealthCheck& check) {
  switch (check.type()) {
    case v1::HealthCheck::COMMAND:
      if (const auto valid = expecting(check.has_command(), "command", "COMMAND", "health check");
          !valid)
        return valid;
      if (!check.command().has_value()) {
        return Error{check.command().shell()
                         ? "Command health check must contain 'shell command'"
                         : "Command health check must contain 'executable path'"};
      }
      return prefixed("Health check's `CommandInfo` is invalid: ",
                      validateEnvironment(check.command()));
    case v1::HealthCheck::HTTP:
      return validateHealthHttp(check);
    case v1::HealthCheck::TCP:
      return expecting(check.has_tcp(), "tcp", "TCP", "health check");
    default:
      return Error{"'" + v1::HealthCheck::Type_Name(check.type()) +
                   "' is not a valid health check type"};
  }
}

}  // namespace

Result<void> validateEnvironment(const CommandInfo& command) {
  for (const auto& variable : command.environment().variables()) {
    const std::string type = Environment::Variable::Type_Name(variable.type());
    const auto complaint = [&](const char* what) {
      return Error{"Environment variable '" + variable.name() + "' of type '" + type + "' must " +
                   what + " set"};
    };
    switch (variable.type()) {
      case Environment::Variable::VALUE:
        if (!variable.has_value()) return complaint("have a value");
        if (variable.has_secret()) return complaint("not have a secret");
        break;
      case Environment::Variable::SECRET:
        if (!variable.has_secret()) return complaint("have a secret");
        if (variable.has_value()) return complaint("not have a value");
        break;
      default:
        return Error{"Environment variable '" + variable.name() + "' has the unknown type '" +
                     type + "'"};
    }
  }
  return {};
}

Result<void> validateCheck(const v1::CheckInfo& check) {
  if (!check.has_type()) return Error{"CheckInfo must specify 'type'"};
  return firstError([&] { return validateCheckKind(check); },
                    [&] { return nonNegative(check.delay_seconds(), "delay_seconds"); },
                    [&] { return nonNegative(check.interval_seconds(), "interval_seconds"); },
                    [&] { return nonNegative(check.timeout_seconds(), "timeout_seconds"); });
}

Result<void> validateHealthCheck(const v1::HealthCheck& check) {
  if (!check.has_type()) return Error{"HealthCheck must specify 'type'"};
  return firstError(
      [&] { return validateHealthKind(check); },
      [&] { return nonNegative(check.delay_seconds(), "delay_seconds"); },
      [&] { return nonNegative(check.interval_seconds(), "interval_seconds"); },
      [&] { return nonNegative(check.timeout_seconds(), "timeout_seconds"); },
      [&] { return nonNegative(check.grace_period_seconds(), "grace_period_seconds"); });
}

}  // namespace mesos::cluster
