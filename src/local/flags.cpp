#include "local/flags.hpp"

#include "base/duration.hpp"
#include "local/credentials.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <charconv>
#include <functional>

namespace mesos::local {
namespace {

using cluster::AgentOptions;
using cluster::MasterOptions;
using Setter = std::function<Result<void>(const std::string&, Settings*)>;

constexpr Duration kShortest = std::chrono::milliseconds(1);
constexpr Duration kNone = Duration::zero();

struct Flag {
  std::string_view name;
  bool isMasters;
  /// As /flags shows it; empty for what is unset, or a constant that is no flag of Mesos.
  std::string_view shownDefault;
  Setter set;
};

Result<Duration> durationOf(const std::string& text, Duration least) {
  auto duration = parseDuration(text);
  if (!duration) return Error{"expected a duration such as 500ms, 5secs or 1mins"};
  if (*duration < least) return Error{"expected at least " + formatDuration(least)};
  return duration;
}

template <typename Part>
Setter duration(Part Settings::*part, Duration Part::*field, Duration least) {
  return [=](const std::string& text, Settings* settings) -> Result<void> {
    auto value = durationOf(text, least);
    if (!value) return value.error();
    settings->*part.*field = *value;
    return {};
  };
}

template <typename Part>
Setter boolean(Part Settings::*part, bool Part::*field) {
  return [=](const std::string& text, Settings* settings) -> Result<void> {
    if (text != "true" && text != "false") return Error{"expected true or false"};
    settings->*part.*field = text == "true";
    return {};
  };
}

template <typename Part>
Setter count(Part Settings::*part, std::size_t Part::*field) {
  return [=](const std::string& text, Settings* settings) -> Result<void> {
    std::size_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end) return Error{"expected a number"};
    settings->*part.*field = value;
    return {};
  };
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

Result<void> setOfferTimeout(const std::string& text, Settings* settings) {
  auto timeout = durationOf(text, kShortest);
  if (!timeout) return timeout.error();
  settings->master.offerTimeout = *timeout;
  return {};
}

Result<void> setZkSessionTimeout(const std::string& text, Settings* settings) {
  auto timeout = durationOf(text, kShortest);
  if (!timeout) return timeout.error();
  settings->zkSessionTimeout = *timeout;
  return {};
}

Result<void> setRefuseSeconds(const std::string& text, Settings* settings) {
  auto refused = durationOf(text, kNone);
  if (!refused) return refused.error();
  settings->master.defaultRefuseSeconds = toSeconds(*refused);
  return {};
}

Result<void> setMaxAgentPingTimeouts(const std::string& text, Settings* settings) {
  auto set = count(&Settings::master, &MasterOptions::maxAgentPingTimeouts)(text, settings);
  if (!set) return set;
  const std::size_t times = settings->master.maxAgentPingTimeouts;
  if (times < 1 || times > 1000) return Error{"expected a number from 1 to 1000"};
  return {};
}

Result<void> setRoles(const std::string& text, Settings* settings) {
  const auto roles = split(text, ',');
  if (roles.empty()) return Error{"expected roles separated by commas"};
  settings->master.roleWhitelist = {roles.begin(), roles.end()};
  settings->master.roleWhitelist.insert("*");
  return {};
}

Result<void> setMinAllocatable(const std::string& text, Settings* settings) {
  settings->master.minAllocatable.clear();
  for (const std::string& alternative : split(text, '|')) {
    auto resources = Resources::parse(alternative);
    if (!resources) return Error{"expected something like cpus:0.01|mem:32"};
    settings->master.minAllocatable.push_back(*resources);
  }
  return {};
}

Result<void> setExecutorEnvironment(const std::string& text, Settings* settings) {
  const Error expected{"expected a JSON object of strings"};
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (document.HasParseError() || !document.IsObject()) return expected;
  std::map<std::string, std::string> environment;
  for (const auto& member : document.GetObject()) {
    if (!member.value.IsString()) return expected;
    environment[member.name.GetString()] = member.value.GetString();
  }
  settings->agent.executorEnvironment = std::move(environment);
  return {};
}

/// Mesos' sizes: a number and one of B, KB, MB, GB, TB, each 1024 of the one before.
Result<void> setCacheSize(const std::string& text, Settings* settings) {
  const Error expected{"expected a size such as 512MB or 2GB"};
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc()) return expected;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  constexpr std::string_view kUnits[] = {"B", "KB", "MB", "GB", "TB"};
  for (int power = 0; power < 5; ++power) {
    if (unit != kUnits[power]) continue;
    if (value > (~std::uint64_t{0} >> (10 * power))) return expected;
    settings->fetcher.cacheBytesMax = value << (10 * power);
    return {};
  }
  return expected;
}

Result<void> setStallTimeout(const std::string& text, Settings* settings) {
  auto timeout = durationOf(text, kShortest);
  if (!timeout) return timeout.error();
  settings->fetcher.download.stallTimeout = *timeout;
  return {};
}

Result<void> setCorsOrigins(const std::string& text, Settings* settings) {
  const auto origins = split(text, ',');
  const bool wellFormed = std::all_of(origins.begin(), origins.end(), [](const auto& origin) {
    const bool hasScheme = origin.starts_with("http://") || origin.starts_with("https://");
    return origin == "*" || (hasScheme && !origin.ends_with('/'));
  });
  if (origins.empty() || !wellFormed) {
    return Error{"expected origins such as http://localhost:3000, separated by commas, or *"};
  }
  settings->cors = cluster::Cors({origins.begin(), origins.end()});
  return {};
}

using cluster::Realm;

/// Whether `realm` of the master, or of every agent, asks for credentials.
template <typename Part>
Setter asks(Part Settings::*part, Realm realm) {
  return [=](const std::string& text, Settings* settings) -> Result<void> {
    if (text != "true" && text != "false") return Error{"expected true or false"};
    auto& realms = (settings->*part).authentication.realms;
    if (text == "true") {
      realms.insert(realm);
    } else {
      realms.erase(realm);
    }
    return {};
  };
}

template <typename Part>
Setter credentials(Part Settings::*part) {
  return [=](const std::string& text, Settings* settings) -> Result<void> {
    auto read = readCredentials(text);
    if (!read) return read.error();
    (settings->*part).authentication.credentials = *std::move(read);
    return {};
  };
}

Result<void> setTokenKey(const std::string& text, Settings* settings) {
  auto key = readTokenKey(text);
  if (!key) return key.error();
  settings->agent.authentication.tokenKey = *std::move(key);
  return {};
}

Result<void> acceptBasic(const std::string& text, Settings*) {
  if (text != "basic") return Error{"expected basic, which is all there is"};
  return {};
}

/// What asks for credentials must know some.
Result<void> checkAuthentication(Settings* settings) {
  cluster::AuthenticationOptions& master = settings->master.authentication;
  cluster::AuthenticationOptions& agent = settings->agent.authentication;
  // The agents are the same cluster's.
  if (agent.credentials.empty()) agent.credentials = master.credentials;
  if (!master.realms.empty() && master.credentials.empty()) {
    return Error{"Authentication needs the flag credentials, a file of principals and secrets"};
  }
  if (agent.realms.contains(Realm::AgentExecutor) && agent.tokenKey.empty()) {
    return Error{"authenticate_http_executors needs the flag jwt_secret_key, a file with a key"};
  }
  const bool asksOperators =
      agent.realms.contains(Realm::AgentReadonly) || agent.realms.contains(Realm::AgentReadwrite);
  if (asksOperators && agent.credentials.empty()) {
    return Error{
        "Authentication needs the flag http_credentials, a file of principals and secrets"};
  }
  return {};
}

std::vector<Flag> makeFlags() {
  constexpr auto master = &Settings::master;
  constexpr auto agent = &Settings::agent;
  return {
      {"agent_ping_timeout", true, "15secs",
       duration(master, &MasterOptions::agentPingTimeout, kShortest)},
      {"agent_reregister_timeout", true, "10mins",
       duration(master, &MasterOptions::agentReregisterTimeout, kShortest)},
      {"allocation_interval", true, "1secs",
       duration(master, &MasterOptions::allocationInterval, kShortest)},
      {"authenticate_http_executors", false, "false", asks(agent, Realm::AgentExecutor)},
      {"authenticate_http_frameworks", true, "false", asks(master, Realm::MasterScheduler)},
      {"authenticate_http_readonly", true, "false", asks(master, Realm::MasterReadonly)},
      {"authenticate_http_readonly", false, "false", asks(agent, Realm::AgentReadonly)},
      {"authenticate_http_readwrite", true, "false", asks(master, Realm::MasterReadwrite)},
      {"authenticate_http_readwrite", false, "false", asks(agent, Realm::AgentReadwrite)},
      {"credentials", true, "", credentials(master)},
      {"default_refuse_seconds", true, "", setRefuseSeconds},
      {"executor_environment_variables", false, "", setExecutorEnvironment},
      {"executor_heartbeat_interval", false, "",
       duration(agent, &AgentOptions::executorHeartbeatInterval, kShortest)},
      {"executor_registration_timeout", false, "1mins",
       duration(agent, &AgentOptions::executorRegistrationTimeout, kShortest)},
      {"executor_reregistration_timeout", false, "2secs",
       duration(agent, &AgentOptions::executorReregistrationTimeout, kShortest)},
      {"executor_shutdown_grace_period", false, "5secs",
       duration(agent, &AgentOptions::executorShutdownGracePeriod, kNone)},
      {"fetcher_cache_size", false, "2GB", setCacheSize},
      {"fetcher_stall_timeout", false, "1mins", setStallTimeout},
      {"heartbeat_interval", true, "",
       duration(master, &MasterOptions::heartbeatInterval, kShortest)},
      {"http_command_executor", false, "false", boolean(agent, &AgentOptions::httpCommandExecutor)},
      {"http_cors_allowed_origins", true, "", setCorsOrigins},
      {"http_credentials", false, "", credentials(agent)},
      {"http_executor_domain_sockets", false, "false",
       boolean(agent, &AgentOptions::executorDomainSockets)},
      {"http_framework_authenticators", true, "", acceptBasic},
      {"jwt_secret_key", false, "", setTokenKey},
      {"max_agent_ping_timeouts", true, "5", setMaxAgentPingTimeouts},
      {"max_completed_executors_per_framework", false, "150",
       count(agent, &AgentOptions::completedExecutorsMax)},
      {"max_completed_frameworks", true, "50",
       count(master, &MasterOptions::completedFrameworksMax)},
      {"max_completed_tasks_per_framework", true, "1000",
       count(master, &MasterOptions::completedTasksMax)},
      {"master_recovery_time", true, "", duration(master, &MasterOptions::recoveryTime, kNone)},
      {"max_unreachable_tasks_per_framework", true, "1000",
       count(master, &MasterOptions::unreachableTasksMax)},
      {"min_allocatable_resources", true, "cpus:0.01|mem:32", setMinAllocatable},
      {"offer_timeout", true, "", setOfferTimeout},
      {"recovery_timeout", false, "15mins",
       duration(agent, &AgentOptions::recoveryTimeout, kShortest)},
      {"registration_backoff_factor", false, "1secs",
       duration(agent, &AgentOptions::registrationBackoff, kNone)},
      {"roles", true, "", setRoles},
      {"root_submissions", true, "true", boolean(master, &MasterOptions::rootSubmissions)},
      {"status_update_retry_interval_max", false, "",
       duration(agent, &AgentOptions::updateRetryMax, kShortest)},
      {"status_update_retry_interval_min", false, "",
       duration(agent, &AgentOptions::updateRetryMin, kShortest)},
      {"switch_user", false, "true", boolean(agent, &AgentOptions::switchUser)},
      {"task_kill_grace_period", false, "", duration(agent, &AgentOptions::taskKillGrace, kNone)},
      {"zk_session_timeout", true, "10secs", setZkSessionTimeout},
  };
}

const std::vector<Flag>& flags() {
  static const std::vector<Flag> all = makeFlags();
  return all;
}

void shorten(double timeScale, Duration* duration) {
  if (*duration <= kNone) return;
  *duration = std::max(kShortest, fromSeconds(toSeconds(*duration) / timeScale));
}

}  // namespace

