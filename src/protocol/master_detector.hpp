// Which master leads, as a state machine.
#pragma once

#include "base/time.hpp"
#include "protocol/master_spec.hpp"
#include "protocol/session_effects.hpp"
#include "protocol/zookeeper_effects.hpp"

#include <mesos/v1/mesos.pb.h>

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mesos::protocol {

struct MasterDetectorOptions {
  /// Asked of ZooKeeper, and how long it may be out of reach before no leader is known (fact Z13).
  Duration sessionTimeout = std::chrono::seconds(10);
  /// Between attempts of what ZooKeeper refuses (fact Z14).
  Duration retryInterval = std::chrono::seconds(2);
  /// The masters are listed anew that often even if nothing is said to have changed (fact Z17).
  Duration relistInterval = std::chrono::seconds(30);
};

/// Another master leads now; nullopt: nobody knows one.
struct LeaderChanged {
  std::optional<Address> address;
  v1::MasterInfo info;  ///< As in ZooKeeper; empty for a master named by its address.
};

/// Finds the leading master: the one that was named, or the first of those in ZooKeeper (facts
/// Z5-Z17). Tell it what happened (on*), then drain poll() and call onTimer no later than
/// deadline(). Performs no I/O, reads no clock, never blocks, never throws. Not thread-safe.
///
/// The caller's duties: for each OpenZooKeeper report what becomes of the session; for each
/// ListNodes and ReadNode report onChildren, onData or onRequestFailed. What is reported of an
/// earlier session or request is ignored.
class MasterDetector {
 public:
  using Effect = std::variant<OpenZooKeeper, CloseZooKeeper, ListNodes, ReadNode, LeaderChanged,
                              Waiting, Failed>;

  /// `master` is an Address or a ZooKeeperUrl; a file has been read by the caller.
  MasterDetector(MasterDetectorOptions options, MasterSpec master);

  void onStart(Now now);
  /// The session is there, or there again; `sessionTimeout` is what the server grants.
  void onConnected(Now now, ZooKeeperId id, Duration sessionTimeout);
  /// No server is reached; the ZooKeeper client goes on trying.
  void onConnecting(Now now, ZooKeeperId id);
  /// The session cannot be opened at all, such as with names that do not resolve.
  void onOpenFailed(Now now, ZooKeeperId id, const std::string& reason);
  void onExpired(Now now, ZooKeeperId id);
  /// Permanent (fact Z14).
  void onAuthFailed(Now now, ZooKeeperId id);
  /// The children that were listed are no longer the same.
  void onChanged(Now now, ZooKeeperId id);
  void onChildren(Now now, NodeRequest request, std::vector<std::string> names);
  void onData(Now now, NodeRequest request, const std::string& data);
  void onRequestFailed(Now now, NodeRequest request, NodeFault fault, const std::string& reason);
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

 private:
  enum class State { Idle, Connecting, Listing, Reading, Watching };

  void open(Now now);
  void list(Now now);
  void consider(Now now);
  void watch(Now now);
  void watchWithoutLeader(Now now, const std::string& reason);
  void tellLeader(const std::string& node, const v1::MasterInfo& info);
  void tellNone();
  void wait(Now now, std::string reason, Duration next = Duration::zero());
  bool isCurrent(ZooKeeperId id) const { return state_ != State::Idle && id == id_; }
  std::string pathOf(const std::string& node) const { return url_.path + "/" + node; }

  const MasterDetectorOptions options_;
  const MasterSpec master_;
  ZooKeeperUrl url_;
  State state_ = State::Idle;
  ZooKeeperId id_ = 0;
  NodeRequest request_ = 0;
  Duration sessionTimeout_;

  std::vector<std::string> candidates_;  // Not yet found unreadable, the next leader first.
  std::string leader_;                   // Its node; empty: none is known.
  std::optional<TimePoint> waitingSince_;

  std::optional<TimePoint> giveUpAt_;  // Of a session out of reach, or of a request unanswered.
  std::optional<TimePoint> reopenAt_;
  std::optional<TimePoint> listAt_;

  std::deque<Effect> effects_;
};

}  // namespace mesos::protocol
