// Which master leads, told as it changes.
#pragma once

#include "protocol/master_detector.hpp"
#include "transport/event_loop.hpp"
#include "transport/zookeeper_client.hpp"

#include <functional>
#include <optional>
#include <string>

namespace mesos::transport {

/// Runs a MasterDetector on the loop.
class MasterWatcher {
 public:
  struct Events {
    std::function<void(const protocol::LeaderChanged&)> onLeader;
    std::function<void(const protocol::Waiting&)> onWaiting;
    /// No leader will ever be found; `message` is for the user.
    std::function<void(const std::string& message)> onFailed;
    /// For the debug log; may be unset.
    std::function<void(const std::string& line)> onLog;
  };

  /// As MasterDetector; a file has been read by masterSpec().
  MasterWatcher(EventLoop& loop, protocol::MasterSpec master, Events events,
                protocol::MasterDetectorOptions options = {});

  void start();

 private:
  template <typename Input>
  void feed(Input input);
  void drain();
  ZooKeeperClient::Events zooKeeperEvents();

  void perform(const protocol::LeaderChanged& changed) { events_.onLeader(changed); }
  void perform(const protocol::Waiting& waiting) { events_.onWaiting(waiting); }
  void perform(const protocol::Failed& failed) { events_.onFailed(failed.message); }
  template <typename Order>
  void perform(const Order& order) {
    zooKeeper_.perform(order);
  }

  const Events events_;
  protocol::MasterDetector detector_;
  Timer timer_;
  ZooKeeperClient zooKeeper_;
};

}  // namespace mesos::transport
