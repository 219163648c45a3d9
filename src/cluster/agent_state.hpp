// Inside of Agent. Its inputs are spread over files by what they are about:
//   agent.cpp            the public face, registration, timers
//   agent_drain.cpp      what an operator takes out of service
//   agent_launch.cpp     from RunTask to a process
//   agent_executors.cpp  subscription, KILL, shutdown, end of executors
//   agent_operations.cpp reservations, and statuses of operations
//   agent_recovery.cpp   what is checkpointed, and found again after a restart
//   agent_updates.cpp    statuses on their way to the master, acknowledgements on their way back
#pragma once

#include "base/backoff.hpp"
#include "cluster/agent.hpp"
#include "cluster/agent_environment.hpp"
#include "cluster/command_executor.hpp"
#include "cluster/update_stream.hpp"

#include <array>
#include <list>
#include <memory>
#include <set>
#include <utility>

namespace mesos::cluster {

/// What becomes of an executor's live tasks when it ends (facts X45, X46).
struct Termination {
  TaskState state = TASK_FAILED;
  TaskStatus::Reason reason = TaskStatus::REASON_EXECUTOR_TERMINATED;
  std::string message = "Executor terminated";
};

/// A container from the launch request to its end.
struct ContainerRun {
  enum class Phase {
    Preparing,
    Prepared,  ///< Nothing runs in it yet.
    Forking,
    Alive,
    Exited,  ///< The process of a command task; its executor still has something to say.
  };

  AgentFramework* framework;
  AgentExecutor* executor;
  Phase phase = Phase::Preparing;
  bool isRecovered = false;  ///< Found again after a restart; its executor has to subscribe anew.
  bool givenTask = false;    ///< A task was ever handed to the executor (fact X25).
  bool isDestroyed = false;
  Packed<CommandInfo> command;  ///< Of the custom executor, or of the command task.
  std::string user;
  std::unique_ptr<Termination> termination;  ///< Unlike most ends.
  std::optional<CommandExecutor> commandExecutor;
  std::vector<TaskStatus> heldStatuses;  ///< Of a command executor whose process is not known yet.
  std::optional<TimePoint> registerBy;
  std::optional<TimePoint> destroyAt;
  std::optional<TimePoint> heartbeatAt;
};

struct Agent::State {
  State(Now now, AgentOptions agentOptions, Random& source, AgentRecovery recovery);

  // --- agent.cpp
  void start(Now now);
  void sendRegistration(Now now);
  void handle(Now now, const AgentRegistered& message);
  void handle(Now now, const RunTask& message);
  void handle(Now now, const RunTaskGroup& message);
  void handle(Now now, const KillTask& message);
  void handle(Now now, const AcknowledgeUpdate& message);
  void handle(Now now, const ApplyOperation& message);
  void handle(Now now, const AcknowledgeOperation& message);
  void handle(Now now, const MessageToExecutor& message);
  void handle(Now now, const ShutdownExecutor& message);
  void handle(Now now, const ShutdownFramework& message);
  void handle(Now now, const FrameworkResubscribed& message);
  void handle(Now now, const FrameworkUpdated& message);
  void handle(Now now, const Ping& message);
  void handle(Now now, const ShutdownAgent& message);
  void denyTask(Now now, const UnknownTask& task);
  void leave(Now now);
  void end(Now now);
  void fireTimers(Now now);
  void fireTimers(Now now, ContainerRun& run);
  std::optional<TimePoint> deadline() const;
  /// Ends every input: performs what command executors ask for.
  void settle(Now now);

