// An executor whose tasks do nothing: launched, they run, until they are killed.
#include <mesos/executor.hpp>

using namespace mesos;

namespace {

class IdleExecutor : public Executor {
 public:
  void launchTask(ExecutorDriver* driver, const TaskInfo& task) override {
    driver->sendStatusUpdate(makeStatus(task.task_id(), TASK_RUNNING));
  }
  void killTask(ExecutorDriver* driver, const TaskID& task, const KillPolicy*) override {
    driver->sendStatusUpdate(makeStatus(task, TASK_KILLED));
  }
};

}  // namespace

int main() {
  IdleExecutor executor;
  return MesosExecutorDriver(&executor).run() == DRIVER_STOPPED ? 0 : 1;
}
