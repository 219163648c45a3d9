// The embedded cluster from the command line, for any framework in any language.
#include <mesos/local_cluster.hpp>

#include "apps/fail_command.hpp"

#include <pthread.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr const char* kAbout =
    "A Mesos master and agents in one process, for developing and testing frameworks.\n"
    "Tasks are real processes of this machine. Everything ends with Ctrl-C or SIGTERM: tasks are\n"
    "killed, the temporary work directory is removed.";
constexpr const char* kExamples =
    "Examples:\n"
    "  local-cluster\n"
    "  local-cluster --agents 3 --resources 'cpus:2;mem:2048;ports:[31000-31099]'\n"
    "  local-cluster --port 0 --time-scale 10 --flag offer_timeout=30secs\n"
    "  local-cluster --agents 0 --simulated-agents 1000 --simulated-failures 0.1\n"
    "  local-cluster fail 127.0.0.1:5050 partition-agent --agent 0 --for 2mins\n"
    "\n"
    "Then point a framework to the address printed, e.g. 127.0.0.1:5050.";

struct Arguments {
  mesos::LocalClusterOptions cluster;
  mesos::LocalClusterTls tls;
  std::vector<std::string> flags;
  std::string zk;
  bool verbose = false;
};

void describe(CLI::App& app, Arguments& arguments) {
  mesos::LocalClusterOptions& cluster = arguments.cluster;
  app.footer(kExamples);
  app.add_option("--agents", cluster.agents, "How many agents, each with the same resources")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--masters", cluster.masters,
                 "How many masters: one leads, the others redirect to it and take over")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  app.add_option("--zk", arguments.zk,
                 "zk://[USER:PASSWORD@]HOST:PORT,HOST:PORT/PATH where the masters contend for the "
                 "lead, or file:///PATH of a file that holds it; default: they agree among "
                 "themselves");
  app.add_option("--port", cluster.port,
                 "Port of the first master, others behind it; 0 takes any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--agent-port", cluster.agentPort,
                 "Port of the first agent, counting up and skipping busy ones; 0 takes free ones")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--ip", cluster.ip,
                 "Address to listen on. Whoever can reach it can run commands here")
      ->check(CLI::ValidIPV4)
      ->capture_default_str();
  app.add_option("--hostname", cluster.hostname, "What offers call this machine")
      ->capture_default_str();
  app.add_option("--resources", cluster.resources,
                 "Of each agent, e.g. 'cpus:2;mem:2048;ports:[31000-32000]'; what is not named is "
                 "the machine's. Each next agent gets the ports above");
  app.add_option("--attributes", cluster.attributes, "Of each agent, e.g. 'rack:r1;level:2'");
  app.add_option("--simulated-agents", cluster.simulatedAgents,
                 "So many more agents whose tasks are state instead of processes, to see a "
                 "scheduler at scale: they run until they are killed")
      ->check(CLI::Range(0, 20000))
      ->capture_default_str();
  app.add_option("--simulated-failures", cluster.simulatedFailures,
                 "Which share of their tasks fails, 0 to 1, each 1 to 10 s after its start")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--credentials", cluster.credentials,
                 "A JSON file of principals and secrets, as Mesos reads it: every realm then wants "
                 "HTTP Basic")
      ->check(CLI::ExistingFile);
  app.add_option("--tls-cert", arguments.tls.certificateFile,
                 "PEM of the certificate of the master and the agents: they then speak TLS only")
      ->check(CLI::ExistingFile);
  app.add_option("--tls-key", arguments.tls.keyFile, "PEM of its key")->check(CLI::ExistingFile);
  app.add_option("--tls-ca", arguments.tls.caFile,
                 "PEM of whom executors and the fetcher trust; default: that certificate")
      ->check(CLI::ExistingFile);
  app.add_option("--tls-client-ca", arguments.tls.clientCaFile,
                 "PEM of whose certificates clients must show; default: they need none")
      ->check(CLI::ExistingFile);
  app.add_option("--work-dir", cluster.workDir,
                 "Where sandboxes are, kept afterwards; default: a temporary directory");
  app.add_option("--time-scale", cluster.timeScale,
                 "Every duration of Mesos is divided by this: 10 makes timeouts ten times shorter")
      ->check(CLI::Range(0.001, 10000.0))
      ->capture_default_str();
  app.add_option("--flag", arguments.flags,
                 "A flag of Mesos as NAME=VALUE, e.g. offer_timeout=2secs; may be repeated. A "
                 "wrong name lists those that are known");
  app.add_option("--seed", cluster.seed,
                 "For the random ids and delays; default: drawn from the system");
  app.add_flag("--verbose", arguments.verbose, "Log requests and containers to stderr");
}

