// HTTP/1.1 as bytes: heads read and written, bodies taken out of their framing. No sockets here.
//
//   bytes -> HeadReader -> parseRequestHead / parseResponseHead -> BodyDecoder -> body
#pragma once

#include "base/time.hpp"
#include "protocol/http.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mesos::transport {

/// Collects one message's head, whatever the pieces it comes in.
class HeadReader {
 public:
  enum class State { Partial, Complete, TooLarge };

  explicit HeadReader(std::size_t bytesMax) : bytesMax_(bytesMax) {}

  /// Takes from the front of `bytes`, no further than the blank line that ends the head.
  State take(std::string_view& bytes);
  /// The head so far, blank line included.
  std::string_view text() const { return text_; }
  bool empty() const { return text_.empty(); }
  void reset();

 private:
  std::size_t bytesMax_;
  std::size_t lineStart_ = 0;
  std::string text_;
};

struct BodyFraming {
  enum class Kind { Length, Chunked, UntilClose };

  Kind kind = Kind::Length;
  std::uint64_t length = 0;
};

struct RequestHead {
  std::string method;
  std::string target;
  bool keepAlive = true;
  bool http10 = false;
  protocol::Headers headers;
  BodyFraming body;
};

struct ParsedResponseHead {
  protocol::ResponseHead head;
  bool keepAlive = true;
  BodyFraming body;
};

/// nullopt: not an HTTP request as Mesos reads one: the method is in capitals, the target begins
/// with '/', "http://" or "https://" or is "*", the framing is unambiguous (fact T1). Trailing
/// blanks of values are kept: they make a Content-Type unknown (fact T20).
std::optional<RequestHead> parseRequestHead(std::string_view text);
/// `isHead`: it answers a HEAD request. nullopt: not an HTTP response.
std::optional<ParsedResponseHead> parseResponseHead(std::string_view text, bool isHead);

/// A request that is read where it lies.
struct PlainRequest {
  std::string_view method;
  std::string_view target;
  bool keepAlive = true;
  std::size_t size = 0;  ///< Of the whole.
};
/// The request at the front of `bytes`, if it is all there, of HTTP/1.1, and has neither a body nor
/// a header that matters to more than its connection. nullopt: anything else, good or not, which
/// parseRequestHead() is for. What is read here, it reads the same.
std::optional<PlainRequest> readPlainRequest(std::string_view bytes);

/// One body's bytes in, the body out.
class BodyDecoder {
 public:
  explicit BodyDecoder(BodyFraming framing);

  /// Takes from the front of `bytes` and returns the next piece of the body, a part of `bytes`.
  /// Empty: there is no more in `bytes`, or the body is done, or broken.
  std::string_view take(std::string_view& bytes);
  bool done() const { return state_ == State::Done; }
  bool broken() const { return state_ == State::Broken; }
  /// Whether the end of the connection is the end of the body.
  bool untilClose() const { return state_ == State::UntilClose; }

 private:
  enum class State { Data, UntilClose, ChunkSize, ChunkData, ChunkEnd, Trailer, Done, Broken };

  bool takeLine(std::string_view& bytes);
  void onLine(std::string_view line);

  State state_;
  std::uint64_t remaining_ = 0;  // Of the body, or of the chunk.
  std::string line_;
  std::size_t trailerBytes_ = 0;
};

/// Whether an Accept-Encoding admits gzip (fact T6).
bool acceptsGzip(const std::string* acceptEncoding);

/// "Sun, 22 Nov 2026 08:49:47 GMT".
std::string httpDate(std::chrono::sys_time<Duration> when);

/// Appends "HTTP/1.1 200 OK" and `headers`, without the blank line.
void appendResponseHead(std::string& out, int status, const protocol::Headers& headers);
void appendHeader(std::string& out, std::string_view name, std::string_view value);
/// A whole answer, `Connection: close` in it unless `keepAlive`.
std::string wholeAnswer(const protocol::Response& response, bool keepAlive, std::string_view date);
/// A request's head as far as it does not depend on the body; Host is added where it is missing.
std::string requestHeadStart(const protocol::Request& request, const protocol::Address& host);
/// What follows: Content-Length, if there is a body or should be one, and the blank line.
void appendRequestHeadEnd(std::string& out, const protocol::Request& request);
/// Both.
std::string requestHeadText(const protocol::Request& request, const protocol::Address& host);
/// "1a\r\n", what precedes a chunk's bytes.
std::string chunkHead(std::size_t size);

}  // namespace mesos::transport
