// What an agent writes down of checkpointing frameworks, and how it is read back (U13, X42, W81).
#pragma once

#include "cluster/update_stream.hpp"

#include <mesos/result.hpp>
#include <mesos/types.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace mesos::cluster {

/// An executor's run, as one file.
struct ExecutorCheckpoint {
  ExecutorInfo info;
  CommandInfo command;  ///< Of the executor; of the task, if it is a command task's.
  std::string containerId;
  std::string sandbox;
  std::string user;
  int pid = 0;             ///< 0: not forked yet.
  bool isCommand = false;  ///< It runs a command task (fact D1).
  bool givenTask = false;  ///< See fact X25.
  bool isTerminated = false;
};

/// A task until its end is acknowledged, with the statuses that nobody acknowledged yet, as one
/// file.
struct TaskCheckpoint {
  Task task;
  UpdateStream::Contents updates;
};

// Files are RecordIO: a version, then names and values in turn. Unknown names are skipped; what is
// torn or foreign is refused with a sentence.
std::string encode(const AgentInfo& info);
std::string encode(const v1::DrainConfig& drain);
std::string encode(const FrameworkInfo& info);
std::string encode(const ExecutorCheckpoint& executor);
std::string encode(const TaskCheckpoint& task);
Result<void> decode(std::string_view bytes, AgentInfo* info);
Result<void> decode(std::string_view bytes, v1::DrainConfig* drain);
Result<void> decode(std::string_view bytes, FrameworkInfo* info);
Result<void> decode(std::string_view bytes, ExecutorCheckpoint* executor);
Result<void> decode(std::string_view bytes, TaskCheckpoint* task);

/// Where they lie below the agent's meta directory: directories named by ids, which are fit for
/// that (fact L1), with one file each.
inline constexpr char kAgentPath[] = "agent.info";
inline constexpr char kDrainPath[] = "drain.config";  ///< While the agent is drained (fact G9).
std::string frameworkPath(const std::string& frameworkId);
std::string executorPath(const std::string& frameworkId, const std::string& executorId);
std::string taskPath(const std::string& frameworkId, const std::string& executorId,
                     const std::string& taskId);
/// The file in one of these directories.
std::string checkpointFile(const std::string& directory);

/// What a file is about, by its path.
struct CheckpointName {
  enum class Kind { Agent, Drain, Framework, Executor, Task } kind;
  std::string frameworkId;
  std::string executorId;
  std::string taskId;
};
/// nullopt: none of ours.
std::optional<CheckpointName> parseCheckpointPath(std::string_view path);

}  // namespace mesos::cluster
