// The connections that a session asks for.
#pragma once

#include "protocol/session_effects.hpp"
#include "transport/event_loop.hpp"
#include "transport/http_client.hpp"
#include "transport/tls.hpp"

#include <mesos/result.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace mesos::driver {

/// Performs Connect, Send and Close, and reports what becomes of them, on the loop.
class Connections {
 public:
  using Id = protocol::ConnectionId;

  struct Events {
    std::function<void(Id)> onConnected;
    std::function<void(Id, const protocol::ResponseHead&)> onResponse;
    std::function<void(Id, std::string_view)> onBytes;
    std::function<void(Id)> onBodyEnd;
    /// All of what one read from a socket has brought has been told.
    std::function<void()> onReadEnd = nullptr;
    std::function<void(Id, const std::string&)> onClosed;
  };
  /// From a host to a numeric address, as transport::resolve().
  using Resolve = std::function<void(transport::EventLoop&, const std::string&,
                                     std::function<void(Result<std::string>)>)>;

  struct Options {
    /// Without it only numeric addresses can be connected to.
    Resolve resolve = nullptr;
    /// For addresses that are spoken to by TLS; without it there are none.
    std::shared_ptr<const transport::TlsContext> tls = nullptr;
    /// Not empty: of the local socket to connect to, whatever the address.
    std::string unixPath = {};
  };

  Connections(transport::EventLoop& loop, Events events, Options options)
      : loop_(loop), events_(std::move(events)), options_(std::move(options)) {}

  void perform(const protocol::Connect& connect);
  void perform(protocol::Send&& send);
  void perform(const protocol::Close& close);
  /// Harmless for a connection that is gone.
  void pauseReading(Id id, bool paused);

 private:
  struct Connection {
    protocol::Address address;
    std::unique_ptr<transport::HttpConnection> http;
  };

  void onResolved(Id id, const Result<std::string>& numeric);
  void onClosed(Id id, const std::string& reason);

  transport::EventLoop& loop_;
  const Events events_;
  const Options options_;
  std::map<Id, Connection> connections_;
};

/// For the log. Never with a header, which could be a secret.
std::string describe(const protocol::Connect& connect);
std::string describe(const protocol::Send& send);
std::string describe(const protocol::Close& close);

}  // namespace mesos::driver
