// TLS by OpenSSL, without its sockets: bytes of the wire on one side, what they mean on the other.
// Reached through these interfaces, so that a program that links no_tls.cpp in the place of tls.cpp
// links no OpenSSL.
#pragma once

#include <mesos/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace mesos::transport {

/// One connection's TLS. Not thread-safe.
class TlsSession {
 public:
  virtual ~TlsSession() = default;

  /// Bytes that came from the peer; appends what they mean to `plain`. After an error the session
  /// is over; outgoing() may hold a last word to the peer.
  virtual Result<void> receive(std::string_view bytes, std::string& plain) = 0;
  /// Something to say, once established().
  virtual void send(std::string_view plain) = 0;
  /// Says that nothing more will be said.
  virtual void close() = 0;
  /// Bytes for the peer since the last call.
  virtual std::string outgoing() = 0;
  virtual bool established() const = 0;
  /// Whether the peer has said that it will say no more: without that its end may be an attack.
  virtual bool peerClosed() const = 0;
};

/// Certificates, keys and whom to trust, read once. May be shared between threads.
class TlsContext {
 public:
  virtual ~TlsContext() = default;
  /// `host`: the name, or numeric address, that the peer's certificate must be made out to. Of a
  /// server's context: ignored.
  virtual std::unique_ptr<TlsSession> open(const std::string& host) const = 0;
};

/// Paths of PEM files; empty: none.
struct TlsClientOptions {
  std::string caFile = {};           ///< Whom to trust; empty: whom the system trusts.
  bool trustSystem = false;          ///< The system's authorities beside those of caFile.
  std::string certificateFile = {};  ///< Of this client, with its chain, for servers that ask.
  std::string keyFile = {};
  bool verifyPeer = true;  ///< Whether the server's certificate must be good.
  bool verifyHost = true;  ///< Whether it must be made out to the host connected to.
};
struct TlsServerOptions {
  std::string certificateFile = {};  ///< With its chain.
  std::string keyFile = {};
  std::string clientCaFile = {};  ///< Whose certificates clients must have; empty: they need none.
};

/// TLS 1.2 and 1.3. The error is a sentence that names the file.
Result<std::shared_ptr<const TlsContext>> tlsClient(const TlsClientOptions& options);
Result<std::shared_ptr<const TlsContext>> tlsServer(const TlsServerOptions& options);

}  // namespace mesos::transport
