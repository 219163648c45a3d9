#include <utility>  // Asio 1.18 needs std::exchange and does not include it.

#include "transport/socket_address.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace mesos::transport {

using boost::asio::ip::tcp;

namespace {

tcp::endpoint endpointOf(const SocketAddress& address) {
  tcp::endpoint endpoint;
  const std::size_t size = std::min(address.size, endpoint.capacity());
  std::memcpy(endpoint.data(), &address.storage, size);
  return endpoint;
}

bool isTcp(const SocketAddress& address) {
  return address.storage.ss_family == AF_INET || address.storage.ss_family == AF_INET6;
}

}  // namespace

SocketAddress socketAddress(const void* data, std::size_t size) {
  SocketAddress address;
  address.size = std::min(size, sizeof address.storage);
  std::memcpy(&address.storage, data, address.size);
  return address;
}

Result<SocketAddress> tcpAddress(const std::string& ip, std::uint16_t port) {
  boost::system::error_code error;
  const auto numeric = boost::asio::ip::make_address(ip, error);
  if (error) return Error{"\"" + ip + "\" is not a numeric address"};
  const tcp::endpoint endpoint(numeric, port);
  return socketAddress(endpoint.data(), endpoint.size());
}

Result<SocketAddress> unixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error{"the path of a local socket has 1 to " +
                 std::to_string(sizeof address.sun_path - 1) + " bytes, \"" + path + "\" has " +
                 std::to_string(path.size())};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return socketAddress(&address, sizeof address);
}

std::string SocketAddress::toString() const {
  if (!isTcp(*this)) return "a local socket";
  const tcp::endpoint endpoint = endpointOf(*this);
  return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

std::uint16_t SocketAddress::port() const { return isTcp(*this) ? endpointOf(*this).port() : 0; }

}  // namespace mesos::transport
