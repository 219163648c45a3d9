// What a world's machines consist of: each a pure machine, its randomness, its alarms.
#pragma once

#include "base/random.hpp"
#include "simulation/world.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mesos::simulation {

/// Where the scheduler finds a standby, which knows who leads.
inline const protocol::Address kStandby{"127.0.0.1", 5049};

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

struct World::MasterNode : std::enable_shared_from_this<World::MasterNode> {
  MasterNode(Now now, cluster::MasterOptions options, std::uint64_t seed,
             cluster::Registry registry)
      : address{"127.0.0.1", options.port},
        random(seed),
        http(now, std::move(options), {}, random, std::move(registry)) {}

  const protocol::Address address;
  Random random;
  cluster::MasterHttp http;
  ServerEnd end;
  bool alive = true;
  std::shared_ptr<Alarm> alarm = std::make_shared<Alarm>();
};

/// A host with an agent and the processes that its agents forked.
struct World::AgentNode {
  /// One process of the agent.
  struct Incarnation {
    Incarnation(Now now, cluster::AgentOptions options, std::uint64_t seed,
                cluster::AgentRecovery recovery)
        : random(seed), http(now, std::move(options), {}, random, std::move(recovery)) {}

    Random random;
    cluster::AgentHttp http;
    ServerEnd end;
    std::shared_ptr<Alarm> alarm = std::make_shared<Alarm>();
  };

  cluster::AgentHttp& http() { return incarnations.back()->http; }
  const cluster::Agent& agent() const { return incarnations.back()->http.agent(); }
  ServerEnd& end() { return incarnations.back()->end; }

  cluster::AgentOptions options;
  std::vector<std::unique_ptr<Incarnation>> incarnations;          // The last is the present one.
  bool running = false;                                            // Its process.
  bool lost = false;                                               // The host, for ever.
  std::map<std::string, std::string> disk;                         // Checkpoints by path.
  std::map<std::string, std::shared_ptr<ExecutorNode>> processes;  // By container id.
  std::set<std::string> preparing;              // Containers being fetched for, or forked.
  std::optional<protocol::Request> lastUpdate;  // That arrived.

  std::uint64_t link = 0;              // To `master`; another number after each break.
  std::shared_ptr<MasterNode> master;  // nullptr: none yet.
  TimePoint lastToMaster{}, lastToAgent{};
  bool partitioned = false;
  std::deque<std::function<void()>> held;  // What arrives when the partition heals.
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
