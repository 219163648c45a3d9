#include "protocol/record_io.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mesos::protocol {
namespace {

// Leading zeros pass (fact R3), but a length that never ends must not keep us reading. 64 bits take
// twenty digits.
constexpr std::size_t kLengthDigitsMax = 32;

std::string nameOf(char c) {
  if (c == '\n') return "an empty line";
  if (c > ' ' && c < '\x7f') return std::string("'") + c + "'";
  return "byte " + std::to_string(static_cast<unsigned char>(c));
}

}  // namespace

void appendRecord(std::string& out, std::string_view payload) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), payload.size()).ptr;
  out.append(digits, end);
  out += '\n';
  out += payload;
}

std::string encodeRecord(std::string_view payload) {
  std::string record;
  record.reserve(payload.size() + 21);
  appendRecord(record, payload);
  return record;
}

void RecordDecoder::feed(std::string_view bytes) {
  while (!failure_ && !bytes.empty()) {
    if (expected_) {
      feedPayload(&bytes);
    } else {
      feedLength(&bytes);
    }
  }
}

std::optional<std::string> RecordDecoder::next() {
  if (records_.empty()) return std::nullopt;
  std::string record = std::move(records_.front());
  records_.pop_front();
  return record;
}

void RecordDecoder::feedLength(std::string_view* bytes) {
  for (std::size_t i = 0; i < bytes->size() && !failure_; ++i) {
    const char c = (*bytes)[i];
    if (c != '\n' || lengthDigits_ == 0) {
      addDigit(c);
      continue;
    }
    if (length_ == 0) {
      records_.emplace_back();
    } else {
      expected_ = length_;
    }
    length_ = 0;
    lengthDigits_ = 0;
    return bytes->remove_prefix(i + 1);
  }
  *bytes = {};
}

void RecordDecoder::addDigit(char c) {
  if (c < '0' || c > '9') return fail("a record's length is no number: it has " + nameOf(c));
  if (++lengthDigits_ > kLengthDigitsMax) return fail("a record's length has too many digits");
  const auto digit = static_cast<std::size_t>(c - '0');
  if (digit > bytesMax_ || length_ > (bytesMax_ - digit) / 10) {
    return fail("a record is longer than the limit of " + std::to_string(bytesMax_) + " bytes");
  }
  length_ = length_ * 10 + digit;
}

void RecordDecoder::feedPayload(std::string_view* bytes) {
  const std::string_view piece = bytes->substr(0, *expected_ - record_.size());
  bytes->remove_prefix(piece.size());
  // The usual record comes whole and is copied once. Memory is taken for what has arrived, not for
  // what a length promises.
  if (piece.size() == *expected_) {
    records_.emplace_back(piece);
    expected_.reset();
    return;
  }
  record_ += piece;
  if (record_.size() < *expected_) return;
  records_.push_back(std::exchange(record_, {}));
  expected_.reset();
}

void RecordDecoder::fail(std::string why) {
  failure_ = std::move(why);
  record_ = {};
}

}  // namespace mesos::protocol
