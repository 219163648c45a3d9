#include "scheduler/program.hpp"

#include "api/artifact_server.hpp"
#include "fleet/sentences.hpp"
#include "scheduler/credential.hpp"
#include "scheduler/fleet_scheduler.hpp"
#include "store/store.hpp"
#include "transport/event_loop.hpp"
#include "transport/master_address.hpp"

#include <mesos/local_cluster.hpp>
#include <mesos/scheduler.hpp>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>
#include <variant>

namespace mesos::scheduler {
namespace {

using std::chrono::seconds;

/// How long a stop waits for the tasks to end before it tears down whatever is left.
constexpr Duration kDrainMax = seconds(10);
/// The default of --failover-timeout beside --state.
constexpr Duration kLongFailover = std::chrono::hours(7 * 24);

/// A sentence on stderr, and the status that goes with it.
int refuse(int status, const std::string& sentence) {
  std::fprintf(stderr, "scheduler: %s.\n", sentence.c_str());
  return status;
}

/// The promised lines: stdout, whole, at once.
void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::shared_ptr<spdlog::logger> makeLogger(LogLevel level) {
  auto logger = spdlog::stderr_color_mt("mesos");
  logger->set_pattern("%H:%M:%S.%e %^%l%$ %v");
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  logger->set_level(kLevels[static_cast<int>(level)]);
  return logger;
}

LogFunction logInto(std::shared_ptr<spdlog::logger> logger) {
  return [logger = std::move(logger)](LogLevel level, const std::string& line) {
    switch (level) {
      case LogLevel::debug:
        return logger->debug("{}", line);
      case LogLevel::info:
        return logger->info("{}", line);
      case LogLevel::warning:
        return logger->warn("{}", line);
      case LogLevel::error:
        return logger->error("{}", line);
    }
  };
}

std::uint64_t drawSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32 | device()) | 1;
}

std::string hostname() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// The file `executor` beside this program, or the one that speaks TLS with its agent.
std::string neighbour(bool tls) {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  const std::string self(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  return self.substr(0, self.rfind('/') + 1) + (tls ? "executor-tls" : "executor");
}

/// Whether all that is known of the masters, before the driver looks for them, is on loopback.
bool isMasterNearby(const std::string& master) {
  const auto spec = transport::masterSpec(master);
  if (!spec) return false;
  if (const auto* address = std::get_if<protocol::Address>(&*spec))
    return isLoopback(address->host);
  std::istringstream servers(std::get<protocol::ZooKeeperUrl>(*spec).servers);
  for (std::string server; std::getline(servers, server, ',');) {
    const auto address = protocol::parseAddress(server);
    if (!address || !isLoopback(address->host)) return false;
  }
  return true;
}

std::string describe(const LocalCluster& cluster) {
  return "Embedded cluster: master " + cluster.master() + ", 1 agent (" +
         cluster.agentResources(0) + ")";
}

Result<std::unique_ptr<LocalCluster>> startCluster(const Options& options,
                                                   const std::shared_ptr<spdlog::logger>& logger) {
  LocalClusterOptions clusterOptions;
  if (options.port) {
    clusterOptions.port = *options.port;
  } else {
    clusterOptions.anyPortIfBusy = true;
  }
  clusterOptions.log = [logger](const std::string& line) { logger->debug("cluster: {}", line); };
  return LocalCluster::start(std::move(clusterOptions));
}

/// "1 server", "3 servers".
std::string servers(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " server" : " servers");
}

/// Where to serve the executor program; an error if agents could not reach it there.
Result<protocol::Address> artifactAddress(const Options& options, const std::string& master) {
  if (options.artifactAddress) return *options.artifactAddress;
  if (isMasterNearby(master)) return protocol::Address{.host = "127.0.0.1", .port = 0};
  return Error{
      "the master is not on this machine's loopback, so its agents cannot fetch the executor from "
      "there: say where they can, with --artifact-address IP[:PORT] or --executor-uri "
      "URI"};
}

FrameworkInfo frameworkInfo(const Options& options, const std::optional<std::string>& id) {
  FrameworkInfo framework;
  framework.set_user(options.user);  // Empty: the driver fills in the current one.
  framework.set_name(options.name);
  framework.add_roles(options.role);
  framework.set_hostname(options.hostname.empty() ? hostname() : options.hostname);
  framework.set_checkpoint(options.checkpoint);
  if (!options.principal.empty()) framework.set_principal(options.principal);
  const Duration failover =
      options.failoverTimeout.value_or(options.state.empty() ? Duration::zero() : kLongFailover);
  framework.set_failover_timeout(toSeconds(failover));
  for (const auto capability :
       {FrameworkInfo::Capability::MULTI_ROLE, FrameworkInfo::Capability::PARTITION_AWARE,
        FrameworkInfo::Capability::RESERVATION_REFINEMENT}) {
    framework.add_capabilities()->set_type(capability);
  }
  if (id) framework.mutable_id()->set_value(*id);
  return framework;
}

