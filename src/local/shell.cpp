#include "local/shell.hpp"

#include "local/agent_offer.hpp"
#include "local/tree.hpp"
#include "transport/gzip.hpp"
#include "transport/tls.hpp"

#include <pthread.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <future>
#include <random>

namespace mesos {

local::FlagValues local::flagsOf(const LocalClusterOptions& options) {
  local::FlagValues flags = options.flags;
  if (options.credentials.empty()) return flags;
  flags.emplace("credentials", options.credentials);
  for (const char* realm : {"frameworks", "readonly", "readwrite"}) {
    flags.emplace(std::string("authenticate_http_") + realm, "true");
  }
  return flags;
}

namespace {

using local::Settings;
using local::WorkDir;
using transport::EventLoop;
using transport::HttpServerOptions;

constexpr double kTimeScaleMin = 0.001;
constexpr double kTimeScaleMax = 10000;
constexpr std::size_t kAgentsMax = 1000;
constexpr std::size_t kSimulatedAgentsMax = 20000;
constexpr std::size_t kMastersMax = 9;
constexpr int kAgentPortTries = 1000;
// How long the end waits for processes that hang in the kernel.
constexpr Duration kEndMax = std::chrono::seconds(5);
constexpr Duration kEndInterval = std::chrono::milliseconds(2);

Result<void> validateNumbers(const LocalClusterOptions& options) {
  if (options.agents > kAgentsMax) {
    return Error{"Cannot start " + std::to_string(options.agents) + " agents: at most " +
                 std::to_string(kAgentsMax)};
  }
  if (options.simulatedAgents > kSimulatedAgentsMax) {
    return Error{"Cannot simulate " + std::to_string(options.simulatedAgents) +
                 " agents: at most " + std::to_string(kSimulatedAgentsMax)};
  }
  if (!(options.simulatedFailures >= 0 && options.simulatedFailures <= 1)) {
    return Error{"The share of simulated tasks that fail must lie between 0 and 1"};
  }
  if (options.masters < 1 || options.masters > kMastersMax) {
    return Error{"There must be 1 to " + std::to_string(kMastersMax) + " masters"};
  }
  if (!options.zk.empty()) {
    if (const auto url = protocol::parseZooKeeperUrl(options.zk); !url) return url.error();
  }
  // Written so that a NaN fails as well.
  if (!(options.timeScale >= kTimeScaleMin && options.timeScale <= kTimeScaleMax)) {
    return Error{"The time scale must lie between 0.001 and 10000"};
  }
  return {};
}

Result<Settings> readSettings(const LocalClusterOptions& options) {
  Settings settings;
  // Only root can run tasks as other users; so that the default works for everyone, others do not
  // try.
  settings.agent.switchUser = ::geteuid() == 0;
  settings.agent.agentUser = local::currentUserName();
  auto applied = local::applyFlags(local::flagsOf(options), &settings);
  if (!applied) return applied.error();
  local::applyTimeScale(options.timeScale, &settings);
  auto attributes = local::parseAttributes(options.attributes);
  if (!attributes) return attributes.error();
  settings.agent.attributes = std::move(attributes).value();
  return settings;
}

/// As an executor finds it, which runs in its sandbox.
std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).string();
}

/// What Mesos' own executors obey.
std::map<std::string, std::string> executorVariables(const LocalClusterTls& tls) {
  const std::string& ca = tls.caFile.empty() ? tls.certificateFile : tls.caFile;
  std::map<std::string, std::string> variables{{"LIBPROCESS_SSL_ENABLED", "1"},
                                               {"LIBPROCESS_SSL_CA_FILE", absolute(ca)},
                                               {"LIBPROCESS_SSL_VERIFY_SERVER_CERT", "1"},
                                               {"LIBPROCESS_SSL_VERIFY_IPADD", "1"}};
  if (tls.clientCaFile.empty()) return variables;
  variables["LIBPROCESS_SSL_REQUIRE_CLIENT_CERT"] = "1";
  variables["LIBPROCESS_SSL_CERT_FILE"] = absolute(tls.certificateFile);
  variables["LIBPROCESS_SSL_KEY_FILE"] = absolute(tls.keyFile);
  return variables;
}

