// The `executor` program: what an agent runs for every web server task.
#include "base/duration.hpp"
#include "executor/server_executor.hpp"
#include "protocol/http.hpp"

#include <mesos/executor.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace {

constexpr char kUsage[] =
    "executor: serves the data of Mesos tasks over HTTP.\n"
    "\n"
    "A Mesos agent starts this program with MESOS_* variables that say which agent, framework\n"
    "and executor it belongs to. Each task's `data` is served at / on the first port of the\n"
    "task's resources. It ends with its last task.\n"
    "\n"
    "  --ip ADDRESS   listen on this address instead of the agent's (that of\n"
    "                 MESOS_AGENT_ENDPOINT)\n"
    "  --help         print this\n";

int refuse(const std::string& why) {
  std::fprintf(stderr, "executor: %s\nTry 'executor --help'.\n", why.c_str());
  return 2;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

mesos::executor::ServerExecutorOptions optionsFor(const std::string& ip) {
  mesos::executor::ServerExecutorOptions options;
  if (!ip.empty()) {
    options.ip = ip;
  } else if (const auto agent =
                 mesos::protocol::parseAddress(environment("MESOS_AGENT_ENDPOINT"))) {
    options.ip = agent->host;
  }
  const auto grace = mesos::parseDuration(environment("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"));
  if (grace) options.shutdownGrace = *grace;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  std::string ip;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (argument == "--ip" && i + 1 < argc) {
      ip = argv[++i];
    } else if (argument.starts_with("--ip=")) {
      ip = argument.substr(5);
    } else {
      return refuse("unknown argument '" + std::string(argument) + "'");
    }
  }
  mesos::executor::ServerExecutor executor(optionsFor(ip));
  std::optional<mesos::MesosExecutorDriver> driver;
  try {
    driver.emplace(&executor);
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
  const mesos::Status status = driver->run();
  executor.close();
  return status == mesos::DRIVER_STOPPED ? 0 : 1;
}