/// What an ERROR event says, and what to do (facts S40, S56).
int describeFailure(const Options& options, const std::string& message) {
  if (isRefusalOfCredentials(message)) {
    return refuse(kUnauthorized, message + " --principal NAME and --secret-file FILE give them");
  }
  if (message.find("Framework failed over") != std::string::npos) {
    return refuse(kReplaced,
                  "another scheduler has taken this framework over, and its servers with it; only "
                  "one may run. If this one is to, end the other and start it again");
  }
  if (message.find("Framework has been removed") == std::string::npos) {
    return refuse(kFailed, message);
  }
  std::string sentence =
      "the master has removed this framework, and all its tasks with it (it was torn down, or its "
      "failover timeout passed)";
  if (!options.state.empty()) {
    sentence += "; to start anew, clear the state first: the same flags and --teardown";
  }
  return refuse(kRemoved, sentence);
}

/// A driver; an error if `master` or `framework` is not to its liking: a file that names the master
/// may have changed since the flags were read.
Result<std::unique_ptr<SchedulerDriver>> makeDriver(Scheduler& scheduler,
                                                    const FrameworkInfo& framework,
                                                    const std::string& master,
                                                    const SchedulerOptions& options) {
  try {
    return std::unique_ptr<SchedulerDriver>(
        std::make_unique<MesosSchedulerDriver>(&scheduler, framework, master, options));
  } catch (const std::invalid_argument& mistake) {
    return Error{mistake.what()};
  }
}

/// A driver that runs, as something to wait for.
class Running {
 public:
  Running(SchedulerDriver& driver, Waiter& waiter) : driver_(driver) {
    driver.start();
    joiner_ = std::thread([this, &waiter] {
      try {
        status_ = driver_.join();
      } catch (...) {
        thrown_ = std::current_exception();
      }
      ended_ = true;
      waiter.wake();
    });
  }
  ~Running() {
    driver_.abort();
    if (joiner_.joinable()) joiner_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  bool hasEnded() const { return ended_; }
  /// Waits for the end; rethrows what a callback threw.
  Status status() {
    joiner_.join();
    if (thrown_) std::rethrow_exception(thrown_);
    return status_;
  }

 private:
  SchedulerDriver& driver_;
  Status status_ = DRIVER_NOT_STARTED;
  std::exception_ptr thrown_;
  std::atomic<bool> ended_ = false;
  std::thread joiner_;
};

std::optional<TimePoint> earliest(std::optional<TimePoint> a, std::optional<TimePoint> b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}

/// Runs until the driver has ended: by a signal, which ends it in good order, or by itself.
void supervise(const Options& options, FleetScheduler& scheduler, SchedulerDriver& driver,
               Running& running, Waiter& waiter) {
  enum class Phase { Serving, Draining, Leaving } phase = Phase::Serving;
  std::optional<TimePoint> drainUntil;
  const bool serversLiveOn = !options.state.empty() && !options.isLocal();
  while (!running.hasEnded()) {
    const bool signalled = waiter.wait(earliest(scheduler.nextTick(), drainUntil));
    const TimePoint now = transport::currentTime().steady;
    if (signalled && phase != Phase::Serving) std::_Exit(130);
    if (signalled && serversLiveOn) {
      say("Leaving with " + servers(scheduler.tasks()) +
          " running; start again with the same --state to take over");
      driver.stop(true);
      phase = Phase::Leaving;
    } else if (signalled) {
      say("Stopping " + servers(scheduler.tasks()));
      drainUntil = now + kDrainMax;
      phase = Phase::Draining;
      scheduler.drain(&driver);
    }
    if (phase == Phase::Leaving) continue;
    scheduler.tick(&driver);
    if (phase == Phase::Draining && (scheduler.isDrained() || now >= *drainUntil)) {
      driver.stop(false);
      drainUntil.reset();
      phase = Phase::Leaving;
    }
  }
}

/// Subscribes only to tear down.
class TeardownScheduler : public Scheduler {
 public:
  void registered(SchedulerDriver* driver, const FrameworkID& id, const MasterInfo&) override {
    say("Tearing down framework " + id.value());
    driver->stop(false);
  }
  void error(SchedulerDriver*, const std::string& message) override { failure_ = message; }
  /// After the driver has ended.
  const std::string& failure() const { return failure_; }

