// The scheduler's flags: what a person can set, and how it is said when it is set wrong.
#pragma once

#include "base/time.hpp"
#include "fleet/app_spec.hpp"
#include "protocol/http.hpp"

#include <mesos/scheduler.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>

namespace mesos::scheduler {

struct Options {
  std::string master = "local";
  bool isMasterTls = false;  ///< Whether it is named by https.
  fleet::AppSpec app;

  std::string name = "mesos-cpp";
  std::string user;  ///< Empty: the current one.
  std::string role = "*";
  std::string hostname;           ///< Empty: this machine's.
  std::string principal;          ///< Empty: none.
  std::string secretFile;         ///< Empty: the principal is not authenticated.
  std::optional<TlsOptions> tls;  ///< Unset: no flag says anything of it.
  bool checkpoint = false;
  std::optional<Duration> failoverTimeout;
  std::string state;  ///< Directory of what outlives a stop; empty: none, a stop is the end.
  bool teardown = false;

  std::string executor;  ///< Path of the program; empty: the one beside this program.
  std::string executorUri;
  std::optional<protocol::Address> artifactAddress;  ///< Port 0: any.
  std::string artifactCertFile;  ///< Empty: the program is served by plain HTTP.
  std::string artifactKeyFile;

  std::optional<std::uint16_t> port;  ///< Of the embedded cluster's master.
  std::uint64_t seed = 0;             ///< 0: drawn from the system.
  LogLevel logLevel = LogLevel::info;

  bool isLocal() const { return master == "local"; }
  /// Whether the masters, and so their agents, speak TLS.
  bool isTls() const { return tls || isMasterTls; }
};

/// Nothing to run: print `text` and end with `code`.
struct Exit {
  int code;
  std::string text;
};

using Environment = std::function<const char*(const char*)>;

/// Flags win over the environment. A mistake is an Exit with code 2 whose text names the flag (or
/// variable), the value and what is accepted.
std::variant<Options, Exit> parseOptions(int argc, const char* const* argv,
                                         const Environment& environment);

/// Whether `host` can only mean this machine.
bool isLoopback(const std::string& host);

}  // namespace mesos::scheduler