  // --- agent_launch.cpp
  struct Refusal {
    TaskStatus::Reason reason;
    std::string message;
    bool namesExecutor = true;
  };
  /// One task alone comes as a group of one.
  void run(Now now, const RunTaskGroup& message, bool isGroup);
  std::optional<Refusal> refuse(const AgentFramework& framework, const RunTaskGroup& message) const;
  void dropTasks(Now now, AgentFramework& framework, const RunTaskGroup& message,
                 const Refusal& refusal);
  AgentFramework& framework(const FrameworkInfo& info);
  AgentExecutor& startExecutor(Now now, AgentFramework& framework, const TaskInfo& task);
  std::string userFor(const AgentFramework& framework, const CommandInfo& command) const;
  void prepared(Now now, ContainerRun& run, const Result<void>& result);
  void failLaunch(Now now, ContainerRun& run, const std::string& why);
  /// The custom executor, or the command of a command task.
  void fork(ContainerRun& run);
  void forked(Now now, ContainerRun& run, const Result<int>& forkedPid);
  void startCheck(ContainerRun& run, const StartProbe& probe);
  EnvironmentSource environmentOf(const ContainerRun& run) const;

  // --- agent_executors.cpp
  void subscribe(Now now, ExecutorStreamId stream, const Call& call);
  void subscribeCommandExecutor(Now now, ContainerRun& run);
  Event subscribedEvent(const AgentFramework& framework, const AgentExecutor& executor) const;
  void dropForgottenTasks(Now now, ContainerRun& run, const Call::Subscribe& subscribe);
  void deliverQueuedTasks(Now now, ContainerRun& run);
  void deliverTask(Now now, ContainerRun& run, const TaskInfo& task);
  void deliverGroup(Now now, ContainerRun& run, const std::vector<TaskInfo>& tasks);
  void send(Now now, ContainerRun& run, Event event);
  void killQueued(Now now, AgentFramework& framework, AgentExecutor& executor,
                  const std::string& taskId);
  void shutdown(Now now, ContainerRun& run);
  /// The executor did not subscribe in time (fact X43).
  void missRegistration(Now now, ContainerRun& run);
  void destroy(Now now, ContainerRun& run);
  void exited(Now now, ContainerRun& run, int status);
  void driveCommandExecutor(Now now, ContainerRun& run);
  void releaseHeldStatuses(Now now, ContainerRun& run);
  /// The container is over: `run` is gone afterwards, the executor too if all is acknowledged.
  void terminate(Now now, ContainerRun& run, int status);
  void endTasks(Now now, ContainerRun& run);
  void removeExecutor(AgentFramework& framework, const std::string& executorId);
  void removeFrameworkIfIdle(const std::string& frameworkId);
  Termination missedDeadline(const ContainerRun& run) const;
  Duration shutdownGrace(const ExecutorInfo& executor) const;

  // --- agent_recovery.cpp
  void recover(Now now, AgentRecovery recovery);
  void recoverExecutor(Now now, AgentFramework& framework, const std::string& bytes,
                       LivingExecutors& living);
  void recoverTask(AgentFramework& framework, const std::string& executorId,
                   const std::string& bytes);
  void finishRecovery(Now now);
  LivingExecutors killed();
  // Something changed that is to be checkpointed when the input is done.
  void noteFramework(const std::string& frameworkId) { noted.insert({frameworkId, "", ""}); }
  void noteExecutor(const AgentFramework& framework, const AgentExecutor& executor);
  void noteTask(const AgentFramework& framework, const AgentExecutor& executor,
                const std::string& taskId);
  void checkpointNoted();
  /// Its id and its resources, reservations included (fact W81).
  void checkpointAgent();
  std::optional<Effect> checkpointOf(const std::array<std::string, 3>& ids) const;

  // --- agent_drain.cpp
  void handle(Now now, const DrainAgent& message);
  /// Whether there is a task or an operation whose end is not acknowledged.
  bool isBusy() const;
  void finishDrain();
  /// Says in the status of a killed task that it fell victim to a drain.
  void explainDrain(TaskStatus* status) const;

