// One client connection: connect, write requests in order, stream the responses.
#pragma once

#include "protocol/http.hpp"
#include "transport/event_loop.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mesos::transport {

class TlsContext;

/// How a peer is reached, beyond its numeric address.
struct Dial {
  /// nullptr: plain HTTP.
  std::shared_ptr<const TlsContext> tls = nullptr;
  /// Whom the peer's certificate must be made out to; empty: the address.
  std::string tlsHost = {};
  /// Not empty: of the local socket to connect to, in the place of the address.
  std::string unixPath = {};
  /// What the Host header says; nullopt: the address.
  std::optional<protocol::Address> host = {};
};

/// Keep-alive, requests pipelined in the order of send(), responses in the same order (fact T1).
/// Calls back on the loop, never from inside a method. After onClosed, and after close(), no more.
/// Destroying it closes it. Limits: 64 KiB of response headers.
class HttpConnection {
 public:
  struct Handlers {
    std::function<void()> onConnected;
    std::function<void(const protocol::ResponseHead&)> onResponse;
    std::function<void(std::string_view)> onBytes;  ///< Body, chunk framing removed.
    std::function<void()> onBodyEnd;
    /// All of what one read from the socket has brought has been told.
    std::function<void()> onReadEnd = nullptr;
    std::function<void(const std::string& reason)> onClosed;
  };

  HttpConnection(EventLoop& loop, Handlers handlers);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// `address.host` is a numeric address; names are for resolve() in resolver.hpp.
  /// With TLS, onConnected comes after the handshake.
  void connect(const protocol::Address& address, Dial dial = {});
  /// Adds Host, Content-Length and (never) Expect. Any time after connect(). What is sent in one
  /// turn of the loop leaves by one write.
  void send(protocol::Request&& request);
  void close();
  /// Stops and resumes reading: how a slow consumer slows the peer down.
  void pauseReading(bool paused);
  /// Bytes given to send() and not yet taken by the kernel.
  std::size_t unsentBytes() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mesos::transport
