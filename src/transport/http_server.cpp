#include "transport/http_server.hpp"

#include "transport/http_wire.hpp"
#include "transport/listener.hpp"
#include "transport/server_connection.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mesos::transport {

using protocol::Response;

namespace {

// What any socket that has sent nothing yet takes: less than the least buffer there is.
constexpr std::size_t kSurelyTaken = 4096;
// How often deadlines are looked at, at most: each look goes through all connections.
constexpr Duration kLookInterval = std::chrono::milliseconds(5);
// How many idle connections give way at once when there is no room: looking for them takes time.
constexpr std::size_t kRoomMade = 32;

// A quarter of the descriptors is left to whatever else this process does, so that nobody can keep
// it from opening files or starting processes by connecting often enough.
std::size_t connectionsAllowed() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  return static_cast<std::size_t>(limit.rlim_cur) / 4 * 3;
}

}  // namespace

struct HttpServer::State final : ServerConnectionHost, std::enable_shared_from_this<State> {
  State(EventLoop& eventLoop, HttpServerOptions o, Handler h)
      : ServerConnectionHost(eventLoop, std::move(o), std::move(h)), clock(eventLoop) {}

  Result<void> listen();
  void welcome(int fd);
  bool answerOnly(int fd, std::string_view bytes);
  bool makeRoom();
  void drain();
  void closeAll(bool tell);
  void watch(TimePoint when) override;
  void forget(ServerConnection& connection) override { connections.erase(&connection); }
  void onClock();

  const std::size_t allowed = connectionsAllowed();
  std::unique_ptr<Listener> listener;
  int family = 0;
  std::uint16_t port = 0;
  Timer clock;
  std::optional<TimePoint> clockSet;
  std::unordered_map<ServerConnection*, std::shared_ptr<ServerConnection>> connections;
};

Result<void> HttpServer::State::listen() {
  // With its request, answerOnly() answers a client that wants no more: 0.9 -> 1.5 of nginx's
  // requests a CPU second, 64 connections at once.
  const bool clientSpeaksFirst = options.standingAnswer && !options.tls;
  auto listening = Listener::listen(
      loop,
      {.ip = options.ip,
       .port = options.port,
       .unixPath = options.unixPath,
       .reuseAddress = options.reuseAddress,
       .clientSpeaksFirst = clientSpeaksFirst},
      [weak = weak_from_this()](int fd) {
        const auto self = weak.lock();
        self ? self->welcome(fd) : static_cast<void>(::close(fd));
      },
      [weak = weak_from_this()] {
        const auto self = weak.lock();
        return self && self->makeRoom();
      });
  if (!listening) return listening.error();
  listener = std::move(listening.value());
  family = listener->family();
  port = listener->port();
  return {};
}

// Whether `bytes`, the first of a connection, were its only request, which is answered: no
// registration with the loop, nor anything else that a connection needs for more than an answer.
bool HttpServer::State::answerOnly(int fd, std::string_view bytes) {
  const auto request = readPlainRequest(bytes);
  if (!request || request->keepAlive || request->size != bytes.size()) return false;
  const Response* const response = options.standingAnswer(request->method, request->target);
  if (!response) return false;
  const std::string& answer = standing.answer(*response, false, currentTime().wall);
  if (answer.size() > kSurelyTaken) return false;
  (void)!::send(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::close(fd);
  return true;
}

void HttpServer::State::welcome(int fd) {
  std::array<char, ServerConnection::kFirstReadBytes> first;
  std::string_view bytes;
  if (options.standingAnswer && !options.tls && !draining) {
    // Whoever connects has mostly sent its request by now.
    const ssize_t count = ::recv(fd, first.data(), first.size(), MSG_DONTWAIT);
    if (count > 0) bytes = {first.data(), static_cast<std::size_t>(count)};
    if (!bytes.empty() && answerOnly(fd, bytes)) return;
  }
  const auto isFull = [&] {
    return connections.size() >= options.connectionsMax ||
           ServerConnection::openInProcess() >= allowed;
  };
  if (isFull() && (!makeRoom() || isFull())) {
    ::close(fd);
    return;
  }
  const auto connection = ServerConnection::open(shared_from_this(), fd, family);
  if (!connection) return;
  connections.emplace(connection.get(), connection);
  connection->start(bytes);
}

// The clock is set anew only when it must ring earlier than it will: most deadlines only move away,
// with every request. One clock for all: setting one for each connection costs more than the look.
void HttpServer::State::watch(TimePoint when) {
  if (clockSet && *clockSet <= when) return;
  clockSet = when;
  clock.set(when, [this] { onClock(); });
}

void HttpServer::State::onClock() {
  clockSet.reset();
  const Now now = currentTime();
  std::vector<std::shared_ptr<ServerConnection>> due;
  std::optional<TimePoint> next;
  for (const auto& [key, connection] : connections) {
    const auto when = connection->deadline();
    if (!when) continue;
    if (*when <= now.steady) {
      due.push_back(connection);
    } else {
      next = std::min(next.value_or(*when), *when);
    }
  }
  if (next) watch(std::max(*next, now.steady + kLookInterval));
  for (const auto& connection : due) connection->onDeadline(now);
}

/// Cuts those that have been idle for longest. Whoever wants only to fill the server up pushes out
/// his own kind, and clients that wait for their next request; what is under way stays.
bool HttpServer::State::makeRoom() {
  std::vector<std::shared_ptr<ServerConnection>> idle;
  for (const auto& [key, connection] : connections) {
    if (connection->isIdle()) idle.push_back(connection);
  }
  const auto count = static_cast<std::ptrdiff_t>(std::min(idle.size(), kRoomMade));
  std::partial_sort(
      idle.begin(), idle.begin() + count, idle.end(),
      [](const auto& a, const auto& b) { return a->lastActivity() < b->lastActivity(); });
  for (std::ptrdiff_t i = 0; i < count; ++i) idle[static_cast<std::size_t>(i)]->cut(true);
  return count > 0;
}

void HttpServer::State::drain() {
  draining = true;
  listener.reset();
  const auto current = connections;  // Connections leave the map as they end.
  for (const auto& [key, connection] : current) connection->drain();
}

void HttpServer::State::closeAll(bool tell) {
  const auto current = std::exchange(connections, {});
  for (const auto& [key, connection] : current) connection->cut(tell);
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(EventLoop& loop, HttpServerOptions options,
                                                       Handler handler) {
  auto state = std::make_shared<State>(loop, std::move(options), std::move(handler));
  if (const auto listening = state->listen(); !listening) return listening.error();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->listener.reset();
  state_->clock.cancel();
  // Whoever destroys the server does not want to hear of its connections any more.
  state_->closeAll(false);
}

std::uint16_t HttpServer::port() const { return state_->port; }

std::size_t HttpServer::connections() const { return state_->connections.size(); }

std::size_t HttpServer::unfinished() const {
  return static_cast<std::size_t>(
      std::count_if(state_->connections.begin(), state_->connections.end(),
                    [](const auto& entry) { return !entry.first->isLingering(); }));
}

void HttpServer::drain() { state_->drain(); }

void HttpServer::cutConnections() { state_->closeAll(true); }

}  // namespace mesos::transport
