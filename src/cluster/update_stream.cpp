#include "cluster/update_stream.hpp"

#include "base/planted_bug.hpp"

#include <algorithm>

namespace mesos::cluster {

UpdateStream::UpdateStream(Duration retryMin, Duration retryMax)
    : retryMin_(retryMin), retryMax_(retryMax), nextDelay_(retryMin) {}

bool UpdateStream::push(TimePoint now, const TaskStatus& status) {
  if (isTerminal(latestState_)) return false;
  if (!seen_.insert(status.uuid()).second) return false;
  latestState_ = status.state();
  pending_.push_back(status);
  if (pending_.size() == 1) makeHeadDue(now);
  return true;
}

const TaskStatus* UpdateStream::head() const {
  return pending_.empty() ? nullptr : &pending_.front();
}

void UpdateStream::onSent(TimePoint now) {
  dueAt_ = now + nextDelay_;
  nextDelay_ = std::min(nextDelay_ * 2, retryMax_);
  if (MESOS_PLANTED(NoUpdateRetry)) dueAt_.reset();
}

void UpdateStream::resend(TimePoint now) {
  if (!pending_.empty() && !MESOS_PLANTED(NoUpdateRetry)) makeHeadDue(now);
}

bool UpdateStream::acknowledge(TimePoint now, std::string_view uuid) {
  if (pending_.empty() || pending_.front().uuid() != uuid) return false;
  pending_.pop_front();
  dueAt_.reset();
  if (!pending_.empty() && !MESOS_PLANTED(SkipQueuedUpdateAfterAck)) makeHeadDue(now);
  return true;
}

void UpdateStream::makeHeadDue(TimePoint now) {
  dueAt_ = now;
  nextDelay_ = retryMin_;
}

}  // namespace mesos::cluster
