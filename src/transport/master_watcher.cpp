#include "transport/master_watcher.hpp"

#include <utility>

namespace mesos::transport {

using protocol::NodeFault;
using protocol::NodeRequest;
using protocol::ZooKeeperId;

MasterWatcher::MasterWatcher(EventLoop& loop, protocol::MasterSpec master, Events events,
                             protocol::MasterDetectorOptions options)
    : events_(std::move(events)),
      detector_(options, std::move(master)),
      timer_(loop),
      zooKeeper_(loop, zooKeeperEvents()) {}

template <typename Input>
void MasterWatcher::feed(Input input) {
  input(detector_, currentTime());
  drain();
}

void MasterWatcher::drain() {
  while (const auto effect = detector_.poll()) {
    std::visit([this](const auto& each) { perform(each); }, *effect);
  }
  if (const auto when = detector_.deadline()) {
    timer_.set(*when, [this] { feed([](auto& detector, Now now) { detector.onTimer(now); }); });
  } else {
    timer_.cancel();
  }
}

void MasterWatcher::start() {
  feed([](auto& detector, Now now) { detector.onStart(now); });
}

ZooKeeperClient::Events MasterWatcher::zooKeeperEvents() {
  ZooKeeperClient::Events events;
  events.onConnected = [this](ZooKeeperId id, Duration timeout) {
    feed([&](auto& detector, Now now) { detector.onConnected(now, id, timeout); });
  };
  events.onConnecting = [this](ZooKeeperId id) {
    feed([&](auto& detector, Now now) { detector.onConnecting(now, id); });
  };
  events.onOpenFailed = [this](ZooKeeperId id, const std::string& reason) {
    feed([&](auto& detector, Now now) { detector.onOpenFailed(now, id, reason); });
  };
  events.onExpired = [this](ZooKeeperId id) {
    feed([&](auto& detector, Now now) { detector.onExpired(now, id); });
  };
  events.onAuthFailed = [this](ZooKeeperId id) {
    feed([&](auto& detector, Now now) { detector.onAuthFailed(now, id); });
  };
  events.onChanged = [this](ZooKeeperId id) {
    feed([&](auto& detector, Now now) { detector.onChanged(now, id); });
  };
  events.onChildren = [this](NodeRequest request, const std::vector<std::string>& names) {
    feed([&](auto& detector, Now now) { detector.onChildren(now, request, names); });
  };
  events.onData = [this](NodeRequest request, const std::string& data) {
    feed([&](auto& detector, Now now) { detector.onData(now, request, data); });
  };
  events.onRequestFailed = [this](NodeRequest request, NodeFault fault, const std::string& reason) {
    feed([&](auto& detector, Now now) { detector.onRequestFailed(now, request, fault, reason); });
  };
  events.onLog = events_.onLog;
  return events;
}

}  // namespace mesos::transport
