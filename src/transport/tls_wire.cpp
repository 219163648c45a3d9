#include "transport/tls_wire.hpp"

#include <algorithm>
#include <utility>

namespace mesos::transport {
namespace {

// Encrypted ahead of the socket: enough to keep it busy, and little beside what waits unencrypted.
constexpr std::size_t kSealedBytesMax = 64 * 1024;
// What one record holds.
constexpr std::size_t kRecordBytes = 16 * 1024;
// An idle connection keeps no more than this for what it will receive.
constexpr std::size_t kKeptBytes = 32 * 1024;

}  // namespace

Result<std::string_view> TlsWire::receive(std::string_view bytes) {
  if (plain_.capacity() > kKeptBytes) plain_ = {};
  plain_.clear();
  const auto received = session_->receive(bytes, plain_);
  if (!received) return received.error();
  return std::string_view(plain_);
}

Outbox& TlsWire::seal(Outbox& plain) {
  while (session_->established() && !plain.empty() && sealed_.bytes() < kSealedBytesMax) {
    plain.gather(1, pieces_);
    const std::string_view piece = pieces_.front().substr(0, kRecordBytes);
    session_->send(piece);
    plain.consume(piece.size());
    sealed_.push(session_->outgoing());
  }
  sealed_.push(session_->outgoing());
  return sealed_;
}

bool TlsWire::close() {
  if (std::exchange(closed_, true)) return false;
  session_->close();
  return true;
}

}  // namespace mesos::transport
