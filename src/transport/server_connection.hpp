// One connection of an HTTP/1.1 server: bytes in and out of its socket, requests to the handler,
// and answers in their order.
#pragma once

#include "transport/http_server.hpp"
#include "transport/standing_answers.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mesos::transport {

class ServerConnection;

/// The server, as its connections see it.
class ServerConnectionHost {
 public:
  ServerConnectionHost(EventLoop& eventLoop, HttpServerOptions o, HttpServer::Handler h)
      : loop(eventLoop), options(std::move(o)), handler(std::move(h)) {}
  virtual ~ServerConnectionHost() = default;

  /// Some connection has a deadline then.
  virtual void watch(TimePoint when) = 0;
  /// It is closed.
  virtual void forget(ServerConnection& connection) = 0;

  EventLoop& loop;
  const HttpServerOptions options;
  const HttpServer::Handler handler;
  bool draining = false;
  StandingAnswers standing;
  std::vector<std::string_view> pieces;  ///< Of the write that is being begun.
};

/// For the loop's thread.
class ServerConnection {
 public:
  /// A connection begins with room for what most requests are, and gets more when it needs it.
  static constexpr std::size_t kFirstReadBytes = 192;

  /// Owns the descriptor, of a socket of that family, even if it cannot be used: nullptr.
  static std::shared_ptr<ServerConnection> open(std::shared_ptr<ServerConnectionHost> host,
                                                int descriptor, int family);
  /// Of all servers of this process.
  static std::size_t openInProcess();

  virtual ~ServerConnection() = default;
  /// `bytes`, at most kFirstReadBytes, have been read already.
  virtual void start(std::string_view bytes) = 0;
  /// Ends with its current answers.
  virtual void drain() = 0;
  /// Ends now; `tell`: those who asked to know.
  virtual void cut(bool tell) = 0;
  /// Whether our end is closed, and the peer's awaited.
  virtual bool isLingering() const = 0;
  /// Whether nothing is under way, and nobody would miss it.
  virtual bool isIdle() const = 0;
  /// The end of the last request or answer.
  virtual TimePoint lastActivity() const = 0;
  virtual std::optional<TimePoint> deadline() const = 0;
  virtual void onDeadline(Now now) = 0;
};

}  // namespace mesos::transport
