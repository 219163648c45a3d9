#include "transport/loopback_testing.hpp"

#include "base/check.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <future>
#include <utility>

namespace mesos::transport::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds(5);

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

LoopThread::LoopThread() : thread_([this] { loop_.run(); }) {}

LoopThread::~LoopThread() {
  loop_.stop();
  thread_.join();
}

void LoopThread::run(const std::function<void()>& task) {
  std::promise<void> done;
  loop_.post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

RawSocket RawSocket::connectTo(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  MESOS_CHECK(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return RawSocket(fd);
}

RawSocket::RawSocket(int fd) : fd_(fd) {
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int noDelay = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &noDelay, sizeof noDelay);
}

RawSocket::~RawSocket() {
  if (fd_ >= 0) ::close(fd_);
}

RawSocket::RawSocket(RawSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

bool RawSocket::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string RawSocket::readSome() {
  if (!buffer_.empty()) return std::exchange(buffer_, {});
  std::array<char, 65536> bytes;
  const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
  return count <= 0 ? std::string() : std::string(bytes.data(), static_cast<std::size_t>(count));
}

std::string RawSocket::readUntil(std::string_view end) {
  std::string all;
  for (;;) {
    const std::string piece = readSome();
    if (piece.empty()) return all;
    const std::size_t from = all.size() < end.size() ? 0 : all.size() - end.size();
    all += piece;
    const std::size_t found = all.find(end, from);
    if (found == all.npos) continue;
    buffer_ = all.substr(found + end.size());
    all.resize(found + end.size());
    return all;
  }
}

std::string RawSocket::readAll() {
  std::string all;
  for (std::string piece = readSome(); !piece.empty(); piece = readSome()) all += piece;
  return all;
}

bool RawSocket::isEnded() {
  if (!buffer_.empty()) return false;
  char byte = 0;
  const ssize_t count = ::recv(fd_, &byte, 1, 0);
  if (count == 1) buffer_ += byte;
  return count == 0 || (count < 0 && errno == ECONNRESET);
}

std::string RawSocket::readResponse() {
  std::string response = readUntil("\r\n\r\n");
  constexpr std::string_view kName = "Content-Length: ";
  const std::size_t at = response.find(kName);
  if (at == response.npos) return response;
  std::size_t left = std::strtoull(response.c_str() + at + kName.size(), nullptr, 10);
  while (left > 0) {
    std::string piece = readSome();
    if (piece.empty()) return response;
    if (piece.size() > left) {
      buffer_ = piece.substr(left);
      piece.resize(left);
    }
    left -= piece.size();
    response += piece;
  }
  return response;
}

void RawSocket::endWriting() { ::shutdown(fd_, SHUT_WR); }

void RawSocket::setReceiveBuffer(int bytes) {
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

RawListener::RawListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  MESOS_CHECK(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  MESOS_CHECK(::listen(fd_, 16) == 0);
  MESOS_CHECK(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
}

RawListener::~RawListener() { ::close(fd_); }

RawSocket RawListener::accept() {
  return RawSocket(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = currentTime().steady + kPatience;
  while (!condition()) {
    if (currentTime().steady > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace mesos::transport::testing
