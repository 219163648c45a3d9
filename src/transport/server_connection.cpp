#include <utility>  // Asio 1.18 needs std::exchange and does not include it.

#include "transport/server_connection.hpp"

#include "transport/exchange.hpp"
#include "transport/gzip.hpp"
#include "transport/http_wire.hpp"
#include "transport/outbox.hpp"
#include "transport/request_reader.hpp"
#include "transport/socket_address.hpp"
#include "transport/tls_wire.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace mesos::transport {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using asio::ip::tcp;
using boost::system::error_code;
using protocol::Request;
using protocol::Response;

namespace {

// Of the loop's own executor: one of any kind costs virtual calls for every operation.
using Socket = asio::basic_stream_socket<stream_protocol, asio::io_context::executor_type>;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kPiecesMax = 16;
// A connection is read no further while this much of it is unanswered or unsent.
constexpr std::size_t kRequestsInProgressMax = 64;
constexpr std::size_t kUnsentBytesMax = std::size_t{4} << 20;
// How long a connection that we have ended waits for the peer to end it, too: closing earlier would
// make the kernel throw away what the peer has not read yet.
constexpr Duration kLingerTime = std::chrono::seconds(2);

std::atomic<std::size_t> connectionsOpen = 0;

class Connection final : public ServerConnection,
                         public Exchange::Owner,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerConnectionHost> host, Socket socket)
      : host_(std::move(host)),
        socket_(std::move(socket)),
        tls_(host_->options.tls ? std::make_unique<TlsWire>(host_->options.tls->open({}))
                                : nullptr),
        now_(currentTime()),
        lastActivity_(now_.steady) {
    ++connectionsOpen;
  }
  ~Connection() override { countClosed(); }

  void start(std::string_view bytes) override;
  void drain() override;
  void cut(bool tell) override;
  bool isLingering() const override { return lingering_; }
  bool isIdle() const override {
    return exchanges_.empty() && !hasToWrite() && !isReadingRequest() && !isShakingHands();
  }
  TimePoint lastActivity() const override { return lastActivity_; }
  std::optional<TimePoint> deadline() const override;
  void onDeadline(Now now) override;

  void onExchange() override;
  std::string_view date() override { return host_->standing.date(currentTime().wall); }
  const GzipCodec* gzip() const override { return host_->options.gzip; }
  bool draining() const override { return host_->draining; }
  std::string peer() const override;
  EventLoop& loop() override { return host_->loop; }

 private:
  void read();
  void onRead(std::size_t count);
  std::optional<std::string_view> decrypt(std::string_view bytes);
  void onEnd(error_code error);
  void process();
  void takeBytes();
  bool answerAtOnce();
  void deliver(WholeRequest whole);
  void takeLastRequest();
  void refuse(int status);
  std::shared_ptr<Exchange> addExchange(Exchange::Traits traits);
  void flush();
  void write();
  void onWritten(error_code error, std::size_t count);
  void endIfDone();
  bool isFull() const;
  bool isReadingRequest() const { return request_ != nullptr; }
  bool isStreaming() const;
  bool isShakingHands() const { return tls_ && !tls_->established(); }
  void countClosed() {
    if (std::exchange(counted_, false)) --connectionsOpen;
  }
  bool hasToWrite() const { return !outbox_.empty() || (tls_ && tls_->sealedBytes() > 0); }
  std::size_t unsentBytes() const;
  void watchClock();

  std::shared_ptr<ServerConnectionHost> host_;
  stream_protocol::socket socket_;
  std::unique_ptr<TlsWire> tls_;  // nullptr: what the socket carries is what is meant.
  mutable std::string peer_;
  Now now_;  // Of the last thing that happened.

  bool counted_ = true;  // In connectionsOpen.
  bool closed_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool processing_ = false;
  bool readsMuch_ = false;  // The last read filled the buffer.
  bool deaf_ = false;       // What else comes is not for us; the end is.
  bool peerEnded_ = false;  // The peer sends no more.
  bool ending_ = false;     // Close once everything is written.
  bool lingering_ = false;  // Our end is closed.
  bool lastWord_ = false;   // The peer has said that it sends no more, and has not.
  TimePoint lastActivity_;  // The end of the last request or answer.
  TimePoint requestStart_;  // Of the request being read.
  TimePoint lastProgress_;  // Of writing.
  TimePoint lingerStart_;

  std::string readBuffer_ = std::string(kFirstReadBytes, '\0');
  std::string_view unread_;                 // The part of it that is not looked at yet.
  std::unique_ptr<RequestReader> request_;  // Of which not all has come.

  std::vector<std::shared_ptr<Exchange>> exchanges_;  // In the order of their requests.
  Outbox outbox_;
};

