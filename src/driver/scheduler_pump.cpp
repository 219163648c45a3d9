#include "driver/scheduler_pump.hpp"

#include "base/base64.hpp"
#include "driver/dispatch.hpp"
#include "driver/pump_log.hpp"
#include "transport/resolver.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <memory>
#include <random>
#include <utility>

namespace mesos {

using driver::Connections;
using protocol::ConnectionId;
using v1::scheduler::Call;
using v1::scheduler::Event;

namespace {

std::string currentUser() {
  std::array<char, 16 * 1024> buffer;
  passwd entry{};
  passwd* found = nullptr;
  const uid_t uid = ::getuid();
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) {
    return found->pw_name;
  }
  return std::to_string(uid);
}

FrameworkInfo completed(FrameworkInfo framework) {
  if (framework.user().empty()) framework.set_user(currentUser());
  return framework;
}

protocol::SchedulerSessionOptions sessionOptions(const SchedulerOptions& options) {
  protocol::SchedulerSessionOptions session;
  if (options.credential) {
    const std::string pair = options.credential->principal + ":" + options.credential->secret;
    session.authorization = "Basic " + encodeBase64(pair);
  }
  return session;
}

void printProblems(LogLevel level, const std::string& line) {
  if (level == LogLevel::warning || level == LogLevel::error)
    std::cerr << "mesos: " << line << "\n";
}

}  // namespace

MesosSchedulerDriver::Pump::Pump(Scheduler& scheduler, SchedulerDriver& driver,
                                 FrameworkInfo framework, protocol::MasterSpec master,
                                 std::shared_ptr<const transport::TlsContext> tls,
                                 SchedulerOptions options)
    : scheduler_(scheduler),
      driver_(driver),
      options_(std::move(options)),
      seed_(options_.seed != 0 ? options_.seed : driver::drawSeed()),
      threads_({.onThrown =
                    [this] {
                      log(LogLevel::error, "A callback has thrown an exception; the driver aborts");
                      feed([](auto& session, Now now) { session.onStop(now, true); });
                      feed([](auto& session, Now now) { session.onStop(now, true); });
                    },
                .onRoom = [this] { onRoom(); }}),
      random_(seed_),
      session_(sessionOptions(options_), completed(std::move(framework)), random_),
      isTls_(tls != nullptr),
      connections_(threads_.loop(), connectionEvents(),
                   {.resolve = transport::resolve, .tls = std::move(tls)}),
      timer_(threads_.loop()) {
  watcher_.emplace(threads_.loop(), std::move(master), watcherEvents());
}

MesosSchedulerDriver::Pump::~Pump() {
  abort();
  threads_.wait();
}

Connections::Events MesosSchedulerDriver::Pump::connectionEvents() {
  return {.onConnected =
              [this](ConnectionId id) {
                debug([&] { return "connected " + std::to_string(id); });
                feed([id](auto& session, Now now) { session.onConnected(now, id); });
              },
          .onResponse =
              [this](ConnectionId id, const protocol::ResponseHead& head) {
                debug([&] {
                  return "answer on " + std::to_string(id) + ": " + std::to_string(head.status);
                });
                feedRead([&](auto& session, Now now) { session.onResponse(now, id, head); });
              },
          .onBytes =
              [this](ConnectionId id, std::string_view bytes) {
                reading_ = id;
                feedRead([&](auto& session, Now now) { session.onBytes(now, id, bytes); });
              },
          .onBodyEnd =
              [this](ConnectionId id) {
                debug([&] { return "end of the answer on " + std::to_string(id); });
                feedRead([id](auto& session, Now now) { session.onBodyEnd(now, id); });
              },
          .onReadEnd = [this] { drain(); },
          .onClosed =
              [this](ConnectionId id, const std::string& reason) {
                debug([&] { return "closed " + std::to_string(id) + ": " + reason; });
                feed([&](auto& session, Now now) { session.onClosed(now, id, reason); });
              }};
}

