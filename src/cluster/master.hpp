// The master: frameworks, agents, offers and tasks, as a state machine.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"
#include "cluster/allocator.hpp"
#include "cluster/authentication.hpp"
#include "cluster/messages.hpp"
#include "cluster/registry.hpp"
#include "cluster/task.hpp"

#include <mesos/v1/master/master.pb.h>
#include <mesos/v1/scheduler/scheduler.pb.h>
#include <mesos/resources.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace mesos::cluster {

struct LaunchContext;

/// Names one scheduler's event stream; the caller (MasterHttp) gives each SUBSCRIBE a new number.
using StreamId = std::uint64_t;

/// Constants of section 17, already divided by any time scale.
struct MasterOptions {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 5050;
  std::string hostname = "localhost";
  std::string version = "1.12.0";
  Duration recoveryTime = Duration::zero();  ///< After its election a master is not ready (T34).
  Duration heartbeatInterval = std::chrono::seconds(15);
  Duration allocationInterval = std::chrono::seconds(1);
  std::optional<Duration> offerTimeout;
  double defaultRefuseSeconds = 5.0;
  /// Every duration a client gives (refuse_seconds, failover_timeout) is divided by this.
  double timeScale = 1.0;
  AuthenticationOptions authentication;
  bool tls = false;  ///< Whether the agents, as offers name them, speak https.
  std::size_t completedFrameworksMax = 50;
  std::size_t completedTasksMax = 1000;    ///< Per framework.
  std::size_t unreachableTasksMax = 1000;  ///< Per framework.
  /// An agent that leaves so many pings in a row unanswered, each for so long, is unreachable (G2).
  Duration agentPingTimeout = std::chrono::seconds(15);
  std::size_t maxAgentPingTimeouts = 5;
  /// How long an agent may stay away after its link broke, or after its master was replaced (G8).
  Duration agentReregisterTimeout = std::chrono::minutes(10);
  bool rootSubmissions = true;
  std::set<std::string> roleWhitelist;  ///< Empty: every role.
  /// min_allocatable_resources, parsed alternatives (fact O5). Empty: anything is offered.
  std::vector<Resources> minAllocatable = defaultMinAllocatable();

  static std::vector<Resources> defaultMinAllocatable();
};

struct MasterAgent;

struct MasterTask {
  TaskRecord task;  ///< As in /tasks: state is the latest, status_update_state the last forwarded
                    ///< (C3, U15).
  const MasterAgent* agent = nullptr;  ///< Where it is.
  bool killRequested = false;
};

struct MasterFramework {
  FrameworkInfo info;              ///< With id.
  std::optional<StreamId> stream;  ///< Set while connected.
  bool active = false;
  Now registered{};
  std::optional<Now> reregistered;
  std::optional<Now> unregistered;
  std::optional<TimePoint> removeAt;  ///< Disconnected: when failover_timeout ends.
  TimePoint heartbeatAt{};            ///< Connected: when the next HEARTBEAT is due.
  bool recovered = false;  ///< Known from agents alone, not yet subscribed here (fact S53).
  std::map<std::string, MasterTask> tasks;  ///< By task id; terminal ones until acknowledged (W16).
  std::deque<Task> completedTasks;
  std::deque<Task> unreachableTasks;
  /// Custom executors: agent id, then executor id.
  std::map<std::string, std::map<std::string, ExecutorInfo>> executors;
  std::set<std::string> offers;
};

struct MasterAgent {
  AgentInfo info;  ///< With id. Without resources, as the registry has all of it.
  std::string pid;
  std::string version;
  Resources total;
  Now registered{};
  std::optional<Now> reregistered;
  bool connected = true;                  ///< Its link has not broken since it last registered.
  bool active = true;                     ///< It is offered.
  std::optional<Now> drainStarted;        ///< When this master told it to drain.
  std::optional<TimePoint> reregisterBy;  ///< Not connected: until when it must be back.
  TimePoint pingAt{};                     ///< When the next ping is due.
  bool pinged = false;                    ///< The last ping was not answered yet.
  std::size_t missedPings = 0;
  Resources used;                ///< By tasks and executors; with allocation_info.
  Resources offered;             ///< With allocation_info.
  std::uint64_t link = 0;        ///< As onAgentMessage was told it.
  std::set<std::string> offers;  ///< Outstanding ones of it.
  /// Framework id to the ids of its tasks here that the framework has in `tasks`.
  std::map<std::string, std::set<std::string>> tasks;
  /// Those that have an id, by uuid, until their terminal status is acknowledged (facts P5, P6).
  std::map<std::string, v1::Operation> operations;
};

