// ZooKeeper sessions, on the loop. The C client and its threads stay in the .cpp.
#pragma once

#include "protocol/zookeeper_effects.hpp"
#include "transport/event_loop.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mesos::transport {

/// Performs what a machine asks of ZooKeeper, one session at a time, and reports what becomes of it
/// on the loop. What belongs to a session that was replaced or closed is not reported.
class ZooKeeperClient {
 public:
  struct Events {
    /// Also after a reconnection; with what the server grants.
    std::function<void(protocol::ZooKeeperId, Duration sessionTimeout)> onConnected;
    /// The connection is lost; another one is being tried.
    std::function<void(protocol::ZooKeeperId)> onConnecting;
    std::function<void(protocol::ZooKeeperId, const std::string& reason)> onOpenFailed;
    std::function<void(protocol::ZooKeeperId)> onExpired;
    std::function<void(protocol::ZooKeeperId)> onAuthFailed;
    /// Of what was listed last.
    std::function<void(protocol::ZooKeeperId)> onChanged;
    std::function<void(protocol::NodeRequest, std::vector<std::string> names)> onChildren;
    std::function<void(protocol::NodeRequest, const std::string& data)> onData;
    std::function<void(protocol::NodeRequest, const std::string& path)> onCreated;
    std::function<void(protocol::NodeRequest, protocol::NodeFault, const std::string& reason)>
        onRequestFailed;
    /// What the C client has to say.
    std::function<void(const std::string& line)> onLog;
  };

  /// Events that are not set are not told. Constructed and used on the loop.
  ZooKeeperClient(EventLoop& loop, Events events);
  /// Ends the session, and so its members. Waits for that, up to 3 s if the server hangs, and for
  /// names that are being resolved. On the loop, or after it has ended.
  ~ZooKeeperClient();
  ZooKeeperClient(const ZooKeeperClient&) = delete;
  ZooKeeperClient& operator=(const ZooKeeperClient&) = delete;

  void perform(const protocol::OpenZooKeeper& open);
  void perform(const protocol::CloseZooKeeper& close);
  void perform(const protocol::ListNodes& list);
  void perform(const protocol::ReadNode& read);
  void perform(const protocol::CreateNode& create);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace mesos::transport
