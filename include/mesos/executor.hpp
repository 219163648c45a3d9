// The executor side of the SDK: implement Executor, run it with a MesosExecutorDriver.
#pragma once

#include <mesos/result.hpp>
#include <mesos/types.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mesos::v1::executor {
class Event;
}  // namespace mesos::v1::executor

namespace mesos {

class ExecutorDriver;

/// What runs tasks on an agent. The driver calls one callback at a time, on a thread of its own,
/// never nested; a callback may call any method of the driver except join() and run(). References
/// are valid during the call only. A callback that throws aborts the driver, and the exception
/// comes out of join().
class Executor {
 public:
  virtual ~Executor() = default;

  /// First subscription with the agent.
  virtual void registered(ExecutorDriver*, const ExecutorInfo&, const FrameworkInfo&,
                          const AgentInfo&) {}
  /// Every later one.
  virtual void reregistered(ExecutorDriver*, const AgentInfo&) {}
  /// The agent's stream broke. With checkpointing the driver tries to come back for
  /// MESOS_RECOVERY_TIMEOUT; without, shutdown() follows at once (fact X40).
  virtual void disconnected(ExecutorDriver*) {}
  /// Start this task; report its states with sendStatusUpdate. Once per task.
  virtual void launchTask(ExecutorDriver*, const TaskInfo&) {}
  /// Start these tasks, all or none. Default: launchTask for each.
  virtual void launchTaskGroup(ExecutorDriver* driver, const TaskGroupInfo& group);
  /// End this task. May name a task that has ended or was never seen: ignore that (facts K4, X32).
  /// `policy` is the call's kill policy if it had one; otherwise the TaskInfo's own counts.
  virtual void killTask(ExecutorDriver*, const TaskID&, const KillPolicy* /*policy*/) {}
  /// Bytes from the scheduler. At most once, best effort.
  virtual void frameworkMessage(ExecutorDriver*, const std::string& /*data*/) {}
  /// End every task, send terminal updates and return; then the driver waits for their
  /// acknowledgements and stops. After the grace period (MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD) the
  /// agent kills the executor (fact X44).
  virtual void shutdown(ExecutorDriver*) {}
  /// The agent refuses this executor; the driver has already aborted. Default: prints to stderr.
  virtual void error(ExecutorDriver*, const std::string& message);
  /// An event without a classic callback: ACKNOWLEDGED, HEARTBEAT, unknown ones.
  virtual void otherEvent(ExecutorDriver*, const v1::executor::Event&) {}
};

/// What an executor can ask of its agent. Any thread, and callbacks, except join() and run().
class ExecutorDriver {
 public:
  virtual ~ExecutorDriver() = default;

  virtual Status start() = 0;
  /// Ends the driver after the agent has acknowledged every update sent, or after 5 s (fact X50).
  virtual Status stop() = 0;
  /// Ends the driver at once. join() then returns DRIVER_ABORTED.
  virtual Status abort() = 0;
  virtual Status join() = 0;
  virtual Status run() = 0;

  /// Reports a task. The driver fills in uuid, timestamp, source, executor_id and agent_id, and
  /// repeats the update until the agent has acknowledged it. Throws std::invalid_argument for
  /// TASK_STAGING, which only agents and masters may report (fact X21).
  virtual Status sendStatusUpdate(const TaskStatus& status) = 0;
  /// Bytes to the scheduler. At most once, best effort. Dropped while disconnected.
  virtual Status sendFrameworkMessage(const std::string& data) = 0;
};

struct ExecutorOptions {
  /// Looks up an environment variable; default: the process's environment.
  std::function<const char*(const char*)> environment = nullptr;
  /// Of uuids and backoff jitter; 0: drawn from the system.
  std::uint64_t seed = 0;
  /// One line of log. Default: stderr.
  std::function<void(const std::string&)> log = nullptr;
};

/// The driver for the Mesos v1 executor API (protobuf). Reads the MESOS_* variables that the agent
/// sets (section 12.5).
class MesosExecutorDriver : public ExecutorDriver {
 public:
  /// `executor` must outlive the driver. Throws std::invalid_argument if it is null or the MESOS_*
  /// variables are missing (the message names the variable).
  explicit MesosExecutorDriver(Executor* executor, ExecutorOptions options = {});
  /// Aborts and joins. Not from a callback.
  ~MesosExecutorDriver() override;
  MesosExecutorDriver(const MesosExecutorDriver&) = delete;
  MesosExecutorDriver& operator=(const MesosExecutorDriver&) = delete;

  Status start() override;
  Status stop() override;
  Status abort() override;
  Status join() override;
  Status run() override;
  Status sendStatusUpdate(const TaskStatus& status) override;
  Status sendFrameworkMessage(const std::string& data) override;

 private:
  class Pump;
  std::unique_ptr<Pump> pump_;
};

}  // namespace mesos
