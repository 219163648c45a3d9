#include "scheduler/waiter.hpp"

#include "base/check.hpp"
#include "transport/event_loop.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>

namespace mesos::scheduler {
namespace {

sigset_t endingSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

Waiter::Waiter() : signals_(-1), wakes_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = endingSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  MESOS_CHECK(signals_ >= 0 && wakes_ >= 0);
}

Waiter::~Waiter() {
  ::close(signals_);
  ::close(wakes_);
}

void Waiter::wake() {
  const std::uint64_t one = 1;
  // It fails only if the counter is full, and then wait() returns anyway.
  (void)!::write(wakes_, &one, sizeof one);
}

bool Waiter::wait(std::optional<TimePoint> until) {
  int timeout = -1;
  if (until) {
    using std::chrono::milliseconds;
    const auto left =
        std::chrono::ceil<milliseconds>(*until - transport::currentTime().steady).count();
    timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }
  pollfd ready[] = {{.fd = signals_, .events = POLLIN, .revents = 0},
                    {.fd = wakes_, .events = POLLIN, .revents = 0}};
  ::poll(ready, 2, timeout);
  std::uint64_t wakes = 0;
  (void)!::read(wakes_, &wakes, sizeof wakes);
  signalfd_siginfo signal{};
  return ::read(signals_, &signal, sizeof signal) == sizeof signal;
}

void Waiter::release() {
  const sigset_t set = endingSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace mesos::scheduler
