#include "cluster/validation.hpp"

#include "base/check.hpp"
#include "resources/reservations.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace mesos::cluster {
namespace {

using Protos = google::protobuf::RepeatedPtrField<Resource>;

/// The first of the checks, given in order, that fails.
template <typename... Checks>
Result<void> firstError(Checks&&... checks) {
  Result<void> result;
  static_cast<void>((... && static_cast<bool>(result = checks())));
  return result;
}

Result<void> prefixed(const std::string& prefix, Result<void> result) {
  if (result) return result;
  return Error{prefix + result.error().message};
}

/// Fact A5.
Result<void> validateResources(const Protos& resources) {
  for (const Resource& resource : resources) {
    if (const auto valid = Resources::validate(resource); !valid) {
      return Error{"Resource '" + describe(resource) + "' is invalid: " + valid.error().message};
    }
    if (resource.has_disk() && resource.name() != "disk") {
      return Error{"Resource '" + describe(resource) +
                   "' is invalid: DiskInfo should not be set for " + resource.name() + " resource"};
    }
  }
  return {};
}

/// Fact L8.
Result<void> validateEnvironment(const CommandInfo& command) {
  for (const auto& variable : command.environment().variables()) {
    const std::string type = Environment::Variable::Type_Name(variable.type());
    const auto complaint = [&](const char* what) {
      return Error{"Environment variable '" + variable.name() + "' of type '" + type + "' must " +
                   what + " set"};
    };
    switch (variable.type()) {
      case Environment::Variable::VALUE:
        if (!variable.has_value()) return complaint("have a value");
        if (variable.has_secret()) return complaint("not have a secret");
        break;
      case Environment::Variable::SECRET:
        if (!variable.has_secret()) return complaint("have a secret");
        if (variable.has_value()) return complaint("not have a value");
        break;
      default:
        return Error{"Environment variable '" + variable.name() + "' has the unknown type '" +
                     type + "'"};
    }
  }
  return {};
}

Result<void> validateContainer(const v1::ContainerInfo& container) {
  for (const auto& volume : container.volumes()) {
    const int sources = (volume.has_host_path() ? 1 : 0) + (volume.has_image() ? 1 : 0) +
                        (volume.has_source() ? 1 : 0);
    if (sources != 1) {
      return Error{
          "Invalid volume: Only one of them should be set: 'host_path', 'image' and 'source'"};
    }
  }
  if (container.type() == v1::ContainerInfo::DOCKER && !container.has_docker()) {
    return Error{"DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"};
  }
  return {};
}

Result<void> nonNegative(double value, const char* field) {
  if (value >= 0) return {};
  return Error{std::string("Expecting '") + field + "' to be non-negative"};
}

Result<void> validatePath(bool given, const std::string& path, const char* kind) {
  if (!given || path.starts_with('/')) return {};
  return Error{"The path '" + path + "' of HTTP " + kind + " must start with '/'"};
}

Result<void> expecting(bool present, const char* member, const char* type, const char* kind) {
  if (present) return {};
  return Error{std::string("Expecting '") + member + "' to be set for " + type + " " + kind};
}

/// Fact L5: what `type` says must be there.
Result<void> validateCheckKind(const v1::CheckInfo& check) {
  switch (check.type()) {
    case v1::CheckInfo::COMMAND:
      if (const auto valid = expecting(check.has_command(), "command", "COMMAND", "check"); !valid)
        return valid;
      if (check.command().command().has_value()) return {};
      return Error{check.command().command().shell()
                       ? "Command check must contain 'shell command'"
                       : "Command check must contain 'executable path'"};
    case v1::CheckInfo::HTTP:
      if (const auto valid = expecting(check.has_http(), "http", "HTTP", "check"); !valid)
        return valid;
      return validatePath(check.http().has_path(), check.http().path(), "check");
    case v1::CheckInfo::TCP:
      return expecting(check.has_tcp(), "tcp", "TCP", "check");
    default:
      return Error{"'" + v1::CheckInfo::Type_Name(check.type()) + "' is not a valid check type"};
  }
}

Result<void> validateCheck(const v1::CheckInfo& check) {
  if (!check.has_type()) return Error{"CheckInfo must specify 'type'"};
  return firstError([&] { return validateCheckKind(check); },
                    [&] { return nonNegative(check.delay_seconds(), "delay_seconds"); },
                    [&] { return nonNegative(check.interval_seconds(), "interval_seconds"); },
                    [&] { return nonNegative(check.timeout_seconds(), "timeout_seconds"); });
}

Result<void> validateHealthHttp(const v1::HealthCheck& check) {
  if (const auto valid = expecting(check.has_http(), "http", "HTTP", "health check"); !valid)
    return valid;
  const auto& http = check.http();
  if (http.has_scheme() && http.scheme() != "http" && http.scheme() != "https") {
    return Error{"Unsupported HTTP health check scheme: '" + http.scheme() + "'"};
  }
  return validatePath(http.has_path(), http.path(), "health check");
}

Result<void> validateHealthKind(const v1::HealthCheck& check) {
  switch (check.type()) {
    case v1::HealthCheck::COMMAND:
      if (const auto valid = expecting(check.has_command(), "command", "COMMAND", "health check");
          !valid)
        return valid;
      if (!check.command().has_value()) {
        return Error{check.command().shell()
                         ? "Command health check must contain 'shell command'"
                         : "Command health check must contain 'executable path'"};
      }
      return prefixed("Health check's `CommandInfo` is invalid: ",
                      validateEnvironment(check.command()));
    case v1::HealthCheck::HTTP:
      return validateHealthHttp(check);
    case v1::HealthCheck::TCP:
      return expecting(check.has_tcp(), "tcp", "TCP", "health check");
    default:
      return Error{"'" + v1::HealthCheck::Type_Name(check.type()) +
                   "' is not a valid health check type"};
  }
}

/// Fact L6.
Result<void> validateHealthCheck(const v1::HealthCheck& check) {
  if (!check.has_type()) return Error{"HealthCheck must specify 'type'"};
  return firstError(
      [&] { return validateHealthKind(check); },
      [&] { return nonNegative(check.delay_seconds(), "delay_seconds"); },
      [&] { return nonNegative(check.interval_seconds(), "interval_seconds"); },
      [&] { return nonNegative(check.timeout_seconds(), "timeout_seconds"); },
      [&] { return nonNegative(check.grace_period_seconds(), "grace_period_seconds"); });
}

/// Facts L1-L3.
Result<void> validateIdentity(const TaskInfo& task, const LaunchContext& context) {
  const std::string& id = task.task_id().value();
  if (const auto valid = validateId(id); !valid) return valid;
  if (context.duplicateId) return Error{"Task has duplicate ID: " + id};
  if (context.unreachableId) return Error{"Task reuses the ID of an unreachable task: " + id};
  if (task.agent_id().value() != context.agentId) {
    return Error{"Task uses invalid agent " + task.agent_id().value() + " while agent " +
                 context.agentId + " is expected"};
  }
  return {};
}

/// Facts L4-L6.
Result<void> validateTimesAndChecks(const TaskInfo& task) {
  if (task.kill_policy().grace_period().nanoseconds() < 0) {
    return Error{"Task's 'kill_policy.grace_period' must be non-negative"};
  }
  if (task.max_completion_time().nanoseconds() < 0) {
    return Error{"Task's `max_completion_time` must be non-negative"};
  }
  if (task.has_check()) {
    const auto valid = prefixed("Task uses invalid check: ", validateCheck(task.check()));
    if (!valid) return valid;
  }
  if (!task.has_health_check()) return {};
  return prefixed("Task uses invalid health check: ", validateHealthCheck(task.health_check()));
}

Result<void> validateGpus(const Protos& resources) {
  double gpus = 0;
  for (const Resource& resource : resources) {
    if (resource.name() == "gpus") gpus += resource.scalar().value();
  }
  if (std::abs(gpus - std::round(gpus)) < 0.0005) return {};
  return Error{"Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"};
}

/// Which disks a task may use: volumes are persistent ones, in reserved disk, each once.
Result<void> validateDisks(const Protos& resources) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const Resource& resource : resources) {
    if (!resource.has_disk()) continue;
    const auto& disk = resource.disk();
    if (!disk.has_persistence()) {
      if (disk.has_volume()) return Error{"Invalid DiskInfo: Non-persistent volume not supported"};
      continue;
    }
    Resource upgraded = resource;
    toPostRefinement(&upgraded);
    if (upgraded.reservations_size() == 0) {
      return Error{
          "Invalid DiskInfo: Persistent volumes cannot be created from unreserved resources"};
    }
    if (const auto valid = validateId(disk.persistence().id()); !valid) {
      return Error{"Invalid DiskInfo: Invalid persistence ID for persistent volume: " +
                   valid.error().message};
    }
    const std::string role(reservationRole(upgraded));
    if (!seen.emplace(role, disk.persistence().id()).second) {
      return Error{"Persistence ID '" + disk.persistence().id() + "' is not unique"};
    }
  }
  return {};
}