struct MasterOffer {
  Offer offer;          ///< As sent to the framework.
  Resources resources;  ///< With allocation_info.
  std::optional<TimePoint> rescindAt;
};

/// How an agent ceases to be the master's.
enum class AgentLoss {
  Removed,      ///< It unregistered, or was replaced at its address (fact G5).
  Unreachable,  ///< It may return, with its tasks (facts G3, G4).
  Gone,         ///< An operator says that it never returns (fact G6).
};

/// Counters and gauges of /metrics/snapshot (fact W74) that state alone does not tell.
struct MasterCounters {
  std::uint64_t validStatusUpdates = 0;
  std::uint64_t invalidStatusUpdates = 0;
  std::uint64_t validAcknowledgements = 0;
  std::uint64_t invalidAcknowledgements = 0;
  std::uint64_t validOperationUpdates = 0;
  std::uint64_t invalidOperationUpdates = 0;
  std::uint64_t validOperationAcknowledgements = 0;
  std::uint64_t invalidOperationAcknowledgements = 0;
  std::map<std::string, std::uint64_t>
      messages;  ///< "messages_decline_offers" → count, as W74 names them.
  std::map<TaskState, std::uint64_t> terminalTasks;  ///< Tasks that ended in each state.
};

struct ToFramework {
  StreamId stream;
  v1::scheduler::Event event;
};
/// The stream is over: after an ERROR, a takeover, a removal.
struct EndFrameworkStream {
  StreamId stream;
};
/// For every subscriber of the operator API.
struct ToOperators {
  v1::master::Event event;
};
struct ToAgent {
  std::string agentId;  ///< For AgentRegistered: see `link`.
  std::uint64_t link;   ///< The agent's link, as onAgentMessage was told it.
  MasterToAgent message;
};

/// Tell it what happened (on*), then drain poll() and call onTimer no later than deadline().
/// Performs no I/O, reads no clock, never blocks, never throws. Not thread-safe.
class Master {
 public:
  using Call = v1::scheduler::Call;
  using Event = v1::scheduler::Event;
  using OperatorEvent = v1::master::Event;
  using Effect = std::variant<ToFramework, EndFrameworkStream, ToAgent, ToOperators>;

  /// `registry`: what the master before this one left. Its agents have agentReregisterTimeout to
  /// come back (fact G8).
  Master(Now now, MasterOptions options, Random& random, Registry registry = {});

  /// A SUBSCRIBE that passed every HTTP check. Answers by SUBSCRIBED, or by ERROR and the stream's
  /// end.
  void onSubscribe(Now now, StreamId stream, const Call::Subscribe& subscribe);
  /// The subscriber hung up. Harmless for a stream that is no longer a framework's.
  void onStreamClosed(Now now, StreamId stream);
  /// Any other call but UPDATE_FRAMEWORK, of a connected framework, validated (Q6) and with its
  /// framework_id.
  void onCall(Now now, const Call& call);
  /// An UPDATE_FRAMEWORK of a connected framework, validated (Q6). An error is answered 400 (fact
  /// S60).
  Result<void> updateFramework(Now now, const Call::UpdateFramework& update);
  /// The operator's POST /teardown (fact S57). False: no such framework.
  bool teardown(Now now, const std::string& frameworkId);

