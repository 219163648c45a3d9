#include "protocol/record_io.hpp"

#include "protocol/recorded.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace mesos::protocol {
namespace {

using Records = std::vector<std::string>;

void drain(RecordDecoder& decoder, Records* records) {
  while (auto record = decoder.next()) records->push_back(std::move(*record));
}

/// The records of `bytes`, fed in pieces of `pieceSize`.
Records decode(RecordDecoder& decoder, std::string_view bytes, std::size_t pieceSize) {
  Records records;
  while (!bytes.empty()) {
    const std::size_t size = std::min(pieceSize, bytes.size());
    decoder.feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
    drain(decoder, &records);
  }
  return records;
}

Records decodeWhole(std::string_view bytes) {
  RecordDecoder decoder;
  return decode(decoder, bytes, bytes.size());
}

TEST(RecordIo, TakesARecordAsAPartOfTheBytes) {
  const std::string all = encodeRecord("hello") + encodeRecord("") + encodeRecord("wor");
  std::string_view bytes = all;
  RecordDecoder decoder;
  const auto first = decoder.take(bytes);
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, "hello");
  EXPECT_EQ(first->data(), all.data() + 2);
  EXPECT_EQ(decoder.take(bytes), "");
  EXPECT_EQ(decoder.take(bytes), "wor");
  EXPECT_TRUE(bytes.empty());
  EXPECT_FALSE(decoder.take(bytes));
}

TEST(RecordIo, TakesARecordThatComesInPieces) {
  const std::string all = encodeRecord(std::string(1000, 'x')) + encodeRecord("y") + "0\n";
  RecordDecoder decoder;
  Records records;
  for (const char c : all) {
    std::string_view bytes(&c, 1);
    while (const auto record = decoder.take(bytes)) records.emplace_back(*record);
    EXPECT_TRUE(bytes.empty());
  }
  EXPECT_EQ(records, (Records{std::string(1000, 'x'), "y", ""}));
  std::string_view bytes = "1\nax";
  EXPECT_EQ(decoder.take(bytes), "a");
  EXPECT_FALSE(decoder.take(bytes));
  EXPECT_TRUE(decoder.failure());
}

TEST(RecordIo, EncodesTheLengthInBytesThenTheBytes) {
  EXPECT_EQ(encodeRecord("hello"), "5\nhello");
  EXPECT_EQ(encodeRecord(""), "0\n");
  EXPECT_EQ(encodeRecord("\xC3\xA4"), "2\n\xC3\xA4");
  std::string out = encodeRecord("a\nb");
  appendRecord(out, std::string(1000, 'x'));
  EXPECT_EQ(out, "3\na\nb1000\n" + std::string(1000, 'x'));
}

// Scenario 26.
TEST(RecordIo, DecodesTheSameRecordsSplitAtAnyTwoPoints) {
  const Records expected = {"hello", "", std::string(12, 'x'), "1\n2", std::string("\0\xFF", 2)};
  std::string bytes;
  for (const std::string& record : expected) appendRecord(bytes, record);
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      RecordDecoder decoder;
      Records records;
      decoder.feed(std::string_view(bytes).substr(0, first));
      drain(decoder, &records);
      decoder.feed(std::string_view(bytes).substr(first, second - first));
      decoder.feed(std::string_view(bytes).substr(second));
      drain(decoder, &records);
      ASSERT_EQ(records, expected) << first << " " << second;
      ASSERT_FALSE(decoder.failure());
      ASSERT_FALSE(decoder.midRecord());
    }
  }
}

TEST(RecordIo, KnowsWhetherTheStreamWouldEndInsideARecord) {
  const std::string_view bytes = "2\nab11\nhello world0\n1\nx";
  const std::vector<std::size_t> ends = {0, 4, 18, 20, 23};
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    RecordDecoder decoder;
    decoder.feed(bytes.substr(0, size));
    const bool atEnd = std::find(ends.begin(), ends.end(), size) != ends.end();
    EXPECT_EQ(decoder.midRecord(), !atEnd) << size;
  }
}

TEST(RecordIo, GivesAnEmptyRecordAtOnce) {
  RecordDecoder decoder;
  decoder.feed("0\n");
  EXPECT_EQ(decoder.next(), "");
  EXPECT_EQ(decoder.next(), std::nullopt);
}

