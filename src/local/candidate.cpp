#include "local/candidate.hpp"

#include "protocol/master_node.hpp"

#include <utility>

namespace mesos::local {

using protocol::NodeFault;
using protocol::NodeRequest;
using protocol::ZooKeeperId;

namespace {

protocol::MasterDetectorOptions detectorOptions(Duration sessionTimeout) {
  protocol::MasterDetectorOptions options;
  options.sessionTimeout = sessionTimeout;
  return options;
}

}  // namespace

Candidate::Candidate(transport::EventLoop& loop, const protocol::ZooKeeperUrl& url,
                     const MasterInfo& master, Duration sessionTimeout, Events events)
    : events_(std::move(events)),
      contender_({.sessionTimeout = sessionTimeout}, url, protocol::writeMasterNode(master)),
      timer_(loop),
      zooKeeper_(loop, zooKeeperEvents()),
      watcher_(loop, url, watcherEvents(), detectorOptions(sessionTimeout)) {}

template <typename Input>
void Candidate::feed(Input input) {
  input(contender_, transport::currentTime());
  drain();
}

void Candidate::drain() {
  while (const auto effect = contender_.poll()) {
    std::visit([this](const auto& each) { perform(each); }, *effect);
  }
  if (const auto when = contender_.deadline()) {
    timer_.set(*when, [this] { feed([](auto& contender, Now now) { contender.onTimer(now); }); });
  } else {
    timer_.cancel();
  }
}

void Candidate::start() {
  feed([](auto& contender, Now now) { contender.onStart(now); });
  watcher_.start();
}

void Candidate::leave() {
  hasLeft_ = true;
  feed([](auto& contender, Now) { contender.onLeave(); });
}

transport::MasterWatcher::Events Candidate::watcherEvents() {
  return {.onLeader =
              [this](const protocol::LeaderChanged& changed) {
                if (hasLeft_) return;
                events_.onLeader(changed.address ? std::optional(changed.info) : std::nullopt);
              },
          .onWaiting = [this](const protocol::Waiting& waiting) { log(waiting.reason); },
          .onFailed = [this](const std::string& message) { log(message); },
          .onLog = nullptr};
}

void Candidate::perform(const cluster::CandidacyBegan& began) { log("contends as " + began.node); }

void Candidate::perform(const cluster::CandidacyLost& lost) {
  if (!hasLeft_) events_.onLost(lost.reason);
}

void Candidate::perform(const protocol::Waiting& waiting) { log(waiting.reason); }

void Candidate::perform(const protocol::Failed& failed) { log(failed.message); }

transport::ZooKeeperClient::Events Candidate::zooKeeperEvents() {
  transport::ZooKeeperClient::Events events;
  events.onConnected = [this](ZooKeeperId id, Duration timeout) {
    feed([&](auto& contender, Now now) { contender.onConnected(now, id, timeout); });
  };
  events.onConnecting = [this](ZooKeeperId id) {
    feed([&](auto& contender, Now now) { contender.onConnecting(now, id); });
  };
  events.onOpenFailed = [this](ZooKeeperId id, const std::string& reason) {
    feed([&](auto& contender, Now now) { contender.onOpenFailed(now, id, reason); });
  };
  events.onExpired = [this](ZooKeeperId id) {
    feed([&](auto& contender, Now now) { contender.onExpired(now, id); });
  };
  events.onAuthFailed = [this](ZooKeeperId id) {
    feed([&](auto& contender, Now now) { contender.onAuthFailed(now, id); });
  };
  events.onCreated = [this](NodeRequest request, const std::string& path) {
    feed([&](auto& contender, Now now) { contender.onCreated(now, request, path); });
  };
  events.onRequestFailed = [this](NodeRequest request, NodeFault fault, const std::string& reason) {
    feed([&](auto& contender, Now now) { contender.onRequestFailed(now, request, fault, reason); });
  };
  return events;
}

}  // namespace mesos::local
