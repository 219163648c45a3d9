// The connection that carries a subscription: one request, then records without end, or a refusal.
#pragma once

#include "base/time.hpp"
#include "protocol/answer.hpp"
#include "protocol/record_io.hpp"
#include "protocol/session_effects.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mesos::protocol {

/// Bookkeeping only: both sessions have one, and decide themselves what its news mean.
class EventStream {
 public:
  enum class Phase { Closed, Connecting, Requested, Streaming, Refused };

  Phase phase() const { return phase_; }
  bool owns(ConnectionId id) const { return phase_ != Phase::Closed && id == id_; }
  ConnectionId id() const { return id_; }

  void open(ConnectionId id, TimePoint deadline);
  void onRequested(TimePoint deadline);
  /// The head of the answer: 200 starts the stream, anything else is a refusal. A sentence if the
  /// answer is neither.
  std::optional<std::string> onHead(const ResponseHead& head);
  /// Only in Phase::Streaming: the next whole record, taken from the front of `bytes`, as by
  /// RecordDecoder::take().
  std::optional<std::string_view> next(std::string_view& bytes) { return decoder_.take(bytes); }
  /// Of the text of a refusal.
  void onBytes(std::string_view bytes);
  /// Why the records cannot be read on.
  const std::optional<std::string>& failure() const { return decoder_.failure(); }
  /// What the end of the body, now, means (facts T4, R6).
  std::string endReason() const;
  /// Only in Phase::Refused.
  const Answer& refusal() const { return *refusal_; }
  /// Forgets the connection; its id if there was one.
  std::optional<ConnectionId> close();

  /// When connecting, or waiting for the whole answer, has taken too long. None while streaming.
  std::optional<TimePoint> deadline() const { return deadline_; }

 private:
  Phase phase_ = Phase::Closed;
  ConnectionId id_ = 0;
  std::optional<TimePoint> deadline_;
  RecordDecoder decoder_;
  std::optional<Answer> refusal_;
};

}  // namespace mesos::protocol