void Connection::start(std::string_view bytes) {
  if (!bytes.empty()) {
    std::copy(bytes.begin(), bytes.end(), readBuffer_.begin());
    return onRead(bytes.size());
  }
  read();
  watchClock();
}

std::string Connection::peer() const {
  if (peer_.empty()) {  // Asked for once: every exchange remembers it.
    error_code error;
    const stream_protocol::endpoint endpoint = socket_.remote_endpoint(error);
    peer_ = error ? "unknown" : socketAddress(endpoint.data(), endpoint.size()).toString();
  }
  return peer_;
}

void Connection::cut(bool tell) {
  if (closed_) return;
  closed_ = true;
  const auto self = shared_from_this();  // The server forgets us below.
  error_code ignored;
  socket_.close(ignored);
  countClosed();  // What waits for it to be read keeps it until the loop's next turn.
  for (const auto& exchange : exchanges_) exchange->detach(tell);
  exchanges_.clear();
  host_->forget(*this);
}

void Connection::drain() {
  deaf_ = true;
  if (exchanges_.empty()) ending_ = true;
  endIfDone();
}

bool Connection::isFull() const {
  return exchanges_.size() >= kRequestsInProgressMax || unsentBytes() >= kUnsentBytesMax;
}

bool Connection::isStreaming() const {
  return std::any_of(exchanges_.begin(), exchanges_.end(),
                     [](const auto& exchange) { return exchange->isStreaming(); });
}

std::size_t Connection::unsentBytes() const {
  std::size_t bytes = outbox_.bytes() + (tls_ ? tls_->sealedBytes() : 0);
  for (const auto& exchange : exchanges_) bytes += exchange->heldBytes();
  return bytes;
}

void Connection::read() {
  if (closed_ || reading_ || peerEnded_ || !unread_.empty()) return;
  if (tls_ && tls_->peerClosed() && !lingering_) return onEnd(asio::error::eof);
  reading_ = true;
  if (readsMuch_) readBuffer_.resize(std::min(4 * readBuffer_.size(), kReadBytes));
  socket_.async_read_some(asio::buffer(readBuffer_.data(), readBuffer_.size()),
                          [self = shared_from_this()](error_code error, std::size_t count) {
                            self->reading_ = false;
                            if (self->closed_) return;
                            self->now_ = currentTime();
                            if (error) return self->onEnd(error);
                            self->onRead(count);
                          });
}

void Connection::onRead(std::size_t count) {
  std::string_view bytes(readBuffer_.data(), count);
  readsMuch_ = count == readBuffer_.size();
  if (tls_ && !deaf_) {
    const auto plain = decrypt(bytes);
    if (!plain) return process();
    bytes = *plain;
  }
  if (!deaf_) unread_ = bytes;
  process();
}

// What the bytes of the socket mean; nullopt: they are no TLS of ours, and the connection ends
// after a last word, unless it has ended at once.
std::optional<std::string_view> Connection::decrypt(std::string_view bytes) {
  const bool wasEstablished = tls_->established();
  const auto plain = tls_->receive(bytes);
  if (plain) {
    write();  // What TLS itself has to say.
    return *plain;
  }
  if (wasEstablished) {
    cut(true);
  } else {
    deaf_ = true;
    ending_ = true;
    write();
  }
  return std::nullopt;
}

// A peer that ends its side may still want the answers it is owed. A stream has no end to wait for:
// there this is how the death of its reader shows.
void Connection::onEnd(error_code error) {
  if (error != asio::error::eof || isStreaming() || lingering_) return cut(true);
  peerEnded_ = true;
  deaf_ = true;
  if (exchanges_.empty()) ending_ = true;
  endIfDone();
}