std::uint64_t drawSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// The new thread gets the mask of its maker. Signals of the program are for the program's own
// threads.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

LocalCluster::Shell::Shell(LocalClusterOptions options)
    : options_(std::move(options)),
      seed_(options_.seed != 0 ? options_.seed : drawSeed()),
      random_(seed_),
      simulatedRandom_(seed_ + 1),
      nextAgentPort_(options_.agentPort) {}

LocalCluster::Shell::~Shell() {
  if (thread_.joinable()) {
    loop_.post([this] { end(); });
    thread_.join();
  }
  if (sweeper_.joinable()) sweeper_.join();
}

// --- The start.

// What to tell executors and schedulers of a cluster that listens on every address.
std::string LocalCluster::Shell::advertised(const std::string& ip) {
  if (ip == "0.0.0.0") return "127.0.0.1";
  return ip == "::" ? "::1" : ip;
}

Result<void> LocalCluster::Shell::open() {
  auto valid = validateNumbers(options_);
  if (!valid) return valid;
  auto settings = readSettings(options_);
  if (!settings) return settings.error();
  settings_ = std::move(settings).value();
  auto opened = openTls();
  if (!opened) return opened;
  opened = openMasters();
  if (!opened) return opened;
  auto workDir = WorkDir::open(options_.workDir);
  if (!workDir) return workDir.error();
  workDir_.emplace(std::move(workDir).value());
  auto resources = local::agentResources(options_.resources, options_.agents, workDir_->path());
  if (!resources) return resources.error();
  settings_.fetcher.cacheDirectory = workDir_->path();
  containers_.emplace(loop_, settings_.fetcher);
  checks_.emplace(loop_, *containers_);
  for (std::size_t i = 0; i < options_.agents; ++i) {
    opened = openAgent(i, (*resources)[i]);
    if (!opened) return opened;
  }
  return openSimulated();
}

Result<void> LocalCluster::Shell::openTls() {
  if (!options_.tls) return {};
  const LocalClusterTls& tls = *options_.tls;
  auto context = transport::tlsServer({.certificateFile = tls.certificateFile,
                                       .keyFile = tls.keyFile,
                                       .clientCaFile = tls.clientCaFile});
  if (!context) return Error{"TLS: " + context.error().message};
  tls_ = *std::move(context);
  settings_.master.tls = true;
  settings_.agent.executorTls = executorVariables(tls);
  settings_.fetcher.download.caFile = settings_.agent.executorTls.at("LIBPROCESS_SSL_CA_FILE");
  // What executors are told must be good, too.
  auto client = transport::tlsClient({.caFile = settings_.fetcher.download.caFile});
  if (!client) return Error{"TLS: " + client.error().message};
  return {};
}

HttpServerOptions LocalCluster::Shell::serverOptions(std::uint16_t port) const {
  HttpServerOptions options;
  options.ip = options_.ip;
  options.port = port;
  options.gzip = transport::gzipCodec();
  options.tls = tls_;
  return options;
}

local::Requests::Log LocalCluster::Shell::logFor(const std::string& name) const {
  if (!options_.log) return {};
  return [this, name](const std::string& line) { log(name + ": " + line); };
}

Result<std::uint16_t> LocalCluster::Shell::listenAgent(Agent& agent) {
  if (options_.agentPort == 0) return agent.listen(serverOptions(0));
  Result<std::uint16_t> port = Error{"cannot listen: no port below 65536 is left"};
  for (int tries = 0; tries < kAgentPortTries && nextAgentPort_ != 0; ++tries) {
    port = agent.listen(serverOptions(nextAgentPort_++));
    if (port) break;
  }
  return port;
}

Result<void> LocalCluster::Shell::listenLocally(Agent& agent) {
  if (agent.options.domainSocket.empty()) return {};
  HttpServerOptions local = serverOptions(0);
  local.unixPath = agent.options.domainSocket;
  local.tls = nullptr;
  return agent.listenLocally(std::move(local));
}

