// Agents: hosts that restart, are cut off and get lost; and their links to the master.
#include "simulation/answer_over_http.hpp"
#include "simulation/world_nodes.hpp"

#include <algorithm>
#include <csignal>

namespace mesos::simulation {

using cluster::RequestId;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Of no connection: nobody waits for the answer.
constexpr RequestId kOperatorsRequest = ~RequestId{0};

bool isUpdate(const protocol::Request& request) {
  v1::executor::Call call;
  return call.ParseFromString(request.body) && call.type() == v1::executor::Call::UPDATE;
}

}  // namespace

void World::addAgent() {
  const std::size_t index = agents_.size();
  auto& node = *agents_.emplace_back(std::make_unique<AgentNode>());
  node.options.port = static_cast<std::uint16_t>(5051 + index);
  node.options.switchUser = false;
  node.options.workDir = "/work";
  node.options.resources = Resources::parse("cpus:2;mem:2048;ports:[31000-31009]").value();
  startAgent(index, {});
}

void World::startAgent(std::size_t index, cluster::AgentRecovery recovery) {
  AgentNode& node = *agents_.at(index);
  auto& incarnation = *node.incarnations.emplace_back(std::make_unique<AgentNode::Incarnation>(
      clockwork_.now(), node.options, random_.next(), std::move(recovery)));
  // A request to an earlier process reaches nobody.
  const auto isPresent = [this, index, raw = &incarnation] {
    const AgentNode& host = *agents_.at(index);
    return host.running && host.incarnations.back().get() == raw;
  };
  incarnation.end = {[this, index, isPresent](RequestId id, const protocol::Request& request) {
                       if (!isPresent()) return;
                       if (isUpdate(request)) agents_[index]->lastUpdate = request;
                       agents_[index]->http().onRequest(clockwork_.now(), id, request);
                       pumpAgent(index);
                     },
                     [this, index, isPresent](RequestId id) {
                       if (!isPresent()) return;
                       agents_[index]->http().onRequestClosed(clockwork_.now(), id);
                       pumpAgent(index);
                     }};
  node.running = true;
  // Whoever ended meanwhile.
  for (const std::string& container : node.agent().containers()) {
    if (node.processes.contains(container)) continue;
    afterwards(index, milliseconds(1), [this, index, container] {
      agents_[index]->http().onExited(clockwork_.now(), container, SIGKILL);
    });
  }
  pumpAgent(index);
  if (master_) linkAgent(index);
}

// --- Links.

void World::linkAgent(std::size_t index) {
  AgentNode& node = *agents_.at(index);
  breakLink(index);
  node.link = ++lastLink_;
  node.master = master_;
  node.http().onStart(clockwork_.now());
  pumpAgent(index);
}

/// The master learns of it, if it lives.
void World::breakLink(std::size_t index) {
  AgentNode& node = *agents_.at(index);
  const auto master = std::exchange(node.master, nullptr);
  const std::uint64_t link = std::exchange(node.link, 0);
  node.held.clear();
  if (!master) return;
  clockwork_.after(milliseconds(1), [this, master, link] {
    if (!master->alive) return;
    master->http.onAgentLinkClosed(clockwork_.now(), link);
    pumpMaster(master);
  });
}

void World::carry(std::size_t index, bool toMaster, std::function<void()> arrive) {
  AgentNode& sender = *agents_.at(index);
  TimePoint& last = toMaster ? sender.lastToMaster : sender.lastToAgent;
  const Duration latency = milliseconds(1) + random_.below(agentLatencyMax_);
  last = std::max(last, clockwork_.now().steady + latency);
  clockwork_.at(last, [this, index, link = sender.link, arrive = std::move(arrive)] {
    AgentNode& node = *agents_.at(index);
    if (node.link != link || node.lost) return;
    if (node.partitioned) {
      node.held.push_back(arrive);
    } else {
      arrive();
    }
  });
}

void World::pumpAgent(std::size_t index) {
  AgentNode& node = *agents_.at(index);
  if (!node.running) return;
  AgentNode::Incarnation& incarnation = *node.incarnations.back();
  while (auto effect = incarnation.http.poll()) perform(index, *effect);
  arm(incarnation.alarm, incarnation.http.deadline(), [this, index, raw = &incarnation] {
    AgentNode& host = *agents_.at(index);
    if (!host.running || host.incarnations.back().get() != raw) return;
    raw->http.onTimer(clockwork_.now());
    pumpAgent(index);
  });
}

void World::perform(std::size_t index, cluster::AgentHttp::Effect& effect) {
  AgentNode& node = *agents_.at(index);
  if (performContainer(index, effect)) return;
  const auto noteRefusal = [this](const std::string& text) { note("agent: " + text); };
  if (answerOverHttp(network_, effect, noteRefusal)) return;
  if (auto* message = std::get_if<cluster::ToMaster>(&effect)) {
    if (!node.master) return;
    carry(index, true,
          [this, link = node.link, master = node.master, value = std::move(message->message)] {
            if (!master->alive) return;
            master->http.onAgentMessage(clockwork_.now(), link, value);
            pumpMaster(master);
          });
  } else if (auto* write = std::get_if<cluster::WriteCheckpoint>(&effect)) {
    node.disk[write->path] = std::move(write->bytes);
  } else if (const auto* removal = std::get_if<cluster::RemoveCheckpoint>(&effect)) {
    std::erase_if(node.disk, [&](const auto& file) {
      return file.first == removal->path || file.first.starts_with(removal->path + "/");
    });
  }
}

