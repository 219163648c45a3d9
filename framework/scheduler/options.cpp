#include "scheduler/options.hpp"

#include "base/duration.hpp"
#include "scheduler/help.hpp"
#include "transport/master_address.hpp"

#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace mesos::scheduler {
namespace {

/// A value and where it came from, for the sentence that refuses it.
struct Setting {
  std::string value;
  std::string source;  // "--cpus" or "MESOS_CPP_CPUS".
};
using Settings = std::map<std::string, Setting>;

struct Flag {
  const char* name;
  bool isSwitch = false;
};

constexpr Flag kFlags[] = {{"master"},
                           {"cpus"},
                           {"mem"},
                           {"content"},
                           {"instances"},
                           {"name"},
                           {"user"},
                           {"role"},
                           {"hostname"},
                           {"principal"},
                           {"secret-file"},
                           {"ca-file"},
                           {"cert-file"},
                           {"key-file"},
                           {"executor"},
                           {"executor-uri"},
                           {"artifact-address"},
                           {"artifact-cert-file"},
                           {"artifact-key-file"},
                           {"failover-timeout"},
                           {"state"},
                           {"framework-id-file"},
                           {"teardown", true},
                           {"checkpoint", true},
                           {"seed"},
                           {"port"},
                           {"log-level"}};

std::string variableOf(std::string_view flag) {
  if (flag == "master") return "MESOS_MASTER";
  std::string variable = "MESOS_CPP_";
  for (const char c : flag) {
    variable += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return variable;
}

Error refusal(const Setting& setting, const std::string& accepted) {
  return Error{setting.source + " is '" + setting.value + "', but must be " + accepted};
}

/// The whole text as a number; nullopt for anything else.
template <typename T>
std::optional<T> toNumber(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Reads settings into Options one by one, and keeps the first mistake.
class Reader {
 public:
  explicit Reader(const Settings& settings) : settings_(settings) {}

  const Setting* find(const char* flag) const {
    const auto found = settings_.find(flag);
    return found == settings_.end() ? nullptr : &found->second;
  }

  void quantity(const char* flag, double least, const char* accepted, double* out) {
    const Setting* setting = find(flag);
    if (!setting) return;
    const auto number = toNumber<double>(setting->value);
    if (!number || !std::isfinite(*number) || *number < least || *number > 1e9) {
      return refuse(*setting, accepted);
    }
    *out = *number;
  }

  template <typename T>
  std::optional<T> integer(const char* flag, T least, T most, const char* accepted) {
    const Setting* setting = find(flag);
    if (!setting) return std::nullopt;
    const auto number = toNumber<T>(setting->value);
    if (number && *number >= least && *number <= most) return number;
    refuse(*setting, accepted);
    return std::nullopt;
  }

  void text(const char* flag, const char* accepted, std::string* out,
            const std::function<bool(const std::string&)>& accepts) {
    const Setting* setting = find(flag);
    if (!setting) return;
    if (!accepts(setting->value)) return refuse(*setting, accepted);
    *out = setting->value;
  }

  void toggle(const char* flag, bool* out) {
    const Setting* setting = find(flag);
    if (!setting) return;
    if (setting->value == "true" || setting->value == "1") {
      *out = true;
    } else if (setting->value == "false" || setting->value == "0") {
      *out = false;
    } else {
      refuse(*setting, "true or false");
    }
  }

  void refuse(const Setting& setting, const std::string& accepted) {
    if (!error_) error_ = refusal(setting, accepted);
  }
  void refuse(const std::string& sentence) {
    if (!error_) error_ = Error{sentence};
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const Settings& settings_;
  std::optional<Error> error_;
};

bool isNotEmpty(const std::string& text) { return !text.empty(); }

bool isIp(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

/// Mesos' rule (fact S21).
bool isRole(const std::string& role) {
  if (role == "*") return true;
  std::string_view rest = role;
  while (true) {
    const auto slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part == "*" || part.front() == '-' ||
        part.find_first_of(" \t\n\v\f\r\x7f") != std::string_view::npos) {
      return false;
    }
    if (slash == std::string_view::npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

bool isUri(const std::string& uri) {
  return uri.front() == '/' || uri.find("://") != std::string::npos;
}

void readMaster(Reader& reader, Options* options) {
  const Setting* setting = reader.find("master");
  if (!setting) return;
  const std::string& master = setting->value;
  options->master = master;
  if (master == "local") return;
  const auto spec = transport::masterSpec(master);
  if (spec) {
    const auto* address = std::get_if<protocol::Address>(&*spec);
    options->isMasterTls = address != nullptr && address->tls;
    return;
  }
  // What stands before an '@' may be a password.
  const std::size_t at = master.rfind('@');
  const Setting shown{at == master.npos ? master : "…" + master.substr(at), setting->source};
  std::string accepted =
      "'local', HOST:PORT, https://HOST:PORT, zk://HOST:PORT,…/PATH or file:///PATH (a file that "
      "holds one of these)";
  // What a file holds is not seen in the flag, nor is it plain to see what is wrong with a long
  // URL.
  const bool isObscure = master.starts_with("file:///") || master.starts_with("zk://");
  if (isObscure) accepted += ": " + spec.error().message;
  reader.refuse(shown, accepted);
}

void readTls(Reader& reader, Options* options) {
  TlsOptions tls;
  constexpr char kAccepted[] = "the path of a PEM file, not empty";
  reader.text("ca-file", kAccepted, &tls.caFile, isNotEmpty);
  reader.text("cert-file", kAccepted, &tls.certificateFile, isNotEmpty);
  reader.text("key-file", kAccepted, &tls.keyFile, isNotEmpty);
  reader.text("artifact-cert-file", kAccepted, &options->artifactCertFile, isNotEmpty);
  reader.text("artifact-key-file", kAccepted, &options->artifactKeyFile, isNotEmpty);
  if (tls.certificateFile.empty() != tls.keyFile.empty()) {
    reader.refuse("--cert-file and --key-file go together");
  }
  if (options->artifactCertFile.empty() != options->artifactKeyFile.empty()) {
    reader.refuse("--artifact-cert-file and --artifact-key-file go together");
  }
  if (!tls.caFile.empty() || !tls.certificateFile.empty()) options->tls = std::move(tls);
}

void readApp(Reader& reader, fleet::AppSpec* app) {
  reader.quantity("cpus", 0.001, "a number of cpus of at least 0.001, such as 0.5", &app->cpus);
  reader.quantity("mem", 1, "a number of megabytes of at least 1, such as 128", &app->mem);
  reader.text("content", "a text", &app->content, [](const std::string&) { return true; });
  const auto instances =
      reader.integer<std::size_t>("instances", 1, 10000, "a whole number from 1 to 10000");
  app->instances = instances.value_or(app->instances);
}

/// What Mesos can count in nanoseconds.
constexpr double kFailoverSecondsMax = 9223372036;

void readFramework(Reader& reader, Options* options) {
  reader.text("name", "a name, not empty", &options->name, isNotEmpty);
  reader.text("user", "the name of a user on the agents, not empty", &options->user, isNotEmpty);
  reader.text("hostname", "a host name, not empty", &options->hostname, isNotEmpty);
  reader.text("principal", "a name without a colon, not empty", &options->principal,
              [](const std::string& name) {  // Fact T43.
                return !name.empty() && name.find(':') == name.npos;
              });
  reader.text("secret-file", "the path of a file, not empty", &options->secretFile, isNotEmpty);
  reader.text("role", "'*' or a role such as 'web' or 'web/frontend', without blanks",
              &options->role, isRole);
  reader.text("state", "the path of a directory, not empty", &options->state, isNotEmpty);
  if (const Setting* gone = reader.find("framework-id-file")) {
    reader.refuse(
        gone->source +
        " has been replaced by --state DIR, a directory that keeps the framework's id and "
        "its tasks: name one that need not exist yet. (The framework whose id is in " +
        gone->value +
        " is not taken over; POST frameworkId=ID to /teardown of the master "
        "ends it)");
  }
  reader.toggle("teardown", &options->teardown);
  reader.toggle("checkpoint", &options->checkpoint);
  if (const Setting* setting = reader.find("failover-timeout")) {
    const auto seconds = toNumber<double>(setting->value);
    const bool isTooMuch = seconds && !(*seconds <= kFailoverSecondsMax);  // Or not a number.
    const auto duration =
        seconds ? Result<Duration>(fromSeconds(*seconds)) : parseDuration(setting->value);
    if (!isTooMuch && duration && *duration >= Duration::zero()) {
      options->failoverTimeout = *duration;
    } else {
      reader.refuse(*setting,
                    "seconds, or a number with one of the units ms, secs, mins, hrs, days and "
                    "weeks, such as 1weeks or 90mins, up to 9223372036 seconds");
    }
  }
}

void readArtifact(Reader& reader, Options* options) {
  reader.text("executor", "the path of the executor program, not empty", &options->executor,
              isNotEmpty);
  reader.text("executor-uri", "a URI that agents can fetch, such as http://host/executor",
              &options->executorUri,
              [](const std::string& uri) { return !uri.empty() && isUri(uri); });
  const Setting* setting = reader.find("artifact-address");
  if (!setting) return;
  protocol::Address address{.host = setting->value, .port = 0};
  if (!isIp(address.host)) {
    const auto parsed = protocol::parseAddress(setting->value);
    if (parsed) address = *parsed;
  }
  const bool isAny = address.host == "0.0.0.0" || address.host == "::";
  if (!isIp(address.host) || isAny) {
    return reader.refuse(*setting,
                         "an IP address of this machine that agents can reach, with or without "
                         ":PORT, such as 10.0.0.5 or 10.0.0.5:8000");
  }
  options->artifactAddress = address;
}

void readRest(Reader& reader, Options* options) {
  options->port = reader.integer<std::uint16_t>("port", 0, 65535,
                                                "a port from 1 to 65535, or 0 for any free one");
  options->seed = reader
                      .integer<std::uint64_t>("seed", 0, UINT64_MAX,
                                              "a whole number from 0 to 18446744073709551615")
                      .value_or(0);
  const Setting* setting = reader.find("log-level");
  if (!setting) return;
  const std::map<std::string_view, LogLevel> levels = {{"debug", LogLevel::debug},
                                                       {"info", LogLevel::info},
                                                       {"warning", LogLevel::warning},
                                                       {"error", LogLevel::error}};
  const auto level = levels.find(setting->value);
  if (level == levels.end()) return reader.refuse(*setting, "debug, info, warning or error");
  options->logLevel = level->second;
}

void checkTogether(Reader& reader, const Options& options) {
  if (options.tls && (options.isLocal() || options.master.starts_with("http://"))) {
    reader.refuse(
        "--ca-file, --cert-file and --key-file are for a master that speaks TLS, named as "
        "https://HOST:PORT");
  }
  if (!options.artifactCertFile.empty() && !options.executorUri.empty()) {
    reader.refuse("--artifact-cert-file has no use beside --executor-uri");
  }
  if (!options.secretFile.empty() && options.principal.empty()) {
    reader.refuse("--secret-file needs --principal, which says whose secret it is");
  }
  if (options.teardown && options.state.empty()) {
    reader.refuse("--teardown needs --state, which says what to tear down");
  }
  if (options.teardown && options.isLocal()) {
    reader.refuse(
        "--teardown needs --master=HOST:PORT: the embedded cluster of --master=local ends with "
        "its program, so there is nothing to tear down");
  }
  if (options.port && !options.isLocal()) {
    reader.refuse("--port is for the embedded cluster of --master=local only");
  }
  if (!options.executorUri.empty() && !options.executor.empty()) {
    reader.refuse("--executor and --executor-uri exclude each other");
  }
  if (!options.executorUri.empty() && options.artifactAddress) {
    reader.refuse("--artifact-address has no use beside --executor-uri");
  }
}

std::variant<Options, Exit> read(const Settings& settings) {
  Options options;
  Reader reader(settings);
  readMaster(reader, &options);
  readApp(reader, &options.app);
  readFramework(reader, &options);
  readTls(reader, &options);
  readArtifact(reader, &options);
  readRest(reader, &options);
  checkTogether(reader, options);
  if (reader.error()) {
    return Exit{2, "scheduler: " + reader.error()->message + ".\nTry 'scheduler --help'.\n"};
  }
  return options;
}

/// As CLI11 wants them, the last one first. It would take the argument after `--flag=` for the
/// value, which is empty.
std::vector<std::string> reversedArguments(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') + 1 == argument.size()) {
      argument.pop_back();
      arguments.emplace_back();
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace

bool isLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && isIp(host));
}

std::variant<Options, Exit> parseOptions(int argc, const char* const* argv,
                                         const Environment& environment) {
  CLI::App parser;
  parser.set_help_flag("-h,--help");
  bool version = false;
  parser.add_flag("--version", version);
  std::map<std::string, std::string> values;
  std::map<std::string, CLI::Option*> options;
  for (const Flag& flag : kFlags) {
    const std::string name = flag.name;
    options[name] = flag.isSwitch ? parser.add_flag("--" + name, values[name])
                                  : parser.add_option("--" + name, values[name])->take_last();
  }
  try {
    parser.parse(reversedArguments(argc, argv));
  } catch (const CLI::CallForHelp&) {
    return Exit{0, kHelp};
  } catch (const CLI::ParseError& error) {
    return Exit{2, std::string("scheduler: ") + error.what() + "\nTry 'scheduler --help'.\n"};
  }
  if (version) return Exit{0, "mesos-cpp " MESOS_CPP_VERSION "\n"};

  Settings settings;
  for (const Flag& flag : kFlags) {
    const std::string name = flag.name;
    const std::string variable = variableOf(name);
    if (options[name]->count() > 0) {
      settings[name] = {values[name], "--" + name};
    } else if (const char* value = environment(variable.c_str())) {
      settings[name] = {value, variable};
    }
  }
  return read(settings);
}

}  // namespace mesos::scheduler
