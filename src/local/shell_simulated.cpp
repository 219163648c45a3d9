// Agents whose tasks are state instead of processes.
#include "local/shell.hpp"

namespace mesos {
namespace {

constexpr const char* kResources = "cpus:16;mem:65536;disk:1048576;ports:[31000-32000]";

/// A loopback address for each; nobody listens there.
std::string addressOf(std::size_t index) {
  const auto byte = [](std::size_t number) { return std::to_string(number % 256); };
  return "127." + byte(1 + index / 65536) + "." + byte(index / 256) + "." + byte(index);
}

}  // namespace

Result<void> LocalCluster::Shell::openSimulated() {
  if (options_.simulatedAgents == 0) return {};
  auto resources = Resources::parse(options_.resources.empty() ? kResources : options_.resources);
  if (!resources) return resources.error();
  cluster::AgentOptions options = settings_.agent;
  options.resources = *std::move(resources);
  options.port = 5051;
  options.executorDomainSockets = false;
  options.executorTls.clear();
  cluster::SimulatedTasks tasks;
  tasks.failures = options_.simulatedFailures;
  for (Duration* const duration : {&tasks.failAfterMin, &tasks.failAfterMax}) {
    *duration = fromSeconds(toSeconds(*duration) / options_.timeScale);
  }
  for (std::size_t i = 0; i < options_.simulatedAgents; ++i) {
    options.ip = addressOf(i);
    options.hostname = "simulated-" + std::to_string(i);
    options.workDir = workDir_->path() + "/" + options.hostname;
    simulated_.emplace_back(i, loop_);
    simulated_.back().machine.emplace(transport::currentTime(), options, tasks, simulatedRandom_);
  }
  return {};
}

/// A master leads: they register, on new links.
void LocalCluster::Shell::linkSimulated() {
  if (simulated_.empty()) return;
  simulatedLinks_ = nextLink_;
  nextLink_ += simulated_.size();
  for (Simulated& agent : simulated_) {
    if (agent.machine->hasEnded()) continue;
    agent.machine->onStart(transport::currentTime());
    pump(agent);
  }
}

LocalCluster::Shell::Simulated* LocalCluster::Shell::simulatedOf(std::uint64_t link) {
  if (simulatedLinks_ == 0 || link < simulatedLinks_) return nullptr;
  const std::uint64_t index = link - simulatedLinks_;
  return index < simulated_.size() ? &simulated_[index] : nullptr;
}

void LocalCluster::Shell::toSimulated(std::uint64_t link, cluster::MasterToAgent message) {
  if (simulatedOf(link) == nullptr) return;  // The link broke.
  loop_.post([this, link, message = std::move(message)]() mutable {
    Simulated* agent = simulatedOf(link);
    if (agent == nullptr) return;
    agent->machine->onMasterMessage(transport::currentTime(), std::move(message));
    pump(*agent);
  });
}

void LocalCluster::Shell::pump(Simulated& agent) {
  while (auto message = agent.machine->poll()) {
    loop_.post(
        [this, link = simulatedLinks_ + agent.index, message = *std::move(message)]() mutable {
          if (simulatedOf(link) == nullptr || leader_ == nullptr) return;
          leader_->tell([&](cluster::MasterHttp& machine, Now now) {
            machine.onAgentMessage(now, link, std::move(message));
          });
        });
  }
  if (const auto deadline = agent.machine->deadline()) {
    agent.timer.set(*deadline, [this, &agent] {
      agent.machine->onTimer(transport::currentTime());
      pump(agent);
    });
  } else {
    agent.timer.cancel();
  }
}

}  // namespace mesos
