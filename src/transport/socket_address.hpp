// Addresses of stream sockets, TCP or local, as the system knows them.
#pragma once

#include <mesos/result.hpp>

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace mesos::transport {

struct SocketAddress {
  sockaddr_storage storage{};
  std::size_t size = 0;

  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage); }
  /// "127.0.0.1:5050"; "a local socket" for one without a port.
  std::string toString() const;
  /// 0 of a local socket.
  std::uint16_t port() const;
};

/// The error says what is wrong with `ip`, or `path`.
Result<SocketAddress> tcpAddress(const std::string& ip, std::uint16_t port);
Result<SocketAddress> unixAddress(const std::string& path);
/// What the system told of a socket.
SocketAddress socketAddress(const void* data, std::size_t size);

}  // namespace mesos::transport
