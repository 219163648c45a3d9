#include "cluster/agent_checkpoint.hpp"

#include "protocol/record_io.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace mesos::cluster {
namespace {

constexpr std::string_view kVersion = "mesos-cpp checkpoint 1";
constexpr std::string_view kFile = "/info";
constexpr std::string_view kFrameworks = "frameworks/";
constexpr std::string_view kExecutors = "/executors/";
constexpr std::string_view kTasks = "/tasks/";

class Writer {
 public:
  Writer() { protocol::appendRecord(bytes_, kVersion); }
  Writer& add(std::string_view name, std::string_view value) {
    protocol::appendRecord(bytes_, name);
    protocol::appendRecord(bytes_, value);
    return *this;
  }
  Writer& add(std::string_view name, const google::protobuf::MessageLite& message) {
    return add(name, message.SerializePartialAsString());
  }
  Writer& add(std::string_view name, int number) { return add(name, std::to_string(number)); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

bool read(std::string_view value, google::protobuf::MessageLite* message) {
  return message->ParsePartialFromArray(value.data(), static_cast<int>(value.size()));
}

bool read(std::string_view value, int* number) {
  const auto [rest, error] = std::from_chars(value.data(), value.data() + value.size(), *number);
  return error == std::errc() && rest == value.data() + value.size();
}

bool read(std::string_view value, bool* flag) {
  *flag = value == "1";
  return *flag || value == "0";
}

bool read(std::string_view value, std::string* text) {
  *text = value;
  return true;
}

/// Gives each name and value to `take`, which says whether it could be read.
template <typename Take>
Result<void> forEach(std::string_view bytes, const Take& take) {
  protocol::RecordDecoder decoder;
  decoder.feed(bytes);
  if (decoder.next() != std::string(kVersion)) return Error{"is not a checkpoint of this version"};
  bool complete = false;
  while (const auto name = decoder.next()) {
    const auto value = decoder.next();
    if (!value) return Error{"is torn after '" + *name + "'"};
    if (!take(*name, *value)) return Error{"has a bad '" + *name + "'"};
    complete = true;
  }
  if (decoder.failure() || decoder.midRecord() || !complete) return Error{"is torn"};
  return {};
}

Result<void> decodeMessage(std::string_view bytes, google::protobuf::MessageLite* message) {
  return forEach(bytes, [&](const std::string& name, const std::string& value) {
    return name != "info" || read(value, message);
  });
}

/// "id" of "id/rest", which is cut off.
std::optional<std::string> takeId(std::string_view* path, std::string_view next) {
  const auto end = path->find('/');
  if (end == 0 || end == path->npos) return std::nullopt;
  std::string id(path->substr(0, end));
  path->remove_prefix(end);
  if (path->substr(0, next.size()) == next) path->remove_prefix(next.size());
  return id;
}

}  // namespace

std::string encode(const AgentInfo& info) { return Writer().add("info", info).take(); }

std::string encode(const v1::DrainConfig& drain) { return Writer().add("info", drain).take(); }

std::string encode(const FrameworkInfo& info) { return Writer().add("info", info).take(); }

std::string encode(const ExecutorCheckpoint& executor) {
  return Writer()
      .add("info", executor.info)
      .add("command", executor.command)
      .add("container_id", executor.containerId)
      .add("sandbox", executor.sandbox)
      .add("user", executor.user)
      .add("pid", executor.pid)
      .add("is_command", executor.isCommand ? 1 : 0)
      .add("given_task", executor.givenTask ? 1 : 0)
      .add("is_terminated", executor.isTerminated ? 1 : 0)
      .take();
}

std::string encode(const TaskCheckpoint& task) {
  Writer writer;
  writer.add("task", task.task);
  for (const auto& status : task.updates.pending) writer.add("pending", status.unpack());
  for (const auto& uuid : task.updates.seen) {
    writer.add("seen", std::string_view(uuid.data(), uuid.size()));
  }
  return writer.add("latest_state", static_cast<int>(task.updates.latestState)).take();
}

Result<void> decode(std::string_view bytes, AgentInfo* info) { return decodeMessage(bytes, info); }

Result<void> decode(std::string_view bytes, v1::DrainConfig* drain) {
  return decodeMessage(bytes, drain);
}

Result<void> decode(std::string_view bytes, FrameworkInfo* info) {
  return decodeMessage(bytes, info);
}

Result<void> decode(std::string_view bytes, ExecutorCheckpoint* executor) {
  return forEach(bytes, [&](const std::string& name, const std::string& value) {
    if (name == "info") return read(value, &executor->info);
    if (name == "command") return read(value, &executor->command);
    if (name == "container_id") return read(value, &executor->containerId);
    if (name == "sandbox") return read(value, &executor->sandbox);
    if (name == "user") return read(value, &executor->user);
    if (name == "pid") return read(value, &executor->pid);
    if (name == "is_command") return read(value, &executor->isCommand);
    if (name == "given_task") return read(value, &executor->givenTask);
    if (name == "is_terminated") return read(value, &executor->isTerminated);
    return true;
  });
}

Result<void> decode(std::string_view bytes, TaskCheckpoint* task) {
  const auto valid = forEach(bytes, [&](const std::string& name, const std::string& value) {
    if (name == "task") return read(value, &task->task);
    if (name == "pending") {
      TaskStatus status;
      if (!read(value, &status)) return false;
      task->updates.pending.emplace_back(status);
      return true;
    }
    if (name == "seen") {
      task->updates.seen.push_back(UpdateStream::uuidOf(value));
      return true;
    }
    int state = 0;
    if (name != "latest_state") return true;
    if (!read(value, &state) || !v1::TaskState_IsValid(state)) return false;
    task->updates.latestState = static_cast<TaskState>(state);
    return true;
  });
  std::sort(task->updates.seen.begin(), task->updates.seen.end());
  return valid;
}

std::string frameworkPath(const std::string& frameworkId) {
  return std::string(kFrameworks) + frameworkId;
}

std::string executorPath(const std::string& frameworkId, const std::string& executorId) {
  return frameworkPath(frameworkId) + std::string(kExecutors) + executorId;
}

std::string taskPath(const std::string& frameworkId, const std::string& executorId,
                     const std::string& taskId) {
  return executorPath(frameworkId, executorId) + std::string(kTasks) + taskId;
}

std::string checkpointFile(const std::string& directory) { return directory + std::string(kFile); }

std::optional<CheckpointName> parseCheckpointPath(std::string_view path) {
  if (path == kAgentPath) return CheckpointName{CheckpointName::Kind::Agent, "", "", ""};
  if (path == kDrainPath) return CheckpointName{CheckpointName::Kind::Drain, "", "", ""};
  if (path.substr(0, kFrameworks.size()) != kFrameworks) return std::nullopt;
  path.remove_prefix(kFrameworks.size());
  CheckpointName name{CheckpointName::Kind::Framework, "", "", ""};
  const auto framework = takeId(&path, kExecutors);
  if (!framework) return std::nullopt;
  name.frameworkId = *framework;
  if (path == kFile) return name;
  name.kind = CheckpointName::Kind::Executor;
  const auto executor = takeId(&path, kTasks);
  if (!executor) return std::nullopt;
  name.executorId = *executor;
  if (path == kFile) return name;
  name.kind = CheckpointName::Kind::Task;
  const auto task = takeId(&path, {});
  if (!task || path != kFile) return std::nullopt;
  name.taskId = *task;
  return name;
}

}  // namespace mesos::cluster
