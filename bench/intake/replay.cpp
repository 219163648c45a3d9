#include "bench/intake/replay.hpp"

#include "bench/intake/events.hpp"
#include "protocol/record_io.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace bench {
namespace {

using mesos::transport::BodyDecoder;
using mesos::transport::HeadReader;
using mesos::v1::scheduler::Call;

constexpr std::size_t kDistinctOffers = 50;
constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kReadBytes = 256 * 1024;
// Of a stream before the next look at what has come in: acknowledgements must not pile up.
constexpr std::size_t kTurnBytes = 64 * 1024;
constexpr int kMoment = 100;  // Milliseconds.

constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nDate: Thu, 26 Nov 2026 02:00:00 GMT\r\nTransfer-Encoding: chunked\r\n"
    "Mesos-Stream-Id: 130ae4e3-6b13-4ef4-baa9-9f2e85c3e9af\r\n"
    "Content-Type: application/x-protobuf\r\n\r\n";
constexpr std::string_view kAccepted =
    "HTTP/1.1 202 Accepted\r\nDate: Thu, 26 Nov 2026 02:00:00 GMT\r\nContent-Length: 0\r\n\r\n";

void check(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(1);
}

// One chunk an event, as a master writes them.
void appendChunk(std::string& bytes, const std::string& event) {
  const std::string record = mesos::protocol::encodeRecord(event);
  bytes += mesos::transport::chunkHead(record.size()) + record + "\r\n";
}

std::string chunk(const std::string& event) {
  std::string bytes;
  appendChunk(bytes, event);
  return bytes;
}

}  // namespace

Stream updateStream(std::size_t events) {
  Stream stream{.parts = {""}, .last = chunk(updateEvent(events - 1)), .updates = events};
  for (std::size_t i = 0; i + 1 < events; ++i) appendChunk(stream.parts.front(), updateEvent(i));
  return stream;
}

Stream offersStream(std::size_t events) {
  Stream stream{.times = events / kDistinctOffers, .last = chunk(updateEvent(0)), .updates = 1};
  for (std::size_t i = 0; i < kDistinctOffers; ++i) stream.parts.push_back(chunk(offersEvent(i)));
  return stream;
}

struct Replay::Peer {
  explicit Peer(int socket) : fd(socket) {}
  ~Peer() { ::close(fd); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  int fd;
  bool closed = false;
  bool streams = false;
  std::string out;        // What goes before the stream's parts.
  std::string_view rest;  // Of the part being written.
  HeadReader head{kHeadBytesMax};
  std::string known;  // The latest head, and what it says of the body.
  mesos::transport::BodyFraming framing;
  std::optional<BodyDecoder> body;
  std::string call;
};

Replay::Replay(const Stream& stream) : stream_(stream), seen_(stream.updates) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  check(listener_ >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  check(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  check(::listen(listener_, 16) == 0, "listen");
  check(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
}

Replay::~Replay() { ::close(listener_); }

std::optional<std::string> Replay::serve() {
  std::vector<pollfd> polled{{.fd = listener_, .events = POLLIN, .revents = 0}};
  for (const auto& peer : peers_) {
    const bool writes = !peer->out.empty() || peer->streams;
    polled.push_back({.fd = peer->fd,
                      .events = static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN),
                      .revents = 0});
  }
  if (::poll(polled.data(), polled.size(), kMoment) <= 0) return std::nullopt;
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    Peer& peer = *peers_[i];
    if ((polled[i + 1].revents & ~POLLOUT) != 0) {
      if (auto problem = read(peer)) return problem;
    }
    if (!peer.closed) write(peer);
  }
  std::erase_if(peers_, [](const auto& peer) { return peer->closed; });
  if (polled.front().revents != 0) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const int on = 1;
    if (fd >= 0) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (fd >= 0) peers_.push_back(std::make_unique<Peer>(fd));
  }
  return std::nullopt;
}

std::optional<std::string> Replay::read(Peer& peer) {
  static std::array<char, kReadBytes> buffer;
  const ssize_t count = ::recv(peer.fd, buffer.data(), buffer.size(), 0);
  if (count < 0 && errno == EAGAIN) return std::nullopt;
  if (count > 0) return take(peer, {buffer.data(), static_cast<std::size_t>(count)});
  peer.closed = true;
  if (peer.streams) return "the client gave up its subscription";
  return std::nullopt;
}

std::optional<std::string> Replay::take(Peer& peer, std::string_view bytes) {
  while (!bytes.empty()) {
    if (!peer.body) {
      // Most heads are the one before, again.
      if (!peer.known.empty() && peer.head.empty() && bytes.starts_with(peer.known)) {
        bytes.remove_prefix(peer.known.size());
      } else {
        if (peer.head.take(bytes) != HeadReader::State::Complete) break;
        const auto head = mesos::transport::parseRequestHead(peer.head.text());
        if (!head) return "the client does not speak HTTP";
        peer.known = peer.head.text();
        peer.framing = head->body;
        peer.head.reset();
      }
      peer.body.emplace(peer.framing);
    }
    for (auto piece = peer.body->take(bytes); !piece.empty(); piece = peer.body->take(bytes)) {
      peer.call += piece;
    }
    if (!peer.body->done()) continue;
    peer.body.reset();
    if (auto problem = onRequest(peer)) return problem;
    peer.call.clear();
  }
  return std::nullopt;
}

std::optional<std::string> Replay::onRequest(Peer& peer) {
  static Call call;
  if (!call.ParseFromString(peer.call)) return "the client sends what is no call";
  if (call.type() == Call::SUBSCRIBE) {
    peer.out.append(kStreamHead).append(chunk(subscribedEvent()));
    peer.streams = true;
    return std::nullopt;
  }
  if (call.type() != Call::ACKNOWLEDGE) return "the client calls what it need not";
  const std::size_t number = numberOf(call.acknowledge().uuid(), stream_.updates);
  if (number >= stream_.updates) return "the client acknowledges what was never sent";
  if (seen_[number]) return "the client acknowledges twice";
  seen_[number] = true;
  ++acknowledged_;
  peer.out += kAccepted;
  return std::nullopt;
}

std::string_view Replay::nextOfStream() {
  const std::size_t all = stream_.parts.size() * stream_.times;
  if (part_ > all) return {};
  const std::size_t part = part_++;
  return part == all ? std::string_view(stream_.last) : stream_.parts[part % stream_.parts.size()];
}

// As much as the socket takes, and as is one peer's turn.
void Replay::write(Peer& peer) {
  for (std::size_t written = 0; written < kTurnBytes;) {
    const bool isOut = !peer.out.empty();
    if (!isOut && peer.streams && peer.rest.empty()) {
      peer.rest = nextOfStream();
      peer.streams = !peer.rest.empty();
    }
    const std::string_view bytes = isOut ? std::string_view(peer.out) : peer.rest;
    if (bytes.empty()) return;
    const std::size_t size = std::min(bytes.size(), kTurnBytes);
    const ssize_t count = ::send(peer.fd, bytes.data(), size, MSG_NOSIGNAL);
    if (count < 0) return;  // There is no room, or reading will tell.
    written += static_cast<std::size_t>(count);
    if (isOut) {
      peer.out.erase(0, static_cast<std::size_t>(count));
    } else {
      peer.rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }
}

}  // namespace bench
