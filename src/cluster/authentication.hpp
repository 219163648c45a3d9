// Who makes a request: realms, HTTP Basic, the tokens of executors (facts T40-T48, X1).
#pragma once

#include "protocol/http.hpp"

#include <mesos/result.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

namespace mesos::cluster {

/// What asks for credentials together (fact T41).
enum class Realm {
  None,
  MasterScheduler,
  MasterReadonly,
  MasterReadwrite,
  AgentReadonly,
  AgentReadwrite,
  AgentExecutor
};
/// "mesos-master-scheduler" …; empty for None.
std::string_view nameOf(Realm realm);

/// The realm of an endpoint, "/master/state" or "/slave(1)/state". One that nobody thought of here
/// is guarded like what changes things.
Realm masterRealm(std::string_view endpoint);
Realm agentRealm(std::string_view endpoint);

/// Secrets by principal.
using Credentials = std::map<std::string, std::string>;
/// Reads `{"credentials":[{"principal":"p","secret":"s"}]}` (fact T46). The error never quotes what
/// was read.
Result<Credentials> parseCredentials(std::string_view text);

struct AuthenticationOptions {
  std::set<Realm> realms;  ///< Those that ask; the others look at no Authorization (fact T44).
  Credentials credentials;
  std::string tokenKey;  ///< Of the tokens of executors; empty: there are none (fact T47).
};

struct Principal {
  std::optional<std::string> value;           ///< HTTP Basic.
  std::map<std::string, std::string> claims;  ///< Of a token.
};

/// Who makes the request: nullopt where nobody is asked; a Response is the refusal (facts Q0, X1).
using Authenticated = std::variant<std::optional<Principal>, protocol::Response>;
Authenticated authenticate(const AuthenticationOptions& options, Realm realm,
                           const protocol::Request& request);

/// What an executor's token says of it: fid, eid, cid.
struct ExecutorClaims {
  std::string frameworkId;
  std::string executorId;
  std::string containerId;
};
std::string executorToken(const ExecutorClaims& claims, std::string_view key);
/// Whether `principal` is that executor (fact X10).
bool hasClaims(const Principal& principal, const ExecutorClaims& claims);

}  // namespace mesos::cluster
