// The part of Fleet that learns how its tasks fare.
#include "base/planted_bug.hpp"
#include "fleet/fleet.hpp"
#include "fleet/sentences.hpp"

#include <algorithm>
#include <utility>

namespace mesos::fleet {
namespace {

using std::chrono::seconds;

/// A port on which a server could not start is left alone on that agent for so long: someone else
/// may hold it.
constexpr Duration kBadPort = seconds(60);
/// A task that was dropped never ran, and says nothing about its app (pitfall 40); so many times in
/// a row it does.
constexpr int kDropsForgiven = 3;
constexpr std::size_t kEndedRemembered = 1000;

/// LOST and GONE_BY_OPERATOR are the master's opinion, and so is its GONE: it calls a task so whose
/// agent it has and that it does not have itself (fact C12), such as one that it has given up
/// because the connection to the agent broke (fact G1). Such a task may be seen again (fact U2).
bool isProvenEnd(const TaskStatus& status) {
  if (status.state() == TASK_GONE) return status.source() != TaskStatus::SOURCE_MASTER;
  return isTerminal(status.state()) && status.state() != TASK_LOST &&
         status.state() != TASK_GONE_BY_OPERATOR;
}

}  // namespace

bool Fleet::onStatus(Now now, const TaskStatus& status) {
  const bool isOfATask = reconciler_.onStatus(now.steady, status);
  const std::string& id = status.task_id().value();
  const auto known = tasks_.find(id);
  const bool isNews =
      isOfATask && !(known != tasks_.end() && known->second.state == status.state() &&
                     status.reason() == TaskStatus::REASON_RECONCILIATION);
  if (isOfATask && !ended_.contains(id)) {
    if (known == tasks_.end()) {
      onStranger(now, status);
    } else if (isTerminal(status.state()) ||
               (MESOS_PLANTED(ReplaceUnreachable) && status.state() == TASK_UNREACHABLE)) {
      onEnded(now, known, status);
    } else if (status.state() != TASK_UNKNOWN) {
      onAlive(now, known, status);
    } else if (status.has_agent_id() && reconciler_.isCertain()) {
      // No agent is on its way back, and the one asked for has left without a trace (fact C14).
      // (Without agent_id the same word may mean an unreachable agent, fact C13.)
      reconciler_.forget(status.task_id());
      onEnded(now, known, status);
    }
  }
  settle(now);
  return isNews;
}

void Fleet::onStranger(Now now, const TaskStatus& status) {
  if (isTerminal(status.state()) || status.state() == TASK_UNKNOWN) return;
  // A server that waits for its replacement takes the lost task back, if that is of use.
  if (status.state() == TASK_UNREACHABLE || MESOS_PLANTED(IgnoreStrangers)) return;
  std::optional<std::size_t> server;
  for (std::size_t i = 0; i < servers_.size() && !server; ++i) {
    if (servers_[i].state == Server::State::Waiting) server = i;
  }
  if (stopping_) server = std::nullopt;

  const std::string& id = status.task_id().value();
  const auto task = tasks_.try_emplace(id).first;
  unremembered_.insert(id);
  reconciler_.follow(now.steady, status.task_id(), status.agent_id(), Duration::zero());
  reconciler_.onStatus(now.steady, status);
  if (server) {
    task->second.server = server;
    servers_[*server].state = Server::State::Placed;
    effects_.emplace_back(
        Announce{"Adopted task " + id + ", which is in state " + TaskState_Name(status.state())});
  } else {
    condemn(now, task);
    if (!stopping_) {
      effects_.emplace_back(Announce{"Task " + id + " is one too many: killing it"});
    }
  }
  onAlive(now, task, status);
}

void Fleet::onAlive(Now now, Tasks::iterator entry, const TaskStatus& status) {
  auto& [id, task] = *entry;
  const TaskState before = std::exchange(task.state, status.state());
  if (status.has_agent_id()) task.agent = status.agent_id();

  if (status.state() == TASK_UNREACHABLE) {
    if (before == TASK_UNREACHABLE) return;
    effects_.emplace_back(
        Announce{"Task " + id + " is unreachable: waiting for its agent to come back"});
    return;
  }
  if (before == TASK_UNREACHABLE) {
    effects_.emplace_back(Announce{"Task " + id + " is back"});
    if (task.killAt) task.killAt = now.steady;
  }
  if (status.state() != TASK_RUNNING || task.runningSince) return;
  task.runningSince = now.steady;
  if (!std::exchange(task.everRan, true)) unremembered_.insert(id);
  if (task.server) servers_[*task.server].dropsInARow = 0;
  if (!task.url.empty()) effects_.emplace_back(Announce{"Server is running: " + task.url});
}

void Fleet::onEnded(Now now, Tasks::iterator entry, const TaskStatus& status) {
  const Task task = std::move(entry->second);
  unremembered_.insert(entry->first);
  tasks_.erase(entry);
  if (isProvenEnd(status)) rememberEnd(status.task_id().value());
  if (!task.server) return;

  Server& server = servers_[*task.server];
  const Duration delay = replacementDelay(now, server, task, status);
  server.state = Server::State::Waiting;
  server.dueAt = now.steady + delay;
  server.demanded = false;
  if (!task.everRan && status.state() == TASK_FAILED && task.port != 0) {
    avoidPort(now, task);
  }
  if (!stopping_) announceEnd(status, delay);
}

void Fleet::avoidPort(Now now, const Task& task) {
  for (auto& [agent, ports] : badPorts_) {
    std::erase_if(ports, [&](const auto& port) { return port.second <= now.steady; });
  }
  std::erase_if(badPorts_, [](const auto& agent) { return agent.second.empty(); });
  badPorts_[task.agent.value()][task.port] = now.steady + kBadPort;
}

Duration Fleet::replacementDelay(Now now, Server& server, const Task& task,
                                 const TaskStatus& status) {
  if (neverRan(task, status) && server.dropsInARow < kDropsForgiven) {
    ++server.dropsInARow;
    return Duration::zero();
  }
  const Duration ran = task.runningSince ? now.steady - *task.runningSince : Duration::zero();
  return server.restart.delayAfter(ran, random_);
}

bool Fleet::neverRan(const Task& task, const TaskStatus& status) {
  if (status.state() == TASK_DROPPED) return true;
  if (!status.has_reason()) return false;
  if (status.reason() == TaskStatus::REASON_INVALID_OFFERS) return true;
  // Remembered, and then its ACCEPT never left: nobody has ever heard of it.
  return task.state == TASK_STAGING && !task.everRan &&
         status.reason() == TaskStatus::REASON_RECONCILIATION;
}

void Fleet::rememberEnd(const std::string& taskId) {
  if (!ended_.insert(taskId).second) return;
  endedInOrder_.push_back(taskId);
  if (endedInOrder_.size() <= kEndedRemembered) return;
  ended_.erase(endedInOrder_.front());
  endedInOrder_.pop_front();
}

void Fleet::announceEnd(const TaskStatus& status, Duration delay) {
  std::string line =
      "Task " + status.task_id().value() + " ended (" + TaskState_Name(status.state());
  if (!status.message().empty()) line += ": " + status.message();
  line += "); a replacement starts ";
  line += delay == Duration::zero() ? "at once" : "in " + formatSeconds(delay);
  effects_.emplace_back(Announce{std::move(line)});
}

}  // namespace mesos::fleet