// Makes requests of what has been read, as far as there is room for them.
void Connection::process() {
  if (processing_ || closed_) return;
  processing_ = true;
  while (!closed_ && !deaf_ && !unread_.empty() && !isFull()) takeBytes();
  processing_ = false;
  if (closed_) return;
  if (deaf_) unread_ = {};
  if (lastWord_) endIfDone();  // Before a read that would bring nothing.
  read();
  endIfDone();
  if (!closed_) watchClock();
}

void Connection::takeBytes() {
  if (answerAtOnce()) return;
  if (!request_) {
    requestStart_ = now_.steady;
    const HttpServerOptions& options = host_->options;
    request_ = std::make_unique<RequestReader>(options.headerBytesMax, options.bodyBytesMax);
  }
  auto whole = request_->take(unread_);
  const int refusal = request_->refusal();
  if (whole || refusal || request_->empty()) request_.reset();
  if (refusal) return refuse(refusal);
  if (whole) deliver(std::move(*whole));
}

// The peer wants no answer after this one.
void Connection::takeLastRequest() {
  deaf_ = true;
  lastWord_ = unread_.empty() && !readsMuch_;
}

// Whether the next request was answered from what is ready (standingAnswer of HttpServerOptions):
// no copy of the request, no exchange, one call of the kernel: 0.9 of 2.9 µs of our own CPU time
// a request are left.
bool Connection::answerAtOnce() {
  const auto& standing = host_->options.standingAnswer;
  if (!standing || tls_ || host_->draining || isReadingRequest()) return false;
  if (ending_ || writing_ || !exchanges_.empty() || hasToWrite()) return false;
  const auto request = readPlainRequest(unread_);
  if (!request || request->size > host_->options.headerBytesMax) return false;
  const Response* const response = standing(request->method, request->target);
  if (!response) return false;
  const std::string& bytes = host_->standing.answer(*response, request->keepAlive, now_.wall);
  unread_.remove_prefix(request->size);
  lastActivity_ = now_.steady;
  if (!request->keepAlive) {
    takeLastRequest();
    ending_ = true;
  }
  const ssize_t sent =
      ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  // What the kernel does not take now, or an error, is for the common way.
  const std::size_t count = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  if (count < bytes.size()) {
    outbox_.push(bytes.substr(count));
    write();
  }
  return true;
}

void Connection::deliver(WholeRequest whole) {
  RequestHead& head = whole.head;
  lastActivity_ = now_.steady;
  if (!head.keepAlive) takeLastRequest();
  const auto exchange =
      addExchange({.isHead = head.method == "HEAD",
                   .http10 = head.http10,
                   .keepAlive = head.keepAlive,
                   .acceptsGzip = gzip() && acceptsGzip(head.headers.find("Accept-Encoding"))});
  Request request{.method = std::move(head.method),
                  .target = std::move(head.target),
                  .headers = std::move(head.headers),
                  .body = std::move(whole.body)};
  const std::string* const coding = request.headers.find("Content-Encoding");
  if (gzip() && coding && *coding == "gzip") {  // No other spelling counts (fact T5).
    auto inflated = gzip()->inflate(request.body, host_->options.bodyBytesMax);
    if (!inflated) {
      return exchange->respond({.status = 500,
                                .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                                .body = "failed to decode body"});
    }
    request.body = std::move(*inflated);
  }
  host_->handler(exchange, std::move(request));
}

// What came is no request, or more than we take: the connection ends after the answers before it.
void Connection::refuse(int status) {
  deaf_ = true;
  request_.reset();
  if (isStreaming()) return cut(true);
  const auto exchange = addExchange({.keepAlive = false});
  if (!host_->options.answerMalformed) return exchange->hangUp();
  exchange->respond({.status = status,
                     .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                     .body = std::string(protocol::reasonOf(status)) + "\n"});
}

std::shared_ptr<Exchange> Connection::addExchange(Exchange::Traits traits) {
  return exchanges_.emplace_back(std::make_shared<Exchange>(*this, traits));
}

