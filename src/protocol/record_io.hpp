// RecordIO: how Mesos frames the events of a stream (section 2). "5\nhello".
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace mesos::protocol {

/// The longest record accepted; a longer one is a protocol error (fact R4).
constexpr std::size_t kRecordBytesMax = std::size_t{64} << 20;

std::string encodeRecord(std::string_view payload);
/// Appends the encoded record to `out`.
void appendRecord(std::string& out, std::string_view payload);

/// Bytes in, whole records out, whatever the pieces (fact R5). Once failed it stays failed.
class RecordDecoder {
 public:
  explicit RecordDecoder(std::size_t recordBytesMax = kRecordBytesMax)
      : bytesMax_(recordBytesMax) {}

  void feed(std::string_view bytes);
  /// The next whole record; nullopt if there is none yet, or none any more after a failure. What
  /// was whole before the failure still comes, so that the outcome does not depend on the pieces.
  std::optional<std::string> next();
  /// Without feed(): takes from the front of `bytes`, no further than the end of the next record,
  /// which may be a part of `bytes` and is valid until the next call. nullopt: it is not whole, and
  /// nothing is left of `bytes`, or there is a failure.
  std::optional<std::string_view> take(std::string_view& bytes);
  /// Why the stream is broken: a length that is no number, or above the limit (fact R3). nullopt:
  /// it is not.
  const std::optional<std::string>& failure() const { return failure_; }
  /// Whether the stream, ending now, would end inside a record (fact R6).
  bool midRecord() const { return !failure_ && (expected_ || lengthDigits_ > 0); }

 private:
  void takeLength(std::string_view& bytes);
  std::optional<std::string_view> takePayload(std::string_view& bytes);
  void addDigit(char c);
  void fail(std::string why);

  std::size_t bytesMax_;
  std::size_t length_ = 0;               // Of the record to come, as far as its digits are here.
  std::size_t lengthDigits_ = 0;         // How many they are.
  std::optional<std::size_t> expected_;  // Length of the record being received.
  std::string record_;                   // What is here of it, if it comes in pieces.
  bool taken_ = false;                   // It is whole, and was shown.
  std::deque<std::string> records_;
  std::optional<std::string> failure_;
};

}  // namespace mesos::protocol
