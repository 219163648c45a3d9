// An HTTP server that does, line by line, what a test says: the master or the agent of the drivers'
// tests.
#pragma once

#include "protocol/http.hpp"
#include "transport/http_server.hpp"
#include "transport/loopback_testing.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace mesos::testing {

class ScriptedServer {
 public:
  /// A request that waits for its answer.
  struct Received {
    protocol::Request request;
    std::shared_ptr<transport::HttpExchange> exchange;
    std::shared_ptr<bool> closed;  ///< Of the loop: the client went before the end.
  };

  explicit ScriptedServer(transport::HttpServerOptions options = {});
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  /// "127.0.0.1:PORT".
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// The next request. One that does not come within 5 s fails the test, and is empty.
  Received next();
  /// The next request, if it comes within `patience`.
  std::optional<Received> nextWithin(std::chrono::milliseconds patience);

  void respond(const Received& received, int status, protocol::Headers headers = {},
               std::string body = {});
  void startStream(const Received& received, protocol::Headers headers);
  void write(const Received& stream, std::string bytes);
  void end(const Received& stream);
  /// Whether the client leaves the stream within 5 s.
  bool isLeft(const Received& stream);
  /// Cuts every connection, as a master that dies.
  void cut();

 private:
  transport::testing::LoopThread thread_;
  std::unique_ptr<transport::HttpServer> server_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Received> waiting_;
};

/// Text lines from any thread, in order.
class Notes {
 public:
  void add(std::string line);
  /// Waits up to 5 s for a line that is `line` (or begins with it, if it ends in '…').
  bool has(const std::string& line);
  std::size_t count(const std::string& line);
  /// All lines, for a failure's message.
  std::string text();

 private:
  std::size_t countLocked(const std::string& line) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> lines_;
};

}  // namespace mesos::testing