/// The half of the effects that is about containers. False: it is none of them.
bool World::performContainer(std::size_t index, cluster::AgentHttp::Effect& effect) {
  AgentNode& node = *agents_.at(index);
  if (const auto* prepare = std::get_if<cluster::PrepareContainer>(&effect)) {
    const bool fails = random_.chance(0.05) && happens("executor not fetched");
    faults_["executor not fetched"] += fails ? 1 : 0;
    node.preparing.insert(prepare->containerId);
    afterwards(index, random_.below(Duration(milliseconds(500))),
               [this, index, fails, container = prepare->containerId] {
                 agents_[index]->preparing.erase(container);
                 agents_[index]->http().onPrepared(
                     clockwork_.now(), container,
                     fails ? Result<void>(Error{"Failed to fetch all URIs for container '" +
                                                container + "': exited with status 1"})
                           : Result<void>());
               });
  } else if (const auto* fork = std::get_if<cluster::ForkContainer>(&effect)) {
    node.preparing.insert(fork->containerId);
    afterwards(index, milliseconds(2), [this, index, value = *fork] {
      agents_[index]->preparing.erase(value.containerId);
      agents_[index]->http().onForked(clockwork_.now(), value.containerId, 1000);
      startExecutor(index, value);
    });
  } else if (const auto* destroy = std::get_if<cluster::DestroyContainer>(&effect)) {
    afterwards(index, milliseconds(2), [this, index, container = destroy->containerId] {
      AgentNode& host = *agents_[index];
      if (host.processes.contains(container)) return endProcess(index, container, SIGKILL);
      if (host.preparing.contains(container)) return;
      // Of an earlier process of the agent: nothing was going on in it.
      host.http().onPrepared(clockwork_.now(), container, Error{"the container was destroyed"});
      host.http().onExited(clockwork_.now(), container, SIGKILL);
    });
  } else {
    return false;
  }
  return true;
}

void World::afterwards(std::size_t index, Duration delay, std::function<void()> happening) {
  const auto* present = agents_.at(index)->incarnations.back().get();
  clockwork_.after(delay, [this, index, present, happening = std::move(happening)] {
    const AgentNode& node = *agents_.at(index);
    if (!node.running || node.incarnations.back().get() != present) return;
    happening();
    pumpAgent(index);
  });
}

// --- Faults.

void World::restartAgent(std::size_t index) {
  AgentNode& node = *agents_.at(index);
  note("fault: agent " + std::to_string(index) + " is killed, and starts again");
  ++faults_["agent restarted"];
  const auto living = std::make_shared<cluster::LivingExecutors>(node.http().onKilled());
  node.running = false;
  node.preparing.clear();
  network_.cutAll(&node.end());
  breakLink(index);
  const Duration pause = random_.chance(0.2) ? Duration(seconds(90)) : Duration(seconds(8));
  clockwork_.after(random_.below(pause), [this, index, living] {
    AgentNode& host = *agents_.at(index);
    if (host.lost) return;
    startAgent(index, {host.disk, std::move(*living)});
  });
}

void World::partition(std::size_t index, Duration lasting) {
  AgentNode& node = *agents_.at(index);
  note("fault: agent " + std::to_string(index) + " is cut off from the master for " +
       std::to_string(toSeconds(lasting)) + " s");
  ++faults_[lasting > seconds(75) ? "agent partitioned for long" : "agent partitioned"];
  node.partitioned = true;
  clockwork_.after(lasting, [this, index] { heal(index); });
}

/// What was sent meanwhile arrives, or the connection did not survive it.
void World::heal(std::size_t index) {
  AgentNode& node = *agents_.at(index);
  if (node.lost) return;
  note("agent " + std::to_string(index) + " is connected again");
  node.partitioned = false;
  if (master_ &&
      master_->http.master().registry().unreachable.contains(node.agent().info().id().value())) {
    ++faults_["agent unreachable, then back"];
  }
  if (random_.chance(0.5)) {
    ++faults_["link of an agent broken"];
    if (node.running && master_) linkAgent(index);
    return;
  }
  const auto held = std::exchange(node.held, {});
  for (const auto& arrive : held) arrive();
}

/// The agent, its executors and all they knew.
void World::loseHost(std::size_t index) {
  AgentNode& node = *agents_.at(index);
  note("fault: the host of agent " + std::to_string(index) + " is lost for good");
  ++faults_["host lost for good"];
  node.running = false;
  node.lost = true;
  for (const auto& [container, process] : node.processes) process->alive = false;
  node.processes.clear();
  addAgent();
  const std::string agentId = node.agent().info().id().value();
  clockwork_.after(seconds(20) + random_.below(Duration(seconds(150))),
                   [this, agentId] { markGone(agentId); });
}

/// An operator does, until it is accepted.
void World::markGone(std::string agentId) {
  if (agentId.empty()) return;  // It never registered.
  if (master_) {
    protocol::Request request{
        "POST",
        "/api/v1",
        {{"Content-Type", std::string(protocol::kJson)}, {"Accept", std::string(protocol::kJson)}},
        R"({"type":"MARK_AGENT_GONE","mark_agent_gone":{"agent_id":{"value":")" + agentId +
            "\"}}}"};
    master_->http.onRequest(clockwork_.now(), kOperatorsRequest, request);
    pumpMaster(master_);
    if (master_->http.master().registry().gone.contains(agentId)) {
      return note("an operator marked agent " + agentId + " gone");
    }
  }
  clockwork_.after(seconds(5), [this, agentId] { markGone(agentId); });
}

}  // namespace mesos::simulation
