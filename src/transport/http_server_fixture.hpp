// A server on loopback whose answers the test decides.
#pragma once

#include "transport/http_server.hpp"
#include "transport/loopback_testing.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mesos::transport {

using protocol::Request;
using protocol::Response;
using std::chrono::milliseconds;
using testing::eventually;
using testing::LoopThread;
using testing::RawSocket;

/// A server whose answers the test decides: the target says how.
class HttpServerTest : public ::testing::Test {
 protected:
  void listen(HttpServerOptions options = {}) {
    thread_.run([&] {
      auto server =
          HttpServer::listen(thread_.loop(), std::move(options),
                             [this](std::shared_ptr<HttpExchange> exchange, Request request) {
                               handle(std::move(exchange), std::move(request));
                             });
      server_ = std::move(server.value());
    });
  }

  void TearDown() override {
    thread_.run([&] {
      held_.clear();
      server_.reset();
    });
  }

  virtual void handle(std::shared_ptr<HttpExchange> exchange, Request request) {
    ++requests_;
    exchange->onClosed([this] { ++closed_; });
    if (request.target == "/hold") {
      held_.push_back(exchange);
    } else if (request.target == "/stream") {
      exchange->startStream({.status = 200, .headers = {{"X", "y"}}});
      held_.push_back(exchange);
    } else if (request.target == "/hang-up") {
      exchange->hangUp();
    } else if (request.target.starts_with("/big/")) {
      exchange->respond({.status = 200,
                         .headers = {},
                         .body = std::string(std::stoul(request.target.substr(5)), 'b')});
    } else if (request.target == "/length") {
      exchange->respond(
          {.status = 200, .headers = {}, .body = std::to_string(request.body.size())});
    } else if (request.target == "/accept") {
      exchange->respond({.status = 202, .headers = {}, .body = {}});
    } else {
      exchange->respond({.status = 200,
                         .headers = {{"Content-Type", "text/plain"}},
                         .body = request.method + " " + request.target + " " + request.body});
    }
  }

  RawSocket connect() { return RawSocket::connectTo(server_->port()); }
  std::size_t connections() {
    std::size_t count = 0;
    thread_.run([&] { count = server_->connections(); });
    return count;
  }
  void onLoop(const std::function<void()>& task) { thread_.run(task); }

  LoopThread thread_;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::shared_ptr<HttpExchange>> held_;
  std::atomic<int> requests_ = 0;
  std::atomic<int> closed_ = 0;
};

inline std::string bodyOf(const std::string& response) {
  const std::size_t at = response.find("\r\n\r\n");
  return at == response.npos ? "no head" : response.substr(at + 4);
}

}  // namespace mesos::transport