Result<void> LocalCluster::Shell::openAgent(std::size_t index, const Resources& resources) {
  const std::string name = "agent " + std::to_string(index);
  agents_.push_back(std::make_unique<Agent>(loop_, *this, logFor(name)));
  Agent& agent = *agents_.back();
  agent.allowOrigins(settings_.cors);
  agent.index = index;
  agent.link = nextLink_++;
  agent.name = name;
  agent.resources = resources;
  auto port = listenAgent(agent);
  if (!port) return Error{"The " + name + " " + port.error().message + "."};
  agent.address = {advertised(options_.ip), *port};
  cluster::AgentOptions& options = agent.options;
  options = settings_.agent;
  options.ip = agent.address.host;
  options.port = *port;
  options.hostname = options_.hostname;
  options.resources = resources;
  options.workDir = workDir_->path() + "/agent" + std::to_string(index);
  // Right below the work directory: a path of a local socket has room for 107 bytes.
  if (options.executorDomainSockets) options.domainSocket = options.workDir + ".sock";
  const auto listening = listenLocally(agent);
  if (!listening) return Error{"The " + name + " " + listening.error().message + "."};
  agent.flags = local::shownFlags(false, local::flagsOf(options_));
  agent.flags["ip"] = options_.ip;
  agent.flags["port"] = std::to_string(*port);
  agent.flags["hostname"] = options_.hostname;
  agent.flags["master"] = zooKeeper_ ? zooKeeper_->toString() : masterAddress().toString();
  agent.flags["resources"] = resources.toString();
  agent.flags["switch_user"] = options.switchUser ? "true" : "false";
  agent.flags["work_dir"] = options.workDir;
  if (!options_.attributes.empty()) agent.flags["attributes"] = options_.attributes;
  // Sandboxes are to lie there, too, through which tasks of any user must pass.
  auto made = local::makeDirectories(options.workDir, 0711);
  if (!made) return made;
  agent.checkpoints.emplace(options.workDir + "/meta");
  // What an earlier cluster left there is nobody's: its processes have ended with it.
  agent.checkpoints->clear();
  startAgent(agent, {});
  return {};
}

void LocalCluster::Shell::startAgent(Agent& agent, cluster::AgentRecovery recovery) {
  randoms_.push_back(std::make_unique<Random>(random_.next()));
  agent.setMachine(std::make_unique<cluster::AgentHttp>(
      transport::currentTime(), agent.options, agent.flags, *randoms_.back(), std::move(recovery)));
}

void LocalCluster::Shell::run() {
  log("seed " + std::to_string(seed_) + ", work directory " + workDir_->path());
  // Agents start once a master leads.
  loop_.post([this] {
    for (const auto& master : masters_) contend(*master);
  });
  const BlockSignals blocked;
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "mesos-cluster");
    loop_.run();
  });
  // Apart, as what a killed cluster left behind may be large.
  if (workDir_->isTemporary()) {
    sweeper_ = std::thread([] { local::sweepStaleWorkDirs(local::temporaryRoot()); });
  }
}

// --- Requests of the program.

