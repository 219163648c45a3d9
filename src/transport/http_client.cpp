#include <utility>  // Asio 1.18 needs std::exchange and does not include it.

#include "transport/http_client.hpp"

#include "transport/http_wire.hpp"
#include "transport/outbox.hpp"
#include "transport/socket_address.hpp"
#include "transport/tls_wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <fcntl.h>

#include <deque>
#include <optional>
#include <vector>

namespace mesos::transport {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using asio::ip::tcp;
using boost::system::error_code;
using protocol::Address;
using protocol::Request;

namespace {

constexpr std::size_t kHeaderBytesMax = 64 * 1024;
// Of one read. It grows when there was more to read than that: fewer and larger reads are cheaper.
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kReadBytesMax = 128 * 1024;
// Of one write, some 8 KiB each. Fewer than what one read of events asks for would let the
// acknowledgements pile up.
constexpr std::size_t kPiecesMax = 64;
// Of an answer's head that is kept, to know the next one by.
constexpr std::size_t kKnownHeadBytesMax = 1024;

}  // namespace

struct HttpConnection::State : std::enable_shared_from_this<State> {
  State(EventLoop& eventLoop, Handlers h)
      : loop(eventLoop), handlers(std::move(h)), socket(loop.context()) {}

  void connect(const Address& to, Dial how);
  void send(Request&& request);
  void close();
  void pause(bool on);

  bool isOver() const { return failed || closed; }
  void onConnected(error_code error);
  void onReady();
  void fail(std::string reason);
  void appendHead(const Request& request);
  void writeSoon();
  void write();
  void read();
  void onRead(std::string_view bytes);
  void onPlain(std::string_view bytes);
  bool takeHead(std::string_view& bytes);
  void onHead();
  void onEnd(error_code error);
  void finishBody();