void Connection::onExchange() {
  const auto self = shared_from_this();  // An answer may be the last thing that keeps us.
  flush();
  if (closed_) return;
  if (isStreaming() && (peerEnded_ || unsentBytes() > host_->options.streamBytesMax)) {
    return cut(true);
  }
  write();
  process();
}

// Moves the answers whose turn it is into the outbox.
void Connection::flush() {
  while (!exchanges_.empty() && !ending_) {
    Exchange& first = *exchanges_.front();
    first.moveBytes(outbox_);
    if (!first.isComplete()) return;
    ending_ = first.endsConnection();
    first.detach(false);
    exchanges_.erase(exchanges_.begin());
    lastActivity_ = currentTime().steady;
  }
  if (exchanges_.empty() && (peerEnded_ || host_->draining)) ending_ = true;
}

void Connection::write() {
  if (writing_ || closed_) return;
  Outbox& outgoing = tls_ ? tls_->seal(outbox_) : outbox_;
  if (outgoing.empty()) return;
  writing_ = true;
  if (lastProgress_ < lastActivity_) lastProgress_ = lastActivity_;
  outgoing.gather(kPiecesMax, host_->pieces);
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(host_->pieces.size());
  for (const std::string_view piece : host_->pieces) {
    buffers.emplace_back(piece.data(), piece.size());
  }
  socket_.async_write_some(buffers,
                           [self = shared_from_this()](error_code error, std::size_t count) {
                             self->writing_ = false;
                             if (!self->closed_) self->onWritten(error, count);
                           });
}

void Connection::onWritten(error_code error, std::size_t count) {
  if (error) return cut(true);
  (tls_ ? tls_->sealed() : outbox_).consume(count);
  now_ = currentTime();
  lastProgress_ = now_.steady;
  if (isReadingRequest()) requestStart_ = std::max(requestStart_, lastProgress_);
  write();
  process();
}

// Ends the connection when it is to end and everything is out. Ours is the first end: the peer
// shall read the last answer before a reset can reach it.
void Connection::endIfDone() {
  if (closed_ || lingering_ || !ending_ || writing_ || hasToWrite()) return;
  if (tls_ && !peerEnded_ && tls_->close()) {
    write();
    if (writing_) return;
  }
  for (const auto& exchange : exchanges_) exchange->detach(true);
  exchanges_.clear();
  if (peerEnded_ || (lastWord_ && !tls_)) return cut(true);
  lingering_ = true;
  deaf_ = true;
  lingerStart_ = currentTime().steady;
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  watchClock();
}

std::optional<TimePoint> Connection::deadline() const {
  const HttpServerOptions& options = host_->options;
  if (lingering_) return lingerStart_ + kLingerTime;
  std::optional<TimePoint> earliest;
  const auto consider = [&](TimePoint when) { earliest = std::min(earliest.value_or(when), when); };
  if (isShakingHands()) consider(lastActivity_ + options.requestTimeout);
  if (isReadingRequest() && !isFull()) consider(requestStart_ + options.requestTimeout);
  // A stream may be read slowly, up to streamBytesMax; an answer has to be taken.
  if (hasToWrite() && !isStreaming()) consider(lastProgress_ + options.requestTimeout);
  if (isIdle() && options.idleTimeout > Duration::zero())
    consider(lastActivity_ + options.idleTimeout);
  return earliest;
}

void Connection::watchClock() {
  if (const auto when = deadline()) host_->watch(*when);
}

// Its deadline has come.
void Connection::onDeadline(Now now) {
  now_ = now;
  const bool slowRequest = isReadingRequest() && !lingering_ && !hasToWrite();
  if (!slowRequest) return cut(true);
  refuse(408);
  process();
}

}  // namespace

std::shared_ptr<ServerConnection> ServerConnection::open(std::shared_ptr<ServerConnectionHost> host,
                                                         int descriptor, int family) {
  Socket socket(host->loop.context());
  error_code error;
  socket.assign(stream_protocol(family, 0), descriptor, error);
  if (error) {
    ::close(descriptor);
    return nullptr;
  }
  return std::make_shared<Connection>(std::move(host), std::move(socket));
}

std::size_t ServerConnection::openInProcess() { return connectionsOpen; }

}  // namespace mesos::transport