transport::MasterWatcher::Events MesosSchedulerDriver::Pump::watcherEvents() {
  return {
      .onLeader = [this](const protocol::LeaderChanged& changed) { onLeader(changed); },
      .onWaiting =
          [this](const protocol::Waiting& waiting) {
            log(LogLevel::warning, driver::describe(waiting));
          },
      .onFailed = [this](const std::string& reason) { onNoLeaderEver(reason); },
      .onLog =
          [this](const std::string& line) { debug([&] { return "ZooKeeper client: " + line; }); }};
}

void MesosSchedulerDriver::Pump::onLeader(const protocol::LeaderChanged& changed) {
  if (changed.address) {
    log(LogLevel::info, "The leading master is " + changed.address->toString());
  } else {
    log(LogLevel::warning, "No leading master is known any more");
  }
  auto leader = changed.address;
  if (leader) leader->tls = isTls_;
  feed([&](auto& session, Now now) { session.onLeader(now, leader); });
}

void MesosSchedulerDriver::Pump::onNoLeaderEver(const std::string& reason) {
  protocol::Failed failed{reason};
  perform(failed);
}

Status MesosSchedulerDriver::Pump::start() {
  return threads_.start([this] {
    debug([&] { return "seed " + std::to_string(seed_); });
    watcher_->start();
  });
}

Status MesosSchedulerDriver::Pump::stop(bool failover) {
  if (!threads_.leave(DRIVER_STOPPED)) return threads_.status();
  threads_.loop().post([this, failover] {
    debug([&] { return failover ? "stop, leaving the tasks to a failover" : "stop"; });
    feed([failover](auto& session, Now now) { session.onStop(now, failover); });
  });
  return DRIVER_STOPPED;
}

Status MesosSchedulerDriver::Pump::abort() {
  if (!threads_.leave(DRIVER_ABORTED)) return threads_.status();
  threads_.loop().post([this] {
    debug([&] { return "abort"; });
    // The first leaves when the calls made so far are answered, the second does not wait for that.
    feed([](auto& session, Now now) { session.onStop(now, true); });
    feed([](auto& session, Now now) { session.onStop(now, true); });
  });
  return DRIVER_ABORTED;
}

Status MesosSchedulerDriver::Pump::call(Call call) {
  if (const Status status = threads_.status(); status != DRIVER_RUNNING) return status;
  const std::size_t bytes = call.ByteSizeLong();
  postedBytes_ += bytes;
  // A task of the loop can be copied; the call need not be.
  const auto shared = std::make_shared<Call>(std::move(call));
  threads_.loop().post([this, shared, bytes] {
    debug([&] { return "call " + Call::Type_Name(shared->type()); });
    feed([&](auto& session, Now now) { session.onCall(now, std::move(*shared)); });
    postedBytes_ -= bytes;
  });
  return DRIVER_RUNNING;
}

void MesosSchedulerDriver::Pump::performEffects() {
  while (auto effect = session_.poll()) {
    std::visit([this](auto& e) { perform(e); }, *effect);
  }
}

void MesosSchedulerDriver::Pump::drain() {
  performEffects();
  deliver();
  readAt_.reset();
  reading_.reset();
  sessionBytes_ = session_.queuedBytes();
  // Deadlines mostly move away, with every byte: then the timer may as well come too early.
  const auto when = session_.deadline();
  if (!when || (timerSet_ && *timerSet_ <= *when)) return;
  timerSet_ = when;
  timer_.set(*when, [this] { onTimer(); });
}

void MesosSchedulerDriver::Pump::onTimer() {
  timerSet_.reset();
  feed([this](auto& session, Now now) {
    // The silence of a stream that is not read is ours, not the master's.
    if (paused_) session.onBytes(now, stream_, {});
    session.onTimer(now);
  });
}

void MesosSchedulerDriver::Pump::onRoom() {
  debug([&] { return "reading goes on"; });
  paused_ = false;
  connections_.pauseReading(stream_, false);
}

void MesosSchedulerDriver::Pump::perform(protocol::Connect& connect) {
  debug([&] { return driver::describe(connect); });
  connections_.perform(connect);
}

