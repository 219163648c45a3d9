// Runs a SchedulerSession: what is behind a MesosSchedulerDriver.
#pragma once

#include "base/random.hpp"
#include "driver/connections.hpp"
#include "driver/dispatch.hpp"
#include "driver/threads.hpp"
#include "protocol/scheduler_session.hpp"
#include "transport/master_watcher.hpp"

#include <mesos/scheduler.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace mesos {

/// Joins the session, the connections and the user's scheduler. Everything but call(), stop(),
/// abort() and unsentBytes() happens on the loop; callbacks on their own thread.
class MesosSchedulerDriver::Pump {
 public:
  Pump(Scheduler& scheduler, SchedulerDriver& driver, FrameworkInfo framework,
       protocol::MasterSpec master, std::shared_ptr<const transport::TlsContext> tls,
       SchedulerOptions options);
  ~Pump();

  Status start();
  Status stop(bool failover);
  Status abort();
  Status call(v1::scheduler::Call call);
  driver::DriverThreads& threads() { return threads_; }
  bool acknowledgesExplicitly() const { return options_.explicitAcknowledgements; }
  std::size_t unsentBytes() const { return postedBytes_ + sessionBytes_; }

 private:
  /// Tells the session something, then does what it asks.
  template <typename Input>
  void feed(Input input) {
    input(session_, transport::currentTime());
    drain();
  }
  /// For what one read from a socket brings: the time is read, and drain() called, once for all.
  template <typename Input>
  void feedRead(Input input) {
    if (!readAt_) readAt_ = transport::currentTime();
    input(session_, *readAt_);
  }
  void performEffects();
  void drain();
  void onTimer();
  void onRoom();
  driver::Connections::Events connectionEvents();
  transport::MasterWatcher::Events watcherEvents();
  void onLeader(const protocol::LeaderChanged& changed);
  void onNoLeaderEver(const std::string& reason);
  void end();

  void perform(protocol::Connect& connect);
  void perform(protocol::Send& send);
  void perform(protocol::Close& close);
  void perform(protocol::DeliverEvent& deliver);
  void perform(protocol::Disconnected& disconnected);
  void perform(protocol::Waiting& waiting);
  void perform(protocol::Failed& failed);
  void perform(protocol::Stopped& stopped);

  /// Events that one read has brought, on their way to the callbacks and back.
  struct Batch {
    std::vector<protocol::DeliverEvent> events;
    std::atomic<std::size_t> handled = 0;  // By the callbacks.
    std::atomic<bool> isReported = false;  // The loop will look at what is handled.
    std::size_t acknowledged = 0;          // By the loop.
  };
  void deliver();
  void handle(const std::shared_ptr<Batch>& batch);
  void onHandled(Batch& batch);

  void log(LogLevel level, const std::string& line);
  /// `line` makes the line, if anybody wants to see it: making one for each event costs as much as
  /// taking it in.
  template <typename Line>
  void debug(Line line) {
    if (options_.log) log(LogLevel::debug, line());
  }

  Scheduler& scheduler_;
  SchedulerDriver& driver_;
  const SchedulerOptions options_;
  const std::uint64_t seed_;
  std::mutex logging_;

  driver::DriverThreads threads_;
  Random random_;
  protocol::SchedulerSession session_;
  const bool isTls_;  // Whether masters are spoken to by TLS, all of them.
  driver::Connections connections_;
  transport::Timer timer_;
  std::optional<TimePoint> timerSet_;
  std::optional<transport::MasterWatcher> watcher_;  // Until the end.
  std::optional<Now> readAt_;                        // When what is being told was read.
  std::vector<protocol::DeliverEvent> delivered_;    // By the session, and not yet handed on.
  std::size_t deliveredBytes_ = 0;
  std::vector<protocol::DeliverEvent> handled_;  // Nothing but memory for the next of them.
  // The connection whose bytes the session is being told, and the one that brings the events.
  std::optional<protocol::ConnectionId> reading_;
  protocol::ConnectionId stream_ = 0;
  bool paused_ = false;  // It is not read, since too many events wait for their callbacks.
  driver::Dispatched dispatched_;              // Of the callback thread.
  std::atomic<std::size_t> postedBytes_ = 0;   // Of calls on their way to the loop.
  std::atomic<std::size_t> sessionBytes_ = 0;  // Of calls that the session has not got rid of.
};

}  // namespace mesos
