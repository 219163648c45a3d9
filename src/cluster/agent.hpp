// The agent: executors, tasks, and the acknowledged-in-order update stream of each task (sections
// 10-14).
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"
#include "cluster/authentication.hpp"
#include "cluster/command_executor.hpp"
#include "cluster/messages.hpp"
#include "cluster/packed.hpp"
#include "cluster/task.hpp"
#include "cluster/task_checks.hpp"

#include <mesos/v1/executor/executor.pb.h>
#include <mesos/resources.hpp>
#include <mesos/result.hpp>

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mesos::cluster {

/// Names one executor's event stream; the caller (AgentHttp) gives each SUBSCRIBE a new number.
using ExecutorStreamId = std::uint64_t;

/// Constants of section 17, already divided by any time scale.
struct AgentOptions {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 5051;
  std::string hostname = "localhost";
  std::string version = "1.12.0";
  Resources resources;
  std::vector<Attribute> attributes;
  std::string workDir = "/tmp/mesos";
  Duration executorRegistrationTimeout = std::chrono::minutes(1);
  Duration executorShutdownGracePeriod = std::chrono::seconds(5);
  Duration recoveryTimeout = std::chrono::minutes(15);
  Duration executorReregistrationTimeout = std::chrono::seconds(2);
  Duration updateRetryMin = std::chrono::seconds(10);
  Duration updateRetryMax = std::chrono::minutes(10);
  Duration executorHeartbeatInterval = std::chrono::minutes(30);
  Duration taskKillGrace = std::chrono::seconds(3);
  Duration registrationBackoff = std::chrono::seconds(1);
  /// Durations given by clients (grace periods, max_completion_time) are divided by this.
  double timeScale = 1.0;
  bool httpCommandExecutor = false;  ///< Fact D5: whether a KILL's policy reaches command tasks.
  /// Whether executors run as FrameworkInfo.user / CommandInfo.user, or as the agent's own user
  /// (D10).
  bool switchUser = true;
  std::string agentUser = "root";
  std::map<std::string, std::string> executorEnvironment;  ///< Fact V13.
  AuthenticationOptions authentication;
  bool executorDomainSockets = false;
  std::string domainSocket;  ///< Where executors connect to; empty: by TCP (fact V10).
  /// What tells executors how to speak TLS with the agent, by its variables' names; empty: plain.
  std::map<std::string, std::string> executorTls;
  std::size_t completedExecutorsMax = 150;  ///< Per framework.
  std::size_t completedTasksMax = 200;      ///< Per executor.
  std::size_t completedFrameworksMax = 50;
};

/// Make the sandbox (mode 0750, owned by `user`), its `stdout` and `stderr`, the `latest` link, and
/// fetch `uris` into it (section 14). Answer: onPrepared.
struct PrepareContainer {
  std::string containerId;
  std::string sandbox;
  std::string user;
  std::vector<CommandInfo::URI> uris;
};
/// Start a process in the sandbox, in a session of its own, stdin /dev/null, stdout and stderr
/// appended to the sandbox's files. Answer: onForked; at its end onExited.
struct ForkContainer {
  std::string containerId;
  std::string sandbox;
  std::string user;
  bool shell = true;
  std::string value;                               ///< The shell's command line, or the program.
  std::vector<std::string> arguments;              ///< The whole argv, if not `shell` (fact D8).
  std::map<std::string, std::string> environment;  ///< All of it.
};
/// Send a signal to the container's process tree: parent links, session and group (fact D7).
struct SignalContainer {
  std::string containerId;
  int signal;
};
/// Kill the tree (SIGKILL), or the fetcher if it still runs. onExited or onPrepared(error) follows.
struct DestroyContainer {
  std::string containerId;
};
/// Look at the task of a container (fact H3). A ForkContainer is a process beside the container's.
/// Answer: onChecked, with the outcome as Probe says; an error: there is none.
struct StartCheck {
  std::string containerId;
  std::uint64_t checkId;
  std::variant<ForkContainer, HttpProbe, TcpProbe> what;
};
/// It is not needed any more, and nor is its answer. A container's end means the same for all of
/// its checks.
struct StopCheck {
  std::string containerId;
  std::uint64_t checkId;
};
struct ToMaster {
  AgentToMaster message;
};
/// Write a file below the agent's meta directory, atomically, before the effects after it are
/// performed (fact U13).
struct WriteCheckpoint {
  std::string path;  ///< "frameworks/<id>/info".
  std::string bytes;
};
/// Remove a directory of them, if it is there.
struct RemoveCheckpoint {
  std::string path;
};
/// The agent's life is over: it left, or was told that it is gone (fact G6). Its containers are
/// being destroyed; nothing listens any more once they are.
struct AgentEnded {};
struct ToExecutor {
  ExecutorStreamId stream;
  v1::executor::Event event;
};
struct EndExecutorStream {
  ExecutorStreamId stream;
};

/// The executor of a command task at work. In Mesos it is a process of its own, which a restart of
/// the agent does not end.
struct LivingExecutor {
  CommandExecutor executor;
  bool isForked = false;                 ///< Its task's process was started,
  bool hasExited = false;                ///< and has ended.
  std::vector<TaskStatus> heldStatuses;  ///< Not taken by the agent yet.
};
using LivingExecutors = std::map<std::string, LivingExecutor>;  ///< By container id.

/// What an agent that is started again finds.
struct AgentRecovery {
  std::map<std::string, std::string> files;  ///< What was checkpointed: bytes by path.
  LivingExecutors executors;
};

enum class ExecutorState { Registering, Running, Terminating, Terminated };

struct AgentExecutor {
  std::string id;
  Packed<ExecutorInfo> info;  ///< With framework_id; for a command task the invented one (fact D1).
  Duration shutdownGrace{};
  std::string containerId;
  std::optional<ExecutorStreamId> stream;
  ExecutorState state = ExecutorState::Registering;
  bool isCommand = false;
  bool everSubscribed = false;
  int pid = 0;                              ///< Of the executor, or of the command; 0: not forked.
  std::map<std::string, TaskRecord> tasks;  ///< Launched, until the end is acknowledged.
  std::vector<TaskInfo> queuedTasks;        ///< Not yet given to the executor.
  /// Ids of queued tasks that came in a group, to the group's number (facts L34, K13).
  std::map<std::string, std::uint64_t> queuedGroups;
  std::list<TaskRecord> completedTasks;
};

struct AgentFramework {
  FrameworkInfo info;
  std::string directory;                           ///< Below which its executors have theirs.
  std::map<std::string, AgentExecutor> executors;  ///< By executor id.
  std::list<AgentExecutor> completedExecutors;
};

/// Where an executor, live or completed, of this framework runs (fact B1).
std::string sandboxOf(const AgentFramework& framework, const AgentExecutor& executor);

struct AgentCounters {
  std::uint64_t executorsTerminated = 0;
  std::uint64_t containerLaunchErrors = 0;
  std::uint64_t validStatusUpdates = 0;
  std::uint64_t invalidStatusUpdates = 0;
  std::uint64_t validFrameworkMessages = 0;
  std::map<TaskState, std::uint64_t> terminalTasks;
};

/// Tell it what happened (on*), then drain poll() and call onTimer no later than deadline().
/// Performs no I/O, reads no clock, never blocks, never throws. Not thread-safe.
class Agent {
 public:
  using Call = v1::executor::Call;
  using Event = v1::executor::Event;
  using Effect = std::variant<ToMaster, ToExecutor, EndExecutorStream, PrepareContainer,
                              ForkContainer, SignalContainer, DestroyContainer, StartCheck,
                              StopCheck, WriteCheckpoint, RemoveCheckpoint, AgentEnded>;

  /// Bad checkpoints are left out: what they told of is as if it had never been checkpointed.
  Agent(Now now, AgentOptions options, Random& random, AgentRecovery recovery = {});
  ~Agent();

  /// Registers with the master, and again with a new one, telling it all that is here. After a
  /// restart it first waits for its executors to subscribe again (fact X42).
  void onStart(Now now);
  void onMasterMessage(Now now, MasterToAgent message);
  /// Leaves for good: unregisters and destroys every container.
  void onLeave(Now now);

  /// A SUBSCRIBE that passed X1-X9. May answer with SHUTDOWN (facts X24, X25).
  void onExecutorSubscribe(Now now, ExecutorStreamId stream, const Call& call);
  /// Only ends sending to it (fact X41).
  void onExecutorStreamClosed(Now now, ExecutorStreamId stream);
  /// UPDATE or MESSAGE that passed X1-X12 and X21.
  void onExecutorCall(Now now, const Call& call);

  void onPrepared(Now now, const std::string& containerId, Result<void> result);
  void onForked(Now now, const std::string& containerId, Result<int> pid);
  /// `status` as wait(2) gives it.
  void onExited(Now now, const std::string& containerId, int status);
  void onChecked(Now now, const std::string& containerId, std::uint64_t checkId,
                 const Result<int>& outcome);

  /// The agent's process ends without a word: what lives on of it. The agent is of no use
  /// afterwards.
  LivingExecutors onKilled();

  void onTimer(Now now);
  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

  const AgentOptions& options() const;
  /// With id once registered.
  const AgentInfo& info() const;
  const std::string& pid() const;  ///< "slave(1)@ip:port".
  Now started() const;
  /// Executors may still subscribe again, and nothing but that (facts X7, W30).
  bool isRecovering() const;
  /// Containers that it counts on, by id: of others it knows nothing any more.
  std::vector<std::string> containers() const;
  const std::map<std::string, AgentFramework>& frameworks() const;
  const std::list<AgentFramework>& completedFrameworks() const;
  /// What reservations made of options().resources.
  const Resources& total() const;
  /// Those whose status waits for its acknowledgement (fact P6).
  std::vector<v1::Operation> operations() const;
  /// How it is being drained; nullopt: it is not, or nothing is left (fact G9).
  const std::optional<v1::DrainConfig>& drain() const;
  /// nullopt if that was before it restarted.
  std::optional<Now> drainStarted() const;
  const AgentCounters& counters() const;
  /// nullptr if there is none.
  const AgentExecutor* executor(const std::string& frameworkId,
                                const std::string& executorId) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mesos::cluster
