// The calls of one subscription, on a connection of their own.
#pragma once

#include "base/time.hpp"
#include "protocol/answer.hpp"
#include "protocol/session_effects.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mesos::protocol {

/// Calls leave in order and pipelined (fact T1), and are answered in order. When the connection
/// dies, those in flight may or may not have happened: what may happen twice is written once more,
/// the rest never (pitfall 25). Bookkeeping only: both sessions have one.
class CallQueue {
 public:
  struct Limits {
    Duration connectTimeout;
    Duration responseTimeout;
    /// Of calls written and unanswered; a single larger call goes alone.
    std::size_t bytesInFlightMax;
  };
  struct Call {
    int type = 0;  ///< The session's own, told again with the answer.
    bool repeatable = false;
    std::string body;
    /// Written, and repeatable, in place of a call that is not repeatable and whose fate is
    /// unknown.
    std::string bodyInDoubt = {};
    int typeInDoubt = 0;
  };
  struct Answered {
    Call call;  ///< Without its body unless repeatable.
    Answer answer;
  };

  explicit CallQueue(Limits limits) : limits_(limits) {}

  void push(Call call);
  /// There is something to write and nothing to write it to.
  bool wantsConnection() const { return phase_ == Phase::Closed && !waiting_.empty(); }
  void open(TimePoint now, ConnectionId id);
  bool owns(ConnectionId id) const { return phase_ != Phase::Closed && id == id_; }
  ConnectionId id() const { return id_; }

  void onConnected();
  /// The body to write next; nullopt: nothing now.
  std::optional<std::string> next(TimePoint now);
  void onHead(const ResponseHead& head);
  void onBytes(std::string_view bytes);
  /// The answer to the oldest call is complete, or as complete as it gets; nullopt: it never began.
  std::optional<Answered> onAnswerEnd(TimePoint now);
  struct Loss {
    /// The connection had answered nothing that it was asked, which calls for a pause.
    bool useless = false;
    /// Something repeatable was lost a second time, and is given up.
    bool gaveUp = false;
  };
  /// The connection died.
  Loss onClosed();
  /// Forgets all; the calls that were waiting to be written, in order. One that is not repeatable
  /// was never written before.
  std::vector<Call> clear();
  /// Forgets the connection; its id if there was one.
  std::optional<ConnectionId> close();

  bool empty() const { return waiting_.empty() && flying_.empty(); }
  bool allWritten() const { return waiting_.empty(); }
  /// Of calls waiting and in flight.
  std::size_t bytes() const { return waitingBytes_ + flyingBytes_; }
  std::optional<TimePoint> deadline() const { return deadline_; }

 private:
  enum class Phase { Closed, Connecting, Connected };
  struct Entry {
    Call call;
    std::size_t bytes = 0;
    bool repeated = false;
  };

  Limits limits_;
  Phase phase_ = Phase::Closed;
  ConnectionId id_ = 0;
  bool answeredAny_ = false;  // On this connection.
  std::deque<Entry> waiting_;
  std::deque<Entry> flying_;
  std::size_t waitingBytes_ = 0;
  std::size_t flyingBytes_ = 0;
  std::optional<Answer> answer_;  // To flying_.front(), being received.
  std::optional<TimePoint> deadline_;
};

}  // namespace mesos::protocol
