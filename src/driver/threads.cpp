#include "driver/threads.hpp"

#include "base/check.hpp"

#include <pthread.h>

#include <csignal>
#include <stdexcept>
#include <utility>

namespace mesos::driver {
namespace {

// Of events that wait for their callback. Above it the stream is not read until half is gone. What
// lies in the kernel is small and what is parsed is not; and no more wait than SpareEvents keeps.
constexpr std::size_t kQueuedBytesMax = std::size_t{1} << 20;

/// Blocks every signal for what is started meanwhile: a program's signals are for its own threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

DriverThreads::~DriverThreads() {
  if (!ioThread_.joinable()) return;
  MESOS_CHECK(std::this_thread::get_id() != callbackThread_.get_id());
  callbackThread_.join();
  ioThread_.join();
}

Status DriverThreads::start(std::function<void()> first) {
  const std::lock_guard lock(mutex_);
  if (status_ != DRIVER_NOT_STARTED) return status_;
  status_ = DRIVER_RUNNING;
  loop_.post(std::move(first));
  // Callbacks may fork; their thread keeps the mask that the program chose.
  callbackThread_ = std::thread([this] { runCallbacks(); });
  const SignalsBlocked blocked;
  ioThread_ = std::thread([this] { runLoop(); });
  return status_;
}

bool DriverThreads::leave(Status status) {
  const std::lock_guard lock(mutex_);
  if (status_ != DRIVER_RUNNING) return false;
  status_ = status;
  return true;
}

Status DriverThreads::join() {
  std::unique_lock lock(mutex_);
  if (status_ == DRIVER_NOT_STARTED) return status_;
  if (std::this_thread::get_id() == callbackThread_.get_id()) {
    throw std::logic_error("join() was called in a callback: it would wait for itself");
  }
  changed_.wait(lock, [this] { return ended_; });
  if (thrown_) std::rethrow_exception(thrown_);
  return status_;
}

void DriverThreads::wait() {
  std::unique_lock lock(mutex_);
  if (status_ != DRIVER_NOT_STARTED) changed_.wait(lock, [this] { return ended_; });
}

void DriverThreads::call(std::size_t bytes, std::function<void()> callback) {
  push({bytes, false, std::move(callback)});
}

void DriverThreads::callLast(std::function<void()> callback) {
  push({0, true, std::move(callback)});
}

void DriverThreads::push(Callback callback) {
  const std::lock_guard lock(mutex_);
  queuedBytes_ += callback.bytes;
  callbacks_.push_back(std::move(callback));
  changed_.notify_all();
}

bool DriverThreads::isFull() {
  const std::lock_guard lock(mutex_);
  wantsRoom_ = wantsRoom_ || queuedBytes_ > kQueuedBytesMax;
  return wantsRoom_;
}

void DriverThreads::end() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  changed_.notify_all();
}

void DriverThreads::runLoop() {
  loop_.run();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void DriverThreads::runCallbacks() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !callbacks_.empty(); });
    if (callbacks_.empty()) break;
    const Callback callback = std::move(callbacks_.front());
    callbacks_.pop_front();
    if (callback.always || status_ == DRIVER_RUNNING) {
      lock.unlock();
      runCallback(callback);
      lock.lock();
    }
    queuedBytes_ -= callback.bytes;
    if (wantsRoom_ && queuedBytes_ <= kQueuedBytesMax / 2) {
      wantsRoom_ = false;
      loop_.post(hooks_.onRoom);
    }
  }
  // The loop goes on until here, since the callbacks may use it.
  loop_.post([this] { loop_.stop(); });
}

void DriverThreads::runCallback(const Callback& callback) {
  try {
    callback.run();
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      thrown_ = std::current_exception();
      status_ = DRIVER_ABORTED;
    }
    loop_.post(hooks_.onThrown);
  }
}

}  // namespace mesos::driver
