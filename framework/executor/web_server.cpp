#include "executor/web_server.hpp"

#include "executor/page.hpp"

#include <algorithm>
#include <utility>

namespace mesos::executor {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// A page has no use for large requests or for connections that do nothing.
transport::HttpServerOptions optionsFor(const protocol::Address& address) {
  transport::HttpServerOptions options;
  options.ip = address.host;
  options.port = address.port;
  options.headerBytesMax = 16 * 1024;
  options.bodyBytesMax = 64 * 1024;
  options.connectionsMax = 1000;
  options.idleTimeout = seconds(60);
  options.requestTimeout = seconds(15);
  options.answerMalformed = true;
  return options;
}

}  // namespace

Result<std::unique_ptr<WebServer>> WebServer::start(transport::EventLoop& loop,
                                                    const protocol::Address& address,
                                                    std::string content) {
  std::unique_ptr<WebServer> web(new WebServer(loop));
  const auto page = std::make_shared<const Page>(std::move(content));
  transport::HttpServerOptions options = optionsFor(address);
  options.standingAnswer = [page](std::string_view method, std::string_view target) {
    return page->standingAnswer(method, target);
  };
  auto listening = transport::HttpServer::listen(
      loop, std::move(options),
      [page](const std::shared_ptr<transport::HttpExchange>& exchange,
             const protocol::Request& request) { exchange->respond(page->answer(request)); });
  if (!listening) return listening.error();
  web->server_ = std::move(*listening);
  return web;
}

void WebServer::drain(Duration grace, std::function<void()> drained) {
  const TimePoint latest = transport::currentTime().steady + grace;
  deadline_ = deadline_ ? std::min(*deadline_, latest) : latest;
  drained_ = std::move(drained);
  server_->drain();
  awaitDrained();
}

void WebServer::awaitDrained() {
  constexpr Duration kLook = milliseconds(5);
  const TimePoint now = transport::currentTime().steady;
  timer_.set(std::min(now + kLook, *deadline_), [this] {
    const bool mayWait = transport::currentTime().steady < *deadline_;
    if (mayWait && server_->unfinished() > 0) return awaitDrained();
    server_.reset();
    const std::function<void()> drained = std::move(drained_);  // It may destroy us.
    drained();
  });
}

}  // namespace mesos::executor
