// RecordIO: whatever the bytes and the pieces they come in, the records are the same, within the
// limit, and come out again as they went in.
#include "fuzz.hpp"
#include "protocol/record_io.hpp"

#include <string>
#include <vector>

namespace {

using mesos::fuzz::require;
using mesos::protocol::RecordDecoder;

constexpr std::size_t kRecordBytesMax = 4000;

struct Decoded {
  std::vector<std::string> records;
  bool failed = false;
  bool midRecord = false;

  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view bytes, std::uint8_t pieces) {
  RecordDecoder decoder(kRecordBytesMax);
  Decoded decoded;
  mesos::fuzz::inPieces(bytes, pieces, [&](std::string_view piece) {
    decoder.feed(piece);
    while (auto record = decoder.next()) decoded.records.push_back(*std::move(record));
  });
  decoded.failed = decoder.failure().has_value();
  decoded.midRecord = decoder.midRecord();
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes = mesos::fuzz::textOf(data, size);
  const std::uint8_t pieces = mesos::fuzz::takeByte(bytes);
  const Decoded whole = decode(bytes, 0);
  require(whole == decode(bytes, pieces), "the records depend on the pieces");
  std::string again;
  for (const std::string& record : whole.records) {
    require(record.size() <= kRecordBytesMax, "a record is longer than the limit");
    mesos::protocol::appendRecord(again, record);
  }
  const Decoded second = decode(again, pieces);
  require(second.records == whole.records && !second.failed && !second.midRecord,
          "what was encoded is not decoded");
  return 0;
}