Result<void> validateOneRole(const Protos& resources) {
  const std::string* first = nullptr;
  for (const Resource& resource : resources) {
    const std::string& role = resource.allocation_info().role();
    if (first == nullptr) first = &role;
    if (role == *first) continue;
    return Error{"The resources have multiple allocation roles ('" + *first + "' and '" + role +
                 "') but only one allocation role is allowed"};
  }
  return {};
}

Result<void> validateRevocable(const Protos& resources) {
  std::map<std::string, bool> revocable;
  for (const Resource& resource : resources) {
    const auto [known, added] = revocable.emplace(resource.name(), resource.has_revocable());
    if (added || known->second == resource.has_revocable()) continue;
    return Error{"Cannot use both revocable and non-revocable '" + resource.name() +
                 "' at the same time"};
  }
  return {};
}

/// Fact L7, for a task ("Task", "task") or an executor.
Result<void> validateUse(const Protos& resources, const std::string& who,
                         const std::string& lowerCase) {
  return firstError(
      [&] { return prefixed(who + " uses invalid resources: ", validateGpus(resources)); },
      [&] { return prefixed(who + " uses invalid resources: ", validateDisks(resources)); },
      [&] { return prefixed("Invalid " + lowerCase + " resources: ", validateOneRole(resources)); },
      [&] {
        return prefixed(who + " mixes revocable and non-revocable resources: ",
                        validateRevocable(resources));
      });
}

