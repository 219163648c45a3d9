#include "transport/request_reader.hpp"

#include <gtest/gtest.h>

namespace mesos::transport {
namespace {

constexpr std::string_view kPost = "POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody";

int refusalOf(std::string_view bytes, std::size_t headerBytesMax = 100,
              std::size_t bodyBytesMax = 10) {
  RequestReader reader(headerBytesMax, bodyBytesMax);
  EXPECT_FALSE(reader.take(bytes));
  return reader.refusal();
}

TEST(RequestReader, ReadsARequestOfAnyPiecesAndNothingAfterIt) {
  const std::string whole = std::string(kPost) + "GET";
  for (std::size_t split = 0; split < kPost.size(); ++split) {
    RequestReader reader(100, 10);
    std::string_view first = std::string_view(whole).substr(0, split);
    std::string_view second = std::string_view(whole).substr(split);
    EXPECT_FALSE(reader.take(first));
    EXPECT_EQ(reader.empty(), split == 0);
    EXPECT_TRUE(first.empty());
    const auto request = reader.take(second);
    ASSERT_TRUE(request) << "cut at " << split;
    EXPECT_EQ(request->head.target, "/a");
    EXPECT_EQ(request->body, "body");
    EXPECT_EQ(second, "GET");
    EXPECT_EQ(reader.refusal(), 0);
  }
}

TEST(RequestReader, IsEmptyAfterBlankLines) {
  RequestReader reader(100, 10);
  std::string_view bytes = "\r\n\r\n";
  EXPECT_FALSE(reader.take(bytes));
  EXPECT_TRUE(bytes.empty());
  EXPECT_TRUE(reader.empty());
}

TEST(RequestReader, SaysWhatIsWrongOrTooMuch) {
  EXPECT_EQ(refusalOf("no request\r\n\r\n"), 400);
  EXPECT_EQ(refusalOf("GET / HTTP/1.1\r\nA: b\r\n", 10), 431);
  EXPECT_EQ(refusalOf("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n"), 413);
  EXPECT_EQ(refusalOf("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "6\r\nabcdef\r\n5\r\nghijk\r\n"),
            413);
  EXPECT_EQ(refusalOf("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"), 400);
}

}  // namespace
}  // namespace mesos::transport
