// A small blocking HTTP client for tests: what a stranger's client would do, with nothing of ours
// but the message structs. Throws std::runtime_error when the peer does not do what HTTP demands.
#pragma once

#include "protocol/http.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mesos::conformance {

using Timeout = std::chrono::milliseconds;

/// The peer said nothing for the time allowed.
struct TimedOut : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One TCP connection. Bytes go out as given.
class Connection {
 public:
  explicit Connection(const protocol::Address& address);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void sendRaw(std::string_view bytes);
  /// Adds Host and Content-Length.
  void send(const protocol::Request& request);
  /// Half-closes: nothing more will be sent.
  void finish();

  /// Reads a head. nullopt: the peer closed without a byte of it.
  std::optional<protocol::ResponseHead> readHead(Timeout timeout);
  /// The rest of a whole answer, by Content-Length, chunks or the end of the connection.
  std::string readBody(const protocol::ResponseHead& head, Timeout timeout);
  /// readHead and readBody; throws if the peer closed.
  protocol::Response readResponse(Timeout timeout = Timeout(5000));

  /// The next piece of a chunked body, its framing removed; nullopt at its end: the zero chunk
  /// (then chunkedEnd()), or the connection's end.
  std::optional<std::string> readChunk(Timeout timeout);
  bool chunkedEnd() const { return chunkedEnd_; }
  /// Whether the peer closes within the time.
  bool closes(Timeout timeout);

 private:
  bool fill(std::chrono::steady_clock::time_point deadline);  // false: end of the connection.
  std::string readLine(std::chrono::steady_clock::time_point deadline);

  int fd_ = -1;
  std::string buffer_;
  bool chunkedEnd_ = false;
};

/// One request on a connection of its own.
protocol::Response fetch(const protocol::Address& address, const protocol::Request& request,
                         Timeout timeout = Timeout(5000));
protocol::Response get(const protocol::Address& address, const std::string& target);

}  // namespace mesos::conformance
