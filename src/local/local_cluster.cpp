#include <mesos/local_cluster.hpp>

#include "local/agent_offer.hpp"
#include "local/shell.hpp"

#include <utility>

namespace mesos {

using Kind = cluster::Fault::Kind;

LocalCluster::LocalCluster(std::unique_ptr<Shell> shell) : shell_(std::move(shell)) {}

LocalCluster::~LocalCluster() = default;

Result<std::unique_ptr<LocalCluster>> LocalCluster::start(LocalClusterOptions options) {
  auto shell = std::make_unique<Shell>(std::move(options));
  auto opened = shell->open();
  if (!opened) return opened.error();
  shell->run();
  return std::unique_ptr<LocalCluster>(new LocalCluster(std::move(shell)));
}

Result<void> LocalCluster::validate(const LocalClusterOptions& options) {
  return Shell::validate(options);
}

std::string LocalCluster::master() const { return shell_->named(shell_->masterAddress()); }

std::string LocalCluster::agent(std::size_t index) const {
  return shell_->named(shell_->agentAddress(index));
}

std::string LocalCluster::agentResources(std::size_t index) const {
  return local::describe(shell_->agentResources(index));
}

std::string LocalCluster::workDir() const { return shell_->workDir().path(); }

void LocalCluster::removeAgent(std::size_t index) {
  // An agent that is gone already is what was asked for.
  (void)shell_->inject({Kind::RemoveAgent, index, {}});
}

std::vector<std::string> LocalCluster::masters() const {
  std::vector<std::string> addresses;
  for (std::size_t i = 0; i < shell_->masterCount(); ++i) {
    addresses.push_back(shell_->named(shell_->masterAddress(i)));
  }
  return addresses;
}

Result<void> LocalCluster::failLeader() { return shell_->inject({Kind::FailLeader, 0, {}}); }

Result<void> LocalCluster::failoverMaster() {
  return shell_->inject({Kind::FailoverMaster, 0, {}});
}

Result<void> LocalCluster::restartAgent(std::size_t index) {
  return shell_->inject({Kind::RestartAgent, index, {}});
}

Result<void> LocalCluster::partitionAgent(std::size_t index, std::chrono::nanoseconds duration) {
  return shell_->inject({Kind::PartitionAgent, index, duration});
}

Result<void> LocalCluster::killAgent(std::size_t index) {
  return shell_->inject({Kind::KillAgent, index, {}});
}

void LocalCluster::slowNetwork(std::chrono::nanoseconds delay) {
  (void)shell_->inject({Kind::SlowNetwork, 0, delay});
}

void LocalCluster::cutConnections() { (void)shell_->inject({Kind::CutConnections, 0, {}}); }

}  // namespace mesos
