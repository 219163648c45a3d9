// Runs an ExecutorSession: what is behind a MesosExecutorDriver. Links against lite protobuf.
#pragma once

#include "base/random.hpp"
#include "driver/connections.hpp"
#include "driver/executor_environment.hpp"
#include "driver/threads.hpp"
#include "protocol/executor_session.hpp"

#include <mesos/executor.hpp>

#include <mutex>
#include <optional>
#include <string>

namespace mesos {

/// Joins the session, the connections and the user's executor. Everything but stop(), abort(),
/// sendUpdate() and sendMessage() happens on the loop; callbacks on their own thread.
class MesosExecutorDriver::Pump {
 public:
  Pump(Executor& executor, ExecutorDriver& driver, driver::ExecutorEnvironment environment,
       ExecutorOptions options);
  ~Pump();

  Status start();
  Status stop();
  Status abort();
  Status sendUpdate(const TaskStatus& status);
  Status sendMessage(const std::string& data);
  driver::DriverThreads& threads() { return threads_; }

 private:
  /// Tells the session something, then does what it asks.
  template <typename Input>
  void feed(Input input) {
    input(session_, transport::currentTime());
    drain();
  }
  void drain();
  void onTimer();
  void onRoom();
  void leaveAtOnce();
  driver::Connections::Events connectionEvents();

  void perform(protocol::Connect& connect) { connections_.perform(connect); }
  void perform(protocol::Send& send) { connections_.perform(std::move(send)); }
  void perform(protocol::Close& close) { connections_.perform(close); }
  void perform(protocol::DeliverExecutorEvent& deliver);
  void perform(protocol::Shutdown& shutdown);
  void perform(protocol::Disconnected& disconnected);
  void perform(protocol::Waiting& waiting);
  void perform(protocol::Failed& failed);
  void perform(protocol::Stopped& stopped);
  void shutDown();

  void log(const std::string& line);

  Executor& executor_;
  ExecutorDriver& driver_;
  const Duration shutdownGracePeriod_;
  const ExecutorOptions options_;
  std::mutex logging_;

  driver::DriverThreads threads_;
  Random random_;
  protocol::ExecutorSession session_;
  driver::Connections connections_;
  transport::Timer timer_;
  std::optional<TimePoint> timerSet_;
  transport::Timer graceTimer_;  // Until the executor kills itself.
  // The connection whose bytes the session is being told, and the one that brings the events.
  std::optional<protocol::ConnectionId> reading_;
  protocol::ConnectionId stream_ = 0;
  bool registered_ = false;  // Of the callback thread: a subscription has been told.
};

}  // namespace mesos
