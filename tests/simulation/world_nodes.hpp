// What a world's machines consist of: each a pure machine, its randomness, its alarms.
#pragma once

#include "base/random.hpp"
#include "simulation/world.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

namespace mesos::simulation {

struct World::SchedulerNode {
  SchedulerNode(const v1::FrameworkInfo& framework, const fleet::AppSpec& app, std::uint64_t seed)
      : random(seed), session({}, framework, random), fleet(app, random) {}

  Random random;
  protocol::SchedulerSession session;
  fleet::Fleet fleet;
  std::uint64_t generation = 0;
  bool registered = false;
  std::map<protocol::ConnectionId, LinkId> links;
  std::deque<std::variant<v1::scheduler::Event, protocol::Disconnected>> callbacks;
  bool callbackPending = false;
  std::shared_ptr<Alarm> sessionAlarm = std::make_shared<Alarm>();
  std::shared_ptr<Alarm> fleetAlarm = std::make_shared<Alarm>();
};

struct World::MasterNode {
  MasterNode(Now now, cluster::MasterOptions options, std::uint64_t seed)
      : random(seed), http(now, std::move(options), {}, random) {}

  Random random;
  cluster::MasterHttp http;
  ServerEnd end;
  std::shared_ptr<Alarm> alarm = std::make_shared<Alarm>();
};

struct World::AgentNode {
  AgentNode(Now now, cluster::AgentOptions options, std::uint64_t seed)
      : random(seed), http(now, std::move(options), {}, random) {}

  Random random;
  cluster::AgentHttp http;
  ServerEnd end;
  std::shared_ptr<Alarm> alarm = std::make_shared<Alarm>();
  std::map<std::string, std::shared_ptr<ExecutorNode>> processes;  // By container id.
  std::optional<protocol::Request> lastUpdate;                     // That arrived.
};

/// A process: an executor that serves its tasks, or dies.
struct World::ExecutorNode {
  ExecutorNode(protocol::ExecutorSessionOptions options, std::uint64_t seed)
      : random(seed), session(std::move(options), random) {}

  Random random;
  protocol::ExecutorSession session;
  std::size_t agent = 0;
  std::string container;
  bool alive = true;
  bool stopping = false;
  std::map<std::string, TaskState> tasks;  // That have not ended.
  std::set<std::string> seen;              // Every task ever launched here.
  std::map<protocol::ConnectionId, LinkId> links;
  std::shared_ptr<Alarm> alarm = std::make_shared<Alarm>();
};

}  // namespace mesos::simulation
