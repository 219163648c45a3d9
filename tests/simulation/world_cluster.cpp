// The cluster's side: the master and its agents, over the network and over messages of their own.
#include "simulation/world_nodes.hpp"

#include <csignal>

namespace mesos::simulation {

using std::chrono::milliseconds;

void World::pumpMaster() {
  while (auto effect = master_->http.poll()) perform(*effect);
  arm(master_->alarm, master_->http.deadline(), [this] {
    master_->http.onTimer(clockwork_.now());
    pumpMaster();
  });
}

void World::perform(cluster::MasterHttp::Effect& effect) {
  if (auto* respond = std::get_if<cluster::Respond>(&effect)) {
    if (respond->response.status >= 400) {
      note("master: answers " + std::to_string(respond->response.status) + " " +
           respond->response.body);
    }
    network_.respond(respond->id, std::move(respond->response));
  } else if (auto* open = std::get_if<cluster::OpenStream>(&effect)) {
    network_.openStream(open->id, std::move(open->head));
  } else if (auto* bytes = std::get_if<cluster::StreamBytes>(&effect)) {
    network_.streamBytes(bytes->id, std::move(bytes->bytes));
  } else if (const auto* end = std::get_if<cluster::EndStream>(&effect)) {
    network_.endStream(end->id);
  } else if (const auto* hangup = std::get_if<cluster::Hangup>(&effect)) {
    network_.hangup(hangup->id);
  } else if (auto* message = std::get_if<cluster::ToAgent>(&effect)) {
    const std::size_t index = message->link;
    clockwork_.after(milliseconds(1), [this, index, value = std::move(message->message)] {
      agents_.at(index)->http.onMasterMessage(clockwork_.now(), value);
      pumpAgent(index);
    });
  }
}

void World::pumpAgent(std::size_t index) {
  AgentNode& node = *agents_.at(index);
  while (auto effect = node.http.poll()) perform(index, *effect);
  arm(node.alarm, node.http.deadline(), [this, index] {
    agents_.at(index)->http.onTimer(clockwork_.now());
    pumpAgent(index);
  });
}

void World::perform(std::size_t index, cluster::AgentHttp::Effect& effect) {
  AgentNode& node = *agents_.at(index);
  if (auto* respond = std::get_if<cluster::Respond>(&effect)) {
    if (respond->response.status >= 400) {
      note("agent: answers " + std::to_string(respond->response.status) + " " +
           respond->response.body);
    }
    network_.respond(respond->id, std::move(respond->response));
  } else if (auto* open = std::get_if<cluster::OpenStream>(&effect)) {
    network_.openStream(open->id, std::move(open->head));
  } else if (auto* bytes = std::get_if<cluster::StreamBytes>(&effect)) {
    network_.streamBytes(bytes->id, std::move(bytes->bytes));
  } else if (const auto* end = std::get_if<cluster::EndStream>(&effect)) {
    network_.endStream(end->id);
  } else if (const auto* hangup = std::get_if<cluster::Hangup>(&effect)) {
    network_.hangup(hangup->id);
  } else if (auto* message = std::get_if<cluster::ToMaster>(&effect)) {
    clockwork_.after(milliseconds(1), [this, index, value = std::move(message->message)] {
      master_->http.onAgentMessage(clockwork_.now(), index, value);
      pumpMaster();
    });
  } else if (const auto* prepare = std::get_if<cluster::PrepareContainer>(&effect)) {
    const bool fails = chaotic_ && random_.chance(0.05);
    faults_["executor not fetched"] += fails ? 1 : 0;
    clockwork_.after(random_.below(Duration(milliseconds(500))),
                     [this, index, fails, container = prepare->containerId] {
                       agents_.at(index)->http.onPrepared(
                           clockwork_.now(), container,
                           fails ? Result<void>(Error{"Failed to fetch all URIs for container '" +
                                                      container + "': exited with status 1"})
                                 : Result<void>());
                       pumpAgent(index);
                     });
  } else if (const auto* fork = std::get_if<cluster::ForkContainer>(&effect)) {
    clockwork_.after(milliseconds(2), [this, index, value = *fork] {
      agents_.at(index)->http.onForked(clockwork_.now(), value.containerId, 1000);
      startExecutor(index, value);
      pumpAgent(index);
    });
  } else if (const auto* destroy = std::get_if<cluster::DestroyContainer>(&effect)) {
    if (node.processes.contains(destroy->containerId)) {
      clockwork_.after(milliseconds(2), [this, index, container = destroy->containerId] {
        endProcess(index, container, SIGKILL);
      });
    }
  }
}

}  // namespace mesos::simulation