Result<void> applyFlags(const FlagValues& values, Settings* settings) {
  for (const auto& [name, value] : values) {
    bool isKnown = false;  // By the master, the agents or both.
    for (const Flag& flag : flags()) {
      if (flag.name != name) continue;
      isKnown = true;
      auto set = flag.set(value, settings);
      if (!set) {
        return Error{"Bad value '" + value + "' of flag " + name + ": " + set.error().message};
      }
    }
    if (isKnown) continue;
    std::string names;
    for (const std::string_view known : knownFlags()) names += " " + std::string(known);
    return Error{"Unknown flag '" + name + "'. Known are:" + names};
  }
  return checkAuthentication(settings);
}

void applyTimeScale(double timeScale, Settings* settings) {
  cluster::MasterOptions& master = settings->master;
  cluster::AgentOptions& agent = settings->agent;
  master.timeScale = timeScale;
  agent.timeScale = timeScale;
  if (master.recoveryTime > kNone) shorten(timeScale, &master.recoveryTime);
  if (master.offerTimeout) shorten(timeScale, &*master.offerTimeout);
  master.defaultRefuseSeconds /= timeScale;
  for (Duration* const duration :
       {&master.heartbeatInterval, &master.allocationInterval, &master.agentPingTimeout,
        &master.agentReregisterTimeout, &agent.executorRegistrationTimeout,
        &agent.executorShutdownGracePeriod, &agent.recoveryTimeout,
        &agent.executorReregistrationTimeout, &agent.updateRetryMin, &agent.updateRetryMax,
        &agent.executorHeartbeatInterval, &agent.taskKillGrace, &agent.registrationBackoff,
        &settings->fetcher.download.stallTimeout}) {
    shorten(timeScale, duration);
  }
}

FlagValues shownFlags(bool ofMaster, const FlagValues& values) {
  FlagValues shown;
  for (const Flag& flag : flags()) {
    if (flag.isMasters != ofMaster) continue;
    const auto given = values.find(std::string(flag.name));
    if (given != values.end()) {
      shown.emplace(flag.name, given->second);
    } else if (!flag.shownDefault.empty()) {
      shown.emplace(flag.name, flag.shownDefault);
    }
  }
  return shown;
}

std::vector<std::string_view> knownFlags() {
  std::vector<std::string_view> names;
  for (const Flag& flag : flags()) names.push_back(flag.name);
  names.erase(std::unique(names.begin(), names.end()), names.end());  // The master's and agents'.
  return names;
}

}  // namespace mesos::local