  /// `link` names the agent's connection, which the shell chooses and keeps.
  void onAgentMessage(Now now, std::uint64_t link, AgentToMaster message);
  /// The agent's connection broke (fact G1). Harmless for a link that is no longer an agent's.
  void onAgentLinkClosed(Now now, std::uint64_t link);
  /// The operator's MARK_AGENT_GONE (fact G6). False: nobody ever heard of it.
  bool markAgentGone(Now now, const std::string& agentId);
  /// The operator's DRAIN_AGENT, DEACTIVATE_AGENT, REACTIVATE_AGENT (facts G9, W70), of an agent
  /// that is registered, expected back or unreachable. The error is the text of the refusal.
  Result<void> drainAgent(Now now, const v1::master::Call::DrainAgent& call);
  Result<void> deactivateAgent(Now now, const std::string& agentId);
  Result<void> reactivateAgent(Now now, const std::string& agentId);

  /// Who leads, as far as this master knows; nullopt: nobody. Until it is told, it leads itself. It
  /// never loses the lead: a real master ends when it does (fact T37), and so must this one.
  void onLeader(Now now, std::optional<MasterInfo> leader);
  /// Whether somebody listens to the operator API's events: only then is there a ToOperators.
  void setWatched(bool isWatched) { isWatched_ = isWatched; }
  /// What the leader before this one left, for a master that was waiting to lead: as if it had been
  /// constructed with it now.
  void onRegistry(Now now, Registry registry);

  void onTimer(Now now);
  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

  // --- What there is, for answers and tests.
  const MasterOptions& options() const { return options_; }
  const std::string& id() const { return id_; }
  const MasterInfo& info() const { return info_; }
  Now started() const { return started_; }
  const std::optional<MasterInfo>& leader() const { return leader_; }
  bool leads() const { return leader_ && leader_->id() == id_; }
  /// When it became the leader.
  Now elected() const { return elected_; }
  /// Whether it leads but is not ready yet: no framework and no agent is let in.
  bool isRecovering(Now now) const { return now.steady < elected_.steady + options_.recoveryTime; }
  const std::map<std::string, MasterFramework>& frameworks() const { return frameworks_; }
  const std::deque<MasterFramework>& completedFrameworks() const { return completedFrameworks_; }
  const std::map<std::string, MasterAgent>& agents() const { return agents_; }
  const Registry& registry() const { return registry_; }
  /// Agents of the master before this one that have not come back yet (fact G8).
  const std::map<std::string, AgentInfo>& recoveredAgents() const { return recovered_; }
  const std::map<std::string, MasterOffer>& offers() const { return offers_; }
  const MasterCounters& counters() const { return counters_; }
  /// The framework whose stream this is; nullptr if none.
  const MasterFramework* frameworkOf(StreamId stream) const;
  const Allocator& allocator() const { return allocator_; }

 private:
  using Timers = std::set<std::pair<TimePoint, std::string>>;

  // master.cpp: frameworks come and go; time.
  Result<void> admit(const Call::Subscribe& subscribe) const;
  Result<void> admitRoles(const FrameworkInfo& info) const;
  void subscribeNew(Now now, StreamId stream, FrameworkInfo info,
                    const std::set<std::string>& suppressed);
  void resubscribe(Now now, StreamId stream, MasterFramework& framework, FrameworkInfo info,
                   const std::set<std::string>& suppressed);
  void connect(Now now, StreamId stream, MasterFramework& framework);
  StreamId detachStream(MasterFramework& framework);
  void disconnect(Now now, MasterFramework& framework);
  void removeFramework(Now now, std::string frameworkId);
  void endTasksOfRemoved(Now now, MasterFramework& framework);
  void beatHearts(Now now);
  void refuse(StreamId stream, const std::string& message);
  bool wasRemoved(const std::string& frameworkId) const;
  void send(const MasterFramework& framework, Event event);
  void sendStatus(const MasterFramework& framework, TaskStatus status);
  void sendToAgent(const MasterAgent& agent, MasterToAgent message);
  MasterFramework* findFramework(const std::string& frameworkId);
  MasterAgent* findAgent(const std::string& agentId);

