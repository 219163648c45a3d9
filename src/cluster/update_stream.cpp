#include "cluster/update_stream.hpp"

#include "base/planted_bug.hpp"

#include <algorithm>
#include <utility>

namespace mesos::cluster {

UpdateStream::UpdateStream(Duration retryMin, Duration retryMax)
    : retryMin_(retryMin), retryMax_(retryMax), nextDelay_(retryMin) {}

UpdateStream::UpdateStream(Duration retryMin, Duration retryMax, Contents contents)
    : retryMin_(retryMin),
      retryMax_(retryMax),
      nextDelay_(retryMin),
      contents_(std::move(contents)) {}

bool UpdateStream::push(TimePoint now, const TaskStatus& status) {
  if (isTerminal(contents_.latestState)) return false;
  if (!contents_.seen.insert(status.uuid()).second) return false;
  contents_.latestState = status.state();
  contents_.pending.push_back(status);
  if (contents_.pending.size() == 1) makeHeadDue(now);
  return true;
}

const TaskStatus* UpdateStream::head() const {
  return contents_.pending.empty() ? nullptr : &contents_.pending.front();
}

void UpdateStream::onSent(TimePoint now) {
  dueAt_ = now + nextDelay_;
  nextDelay_ = std::min(nextDelay_ * 2, retryMax_);
  if (MESOS_PLANTED(NoUpdateRetry)) dueAt_.reset();
}

void UpdateStream::resend(TimePoint now) {
  if (!contents_.pending.empty() && !MESOS_PLANTED(NoUpdateRetry)) makeHeadDue(now);
}

bool UpdateStream::acknowledge(TimePoint now, std::string_view uuid) {
  if (contents_.pending.empty() || contents_.pending.front().uuid() != uuid) return false;
  contents_.pending.pop_front();
  dueAt_.reset();
  if (!contents_.pending.empty() && !MESOS_PLANTED(SkipQueuedUpdateAfterAck)) makeHeadDue(now);
  return true;
}

void UpdateStream::makeHeadDue(TimePoint now) {
  dueAt_ = now;
  nextDelay_ = retryMin_;
}

}  // namespace mesos::cluster