  // --- agent_updates.cpp
  void executorCall(Now now, const Call& call);
  /// Whether the executor is to be told ACKNOWLEDGED (fact X34).
  bool executorStatus(Now now, AgentFramework& framework, AgentExecutor& executor,
                      TaskStatus status);
  /// The same, and tells it.
  void reportedStatus(Now now, ContainerRun& run, const TaskStatus& status);
  void sendAcknowledged(Now now, ContainerRun& run, const TaskStatus& status);
  TaskStatus makeAgentStatus(Now now, const std::string& taskId, const Termination& what);
  /// Puts a status on its way; `task` is nullptr if no executor of ours has it.
  void accept(Now now, const std::string& frameworkId, TaskRecord* task, TaskStatus status);
  void sendDue(Now now);
  void sendHead(Now now, const std::string& frameworkId, const std::string& taskId,
                UpdateStream& stream);
  /// The same for a task whose record says so already.
  void transmitHead(Now now, const std::string& frameworkId, UpdateStream& stream);
  /// nullptr: none is there.
  UpdateStream* findStream(const std::string& frameworkId, const std::string& taskId);
  const UpdateStream* findStream(const std::string& frameworkId, const std::string& taskId) const;
  void dropStream(const std::string& frameworkId, const std::string& taskId);
  void resendAll(Now now, const std::string& frameworkId);
  /// Its end is acknowledged.
  void retireTask(AgentFramework& framework, AgentExecutor& executor, const std::string& taskId);
  void completeTask(AgentFramework& framework, AgentExecutor& executor, const std::string& taskId);

  // --- agent_operations.cpp
  /// An operation whose status waits for its acknowledgement: each is repeated by itself (fact P6).
  struct PendingOperation {
    v1::Operation operation;
    Duration nextDelay{};
    TimePoint dueAt{};
  };
  void sendDueOperations(Now now);
  void resendOperations(Now now);
  void dropOperations(const std::string& frameworkId);
  /// Whether reserved resources that the tasks are to use are not there (fact L42).
  bool lacksReserved(const RunTaskGroup& message) const;

  // --- Looking things up; nullptr if there is none.
  AgentFramework* findFramework(const std::string& id);
  AgentExecutor* findExecutor(const std::string& frameworkId, const std::string& executorId);
  /// The executor that has the task, launched or queued.
  AgentExecutor* findExecutorOf(AgentFramework& framework, const std::string& taskId);
  ContainerRun* findRun(const std::string& containerId);
  bool isShuttingDown(const std::string& frameworkId) const;
  /// Moves a queued task to the launched ones; nullptr if it is not queued.
  TaskRecord* takeQueued(AgentFramework& framework, AgentExecutor& executor,
                         const std::string& taskId);

  void tellMaster(AgentToMaster message) { effects.push_back(ToMaster{std::move(message)}); }

  AgentOptions options;
  Random& random;
  Now started;
  AgentInfo info;
  std::string pid;
  bool hasLeft = false;
  Backoff registrationBackoff;
  std::uint64_t registrationAttempts = 0;
  std::optional<TimePoint> registerAgainAt;
  Duration pingTimeout{};
  std::optional<TimePoint> silentAt;  ///< When the master has been silent for too long.
  std::map<std::string, AgentFramework> frameworks;
  std::list<AgentFramework> completedFrameworks;
  std::optional<v1::DrainConfig> drain;        ///< Until no task and no operation is left (G9).
  std::optional<Now> drainStarted;             ///< Not of a drain from before a restart.
  std::set<std::string> shuttingDown;          ///< Frameworks.
  std::optional<TimePoint> recoverBy;          ///< Still recovering.
  std::set<std::array<std::string, 3>> noted;  ///< Framework, executor, task; the latter may be "".
  std::set<std::string> checkpointed;          ///< Frameworks.
  std::map<std::string, ContainerRun> runs;    ///< By container id.
  /// By framework, then task.
  std::map<std::string, std::map<std::string, UpdateStream>> streams;
  Resources total;                                     ///< What reservations made of the options'.
  std::map<std::string, PendingOperation> operations;  ///< By uuid.
  AgentCounters counters;
  std::uint64_t nextGroup = 0;
  std::list<Effect> effects;  ///< An empty deque takes 576 bytes, and there may be many agents.
};

}  // namespace mesos::cluster
