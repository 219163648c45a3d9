// Frameworks come and go; time passes.
#include "cluster/master.hpp"

#include "base/check.hpp"
#include "base/planted_bug.hpp"
#include "base/uuid.hpp"
#include "cluster/validation.hpp"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace mesos::cluster {
namespace {

/// Never beyond what a TimePoint holds: 290 years are a valid failover_timeout (fact S52).
TimePoint saturatingAdd(TimePoint time, Duration duration) {
  if (duration > TimePoint::max() - time) return TimePoint::max();
  return time + duration;
}

/// The address as a number whose bytes lie in network order (fact Z11). 0 if it is not IPv4.
std::uint32_t ipNumber(const std::string& ip) {
  unsigned parts[4];
  char rest;
  const int count = std::sscanf(ip.c_str(), "%3u.%3u.%3u.%3u%c", &parts[0], &parts[1], &parts[2],
                                &parts[3], &rest);
  if (count != 4) return 0;
  std::uint32_t number = 0;
  for (int i = 3; i >= 0; --i) number = number << 8 | (parts[i] & 0xff);
  return number;
}

MasterInfo makeInfo(const MasterOptions& options, const std::string& id) {
  MasterInfo info;
  info.set_id(id);
  info.set_ip(ipNumber(options.ip));
  info.set_port(options.port);
  info.set_pid("master@" + options.ip + ":" + std::to_string(options.port));
  info.set_hostname(options.hostname);
  info.set_version(options.version);
  info.mutable_address()->set_hostname(options.hostname);
  info.mutable_address()->set_ip(options.ip);
  info.mutable_address()->set_port(options.port);
  for (const auto capability :
       {MasterInfo::Capability::AGENT_UPDATE, MasterInfo::Capability::AGENT_DRAINING,
        MasterInfo::Capability::QUOTA_V2}) {
    info.add_capabilities()->set_type(capability);
  }
  return info;
}

}  // namespace

std::vector<Resources> MasterOptions::defaultMinAllocatable() {
  return {Resources::parse("cpus:0.01").value(), Resources::parse("mem:32").value()};
}

Master::Master(Now now, MasterOptions options, Random& random, Registry registry)
    : options_(std::move(options)),
      random_(random),
      id_(randomUuidText(random)),
      info_(makeInfo(options_, id_)),
      started_(now),
      leader_(info_),
      elected_(now),
      allocator_({options_.allocationInterval, options_.minAllocatable}, random) {
  onRegistry(now, std::move(registry));
}

void Master::onRegistry(Now now, Registry registry) {
  registry_ = std::move(registry);
  recovered_.clear();
  for (const auto& [id, info] : registry_.admitted) recovered_[id] = info.unpack();
  recoverBy_.reset();
  if (!recovered_.empty()) {
    recoverBy_ = saturatingAdd(now.steady, options_.agentReregisterTimeout);
  }
}

void Master::onLeader(Now now, std::optional<MasterInfo> leader) {
  leader_ = std::move(leader);
  if (leads()) elected_ = now;
}

MasterFramework* Master::findFramework(const std::string& frameworkId) {
  const auto found = frameworks_.find(frameworkId);
  return found == frameworks_.end() ? nullptr : &found->second;
}

MasterAgent* Master::findAgent(const std::string& agentId) {
  const auto found = agents_.find(agentId);
  return found == agents_.end() ? nullptr : &found->second;
}

const MasterFramework* Master::frameworkOf(StreamId stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : &frameworks_.at(found->second);
}

void Master::send(const MasterFramework& framework, Event event) {
  if (framework.stream) effects_.push_back(ToFramework{*framework.stream, std::move(event)});
}

void Master::sendStatus(const MasterFramework& framework, TaskStatus status) {
  if (!framework.stream) return;
  Event event;
  event.set_type(Event::UPDATE);
  *event.mutable_update()->mutable_status() = std::move(status);
  send(framework, std::move(event));
}

/// What cannot be sent is lost; the agent asks for what it missed when it registers again.
void Master::sendToAgent(const MasterAgent& agent, MasterToAgent message) {
  if (!agent.connected) return;
  effects_.push_back(ToAgent{agent.info.id().value(), agent.link, std::move(message)});
}

