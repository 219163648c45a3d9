// What LocalCluster is made of: nodes that live on one loop and one thread.
#pragma once

#include "cluster/agent_http.hpp"
#include "cluster/fault.hpp"
#include "cluster/master_http.hpp"
#include "cluster/simulated_agent.hpp"
#include "local/candidate.hpp"
#include "local/checkpoints.hpp"
#include "local/checks.hpp"
#include "local/containers.hpp"
#include "local/flags.hpp"
#include "local/node.hpp"
#include "local/work_dir.hpp"

#include <mesos/local_cluster.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace mesos {
namespace local {

/// The flags as given, and those that `credentials` stands for.
FlagValues flagsOf(const LocalClusterOptions& options);

}  // namespace local

/// Everything runs on one thread: master and agents talk through the loop's queue.
///   shell.cpp         start, effects, end
///   shell_masters.cpp masters, and which of them leads
///   shell_faults.cpp  links between master and agents, and what can fail
///   shell_simulated.cpp agents without processes
class LocalCluster::Shell {
 public:
  explicit Shell(LocalClusterOptions options);
  ~Shell();

  Result<void> open();
  void run();
  /// Makes something fail, from any thread, and waits until it has. Throws if it is about an agent
  /// that was never started.
  Result<void> inject(const cluster::Fault& fault);

  /// As clients are to name it.
  std::string named(const protocol::Address& address) const {
    return (tls_ ? "https://" : "") + address.toString();
  }
  const protocol::Address& masterAddress(std::size_t index = 0) const {
    return masters_.at(index)->address;
  }
  std::size_t masterCount() const { return masters_.size(); }
  const protocol::Address& agentAddress(std::size_t index) const {
    return agents_.at(index)->address;
  }
  const Resources& agentResources(std::size_t index) const { return agents_.at(index)->resources; }
  const local::WorkDir& workDir() const { return *workDir_; }
  static Result<void> validate(const LocalClusterOptions& options);

 private:
  using MasterNode = local::Node<cluster::MasterHttp, Shell>;
  using AgentNode = local::Node<cluster::AgentHttp, Shell>;
  friend MasterNode;
  friend AgentNode;

  /// Messages that a partition holds back, as TCP would.
  struct Partition {
    explicit Partition(transport::EventLoop& loop) : end(loop) {}
    transport::Timer end;
    std::deque<std::function<void()>> held;
    bool isBroken = false;  ///< Too much was held: the connection is lost.
  };
  struct Master : MasterNode {
    Master(transport::EventLoop& loop, Shell& shell, local::Requests::Log log)
        : MasterNode(loop, shell, std::move(log)), restart(loop) {}

    std::string name;
    protocol::Address address;
    cluster::MasterOptions options;
    std::map<std::string, std::string> flags;
    std::unique_ptr<local::Candidate> candidate;  ///< With ZooKeeper.
    transport::Timer restart;
    bool leads = false;
    bool isDown = false;
  };
  struct Agent : AgentNode {
    using AgentNode::AgentNode;
    std::size_t index = 0;
    /// The connection to the master; a new one after whatever breaks it.
    std::uint64_t link = 0;
    std::string name;
    protocol::Address address;
    Resources resources;
    cluster::AgentOptions options;
    std::map<std::string, std::string> flags;
    std::optional<local::Checkpoints> checkpoints;
    std::set<std::string> containers;
    std::unique_ptr<Partition> partition;
    bool hasLeft = false;
  };

  /// Its link is simulatedLinks_ + its index.
  struct Simulated {
    Simulated(std::size_t number, transport::EventLoop& loop) : index(number), timer(loop) {}
    std::size_t index;
    transport::Timer timer;
    std::optional<cluster::SimulatedAgent> machine;
  };

  /// Runs `task` on the cluster's thread and waits for it.
  void call(const std::function<void()>& task);
  transport::HttpServerOptions serverOptions(std::uint16_t port) const;
  Result<void> openTls();
  Result<void> openMasters();
  Result<void> openMaster(Master& master);
  Result<std::uint16_t> listenMaster(Master& master);
  void makeMaster(Master& master);
  Result<void> openAgent(std::size_t index, const Resources& resources);
  void startAgent(Agent& agent, cluster::AgentRecovery recovery);
  Result<std::uint16_t> listenAgent(Agent& agent);
  /// On its local socket, if it has one.
  Result<void> listenLocally(Agent& agent);
  local::Requests::Log logFor(const std::string& name) const;
  void log(const std::string& line) const {
    if (options_.log) options_.log(line);
  }

