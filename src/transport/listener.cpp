#include <utility>  // Asio 1.18 needs std::exchange and does not include it.

#include "transport/listener.hpp"

#include "transport/socket_address.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace mesos::transport {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Of the loop's own executor: one of any kind costs virtual calls for every operation.
using Acceptor = asio::basic_socket_acceptor<stream_protocol, asio::io_context::executor_type>;

constexpr Duration kRetry = std::chrono::milliseconds(100);
constexpr int kAcceptedAtOnceMax = 64;

}  // namespace

struct Listener::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, std::function<void(int)> onConnected, std::function<bool()> onFull)
      : acceptor(loop.context()),
        retry(loop),
        connected(std::move(onConnected)),
        makeRoom(std::move(onFull)) {}

  Result<void> open(const ListenerOptions& options);
  void wait();
  void accept();
  void close();

  Acceptor acceptor;
  Timer retry;
  std::function<void(int)> connected;
  std::function<bool()> makeRoom;
  std::string unixPath;
  int family = AF_UNSPEC;
  std::uint16_t port = 0;
};

Result<void> Listener::State::open(const ListenerOptions& options) {
  unixPath = options.unixPath;
  const bool isLocal = !unixPath.empty();
  const std::string place = isLocal ? unixPath : options.ip + ":" + std::to_string(options.port);
  const auto failure = [&](const std::string& reason) {
    return Error{"cannot listen on " + place + ": " + reason};
  };
  const auto address = isLocal ? unixAddress(unixPath) : tcpAddress(options.ip, options.port);
  if (!address && isLocal) return failure(address.error().message);
  if (!address) return failure("this is not a numeric address");
  if (isLocal) ::unlink(unixPath.c_str());
  error_code error;
  const stream_protocol::endpoint endpoint(address->data(), address->size);
  family = endpoint.protocol().family();
  acceptor.open(endpoint.protocol(), error);
  if (error) return failure(error.message());
  // Programs that fork must not hand the port to their children.
  ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  acceptor.set_option(tcp::acceptor::reuse_address(options.reuseAddress), error);
  error_code ignored;
  acceptor.set_option(tcp::no_delay(true), ignored);  // Its connections inherit it.
  if (options.clientSpeaksFirst && !isLocal) {
    const int seconds = 1;
    ::setsockopt(acceptor.native_handle(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
  }
  acceptor.non_blocking(true, error);
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) return failure(error.message());
  const stream_protocol::endpoint bound = acceptor.local_endpoint(error);
  if (error) return failure(error.message());
  port = socketAddress(bound.data(), bound.size()).port();
  // Whoever is kept out is kept out by the directory.
  if (isLocal && ::chmod(unixPath.c_str(), 0666) != 0) return failure("cannot open it to others");
  wait();
  return {};
}

void Listener::State::wait() {
  if (!acceptor.is_open()) return;
  acceptor.async_wait(Acceptor::wait_read, [self = shared_from_this()](error_code error) {
    if (!error) self->accept();
  });
}

void Listener::State::accept() {
  for (int i = 0; i < kAcceptedAtOnceMax && acceptor.is_open(); ++i) {
    const int descriptor =
        ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      connected(descriptor);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != ECONNABORTED && errno != EINTR && !makeRoom()) {
      // Out of descriptors, most likely. The backlog waits.
      return retry.set(currentTime().steady + kRetry, [this] { wait(); });
    }
  }
  wait();
}

void Listener::State::close() {
  error_code ignored;
  acceptor.close(ignored);
  retry.cancel();
  if (!unixPath.empty()) ::unlink(unixPath.c_str());
}

Result<std::unique_ptr<Listener>> Listener::listen(EventLoop& loop, const ListenerOptions& options,
                                                   std::function<void(int)> connected,
                                                   std::function<bool()> makeRoom) {
  auto state = std::make_shared<State>(loop, std::move(connected), std::move(makeRoom));
  if (const auto opened = state->open(options); !opened) return opened.error();
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}

Listener::~Listener() { state_->close(); }

std::uint16_t Listener::port() const { return state_->port; }

int Listener::family() const { return state_->family; }

}  // namespace mesos::transport