  EventLoop& loop;
  Handlers handlers;
  stream_protocol::socket socket;
  std::unique_ptr<TlsWire> tls;  // nullptr: what the socket carries is what is meant.
  Dial dial;
  Address address;  // Whom requests are for.
  bool connected = false;
  bool failed = false;  // onClosed is on its way, and nothing else is.
  bool closed = false;  // No handler is called any more.
  bool reading = false;
  bool writing = false;
  bool willWrite = false;  // As soon as the loop comes to it.
  bool paused = false;
  Outbox outbox;
  std::vector<std::string_view> pieces;
  std::vector<asio::const_buffer> buffers;
  std::deque<bool> awaited;  // One per unanswered request: whether it is a HEAD.
  HeadReader head{kHeaderBytesMax};
  std::optional<BodyDecoder> body;
  // Calls in a row have the same head but for the length, and are answered by the same head for as
  // long as its Date lasts. Each is made, or parsed, but once.
  Request madeFor;
  std::string headStart;
  std::string known;  // The text of an answer's head, and what it says.
  bool knownIsHead = false;
  std::optional<ParsedResponseHead> parsed;
  std::vector<char> readBuffer;
};

void HttpConnection::State::connect(const Address& to, Dial how) {
  dial = std::move(how);
  address = dial.host.value_or(to);
  const auto found =
      dial.unixPath.empty() ? tcpAddress(to.host, to.port) : unixAddress(dial.unixPath);
  if (!found) return fail(found.error().message);
  const stream_protocol::endpoint endpoint(found->data(), found->size);
  error_code error;
  socket.open(endpoint.protocol(), error);
  if (error) return fail(error.message());
  // Programs that fork must not hand this connection to their children.
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
  socket.set_option(tcp::no_delay(true), error);
  socket.async_connect(endpoint, [self = shared_from_this()](error_code refused) {
    if (!self->closed) self->onConnected(refused);
  });
}

void HttpConnection::State::onConnected(error_code error) {
  if (error) return fail(error.message());
  connected = true;
  if (!dial.tls) {
    onReady();
  } else {
    tls = std::make_unique<TlsWire>(
        dial.tls->open(dial.tlsHost.empty() ? address.host : dial.tlsHost));
    write();
  }
  read();
}

void HttpConnection::State::onReady() {
  if (handlers.onConnected) handlers.onConnected();
  write();
}

// Tells the owner, from the loop, that it is over.
void HttpConnection::State::fail(std::string reason) {
  if (isOver()) return;
  failed = true;
  loop.post([self = shared_from_this(), reason = std::move(reason)] {
    if (self->closed) return;
    self->close();
    if (self->handlers.onClosed) self->handlers.onClosed(reason);
  });
}

void HttpConnection::State::close() {
  if (willWrite) write();  // What was sent before leaves, as far as the kernel takes it.
  closed = true;
  error_code ignored;
  socket.close(ignored);
}

void HttpConnection::State::send(Request&& request) {
  if (isOver()) return;
  awaited.push_back(request.method == "HEAD");
  appendHead(request);
  outbox.push(std::move(request.body));
  writeSoon();
}

void HttpConnection::State::appendHead(const Request& request) {
  const bool isMade = request.headers.sharesWith(madeFor.headers) &&
                      request.method == madeFor.method && request.target == madeFor.target;
  if (!isMade) {
    headStart = requestHeadStart(request, address);
    madeFor = {request.method, request.target, request.headers, {}};
  }
  const std::size_t length = headStart.size();
  appendRequestHeadEnd(headStart, request);
  outbox.append(headStart);
  headStart.resize(length);
}

void HttpConnection::State::writeSoon() {
  if (!connected || writing || willWrite) return;
  willWrite = true;
  loop.post([self = shared_from_this()] {
    if (self->willWrite) self->write();
  });
}

void HttpConnection::State::write() {
  willWrite = false;
  if (!connected || writing || isOver()) return;
  Outbox& outgoing = tls ? tls->seal(outbox) : outbox;
  if (outgoing.empty()) return;
  writing = true;
  outgoing.gather(kPiecesMax, pieces);
  buffers.clear();
  for (const std::string_view piece : pieces) buffers.emplace_back(piece.data(), piece.size());
  socket.async_write_some(buffers, [self = shared_from_this()](error_code error, std::size_t n) {
    self->writing = false;
    if (self->isOver()) return;
    (self->tls ? self->tls->sealed() : self->outbox).consume(n);
    // A peer that refuses more may have said why: the reading side notices the end, too.
    if (error && self->paused) return self->fail(error.message());
    if (!error) self->write();
  });
}

void HttpConnection::State::pause(bool on) {
  paused = on;
  read();
}

void HttpConnection::State::read() {
  if (!connected || reading || paused || isOver()) return;
  reading = true;
  if (readBuffer.empty()) readBuffer.resize(kReadBytes);
  socket.async_read_some(asio::buffer(readBuffer),
                         [self = shared_from_this()](error_code error, std::size_t n) {
                           self->reading = false;
                           if (self->isOver()) return;
                           if (error) {
                             self->onEnd(error);
                           } else {
                             self->onRead({self->readBuffer.data(), n});
                             if (n == self->readBuffer.size())
                               self->readBuffer.resize(kReadBytesMax);
                           }
                           if (!self->closed && self->handlers.onReadEnd) {
                             self->handlers.onReadEnd();
                           }
                           if (!error) self->read();
                         });
}

void HttpConnection::State::onRead(std::string_view bytes) {
  if (!tls) return onPlain(bytes);
  const bool wasReady = tls->established();
  const auto plain = tls->receive(bytes);
  if (!plain) return fail(plain.error().message);
  if (tls->established() && !wasReady) onReady();
  onPlain(*plain);
  write();  // What TLS itself has to say.
  if (tls->peerClosed() && !isOver()) onEnd(asio::error::eof);
}

void HttpConnection::State::onPlain(std::string_view bytes) {
  while (!bytes.empty() && !isOver()) {
    if (!body) {
      if (!takeHead(bytes)) return;
      onHead();
      if (isOver()) return;
      if (!body) continue;
    }
    for (auto piece = body->take(bytes); !piece.empty(); piece = body->take(bytes)) {
      if (handlers.onBytes) handlers.onBytes(piece);
      if (closed) return;
    }
    if (body->broken()) return fail("the answer's chunks are malformed");
    if (body->done()) finishBody();
  }
}

// Whether a head is complete, and in `parsed`, if it can be.
bool HttpConnection::State::takeHead(std::string_view& bytes) {
  const bool isHead = !awaited.empty() && awaited.front();
  if (parsed && isHead == knownIsHead && head.empty() && bytes.starts_with(known)) {
    bytes.remove_prefix(known.size());
    return true;
  }
  const auto state = head.take(bytes);
  if (state == HeadReader::State::TooLarge) fail("the answer's headers are too large");
  if (state != HeadReader::State::Complete) return false;
  parsed = parseResponseHead(head.text(), isHead);
  known = head.text();
  knownIsHead = isHead;
  head.reset();
  return true;
}

void HttpConnection::State::onHead() {
  if (!parsed) return fail("the peer does not speak HTTP");
  if (parsed->head.status < 200) return;  // Interim; the answer follows.
  if (awaited.empty()) return fail("an answer to no request");
  body.emplace(parsed->body);
  if (handlers.onResponse) handlers.onResponse(parsed->head);
  if (known.size() > kKnownHeadBytesMax) parsed.reset();
  if (!closed && body->done()) finishBody();
}

void HttpConnection::State::finishBody() {
  body.reset();
  awaited.pop_front();
  if (handlers.onBodyEnd) handlers.onBodyEnd();
}

void HttpConnection::State::onEnd(error_code error) {
  if (error != asio::error::eof) return fail(error.message());
  if (tls && !tls->established()) return fail("closed by the peer before TLS was agreed on");
  // Whoever can cut a connection could otherwise shorten such a body.
  const bool isMeant = !tls || tls->peerClosed();
  if (body && body->untilClose() && isMeant) {
    finishBody();
  } else if (body || !head.empty()) {
    return fail("closed by the peer in the middle of an answer");
  }
  fail("closed by the peer");
}

HttpConnection::HttpConnection(EventLoop& loop, Handlers handlers)
    : state_(std::make_shared<State>(loop, std::move(handlers))) {}

HttpConnection::~HttpConnection() { state_->close(); }

void HttpConnection::connect(const Address& address, Dial dial) {
  state_->connect(address, std::move(dial));
}

void HttpConnection::send(Request&& request) { state_->send(std::move(request)); }

void HttpConnection::close() { state_->close(); }

void HttpConnection::pauseReading(bool paused) { state_->pause(paused); }

std::size_t HttpConnection::unsentBytes() const {
  return state_->outbox.bytes() + (state_->tls ? state_->tls->sealedBytes() : 0);
}

}  // namespace mesos::transport
