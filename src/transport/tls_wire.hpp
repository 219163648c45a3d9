// A connection's TLS and its buffers: what both ends do with a TlsSession. No OpenSSL here.
#pragma once

#include "transport/outbox.hpp"
#include "transport/tls.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mesos::transport {

class TlsWire {
 public:
  explicit TlsWire(std::unique_ptr<TlsSession> session) : session_(std::move(session)) {}

  /// What these bytes of the socket mean, valid until the next call.
  Result<std::string_view> receive(std::string_view bytes);
  /// Encrypts from `plain` what there is room for; what comes back goes to the socket.
  Outbox& seal(Outbox& plain);
  bool established() const { return session_->established(); }
  bool peerClosed() const { return session_->peerClosed(); }
  /// Says once that nothing more will be said; whether this was the time. To be sealed.
  bool close();
  /// What seal() has encrypted and the socket has not taken.
  Outbox& sealed() { return sealed_; }
  std::size_t sealedBytes() const { return sealed_.bytes(); }

 private:
  std::unique_ptr<TlsSession> session_;
  std::string plain_;
  Outbox sealed_;
  std::vector<std::string_view> pieces_;
  bool closed_ = false;
};

}  // namespace mesos::transport