TEST(RecordIo, LetsLeadingZerosPass) {
  EXPECT_EQ(decodeWhole("0003\nabc000\n"), (Records{"abc", ""}));
}

class BadLength : public testing::TestWithParam<std::string> {};

// Scenario 27.
TEST_P(BadLength, BreaksTheStreamForGoodHoweverItIsCut) {
  const std::string bytes = "2\nok" + GetParam() + "\nabc3\nabc";
  for (std::size_t pieceSize = 1; pieceSize <= bytes.size(); ++pieceSize) {
    RecordDecoder decoder;
    EXPECT_EQ(decode(decoder, bytes, pieceSize), Records{"ok"});
    ASSERT_TRUE(decoder.failure()) << pieceSize;
    EXPECT_FALSE(decoder.midRecord());
    decoder.feed("1\nx");
    EXPECT_EQ(decoder.next(), std::nullopt);
    EXPECT_TRUE(decoder.failure());
  }
}

INSTANTIATE_TEST_SUITE_P(RecordIo, BadLength,
                         testing::Values("", "-1", "+3", " 3", "3 ", "3\r", "\r", "\t3", "abc",
                                         "0x3", "3a", "1e1", "3.0", "{\"type\":\"HEARTBEAT\"}",
                                         "67108865",              // One above the limit.
                                         "18446744073709551615",  // 2^64 - 1
                                         "18446744073709551616",  // 2^64
                                         "18446744073709551619",  // 3, if it wrapped around.
                                         "99999999999999999999999999",
                                         std::string(40, '0') + "3",  // No end of zeros.
                                         std::string(1, '\0')));

TEST(RecordIo, SaysWhatIsWrongWithALength) {
  const auto failureOf = [](std::string_view bytes) {
    RecordDecoder decoder(1000);
    decoder.feed(bytes);
    return decoder.failure().value();
  };
  EXPECT_EQ(failureOf("-1\n"), "a record's length is no number: it has '-'");
  EXPECT_EQ(failureOf("5\r\n"), "a record's length is no number: it has byte 13");
  EXPECT_EQ(failureOf("\n"), "a record's length is no number: it has an empty line");
  EXPECT_EQ(failureOf("1001"), "a record is longer than the limit of 1000 bytes");
}

TEST(RecordIo, AcceptsARecordOfExactlyTheLimit) {
  for (const std::size_t limit : {1U, 9U, 10U, 255U, 1000U}) {
    RecordDecoder decoder(limit);
    decoder.feed(encodeRecord(std::string(limit, 'x')));
    EXPECT_EQ(decoder.next(), std::string(limit, 'x'));
    decoder.feed(std::to_string(limit + 1));
    decoder.feed("\n");
    EXPECT_TRUE(decoder.failure()) << limit;
  }
}

TEST(RecordIo, KeepsALargeRecordWholeAcrossOddPieces) {
  std::string large(300'000, ' ');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i % 251);
  const std::string bytes = encodeRecord(large) + encodeRecord("next");
  for (const std::size_t pieceSize : {std::size_t{1023}, std::size_t{4096}, bytes.size()}) {
    RecordDecoder decoder;
    EXPECT_EQ(decode(decoder, bytes, pieceSize), (Records{large, "next"})) << pieceSize;
  }
}

TEST(RecordIo, DecodesRecordedStreamsAlikeInPiecesOfAnySize) {
  const auto streams = recorded::streams();
  ASSERT_GE(streams.size(), 30U);
  for (const auto& stream : streams) {
    const std::string& body = stream.response.body;
    const Records whole = decodeWhole(body);
    EXPECT_FALSE(whole.empty()) << stream.name;
    std::string again;
    for (const std::string& record : whole) appendRecord(again, record);
    EXPECT_EQ(again, body) << stream.name;
    for (std::size_t pieceSize = 1; pieceSize <= 7; ++pieceSize) {
      RecordDecoder decoder;
      EXPECT_EQ(decode(decoder, body, pieceSize), whole) << stream.name << " " << pieceSize;
      EXPECT_FALSE(decoder.midRecord());
    }
  }
}

}  // namespace
}  // namespace mesos::protocol
