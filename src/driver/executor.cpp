// What an Executor does about the callbacks that it does not override.
#include <mesos/executor.hpp>

#include <iostream>

namespace mesos {

void Executor::launchTaskGroup(ExecutorDriver* driver, const TaskGroupInfo& group) {
  for (const TaskInfo& task : group.tasks()) launchTask(driver, task);
}

void Executor::error(ExecutorDriver*, const std::string& message) {
  std::cerr << "mesos: the executor cannot go on: " << message << std::endl;
}

}  // namespace mesos