std::optional<Master::Effect> Master::poll() {
  if (effects_.empty()) return std::nullopt;
  Effect effect = std::move(effects_.front());
  effects_.pop_front();
  return effect;
}

// --- Subscriptions.

bool Master::wasRemoved(const std::string& frameworkId) const {
  return std::any_of(completedFrameworks_.begin(), completedFrameworks_.end(),
                     [&](const auto& one) { return one.info.id().value() == frameworkId; });
}

Result<void> Master::admitRoles(const FrameworkInfo& info) const {
  for (const std::string& role : rolesOf(info)) {
    if (options_.roleWhitelist.empty() || options_.roleWhitelist.count(role) != 0) continue;
    return Error{"Role '" + role + "' is not present in the master's --roles"};
  }
  return {};
}

/// Fact S11: the reasons to refuse a framework.
Result<void> Master::admit(const Call::Subscribe& subscribe) const {
  const FrameworkInfo& info = subscribe.framework_info();
  if (const auto valid = validateSubscribe(subscribe); !valid) return valid;
  if (const auto valid = admitRoles(info); !valid) return valid;
  if (info.user() == "root" && !options_.rootSubmissions) {
    return Error{"User 'root' is not allowed to run frameworks without --root_submissions set"};
  }
  const std::string& id = info.id().value();
  if (wasRemoved(id)) return Error{"Framework has been removed"};
  const auto known = frameworks_.find(id);
  if (known == frameworks_.end()) return {};
  return validatePrincipal(known->second.info, info);
}

void Master::refuse(StreamId stream, const std::string& message) {
  Event event;
  event.set_type(Event::ERROR);
  event.mutable_error()->set_message(message);
  effects_.push_back(ToFramework{stream, std::move(event)});
  effects_.push_back(EndFrameworkStream{stream});
}

void Master::onSubscribe(Now now, StreamId stream, const Call::Subscribe& subscribe) {
  FrameworkInfo info = subscribe.framework_info();
  const std::string id = info.id().value();
  ++counters_
        .messages[id.empty() ? "messages_register_framework" : "messages_reregister_framework"];
  if (const auto admitted = admit(subscribe); !admitted) {
    refuse(stream, admitted.error().message);
    return;
  }
  const std::set<std::string> suppressed(subscribe.suppressed_roles().begin(),
                                         subscribe.suppressed_roles().end());
  if (id.empty()) {
    char number[24];
    std::snprintf(number, sizeof number, "-%04llu",
                  static_cast<unsigned long long>(nextFramework_++));
    info.mutable_id()->set_value(id_ + number);
  }
  if (MasterFramework* known = findFramework(id)) {
    resubscribe(now, stream, *known, std::move(info), suppressed);
  } else {
    subscribeNew(now, stream, std::move(info), suppressed);
  }
}

void Master::subscribeNew(Now now, StreamId stream, FrameworkInfo info,
                          const std::set<std::string>& suppressed) {
  MasterFramework& framework = frameworks_[info.id().value()];
  framework.info = std::move(info);
  framework.registered = now;
  connect(now, stream, framework);
  allocator_.addFramework(now, framework.info, suppressed);
  tellFrameworkAdded(framework);
}

/// Facts S40-S45.
void Master::resubscribe(Now now, StreamId stream, MasterFramework& framework, FrameworkInfo info,
                         const std::set<std::string>& suppressed) {
  if (framework.stream) {
    refuse(detachStream(framework), "Framework failed over");
  }
  if (!MESOS_PLANTED(KeepOffersOfDisconnected)) withdrawOffers(now, framework);
  if (framework.removeAt) {
    removals_.erase({*framework.removeAt, info.id().value()});
    framework.removeAt.reset();
  }
  info.set_user(framework.info.user());  // Fact S42.
  if (framework.info.has_checkpoint()) {
    info.set_checkpoint(framework.info.checkpoint());
  } else {
    info.clear_checkpoint();
  }
  framework.info = std::move(info);
  if (framework.recovered) {
    framework.registered = now;
    framework.recovered = false;
  } else {
    framework.reregistered = now;
  }
  connect(now, stream, framework);
  allocator_.updateFramework(now, framework.info, suppressed);
  allocator_.activateFramework(now, framework.info.id().value());
  // Any agent may hold updates of it, also for tasks that this master does not know (fact X34).
  for (const auto& agent : agents_) {
    sendToAgent(agent.second, FrameworkResubscribed{framework.info});
  }
  tellFrameworkUpdated(framework);
}