CLI::App* describeFail(CLI::App& app, FailArguments& arguments) {
  CLI::App* fail = app.add_subcommand("fail",
                                      "Make a running embedded cluster fail: fail-leader, "
                                      "failover-master, restart-agent, partition-agent, "
                                      "kill-agent, remove-agent, slow-network or cut-connections");
  fail->add_option("MASTER", arguments.master, "HOST:PORT, or https://HOST:PORT, of its master")
      ->required();
  fail->add_option("FAULT", arguments.fault, "Which of them")->required();
  fail->add_option("--agent", arguments.agent, "Which agent, counted from 0");
  fail->add_option("--for", arguments.duration,
                   "How long the partition lasts, or by how much the network is slower, such as "
                   "500ms or 2mins; divided by the cluster's time scale");
  auto* principal = fail->add_option("--principal", arguments.principal, "Who asks");
  auto* secret = fail->add_option("--secret-file", arguments.secretFile,
                                  "Its secret: the file's text, without its last newline");
  principal->needs(secret);
  secret->needs(principal);
  fail->add_option("--ca-file", arguments.caFile,
                   "PEM of whom to trust with the master's certificate; default: whom this system "
                   "trusts");
  auto* certificate = fail->add_option("--cert-file", arguments.certificateFile,
                                       "PEM of a certificate, for a master that asks for one");
  auto* key = fail->add_option("--key-file", arguments.keyFile, "PEM of its key");
  certificate->needs(key);
  key->needs(certificate);
  return fail;
}

// False: the reason is printed.
bool readTls(Arguments& arguments) {
  const mesos::LocalClusterTls& tls = arguments.tls;
  const bool isWanted = !tls.certificateFile.empty() || !tls.keyFile.empty() ||
                        !tls.caFile.empty() || !tls.clientCaFile.empty();
  if (isWanted && (tls.certificateFile.empty() || tls.keyFile.empty())) {
    std::fprintf(stderr, "TLS needs both --tls-cert and --tls-key\n");
    return false;
  }
  if (isWanted) arguments.cluster.tls = tls;
  return true;
}

// False: the reason is printed.
bool readFlags(Arguments& arguments) {
  for (const std::string& flag : arguments.flags) {
    const std::size_t equals = flag.find('=');
    if (equals == std::string::npos || equals == 0) {
      std::fprintf(stderr, "--flag: '%s' is not NAME=VALUE, such as offer_timeout=2secs\n",
                   flag.c_str());
      return false;
    }
    arguments.cluster.flags[flag.substr(0, equals)] = flag.substr(equals + 1);
  }
  return true;
}

// A file keeps a password out of the list of processes. False: the reason is printed.
bool readZooKeeper(Arguments& arguments) {
  arguments.cluster.zk = arguments.zk;
  constexpr std::string_view kFile = "file://";
  if (!arguments.zk.starts_with(kFile)) return true;
  std::ifstream file(arguments.zk.substr(kFile.size()));
  if (std::getline(file, arguments.cluster.zk)) return true;
  std::fprintf(stderr, "--zk: %s cannot be read, or is empty\n", arguments.zk.c_str());
  return false;
}

void announce(const mesos::LocalCluster& cluster, std::size_t agents, std::size_t simulated) {
  const std::vector<std::string> masters = cluster.masters();
  std::string list;
  for (const std::string& master : masters) list += " " + master;
  std::printf("Embedded cluster: master%s%s, %zu agent%s", masters.size() == 1 ? "" : "s",
              list.c_str(), agents, agents == 1 ? "" : "s");
  for (std::size_t i = 0; i < agents; ++i) {
    std::printf("%s(%s)", i == 0 ? " " : ", ", cluster.agentResources(i).c_str());
  }
  if (simulated > 0) std::printf(", %zu simulated", simulated);
  std::printf("\n");
  std::fflush(stdout);
}

sigset_t endingSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGHUP);  // The terminal is closed.
  return signals;
}

void waitForSignal() {
  const sigset_t signals = endingSignals();
  int signal = 0;
  while (::sigwait(&signals, &signal) != 0) {
  }
}

int run(Arguments arguments) {
  // Before any thread exists, so that all of them leave these signals to sigwait.
  const sigset_t signals = endingSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto logger = spdlog::stderr_logger_mt("mesos");
  logger->set_pattern("%H:%M:%S.%e %v");
  if (arguments.verbose) {
    arguments.cluster.log = [logger](const std::string& line) { logger->info(line); };
  }
  const auto valid = mesos::LocalCluster::validate(arguments.cluster);
  if (!valid) {
    std::fprintf(stderr, "%s\n", valid.error().message.c_str());
    return 2;
  }
  const std::size_t agents = arguments.cluster.agents;
  const std::size_t simulated = arguments.cluster.simulatedAgents;
  auto cluster = mesos::LocalCluster::start(std::move(arguments.cluster));
  if (!cluster) {
    std::fprintf(stderr, "%s\n", cluster.error().message.c_str());
    return 1;
  }
  announce(**cluster, agents, simulated);
  waitForSignal();
  // Whoever asks twice wants it now.
  std::thread([] {
    waitForSignal();
    ::_exit(1);
  }).detach();
  cluster->reset();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(kAbout, "local-cluster");
  describe(app, arguments);
  FailArguments failArguments;
  const CLI::App* fail = describeFail(app, failArguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s\nRun local-cluster --help for what is accepted.\n", error.what());
    return 2;
  }
  if (fail->parsed()) return runFail(failArguments);
  if (!readFlags(arguments) || !readZooKeeper(arguments) || !readTls(arguments)) return 2;
  return run(std::move(arguments));
}
