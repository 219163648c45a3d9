// An HTTP/1.1 server: requests in, whole or streaming answers out.
#pragma once

#include "protocol/http.hpp"
#include "transport/event_loop.hpp"

#include <mesos/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mesos::transport {

struct GzipCodec;
class TlsContext;

struct HttpServerOptions {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one.
  /// Not empty: listens on a local socket there, in the place of ip and port. What lies at that
  /// path is replaced; whoever may enter its directory may connect.
  std::string unixPath = {};
  bool reuseAddress = true;
  /// tlsServer() of tls.hpp: every connection speaks TLS. nullptr: none does.
  std::shared_ptr<const TlsContext> tls = nullptr;
  std::size_t headerBytesMax = 80 * 1024;
  std::size_t bodyBytesMax = std::size_t{256} << 20;
  /// Of this server; all servers of a process together take three quarters of its descriptors.
  /// When there is no room, connections that have been idle for longest give way to new ones.
  std::size_t connectionsMax = 10000;
  /// A connection with no request under way is closed after this long; zero: never.
  Duration idleTimeout = std::chrono::minutes(5);
  /// A request must be complete this long after its first byte.
  Duration requestTimeout = std::chrono::seconds(60);
  /// false: malformed requests and too large headers close the connection without a word, as Mesos
  /// does (fact T1). true: 400, 431, 413, 408 are answered, then it closes.
  bool answerMalformed = false;
  /// gzipCodec() of gzip.hpp: inflate gzip request bodies (fact T5) and compress whole answers of
  /// 1024 bytes and more for clients that accept gzip (fact T6), but not files, known by their
  /// Content-Disposition. nullptr: neither; a program that leaves it so needs no zlib.
  const GzipCodec* gzip = nullptr;
  /// Asked first about every request that came in one piece, has no body and no unusual header: the
  /// answer, which stays where and what it is while the server lives, and whose bytes are made once
  /// a second; nullptr: the handler answers. For answers that are short, and asked for often.
  std::function<const protocol::Response*(std::string_view method, std::string_view target)>
      standingAnswer = nullptr;
  /// A stream whose unsent bytes exceed this is cut (docs/PROTOCOL.md).
  std::size_t streamBytesMax = std::size_t{64} << 20;
};

/// One request being answered. Responses of one connection leave in the order of its requests, so
/// an answer may be given at any time. Methods are for the loop's thread and are harmless once the
/// connection is gone.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  /// Whole answer. Adds Date and Content-Length; HEAD requests get no body.
  virtual void respond(protocol::Response response) = 0;
  /// Head of a chunked answer; then bytes (one chunk each), then end().
  virtual void startStream(protocol::ResponseHead head) = 0;
  virtual void write(std::string bytes) = 0;
  virtual void end() = 0;
  /// Closes the connection without an answer.
  virtual void hangUp() = 0;
  /// Called once if the connection goes before the answer, or the stream, is complete.
  virtual void onClosed(std::function<void()> closed) = 0;
  /// "127.0.0.1:40222", for logs.
  virtual std::string peer() const = 0;
};

/// Listens from construction by listen() to destruction, which closes every connection.
class HttpServer {
 public:
  using Handler = std::function<void(std::shared_ptr<HttpExchange>, protocol::Request)>;

  /// Binds and listens at once, so that success means that clients can connect. The error says
  /// which address and why.
  static Result<std::unique_ptr<HttpServer>> listen(EventLoop& loop, HttpServerOptions options,
                                                    Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  std::size_t connections() const;
  /// Those among them that do not merely wait for the peer to close its end, too: 0 after drain()
  /// means that every answer is out.
  std::size_t unfinished() const;
  /// Accepts no more; connections close as soon as their current answers are out (keep-alive ends).
  void drain();
  /// Cuts every connection, without final chunks.
  void cutConnections();

  struct State;  ///< The implementation's.

 private:
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace mesos::transport