  // master_offers.cpp: offers made, accepted, declined.
  void makeOffers(Now now);
  Offer makeOffer(const MasterFramework& framework, const Allocation& allocation);
  MasterOffer takeOffer(const std::string& offerId);
  void returnOffer(Now now, const std::string& offerId, std::optional<Duration> refuse);
  void withdrawOffers(Now now, MasterFramework& framework);
  void rescindOffer(Now now, const std::string& offerId);
  void decline(Now now, MasterFramework& framework, const Call::Decline& decline);
  Duration refuseDuration(const Filters& filters) const;
  std::optional<std::string> findOfferFault(const MasterFramework& framework,
                                            const Call::Accept& accept) const;
  void accept(Now now, MasterFramework& framework, const Call::Accept& accept);
  void dropAccept(Now now, MasterFramework& framework, const Call::Accept& accept,
                  const std::string& fault);

  // master_launch.cpp: the operations of an ACCEPT.
  struct Accepted;  ///< What the offers of one ACCEPT come to.
  void runOperation(Now now, Accepted& accepted, const Offer::Operation& operation);
  void launch(Now now, Accepted& accepted, const Offer::Operation& operation);
  void launchTask(Now now, Accepted& accepted, TaskInfo task);
  void launchGroup(Now now, Accepted& accepted, const Offer::Operation& operation);
  Result<void> prepareGroup(const Accepted& accepted, const Offer::Operation& operation,
                            Offer::Operation::LaunchGroup* group) const;
  LaunchContext contextOf(const Accepted& accepted, const std::string& taskId,
                          const ExecutorInfo* executor) const;
  void bookExecutor(Accepted& accepted, const ExecutorInfo& executor);
  void bookTask(Accepted& accepted, const TaskInfo& task);
  void failTask(Now now, const MasterFramework& framework, const TaskInfo& task, TaskState state,
                TaskStatus::Reason reason, const std::string& message);
  void failOperation(const MasterFramework& framework, const Offer::Operation& operation,
                     const std::string& message);

  // master_operations.cpp: reservations, and what becomes of operations that have an id.
  void reserve(Accepted& accepted, const Offer::Operation& operation);
  void applyOperation(Accepted& accepted, const Offer::Operation& operation);
  void updateOperation(MasterAgent& agent, const OperationUpdate& update);
  void acknowledgeOperation(const MasterFramework& framework,
                            const Call::AcknowledgeOperationStatus& acknowledge);
  void reconcileOperations(const MasterFramework& framework,
                           const Call::ReconcileOperations& reconcile);
  void sendOperationStatus(const MasterFramework& framework, v1::OperationStatus status);
  void syncReservations(MasterAgent& agent, const std::vector<v1::Operation>& reported);

  // master_calls.cpp: every other call.
  void revive(Now now, const MasterFramework& framework, const Call::Revive& revive);
  void suppress(const MasterFramework& framework, const Call::Suppress& suppress);
  void kill(Now now, MasterFramework& framework, const Call::Kill& kill);
  void acknowledge(MasterFramework& framework, const Call::Acknowledge& acknowledge);
  void reconcile(Now now, const MasterFramework& framework, const Call::Reconcile& reconcile);
  void reconcileTask(Now now, const MasterFramework& framework, const std::string& taskId,
                     const std::optional<std::string>& agentId);
  std::optional<TaskStatus> reconcileUnknown(const MasterFramework& framework,
                                             const std::optional<std::string>& agentId) const;

  // master_registration.cpp: agents come, and come back.
  void registerAgent(Now now, std::uint64_t link, RegisterAgent message);
  void addAgent(Now now, std::uint64_t link, const RegisterAgent& message);
  void reregisterAgent(Now now, std::uint64_t link, MasterAgent& agent,
                       const RegisterAgent& message);
  void welcome(const MasterAgent& agent, const RegisterAgent& message,
               std::vector<UnknownTask> missing);
  void recoverFrameworks(Now now, const std::vector<FrameworkInfo>& frameworks);
  void adoptTasks(MasterAgent& agent, const RegisterAgent& message);
  void releaseMissingExecutors(Now now, MasterAgent& agent, const RegisterAgent& message);
  std::vector<UnknownTask> findMissingTasks(const MasterAgent& agent,
                                            const RegisterAgent& message) const;
  void forgetUnreachableTasks(const std::string& agentId);
  void reportReturned(Now now, const MasterAgent& agent, const RegisterAgent& message);

