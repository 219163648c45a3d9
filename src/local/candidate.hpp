// A master's part in an election that ZooKeeper holds.
#pragma once

#include "cluster/contender.hpp"
#include "transport/event_loop.hpp"
#include "transport/master_watcher.hpp"
#include "transport/zookeeper_client.hpp"

#include <mesos/types.hpp>

#include <functional>
#include <optional>
#include <string>

namespace mesos::local {

/// Contends for a master and tells who leads. As Mesos' masters do, it has a session for each of
/// the two. On the loop.
class Candidate {
 public:
  struct Events {
    /// Another master leads now, which may be this one; nullopt: none is known.
    std::function<void(const std::optional<MasterInfo>&)> onLeader;
    /// The master's node is gone: if it leads, it must end now (fact T37).
    std::function<void(const std::string& reason)> onLost;
    std::function<void(const std::string& line)> onLog;
  };

  Candidate(transport::EventLoop& loop, const protocol::ZooKeeperUrl& url, const MasterInfo& master,
            Duration sessionTimeout, Events events);

  void start();
  /// The candidacy ends at once. Nothing is told any more.
  void leave();

 private:
  template <typename Input>
  void feed(Input input);
  void drain();
  transport::ZooKeeperClient::Events zooKeeperEvents();
  transport::MasterWatcher::Events watcherEvents();

  void perform(const cluster::CandidacyBegan& began);
  void perform(const cluster::CandidacyLost& lost);
  void perform(const protocol::Waiting& waiting);
  void perform(const protocol::Failed& failed);
  template <typename Order>
  void perform(const Order& order) {
    zooKeeper_.perform(order);
  }
  void log(const std::string& line) {
    if (events_.onLog) events_.onLog(line);
  }

  const Events events_;
  bool hasLeft_ = false;
  cluster::Contender contender_;
  transport::Timer timer_;
  transport::ZooKeeperClient zooKeeper_;
  transport::MasterWatcher watcher_;
};

}  // namespace mesos::local