void MesosSchedulerDriver::Pump::perform(protocol::Send& send) {
  debug([&] { return driver::describe(send); });
  connections_.perform(std::move(send));
}

void MesosSchedulerDriver::Pump::perform(protocol::Close& close) {
  debug([&] { return driver::describe(close); });
  connections_.perform(close);
}

void MesosSchedulerDriver::Pump::perform(protocol::DeliverEvent& event) {
  debug([&] { return "deliver " + Event::Type_Name(event.event->type()); });
  deliveredBytes_ += event.bytes != 0 ? event.bytes : event.event->ByteSizeLong();
  delivered_.push_back(std::move(event));
}

// To the callback thread: all of a read at once, as waking it for each would cost more than the
// callbacks themselves.
void MesosSchedulerDriver::Pump::deliver() {
  if (delivered_.empty()) return;
  const auto batch = std::make_shared<Batch>();
  batch->events.swap(delivered_);
  delivered_.swap(handled_);
  threads_.call(std::exchange(deliveredBytes_, 0), [this, batch] { handle(batch); });
  if (reading_) stream_ = *reading_;
  if (threads_.isFull()) {
    debug([] { return "too many events wait; reading pauses"; });
    paused_ = true;
    connections_.pauseReading(stream_, true);
  }
}

// On the callback thread. The loop is told of the first event, and of those that are handled until
// it looks: of a long callback's at once, of short ones' together.
void MesosSchedulerDriver::Pump::handle(const std::shared_ptr<Batch>& batch) {
  for (protocol::DeliverEvent& delivered : batch->events) {
    if (threads_.status() != DRIVER_RUNNING) return;
    driver::dispatch(*delivered.event, dispatched_, scheduler_, driver_);
    // A callback that has stopped or aborted the driver has not asked for an acknowledgement; the
    // status comes again to whoever subscribes next.
    if (threads_.status() != DRIVER_RUNNING) return;
    ++batch->handled;
    if (!batch->isReported.exchange(true)) {
      threads_.loop().post([this, batch] { onHandled(*batch); });
    }
  }
}

void MesosSchedulerDriver::Pump::onHandled(Batch& batch) {
  batch.isReported = false;
  const std::size_t handled = batch.handled;
  feed([&](auto& session, Now now) {
    for (std::size_t& i = batch.acknowledged; i < handled; ++i) {
      protocol::DeliverEvent& event = batch.events[i];
      if (!options_.explicitAcknowledgements) session.onHandled(now, *event.event);
      session.recycle(std::move(event));
      performEffects();  // One by one: the memory of each is there for the next.
    }
  });
  if (handled < batch.events.size() || batch.events.empty()) return;
  handled_ = std::move(batch.events);
  handled_.clear();
}

void MesosSchedulerDriver::Pump::perform(protocol::Disconnected& disconnected) {
  log(LogLevel::warning, "The subscription is lost: " + disconnected.reason);
  deliver();
  threads_.call(0, [this] { scheduler_.disconnected(&driver_); });
}

void MesosSchedulerDriver::Pump::perform(protocol::Waiting& waiting) {
  log(LogLevel::warning, driver::describe(waiting));
}

void MesosSchedulerDriver::Pump::perform(protocol::Failed& failed) {
  debug([&] { return "failed: " + failed.message; });
  deliver();
  if (threads_.leave(DRIVER_ABORTED)) {
    threads_.callLast([this, message = failed.message] { scheduler_.error(&driver_, message); });
  }
  end();
}

void MesosSchedulerDriver::Pump::perform(protocol::Stopped&) {
  debug([&] { return "stopped"; });
  end();
}

void MesosSchedulerDriver::Pump::end() {
  // Posted, as it may be the watcher that has said so.
  threads_.loop().post([this] { watcher_.reset(); });
  threads_.end();
}

void MesosSchedulerDriver::Pump::log(LogLevel level, const std::string& line) {
  const std::lock_guard lock(logging_);
  if (options_.log) {
    options_.log(level, line);
  } else {
    printProblems(level, line);
  }
}

}  // namespace mesos
