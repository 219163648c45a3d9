// What master and agents tell each other. Inside one cluster this is our own protocol: Mesos'
// internal one is not public; what frameworks, executors and operators see of it is.
#pragma once

#include "base/time.hpp"
#include "cluster/task.hpp"

#include <mesos/resources.hpp>
#include <mesos/types.hpp>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mesos::cluster {

// --- Agent to master.

/// First registration, and every later one (then `info.id` is set and `tasks`, `executors` and
/// `frameworks` tell what is there).
struct RegisterAgent {
  AgentInfo info;
  std::string pid;  ///< "slave(1)@127.0.0.1:5051" (fact W82).
  std::string version;
  std::vector<TaskRecord> tasks;
  std::vector<ExecutorInfo> executors;
  std::vector<FrameworkInfo> frameworks;
  /// What reservations made of `info.resources`; empty: nothing else.
  Resources total = {};
  std::vector<v1::Operation> operations = {};  ///< Whose statuses are not all acknowledged.
  std::uint64_t attempt = 0;                   ///< Counted from the start of the agent's process.
};
/// The agent leaves for good (fact G5).
struct UnregisterAgent {};
/// One status, with the state that is the task's latest (fact U15).
struct StatusUpdate {
  FrameworkID frameworkId;
  TaskStatus status;
  TaskState latestState = TASK_STAGING;
};
struct ExecutorMessage {
  FrameworkID frameworkId;
  ExecutorID executorId;
  std::string data;
};
/// A status of an operation that has an id (fact P6).
struct OperationUpdate {
  std::string operation;  ///< Its uuid, 16 bytes.
  v1::OperationStatus status;
};
/// A custom executor ended (fact E7); not sent for command tasks (fact D2).
struct ExecutorExited {
  FrameworkID frameworkId;
  ExecutorID executorId;
  int status = -1;
};
/// Answers a Ping.
struct Pong {};
using AgentToMaster = std::variant<RegisterAgent, UnregisterAgent, StatusUpdate, OperationUpdate,
                                   ExecutorMessage, ExecutorExited, Pong>;

// --- Master to agent.

/// A task that the master has and a registering agent did not name (fact G7).
struct UnknownTask {
  FrameworkInfo framework;
  TaskID taskId;
};
struct AgentRegistered {
  AgentID agentId;
  /// What the agent's resources are, reservations made meanwhile included; nullopt: what it said.
  std::optional<Resources> total = std::nullopt;
  /// Without a ping for so long, the agent registers again: its master may be another one (fact
  /// G8). Zero: never.
  Duration pingTimeout{};
  std::vector<UnknownTask> missing = {};
  std::uint64_t attempt = 0;  ///< Which registration this answers.
};
/// Sent at fixed intervals (fact G2).
struct Ping {
  bool connected = true;  ///< False: the master holds the agent for disconnected; register again.
};
/// The agent is marked gone: it ends, and its executors with it (fact G6).
struct ShutdownAgent {};
/// The agent is drained: it kills its tasks, none with more grace than the config allows (fact G9).
struct DrainAgent {
  v1::DrainConfig config;
};
struct RunTask {
  FrameworkInfo framework;
  TaskInfo task;  ///< With allocation_info and executor.framework_id filled in (facts A8, A9).
  /// Whether the master counts on a new executor, and so on its resources (fact L45); nullopt: the
  /// agent goes by what it has.
  std::optional<bool> launchExecutor = std::nullopt;
};
/// Tasks of one custom executor that are delivered together or not at all (fact L34); each has the
/// executor filled in.
struct RunTaskGroup {
  FrameworkInfo framework;
  std::vector<TaskInfo> tasks;
  std::optional<bool> launchExecutor = std::nullopt;  ///< As in RunTask.
};
struct KillTask {
  FrameworkID frameworkId;
  TaskID taskId;
  std::optional<KillPolicy> policy;
};
struct AcknowledgeUpdate {
  FrameworkID frameworkId;
  TaskID taskId;
  std::string uuid;
};
/// A RESERVE or UNRESERVE, which the master has booked already. Applied once: it says what the
/// resources of the agent are afterwards.
struct ApplyOperation {
  v1::Operation operation;
  Resources total;
};
struct AcknowledgeOperation {
  std::string operation;   ///< Its uuid.
  std::string statusUuid;  ///< 16 bytes.
};
struct MessageToExecutor {
  FrameworkID frameworkId;
  ExecutorID executorId;
  std::string data;
};
struct ShutdownExecutor {
  FrameworkID frameworkId;
  ExecutorID executorId;
};
/// The framework is removed: shut down its executors (fact S54).
struct ShutdownFramework {
  FrameworkID frameworkId;
};
/// The framework subscribed again: send every unacknowledged update now (fact S45).
struct FrameworkResubscribed {
  FrameworkInfo framework;
};
/// The framework changed its info (fact S60).
struct FrameworkUpdated {
  FrameworkInfo framework;
};
using MasterToAgent = std::variant<AgentRegistered, RunTask, RunTaskGroup, KillTask, ApplyOperation,
                                   AcknowledgeOperation, AcknowledgeUpdate, MessageToExecutor,
                                   ShutdownExecutor, ShutdownFramework, FrameworkResubscribed,
                                   FrameworkUpdated, Ping, ShutdownAgent, DrainAgent>;

}  // namespace mesos::cluster
