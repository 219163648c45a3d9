#include "cluster/contender.hpp"

#include "base/duration.hpp"

#include <utility>

namespace mesos::cluster {

using protocol::CreateNode;
using protocol::NodeFault;
using protocol::NodeRequest;
using protocol::ZooKeeperId;

Contender::Contender(ContenderOptions options, protocol::ZooKeeperUrl url, std::string data)
    : options_(options),
      url_(std::move(url)),
      data_(std::move(data)),
      sessionTimeout_(options.sessionTimeout) {}

void Contender::onStart(Now now) {
  waitingSince_ = now.steady;
  open(now);
}

void Contender::open(Now now) {
  state_ = State::Connecting;
  ++request_;
  reopenAt_.reset();
  retryAt_.reset();
  sessionTimeout_ = options_.sessionTimeout;
  giveUpAt_ = now.steady + sessionTimeout_;
  effects_.push_back(protocol::OpenZooKeeper{++id_, url_, options_.sessionTimeout});
}

void Contender::onConnected(Now now, ZooKeeperId id, Duration sessionTimeout) {
  if (!isCurrent(id)) return;
  sessionTimeout_ = sessionTimeout;
  giveUpAt_.reset();
  if (joined_) {
    state_ = State::Joined;
  } else {
    makeParents(now);
  }
}

void Contender::makeParents(Now now) {
  state_ = State::MakingParents;
  retryAt_.reset();
  parents_.clear();
  for (std::string path = url_.path; !path.empty(); path.resize(path.rfind('/'))) {
    parents_.push_back(path);
  }
  makeNextParent(now);
}

void Contender::makeNextParent(Now now) {
  giveUpAt_ = now.steady + sessionTimeout_;
  if (!parents_.empty()) {
    effects_.push_back(CreateNode{++request_, parents_.back(), "", false});
    return;
  }
  state_ = State::Joining;
  effects_.push_back(CreateNode{++request_, url_.path + "/json.info_", data_, true});
}

void Contender::onCreated(Now now, NodeRequest request, const std::string& path) {
  if (request != request_) return;
  if (state_ == State::MakingParents) {
    parents_.pop_back();
    makeNextParent(now);
  } else if (state_ == State::Joining) {
    state_ = State::Joined;
    joined_ = true;
    giveUpAt_.reset();
    waitingSince_.reset();
    effects_.push_back(CandidacyBegan{path});
  }
}

void Contender::onRequestFailed(Now now, NodeRequest request, NodeFault fault,
                                const std::string& reason) {
  if (request != request_) return;
  if (state_ != State::MakingParents && state_ != State::Joining) return;
  if (state_ == State::MakingParents && fault == NodeFault::NodeExists) {
    return onCreated(now, request, parents_.back());
  }
  giveUpAt_.reset();
  retryAt_ = now.steady + options_.retryInterval;
  wait(now, "cannot contend at " + url_.toString() + ": " + reason, options_.retryInterval);
}

void Contender::onConnecting(Now now, ZooKeeperId id) {
  if (!isCurrent(id) || state_ == State::Connecting) return;
  // Whether the node was made is not known; with the session it ends.
  if (state_ == State::Joining) return open(now);
  state_ = State::Connecting;
  ++request_;
  retryAt_.reset();
  giveUpAt_ = now.steady + sessionTimeout_;
}

void Contender::onOpenFailed(Now now, ZooKeeperId id, const std::string& reason) {
  if (!isCurrent(id)) return;
  giveUpAt_.reset();
  reopenAt_ = now.steady + options_.retryInterval;
  wait(now, "cannot reach " + url_.toString() + ": " + reason, options_.retryInterval);
}

void Contender::onExpired(Now now, ZooKeeperId id) {
  if (!isCurrent(id)) return;
  lose("its ZooKeeper session has expired");
  open(now);
}

void Contender::onAuthFailed(Now, ZooKeeperId id) {
  if (!isCurrent(id)) return;
  lose("ZooKeeper refuses its credentials");
  onLeave();
  effects_.push_back(protocol::Failed{url_.toString() + " does not accept the credentials"});
}

void Contender::onLeave() {
  if (state_ == State::Idle) return;
  state_ = State::Idle;
  joined_ = false;
  giveUpAt_.reset();
  reopenAt_.reset();
  retryAt_.reset();
  effects_.push_back(protocol::CloseZooKeeper{id_});
}

void Contender::lose(const std::string& reason) {
  if (!std::exchange(joined_, false)) return;
  effects_.push_back(CandidacyLost{reason});
}

void Contender::wait(Now now, std::string reason, Duration next) {
  if (!waitingSince_) waitingSince_ = now.steady;
  effects_.push_back(protocol::Waiting{std::move(reason), now.steady - *waitingSince_, next});
}

void Contender::onTimer(Now now) {
  const auto due = [&](const std::optional<TimePoint>& when) {
    return when && *when <= now.steady;
  };
  if (due(giveUpAt_)) {
    const std::string reason =
        "ZooKeeper has not been reached for " + formatDuration(sessionTimeout_);
    lose(reason);
    wait(now, reason, Duration::zero());
    open(now);
  } else if (due(reopenAt_)) {
    open(now);
  } else if (due(retryAt_)) {
    makeParents(now);
  }
}

std::optional<Contender::Effect> Contender::poll() {
  if (effects_.empty()) return std::nullopt;
  Effect effect = std::move(effects_.front());
  effects_.pop_front();
  return effect;
}

std::optional<TimePoint> Contender::deadline() const {
  std::optional<TimePoint> earliest;
  for (const auto& when : {giveUpAt_, reopenAt_, retryAt_}) {
    if (when && (!earliest || *when < *earliest)) earliest = when;
  }
  return earliest;
}

}  // namespace mesos::cluster
