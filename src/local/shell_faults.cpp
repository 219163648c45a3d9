// Links between master and agents, and everything that can fail.
#include "local/shell.hpp"

#include <algorithm>

namespace mesos {
namespace {

// More than this a partition does not hold back: the connection is lost instead.
constexpr std::size_t kHeldMax = 10000;
// What the answer to the request for a fault has to get out, before connections break.
constexpr Duration kAnswerTime = std::chrono::milliseconds(50);

}  // namespace

// --- Links.

LocalCluster::Shell::Agent* LocalCluster::Shell::agentOf(std::uint64_t link) {
  const auto found = std::find_if(agents_.begin(), agents_.end(),
                                  [&](const auto& agent) { return agent->link == link; });
  return found == agents_.end() ? nullptr : found->get();
}

void LocalCluster::Shell::perform(MasterNode&, cluster::ToAgent& order) {
  Agent* agent = agentOf(order.link);
  if (agent == nullptr) return toSimulated(order.link, std::move(order.message));
  carry(*agent, [this, link = order.link, message = std::move(order.message)]() mutable {
    Agent* receiver = agentOf(link);
    if (receiver == nullptr || receiver->hasLeft) return;
    receiver->tell([&](cluster::AgentHttp& machine, Now now) {
      machine.onMasterMessage(now, std::move(message));
    });
  });
}

void LocalCluster::Shell::perform(AgentNode& node, cluster::ToMaster& order) {
  Agent& agent = static_cast<Agent&>(node);
  carry(agent, [this, link = agent.link, message = std::move(order.message)]() mutable {
    if (agentOf(link) == nullptr || leader_ == nullptr) return;
    leader_->tell([&](cluster::MasterHttp& machine, Now now) {
      machine.onAgentMessage(now, link, std::move(message));
    });
  });
}

void LocalCluster::Shell::carry(Agent& agent, std::function<void()> deliver) {
  if (!agent.partition) return loop_.post(std::move(deliver));
  Partition& partition = *agent.partition;
  if (partition.isBroken) return;
  partition.held.push_back(std::move(deliver));
  if (partition.held.size() <= kHeldMax) return;
  partition.held.clear();
  partition.isBroken = true;
}

/// Both ends lose what is on its way. The master learns of it, unless a partition hides it.
void LocalCluster::Shell::breakLink(Agent& agent) {
  const std::uint64_t old = std::exchange(agent.link, nextLink_++);
  if (agent.partition) return;
  loop_.post([this, old] {
    if (leader_ == nullptr) return;
    leader_->tell(
        [&](cluster::MasterHttp& machine, Now now) { machine.onAgentLinkClosed(now, old); });
  });
}

bool LocalCluster::Shell::masterKnows(const Agent& agent) const {
  if (leader_ == nullptr) return false;
  const auto& known = leader_->machine().master().agents();
  return std::any_of(known.begin(), known.end(), [&](const auto& entry) {
    return entry.second.connected && entry.second.link == agent.link;
  });
}

/// As TCP does: what was sent meanwhile arrives now, unless one end has given the other up.
void LocalCluster::Shell::heal(Agent& agent) {
  const auto partition = std::exchange(agent.partition, nullptr);
  if (!partition || agent.hasLeft) return;
  log(agent.name + ": is no longer partitioned");
  if (partition->isBroken) {
    breakLink(agent);
    agent.tell([](cluster::AgentHttp& machine, Now now) { machine.onStart(now); });
  } else if (masterKnows(agent)) {
    for (auto& deliver : partition->held) loop_.post(std::move(deliver));
  }
}

// --- Faults.

Result<void> LocalCluster::Shell::inject(const cluster::Fault& fault) {
  using Kind = cluster::Fault::Kind;
  const bool isOfAll = fault.kind == Kind::FailLeader || fault.kind == Kind::FailoverMaster ||
                       fault.kind == Kind::SlowNetwork || fault.kind == Kind::CutConnections;
  if (!isOfAll) (void)agents_.at(fault.agent);  // Throws here, not on the cluster's thread.
  Result<void> result;
  call([&] { result = fail(fault); });
  return result;
}

Result<void> LocalCluster::Shell::fail(const cluster::Fault& fault) {
  using Kind = cluster::Fault::Kind;
  const auto scaled = fromSeconds(toSeconds(fault.duration) / options_.timeScale);
  if (fault.kind == Kind::FailLeader) return failLeader();
  if (fault.kind == Kind::FailoverMaster) return failoverMaster();
  if (fault.kind == Kind::CutConnections) {
    cutConnections();
    return {};
  }
  if (fault.kind == Kind::SlowNetwork) {
    slowNetwork(scaled);
    return {};
  }
  if (fault.agent >= agents_.size()) {
    return Error{"There is no agent " + std::to_string(fault.agent) + ": they count from 0, and " +
                 std::to_string(agents_.size()) + " were started"};
  }
  Agent& agent = *agents_[fault.agent];
  if (agent.hasLeft) return Error{"The " + agent.name + " is gone"};
  if (fault.kind == Kind::RestartAgent) return restartAgent(agent);
  if (fault.kind == Kind::PartitionAgent) partitionAgent(agent, scaled);
  if (fault.kind == Kind::KillAgent) killAgent(agent);
  if (fault.kind == Kind::RemoveAgent) removeAgent(agent);
  return {};
}

void LocalCluster::Shell::perform(MasterNode& node, cluster::InjectFault& order) {
  using Kind = cluster::Fault::Kind;
  const auto kind = order.fault.kind;
  if (kind == Kind::FailLeader || kind == Kind::FailoverMaster || kind == Kind::CutConnections) {
    node.answer({order.id, {}});  // First: its connection is going to break.
    lateFaults_.setDelay(kAnswerTime);
    lateFaults_.push([this, fault = order.fault] {
      const auto done = fail(fault);
      if (!done) log("master: " + done.error().message);
    });
    return;
  }
  const auto done = fail(order.fault);
  protocol::Response response;
  if (!done) response = {400, {{"Content-Type", "text/plain"}}, done.error().message};
  node.answer({order.id, std::move(response)});
}

/// As kill -9 and a start at once: executors live on, everything else is read back (fact X42).
Result<void> LocalCluster::Shell::restartAgent(Agent& agent) {
  log(agent.name + ": is restarted");
  agent.closeServer();
  breakLink(agent);
  cluster::AgentRecovery recovery;
  recovery.executors = agent.machine().onKilled();
  recovery.files = agent.checkpoints->readAll();
  startAgent(agent, std::move(recovery));
  const auto counted = agent.machine().agent().containers();
  const std::set<std::string> known(counted.begin(), counted.end());
  for (const std::string& id : agent.containers) {
    if (!known.contains(id)) containers_->destroy(id);  // Orphans (fact X40).
  }
  const auto port = agent.listen(serverOptions(agent.address.port));
  if (!port) return Error{"The " + agent.name + " " + port.error().message};
  const auto listening = listenLocally(agent);
  if (!listening) return Error{"The " + agent.name + " " + listening.error().message};
  agent.tell([](cluster::AgentHttp& machine, Now now) { machine.onStart(now); });
  return {};
}

void LocalCluster::Shell::partitionAgent(Agent& agent, Duration duration) {
  log(agent.name + ": is partitioned");
  if (!agent.partition) agent.partition = std::make_unique<Partition>(loop_);
  agent.partition->end.set(transport::currentTime().steady + duration,
                           [this, &agent] { heal(agent); });
}

/// Its machine is lost: nobody unregisters, nothing runs on.
void LocalCluster::Shell::killAgent(Agent& agent) {
  log(agent.name + ": is killed");
  agent.hasLeft = true;
  breakLink(agent);
  agent.partition.reset();
  agent.stop();
  for (const std::string& id : agent.containers) containers_->destroy(id);
}

void LocalCluster::Shell::removeAgent(Agent& agent) {
  log(agent.name + ": leaves");
  agent.hasLeft = true;
  agent.tell([](cluster::AgentHttp& machine, Now now) { machine.onLeave(now); });
  closeIfEmpty(agent);
}

void LocalCluster::Shell::slowNetwork(Duration delay) {
  for (const auto& master : masters_) master->setDelay(delay);
  for (const auto& agent : agents_) agent->setDelay(delay);
}

void LocalCluster::Shell::cutConnections() {
  for (const auto& master : masters_) master->cutConnections();
  for (const auto& agent : agents_) agent->cutConnections();
}

}  // namespace mesos
