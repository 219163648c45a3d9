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
  void tellScheduler(std::optional<protocol::Address> leader);
  void pumpScheduler();
  void perform(protocol::SchedulerSession::Effect& effect);
  void runCallback();
  void handle(const v1::scheduler::Event& event);
  void performFleet();
  bool remember(const fleet::Remember& decision);

  // world_masters.cpp: masters, one at a time, and who knows them.
  void electMaster(cluster::Registry registry);
  void pumpMaster(const std::shared_ptr<MasterNode>& node);
  void perform(const std::shared_ptr<MasterNode>& node, cluster::MasterHttp::Effect& effect);
  std::shared_ptr<MasterNode> makeMaster(cluster::MasterOptions options,
                                         cluster::Registry registry);
  ServerEnd* endAt(const protocol::Address& address);
  void failMaster();

  // world_agents.cpp: agents, and their links to the master.
  void addAgent();
  void startAgent(std::size_t index, cluster::AgentRecovery recovery);
  void linkAgent(std::size_t index);
  void breakLink(std::size_t index);
  /// Carries a message over the link between an agent and its master, in order.
  void carry(std::size_t index, bool toMaster, std::function<void()> arrive);
  void pumpAgent(std::size_t index);
  void perform(std::size_t index, cluster::AgentHttp::Effect& effect);
  bool performContainer(std::size_t index, cluster::AgentHttp::Effect& effect);
  /// Does it, unless the agent's process is another one by then.
  void afterwards(std::size_t index, Duration delay, std::function<void()> happening);
  void restartAgent(std::size_t index);
  void partition(std::size_t index, Duration lasting);
  void heal(std::size_t index);
  void loseHost(std::size_t index);
  void markGone(std::string agentId);

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
  bool killSomeExecutor(std::optional<std::size_t> agent);
  void repeatSomeUpdate();
  void cutSomeLink();
  void halfOpenSomeLink();
  void degradeNetwork();
  void slowNetwork();
  void blindDetector();
  void crashScheduler();
  void harmSomeAgent();
  void killExecutorAndAgent(std::size_t index);
  bool happens(const std::string& fault) const { return chaotic_ && !spared_.contains(fault); }

  // world_invariants.cpp: what must hold.
  void checkStep();
  void checkBooks(const cluster::Master& master);
  void checkLaunch(std::size_t launched);
  void checkSend(const protocol::Request& request);
  void checkStatus(const TaskStatus& status);
  void checkDelivery(const std::string& taskId);
  void checkRest();
  void checkRestOfFleet();
  void checkRestOfMaster();
  void checkRestOfAgents();
  bool isExecutorOf(const std::string& agentId, const std::string& frameworkId,
                    const std::string& executorId) const;

  WorldOptions options_;
  Random random_;
  Clockwork clockwork_;
  Network network_;
  FaultCounts faults_;
  std::uint64_t steps_ = 0;
  std::optional<Violation> violation_;
  bool chaotic_ = true;
  std::set<std::string> spared_;  // Faults that this world does not have.
  fleet::AppSpec app_;
  bool checkpoint_ = false;
  TimePoint end_;

  bool redirected_ = false;  // The scheduler knows a standby; otherwise a detector tells it.
  Duration agentLatencyMax_ = std::chrono::milliseconds(1);
  std::shared_ptr<MasterNode> standby_;
  std::shared_ptr<MasterNode> master_;  // nullptr: nobody leads.
  std::vector<std::shared_ptr<MasterNode>> formerMasters_;
  std::vector<std::unique_ptr<AgentNode>> agents_;
  std::uint64_t lastLink_ = 0;
  bool masterWorked_ = false;  // Since its books were checked.
  std::unique_ptr<SchedulerNode> scheduler_;
  // What is on the scheduler's disk.
  std::optional<FrameworkID> storedId_;
  std::map<std::string, fleet::TaskRecord> storedTasks_;
  std::set<std::string> handledUuids_;
  std::set<std::string> killed_;     // Tasks that the fleet wants gone.
  std::set<std::string> toldEnded_;  // Tasks that the fleet was told the end of.
  std::set<std::string> dropped_;    // Those of them that are said never to have been launched.
  std::set<std::string> delivered_;  // Tasks that some executor was given.
  std::uint64_t schedulerGeneration_ = 0;
};

}  // namespace mesos::simulation