  // What the machines ask for, beyond answers.
  void perform(MasterNode&, cluster::ToAgent& order);
  void perform(MasterNode& node, cluster::InjectFault& order);
  void perform(AgentNode& node, cluster::ToMaster& order);
  void perform(AgentNode& node, cluster::PrepareContainer& order);
  void perform(AgentNode& node, cluster::ForkContainer& order);
  void perform(AgentNode& node, cluster::SignalContainer& order);
  void perform(AgentNode& node, cluster::DestroyContainer& order);
  void perform(AgentNode& node, cluster::StartCheck& order);
  void perform(AgentNode& node, cluster::StopCheck& order);
  void perform(AgentNode& node, cluster::WriteCheckpoint& order);
  void perform(AgentNode& node, cluster::RemoveCheckpoint& order);
  void perform(AgentNode& node, cluster::AgentEnded& order);
  void containerEnded(Agent& agent, const std::string& containerId);
  void closeIfEmpty(Agent& agent);

  // Who leads.
  void contend(Master& master);
  void electFirst();
  void onElected(Master& master, const std::optional<MasterInfo>& leader);
  void lead(Master& master, const MasterInfo& info);
  void endMaster(Master& master);
  Result<void> restartMaster(Master& master);

  // Simulated agents.
  Result<void> openSimulated();
  void linkSimulated();
  void unlinkSimulated() { simulatedLinks_ = 0; }
  /// nullptr: none has this link.
  Simulated* simulatedOf(std::uint64_t link);
  void toSimulated(std::uint64_t link, cluster::MasterToAgent message);
  void pump(Simulated& agent);

  // Links.
  Agent* agentOf(std::uint64_t link);
  /// Delivers a message between the master and this agent in its turn, or holds it back.
  void carry(Agent& agent, std::function<void()> deliver);
  void breakLink(Agent& agent);
  void heal(Agent& agent);
  bool masterKnows(const Agent& agent) const;

  // Faults.
  Result<void> fail(const cluster::Fault& fault);
  Result<void> failLeader();
  Result<void> failoverMaster();
  Result<void> restartAgent(Agent& agent);
  void partitionAgent(Agent& agent, Duration duration);
  void killAgent(Agent& agent);
  void removeAgent(Agent& agent);
  void slowNetwork(Duration delay);
  void cutConnections();

  static std::string advertised(const std::string& ip);
  void end();
  void endWhenEmpty(TimePoint until);

  LocalClusterOptions options_;
  local::Settings settings_;
  const std::uint64_t seed_;
  Random random_;
  // Declared before what its directories serve, so that it is removed last.
  std::optional<local::WorkDir> workDir_;
  transport::EventLoop loop_;
  std::shared_ptr<const transport::TlsContext> tls_;
  std::optional<local::Containers> containers_;
  std::optional<local::Checks> checks_;
  std::vector<std::unique_ptr<Random>> randoms_;
  std::optional<protocol::ZooKeeperUrl> zooKeeper_;  ///< None: an election inside the process.
  std::vector<std::unique_ptr<Master>> masters_;
  std::deque<Master*> members_;  ///< Without ZooKeeper, those that contend, the leader first.
  Master* leader_ = nullptr;
  cluster::Registry registry_;  ///< As the last leader left it.
  std::uint16_t nextMasterPort_ = 0;
  std::vector<std::unique_ptr<Agent>> agents_;
  Random simulatedRandom_;
  std::deque<Simulated> simulated_;
  std::uint64_t simulatedLinks_ = 0;  ///< 0: no master leads.
  std::uint64_t nextLink_ = 1;
  std::uint16_t nextAgentPort_ = 0;
  local::DelayLine lateFaults_{loop_};  ///< Those that break the connection they were asked over.
  std::unique_ptr<transport::Timer> endTimer_;
  std::thread sweeper_;
  std::thread thread_;
};

}  // namespace mesos
