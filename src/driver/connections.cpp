#include "driver/connections.hpp"

#include <utility>

namespace mesos::driver {

using protocol::Close;
using protocol::Connect;
using protocol::Send;
using transport::HttpConnection;

void Connections::perform(const Connect& connect) {
  const Id id = connect.id;
  connections_[id].address = connect.address;
  if (!options_.resolve) return onResolved(id, connect.address.host);
  options_.resolve(loop_, connect.address.host,
                   [this, id](const Result<std::string>& numeric) { onResolved(id, numeric); });
}

void Connections::onResolved(Id id, const Result<std::string>& numeric) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;  // Closed meanwhile.
  if (!numeric) return onClosed(id, numeric.error().message);
  HttpConnection::Handlers handlers{
      .onConnected = [this, id] { events_.onConnected(id); },
      .onResponse = [this, id](const auto& head) { events_.onResponse(id, head); },
      .onBytes = [this, id](std::string_view bytes) { events_.onBytes(id, bytes); },
      .onBodyEnd = [this, id] { events_.onBodyEnd(id); },
      .onReadEnd = events_.onReadEnd,
      .onClosed = [this, id](const std::string& reason) { onClosed(id, reason); }};
  Connection& connection = found->second;
  connection.http = std::make_unique<HttpConnection>(loop_, std::move(handlers));
  // The name, not what it resolved to: the peer may go by it.
  transport::Dial dial{.unixPath = options_.unixPath, .host = connection.address};
  if (connection.address.tls) {
    if (!options_.tls) return onClosed(id, "it wants TLS, which is not set up");
    dial.tls = options_.tls;
    dial.tlsHost = connection.address.host;
  }
  connection.http->connect({*numeric, connection.address.port}, std::move(dial));
}

void Connections::onClosed(Id id, const std::string& reason) {
  const std::string why = reason;  // It may belong to what is erased.
  if (connections_.erase(id) > 0) events_.onClosed(id, why);
}

void Connections::perform(Send&& send) {
  const auto found = connections_.find(send.id);
  if (found == connections_.end() || !found->second.http) return;
  found->second.http->send(std::move(send.request));
}

void Connections::perform(const Close& close) { connections_.erase(close.id); }

void Connections::pauseReading(Id id, bool paused) {
  const auto found = connections_.find(id);
  if (found != connections_.end() && found->second.http) found->second.http->pauseReading(paused);
}

std::string describe(const Connect& connect) {
  return "connect " + std::to_string(connect.id) + " to " + connect.address.toString() +
         (connect.address.tls ? " by TLS" : "");
}

std::string describe(const Send& send) {
  return "send on " + std::to_string(send.id) + ": " + send.request.method + " " +
         send.request.target + ", " + std::to_string(send.request.body.size()) + " bytes";
}

std::string describe(const Close& close) { return "close " + std::to_string(close.id); }

}  // namespace mesos::driver
