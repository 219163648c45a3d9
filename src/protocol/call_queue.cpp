#include "protocol/call_queue.hpp"

#include "base/planted_bug.hpp"

namespace mesos::protocol {

void CallQueue::push(Call call) {
  const std::size_t bytes = call.body.size();
  waiting_.push_back({.call = std::move(call), .bytes = bytes});
  waitingBytes_ += bytes;
}

void CallQueue::open(TimePoint now, ConnectionId id) {
  phase_ = Phase::Connecting;
  id_ = id;
  answeredAny_ = false;
  deadline_ = now + limits_.connectTimeout;
}

void CallQueue::onConnected() {
  phase_ = Phase::Connected;
  deadline_.reset();
}

std::optional<std::string> CallQueue::next(TimePoint now) {
  if (phase_ != Phase::Connected || waiting_.empty()) return std::nullopt;
  Entry& first = waiting_.front();
  if (!flying_.empty() && flyingBytes_ + first.bytes > limits_.bytesInFlightMax) {
    return std::nullopt;
  }
  if (flying_.empty()) deadline_ = now + limits_.responseTimeout;
  waitingBytes_ -= first.bytes;
  flyingBytes_ += first.bytes;
  std::string body = first.call.repeatable ? first.call.body : std::move(first.call.body);
  if (!first.call.repeatable) first.call.body.clear();
  flying_.push_back(std::move(first));
  waiting_.pop_front();
  return body;
}

void CallQueue::onHead(const ResponseHead& head) {
  if (!flying_.empty() && !answer_) answer_.emplace(head);
}

void CallQueue::onBytes(std::string_view bytes) {
  if (answer_) answer_->append(bytes);
}

std::optional<CallQueue::Answered> CallQueue::onAnswerEnd(TimePoint now) {
  if (!answer_) return std::nullopt;
  Answered answered{std::move(flying_.front().call), std::move(*answer_)};
  answer_.reset();
  answeredAny_ = true;
  flyingBytes_ -= flying_.front().bytes;
  flying_.pop_front();
  deadline_.reset();
  if (!flying_.empty()) deadline_ = now + limits_.responseTimeout;
  return answered;
}

CallQueue::Loss CallQueue::onClosed() {
  Loss loss{.useless = !answeredAny_ && (phase_ == Phase::Connecting || !flying_.empty())};
  close();
  while (!flying_.empty()) {
    Entry entry = std::move(flying_.back());
    flying_.pop_back();
    if (MESOS_PLANTED(LoseCallsOfDeadConnection)) continue;
    if (entry.repeated) {
      loss.gaveUp = true;
      continue;
    }
    if (entry.call.repeatable) {
      entry.repeated = true;
    } else if (!entry.call.bodyInDoubt.empty()) {
      entry.call = {entry.call.typeInDoubt, true, std::move(entry.call.bodyInDoubt)};
      entry.bytes = entry.call.body.size();
    } else {
      continue;
    }
    waitingBytes_ += entry.bytes;
    waiting_.push_front(std::move(entry));
  }
  flyingBytes_ = 0;
  return loss;
}

std::vector<CallQueue::Call> CallQueue::clear() {
  std::vector<Call> waiting;
  for (Entry& entry : waiting_) waiting.push_back(std::move(entry.call));
  waiting_.clear();
  flying_.clear();
  waitingBytes_ = flyingBytes_ = 0;
  return waiting;
}

std::optional<ConnectionId> CallQueue::close() {
  answer_.reset();
  deadline_.reset();
  if (phase_ == Phase::Closed) return std::nullopt;
  phase_ = Phase::Closed;
  return id_;
}

}  // namespace mesos::protocol
