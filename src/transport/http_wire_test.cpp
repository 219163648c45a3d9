#include "transport/http_wire.hpp"

#include "transport/gzip.hpp"
#include "transport/outbox.hpp"

#include <gtest/gtest.h>

namespace mesos::transport {
namespace {

using Kind = BodyFraming::Kind;

std::string decode(BodyDecoder& decoder, std::string_view bytes) {
  std::string body;
  for (auto piece = decoder.take(bytes); !piece.empty(); piece = decoder.take(bytes)) body += piece;
  return body;
}

TEST(HeadReader, FindsTheBlankLineWhateverThePieces) {
  const std::string text = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    HeadReader reader(1024);
    const std::string whole = text + "rest";
    std::string_view first = std::string_view(whole).substr(0, split);
    std::string_view second = std::string_view(whole).substr(split);
    auto state = reader.take(first);
    EXPECT_TRUE(first.empty());
    if (state == HeadReader::State::Partial) state = reader.take(second);
    EXPECT_EQ(state, HeadReader::State::Complete);
    EXPECT_EQ(second, "rest");
    EXPECT_EQ(reader.text(), text.substr(4));
  }
}

TEST(HeadReader, RefusesMoreThanItsLimit) {
  HeadReader reader(16);
  std::string_view bytes = "GET /long HTTP/1.1\r\n";
  EXPECT_EQ(reader.take(bytes), HeadReader::State::TooLarge);
}

TEST(RequestHead, IsReadWithItsHeadersInOrder) {
  const auto head = parseRequestHead(
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Type:  text/plain \r\nAccept:\r\n"
      "Content-Length: 5\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->method, "POST");
  EXPECT_EQ(head->target, "/a?b=c");
  EXPECT_TRUE(head->keepAlive);
  EXPECT_EQ(*head->headers.find("content-type"), "text/plain ");  // Trailing blank kept: T20.
  EXPECT_EQ(*head->headers.find("Accept"), "");
  EXPECT_EQ(head->body.kind, Kind::Length);
  EXPECT_EQ(head->body.length, 5u);
}

TEST(RequestHead, KeepsTheConnectionAsItsVersionSays) {
  EXPECT_TRUE(parseRequestHead("GET / HTTP/1.1\r\n\r\n")->keepAlive);
  EXPECT_FALSE(parseRequestHead("GET / HTTP/1.1\r\nconnection: Close\r\n\r\n")->keepAlive);
  EXPECT_FALSE(parseRequestHead("GET / HTTP/1.1\r\nConnection: te, close\r\n\r\n")->keepAlive);
  EXPECT_FALSE(parseRequestHead("GET / HTTP/1.0\r\n\r\n")->keepAlive);
  EXPECT_TRUE(parseRequestHead("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")->keepAlive);
}

TEST(RequestHead, TakesTheTargetsThatMesosTakes) {
  for (const char* target : {"/", "*", "http://host/state", "https://host:1/", "/a?b#c"}) {
    EXPECT_TRUE(parseRequestHead(std::string("GET ") + target + " HTTP/1.1\r\n\r\n")) << target;
  }
}

TEST(RequestHead, RefusesWhatIsNoRequest) {
  for (const char* text :
       {"GARBAGE\r\n\r\n", "get / HTTP/1.1\r\n\r\n", "GET version HTTP/1.1\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n", "GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n",
        "GET / / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost\r\n\r\n",
        "GET / HTTP/1.1\r\nHo st: a\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nA: b\x01\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"}) {
    EXPECT_FALSE(parseRequestHead(text)) << text;
  }
}

TEST(PlainRequest, IsReadWhereItLiesWithWhatFollowsLeftAlone) {
  const auto request = readPlainRequest(
      "GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept:\ttext/html, */*\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->target, "/a?b=c");
  EXPECT_TRUE(request->keepAlive);
  EXPECT_EQ(request->size, 56u);
  for (const char* value : {"close", "Close", "keep-alive , close"}) {
    const auto last =
        readPlainRequest("GET / HTTP/1.1\r\nConnection: " + std::string(value) + "\r\n\r\n");
    ASSERT_TRUE(last) << value;
    EXPECT_FALSE(last->keepAlive) << value;
  }
}

TEST(PlainRequest, IsNothingThatNeedsALongerLook) {
  for (const char* text : {"",
                           "GET",
                           "GET / HTTP/1.1\r\n",
                           "GET / HTTP/1.1\r\nHost: x\r\n",
                           "GET / HTTP/1.0\r\n\r\n",
                           "GET / HTTP/1.1\n\n",
                           "\r\nGET / HTTP/1.1\r\n\r\n",
                           "GET http://x/ HTTP/1.1\r\n\r\n",
                           "get / HTTP/1.1\r\n\r\n",
                           "GET / / HTTP/1.1\r\n\r\n",
                           "GET /\x01 HTTP/1.1\r\n\r\n",
                           "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
                           "GET / HTTP/1.1\r\n a: b\r\n\r\n",
                           "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
                           "GET / HTTP/1.1\r\na b: c\r\n\r\n",
                           "GET / HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n",
                           "GET / HTTP/1.1\r\na: \x01\r\n\r\n",
                           "GET / HTTP/1.1\r\na\r\n\r\n",
                           "GET / HTTP/1.1\r\n: b\r\n\r\n",
                           "GET / HTTP/1.1\r\na: b\rc\r\n\r\n"}) {
    EXPECT_FALSE(readPlainRequest(text)) << text;
  }
}

TEST(ResponseHead, SaysHowItsBodyEnds) {
  const auto parse = [](const char* text, bool isHead = false) {
    return parseResponseHead(text, isHead).value();
  };
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\n\r\n").body.kind, Kind::UntilClose);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").body.length, 3u);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true).body.length, 0u);
  EXPECT_EQ(parse("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n").body.kind, Kind::Chunked);
  EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\n\r\n").body.kind, Kind::Length);
  EXPECT_EQ(parse("HTTP/1.0 307 Temporary Redirect\r\nLocation: //a:1/b \r\n\r\n").head.status,
            307);
}

