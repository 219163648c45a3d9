#include "protocol/master_detector.hpp"

#include "base/duration.hpp"
#include "protocol/master_node.hpp"

#include <utility>

namespace mesos::protocol {

MasterDetector::MasterDetector(MasterDetectorOptions options, MasterSpec master)
    : options_(options), master_(std::move(master)), sessionTimeout_(options.sessionTimeout) {
  if (const auto* url = std::get_if<ZooKeeperUrl>(&master_)) url_ = *url;
}

void MasterDetector::onStart(Now now) {
  if (const auto* address = std::get_if<Address>(&master_)) {
    effects_.push_back(LeaderChanged{*address, {}});
  } else {
    waitingSince_ = now.steady;
    open(now);
  }
}

void MasterDetector::open(Now now) {
  state_ = State::Connecting;
  reopenAt_.reset();
  listAt_.reset();
  sessionTimeout_ = options_.sessionTimeout;
  giveUpAt_ = now.steady + sessionTimeout_;
  effects_.push_back(OpenZooKeeper{++id_, url_, options_.sessionTimeout});
}

void MasterDetector::onConnected(Now now, ZooKeeperId id, Duration sessionTimeout) {
  if (!isCurrent(id)) return;
  sessionTimeout_ = sessionTimeout;
  list(now);
}

void MasterDetector::onConnecting(Now now, ZooKeeperId id) {
  if (!isCurrent(id) || state_ == State::Connecting) return;
  state_ = State::Connecting;
  ++request_;  // Whatever was asked is not answered any more.
  listAt_.reset();
  // Until then the last leader is as good as any: that ZooKeeper is away says nothing about it.
  giveUpAt_ = now.steady + sessionTimeout_;
  wait(now, "lost the connection to " + url_.toString());
}

void MasterDetector::onOpenFailed(Now now, ZooKeeperId id, const std::string& reason) {
  if (!isCurrent(id)) return;
  giveUpAt_.reset();
  reopenAt_ = now.steady + options_.retryInterval;
  tellNone();
  wait(now, "cannot reach " + url_.toString() + ": " + reason, options_.retryInterval);
}

void MasterDetector::onExpired(Now now, ZooKeeperId id) {
  if (isCurrent(id)) open(now);
}

void MasterDetector::onAuthFailed(Now, ZooKeeperId id) {
  if (!isCurrent(id)) return;
  state_ = State::Idle;
  giveUpAt_.reset();
  listAt_.reset();
  effects_.push_back(CloseZooKeeper{id_});
  effects_.push_back(
      Failed{url_.toString() + " does not accept the credentials of the ZooKeeper URL"});
}

void MasterDetector::onChanged(Now now, ZooKeeperId id) {
  if (isCurrent(id) && state_ != State::Connecting) list(now);
}

void MasterDetector::list(Now now) {
  state_ = State::Listing;
  listAt_.reset();
  giveUpAt_ = now.steady + sessionTimeout_;
  effects_.push_back(ListNodes{++request_, url_.path});
}

void MasterDetector::onChildren(Now now, NodeRequest request, std::vector<std::string> names) {
  if (request != request_ || state_ != State::Listing) return;
  candidates_ = mastersOf(std::move(names));
  consider(now);
}

void MasterDetector::consider(Now now) {
  if (candidates_.empty()) return watchWithoutLeader(now, "no master leads at " + url_.toString());
  if (candidates_.front() == leader_) {  // Only a change is an event (fact Z9).
    waitingSince_.reset();
    return watch(now);
  }
  state_ = State::Reading;
  giveUpAt_ = now.steady + sessionTimeout_;
  effects_.push_back(ReadNode{++request_, pathOf(candidates_.front())});
}

void MasterDetector::onData(Now now, NodeRequest request, const std::string& data) {
  if (request != request_ || state_ != State::Reading) return;
  const std::string node = candidates_.front();
  const auto info = readMasterNode(node, data);
  if (!info) {
    // The next one does not lead, but knows who does, and redirects there.
    candidates_.erase(candidates_.begin());
    wait(now, info.error().message);
    return consider(now);
  }
  tellLeader(node, *info);
  watch(now);
}

void MasterDetector::onRequestFailed(Now now, NodeRequest request, NodeFault fault,
                                     const std::string& reason) {
  if (request != request_ || (state_ != State::Listing && state_ != State::Reading)) return;
  const bool isGone = fault == NodeFault::NoNode;
  if (isGone && state_ == State::Reading) return list(now);  // Between list and get (fact Z8).
  if (isGone) {
    watchWithoutLeader(now, "no master has been at " + url_.toString());
  } else {
    watch(now);
    wait(now, url_.toString() + " fails: " + reason, options_.retryInterval);
  }
  listAt_ = now.steady + options_.retryInterval;
}

void MasterDetector::watch(Now now) {
  state_ = State::Watching;
  giveUpAt_.reset();
  listAt_ = now.steady + options_.relistInterval;
}

void MasterDetector::watchWithoutLeader(Now now, const std::string& reason) {
  watch(now);
  tellNone();
  wait(now, reason + "; waiting for one");
}

void MasterDetector::tellLeader(const std::string& node, const v1::MasterInfo& info) {
  leader_ = node;
  waitingSince_.reset();
  effects_.push_back(LeaderChanged{addressOf(info).value(), info});
}

void MasterDetector::tellNone() {
  if (leader_.empty()) return;
  leader_.clear();
  effects_.push_back(LeaderChanged{});
}

void MasterDetector::wait(Now now, std::string reason, Duration next) {
  if (!waitingSince_) waitingSince_ = now.steady;
  effects_.push_back(Waiting{std::move(reason), now.steady - *waitingSince_, next});
}

void MasterDetector::onTimer(Now now) {
  const auto due = [&](const std::optional<TimePoint>& when) {
    return when && *when <= now.steady;
  };
  if (due(giveUpAt_)) {
    if (state_ == State::Connecting) tellNone();
    wait(now, state_ == State::Connecting
                  ? "cannot reach " + url_.toString() + " within " + formatDuration(sessionTimeout_)
                  : url_.toString() + " does not answer");
    open(now);
  } else if (due(reopenAt_)) {
    open(now);
  } else if (due(listAt_)) {
    list(now);
  }
}

std::optional<MasterDetector::Effect> MasterDetector::poll() {
  if (effects_.empty()) return std::nullopt;
  Effect effect = std::move(effects_.front());
  effects_.pop_front();
  return effect;
}

std::optional<TimePoint> MasterDetector::deadline() const {
  std::optional<TimePoint> earliest;
  for (const auto& when : {giveUpAt_, reopenAt_, listAt_}) {
    if (when && (!earliest || *when < *earliest)) earliest = when;
  }
  return earliest;
}

}  // namespace mesos::protocol
