#include "protocol/unacknowledged.hpp"

#include <mesos/types.hpp>

#include <algorithm>

namespace mesos::protocol {

void Unacknowledged::onLaunched(const v1::TaskInfo& task) {
  liveTasks_.insert(task.task_id().value());
  tasks_.push_back(task);
}

void Unacknowledged::onAcknowledged(const v1::TaskID& task, const std::string& uuid) {
  const std::string& id = task.value();
  std::erase_if(tasks_, [&](const auto& one) { return one.task_id().value() == id; });
  const auto update = std::find_if(updates_.begin(), updates_.end(), [&](const Update& one) {
    return one.status.uuid() == uuid && one.status.task_id().value() == id;
  });
  if (update == updates_.end()) return;
  if (!isTerminal(update->status.state())) {
    updates_.erase(update);
    return;
  }
  // What was said of the task after its end may never be acknowledged (facts U21, X34).
  liveTasks_.erase(id);
  std::erase_if(updates_, [&](const Update& one) { return one.status.task_id().value() == id; });
}

void Unacknowledged::add(v1::TaskStatus status) {
  const bool live = liveTasks_.count(status.task_id().value()) > 0;
  updates_.push_back({.status = std::move(status), .willBeAcknowledged = live, .sentAt = {}});
}

void Unacknowledged::forget(const std::string& uuid) {
  std::erase_if(updates_, [&](const Update& one) { return one.status.uuid() == uuid; });
}

std::vector<v1::TaskStatus> Unacknowledged::due(TimePoint now, Duration interval) {
  std::vector<v1::TaskStatus> statuses;
  for (Update& update : updates_) {
    if (update.sentAt && *update.sentAt + interval > now) continue;
    update.sentAt = now;
    statuses.push_back(update.status);
  }
  onTold();
  return statuses;
}

std::optional<TimePoint> Unacknowledged::dueAt(Duration interval) const {
  std::optional<TimePoint> earliest;
  for (const Update& update : updates_) {
    if (!update.sentAt) continue;
    if (!earliest || *update.sentAt + interval < *earliest) earliest = *update.sentAt + interval;
  }
  return earliest;
}

void Unacknowledged::tell(TimePoint now, v1::executor::Call::Subscribe* subscribe) {
  for (const v1::TaskInfo& task : tasks_) *subscribe->add_unacknowledged_tasks() = task;
  for (Update& update : updates_) {
    update.sentAt = now;
    *subscribe->add_unacknowledged_updates()->mutable_status() = update.status;
  }
}

void Unacknowledged::onTold() {
  std::erase_if(updates_, [](const Update& one) { return one.sentAt && !one.willBeAcknowledged; });
}

}  // namespace mesos::protocol
