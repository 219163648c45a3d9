// A master's candidacy in ZooKeeper, as a state machine.
#pragma once

#include "base/time.hpp"
#include "protocol/session_effects.hpp"
#include "protocol/zookeeper_effects.hpp"

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mesos::cluster {

struct ContenderOptions {
  Duration sessionTimeout = std::chrono::seconds(10);  ///< Mesos' zk_session_timeout (fact Z13).
  Duration retryInterval = std::chrono::seconds(2);    ///< As fact Z14.
};

/// The master's node is there.
struct CandidacyBegan {
  std::string node;
};
/// It is gone, or has to be taken for gone. A master that leads must end now (facts Z13, T37);
/// another one goes on: the contender tries again by itself.
struct CandidacyLost {
  std::string reason;
};

/// Keeps one node of a master below the URL's path, making its parents (facts Z2, Z4, Z5). Tell it
/// what happened (on*), then drain poll() and call onTimer no later than deadline(). Pure; not
/// thread-safe. The caller's duties are those of a MasterDetector's.
class Contender {
 public:
  using Effect =
      std::variant<protocol::OpenZooKeeper, protocol::CloseZooKeeper, protocol::CreateNode,
                   CandidacyBegan, CandidacyLost, protocol::Waiting, protocol::Failed>;

  /// `data` is what the node is to hold.
  Contender(ContenderOptions options, protocol::ZooKeeperUrl url, std::string data);

  void onStart(Now now);
  void onConnected(Now now, protocol::ZooKeeperId id, Duration sessionTimeout);
  void onConnecting(Now now, protocol::ZooKeeperId id);
  void onOpenFailed(Now now, protocol::ZooKeeperId id, const std::string& reason);
  void onExpired(Now now, protocol::ZooKeeperId id);
  void onAuthFailed(Now now, protocol::ZooKeeperId id);
  void onCreated(Now now, protocol::NodeRequest request, const std::string& path);
  void onRequestFailed(Now now, protocol::NodeRequest request, protocol::NodeFault fault,
                       const std::string& reason);
  /// Withdraws the candidacy, at once.
  void onLeave();
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

 private:
  enum class State { Idle, Connecting, MakingParents, Joining, Joined };

  void open(Now now);
  void makeParents(Now now);
  void makeNextParent(Now now);
  void lose(const std::string& reason);
  void wait(Now now, std::string reason, Duration next);
  bool isCurrent(protocol::ZooKeeperId id) const { return state_ != State::Idle && id == id_; }

  const ContenderOptions options_;
  const protocol::ZooKeeperUrl url_;
  const std::string data_;
  State state_ = State::Idle;
  bool joined_ = false;  // Its node is there, as far as is known.
  protocol::ZooKeeperId id_ = 0;
  protocol::NodeRequest request_ = 0;
  Duration sessionTimeout_;
  std::vector<std::string> parents_;  // Still to be made, the next one last.
  std::optional<TimePoint> waitingSince_;

  std::optional<TimePoint> giveUpAt_;
  std::optional<TimePoint> reopenAt_;
  std::optional<TimePoint> retryAt_;

  std::deque<Effect> effects_;
};

}  // namespace mesos::cluster
