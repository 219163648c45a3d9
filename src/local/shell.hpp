// What LocalCluster is made of: nodes that live on one loop and one thread.
#pragma once

#include "cluster/agent_http.hpp"
#include "cluster/fault.hpp"
#include "cluster/master_http.hpp"
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

/// Everything runs on one thread: master and agents talk through the loop's queue.
///   shell.cpp         start, effects, end
///   shell_faults.cpp  links between master and agents, and what can fail
class LocalCluster::Shell {
 public:
  explicit Shell(LocalClusterOptions options);
  ~Shell();

  Result<void> open();
  void run();
  /// Makes something fail, from any thread, and waits until it has. Throws if it is about an agent
  /// that was never started.
  Result<void> inject(const cluster::Fault& fault);

  const protocol::Address& masterAddress() const { return masterAddress_; }
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

  /// Runs `task` on the cluster's thread and waits for it.
  void call(const std::function<void()>& task);
  transport::HttpServerOptions serverOptions(std::uint16_t port) const;
  Result<void> openMaster();
  void startMaster(cluster::Registry registry);
  Result<void> openAgent(std::size_t index, const Resources& resources);
  void startAgent(Agent& agent, cluster::AgentRecovery recovery);
  Result<std::uint16_t> listenAgent(Agent& agent);
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

  // Links.
  Agent* agentOf(std::uint64_t link);
  /// Delivers a message between the master and this agent in its turn, or holds it back.
  void carry(Agent& agent, std::function<void()> deliver);
  void breakLink(Agent& agent);
  void heal(Agent& agent);
  bool masterKnows(const Agent& agent) const;

  // Faults.
  Result<void> fail(const cluster::Fault& fault);
  Result<void> failoverMaster();
  Result<void> restartAgent(Agent& agent);
  void partitionAgent(Agent& agent, Duration duration);
  void killAgent(Agent& agent);
  void removeAgent(Agent& agent);
  void slowNetwork(Duration delay);
  void cutConnections();

  void end();
  void endWhenEmpty(TimePoint until);

  LocalClusterOptions options_;
  local::Settings settings_;
  const std::uint64_t seed_;
  Random random_;
  // Declared before what its directories serve, so that it is removed last.
  std::optional<local::WorkDir> workDir_;
  transport::EventLoop loop_;
  std::optional<local::Containers> containers_;
  std::optional<local::Checks> checks_;
  std::vector<std::unique_ptr<Random>> randoms_;
  protocol::Address masterAddress_;
  std::map<std::string, std::string> masterFlags_;
  std::unique_ptr<MasterNode> master_;
  std::vector<std::unique_ptr<Agent>> agents_;
  std::uint64_t nextLink_ = 1;
  std::uint16_t nextAgentPort_ = 0;
  local::DelayLine lateFaults_{loop_};  ///< Those that break the connection they were asked over.
  std::unique_ptr<transport::Timer> endTimer_;
  std::thread sweeper_;
  std::thread thread_;
};

}  // namespace mesos
