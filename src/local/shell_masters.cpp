// Masters: which of them leads, and what becomes of one that no longer does.
#include "local/shell.hpp"

#include <algorithm>
#include <utility>

namespace mesos {
namespace {

constexpr int kPortTries = 1000;
// How long a master that ended stays away, as under a supervisor.
constexpr Duration kRestartDelay = std::chrono::seconds(1);

}  // namespace

// --- The start.

Result<void> LocalCluster::Shell::openMasters() {
  if (!options_.zk.empty()) {
    auto url = protocol::parseZooKeeperUrl(options_.zk);
    if (!url) return url.error();
    zooKeeper_ = *std::move(url);
  }
  for (std::size_t i = 0; i < options_.masters; ++i) {
    const std::string name = options_.masters == 1 ? "master" : "master " + std::to_string(i);
    masters_.push_back(std::make_unique<Master>(loop_, *this, logFor(name)));
    masters_.back()->name = name;
    masters_.back()->allowOrigins(settings_.cors);
    auto opened = openMaster(*masters_.back());
    if (!opened) return opened;
  }
  return {};
}

/// The first one has the port that was asked for, the others the free ones behind it.
Result<std::uint16_t> LocalCluster::Shell::listenMaster(Master& master) {
  const bool isFirst = &master == masters_.front().get();
  auto port = master.listen(serverOptions(isFirst ? options_.port : nextMasterPort_));
  if (isFirst && !port && options_.anyPortIfBusy) port = master.listen(serverOptions(0));
  for (int tries = 0; !isFirst && !port && tries < kPortTries; ++tries) {
    port = master.listen(serverOptions(++nextMasterPort_));
  }
  const bool isAny = options_.port == 0 || !port;
  nextMasterPort_ = isAny ? std::uint16_t{0} : static_cast<std::uint16_t>(*port + 1);
  return port;
}

Result<void> LocalCluster::Shell::openMaster(Master& master) {
  auto port = listenMaster(master);
  if (!port) {
    return Error{"The " + master.name + " " + port.error().message +
                 ". Stop what listens there, or choose another port (0 takes any free one)."};
  }
  master.address = {advertised(options_.ip), *port};
  cluster::MasterOptions& options = master.options;
  options = settings_.master;
  options.ip = master.address.host;
  options.port = *port;
  options.hostname = options_.hostname;
  master.flags = local::shownFlags(true, local::flagsOf(options_));
  master.flags["ip"] = options_.ip;
  master.flags["port"] = std::to_string(*port);
  master.flags["hostname"] = options_.hostname;
  if (zooKeeper_) master.flags["zk"] = zooKeeper_->toString();
  makeMaster(master);
  return {};
}

/// With a new id. It stands by until it is elected.
void LocalCluster::Shell::makeMaster(Master& master) {
  randoms_.push_back(std::make_unique<Random>(random_.next()));
  auto machine = std::make_unique<cluster::MasterHttp>(transport::currentTime(), master.options,
                                                       master.flags, *randoms_.back());
  machine->onLeader(transport::currentTime(), std::nullopt);
  master.setMachine(std::move(machine));
}

// --- The election.

void LocalCluster::Shell::contend(Master& master) {
  master.isDown = false;
  if (!zooKeeper_) {
    members_.push_back(&master);
    return electFirst();
  }
  master.candidate = std::make_unique<local::Candidate>(
      loop_, *zooKeeper_, master.machine().master().info(), settings_.zkSessionTimeout,
      local::Candidate::Events{
          .onLeader = [this, &master](const auto& leader) { onElected(master, leader); },
          .onLost =
              [this, &master](const std::string& reason) {
                log(master.name + ": " + reason);
                if (master.leads) endMaster(master);
              },
          .onLog = logFor(master.name)});
  master.candidate->start();
}

/// Without ZooKeeper: who contends longest leads.
void LocalCluster::Shell::electFirst() {
  std::optional<MasterInfo> leader;
  if (!members_.empty()) leader = members_.front()->machine().master().info();
  const std::vector<Master*> members(members_.begin(), members_.end());
  for (Master* member : members) onElected(*member, leader);
}

void LocalCluster::Shell::onElected(Master& master, const std::optional<MasterInfo>& leader) {
  if (master.isDown) return;
  const bool leads = leader && leader->id() == master.machine().master().id();
  if (master.leads && !leads) return endMaster(master);  // Fact T37.
  if (!master.leads && leads) return lead(master, *leader);
  if (!leads) {
    master.tell([&](cluster::MasterHttp& machine, Now now) { machine.onLeader(now, leader); });
  }
}

void LocalCluster::Shell::lead(Master& master, const MasterInfo& info) {
  if (options_.masters > 1) log(master.name + ": leads");
  // The one before has ended, or is about to find out that it has: its streams are none any more.
  if (leader_ != nullptr) endMaster(*leader_);
  leader_ = &master;
  master.leads = true;
  master.tell([&](cluster::MasterHttp& machine, Now now) {
    machine.onRegistry(now, registry_);
    machine.onLeader(now, info);
  });
  for (const auto& agent : agents_) {
    if (agent->hasLeft) continue;
    agent->link = nextLink_++;
    // Agents are told by a detector. A partitioned one misses the pings, later.
    if (agent->partition) continue;
    agent->tell([](cluster::AgentHttp& machine, Now now) { machine.onStart(now); });
  }
  linkSimulated();
}

/// As a process that ends: its listener, every connection and its ZooKeeper session are gone at
/// once. It comes back with a new id.
void LocalCluster::Shell::endMaster(Master& master) {
  log(master.name + ": ends");
  master.isDown = true;
  master.closeServer();
  if (std::exchange(master.leads, false)) {
    registry_ = master.machine().master().registry();
    leader_ = nullptr;
    for (const auto& agent : agents_) agent->link = nextLink_++;
    unlinkSimulated();
  }
  const auto delay = fromSeconds(toSeconds(kRestartDelay) / options_.timeScale);
  master.restart.set(transport::currentTime().steady + delay, [this, &master] {
    const auto done = restartMaster(master);
    if (!done) log(master.name + ": " + done.error().message);
  });
  if (master.candidate) {
    master.candidate->leave();
  } else {
    std::erase(members_, &master);
    electFirst();
  }
}

Result<void> LocalCluster::Shell::restartMaster(Master& master) {
  master.restart.cancel();
  master.candidate.reset();
  makeMaster(master);
  const auto port = master.listen(serverOptions(master.address.port));
  if (!port) {
    master.restart.set(transport::currentTime().steady + kRestartDelay,
                       [this, &master] { (void)restartMaster(master); });
    return Error{"The new master " + port.error().message};
  }
  log(master.name + ": starts again as " + master.machine().master().id());
  contend(master);
  return {};
}

// --- Faults.

Result<void> LocalCluster::Shell::failLeader() {
  if (leader_ == nullptr) return Error{"No master leads"};
  endMaster(*leader_);
  return {};
}

/// The leader is killed and started again at once. It knows what the one before wrote into the
/// registry; the rest it, or another one, learns from agents and frameworks (fact G8).
Result<void> LocalCluster::Shell::failoverMaster() {
  if (leader_ == nullptr) return Error{"No master leads"};
  Master& master = *leader_;
  endMaster(master);
  return restartMaster(master);
}

}  // namespace mesos
