#include "transport/exchange.hpp"

#include "transport/gzip.hpp"
#include "transport/http_wire.hpp"

#include <utility>

namespace mesos::transport {

// Shorter answers are not worth compressing (fact T6).
constexpr std::size_t kGzipBytesMin = 1024;

std::string Exchange::beginHead(int status, const protocol::Headers& headers) {
  std::string head;
  head.reserve(256);
  appendResponseHead(head, status, headers);
  if (!headers.has("Date")) appendHeader(head, "Date", owner_->date());
  if (owner_->draining()) traits_.keepAlive = false;
  // Mesos itself never writes this header; without it a client of HTTP/1.0 would wait for the end
  // of the connection, and one of HTTP/1.1 would go on using it.
  if (traits_.http10 && traits_.keepAlive) appendHeader(head, "Connection", "keep-alive");
  if (!traits_.http10 && !traits_.keepAlive) appendHeader(head, "Connection", "close");
  return head;
}

void Exchange::respond(protocol::Response response) {
  if (!canAnswer()) return;
  std::string head = beginHead(response.status, response.headers);
  const GzipCodec* const gzip = traits_.acceptsGzip ? owner_->gzip() : nullptr;
  const bool isFile = response.headers.has("Content-Disposition");
  if (gzip && !isFile && response.body.size() >= kGzipBytesMin) {
    response.body = gzip->deflate(response.body);
    appendHeader(head, "Content-Encoding", "gzip");
  }
  const bool bodyless = response.status == 204 || response.status == 304;
  if (!bodyless) appendHeader(head, "Content-Length", std::to_string(response.body.size()));
  head += "\r\n";
  hold(std::move(head));
  if (!traits_.isHead && !bodyless) hold(std::move(response.body));
  state_ = State::Complete;
  closed_ = nullptr;
  owner_->onExchange();
}

void Exchange::startStream(protocol::ResponseHead head) {
  if (!canAnswer()) return;
  // HTTP/1.0 knows no chunks: its streams end with the connection.
  if (traits_.http10) traits_.keepAlive = false;
  std::string text = beginHead(head.status, head.headers);
  if (!traits_.http10) appendHeader(text, "Transfer-Encoding", "chunked");
  text += "\r\n";
  hold(std::move(text));
  state_ = State::Streaming;
  owner_->onExchange();
}

void Exchange::write(std::string bytes) {
  // An empty chunk would end the stream.
  if (!owner_ || state_ != State::Streaming || bytes.empty() || traits_.isHead) return;
  if (traits_.http10) {
    hold(std::move(bytes));
  } else {
    hold(chunkHead(bytes.size()));
    hold(std::move(bytes));
    hold("\r\n");
  }
  owner_->onExchange();
}

void Exchange::end() {
  if (!owner_ || state_ != State::Streaming) return;
  if (!traits_.http10 && !traits_.isHead) hold("0\r\n\r\n");
  state_ = State::Complete;
  closed_ = nullptr;
  owner_->onExchange();
}

void Exchange::hangUp() {
  if (!owner_ || state_ == State::Complete) return;
  traits_.keepAlive = false;
  state_ = State::Complete;
  closed_ = nullptr;
  owner_->onExchange();
}

void Exchange::onClosed(std::function<void()> closed) {
  if (state_ == State::Complete) return;
  if (owner_) {
    closed_ = std::move(closed);
  } else {
    loop_.post(std::move(closed));
  }
}

void Exchange::hold(std::string bytes) {
  heldBytes_ += bytes.size();
  held_.push_back(std::move(bytes));
}

void Exchange::moveBytes(Outbox& outbox) {
  for (std::string& bytes : held_) outbox.push(std::move(bytes));
  held_.clear();
  heldBytes_ = 0;
}

void Exchange::detach(bool tell) {
  peer_ = peer();
  owner_ = nullptr;
  held_.clear();
  heldBytes_ = 0;
  if (tell && closed_) loop_.post(std::exchange(closed_, nullptr));
  closed_ = nullptr;
}

}  // namespace mesos::transport
