#include "driver/executor_environment.hpp"
#include "driver/executor_pump.hpp"

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <utility>

namespace mesos {

MesosExecutorDriver::MesosExecutorDriver(Executor* executor, ExecutorOptions options) {
  if (!executor) throw std::invalid_argument("the executor is null");
  if (!options.environment) {
    options.environment = [](const char* name) -> const char* { return std::getenv(name); };
  }
  auto environment = driver::executorEnvironment(options.environment);
  if (!environment) throw std::invalid_argument(environment.error().message);
  pump_ = std::make_unique<Pump>(*executor, *this, std::move(*environment), std::move(options));
}

MesosExecutorDriver::~MesosExecutorDriver() = default;

Status MesosExecutorDriver::start() { return pump_->start(); }

Status MesosExecutorDriver::stop() { return pump_->stop(); }

Status MesosExecutorDriver::abort() { return pump_->abort(); }

Status MesosExecutorDriver::join() { return pump_->threads().join(); }

Status MesosExecutorDriver::run() {
  const Status status = start();
  return status == DRIVER_RUNNING ? join() : status;
}

Status MesosExecutorDriver::sendStatusUpdate(const TaskStatus& status) {
  if (status.state() == TASK_STAGING) {
    throw std::invalid_argument("TASK_STAGING is not for executors to report");
  }
  return pump_->sendUpdate(status);
}

Status MesosExecutorDriver::sendFrameworkMessage(const std::string& data) {
  return pump_->sendMessage(data);
}

}  // namespace mesos
