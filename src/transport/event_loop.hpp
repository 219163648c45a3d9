// One thread's loop of I/O and timers. Asio stays in the .cpp.
#pragma once

#include "base/time.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace boost::asio {
class io_context;
}

namespace mesos::transport {

/// Everything of the transport belongs to one loop and is used on the thread that runs it; only
/// post() and stop() may be called from elsewhere.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs until stop(), even when there is nothing to do.
  void run();
  void stop();
  /// Runs `task` on the loop's thread, in order of posting, never inside the call.
  void post(std::function<void()> task);
  /// Calls `ready` once when `fd` becomes readable. The caller keeps `fd` open until then, or
  /// cancels.
  std::uint64_t onReadable(int fd, std::function<void()> ready);
  void cancelReadable(std::uint64_t registration);

  boost::asio::io_context& context();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One deadline; setting it again replaces it. A past deadline fires at once, from the loop.
class Timer {
 public:
  explicit Timer(EventLoop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void set(TimePoint when, std::function<void()> expired);
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The current instant on both clocks. One of the few places that may read them.
Now currentTime();

}  // namespace mesos::transport
