// One task's web server: a page on a port.
#pragma once

#include "base/time.hpp"
#include "protocol/http.hpp"
#include "transport/event_loop.hpp"
#include "transport/http_server.hpp"

#include <mesos/result.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace mesos::executor {

/// Serves from start() to destruction. Belongs to the loop's thread. `loop` must outlive it.
class WebServer {
 public:
  /// Listens at once: success means that clients can connect. The error is a sentence.
  static Result<std::unique_ptr<WebServer>> start(transport::EventLoop& loop,
                                                  const protocol::Address& address,
                                                  std::string content);
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  /// Accepts no more, lets every answer under way leave, then calls `drained`, after `grace` at the
  /// latest; it may destroy this. Called again it can only shorten the grace.
  void drain(Duration grace, std::function<void()> drained);

 private:
  explicit WebServer(transport::EventLoop& loop) : timer_(loop) {}
  void awaitDrained();

  transport::Timer timer_;
  std::unique_ptr<transport::HttpServer> server_;
  std::optional<TimePoint> deadline_;
  std::function<void()> drained_;
};

}  // namespace mesos::executor
