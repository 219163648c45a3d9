#include "conformance/http.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace mesos::conformance {
namespace {

using Clock = std::chrono::steady_clock;

std::size_t parseNumber(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) {
    throw std::runtime_error("not a number: '" + std::string(text) + "'");
  }
  return value;
}

}  // namespace

Connection::Connection(const protocol::Address& address) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found) !=
      0) {
    throw std::runtime_error("cannot resolve " + address.host);
  }
  fd_ = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int connected = connect(fd_, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  if (connected != 0) {
    const std::string reason = std::strerror(errno);
    close(fd_);
    throw std::runtime_error("cannot connect to " + address.toString() + ": " + reason);
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Connection::~Connection() { close(fd_); }

void Connection::sendRaw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) throw std::runtime_error(std::string("send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Connection::send(const protocol::Request& request) {
  std::string bytes = request.method + " " + request.target + " HTTP/1.1\r\nHost: test\r\n";
  for (const auto& [name, value] : request.headers) bytes += name + ": " + value + "\r\n";
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    bytes += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  sendRaw(bytes + "\r\n" + request.body);
}

void Connection::finish() { shutdown(fd_, SHUT_WR); }

bool Connection::fill(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd waiting{fd_, POLLIN, 0};
  const int ready = poll(&waiting, 1, static_cast<int>(std::max<long long>(left.count(), 0)));
  if (ready == 0) throw TimedOut("no answer in time; so far: '" + buffer_.substr(0, 200) + "'");
  char piece[65536];
  const ssize_t got = recv(fd_, piece, sizeof piece, 0);
  if (got <= 0) return false;
  buffer_.append(piece, static_cast<std::size_t>(got));
  return true;
}

std::string Connection::readLine(Clock::time_point deadline) {
  std::size_t end;
  while ((end = buffer_.find("\r\n")) == buffer_.npos) {
    if (!fill(deadline)) throw std::runtime_error("the peer closed inside a line");
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::optional<protocol::ResponseHead> Connection::readHead(Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  if (buffer_.empty() && !fill(deadline)) return std::nullopt;
  const std::string status = readLine(deadline);
  if (status.rfind("HTTP/1.", 0) != 0 || status.size() < 12) {
    throw std::runtime_error("not a status line: '" + status + "'");
  }
  protocol::ResponseHead head;
  head.status = static_cast<int>(parseNumber(std::string_view(status).substr(9, 3), 10));
  for (std::string line; !(line = readLine(deadline)).empty();) {
    const std::size_t colon = line.find(": ");
    if (colon == line.npos) throw std::runtime_error("not a header: '" + line + "'");
    head.headers.add(line.substr(0, colon), line.substr(colon + 2));
  }
  chunkedEnd_ = false;
  return head;
}

std::string Connection::readBody(const protocol::ResponseHead& head, Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  std::string body;
  if (const std::string* length = head.headers.find("Content-Length")) {
    const std::size_t size = parseNumber(*length, 10);
    while (buffer_.size() < size) {
      if (!fill(deadline)) throw std::runtime_error("the peer closed inside a body");
    }
    body = buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else if (head.headers.has("Transfer-Encoding")) {
    while (const auto chunk = readChunk(timeout)) body += *chunk;
  } else {
    while (fill(deadline)) {
    }
    body.swap(buffer_);
  }
  return body;
}

protocol::Response Connection::readResponse(Timeout timeout) {
  auto head = readHead(timeout);
  if (!head) throw std::runtime_error("the peer closed without an answer");
  std::string body = readBody(*head, timeout);
  return {head->status, std::move(head->headers), std::move(body)};
}

std::optional<std::string> Connection::readChunk(Timeout timeout) {
  if (chunkedEnd_) return std::nullopt;
  const auto deadline = Clock::now() + timeout;
  if (buffer_.empty() && !fill(deadline)) return std::nullopt;
  const std::string sizeLine = readLine(deadline);
  const std::size_t size =
      parseNumber(std::string_view(sizeLine).substr(0, sizeLine.find(';')), 16);
  while (buffer_.size() < size + 2) {
    if (!fill(deadline)) return std::nullopt;
  }
  std::string chunk = buffer_.substr(0, size);
  buffer_.erase(0, size + 2);
  if (size == 0) {
    chunkedEnd_ = true;
    return std::nullopt;
  }
  return chunk;
}

bool Connection::closes(Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  try {
    while (fill(deadline)) {
    }
    return true;
  } catch (const TimedOut&) {
    return false;
  }
}

protocol::Response fetch(const protocol::Address& address, const protocol::Request& request,
                         Timeout timeout) {
  Connection connection(address);
  connection.send(request);
  if (request.method == "HEAD") {
    auto head = connection.readHead(timeout);
    if (!head) throw std::runtime_error("the peer closed without an answer");
    return {head->status, std::move(head->headers), ""};
  }
  return connection.readResponse(timeout);
}

protocol::Response get(const protocol::Address& address, const std::string& target) {
  return fetch(address, {.method = "GET", .target = target, .headers = {}, .body = {}});
}

}  // namespace mesos::conformance
