// In the place of tls.cpp, for programs that do without OpenSSL.
#include "transport/tls.hpp"

namespace mesos::transport {

Result<std::shared_ptr<const TlsContext>> tlsClient(const TlsClientOptions&) {
  return Error{"this program was built without TLS"};
}

Result<std::shared_ptr<const TlsContext>> tlsServer(const TlsServerOptions&) {
  return Error{"this program was built without TLS"};
}

}  // namespace mesos::transport
