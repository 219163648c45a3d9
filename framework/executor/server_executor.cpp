#include "executor/server_executor.hpp"

#include <algorithm>
#include <future>
#include <limits>
#include <utility>
#include <vector>

namespace mesos::executor {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

namespace {

/// For a task whose KillPolicy does not say.
constexpr Duration kDefaultGrace = seconds(5);
/// What a shutdown leaves of its grace for the last updates to be acknowledged.
constexpr Duration kReserve = seconds(1);

std::optional<Duration> graceOf(const KillPolicy& policy) {
  if (!policy.has_grace_period()) return std::nullopt;
  return std::max<Duration>(nanoseconds(policy.grace_period().nanoseconds()), Duration::zero());
}

}  // namespace

std::uint16_t firstPort(const TaskInfo& task) {
  for (const Resource& resource : task.resources()) {
    if (resource.name() != "ports" || resource.ranges().range().empty()) continue;
    const std::uint64_t port = resource.ranges().range(0).begin();
    return port <= std::numeric_limits<std::uint16_t>::max() ? static_cast<std::uint16_t>(port) : 0;
  }
  return 0;
}

ServerExecutor::ServerExecutor(ServerExecutorOptions options)
    : options_(std::move(options)), thread_([this] { loop_.run(); }) {}

ServerExecutor::~ServerExecutor() { close(); }

void ServerExecutor::close() {
  if (!thread_.joinable()) return;
  loop_.post([this] {
    tasks_.clear();
    idle_.cancel();
    loop_.stop();
  });
  thread_.join();
}

void ServerExecutor::registered(ExecutorDriver* driver, const ExecutorInfo&,
                                const FrameworkInfo& framework, const AgentInfo&) {
  const auto& capabilities = framework.capabilities();
  const bool knows =
      std::any_of(capabilities.begin(), capabilities.end(), [](const auto& capability) {
        return capability.type() == FrameworkInfo::Capability::TASK_KILLING_STATE;
      });
  loop_.post([this, driver, knows] {
    knowsKilling_ = knows;
    waitForTasks(driver);
  });
}

void ServerExecutor::reregistered(ExecutorDriver* driver, const AgentInfo&) {
  loop_.post([this, driver] { waitForTasks(driver); });
}

void ServerExecutor::waitForTasks(ExecutorDriver* driver) {
  if (!tasks_.empty()) return;
  idle_.set(transport::currentTime().steady + options_.idleMax, [driver] { driver->stop(); });
}

void ServerExecutor::launchTask(ExecutorDriver* driver, const TaskInfo& task) {
  ++launching_;
  driver->sendStatusUpdate(makeStatus(task.task_id(), TASK_STARTING));
  loop_.post([this, driver, task] { launch(driver, task); });
}

void ServerExecutor::killTask(ExecutorDriver* driver, const TaskID& task,
                              const KillPolicy* policy) {
  const auto grace = policy ? graceOf(*policy) : std::nullopt;
  loop_.post([this, driver, id = task.value(), grace] { end(driver, id, grace); });
}

void ServerExecutor::shutdown(ExecutorDriver* driver) {
  const Duration grace = std::max<Duration>(options_.shutdownGrace - kReserve, milliseconds(500));
  std::promise<void> ended;
  loop_.post([this, driver, grace, &ended] {
    std::vector<std::string> ids;
    for (const auto& [id, served] : tasks_) ids.push_back(id);
    if (ids.empty()) return ended.set_value();
    allEnded_ = [&ended] { ended.set_value(); };
    for (const std::string& id : ids) end(driver, id, std::min(grace, tasks_.at(id).grace));
  });
  // Every drain ends by its own grace.
  ended.get_future().wait();
}

void ServerExecutor::launch(ExecutorDriver* driver, const TaskInfo& task) {
  --launching_;
  idle_.cancel();
  const auto fail = [&](const std::string& why) {
    driver->sendStatusUpdate(makeStatus(task.task_id(), TASK_FAILED, why));
    stopIfDone(driver);
  };
  if (!task.has_data()) return fail("The task has no data, so there is nothing to serve");
  const std::uint16_t port = firstPort(task);
  if (port == 0) return fail("The task's resources have no port to serve on");
  auto server = WebServer::start(loop_, {.host = options_.ip, .port = port}, task.data());
  if (!server) return fail(server.error().message);

  const Duration grace = graceOf(task.kill_policy()).value_or(kDefaultGrace);
  tasks_[task.task_id().value()] = {
      .id = task.task_id(), .server = std::move(*server), .grace = grace};
  driver->sendStatusUpdate(makeStatus(task.task_id(), TASK_RUNNING));
}

void ServerExecutor::end(ExecutorDriver* driver, const std::string& taskId,
                         std::optional<Duration> grace) {
  const auto found = tasks_.find(taskId);
  if (found == tasks_.end()) return;  // It has ended, or never was: no matter (facts K4, X32).
  Served& served = found->second;
  if (!std::exchange(served.ending, true) && knowsKilling_) {
    driver->sendStatusUpdate(makeStatus(served.id, TASK_KILLING));
  }
  served.server->drain(grace.value_or(served.grace), [this, driver, id = served.id] {
    driver->sendStatusUpdate(makeStatus(id, TASK_KILLED));
    forget(driver, id.value());
  });
}

void ServerExecutor::forget(ExecutorDriver* driver, const std::string& taskId) {
  tasks_.erase(taskId);
  if (!tasks_.empty()) return;
  if (allEnded_) std::exchange(allEnded_, nullptr)();
  stopIfDone(driver);
}

void ServerExecutor::stopIfDone(ExecutorDriver* driver) {
  if (!tasks_.empty() || launching_ > 0) return;
  driver->stop();  // Which waits until the agent has acknowledged the last update (fact X50).
}

}  // namespace mesos::executor
