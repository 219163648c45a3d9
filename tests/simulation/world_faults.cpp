// What goes wrong, and when.
#include "simulation/world_nodes.hpp"

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
  switch (random_.below(std::uint64_t{8})) {
    case 0:
    case 1:
      killSomeExecutor();
      break;
    case 2:
      cutSomeLink();
      break;
    case 3:
      repeatSomeUpdate();
      break;
    case 4: {
      note("fault: a link to the master goes half-open");
      const auto links = network_.openLinks(&master_->end);
      if (!links.empty()) network_.halfOpen(links[random_.below(std::uint64_t{links.size()})]);
      break;
    }
    case 5:
      note("fault: the network turns bad for a while");
      network_.faults = {.latencyMax = milliseconds(300),
                         .refuse = 0.3,
                         .silentSyn = 0.1,
                         .cutPerSend = 0.05,
                         .slowPerSend = 0.1};
      clockwork_.after(random_.below(Duration(seconds(20))), [this] { network_.faults = {}; });
      break;
    case 6:
      if (random_.chance(0.5)) break;
      note("fault: the scheduler is killed and starts again under its id");
      // Before it had an id there was nothing to come back to.
      if (!storedId_) break;
      ++faults_["scheduler killed"];
      killScheduler();
      break;
    default:
      break;  // A quiet moment.
  }
}

void World::stopChaos() {
  note("the faults stop");
  chaotic_ = false;
  network_.faults = {};
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
  const auto& end =
      random_.chance(0.5) ? master_->end : agents_[random_.below(std::uint64_t{2})]->end;
  const auto links = network_.openLinks(&end);
  if (links.empty()) return;
  note("fault: a connection is cut");
  network_.cut(links[random_.below(std::uint64_t{links.size()})]);
}

/// Only one that has arrived: a copy that overtook it could overtake the one before it as well,
/// which no executor lets happen (a task would be RUNNING and then STARTING).
void World::repeatSomeUpdate() {
  AgentNode& agent = *agents_[random_.below(std::uint64_t{agents_.size()})];
  if (!agent.lastUpdate) return;
  ++faults_["update sent twice"];
  const LinkId link =
      network_.connect(&agent.end, {[] {}, [](const protocol::ResponseHead&) {},
                                    [](std::string_view) {}, [] {}, [](std::string_view) {}});
  network_.send(link, *agent.lastUpdate);
}

}  // namespace mesos::simulation