/// Facts S60-S63.
Result<void> Master::updateFramework(Now now, const Call::UpdateFramework& update) {
  MasterFramework* framework = findFramework(update.framework_info().id().value());
  if (framework == nullptr) return Error{"Framework cannot be found"};
  if (auto valid = validateUpdate(framework->info, update); !valid) return valid;
  if (auto valid = admitRoles(update.framework_info()); !valid) return valid;
  const bool changes =
      !google::protobuf::util::MessageDifferencer::Equals(framework->info, update.framework_info());
  framework->info = update.framework_info();
  const std::set<std::string> roles = rolesOf(framework->info);
  const std::set<std::string> outstanding = framework->offers;
  for (const std::string& id : outstanding) {
    if (roles.count(allocationRole(offers_.at(id).resources)) == 0) rescindOffer(now, id);
  }
  allocator_.updateFramework(now, framework->info,
                             {update.suppressed_roles().begin(), update.suppressed_roles().end()});
  if (!changes) return {};  // Of other suppressed roles nobody is told (fact S63).
  for (const auto& agent : agents_) sendToAgent(agent.second, FrameworkUpdated{framework->info});
  tellFrameworkUpdated(*framework);
  return {};
}

void Master::connect(Now now, StreamId stream, MasterFramework& framework) {
  const std::string& id = framework.info.id().value();
  framework.stream = stream;
  framework.active = true;
  streams_[stream] = id;
  Event subscribed;
  subscribed.set_type(Event::SUBSCRIBED);
  *subscribed.mutable_subscribed()->mutable_framework_id() = framework.info.id();
  subscribed.mutable_subscribed()->set_heartbeat_interval_seconds(
      toSeconds(options_.heartbeatInterval));
  *subscribed.mutable_subscribed()->mutable_master_info() = info_;
  send(framework, std::move(subscribed));
  framework.heartbeatAt = now.steady;
  heartbeats_.insert({framework.heartbeatAt, id});
  beatHearts(now);
}

void Master::beatHearts(Now now) {
  while (!heartbeats_.empty() && heartbeats_.begin()->first <= now.steady) {
    const std::string id = heartbeats_.begin()->second;
    heartbeats_.erase(heartbeats_.begin());
    MasterFramework& framework = frameworks_.at(id);
    Event event;
    event.set_type(Event::HEARTBEAT);
    send(framework, std::move(event));
    while (framework.heartbeatAt <= now.steady) framework.heartbeatAt += options_.heartbeatInterval;
    heartbeats_.insert({framework.heartbeatAt, id});
  }
}

/// The framework stays, without a stream; the caller says what becomes of that.
StreamId Master::detachStream(MasterFramework& framework) {
  const StreamId stream = *framework.stream;
  heartbeats_.erase({framework.heartbeatAt, framework.info.id().value()});
  streams_.erase(stream);
  framework.stream.reset();
  return stream;
}

void Master::onStreamClosed(Now now, StreamId stream) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  MasterFramework& framework = frameworks_.at(found->second);
  detachStream(framework);
  disconnect(now, framework);
}

/// Facts S51 and S52.
void Master::disconnect(Now now, MasterFramework& framework) {
  const std::string id = framework.info.id().value();
  framework.active = false;
  if (!MESOS_PLANTED(KeepOffersOfDisconnected)) withdrawOffers(now, framework);
  allocator_.deactivateFramework(id);
  const Duration timeout = fromSeconds(framework.info.failover_timeout() / options_.timeScale);
  if (timeout <= Duration::zero()) {
    removeFramework(now, id);
    return;
  }
  framework.removeAt = saturatingAdd(now.steady, timeout);
  removals_.insert({*framework.removeAt, id});
}

