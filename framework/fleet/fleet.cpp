#include "fleet/fleet.hpp"

#include "base/planted_bug.hpp"
#include "base/uuid.hpp"
#include "fleet/sentences.hpp"
#include "fleet/task_info.hpp"

#include <algorithm>
#include <utility>

namespace mesos::fleet {
namespace {

using std::chrono::seconds;

/// What an unwanted offer is refused for. A change of mind revives, which clears every filter.
constexpr Duration kLongRefusal = std::chrono::hours(1);
/// A shorter filter than an allocation interval is not possible (fact O21).
constexpr Duration kShortestRefusal = seconds(1);
/// Every REVIVE makes the allocator look at every agent (pitfall 50).
constexpr Duration kReviveSpacing = seconds(1);
/// KILL is not reliable (fact K5).
constexpr Duration kKillAgain = seconds(5);
/// A launch that nobody has said a word about by then may have been lost.
constexpr Duration kLaunchSilence = seconds(30);

std::string urlOf(const Offer& offer, std::uint16_t port) {
  // The executor binds the address that the agent announces, not what its host is called.
  std::string host = offer.url().address().ip();
  if (host.empty()) host = offer.hostname();
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(port) + "/";
}

TaskID taskId(const std::string& id) {
  TaskID taskId;
  taskId.set_value(id);
  return taskId;
}

}  // namespace

Fleet::Fleet(AppSpec app, Random& random)
    : app_(std::move(app)),
      random_(random),
      servers_(app_.instances),
      reconciler_({.seed = random.next()}) {}

void Fleet::onRestored(Now now, const std::vector<TaskRecord>& tasks) {
  std::size_t placed = 0;
  // Should there be more than are wanted now, those stay that are known to have run.
  for (const auto intent :
       {TaskRecord::Intent::Running, TaskRecord::Intent::Launching, TaskRecord::Intent::Killing}) {
    for (const TaskRecord& record : tasks) {
      if (record.intent != intent) continue;
      const auto entry = tasks_.try_emplace(record.id).first;
      Task& task = entry->second;
      task.agent.set_value(record.agent);
      task.url = record.url;
      task.port = record.port;
      task.everRan = intent == TaskRecord::Intent::Running;
      reconciler_.follow(now.steady, taskId(record.id), task.agent, Duration::zero());
      if (intent == TaskRecord::Intent::Killing || placed == servers_.size()) {
        condemn(now, entry);
      } else {
        task.server = placed;
        servers_[placed++].state = Server::State::Placed;
      }
    }
  }
}

void Fleet::onRegistered(Now now) {
  connected_ = true;
  reconciler_.onSubscribed(now.steady);
  settle(now);
}

void Fleet::onReregistered(Now now) {
  connected_ = true;
  reconciler_.onSubscribed(now.steady);
  for (auto& [id, task] : tasks_) {
    if (task.killAt) task.killAt = now.steady;
  }
  settle(now);
}

void Fleet::onDisconnected(Now now) {
  connected_ = false;
  reconciler_.onDisconnected();
  settle(now);
}

void Fleet::onOffers(Now now, const std::vector<Offer>& offers) {
  for (const Offer& offer : offers) considerOffer(now, offer);
  settle(now);
}

void Fleet::onStop(Now now) {
  stopping_ = true;
  for (auto task = tasks_.begin(); task != tasks_.end(); ++task) condemn(now, task);
  settle(now);
}

void Fleet::onTimer(Now now) { settle(now); }

std::optional<Fleet::Effect> Fleet::poll() {
  if (!unremembered_.empty()) {
    Remember remember;
    for (const std::string& id : std::exchange(unremembered_, {})) {
      const auto task = tasks_.find(id);
      if (task == tasks_.end()) {
        remember.ended.push_back(id);
      } else {
        remember.tasks.push_back(recordOf(id, task->second));
      }
    }
    return remember;
  }
  if (effects_.empty()) return std::nullopt;
  Effect effect = std::move(effects_.front());
  effects_.pop_front();
  return effect;
}

std::optional<TimePoint> Fleet::deadline() const {
  if (!connected_) return std::nullopt;
  std::optional<TimePoint> earliest = reconciler_.deadline();
  const auto consider = [&](TimePoint when) {
    earliest = earliest ? std::min(*earliest, when) : when;
  };
  for (const Server& server : servers_) {
    if (stopping_ || server.state != Server::State::Waiting || server.demanded) continue;
    consider(std::max(server.dueAt, reviveAllowedAt_.value_or(server.dueAt)));
  }
  for (const auto& [id, task] : tasks_) {
    if (task.killAt && mayBeHeard(task)) consider(*task.killAt);
  }
  return earliest;
}

std::size_t Fleet::running() const {
  return static_cast<std::size_t>(
      std::count_if(tasks_.begin(), tasks_.end(),
                    [](const auto& entry) { return entry.second.state == TASK_RUNNING; }));
}

void Fleet::considerOffer(Now now, const Offer& offer) {
  Launch launching{.offer = offer.id(), .tasks = {}, .refuse = {}};
  Resources remaining(offer.resources());
  std::string why;
  while (const auto server = nextDueServer(now)) {
    const auto placement = matchOffer(app_, remaining, avoidedPorts(now, offer.agent_id()));
    if (!placement) {
      why = placement.error().message;
      break;
    }
    remaining -= placement->task;
    remaining -= placement->executor;
    launching.tasks.push_back(launch(now, *server, offer, *placement));
  }
  filtered_ = true;
  const Duration refuse = refusal(now, offer.agent_id());
  if (launching.tasks.empty()) {
    if (why.empty()) why = whyNothingIsWanted(now);
    effects_.emplace_back(Decline{.offer = offer.id(), .refuse = refuse, .why = std::move(why)});
  } else {
    launching.refuse = refuse;
    effects_.emplace_back(std::move(launching));
  }
}

TaskInfo Fleet::launch(Now now, std::size_t server, const Offer& offer,
                       const Placement& placement) {
  const std::string id = app_.name + "-" + randomUuidText(random_);
  servers_[server].state = Server::State::Placed;
  Task& task = tasks_[id];
  task.agent = offer.agent_id();
  task.port = placement.port;
  task.url = urlOf(offer, placement.port);
  task.server = server;
  reconciler_.follow(now.steady, taskId(id), task.agent, kLaunchSilence);
  if (!MESOS_PLANTED(LaunchWithoutRemembering)) unremembered_.insert(id);
  return makeTask(app_, id, offer, placement);
}

std::optional<std::size_t> Fleet::nextDueServer(Now now) const {
  if (stopping_) return std::nullopt;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const Server& server = servers_[i];
    if (server.state == Server::State::Waiting && server.dueAt <= now.steady) return i;
  }
  return std::nullopt;
}

