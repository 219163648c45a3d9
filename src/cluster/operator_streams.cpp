#include "cluster/operator_streams.hpp"

#include "cluster/operator_call.hpp"
#include "protocol/record_io.hpp"

namespace mesos::cluster {
namespace {

using v1::master::Event;

std::string recordOf(const Event& event, ContentType type) {
  return protocol::encodeRecord(encodeOperator(event, type));
}

}  // namespace

void OperatorStreams::add(Now now, RequestId id, ContentType type,
                          const v1::master::Response::GetState& state, const Emit& emit) {
  while (!streams_.empty() && streams_.size() >= max_) {
    emit(EndStream{streams_.begin()->first});
    streams_.erase(streams_.begin());
  }
  // No Mesos-Stream-Id: nothing is ever asked on behalf of this stream.
  emit(OpenStream{id, {200, {{"Content-Type", std::string(nameOf(type))}}}});
  Event subscribed;
  subscribed.set_type(Event::SUBSCRIBED);
  *subscribed.mutable_subscribed()->mutable_get_state() = state;
  subscribed.mutable_subscribed()->set_heartbeat_interval_seconds(toSeconds(heartbeatInterval_));
  emit(StreamBytes{id, recordOf(subscribed, type)});
  streams_.insert_or_assign(id, Stream{type, now.steady});
  onTimer(now, emit);
}

void OperatorStreams::send(const Event& event, const Emit& emit) const {
  // Each encoding is made once, and only if somebody reads it.
  std::map<ContentType, std::string> records;
  for (const auto& [id, stream] : streams_) {
    std::string& record = records[stream.type];
    if (record.empty()) record = recordOf(event, stream.type);
    emit(StreamBytes{id, record});
  }
}

void OperatorStreams::onTimer(Now now, const Emit& emit) {
  Event heartbeat;
  heartbeat.set_type(Event::HEARTBEAT);
  for (auto& [id, stream] : streams_) {
    if (stream.heartbeatAt > now.steady) continue;
    emit(StreamBytes{id, recordOf(heartbeat, stream.type)});
    while (stream.heartbeatAt <= now.steady) stream.heartbeatAt += heartbeatInterval_;
  }
}

std::optional<TimePoint> OperatorStreams::deadline() const {
  std::optional<TimePoint> earliest;
  for (const auto& [id, stream] : streams_) {
    if (!earliest || stream.heartbeatAt < *earliest) earliest = stream.heartbeatAt;
  }
  return earliest;
}

}  // namespace mesos::cluster
