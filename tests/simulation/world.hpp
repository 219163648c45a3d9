// A whole cluster and its framework in one thread: the real scheduler session and fleet, MasterHttp
// and master, AgentHttp and agents, an executor session for every process an agent forks. Only the
// network, the processes and time are simulated.
#pragma once

#include "base/random.hpp"

#include "base/planted_bug.hpp"
#include "cluster/agent_http.hpp"
#include "cluster/master_http.hpp"
#include "fleet/fleet.hpp"
#include "protocol/executor_session.hpp"
#include "protocol/scheduler_session.hpp"
#include "simulation/clockwork.hpp"
#include "simulation/network.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mesos::simulation {

/// How often each fault fired, by its name.
using FaultCounts = std::map<std::string, std::uint64_t>;

struct WorldOptions {
  std::uint64_t seed = 1;
  bool trace = false;  ///< Print what happens.
  Duration faultsFor = std::chrono::minutes(3);
  Duration restFor = std::chrono::minutes(30);
};

/// What broke, in a sentence.
struct Violation {
  std::string sentence;
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();

  /// Runs the world to its rest. nullopt: every invariant held.
  std::optional<Violation> run();
  const FaultCounts& faults() const { return faults_; }
  std::uint64_t steps() const { return steps_; }

 private:
  /// At most one pending wake-up of a machine.
  struct Alarm {
    std::optional<TimePoint> at;
  };
  struct SchedulerNode;
  struct MasterNode;
  struct AgentNode;
  struct ExecutorNode;

  // world.cpp: a world from its seed to its rest.
  void arm(const std::shared_ptr<Alarm>& alarm, std::optional<TimePoint> deadline,
           std::function<void()> wake);
  void fail(std::string sentence);
  void note(const std::string& line);

  // world_scheduler.cpp: the framework's side.
  void startScheduler();
  void killScheduler();
  void pumpScheduler();
  void perform(protocol::SchedulerSession::Effect& effect);
  void runCallback();
  void handle(const v1::scheduler::Event& event);
  void performFleet();
  bool remember(const fleet::Remember& decision);

  // world_cluster.cpp: the master and its agents.
  void pumpMaster();
  void perform(cluster::MasterHttp::Effect& effect);
  void pumpAgent(std::size_t index);
  void perform(std::size_t index, cluster::AgentHttp::Effect& effect);

  // world_executors.cpp: the processes that agents fork.
  void startExecutor(std::size_t agent, const cluster::ForkContainer& fork);
  void pumpExecutor(const std::shared_ptr<ExecutorNode>& node);
  void perform(const std::shared_ptr<ExecutorNode>& node,
               protocol::ExecutorSession::Effect& effect);
  void onExecutorEvent(const std::shared_ptr<ExecutorNode>& node, const v1::executor::Event& event);
  void endIfIdle(const std::shared_ptr<ExecutorNode>& node);
  void reportLater(const std::shared_ptr<ExecutorNode>& node, const TaskID& task, TaskState state,
                   Duration delay, std::string message = {});
  void endProcess(std::size_t agent, const std::string& container, int status);
  std::vector<std::shared_ptr<ExecutorNode>> liveExecutors() const;

  // world_faults.cpp: what goes wrong, and when.
  void scheduleChaos();
  void chaos();
  void stopChaos();
  void killSomeExecutor();
  void repeatSomeUpdate();
  void cutSomeLink();

  // world_invariants.cpp: what must hold.
  void checkStep();
  void checkLaunch(std::size_t launched);
  void checkSend(const protocol::Request& request);
  void checkRest();

  WorldOptions options_;
  Random random_;
  Clockwork clockwork_;
  Network network_;
  FaultCounts faults_;
  std::uint64_t steps_ = 0;
  std::optional<Violation> violation_;
  bool chaotic_ = true;
  fleet::AppSpec app_;
  bool checkpoint_ = false;
  TimePoint end_;

  std::unique_ptr<MasterNode> master_;
  std::vector<std::unique_ptr<AgentNode>> agents_;
  std::unique_ptr<SchedulerNode> scheduler_;
  // What is on the scheduler's disk.
  std::optional<FrameworkID> storedId_;
  std::map<std::string, fleet::TaskRecord> storedTasks_;
  std::set<std::string> handledUuids_;
  std::set<std::string> killed_;  // Tasks that the fleet wants gone.
  std::uint64_t schedulerGeneration_ = 0;
};

}  // namespace mesos::simulation
