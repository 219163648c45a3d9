#include "protocol/record_io.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mesos::protocol {
namespace {

// Leading zeros pass (fact R3), but a length that never ends must not keep us reading. 64 bits take
// twenty digits.
constexpr std::size_t kLengthDigitsMax = 32;
// Of memory for a record in pieces, for the next one.
constexpr std::size_t kKeptBytesMax = std::size_t{256} << 10;

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
  while (const auto record = take(bytes)) records_.emplace_back(*record);
}

std::optional<std::string> RecordDecoder::next() {
  if (records_.empty()) return std::nullopt;
  std::string record = std::move(records_.front());
  records_.pop_front();
  return record;
}

std::optional<std::string_view> RecordDecoder::take(std::string_view& bytes) {
  if (taken_) {
    if (record_.capacity() > kKeptBytesMax) record_ = {};
    record_.clear();
    taken_ = false;
  }
  while (!failure_) {
    const bool isEmpty = expected_ && *expected_ == 0;
    if (bytes.empty() && !isEmpty) break;
    if (!expected_) {
      takeLength(bytes);
    } else if (auto record = takePayload(bytes)) {
      return record;
    }
  }
  return std::nullopt;
}

void RecordDecoder::takeLength(std::string_view& bytes) {
  for (std::size_t i = 0; i < bytes.size() && !failure_; ++i) {
    const char c = bytes[i];
    if (c != '\n' || lengthDigits_ == 0) {
      addDigit(c);
      continue;
    }
    expected_ = length_;
    length_ = 0;
    lengthDigits_ = 0;
    return bytes.remove_prefix(i + 1);
  }
  bytes = {};
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

std::optional<std::string_view> RecordDecoder::takePayload(std::string_view& bytes) {
  const std::string_view piece = bytes.substr(0, *expected_ - record_.size());
  bytes.remove_prefix(piece.size());
  // The usual record comes whole and is not copied. Memory is taken for what has arrived, not for
  // what a length promises.
  if (piece.size() == *expected_) {
    expected_.reset();
    return piece;
  }
  record_ += piece;
  if (record_.size() < *expected_) return std::nullopt;
  expected_.reset();
  taken_ = true;
  return record_;
}

void RecordDecoder::fail(std::string why) {
  failure_ = std::move(why);
  record_ = {};
}

}  // namespace mesos::protocol
