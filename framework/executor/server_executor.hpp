// The executor: gives every task a web server.
#pragma once

#include "base/time.hpp"
#include "executor/web_server.hpp"
#include "transport/event_loop.hpp"

#include <mesos/executor.hpp>
#include <mesos/types.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace mesos::executor {

struct ServerExecutorOptions {
  /// What the servers listen on.
  std::string ip = "127.0.0.1";
  /// How long shutdown() may take.
  Duration shutdownGrace = std::chrono::seconds(5);
  /// How long to wait for a first task. One that was written to a stream that broke never comes
  /// (fact X25), and Mesos never ends an idle executor (fact X49).
  Duration idleMax = std::chrono::minutes(1);
};

/// Serves each task's `data` on the first port of its resources: TASK_STARTING, TASK_RUNNING once
/// the socket listens, TASK_FAILED with a sentence if it cannot. Stops the driver when its last
/// task has ended, for Mesos never ends an idle executor (fact X49). The servers live on a thread
/// of this object's own, which calls the driver: close() before the driver goes.
class ServerExecutor : public Executor {
 public:
  explicit ServerExecutor(ServerExecutorOptions options);
  ~ServerExecutor() override;

  /// Ends every server without a word to the driver. No callback may follow.
  void close();

  void registered(ExecutorDriver* driver, const ExecutorInfo& executor,
                  const FrameworkInfo& framework, const AgentInfo& agent) override;
  void reregistered(ExecutorDriver* driver, const AgentInfo& agent) override;
  void launchTask(ExecutorDriver* driver, const TaskInfo& task) override;
  void killTask(ExecutorDriver* driver, const TaskID& task, const KillPolicy* policy) override;
  void shutdown(ExecutorDriver* driver) override;

 private:
  struct Served {
    TaskID id;
    std::unique_ptr<WebServer> server;
    Duration grace;
    bool ending = false;
  };

  void waitForTasks(ExecutorDriver* driver);
  void launch(ExecutorDriver* driver, const TaskInfo& task);
  void end(ExecutorDriver* driver, const std::string& taskId, std::optional<Duration> grace);
  void forget(ExecutorDriver* driver, const std::string& taskId);
  void stopIfDone(ExecutorDriver* driver);

  const ServerExecutorOptions options_;
  std::atomic<int> launching_ = 0;  // Tasks given to us whose launch() has not begun.
  // From here on only the loop's thread.
  bool knowsKilling_ = false;            // Whether the framework wants TASK_KILLING (fact S73).
  std::map<std::string, Served> tasks_;  // By task id.
  std::function<void()> allEnded_;       // Of a shutdown() that waits.

  transport::EventLoop loop_;
  transport::Timer idle_{loop_};
  std::thread thread_;
};

/// The first port of a task's resources; 0: it has none.
std::uint16_t firstPort(const TaskInfo& task);

}  // namespace mesos::executor