  // master_agent_loss.cpp: they fall silent and leave.
  void pingAgents(Now now);
  void ping(Now now, MasterAgent& agent);
  void expireAgents(Now now);
  void stopWatching(MasterAgent& agent);
  void rescindOffersOf(Now now, MasterAgent& agent);
  void endTasksWithoutCheckpoint(Now now, MasterAgent& agent);
  /// The one way in which an agent ceases to be the master's.
  void removeAgent(Now now, std::string agentId, AgentLoss loss, const std::string& message);
  void loseTasks(Now now, MasterAgent& agent, AgentLoss loss, const std::string& message);
  void endTask(Now now, MasterFramework& framework, MasterTask& task, TaskStatus status);
  void releaseExecutors(Now now, MasterFramework& framework, const std::string& agentId);
  void reportLost(const AgentID& agentId);

  // master_agents.cpp: what agents say, and the books of tasks and executors.
  void updateStatus(Now now, MasterAgent& agent, const StatusUpdate& update);
  void executorExited(Now now, MasterAgent& agent, const ExecutorExited& message);
  void applyStatus(Now now, MasterFramework& framework, MasterTask& task, const TaskStatus& status,
                   TaskState latest);
  void release(Now now, const std::string& frameworkId, const std::string& agentId,
               const Resources& resources);
  void addTask(MasterFramework& framework, MasterAgent& agent, Task task);
  Task takeTask(MasterFramework& framework, const std::string& taskId);
  void completeTask(MasterFramework& framework, const std::string& taskId);

  // master_drain.cpp: agents that operators take out of service.
  bool isKnownAgent(const std::string& agentId) const;
  void takeOutOfService(Now now, MasterAgent& agent);
  void resumeDrain(Now now, MasterAgent& agent);
  bool isDrained(const std::string& agentId) const;
  void settleDrains(Now now);

  // master_events.cpp: what operators are told.
  void tellOperators(OperatorEvent event);
  void tellTaskAdded(const Task& task);
  void tellTaskUpdated(const FrameworkID& frameworkId, TaskState latest, const TaskStatus& status);
  void tellAgentAdded(const MasterAgent& agent);
  void tellAgentRemoved(const AgentID& agentId);
  void tellFrameworkAdded(const MasterFramework& framework);
  void tellFrameworkUpdated(const MasterFramework& framework);
  void tellFrameworkRemoved(const MasterFramework& framework);

  MasterOptions options_;
  Random& random_;
  std::string id_;
  MasterInfo info_;
  Now started_;
  std::optional<MasterInfo> leader_;
  Now elected_;
  Allocator allocator_;
  std::map<std::string, MasterFramework> frameworks_;
  std::deque<MasterFramework> completedFrameworks_;
  std::map<std::string, MasterAgent> agents_;
  Registry registry_;
  std::map<std::string, AgentInfo> recovered_;  ///< Not back yet; see recoveredAgents().
  std::optional<TimePoint> recoverBy_;          ///< Until when they must be.
  std::map<std::string, MasterOffer> offers_;
  MasterCounters counters_;
  std::deque<Effect> effects_;
  bool isWatched_ = false;

  std::map<StreamId, std::string> streams_;         ///< To framework ids.
  std::map<std::uint64_t, std::string> links_;      ///< To agent ids.
  std::map<std::string, std::string> agentsByPid_;  ///< To agent ids.
  Timers heartbeats_;                               ///< Framework ids.
  Timers removals_;                                 ///< Framework ids.
  Timers rescissions_;                              ///< Offer ids.
  Timers pings_;                                    ///< Agent ids.
  Timers reregistrations_;                          ///< Agent ids.
  std::uint64_t nextFramework_ = 0;
  std::uint64_t nextAgent_ = 0;
  std::uint64_t nextOffer_ = 0;
};

}  // namespace mesos::cluster