void LocalCluster::Shell::call(const std::function<void()>& task) {
  if (std::this_thread::get_id() == thread_.get_id()) return task();
  std::promise<void> done;
  loop_.post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

// --- Effects.

void LocalCluster::Shell::perform(AgentNode& node, cluster::PrepareContainer& order) {
  Agent& agent = static_cast<Agent&>(node);
  const std::string id = order.containerId;
  log(agent.name + ": container " + id + ": prepares " + order.sandbox);
  agent.containers.insert(id);
  containers_->prepare(order, [this, &agent, id](const Result<void>& result) {
    log(agent.name + ": container " + id + ": " +
        (result ? "is prepared" : result.error().message));
    agent.tell([&](cluster::AgentHttp& machine, Now now) { machine.onPrepared(now, id, result); });
    containerEnded(agent, id);
  });
}

void LocalCluster::Shell::perform(AgentNode& node, cluster::ForkContainer& order) {
  Agent& agent = static_cast<Agent&>(node);
  const std::string id = order.containerId;
  agent.containers.insert(id);
  containers_->fork(
      order,
      [this, &agent, id](const Result<int>& pid) {
        log(agent.name + ": container " + id + ": " +
            (pid ? "runs as process " + std::to_string(*pid) : pid.error().message));
        agent.tell([&](cluster::AgentHttp& machine, Now now) { machine.onForked(now, id, pid); });
        containerEnded(agent, id);
      },
      [this, &agent, id](int status) {
        log(agent.name + ": container " + id + ": ended with status " + std::to_string(status));
        agent.tell(
            [&](cluster::AgentHttp& machine, Now now) { machine.onExited(now, id, status); });
        containerEnded(agent, id);
      });
}

void LocalCluster::Shell::perform(AgentNode& node, cluster::SignalContainer& order) {
  log(static_cast<Agent&>(node).name + ": container " + order.containerId + ": gets signal " +
      std::to_string(order.signal));
  containers_->signal(order.containerId, order.signal);
}

void LocalCluster::Shell::perform(AgentNode& node, cluster::DestroyContainer& order) {
  log(static_cast<Agent&>(node).name + ": container " + order.containerId + ": is destroyed");
  containers_->destroy(order.containerId);
}

void LocalCluster::Shell::perform(AgentNode& node, cluster::StartCheck& order) {
  Agent& agent = static_cast<Agent&>(node);
  checks_->start(order, [this, &agent, id = order.containerId,
                         checkId = order.checkId](const Result<int>& outcome) {
    if (!outcome) log(agent.name + ": container " + id + ": check: " + outcome.error().message);
    agent.tell([&](cluster::AgentHttp& machine, Now now) {
      machine.onChecked(now, id, checkId, outcome);
    });
  });
}

void LocalCluster::Shell::perform(AgentNode&, cluster::StopCheck& order) { checks_->stop(order); }

// It goes on without: what is lost is a restart's, and a full disk is not the framework's fault.
void LocalCluster::Shell::perform(AgentNode& node, cluster::WriteCheckpoint& order) {
  Agent& agent = static_cast<Agent&>(node);
  const auto written = agent.checkpoints->write(order.path, order.bytes);
  if (!written) log(agent.name + ": " + written.error().message);
}

void LocalCluster::Shell::perform(AgentNode& node, cluster::RemoveCheckpoint& order) {
  static_cast<Agent&>(node).checkpoints->remove(order.path);
}

void LocalCluster::Shell::perform(AgentNode& node, cluster::AgentEnded&) {
  Agent& agent = static_cast<Agent&>(node);
  agent.hasLeft = true;
  closeIfEmpty(agent);
}

void LocalCluster::Shell::containerEnded(Agent& agent, const std::string& containerId) {
  if (!containers_->has(containerId)) {
    checks_->stopAll(containerId);
    agent.containers.erase(containerId);
  }
  closeIfEmpty(agent);
}

// Posted, as this may run in a handler of that very server.
void LocalCluster::Shell::closeIfEmpty(Agent& agent) {
  if (!agent.hasLeft || !agent.containers.empty()) return;
  loop_.post([&agent] { agent.closeServer(); });
}

// --- The end.

void LocalCluster::Shell::end() {
  lateFaults_.clear();
  for (const auto& master : masters_) {
    master->isDown = true;
    master->restart.cancel();
    if (master->candidate) master->candidate->leave();
    master->stop();
  }
  for (const auto& agent : agents_) agent->stop();
  simulated_.clear();
  endTimer_ = std::make_unique<transport::Timer>(loop_);
  endWhenEmpty(transport::currentTime().steady + kEndMax);
}

void LocalCluster::Shell::endWhenEmpty(TimePoint until) {
  const TimePoint now = transport::currentTime().steady;
  if (containers_->count() == 0 || now >= until) return loop_.stop();
  containers_->destroyAll();
  endTimer_->set(now + kEndInterval, [this, until] { endWhenEmpty(until); });
}

Result<void> LocalCluster::Shell::validate(const LocalClusterOptions& options) {
  auto valid = validateNumbers(options);
  if (!valid) return valid;
  auto settings = readSettings(options);
  if (!settings) return settings.error();
  auto resources = local::agentResources(options.resources, options.agents, "/");
  if (!resources) return resources.error();
  return {};
}

}  // namespace mesos