/// Fact L9.
Result<void> validateLimits(const TaskInfo& task) {
  const Resources requested(task.resources());
  for (const auto& [name, limit] : task.limits()) {
    if (name != "cpus" && name != "mem") {
      return Error{"Only cpus and mem may be included in a task's resource limits"};
    }
  }
  for (const char* const name : {"cpus", "mem"}) {
    const auto limit = task.limits().find(name);
    if (limit == task.limits().end()) continue;
    const bool cpus = limit->first == "cpus";
    const bool given =
        std::any_of(task.resources().begin(), task.resources().end(),
                    [&](const Resource& resource) { return resource.name() == name; });
    if (!given) {
      return Error{cpus ? "When a CPU limit is specified, a CPU request must also be specified"
                        : "When a memory limit is specified, a memory request must also be "
                          "specified"};
    }
    if (limit->second.value() >= requested.scalar(name)) continue;
    return Error{cpus ? "The cpu limit must be greater than or equal to the cpu request"
                      : "The memory limit must be greater than or equal to the memory request"};
  }
  return {};
}

/// Facts L7-L10.
Result<void> validateContent(const TaskInfo& task) {
  if (task.resources().empty()) return Error{"Task uses no resources"};
  return firstError(
      [&] { return validateUse(task.resources(), "Task", "task"); },
      [&] {
        return prefixed("Task's `CommandInfo` is invalid: ", validateEnvironment(task.command()));
      },
      [&] {
        if (!task.has_container()) return Result<void>{};
        return prefixed("Task's `ContainerInfo` is invalid: ", validateContainer(task.container()));
      },
      [&] { return validateLimits(task); },
      [&]() -> Result<void> {
        if (task.has_executor() != task.has_command()) return {};
        return Error{
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"};
      });
}

Result<void> validateExecutorType(const ExecutorInfo& executor) {
  if (executor.type() == ExecutorInfo::DEFAULT && executor.has_command()) {
    return Error{"'ExecutorInfo.command' must not be set for 'DEFAULT' executor"};
  }
  if (executor.has_type() && executor.type() != ExecutorInfo::CUSTOM) {
    return Error{"'ExecutorInfo.type' must be 'CUSTOM'"};
  }
  if (!executor.has_command()) {
    return Error{"'ExecutorInfo.command' must be set for 'CUSTOM' executor"};
  }
  return {};
}

/// Fact L11.
Result<void> validateExecutor(const ExecutorInfo& executor, const LaunchContext& context) {
  if (const auto valid = validateId(executor.executor_id().value()); !valid) return valid;
  if (executor.shutdown_grace_period().nanoseconds() < 0) {
    return Error{"ExecutorInfo's 'shutdown_grace_period' must be non-negative"};
  }
  if (executor.framework_id().value() != context.frameworkId) {
    return Error{"ExecutorInfo has an invalid FrameworkID (Actual: " +
                 executor.framework_id().value() + " vs Expected: " + context.frameworkId + ")"};
  }
  if (const auto valid = validateExecutorType(executor); !valid) return valid;
  return firstError(
      [&] {
        return prefixed("Executor's `CommandInfo` is invalid: ",
                        validateEnvironment(executor.command()));
      },
      [&] {
        if (!executor.has_container()) return Result<void>{};
        return prefixed("Executor's `ContainerInfo` is invalid: ",
                        validateContainer(executor.container()));
      },
      [&] { return validateUse(executor.resources(), "Executor", "executor"); },
      [&]() -> Result<void> {
        const auto& all = executor.resources();
        const bool shared = std::any_of(all.begin(), all.end(),
                                        [](const Resource& one) { return one.has_shared(); });
        if (!shared) return {};
        return Error{"Executor resources must not be shared"};
      });
}

/// Fact L12; `labels` and `shutdown_grace_period` may differ.
bool isSameExecutor(const ExecutorInfo& a, const ExecutorInfo& b) {
  const auto compared = [](ExecutorInfo executor) {
    executor.clear_labels();
    executor.clear_shutdown_grace_period();
    executor.clear_resources();
    return executor.SerializeAsString();
  };
  return compared(a) == compared(b) && Resources(a.resources()) == Resources(b.resources());
}

Result<void> validateRunning(const ExecutorInfo& executor, const LaunchContext& context) {
  if (context.running == nullptr || isSameExecutor(executor, *context.running)) return {};
  const std::string line = std::string(60, '-') + "\n";
  return Error{"ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n" +
               line + "Existing ExecutorInfo:\n" + context.running->DebugString() + "\n" + line +
               "ExecutorInfo:\n" + executor.DebugString() + "\n" + line};
}

bool overlaps(const Resource& a, const Resource& b) {
  if (a.name() != b.name()) return false;
  for (const auto& left : a.ranges().range()) {
    for (const auto& right : b.ranges().range()) {
      if (left.begin() <= right.end() && right.begin() <= left.end()) return true;
    }
  }
  for (const auto& item : a.set().item()) {
    const auto& others = b.set().item();
    if (std::find(others.begin(), others.end(), item) != others.end()) return true;
  }
  return false;
}

/// Facts L14 and L15.
Result<void> validateAvailable(const TaskInfo& task, const LaunchContext& context) {
  const Resources ofTask(task.resources());
  const Resources ofExecutor(task.executor().resources());
  Resources total = ofTask;
  if (context.running == nullptr) total += ofExecutor;
  if (!context.available.contains(total)) {
    return Error{"Total resources " + describe(total) +
                 " required by task and its executor is more than available " +
                 describe(context.available)};
  }
  for (const Resource& a : ofTask) {
    for (const Resource& b : ofExecutor) {
      if (!overlaps(a, b)) continue;
      return Error{"There are overlapping resources in the task resources " + describe(ofTask) +
                   " and executor resources " + describe(ofExecutor)};
    }
  }
  return {};
}

/// Fact L16.
Result<void> validateCgroups(const TaskInfo& task) {
  const auto refuses = [](const v1::ContainerInfo& container) {
    return container.has_linux_info() && !container.linux_info().share_cgroups();
  };
  if (!refuses(task.container()) && !refuses(task.executor().container())) return {};
  return Error{"Only tasks in a task group may have 'share_cgroups' set to 'false'"};
}

}  // namespace

Result<void> validateLaunchResources(const Offer::Operation::Launch& launch) {
  for (const TaskInfo& task : launch.task_infos()) {
    if (const auto valid = validateResources(task.resources()); !valid) return valid;
    if (const auto valid = validateResources(task.executor().resources()); !valid) return valid;
  }
  return {};
}

Result<void> validateTask(const TaskInfo& task, const LaunchContext& context) {
  return firstError(
      [&] { return validateIdentity(task, context); }, [&] { return validateTimesAndChecks(task); },
      [&] { return validateContent(task); },
      [&] {
        if (!task.has_executor()) return Result<void>{};
        return firstError([&] { return validateExecutor(task.executor(), context); },
                          [&] { return validateRunning(task.executor(), context); });
      },
      [&] { return validateAvailable(task, context); }, [&] { return validateCgroups(task); });
}

}  // namespace mesos::cluster
