#include "transport/tls.hpp"

#include "base/check.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <array>
#include <limits>
#include <utility>

namespace mesos::transport {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;  // One record.

using Context = std::shared_ptr<SSL_CTX>;

/// What OpenSSL says went wrong last; forgets it.
std::string lastError() {
  const unsigned long code = ::ERR_peek_last_error();
  ::ERR_clear_error();
  const char* const reason = ::ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown error";
}

bool isNumericAddress(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

class Session final : public TlsSession {
 public:
  /// Takes `ssl`.
  explicit Session(SSL* ssl)
      : ssl_(ssl), in_(::BIO_new(::BIO_s_mem())), out_(::BIO_new(::BIO_s_mem())) {
    MESOS_CHECK(in_ != nullptr && out_ != nullptr);
    ::SSL_set_bio(ssl_, in_, out_);  // Which frees them.
  }
  ~Session() override { ::SSL_free(ssl_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start() { (void)advance(); }
  Result<void> receive(std::string_view bytes, std::string& plain) override;
  void send(std::string_view plain) override;
  void close() override;
  std::string outgoing() override;
  bool established() const override { return established_; }
  bool peerClosed() const override { return peerClosed_; }

 private:
  Result<void> advance();
  Result<void> read(std::string& plain);
  std::string describeFailure();

  SSL* const ssl_;
  BIO* const in_;
  BIO* const out_;
  bool established_ = false;
  bool peerClosed_ = false;
};

// Why a certificate is refused is kept apart from the other errors.
std::string Session::describeFailure() {
  const long verified = ::SSL_get_verify_result(ssl_);
  if (verified != X509_V_OK && !established_) {
    ::ERR_clear_error();
    return std::string("the peer's certificate is refused: ") +
           ::X509_verify_cert_error_string(verified);
  }
  return "TLS fails: " + lastError();
}

Result<void> Session::advance() {
  ::ERR_clear_error();
  const int code = ::SSL_do_handshake(ssl_);
  if (code == 1) {
    established_ = true;
    return {};
  }
  if (::SSL_get_error(ssl_, code) == SSL_ERROR_WANT_READ) return {};
  return Error{describeFailure()};
}

Result<void> Session::receive(std::string_view bytes, std::string& plain) {
  MESOS_CHECK(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  const int size = static_cast<int>(bytes.size());
  MESOS_CHECK(size == 0 || ::BIO_write(in_, bytes.data(), size) == size);
  if (!established_) {
    auto advanced = advance();
    if (!advanced) return advanced;
  }
  return established_ ? read(plain) : Result<void>();
}

Result<void> Session::read(std::string& plain) {
  std::array<char, kReadBytes> buffer;
  for (;;) {
    ::ERR_clear_error();
    const int count = ::SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
    if (count > 0) {
      plain.append(buffer.data(), static_cast<std::size_t>(count));
      continue;
    }
    switch (::SSL_get_error(ssl_, count)) {
      case SSL_ERROR_WANT_READ:
        return {};
      case SSL_ERROR_ZERO_RETURN:
        peerClosed_ = true;
        return {};
      default:
        return Error{describeFailure()};
    }
  }
}

void Session::send(std::string_view plain) {
  if (plain.empty()) return;
  ::ERR_clear_error();
  // Into memory everything fits. It fails only after the session has failed, which receive() tells.
  (void)::SSL_write(ssl_, plain.data(), static_cast<int>(plain.size()));
}

void Session::close() {
  ::ERR_clear_error();
  if (established_) (void)::SSL_shutdown(ssl_);
}

std::string Session::outgoing() {
  std::string bytes(::BIO_ctrl_pending(out_), '\0');
  if (bytes.empty()) return bytes;
  const int size = static_cast<int>(bytes.size());
  MESOS_CHECK(::BIO_read(out_, bytes.data(), size) == size);
  return bytes;
}

class ServerContext final : public TlsContext {
 public:
  explicit ServerContext(Context context) : context_(std::move(context)) {}

  std::unique_ptr<TlsSession> open(const std::string&) const override {
    SSL* const ssl = ::SSL_new(context_.get());
    MESOS_CHECK(ssl != nullptr);
    ::SSL_set_accept_state(ssl);
    return std::make_unique<Session>(ssl);
  }

 private:
  Context context_;
};

class ClientContext final : public TlsContext {
 public:
  ClientContext(Context context, bool verifyHost)
      : context_(std::move(context)), verifyHost_(verifyHost) {}

  std::unique_ptr<TlsSession> open(const std::string& host) const override {
    SSL* const ssl = ::SSL_new(context_.get());
    MESOS_CHECK(ssl != nullptr);
    ::SSL_set_connect_state(ssl);
    const bool isName = !isNumericAddress(host);
    if (isName) ::SSL_set_tlsext_host_name(ssl, host.c_str());
    if (verifyHost_) {
      X509_VERIFY_PARAM* const wanted = ::SSL_get0_param(ssl);
      ::X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      // A host that cannot be checked must not pass unchecked.
      MESOS_CHECK((isName ? ::X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size())
                          : ::X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str())) == 1);
    }
    auto session = std::make_unique<Session>(ssl);
    session->start();
    return session;
  }

 private:
  Context context_;
  const bool verifyHost_;
};

// A key behind a password would make OpenSSL ask for it on the terminal.
int noPassword(char*, int, int, void*) { return 0; }

Context makeContext(const SSL_METHOD* method) {
  Context context(::SSL_CTX_new(method), ::SSL_CTX_free);
  MESOS_CHECK(context != nullptr);
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
  ::SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_default_passwd_cb(context.get(), noPassword);
  return context;
}

Result<void> useCertificate(SSL_CTX* context, const std::string& certificateFile,
                            const std::string& keyFile) {
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(context, certificateFile.c_str()) != 1) {
    return Error{"cannot use the certificate " + certificateFile + ": " + lastError()};
  }
  if (::SSL_CTX_use_PrivateKey_file(context, keyFile.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Error{"cannot use the key " + keyFile + ": " + lastError()};
  }
  if (::SSL_CTX_check_private_key(context) != 1) {
    return Error{"the key " + keyFile + " is not that of the certificate " + certificateFile};
  }
  return {};
}

Result<void> trust(SSL_CTX* context, const std::string& caFile) {
  ::ERR_clear_error();
  if (::SSL_CTX_load_verify_file(context, caFile.c_str()) != 1) {
    return Error{"cannot use the authorities in " + caFile + ": " + lastError()};
  }
  // So that a server's own certificate can be named as whom to trust.
  ::X509_VERIFY_PARAM_set_flags(::SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> tlsClient(const TlsClientOptions& options) {
  const Context context = makeContext(::TLS_client_method());
  if (!options.caFile.empty()) {
    if (auto trusted = trust(context.get(), options.caFile); !trusted) return trusted.error();
  }
  if (options.caFile.empty() || options.trustSystem) {
    ::SSL_CTX_set_default_verify_paths(context.get());
  }
  if (options.certificateFile.empty() != options.keyFile.empty()) {
    return Error{"a client's certificate and its key go together"};
  }
  if (!options.certificateFile.empty()) {
    auto used = useCertificate(context.get(), options.certificateFile, options.keyFile);
    if (!used) return used.error();
  }
  ::SSL_CTX_set_verify(context.get(), options.verifyPeer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       nullptr);
  return std::shared_ptr<const TlsContext>(
      std::make_shared<ClientContext>(context, options.verifyPeer && options.verifyHost));
}

Result<std::shared_ptr<const TlsContext>> tlsServer(const TlsServerOptions& options) {
  const Context context = makeContext(::TLS_server_method());
  auto used = useCertificate(context.get(), options.certificateFile, options.keyFile);
  if (!used) return used.error();
  if (!options.clientCaFile.empty()) {
    auto trusted = trust(context.get(), options.clientCaFile);
    if (!trusted) return trusted.error();
    ::SSL_CTX_set_client_CA_list(context.get(),
                                 ::SSL_load_client_CA_file(options.clientCaFile.c_str()));
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  ::SSL_CTX_set_num_tickets(context.get(), 0);
  return std::shared_ptr<const TlsContext>(std::make_shared<ServerContext>(context));
}

}  // namespace mesos::transport