 private:
  std::string failure_;
};

int tearDown(const Options& options, const FrameworkInfo& framework,
             const SchedulerOptions& driverOptions, store::Store& store, Waiter& waiter) {
  TeardownScheduler scheduler;
  const auto driver = makeDriver(scheduler, framework, options.master, driverOptions);
  if (!driver) return refuse(kMistaken, driver.error().message);
  Running running(**driver, waiter);
  while (!running.hasEnded()) {
    if (waiter.wait(std::nullopt)) return refuse(kFailed, "interrupted; nothing was torn down");
  }
  const bool isGone = scheduler.failure().find("Framework has been removed") != std::string::npos;
  if (running.status() != DRIVER_STOPPED && !isGone) {
    return describeFailure(options, scheduler.failure());
  }
  if (isGone) say("The framework was gone already");
  if (const auto erased = store.erase(); !erased) return refuse(kFailed, erased.error().message);
  say("The framework and all its tasks are gone");
  return kSucceeded;
}

/// What an earlier run has left, and where this one goes on writing.
struct State {
  std::unique_ptr<store::Store> store;  ///< Null: nothing is to be kept.
  std::optional<std::string> frameworkId;
  std::vector<fleet::TaskRecord> tasks;
};

Result<State> openState(const Options& options) {
  State state;
  if (options.state.empty()) return state;
  auto opened = store::Store::open(options.state);
  if (!opened) return opened.error();
  state.store = std::move(*opened);
  auto id = state.store->frameworkId();
  if (!id) return id.error();
  auto tasks = state.store->tasks();
  if (!tasks) return tasks.error();
  state.frameworkId = std::move(*id);
  state.tasks = std::move(*tasks);
  return state;
}

}  // namespace

int run(const Options& options, Waiter& waiter) {
  const auto logger = makeLogger(options.logLevel);
  const std::uint64_t seed = options.seed != 0 ? options.seed : drawSeed();
  if (options.seed == 0) logger->info("Seed {}; --seed repeats its random choices", seed);

  if (options.teardown && !store::Store::exists(options.state)) {
    say("There is nothing to tear down: there is no state in " + options.state);
    return kSucceeded;
  }
  auto opened = openState(options);
  if (!opened) return refuse(kMistaken, opened.error().message);
  State& state = *opened;
  SchedulerOptions driverOptions;
  driverOptions.seed = seed;
  driverOptions.log = logInto(logger);
  driverOptions.tls = options.tls;
  if (!options.secretFile.empty()) {
    auto credential = readCredential(options.principal, options.secretFile);
    if (!credential) return refuse(kMistaken, "--secret-file: " + credential.error().message);
    driverOptions.credential = *std::move(credential);
  }
  const FrameworkInfo framework = frameworkInfo(options, state.frameworkId);
  if (options.teardown) {
    if (state.frameworkId) {
      return tearDown(options, framework, driverOptions, *state.store, waiter);
    }
    if (const auto erased = state.store->erase(); !erased) {
      return refuse(kFailed, erased.error().message);
    }
    say("There is nothing to tear down: the framework has never been registered");
    return kSucceeded;
  }

  std::unique_ptr<LocalCluster> cluster;
  if (options.isLocal()) {
    auto started = startCluster(options, logger);
    if (!started) return refuse(kFailed, started.error().message);
    cluster = std::move(*started);
    say(describe(*cluster));
    if (state.store) {
      logger->warn("a stop will end the servers: the embedded cluster ends with this program");
    }
  }
  const std::string master = cluster ? cluster->master() : options.master;

  fleet::AppSpec app = options.app;
  app.executorUri = options.executorUri;
  std::unique_ptr<api::ArtifactServer> artifact;
  if (app.executorUri.empty()) {
    const auto address = artifactAddress(options, master);
    if (!address) return refuse(kMistaken, address.error().message);
    const std::string program =
        options.executor.empty() ? neighbour(options.isTls()) : options.executor;
    std::shared_ptr<const transport::TlsContext> tls;
    if (!options.artifactCertFile.empty()) {
      auto made = transport::tlsServer(
          {.certificateFile = options.artifactCertFile, .keyFile = options.artifactKeyFile});
      if (!made) return refuse(kMistaken, "--artifact-cert-file: " + made.error().message);
      tls = *std::move(made);
    }
    auto started = api::ArtifactServer::start(*address, program, std::move(tls));
    if (!started) {
      return refuse(kMistaken, "--executor " + program + " cannot be served on " + address->host +
                                   ": " + started.error().message);
    }
    artifact = std::move(*started);
    app.executorUri = artifact->uri();
  }

  FleetScheduler scheduler({.app = std::move(app),
                            .seed = seed,
                            .store = state.store.get(),
                            .restored = std::move(state.tasks),
                            .say = say,
                            .changed = [&waiter] { waiter.wake(); }});
  const auto driver = makeDriver(scheduler, framework, master, driverOptions);
  if (!driver) return refuse(kMistaken, driver.error().message);
  Running running(**driver, waiter);
  supervise(options, scheduler, **driver, running, waiter);
  waiter.release();  // Whoever asks again, while all this is taken down, wants it now.
  running.status();
  if (const auto failure = scheduler.failure()) return describeFailure(options, *failure);
  return kSucceeded;
}

}  // namespace mesos::scheduler
