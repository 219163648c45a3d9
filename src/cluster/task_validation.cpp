#include "base/check.hpp"
#include "cluster/check_validation.hpp"
#include "cluster/validation.hpp"
#include "cluster/validation_steps.hpp"
#include "resources/reservations.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

namespace mesos::cluster {

Result<void> validateResources(const google::protobuf::RepeatedPtrField<Resource>& resources) {
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

namespace {

using Protos = google::protobuf::RepeatedPtrField<Resource>;

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

/// Facts L7-L9.
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
      [&] { return validateLimits(task); });
}

/// Fact L10.
Result<void> validateRunner(const TaskInfo& task) {
  if (task.has_executor() != task.has_command()) return {};
  return Error{
      "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"};
}

Result<void> validateDefaultExecutor(const ExecutorInfo& executor) {
  if (executor.has_command()) {
    return Error{"'ExecutorInfo.command' must not be set for 'DEFAULT' executor"};
  }
  if (executor.has_container() && executor.container().type() != v1::ContainerInfo::MESOS) {
    return Error{"'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor"};
  }
  return {};
}

Result<void> validateExecutorType(const ExecutorInfo& executor, bool inGroup) {
  if (executor.has_type() && executor.type() == ExecutorInfo::DEFAULT) {
    if (const auto valid = validateDefaultExecutor(executor); !valid || inGroup) return valid;
  }
  if (executor.has_type() && executor.type() != ExecutorInfo::CUSTOM) {
    return Error{"'ExecutorInfo.type' must be 'CUSTOM'"};
  }
  if (!executor.has_command()) {
    return Error{"'ExecutorInfo.command' must be set for 'CUSTOM' executor"};
  }
  return {};
}

/// Fact L11, for a LAUNCH_GROUP L31.
Result<void> validateExecutor(const ExecutorInfo& executor, const LaunchContext& context,
                              bool inGroup) {
  if (const auto valid = validateId(executor.executor_id().value()); !valid) return valid;
  if (executor.shutdown_grace_period().nanoseconds() < 0) {
    return Error{"ExecutorInfo's 'shutdown_grace_period' must be non-negative"};
  }
  if (executor.framework_id().value() != context.frameworkId) {
    return Error{"ExecutorInfo has an invalid FrameworkID (Actual: " +
                 executor.framework_id().value() + " vs Expected: " + context.frameworkId + ")"};
  }
  if (const auto valid = validateExecutorType(executor, inGroup); !valid) return valid;
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
  std::string line(60, '-');
  line += '\n';
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

Result<void> validateMembers(const Offer::Operation::LaunchGroup& group) {
  const ExecutorInfo& executor = group.executor();
  std::set<std::string> seen;
  for (const TaskInfo& task : group.task_group().tasks()) {
    const std::string& id = task.task_id().value();
    // A real master does not look, and dies of it (fact L32).
    if (!seen.insert(id).second) {
      return Error{"Task '" + id + "' is invalid: Task has duplicate ID: " + id};
    }
    if (task.has_executor() &&
        task.executor().SerializeAsString() != executor.SerializeAsString()) {
      return Error{"The `ExecutorInfo` of task '" + id + "' is different from executor '" +
                   executor.executor_id().value() + "'"};
    }
  }
  return {};
}

/// As Mesos prints an amount of memory.
std::string bytesText(double megabytes) {
  const auto kilobytes = std::llround(megabytes * 1024);
  if (kilobytes % 1024 == 0) return std::to_string(kilobytes / 1024) + "MB";
  return std::to_string(kilobytes) + "KB";
}

/// What an executor of a group needs at the least (fact L31).
Result<void> validateMinimum(const ExecutorInfo& executor) {
  constexpr double kMinCpus = 0.01;
  constexpr double kMinMem = 32;
  const Resources resources(executor.resources());
  const std::string subject = "Executor '" + executor.executor_id().value() + "' uses ";
  if (resources.cpus() < kMinCpus) {
    std::ostringstream cpus;
    if (resources.cpus() > 0) {
      cpus << resources.cpus();
    } else {
      cpus << "None";
    }
    return Error{subject + "less CPUs (" + cpus.str() + ") than the minimum required (0.01)"};
  }
  if (resources.mem() < kMinMem) {
    return Error{subject + "less memory (" +
                 (resources.mem() > 0 ? bytesText(resources.mem()) : "None") +
                 ") than the minimum required (" + bytesText(kMinMem) + ")"};
  }
  if (resources.disk() <= 0) return Error{subject + "no disk"};
  return {};
}

/// Fact L33. Each takes from what the others leave: a port is one task's alone.
Result<void> validateGroupAvailable(const Offer::Operation::LaunchGroup& group,
                                    const LaunchContext& context) {
  std::vector<Resources> parts;
  if (context.running == nullptr) parts.emplace_back(group.executor().resources());
  for (const TaskInfo& task : group.task_group().tasks()) parts.emplace_back(task.resources());
  Resources left = context.available;
  Resources total;
  bool enough = true;
  for (const Resources& part : parts) {
    enough = enough && left.contains(part);
    left -= part;
    total += part;
  }
  if (enough) return {};
  return Error{"Total resources " + describe(total) +
               " required by task group and its executor are more than available " +
               describe(context.available)};
}

/// Fact L32: what a task of its own may have, and one of a group may not.
Result<void> validateNesting(const TaskInfo& task) {
  if (!task.has_container()) return {};
  if (task.container().type() == v1::ContainerInfo::DOCKER) {
    return Error{"Docker ContainerInfo is not supported on the task"};
  }
  if (task.container().network_infos().empty()) return {};
  const std::string rest = " are not supported for nested containers not joining parent's network";
  const auto health = task.health_check().type();
  if (health == v1::HealthCheck::HTTP || health == v1::HealthCheck::TCP) {
    return Error{"HTTP and TCP health checks" + rest};
  }
  const auto check = task.check().type();
  if (check == v1::CheckInfo::HTTP || check == v1::CheckInfo::TCP) {
    return Error{"HTTP and TCP checks" + rest};
  }
  return {};
}

}  // namespace

Result<void> validateGroupResources(const Offer::Operation::LaunchGroup& group) {
  if (const auto valid = validateResources(group.executor().resources()); !valid) return valid;
  for (const TaskInfo& task : group.task_group().tasks()) {
    if (const auto valid = validateResources(task.resources()); !valid) return valid;
    if (const auto valid = validateResources(task.executor().resources()); !valid) return valid;
  }
  return {};
}

Result<void> validateTaskOfGroup(const TaskInfo& task, const LaunchContext& context) {
  return prefixed(
      "Task '" + task.task_id().value() + "' is invalid: ",
      firstError([&] { return validateIdentity(task, context); },
                 [&] { return validateTimesAndChecks(task); },
                 [&] { return validateContent(task); }, [&] { return validateNesting(task); }));
}

Result<void> validateGroup(const Offer::Operation::LaunchGroup& group,
                           const LaunchContext& context) {
  const ExecutorInfo& executor = group.executor();
  if (!executor.has_type()) return Error{"'ExecutorInfo.type' must be set"};
  if (executor.type() == ExecutorInfo::UNKNOWN) return Error{"Unknown executor type"};
  if (!executor.has_framework_id()) return Error{"'ExecutorInfo.framework_id' must be set"};
  return firstError([&] { return validateExecutor(executor, context, true); },
                    [&] { return validateRunning(executor, context); },
                    [&]() -> Result<void> {
                      const bool docker = executor.has_container() &&
                                          executor.container().type() == v1::ContainerInfo::DOCKER;
                      if (!docker) return {};
                      return Error{"Docker ContainerInfo is not supported on the executor"};
                    },
                    [&] { return validateMembers(group); },
                    [&] {
                      if (context.running != nullptr) return Result<void>{};
                      return validateMinimum(executor);
                    },
                    [&] { return validateGroupAvailable(group, context); });
}

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
      [&] { return validateContent(task); }, [&] { return validateRunner(task); },
      [&] {
        if (!task.has_executor()) return Result<void>{};
        return firstError([&] { return validateExecutor(task.executor(), context, false); },
                          [&] { return validateRunning(task.executor(), context); });
      },
      [&] { return validateAvailable(task, context); }, [&] { return validateCgroups(task); });
}

}  // namespace mesos::cluster
