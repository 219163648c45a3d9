#include "cluster/update_stream.hpp"

#include "base/planted_bug.hpp"

#include <algorithm>
#include <utility>

namespace mesos::cluster {

UpdateStream::Uuid UpdateStream::uuidOf(std::string_view bytes) {
  Uuid uuid{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), uuid.size()), uuid.begin());
  return uuid;
}

UpdateStream::UpdateStream(Duration retryMin, Duration retryMax)
    : retryMin_(retryMin), retryMax_(retryMax), nextDelay_(retryMin) {}

UpdateStream::UpdateStream(Duration retryMin, Duration retryMax, Contents contents)
    : retryMin_(retryMin),
      retryMax_(retryMax),
      nextDelay_(retryMin),
      contents_(std::move(contents)) {}

bool UpdateStream::push(TimePoint now, const TaskStatus& status) {
  if (isTerminal(contents_.latestState)) return false;
  const Uuid uuid = uuidOf(status.uuid());
  const auto place = std::lower_bound(contents_.seen.begin(), contents_.seen.end(), uuid);
  if (place != contents_.seen.end() && *place == uuid) return false;
  contents_.seen.insert(place, uuid);
  contents_.latestState = status.state();
  contents_.pending.push_back(status);
  if (contents_.pending.size() == 1) makeHeadDue(now);
  return true;
}

std::optional<TaskStatus> UpdateStream::head() const {
  if (contents_.pending.empty()) return std::nullopt;
  return contents_.pending.front().unpack();
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
  if (contents_.pending.empty() || head()->uuid() != uuid) return false;
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
