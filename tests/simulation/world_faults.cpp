// What goes wrong, and when.
#include "simulation/world_nodes.hpp"

#include <algorithm>
#include <csignal>

namespace mesos::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

void World::scheduleChaos() {
  clockwork_.after(random_.below(Duration(seconds(8))), [this] {
    if (!chaotic_) return;
    chaos();
    scheduleChaos();
  });
}

void World::chaos() {
  switch (random_.below(std::uint64_t{17})) {
    case 0:
    case 1:
    case 2:
      killSomeExecutor(std::nullopt);
      return;
    case 3:
    case 4:
      return cutSomeLink();
    case 5:
      return repeatSomeUpdate();
    case 6:
      return halfOpenSomeLink();
    case 7:
      return degradeNetwork();
    case 8:
      return crashScheduler();
    case 9:
      return slowNetwork();
    case 10:
      if (master_ && happens("leader gone")) failMaster();
      return;
    case 11:
    case 12:
    case 13:
      return harmSomeAgent();
    case 14:
      return blindDetector();
    default:
      return;  // A quiet moment.
  }
}

void World::harmSomeAgent() {
  const std::size_t index = random_.below(std::uint64_t{agents_.size()});
  const AgentNode& node = *agents_[index];
  if (!node.running || node.lost) return;
  switch (random_.below(std::uint64_t{10})) {
    case 0:
    case 1:
    case 2:
      if (happens("agent restarted")) restartAgent(index);
      return;
    case 3:
    case 4:
      if (!node.partitioned && happens("agent partitioned")) {
        partition(index, random_.below(Duration(seconds(60))));
      }
      return;
    case 5:
    case 6:
      // Until the master gives it up, and then until the fleet asks again.
      if (!node.partitioned && happens("agent partitioned for long")) {
        partition(index, seconds(76) + random_.below(Duration(seconds(180))));
      }
      return;
    case 7:
      return killExecutorAndAgent(index);
    case 8:
      if (!happens("link of an agent broken")) return;
      ++faults_["link of an agent broken"];
      note("fault: the link of agent " + std::to_string(index) + " breaks");
      if (master_) linkAgent(index);
      return;
    default:
      // One that knows its id, by which an operator may call it gone.
      if (agents_.size() < 4 && node.agent().info().has_id() && happens("host lost for good")) {
        loseHost(index);
      }
  }
}

/// The agent when it has seen the executor's end, perhaps, and nobody else has.
void World::killExecutorAndAgent(std::size_t index) {
  if (!happens("agent killed with an executor") || !killSomeExecutor(index)) return;
  ++faults_["agent killed with an executor"];
  clockwork_.after(random_.below(Duration(milliseconds(20))), [this, index] {
    if (agents_[index]->running) restartAgent(index);
  });
}

/// Scenario 184.
void World::halfOpenSomeLink() {
  if (!master_ || !happens("connection half-open")) return;
  note("fault: a link to the master goes half-open");
  const auto links = network_.openLinks(&master_->end);
  if (!links.empty()) network_.halfOpen(links[random_.below(std::uint64_t{links.size()})]);
}

void World::degradeNetwork() {
  if (!happens("network bad")) return;
  ++faults_["network bad"];
  note("fault: the network turns bad for a while");
  network_.faults = {.latencyMax = milliseconds(300),
                     .refuse = 0.3,
                     .silentSyn = 0.1,
                     .cutPerSend = 0.05,
                     .slowPerSend = 0.1};
  clockwork_.after(random_.below(Duration(seconds(20))), [this] { network_.faults = {}; });
}

void World::slowNetwork() {
  if (!happens("network slow")) return;
  note("fault: the network is slow for a while");
  ++faults_["network slow"];
  network_.faults = {.latencyMax = seconds(3)};
  agentLatencyMax_ = seconds(3);
  clockwork_.after(random_.below(Duration(seconds(40))), [this] {
    network_.faults = {};
    agentLatencyMax_ = milliseconds(1);
  });
}

/// ZooKeeper tells nothing for a while, and what is connected stays (fact Z13).
void World::blindDetector() {
  if (redirected_ || !master_ || !happens("detector blind")) return;
  note("fault: the detector knows no leader for a while");
  ++faults_["detector blind"];
  const bool wasSubscribed = scheduler_->session.subscribed();
  tellScheduler(std::nullopt);
  if (wasSubscribed && !scheduler_->session.subscribed()) {
    fail("that no leader is known has ended a subscription");
  }
  clockwork_.after(random_.below(Duration(seconds(20))), [this] {
    if (master_) tellScheduler(master_->address);
  });
}

/// With the master gone as well, half of the time.
void World::crashScheduler() {
  if (!storedId_) return;  // Before it had an id there was nothing to come back to.
  const bool fails = master_ && random_.chance(0.5) && happens("leader gone");
  if (!happens(fails || !master_ ? "scheduler killed without a master" : "scheduler killed")) {
    return;
  }
  if (fails) failMaster();
  note("fault: the scheduler is killed and starts again under its id");
  ++faults_[master_ ? "scheduler killed" : "scheduler killed without a master"];
  killScheduler();
}

void World::stopChaos() {
  note("the faults stop");
  chaotic_ = false;
  network_.faults = {};
  agentLatencyMax_ = milliseconds(1);
  // An agent whose master went before it could tell the agent's id comes back under another one.
  // The first never returns, as nobody has it: an operator must say so, when the master has given
  // up what it knew from the registry only.
  clockwork_.after(std::chrono::minutes(15), [this] {
    const auto unreachable = master_->http.master().registry().unreachable;
    for (const auto& [id, since] : unreachable) {
      const bool isSomebody = std::ranges::any_of(agents_, [&id = id](const auto& node) {
        return node->agent().info().id().value() == id;
      });
      if (!isSomebody) markGone(id);
    }
  });
}

/// Of that agent, if one is named. False: there is none.
bool World::killSomeExecutor(std::optional<std::size_t> agent) {
  auto live = liveExecutors();
  std::erase_if(live, [&](const auto& node) { return agent && node->agent != *agent; });
  if (live.empty() || !happens("executor killed")) return false;
  const auto& victim = live[random_.below(std::uint64_t{live.size()})];
  ++faults_["executor killed"];
  note("fault: kill -9 of container " + victim->container);
  endProcess(victim->agent, victim->container, SIGKILL);
  return true;
}

void World::cutSomeLink() {
  const bool isMasters = master_ && random_.chance(0.5);
  const auto links = network_.openLinks(
      isMasters ? &master_->end : &agents_[random_.below(std::uint64_t{agents_.size()})]->end());
  if (links.empty() || !happens("connection cut")) return;
  note("fault: a connection is cut");
  network_.cut(links[random_.below(std::uint64_t{links.size()})]);
}

/// Only one that has arrived: a copy that overtook it could overtake the one before it as well,
/// which no executor lets happen (a task would be RUNNING and then STARTING).
void World::repeatSomeUpdate() {
  AgentNode& agent = *agents_[random_.below(std::uint64_t{agents_.size()})];
  if (!agent.lastUpdate || !agent.running || !happens("update sent twice")) return;
  ++faults_["update sent twice"];
  const LinkId link =
      network_.connect(&agent.end(), {[] {}, [](const protocol::ResponseHead&) {},
                                      [](std::string_view) {}, [] {}, [](std::string_view) {}});
  network_.send(link, *agent.lastUpdate);
}

}  // namespace mesos::simulation
