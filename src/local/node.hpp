// A pure machine with an HTTP surface, made to live: its server, its timer, its effects.
#pragma once

#include "base/time.hpp"
#include "local/delay_line.hpp"
#include "local/requests.hpp"
#include "transport/event_loop.hpp"
#include "transport/http_server.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace mesos::local {

/// `Machine` is cluster::MasterHttp or cluster::AgentHttp. What is no answer to a request is given
/// to `Host::perform`, with this node. On the loop's thread, but for construction and listen().
template <typename Machine, typename Host>
class Node {
 public:
  Node(transport::EventLoop& loop, Host& host, Requests::Log log)
      : loop_(loop),
        host_(host),
        timer_(loop),
        requests_(std::move(log)),
        arriving_(loop),
        leaving_(loop) {}

  Result<std::uint16_t> listen(transport::HttpServerOptions options) {
    auto server = transport::HttpServer::listen(
        loop_, std::move(options), [this](auto exchange, protocol::Request request) {
          onRequest(std::move(exchange), std::move(request));
        });
    if (!server) return server.error();
    server_ = std::move(server).value();
    return server_->port();
  }
  /// Serves the same machine on a local socket as well.
  Result<void> listenLocally(transport::HttpServerOptions options) {
    auto server = transport::HttpServer::listen(
        loop_, std::move(options), [this](auto exchange, protocol::Request request) {
          const auto id = add(std::move(exchange), request);
          arriving_.push([this, id, request = std::move(request)] {
            tell([&](Machine& machine, Now now) { machine.onLocalRequest(now, id, request); });
          });
        });
    if (!server) return server.error();
    localServer_ = std::move(server).value();
    return {};
  }
  /// Also in place of another one, whose effects and requests are forgotten.
  void setMachine(std::unique_ptr<Machine> machine) { machine_ = std::move(machine); }
  Machine& machine() { return *machine_; }
  const Machine& machine() const { return *machine_; }

  /// Whose pages may read the answers.
  void allowOrigins(cluster::Cors cors) { requests_.allowOrigins(std::move(cors)); }

  /// Tells the machine what happened: `input(machine, now)`. Then does what it asks.
  template <typename Input>
  void tell(const Input& input) {
    if (stopped_) return;
    input(*machine_, transport::currentTime());
    pump();
  }

  /// Closes the server and every connection.
  void closeServer() {
    server_.reset();
    localServer_.reset();
    requests_.clear();
    arriving_.clear();
    leaving_.clear();
  }
  /// How long requests and answers take from now on.
  void setDelay(Duration delay) {
    arriving_.setDelay(delay);
    leaving_.setDelay(delay);
  }
  /// An answer that the machine left to the host.
  void answer(cluster::Respond response) { perform(response); }
  void cutConnections() {
    if (server_) server_->cutConnections();
    if (localServer_) localServer_->cutConnections();
  }
  /// Does nothing any more.
  void stop() {
    stopped_ = true;
    timer_.cancel();
    closeServer();
  }

 private:
  void onRequest(std::shared_ptr<transport::HttpExchange> exchange, protocol::Request request) {
    if (auto answer = requests_.cors().preflight(request)) {
      exchange->respond(*std::move(answer));
      return;
    }
    const auto id = add(std::move(exchange), request);
    arriving_.push([this, id, request = std::move(request)] {
      tell([id, &request](Machine& machine, Now now) { machine.onRequest(now, id, request); });
    });
  }

  cluster::RequestId add(std::shared_ptr<transport::HttpExchange> exchange,
                         const protocol::Request& request) {
    return requests_.add(std::move(exchange), request, [this](cluster::RequestId closed) {
      arriving_.push([this, closed] {
        tell([closed](Machine& machine, Now now) { machine.onRequestClosed(now, closed); });
      });
    });
  }

  // An effect can lead to another input, such as a connection found closed. The effects of that are
  // left to the loop already running.
  void pump() {
    if (pumping_) return;
    pumping_ = true;
    while (auto effect = machine_->poll()) {
      std::visit([this](auto& order) { perform(order); }, *effect);
    }
    pumping_ = false;
    if (const auto deadline = machine_->deadline()) {
      timer_.set(*deadline,
                 [this] { tell([](Machine& machine, Now now) { machine.onTimer(now); }); });
    } else {
      timer_.cancel();
    }
  }

  template <typename Order>
  void perform(Order& order) {
    if constexpr (requires { requests_.perform(order); }) {
      leaving_.push([this, order = std::move(order)]() mutable { requests_.perform(order); });
    } else {
      host_.perform(*this, order);
    }
  }

  transport::EventLoop& loop_;
  Host& host_;
  transport::Timer timer_;
  Requests requests_;
  DelayLine arriving_;
  DelayLine leaving_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<transport::HttpServer> server_;
  std::unique_ptr<transport::HttpServer> localServer_;
  bool pumping_ = false;
  bool stopped_ = false;
};

}  // namespace mesos::local
