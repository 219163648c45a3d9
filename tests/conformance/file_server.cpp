#include "conformance/file_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace mesos::conformance {
namespace {

constexpr std::size_t kMaxHead = 64 * 1024;

sockaddr_in addressOf(const protocol::Address& peer) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(peer.port);
  if (::inet_pton(AF_INET, peer.host.c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error("not an IPv4 address: " + peer.host);
  }
  return address;
}

/// This machine's address on the way to a peer: what a datagram socket would be bound to.
sockaddr_in localAddressTowards(const protocol::Address& peer) {
  const int probe = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in there = addressOf(peer);
  sockaddr_in here{};
  socklen_t size = sizeof here;
  const bool known =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0 &&
      ::getsockname(probe, reinterpret_cast<sockaddr*>(&here), &size) == 0;
  ::close(probe);
  if (!known) throw std::runtime_error("no way to " + peer.host);
  here.sin_port = 0;
  return here;
}

void sendAll(int connection, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;  // The peer has hung up: its own concern.
    sent += static_cast<std::size_t>(n);
  }
}

std::string readHead(int connection) {
  std::string head;
  std::array<char, 4096> buffer;
  while (head.find("\r\n\r\n") == head.npos && head.size() < kMaxHead) {
    const ssize_t n = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (n <= 0) return {};
    head.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return head;
}

}  // namespace

FileServer::FileServer(const protocol::Address& peer, std::map<std::string, Answer> answers)
    : answers_(std::move(answers)) {
  sockaddr_in here = localAddressTowards(peer);
  socklen_t size = sizeof here;
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&here), size) != 0 ||
      ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size) != 0 ||
      ::pipe2(wake_, O_CLOEXEC) != 0) {
    throw std::runtime_error("the file server cannot listen");
  }
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &here.sin_addr, text.data(), text.size());
  base_ = "http://" + std::string(text.data()) + ":" + std::to_string(ntohs(here.sin_port));
  thread_ = std::thread([this] { serve(); });
}

FileServer::~FileServer() {
  ::close(wake_[1]);
  thread_.join();
  ::close(wake_[0]);
  ::close(listener_);
}

std::vector<std::string> FileServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FileServer::serve() {
  while (true) {
    std::array<pollfd, 2> polled{pollfd{listener_, POLLIN, 0}, pollfd{wake_[0], POLLIN, 0}};
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[1].revents != 0) return;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    const timeval patience{5, 0};
    ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    answer(connection);
    ::close(connection);
  }
}

void FileServer::answer(int connection) {
  const std::string head = readHead(connection);
  const std::size_t first = head.find(' ');
  const std::size_t second = head.find(' ', first + 1);
  if (first == head.npos || second == head.npos) return;
  const std::string method = head.substr(0, first);
  const std::string path = head.substr(first + 1, second - first - 1);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(method + " " + path);
  }
  const auto found = answers_.find(path);
  const Answer answer = found == answers_.end() ? Answer{404, "nothing here"} : found->second;
  std::string response = "HTTP/1.1 " + std::to_string(answer.status) + " Answer\r\n";
  if (!answer.location.empty()) response += "Location: " + answer.location + "\r\n";
  // An answer 204 has neither a body nor a length.
  if (answer.status != 204) {
    response += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  }
  response += "Connection: close\r\n\r\n";
  if (method != "HEAD" && answer.status != 204) response += answer.body;
  sendAll(connection, response);
}

}  // namespace mesos::conformance