std::optional<TimePoint> Fleet::nextDue() const {
  std::optional<TimePoint> earliest;
  for (const Server& server : servers_) {
    if (stopping_ || server.state != Server::State::Waiting) continue;
    earliest = earliest ? std::min(*earliest, server.dueAt) : server.dueAt;
  }
  return earliest;
}

std::string Fleet::whyNothingIsWanted(Now now) const {
  if (stopping_) return "stopping";
  if (const auto due = nextDue()) {
    return "the next server is due in " + formatSeconds(*due - now.steady);
  }
  if (app_.instances == 1) return "the server is placed";
  return "all " + std::to_string(app_.instances) + " servers are placed";
}

Duration Fleet::refusal(Now now, const AgentID& agent) const {
  std::optional<TimePoint> useful = nextDue();
  if (useful && *useful <= now.steady) {
    // A server is due and this offer cannot hold it: more of the same is of no use either, unless
    // it is for its ports.
    useful = std::nullopt;
    if (const auto bad = badPorts_.find(agent.value()); bad != badPorts_.end()) {
      for (const auto& [port, until] : bad->second) {
        if (until > now.steady) useful = useful ? std::min(*useful, until) : until;
      }
    }
  }
  if (!useful) return kLongRefusal;
  return std::clamp<Duration>(*useful - now.steady, kShortestRefusal, kLongRefusal);
}

std::set<std::uint16_t> Fleet::avoidedPorts(Now now, const AgentID& agent) const {
  std::set<std::uint16_t> ports;
  if (const auto bad = badPorts_.find(agent.value()); bad != badPorts_.end()) {
    for (const auto& [port, until] : bad->second) {
      if (until > now.steady) ports.insert(port);
    }
  }
  return ports;
}

void Fleet::settle(Now now) {
  if (connected_) {
    settleDemand(now);
    settleKills(now);
    settleQuestions(now);
  }
  if (stopping_) settleStop();
}

void Fleet::settleDemand(Now now) {
  if (!nextDueServer(now)) {
    if (!suppressed_) effects_.emplace_back(Suppress{});
    suppressed_ = true;
    return;
  }
  bool unheeded = false;
  for (const Server& server : servers_) {
    if (server.state != Server::State::Waiting || server.dueAt > now.steady) continue;
    unheeded = unheeded || !server.demanded;
  }
  if (!unheeded) return;
  if ((suppressed_ || filtered_) && !MESOS_PLANTED(NeverRevive)) {
    if (reviveAllowedAt_ && now.steady < *reviveAllowedAt_) return;
    effects_.emplace_back(Revive{});
    reviveAllowedAt_ = now.steady + kReviveSpacing;
    suppressed_ = false;
    filtered_ = false;
  }
  for (Server& server : servers_) {
    if (server.state == Server::State::Waiting && server.dueAt <= now.steady) {
      server.demanded = true;
    }
  }
}

void Fleet::settleKills(Now now) {
  for (auto& [id, task] : tasks_) {
    if (!task.killAt || now.steady < *task.killAt || !mayBeHeard(task)) continue;
    effects_.emplace_back(Kill{taskId(id)});
    task.killAt = now.steady + kKillAgain;
  }
}

void Fleet::settleQuestions(Now now) {
  reconciler_.onTimer(now.steady);
  while (auto question = reconciler_.poll()) effects_.emplace_back(Reconcile{std::move(*question)});
}

/// It is to end: now, and again until it has.
void Fleet::condemn(Now now, Tasks::iterator task) {
  task->second.killAt = now.steady;
  unremembered_.insert(task->first);
}

TaskRecord Fleet::recordOf(const std::string& id, const Task& task) const {
  using Intent = TaskRecord::Intent;
  return {.id = id,
          .agent = task.agent.value(),
          .url = task.url,
          .port = task.port,
          .intent = task.killAt    ? Intent::Killing
                    : task.everRan ? Intent::Running
                                   : Intent::Launching};
}

void Fleet::settleStop() {
  const bool waiting = std::any_of(tasks_.begin(), tasks_.end(),
                                   [this](const auto& entry) { return mayBeHeard(entry.second); });
  if (waiting || drained_) return;
  drained_ = true;
  effects_.emplace_back(Drained{});
}

}  // namespace mesos::fleet
