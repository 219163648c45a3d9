#include "cluster/authentication.hpp"

#include "base/base64.hpp"
#include "cluster/content.hpp"
#include "cluster/secrets.hpp"
#include "cluster/token.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <utility>

namespace mesos::cluster {
namespace {

using protocol::Request;
using protocol::Response;

constexpr std::string_view kBasic = "Basic ";
constexpr std::string_view kBearer = "Bearer ";

using Realms = std::map<std::string_view, Realm>;

// "/slave(1)/state" without its actor; "/files/browse" and the like are one for all.
std::string_view withoutActor(std::string_view endpoint) {
  const std::size_t slash = endpoint.find('/', 1);
  return slash == endpoint.npos ? endpoint : endpoint.substr(slash);
}

bool isOpen(std::string_view endpoint) {
  constexpr std::string_view kOpen[] = {"/health", "/version", "/redirect", "/system/stats.json"};
  const auto is = [&](std::string_view open) {
    return endpoint == open || withoutActor(endpoint) == open;
  };
  return std::any_of(std::begin(kOpen), std::end(kOpen), is) || endpoint.starts_with("/help");
}

bool isReadonly(std::string_view endpoint) {
  constexpr std::string_view kReadonly[] = {
      "/state", "/state-summary", "/slaves",     "/frameworks",         "/tasks",
      "/roles", "/flags",         "/containers", "/maintenance/status", "/monitor/statistics"};
  if (endpoint.starts_with("/files/") || endpoint.starts_with("/monitor/")) return true;
  if (endpoint == "/metrics/snapshot") return true;
  return std::find(std::begin(kReadonly), std::end(kReadonly), withoutActor(endpoint)) !=
         std::end(kReadonly);
}

// Facts T40, T41. Whoever may come with either is told of both.
Response unauthorized(const AuthenticationOptions& options, Realm realm) {
  const std::string quoted = " realm=\"" + std::string(nameOf(realm)) + "\"";
  const bool takesTokens = !options.tokenKey.empty();
  std::string challenge;
  if (!takesTokens || !options.credentials.empty()) challenge = "Basic" + quoted;
  if (takesTokens) challenge += (challenge.empty() ? "Bearer" : ",Bearer") + quoted;
  Response response = plainText(401, "401 Unauthorized.");
  response.headers = {{"WWW-Authenticate", challenge},
                      {"Content-Type", *response.headers.find("Content-Type")}};
  return response;
}

// Fact T43: one blank, then base64 and nothing else; the text has exactly one colon.
std::optional<Principal> readBasic(const Credentials& credentials, std::string_view encoded) {
  if (encoded.find_first_of(" \t\r\n\v\f") != encoded.npos) return std::nullopt;
  const auto pair = decodeBase64(encoded);
  if (!pair) return std::nullopt;
  const std::size_t colon = pair->find(':');
  if (colon == pair->npos || pair->find(':', colon + 1) != pair->npos) return std::nullopt;
  const std::string principal = pair->substr(0, colon);
  const auto known = credentials.find(principal);
  // Also for a stranger something is compared, so that the time taken names no principal.
  const std::string& secret = known == credentials.end() ? principal : known->second;
  const bool equal = equalSecrets(secret, std::string_view(*pair).substr(colon + 1));
  if (known == credentials.end() || !equal) return std::nullopt;
  return Principal{principal, {}};
}

std::optional<Principal> readHeader(const AuthenticationOptions& options,
                                    std::string_view authorization) {
  if (authorization.starts_with(kBasic)) {
    return readBasic(options.credentials, authorization.substr(kBasic.size()));
  }
  if (!options.tokenKey.empty() && authorization.starts_with(kBearer)) {
    auto claims = readToken(authorization.substr(kBearer.size()), options.tokenKey);
    if (claims) return Principal{std::nullopt, *std::move(claims)};
  }
  return std::nullopt;
}

std::string textOf(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

}  // namespace

std::string_view nameOf(Realm realm) {
  switch (realm) {
    case Realm::None:
      return "";
    case Realm::MasterScheduler:
      return "mesos-master-scheduler";
    case Realm::MasterReadonly:
      return "mesos-master-readonly";
    case Realm::MasterReadwrite:
      return "mesos-master-readwrite";
    case Realm::AgentReadonly:
      return "mesos-agent-readonly";
    case Realm::AgentReadwrite:
      return "mesos-agent-readwrite";
    case Realm::AgentExecutor:
      return "mesos-agent-executor";
  }
  return "";
}

Realm masterRealm(std::string_view endpoint) {
  if (endpoint == "/master/api/v1/scheduler") return Realm::MasterScheduler;
  if (isOpen(endpoint)) return Realm::None;
  return isReadonly(endpoint) ? Realm::MasterReadonly : Realm::MasterReadwrite;
}

Realm agentRealm(std::string_view endpoint) {
  if (withoutActor(endpoint) == "/api/v1/executor") return Realm::AgentExecutor;
  if (isOpen(endpoint)) return Realm::None;
  return isReadonly(endpoint) ? Realm::AgentReadonly : Realm::AgentReadwrite;
}

Result<Credentials> parseCredentials(std::string_view text) {
  const Error expected{R"(expected JSON such as {"credentials":[{"principal":"p","secret":"s"}]})"};
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (document.HasParseError() || !document.IsObject()) return expected;
  const auto list = document.FindMember("credentials");
  if (list == document.MemberEnd() || !list->value.IsArray()) return expected;
  Credentials credentials;
  for (const auto& entry : list->value.GetArray()) {
    if (!entry.IsObject()) return expected;
    const auto principal = entry.FindMember("principal");
    const auto secret = entry.FindMember("secret");
    if (principal == entry.MemberEnd() || !principal->value.IsString()) return expected;
    if (secret == entry.MemberEnd() || !secret->value.IsString()) return expected;
    if (!credentials.emplace(textOf(principal->value), textOf(secret->value)).second) {
      return Error{"the principal '" + textOf(principal->value) + "' is there twice"};
    }
  }
  return credentials;
}

Authenticated authenticate(const AuthenticationOptions& options, Realm realm,
                           const Request& request) {
  if (!options.realms.contains(realm)) return std::optional<Principal>();
  const std::string* authorization = request.headers.find("Authorization");
  if (authorization == nullptr) return unauthorized(options, realm);
  auto principal = readHeader(options, *authorization);
  if (!principal) return unauthorized(options, realm);
  return principal;
}

std::string executorToken(const ExecutorClaims& claims, std::string_view key) {
  return makeToken(
      {{"fid", claims.frameworkId}, {"eid", claims.executorId}, {"cid", claims.containerId}}, key);
}

bool hasClaims(const Principal& principal, const ExecutorClaims& claims) {
  const auto says = [&](const char* name, const std::string& value) {
    const auto claim = principal.claims.find(name);
    return claim != principal.claims.end() && claim->second == value;
  };
  return says("fid", claims.frameworkId) && says("eid", claims.executorId) &&
         says("cid", claims.containerId);
}

}  // namespace mesos::cluster