TEST(ResponseHead, RefusesWhatIsNoResponse) {
  for (const char* text :
       {"\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: a\r\n\r\n"}) {
    EXPECT_FALSE(parseResponseHead(text, false)) << text;
  }
}

// Scenario 29.
TEST(BodyDecoder, TakesChunksApartAtEverySplit) {
  const std::string text = "5\r\nhello\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    BodyDecoder decoder({.kind = Kind::Chunked});
    std::string_view first = std::string_view(text).substr(0, split);
    std::string_view second = std::string_view(text).substr(split);
    std::string body = decode(decoder, first);
    body += decode(decoder, second);
    EXPECT_EQ(body, "hello0123456789");
    EXPECT_TRUE(decoder.done());
  }
}

TEST(BodyDecoder, LeavesTheNextMessageAlone) {
  BodyDecoder decoder({.kind = Kind::Length, .length = 3});
  std::string_view bytes = "abcGET";
  EXPECT_EQ(decoder.take(bytes), "abc");
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.take(bytes), "");
  EXPECT_EQ(bytes, "GET");
}

TEST(BodyDecoder, BreaksOnWhatIsNoChunk) {
  for (const std::string& text : {std::string("x\r\n"), std::string("\r\n"), std::string("-1\r\n"),
                                  std::string("11111111111111111\r\n"), std::string("1\r\nab\r\n"),
                                  std::string(5000, '1') + "\r\n"}) {
    BodyDecoder decoder({.kind = Kind::Chunked});
    decode(decoder, text);
    EXPECT_TRUE(decoder.broken()) << text.substr(0, 20);
  }
}

TEST(AcceptEncoding, AdmitsGzipByNameOrStarUnlessExcluded) {
  const auto accepts = [](const std::string& value) { return acceptsGzip(&value); };
  EXPECT_FALSE(acceptsGzip(nullptr));
  EXPECT_TRUE(accepts("gzip"));
  EXPECT_TRUE(accepts("deflate, GZIP;q=0.5"));
  EXPECT_TRUE(accepts("*"));
  EXPECT_FALSE(accepts(""));
  EXPECT_FALSE(accepts("deflate"));
  EXPECT_FALSE(accepts("gzip;q=0"));
  EXPECT_FALSE(accepts("gzip; q=0.0, *"));
  EXPECT_FALSE(accepts("*;q=0"));
}

TEST(HttpDate, IsRfc1123InGmt) {
  using namespace std::chrono;
  const sys_days day = year(2026) / November / 22;
  EXPECT_EQ(httpDate(day + 8h + 49min + 47s), "Sun, 22 Nov 2026 08:49:47 GMT");
  EXPECT_EQ(httpDate(sys_seconds(0s)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(RequestText, AddsHostAndLength) {
  EXPECT_EQ(
      requestHeadText({.method = "POST", .target = "/x", .headers = {{"A", "b"}}, .body = "hi"},
                      {"127.0.0.1", 5050}),
      "POST /x HTTP/1.1\r\nHost: 127.0.0.1:5050\r\nA: b\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(
      requestHeadText({.method = "GET", .target = "/", .headers = {}, .body = {}}, {"::1", 80}),
      "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
}

TEST(Headers, CannotBeBrokenOutOfByAValue) {
  std::string out;
  appendHeader(out, "Content-Disposition", "filename=a\r\nEvil: yes");
  EXPECT_EQ(out, "Content-Disposition: filename=aEvil: yes\r\n");
}

TEST(Outbox, GivesBackWhatItWasGivenWhateverTheKernelTakes) {
  for (std::size_t step = 1; step < 12; ++step) {
    Outbox outbox;
    std::string expected;
    std::string taken;
    std::vector<std::string_view> pieces;
    for (int i = 0; i < 20; ++i) {
      outbox.push("piece-" + std::to_string(i));
      expected += "piece-" + std::to_string(i);
      outbox.gather(2, pieces);
      outbox.push("/");  // While the write is under way.
      expected += "/";
      std::string shown;
      for (const std::string_view piece : pieces) shown += piece;
      const std::size_t count = std::min(step, shown.size());
      taken += shown.substr(0, count);
      outbox.consume(count);
    }
    while (!outbox.empty()) {
      outbox.gather(16, pieces);
      taken += pieces.front();
      outbox.consume(pieces.front().size());
    }
    EXPECT_EQ(taken, expected);
  }
}

TEST(Gzip, RoundTrips) {
  const GzipCodec& gzip = *gzipCodec();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{300000}}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * i >> 3);
    EXPECT_EQ(gzip.inflate(gzip.deflate(text), size), text);
  }
}

TEST(Gzip, RefusesGarbageCutsAndBombs) {
  const GzipCodec& gzip = *gzipCodec();
  const std::string good = gzip.deflate(std::string(100000, 'x'));
  EXPECT_FALSE(gzip.inflate("no gzip at all", 1000));
  EXPECT_FALSE(gzip.inflate("", 1000));
  EXPECT_FALSE(gzip.inflate(std::string_view(good).substr(0, good.size() - 1), 1000000));
  EXPECT_FALSE(gzip.inflate(good, 99999));
  EXPECT_TRUE(gzip.inflate(good, 100000));
}

}  // namespace
}  // namespace mesos::transport
