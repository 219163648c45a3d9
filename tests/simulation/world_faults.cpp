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
  switch (random_.below(std::uint64_t{16})) {
    case 0:
    case 1:
    case 2:
      return killSomeExecutor();
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
      if (master_) failMaster();
      return;
    case 11:
    case 12:
    case 13:
      return harmSomeAgent();
    default:
      return;  // A quiet moment.
  }
}

void World::harmSomeAgent() {
  const std::size_t index = random_.below(std::uint64_t{agents_.size()});
  const AgentNode& node = *agents_[index];
  if (!node.running || node.lost) return;
  switch (random_.below(std::uint64_t{8})) {
    case 0:
    case 1:
    case 2:
      return restartAgent(index);
    case 3:
    case 4:
      if (!node.partitioned) partition(index, random_.below(Duration(seconds(60))));
      return;
    case 5:
      if (!node.partitioned) {
        partition(index, seconds(76) + random_.below(Duration(seconds(60))));
      }
      return;
    case 6:
      ++faults_["link of an agent broken"];
      note("fault: the link of agent " + std::to_string(index) + " breaks");
      if (master_) linkAgent(index);
      return;
    default:
      // One that knows its id, by which an operator may call it gone.
      if (agents_.size() < 4 && node.agent().info().has_id()) loseHost(index);
  }
}

void World::halfOpenSomeLink() {
  if (!master_) return;
  note("fault: a link to the master goes half-open");
  const auto links = network_.openLinks(&master_->end);
  if (!links.empty()) network_.halfOpen(links[random_.below(std::uint64_t{links.size()})]);
}

void World::degradeNetwork() {
  note("fault: the network turns bad for a while");
  network_.faults = {.latencyMax = milliseconds(300),
                     .refuse = 0.3,
                     .silentSyn = 0.1,
                     .cutPerSend = 0.05,
                     .slowPerSend = 0.1};
  clockwork_.after(random_.below(Duration(seconds(20))), [this] { network_.faults = {}; });
}

void World::slowNetwork() {
  note("fault: the network is slow for a while");
  ++faults_["network slow"];
  network_.faults = {.latencyMax = seconds(3)};
  agentLatencyMax_ = seconds(3);
  clockwork_.after(random_.below(Duration(seconds(40))), [this] {
    network_.faults = {};
    agentLatencyMax_ = milliseconds(1);
  });
}

/// With the master gone as well, half of the time.
void World::crashScheduler() {
  if (!storedId_) return;  // Before it had an id there was nothing to come back to.
  if (master_ && random_.chance(0.5)) failMaster();
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

void World::killSomeExecutor() {
  const auto live = liveExecutors();
  if (live.empty()) return;
  const auto& victim = live[random_.below(std::uint64_t{live.size()})];
  ++faults_["executor killed"];
  note("fault: kill -9 of container " + victim->container);
  endProcess(victim->agent, victim->container, SIGKILL);
}

void World::cutSomeLink() {
  const bool isMasters = master_ && random_.chance(0.5);
  const auto links = network_.openLinks(
      isMasters ? &master_->end : &agents_[random_.below(std::uint64_t{agents_.size()})]->end());
  if (links.empty()) return;
  note("fault: a connection is cut");
  network_.cut(links[random_.below(std::uint64_t{links.size()})]);
}

/// Only one that has arrived: a copy that overtook it could overtake the one before it as well,
/// which no executor lets happen (a task would be RUNNING and then STARTING).
void World::repeatSomeUpdate() {
  AgentNode& agent = *agents_[random_.below(std::uint64_t{agents_.size()})];
  if (!agent.lastUpdate || !agent.running) return;
  ++faults_["update sent twice"];
  const LinkId link =
      network_.connect(&agent.end(), {[] {}, [](const protocol::ResponseHead&) {},
                                      [](std::string_view) {}, [] {}, [](std::string_view) {}});
  network_.send(link, *agent.lastUpdate);
}

}  // namespace mesos::simulation
