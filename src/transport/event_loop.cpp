#include <utility>  // Asio 1.18 needs std::exchange and does not include it.

#include "transport/event_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <poll.h>

#include <cstdint>
#include <map>
#include <optional>

namespace mesos::transport {

namespace asio = boost::asio;
using boost::system::error_code;

struct EventLoop::State {
  // One thread runs the loop; others only post.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::map<std::uint64_t, asio::posix::stream_descriptor> watched;
  std::uint64_t registrations = 0;

  void await(std::uint64_t registration, std::function<void()> ready) {
    asio::posix::stream_descriptor& descriptor = watched.at(registration);
    descriptor.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [this, registration, ready = std::move(ready)](error_code failed) mutable {
          const auto found = watched.find(registration);
          if (failed || found == watched.end()) return;  // Cancelled.
          // An event that was on its way when another descriptor was cancelled can come to one that
          // has been watched since: Asio uses its records again.
          pollfd now{found->second.native_handle(), POLLIN, 0};
          if (::poll(&now, 1, 0) == 0) return await(registration, std::move(ready));
          forget(registration);
          ready();
        });
  }

  // The descriptors are the callers': a stream_descriptor must not close them.
  void forget(std::uint64_t registration) {
    const auto found = watched.find(registration);
    if (found == watched.end()) return;
    found->second.release();
    watched.erase(found);
  }
};

EventLoop::EventLoop() : state_(std::make_unique<State>()) {}

EventLoop::~EventLoop() {
  while (!state_->watched.empty()) state_->forget(state_->watched.begin()->first);
}

void EventLoop::run() { state_->context.run(); }

void EventLoop::stop() { state_->context.stop(); }

void EventLoop::post(std::function<void()> task) { asio::post(state_->context, std::move(task)); }

std::uint64_t EventLoop::onReadable(int fd, std::function<void()> ready) {
  const std::uint64_t registration = ++state_->registrations;
  asio::posix::stream_descriptor descriptor(state_->context);
  error_code error;
  descriptor.assign(fd, error);
  if (error) {
    // Not something that can be waited for, such as a plain file: always readable.
    post(std::move(ready));
    return registration;
  }
  state_->watched.emplace(registration, std::move(descriptor));
  state_->await(registration, std::move(ready));
  return registration;
}

void EventLoop::cancelReadable(std::uint64_t registration) { state_->forget(registration); }

asio::io_context& EventLoop::context() { return state_->context; }

// A timer is mostly set again long before it expires, to a later time: then Asio's goes on waiting
// for the earlier one, and waits on once that has come. Every other set() would be a system call.
struct Timer::State : std::enable_shared_from_this<Timer::State> {
  explicit State(EventLoop& loop) : timer(loop.context()) {}

  void arm() {
    armed = when;
    timer.expires_at(std::chrono::time_point_cast<asio::steady_timer::duration>(when));
    timer.async_wait([state = shared_from_this(), wait = ++waits](error_code) {
      if (state->waits == wait) state->wake();
    });
  }
  void wake() {
    armed.reset();
    if (!expired) return;
    if (std::chrono::steady_clock::now() < when) return arm();
    const std::function<void()> callback = std::exchange(expired, nullptr);
    callback();
  }

  asio::steady_timer timer;
  std::uint64_t waits = 0;         // The last one counts; older ones end unheard.
  std::optional<TimePoint> armed;  // What it waits for.
  TimePoint when{};                // What was asked for.
  std::function<void()> expired;
};

Timer::Timer(EventLoop& loop) : state_(std::make_shared<State>(loop)) {}

Timer::~Timer() {
  cancel();
  ++state_->waits;
  state_->timer.cancel();
}

void Timer::set(TimePoint when, std::function<void()> expired) {
  state_->when = when;
  state_->expired = std::move(expired);
  if (!state_->armed || when < *state_->armed) state_->arm();
}

void Timer::cancel() { state_->expired = nullptr; }

Now currentTime() { return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()}; }

}  // namespace mesos::transport
