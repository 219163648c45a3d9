#include "protocol/event_stream.hpp"

namespace mesos::protocol {

void EventStream::open(ConnectionId id, TimePoint deadline) {
  phase_ = Phase::Connecting;
  id_ = id;
  deadline_ = deadline;
  decoder_ = RecordDecoder();
  refusal_.reset();
}

void EventStream::onRequested(TimePoint deadline) {
  phase_ = Phase::Requested;
  deadline_ = deadline;
}

std::optional<std::string> EventStream::onHead(const ResponseHead& head) {
  if (head.status != 200) {
    phase_ = Phase::Refused;
    refusal_.emplace(head);
    return std::nullopt;
  }
  const std::string* type = head.headers.find("Content-Type");
  if (!type || !equalsIgnoringCase(*type, kProtobuf)) {
    return "the stream is not protobuf but " + (type ? "'" + *type + "'" : "of no stated type");
  }
  phase_ = Phase::Streaming;
  deadline_.reset();
  return std::nullopt;
}

void EventStream::onBytes(std::string_view bytes) {
  if (phase_ == Phase::Refused) refusal_->append(bytes);
}

std::string EventStream::endReason() const {
  return decoder_.midRecord() ? "the stream ended inside an event" : "the stream was ended";
}

std::optional<ConnectionId> EventStream::close() {
  if (phase_ == Phase::Closed) return std::nullopt;
  phase_ = Phase::Closed;
  deadline_.reset();
  return id_;
}

}  // namespace mesos::protocol
