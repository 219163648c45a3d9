// What both drivers share: a thread for I/O, one for the user's callbacks, and the status that
// start(), stop(), abort() and join() are about.
#pragma once

#include "transport/event_loop.hpp"

#include <mesos/types.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace mesos::driver {

/// The I/O thread runs the loop and all that belongs to it. Callbacks run on the other thread, one
/// at a time, in order; one that blocks holds up nothing but those behind it.
class DriverThreads {
 public:
  struct Hooks {
    /// On the loop: a callback has thrown, and the status is DRIVER_ABORTED.
    std::function<void()> onThrown;
    /// On the loop: after isFull() the queue has room again.
    std::function<void()> onRoom;
  };

  explicit DriverThreads(Hooks hooks) : hooks_(std::move(hooks)) {}
  /// The threads have ended, or were never started.
  ~DriverThreads();
  DriverThreads(const DriverThreads&) = delete;
  DriverThreads& operator=(const DriverThreads&) = delete;

  transport::EventLoop& loop() { return loop_; }
  Status status() const { return status_; }
  /// From DRIVER_NOT_STARTED to DRIVER_RUNNING; `first` is the loop's first task.
  Status start(std::function<void()> first);
  /// From DRIVER_RUNNING to `status`; the callbacks that wait are dropped. Whether it was running.
  bool leave(Status status);
  /// Waits for the end of both threads; rethrows what a callback threw. Throws std::logic_error in
  /// a callback, which would wait for itself.
  Status join();
  /// As join(), and throws nothing.
  void wait();

  /// Queues a callback, which is dropped if the driver does not run any more at its turn.
  void call(std::size_t bytes, std::function<void()> callback);
  /// Queues a callback that comes in any case.
  void callLast(std::function<void()> callback);
  /// Whether more bytes wait than should: stop reading until Hooks::onRoom.
  bool isFull();
  /// Ends both threads, after the callback that runs.
  void end();

 private:
  struct Callback {
    std::size_t bytes;
    bool always;
    std::function<void()> run;
  };

  void runLoop();
  void runCallbacks();
  void runCallback(const Callback& callback);
  void push(Callback callback);

  const Hooks hooks_;
  transport::EventLoop loop_;
  std::thread ioThread_;
  std::thread callbackThread_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<Status> status_ = DRIVER_NOT_STARTED;  // Changed under the mutex.
  std::deque<Callback> callbacks_;
  std::size_t queuedBytes_ = 0;
  bool wantsRoom_ = false;
  bool ending_ = false;
  bool ended_ = false;
  std::exception_ptr thrown_;
};

}  // namespace mesos::driver
