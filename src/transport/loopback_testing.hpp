// For tests: a loop on a thread of its own, and sockets whose every byte the test decides.
#pragma once

#include "transport/event_loop.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace mesos::transport::testing {

class LoopThread {
 public:
  LoopThread();
  ~LoopThread();

  EventLoop& loop() { return loop_; }
  /// Runs `task` on the loop and waits for it.
  void run(const std::function<void()>& task);

 private:
  EventLoop loop_;
  std::thread thread_;
};

/// A blocking loopback connection. Reading gives up after 5 s, which the test then fails on.
class RawSocket {
 public:
  static RawSocket connectTo(std::uint16_t port);
  explicit RawSocket(int fd);
  ~RawSocket();
  RawSocket(RawSocket&& other) noexcept;
  RawSocket& operator=(RawSocket&&) = delete;

  /// false: the peer takes no more.
  bool write(std::string_view bytes);
  /// Until `end` has been read, or the stream ended.
  std::string readUntil(std::string_view end);
  std::string readSome();
  /// Everything up to the end of the stream.
  std::string readAll();
  /// Whether the next thing to be read is the end of the stream (or a reset).
  bool isEnded();
  /// A whole response with Content-Length: head and body.
  std::string readResponse();
  void endWriting();
  void setReceiveBuffer(int bytes);

 private:
  int fd_;
  std::string buffer_;
};

class RawListener {
 public:
  RawListener();
  ~RawListener();
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  std::uint16_t port() const { return port_; }
  RawSocket accept();

 private:
  int fd_;
  std::uint16_t port_;
};

/// Asks `condition` until it holds, for at most 5 s.
bool eventually(const std::function<bool()>& condition);

}  // namespace mesos::transport::testing
