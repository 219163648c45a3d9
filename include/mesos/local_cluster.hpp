// A Mesos-compatible cluster inside this process: a master and agents on loopback, real processes.
#pragma once

#include <mesos/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mesos {

/// TLS (1.2 and 1.3) of the master and the agents. Paths of PEM files; empty: none.
struct LocalClusterTls {
  /// With its chain; made out to the address, and the name, that clients connect to.
  std::string certificateFile = {};
  std::string keyFile = {};
  /// Whom executors and the fetcher trust; empty: that very certificate.
  std::string caFile = {};
  /// Whose certificates clients must show; empty: they need none. Executors then are told of
  /// certificateFile and keyFile, as Mesos' are, and must be able to read them.
  std::string clientCaFile = {};
};

/// Every duration of Mesos that the cluster obeys is divided by `timeScale`; see docs/PROTOCOL.md.
struct LocalClusterOptions {
  std::size_t agents = 1;
  /// One of them leads; the others stand by and redirect to it, and one takes over when it fails.
  /// 1 to 9.
  std::size_t masters = 1;
  /// `zk://[user:pass@]h1:p1,h2:p2/path`: where the masters contend, as Mesos' do, with one session
  /// each for that and for knowing who leads. Empty: they agree inside the process.
  std::string zk;
  /// Address to listen on. Anything but loopback is the caller's explicit wish.
  std::string ip = "127.0.0.1";
  /// Of the first master; the others take free ones behind it. 0: any free ports.
  std::uint16_t port = 5050;
  /// If `port` is busy: true takes a free one instead, false makes start() fail with a sentence.
  bool anyPortIfBusy = false;
  /// Of the first agent, counting up, skipping busy ones; 0: free ports.
  std::uint16_t agentPort = 5051;
  /// What the master and agents call themselves in offers.
  std::string hostname = "localhost";
  /// Of each agent (Resources::parse). Empty: the machine's cpus and memory, ports 31000-32000.
  /// In one cluster the agents share a machine, so the port ranges of agents after the first are
  /// shifted by the range's width where they would overlap.
  std::string resources;
  /// `rack:r1;level:2`; empty: none.
  std::string attributes;
  /// So many more agents whose tasks are state instead of processes, for tests of a scheduler at
  /// scale, at most 20000: tasks start at once, do nothing, pass their checks and end when they are
  /// killed. Each has `resources`, by default 16 cpus, 64 GB of memory, 1 TB of disk and ports
  /// 31000-32000, and the hostname `simulated-N`. They serve no HTTP, keep no checkpoints, and are
  /// not counted by the index of what can fail below.
  std::size_t simulatedAgents = 0;
  /// Which share of their tasks fails, 0 to 1, each 1 to 10 s after its start.
  double simulatedFailures = 0;
  /// A file of principals and secrets, `{"credentials":[{"principal":"p","secret":"s"}]}`. Given,
  /// whoever speaks to the master or an agent has to be one of them (HTTP Basic), but for /health,
  /// /version, /redirect and the executors; `flags` can open single realms
  /// ({"authenticate_http_readonly", "false"}). Empty: nobody is asked.
  std::string credentials;
  /// Set: the master and the agents speak nothing but TLS, and executors are told so by
  /// LIBPROCESS_SSL_*. Unset: plain HTTP.
  std::optional<LocalClusterTls> tls = std::nullopt;
  /// Empty: a temporary directory, removed by the end.
  std::string workDir;
  double timeScale = 1.0;
  /// Mesos flags by their names, e.g. {"offer_timeout", "2secs"}; see docs/PROTOCOL.md for the
  /// list.
  std::map<std::string, std::string> flags;
  /// 0: drawn from the system.
  std::uint64_t seed = 0;
  /// One line of log at a time, from the cluster's thread; unset: silent.
  std::function<void(const std::string&)> log;
};

/// The cluster runs on a thread of its own from start() to destruction. Methods may be called from
/// any thread.
class LocalCluster {
 public:
  static Result<std::unique_ptr<LocalCluster>> start(LocalClusterOptions options = {});
  /// What start() would refuse whatever the state of the machine: bad resources, attributes, flags
  /// and numbers.
  static Result<void> validate(const LocalClusterOptions& options);
  /// Kills every executor and task, closes every socket, removes a temporary work directory.
  ~LocalCluster();
  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;

  /// `IP:PORT`, or `https://IP:PORT` with TLS, of the first master, for a MesosSchedulerDriver: if
  /// it does not lead it redirects.
  std::string master() const;
  std::vector<std::string> masters() const;
  std::string agent(std::size_t index) const;
  /// What one agent offers, as text.
  std::string agentResources(std::size_t index) const;
  std::string workDir() const;

  /// The agent leaves for good: it unregisters, its executors are killed (fact G5).
  void removeAgent(std::size_t index);
  /// Cuts every established connection of the master, or of an agent, without ending the streams.
  void cutConnections();

  // What can fail. Each returns once it has happened. Durations are in the cluster's time: divided
  // by `timeScale`. An index that was never started throws std::out_of_range; an agent that is gone
  // already is an error, with a sentence.

  /// The master's listener closes, every stream breaks without a final chunk, and a master with a
  /// new id starts at the same address. It knows which agents there were, and nothing else: agents
  /// register again and bring their tasks, frameworks subscribe again (fact G8).
  Result<void> failoverMaster();
  /// The leading master ends: its listener and, with LocalClusterOptions::zk, its ZooKeeper session
  /// are gone at once (fact T37). Another one takes over, if there is one; this one comes back
  /// after a second, with a new id, to stand by. An error, with a sentence, if none leads.
  Result<void> failLeader();
  /// The agent's process is killed and started again. Of frameworks with `checkpoint` it finds
  /// tasks and unacknowledged statuses again, if their executors subscribe again within
  /// executor_reregistration_timeout (fact X42); the processes of others are killed.
  Result<void> restartAgent(std::size_t index);
  /// For so long nothing passes between the master and the agent; executors run on. What was sent
  /// meanwhile arrives afterwards, as with TCP, unless the master has given the agent up: after
  /// agent_ping_timeout x max_agent_ping_timeouts its tasks are unreachable (fact G3), until it
  /// registers again (fact G4). Again while it lasts: the end moves.
  Result<void> partitionAgent(std::size_t index, std::chrono::nanoseconds duration);
  /// The agent and everything that runs on it is gone, without a word to the master.
  Result<void> killAgent(std::size_t index);
  /// From now on each request to the master and to agents arrives so much later, and so does each
  /// piece of an answer. Zero: no longer.
  void slowNetwork(std::chrono::nanoseconds delay);

 private:
  class Shell;
  explicit LocalCluster(std::unique_ptr<Shell> shell);
  std::unique_ptr<Shell> shell_;
};

}  // namespace mesos