// --- Removal.

bool Master::teardown(Now now, const std::string& frameworkId) {
  if (findFramework(frameworkId) == nullptr) return false;
  removeFramework(now, frameworkId);
  return true;
}

/// Facts S54-S56: agents are told, the framework is not.
void Master::removeFramework(Now now, std::string frameworkId) {
  MasterFramework& framework = frameworks_.at(frameworkId);
  withdrawOffers(now, framework);
  if (framework.stream) effects_.push_back(EndFrameworkStream{detachStream(framework)});
  if (framework.removeAt) removals_.erase({*framework.removeAt, frameworkId});
  framework.removeAt.reset();
  framework.active = false;
  framework.unregistered = now;
  endTasksOfRemoved(now, framework);
  tellFrameworkRemoved(framework);
  allocator_.removeFramework(frameworkId);
  completedFrameworks_.push_back(std::move(framework));
  frameworks_.erase(frameworkId);
  while (completedFrameworks_.size() > options_.completedFrameworksMax) {
    completedFrameworks_.pop_front();
  }
}

void Master::endTasksOfRemoved(Now now, MasterFramework& framework) {
  const FrameworkID& frameworkId = framework.info.id();
  std::set<std::string> agents;
  while (!framework.tasks.empty()) {
    const std::string taskId = framework.tasks.begin()->first;
    MasterTask& task = framework.tasks.begin()->second;
    agents.insert(task.agent->info.id().value());
    if (!isTerminal(task.task.state())) {
      TaskID id;
      id.set_value(taskId);
      TaskStatus status =
          makeStatus(id, TASK_KILLED, "Framework " + frameworkId.value() + " removed");
      status.set_source(TaskStatus::SOURCE_MASTER);
      status.set_reason(TaskStatus::REASON_FRAMEWORK_REMOVED);
      *status.mutable_agent_id() = task.agent->info.id();
      status.set_timestamp(now.unixSeconds());
      applyStatus(now, framework, task, status, TASK_KILLED);
    }
    completeTask(framework, taskId);
  }
  for (const auto& [agentId, executors] : framework.executors) {
    agents.insert(agentId);
    for (const auto& executor : executors) {
      release(now, frameworkId.value(), agentId, Resources(executor.second.resources()));
    }
  }
  framework.executors.clear();
  for (auto& [agentId, agent] : agents_) {
    const auto erased = std::erase_if(agent.operations, [&](const auto& entry) {
      return entry.second.framework_id().value() == frameworkId.value();
    });
    if (erased > 0) agents.insert(agentId);
  }
  for (const std::string& agentId : agents) {
    if (const MasterAgent* agent = findAgent(agentId)) {
      sendToAgent(*agent, ShutdownFramework{frameworkId});
    }
  }
}

// --- Time.

void Master::onTimer(Now now) {
  settleDrains(now);
  while (!removals_.empty() && removals_.begin()->first <= now.steady) {
    removeFramework(now, removals_.begin()->second);
  }
  while (!rescissions_.empty() && rescissions_.begin()->first <= now.steady) {
    const std::string id = rescissions_.begin()->second;
    rescindOffer(now, id);
  }
  expireAgents(now);
  pingAgents(now);
  beatHearts(now);
  makeOffers(now);
}

std::optional<TimePoint> Master::deadline() const {
  for (const auto& [agentId, drain] : registry_.deactivated) {
    const bool isDraining = drain && drain->state() == v1::DRAINING;
    if (isDraining && isDrained(agentId)) return TimePoint{};  // At once.
  }
  std::optional<TimePoint> earliest = allocator_.deadline();
  if (recoverBy_ && (!earliest || *recoverBy_ < *earliest)) earliest = recoverBy_;
  for (const Timers* timers :
       {&heartbeats_, &removals_, &rescissions_, &pings_, &reregistrations_}) {
    if (timers->empty()) continue;
    const TimePoint time = timers->begin()->first;
    if (!earliest || time < *earliest) earliest = time;
  }
  return earliest;
}

}  // namespace mesos::cluster
