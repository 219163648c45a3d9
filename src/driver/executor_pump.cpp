#include "driver/executor_pump.hpp"

#include "driver/executor_dispatch.hpp"
#include "driver/pump_log.hpp"

#include <unistd.h>

#include <csignal>
#include <iostream>
#include <memory>
#include <utility>

namespace mesos {

using driver::Connections;
using protocol::ConnectionId;

namespace {

// Of its process group only a leader may dispose: the group of another may hold strangers.
[[noreturn]] void killSelf() {
  if (::getpgrp() == ::getpid()) ::kill(0, SIGKILL);
  ::raise(SIGKILL);
  ::_exit(1);
}

}  // namespace

MesosExecutorDriver::Pump::Pump(Executor& executor, ExecutorDriver& driver,
                                driver::ExecutorEnvironment environment, ExecutorOptions options)
    : executor_(executor),
      driver_(driver),
      shutdownGracePeriod_(environment.shutdownGracePeriod),
      options_(std::move(options)),
      threads_({.onThrown =
                    [this] {
                      log("a callback has thrown an exception; the driver aborts");
                      leaveAtOnce();
                    },
                .onRoom = [this] { onRoom(); }}),
      random_(options_.seed != 0 ? options_.seed : driver::drawSeed()),
      session_(std::move(environment.session), random_),
      connections_(
          threads_.loop(), connectionEvents(),
          {.tls = std::move(environment.tls), .unixPath = std::move(environment.domainSocket)}),
      timer_(threads_.loop()),
      graceTimer_(threads_.loop()) {}

MesosExecutorDriver::Pump::~Pump() {
  abort();
  threads_.wait();
}

Connections::Events MesosExecutorDriver::Pump::connectionEvents() {
  return {.onConnected =
              [this](ConnectionId id) {
                feed([id](auto& session, Now now) { session.onConnected(now, id); });
              },
          .onResponse =
              [this](ConnectionId id, const protocol::ResponseHead& head) {
                feed([&](auto& session, Now now) { session.onResponse(now, id, head); });
              },
          .onBytes =
              [this](ConnectionId id, std::string_view bytes) {
                reading_ = id;
                feed([&](auto& session, Now now) { session.onBytes(now, id, bytes); });
                reading_.reset();
              },
          .onBodyEnd =
              [this](ConnectionId id) {
                feed([id](auto& session, Now now) { session.onBodyEnd(now, id); });
              },
          .onClosed =
              [this](ConnectionId id, const std::string& reason) {
                feed([&](auto& session, Now now) { session.onClosed(now, id, reason); });
              }};
}

Status MesosExecutorDriver::Pump::start() {
  return threads_.start([this] { feed([](auto& session, Now now) { session.onStart(now); }); });
}

Status MesosExecutorDriver::Pump::stop() {
  if (!threads_.leave(DRIVER_STOPPED)) return threads_.status();
  threads_.loop().post([this] { feed([](auto& session, Now now) { session.onStop(now); }); });
  return DRIVER_STOPPED;
}

Status MesosExecutorDriver::Pump::abort() {
  if (!threads_.leave(DRIVER_ABORTED)) return threads_.status();
  threads_.loop().post([this] { leaveAtOnce(); });
  return DRIVER_ABORTED;
}

// The first stop waits for acknowledgements, the second for nothing.
void MesosExecutorDriver::Pump::leaveAtOnce() {
  feed([](auto& session, Now now) { session.onStop(now); });
  feed([](auto& session, Now now) { session.onStop(now); });
}

Status MesosExecutorDriver::Pump::sendUpdate(const TaskStatus& status) {
  if (const Status driver = threads_.status(); driver != DRIVER_RUNNING) return driver;
  const auto update = std::make_shared<TaskStatus>(status);
  threads_.loop().post([this, update] {
    feed([&](auto& session, Now now) { session.onUpdate(now, std::move(*update)); });
  });
  return DRIVER_RUNNING;
}

Status MesosExecutorDriver::Pump::sendMessage(const std::string& data) {
  if (const Status driver = threads_.status(); driver != DRIVER_RUNNING) return driver;
  threads_.loop().post(
      [this, data] { feed([&](auto& session, Now now) { session.onMessage(now, data); }); });
  return DRIVER_RUNNING;
}

void MesosExecutorDriver::Pump::drain() {
  while (auto effect = session_.poll()) {
    std::visit([this](auto& e) { perform(e); }, *effect);
  }
  // Deadlines mostly move away, with every byte: then the timer may as well come too early.
  const auto when = session_.deadline();
  if (!when || (timerSet_ && *timerSet_ <= *when)) return;
  timerSet_ = when;
  timer_.set(*when, [this] { onTimer(); });
}

void MesosExecutorDriver::Pump::onTimer() {
  timerSet_.reset();
  feed([](auto& session, Now now) { session.onTimer(now); });
}

void MesosExecutorDriver::Pump::onRoom() { connections_.pauseReading(stream_, false); }

void MesosExecutorDriver::Pump::perform(protocol::DeliverExecutorEvent& deliver) {
  const std::size_t bytes = deliver.event.ByteSizeLong();
  const auto event = std::make_shared<v1::executor::Event>(std::move(deliver.event));
  threads_.call(bytes,
                [this, event] { driver::dispatch(*event, registered_, executor_, driver_); });
  if (reading_) stream_ = *reading_;
  if (threads_.isFull()) connections_.pauseReading(stream_, true);
}

void MesosExecutorDriver::Pump::perform(protocol::Shutdown& shutdown) {
  log("shutting down: " + shutdown.reason);
  // The agent does the same to us, unless it is gone. A callback may be blocking, so this is the
  // loop's to do.
  graceTimer_.set(transport::currentTime().steady + shutdownGracePeriod_, [this] {
    log("the shutdown has taken longer than its grace period; killing this process");
    killSelf();
  });
  threads_.call(0, [this] { shutDown(); });
}

// On the callback thread.
void MesosExecutorDriver::Pump::shutDown() {
  executor_.shutdown(&driver_);
  stop();
}

void MesosExecutorDriver::Pump::perform(protocol::Disconnected& disconnected) {
  log("the subscription is lost: " + disconnected.reason);
  threads_.call(0, [this] { executor_.disconnected(&driver_); });
}

void MesosExecutorDriver::Pump::perform(protocol::Waiting& waiting) {
  log(driver::describe(waiting));
}

void MesosExecutorDriver::Pump::perform(protocol::Failed& failed) {
  if (threads_.leave(DRIVER_ABORTED)) {
    threads_.callLast([this, message = failed.message] { executor_.error(&driver_, message); });
  }
  threads_.end();
}

void MesosExecutorDriver::Pump::perform(protocol::Stopped&) { threads_.end(); }

void MesosExecutorDriver::Pump::log(const std::string& line) {
  const std::lock_guard lock(logging_);
  if (options_.log) {
    options_.log(line);
  } else {
    std::cerr << "mesos: " + line + "\n";
  }
}

}  // namespace mesos
