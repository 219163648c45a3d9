// Masters, one at a time: the next one learns from its registry and from agents what there is.
#include "simulation/answer_over_http.hpp"
#include "simulation/world_nodes.hpp"

namespace mesos::simulation {

using cluster::RequestId;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::shared_ptr<World::MasterNode> World::makeMaster(cluster::MasterOptions options,
                                                     cluster::Registry registry) {
  const auto node = std::make_shared<MasterNode>(clockwork_.now(), std::move(options),
                                                 random_.next(), std::move(registry));
  node->end = {[this, raw = node.get()](RequestId id, const protocol::Request& request) {
                 if (!raw->alive) return;
                 raw->http.onRequest(clockwork_.now(), id, request);
                 pumpMaster(raw->shared_from_this());
               },
               [this, raw = node.get()](RequestId id) {
                 if (!raw->alive) return;
                 raw->http.onRequestClosed(clockwork_.now(), id);
                 pumpMaster(raw->shared_from_this());
               }};
  return node;
}

void World::electMaster(cluster::Registry registry) {
  cluster::MasterOptions options;
  options.port = static_cast<std::uint16_t>(5050 + formerMasters_.size());
  options.hostname = kStandby.host;
  if (random_.chance(0.3)) options.recoveryTime = random_.below(Duration(seconds(5)));
  const auto node = makeMaster(options, std::move(registry));
  master_ = node;
  note("a master leads: " + node->http.master().id());
  pumpMaster(node);
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    const Duration delay = random_.chance(0.2) ? Duration(seconds(40)) : Duration(seconds(4));
    clockwork_.after(random_.below(delay), [this, i, node] {
      if (node->alive && agents_[i]->running && agents_[i]->master != node) linkAgent(i);
    });
  }
  clockwork_.after(random_.below(Duration(seconds(3))), [this, node] {
    if (!node->alive) return;
    standby_->http.onLeader(clockwork_.now(), node->http.master().info());
    tellScheduler(node->address);
  });
}

void World::pumpMaster(const std::shared_ptr<MasterNode>& node) {
  if (!node->alive) return;
  masterWorked_ = true;
  while (auto effect = node->http.poll()) perform(node, *effect);
  arm(node->alarm, node->http.deadline(), [this, node] {
    if (!node->alive) return;
    node->http.onTimer(clockwork_.now());
    pumpMaster(node);
  });
}

void World::perform(const std::shared_ptr<MasterNode>& node, cluster::MasterHttp::Effect& effect) {
  const auto noteRefusal = [this](const std::string& text) { note("master: " + text); };
  if (answerOverHttp(network_, effect, noteRefusal)) return;
  if (auto* message = std::get_if<cluster::ToAgent>(&effect)) {
    for (std::size_t i = 0; i < agents_.size(); ++i) {
      if (agents_[i]->link != message->link || agents_[i]->master != node) continue;
      carry(i, false, [this, i, value = std::move(message->message)] {
        if (!agents_[i]->running) return;
        agents_[i]->http().onMasterMessage(clockwork_.now(), value);
        pumpAgent(i);
      });
      break;
    }
  }
}

/// nullptr: nobody listens there.
ServerEnd* World::endAt(const protocol::Address& address) {
  if (redirected_ && address == kStandby) return &standby_->end;
  return master_ && address == master_->address ? &master_->end : nullptr;
}

/// Its process ends, or its host: then nobody is told that the connections are dead.
void World::failMaster() {
  note("fault: the leading master is gone");
  ++faults_["leader gone"];
  const std::shared_ptr<MasterNode> old = std::exchange(master_, nullptr);
  old->alive = false;
  formerMasters_.push_back(old);
  const bool isHost = random_.chance(0.3);
  for (const LinkId link : network_.openLinks(&old->end)) {
    isHost ? network_.halfOpen(link) : network_.cut(link);
  }
  if (random_.chance(0.5)) {
    clockwork_.after(random_.below(Duration(seconds(1))), [this] {
      if (master_) return;
      standby_->http.onLeader(clockwork_.now(), std::nullopt);
      tellScheduler(std::nullopt);
    });
  }
  const Duration vacancy = random_.chance(0.2) ? Duration(seconds(60)) : Duration(seconds(10));
  clockwork_.after(random_.below(vacancy),
                   [this, registry = old->http.master().registry()] { electMaster(registry); });
}

}  // namespace mesos::simulation
