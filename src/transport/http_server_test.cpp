// Requests in, whole or streaming answers out, and the end of connections.
#include "transport/gzip.hpp"
#include "transport/http_server_fixture.hpp"

namespace mesos::transport {
namespace {

TEST_F(HttpServerTest, AnswersWithDateAndLength) {
  listen();
  RawSocket client = connect();
  client.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string response = client.readResponse();
  EXPECT_EQ(response.substr(0, 17), "HTTP/1.1 200 OK\r\n");
  EXPECT_NE(response.find("\r\nDate: "), response.npos);
  EXPECT_NE(response.find(" GMT\r\n"), response.npos);
  EXPECT_NE(response.find("\r\nContent-Length: 7\r\n"), response.npos);
  EXPECT_EQ(response.find("Connection"), response.npos);
  EXPECT_EQ(bodyOf(response), "GET /x ");
}

TEST_F(HttpServerTest, SaysThatAnAcceptedAnswerIsEmpty) {
  listen();
  RawSocket client = connect();
  client.write("POST /accept HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
  const std::string response = client.readResponse();
  EXPECT_EQ(response.substr(0, 23), "HTTP/1.1 202 Accepted\r\n");
  EXPECT_NE(response.find("\r\nContent-Length: 0\r\n"), response.npos);
}

TEST_F(HttpServerTest, ReadsARequestCutAtEveryByte) {
  listen();
  const std::string request =
      "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  RawSocket client = connect();
  for (std::size_t split = 1; split < request.size(); ++split) {
    client.write(request.substr(0, split));
    onLoop([] {});  // Lets the first part be read alone, most of the time.
    client.write(request.substr(split));
    ASSERT_EQ(bodyOf(client.readResponse()), "POST /x abcde") << split;
  }
}

TEST_F(HttpServerTest, ReadsARequestThatComesByteByByte) {
  listen();
  RawSocket client = connect();
  for (const char c : std::string("POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")) {
    client.write(std::string_view(&c, 1));
    onLoop([] {});
  }
  EXPECT_EQ(bodyOf(client.readResponse()), "POST /x hi");
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInTheirOrder) {
  listen();
  RawSocket client = connect();
  client.write(
      "GET /hold HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /hold HTTP/1.1\r\n\r\n"
      "GET /4 HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return requests_ == 4; }));
  onLoop([&] { held_[1]->respond({.status = 200, .headers = {}, .body = "three"}); });
  onLoop([&] { held_[0]->respond({.status = 200, .headers = {}, .body = "one"}); });
  EXPECT_EQ(bodyOf(client.readResponse()), "one");
  EXPECT_EQ(bodyOf(client.readResponse()), "GET /2 ");
  EXPECT_EQ(bodyOf(client.readResponse()), "three");
  EXPECT_EQ(bodyOf(client.readResponse()), "GET /4 ");
}

TEST_F(HttpServerTest, ReadsNoFurtherThan64UnansweredRequests) {
  listen();
  RawSocket client = connect();
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /hold HTTP/1.1\r\n\r\n";
  client.write(requests);
  ASSERT_TRUE(eventually([&] { return requests_ == 64; }));
  onLoop([&] { EXPECT_EQ(held_.size(), 64u); });
  onLoop([&] {
    const auto first = held_;
    for (const auto& exchange : first)
      exchange->respond({.status = 202, .headers = {}, .body = {}});
  });
  ASSERT_TRUE(eventually([&] { return requests_ == 100; }));
  onLoop([&] {
    for (const auto& exchange : held_)
      exchange->respond({.status = 202, .headers = {}, .body = {}});
  });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.readResponse().substr(9, 3), "202");
}

TEST_F(HttpServerTest, ClosesAfterTheAnswerWhenAsked) {
  listen();
  for (const char* request : {"GET /x HTTP/1.1\r\nConnection: close\r\n\r\nGET /y HTTP/1.1\r\n\r\n",
                              "GET /x HTTP/1.0\r\n\r\n"}) {
    RawSocket client = connect();
    client.write(request);
    EXPECT_EQ(bodyOf(client.readAll()), "GET /x ");
  }
  ASSERT_TRUE(eventually([&] { return connections() == 0; }));
  EXPECT_EQ(requests_, 2);
}

TEST_F(HttpServerTest, EndsAConnectionAtOnceAfterItsLastAnswer) {
  listen();
  RawSocket client = connect();
  client.write("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(bodyOf(client.readResponse()), "GET /x ");
  // Although the client keeps its end open: it has said that nothing more comes.
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(HttpServerTest, KeepsAnOldClientThatAsksForIt) {
  listen();
  RawSocket client = connect();
  for (int i = 0; i < 2; ++i) {
    client.write("GET /x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    const std::string response = client.readResponse();
    EXPECT_NE(response.find("Connection: keep-alive\r\n"), response.npos);
    EXPECT_EQ(bodyOf(response), "GET /x ");
  }
}

TEST_F(HttpServerTest, AnswersHeadWithTheFullLengthAndNoBody) {
  listen();
  RawSocket client = connect();
  client.write("HEAD /big/5000 HTTP/1.1\r\n\r\nGET /y HTTP/1.1\r\n\r\n");
  const std::string head = client.readUntil("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 5000\r\n"), head.npos);
  EXPECT_EQ(bodyOf(client.readResponse()), "GET /y ");
}

TEST_F(HttpServerTest, NeverSaysContinue) {
  listen();
  RawSocket client = connect();
  client.write("POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  onLoop([] {});
  client.write("hi");
  EXPECT_EQ(client.readResponse().substr(0, 15), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, SendsOneChunkForEachWrite) {
  listen();
  RawSocket client = connect();
  client.write("GET /stream HTTP/1.1\r\n\r\n");
  const std::string head = client.readUntil("\r\n\r\n");
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), head.npos);
  EXPECT_NE(head.find("X: y\r\n"), head.npos);
  EXPECT_EQ(head.find("Content-Length"), head.npos);
  onLoop([&] {
    held_[0]->write("hello");
    held_[0]->write("");
    held_[0]->write(std::string(26, 'z'));
    held_[0]->end();
    held_[0]->write("too late");
  });
  EXPECT_EQ(client.readUntil("0\r\n\r\n"),
            "5\r\nhello\r\n1a\r\n" + std::string(26, 'z') + "\r\n0\r\n\r\n");
  client.write("GET /x HTTP/1.1\r\n\r\n");  // The connection lives on (fact T4).
  EXPECT_EQ(bodyOf(client.readResponse()), "GET /x ");
  EXPECT_EQ(closed_, 0);
}

TEST_F(HttpServerTest, StreamsToAnOldClientUntilTheEndOfTheConnection) {
  listen();
  RawSocket client = connect();
  client.write("GET /stream HTTP/1.0\r\n\r\n");
  client.readUntil("\r\n\r\n");
  onLoop([&] {
    held_[0]->write("hello");
    held_[0]->end();
  });
  EXPECT_EQ(client.readAll(), "hello");
}

TEST_F(HttpServerTest, TellsWhenTheReaderOfAStreamIsGone) {
  listen();
  {
    RawSocket client = connect();
    client.write("GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n");
    client.readUntil("\r\n\r\n");
  }
  EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
  onLoop([&] { held_[0]->write("nobody reads this"); });
}

TEST_F(HttpServerTest, CutsAStreamWhoseReaderDoesNotRead) {
  listen({.streamBytesMax = 1 << 20});
  RawSocket client = connect();
  client.setReceiveBuffer(4096);
  client.write("GET /stream HTTP/1.1\r\n\r\n");
  client.readUntil("\r\n\r\n");
  for (int i = 0; i < 1000 && closed_ == 0; ++i) {
    onLoop([&] { held_[0]->write(std::string(64 * 1024, 's')); });
  }
  EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
}

TEST_F(HttpServerTest, AnswersAPeerThatHasEndedItsSide) {
  listen();
  RawSocket client = connect();
  client.write("GET /hold HTTP/1.1\r\n\r\n");
  client.endWriting();
  ASSERT_TRUE(eventually([&] { return requests_ == 1; }));
  onLoop([] {});
  onLoop([&] { held_[0]->respond({.status = 200, .headers = {}, .body = "late"}); });
  EXPECT_EQ(bodyOf(client.readAll()), "late");
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(HttpServerTest, HangsUpWithoutAnAnswer) {
  listen();
  RawSocket client = connect();
  client.write("GET /x HTTP/1.1\r\n\r\nGET /hang-up HTTP/1.1\r\n\r\nGET /y HTTP/1.1\r\n\r\n");
  EXPECT_EQ(bodyOf(client.readAll()), "GET /x ");
}

TEST_F(HttpServerTest, HangsUpLaterOnAPeerThatHasEndedItsSide) {
  listen();
  RawSocket client = connect();
  client.write("GET /hold HTTP/1.1\r\n\r\n");
  client.endWriting();
  ASSERT_TRUE(eventually([&] { return requests_ == 1; }));
  onLoop([] {});
  // Nothing is being read or written: the connection ends within this very call.
  onLoop([&] { held_[0]->hangUp(); });
  EXPECT_EQ(client.readAll(), "");
  EXPECT_EQ(connections(), 0u);
}

TEST_F(HttpServerTest, CutsConnectionsWithoutAFinalChunk) {
  listen();
  RawSocket client = connect();
  client.write("GET /stream HTTP/1.1\r\n\r\n");
  client.readUntil("\r\n\r\n");
  onLoop([&] { server_->cutConnections(); });
  EXPECT_EQ(client.readAll(), "");
  EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
  RawSocket again = connect();
  again.write("GET /x HTTP/1.1\r\n\r\n");
  EXPECT_EQ(bodyOf(again.readResponse()), "GET /x ");
}

TEST_F(HttpServerTest, DrainsWithTheCurrentAnswers) {
  listen();
  RawSocket idle = connect();
  RawSocket busy = connect();
  busy.write("GET /hold HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return requests_ == 1 && connections() == 2; }));
  onLoop([&] { server_->drain(); });
  EXPECT_TRUE(idle.isEnded());
  onLoop([&] { held_[0]->respond({.status = 200, .headers = {}, .body = "last"}); });
  const std::string response = busy.readAll();
  EXPECT_EQ(bodyOf(response), "last");
  EXPECT_NE(response.find("Connection: close\r\n"), response.npos);
}

TEST_F(HttpServerTest, CarriesBigBodiesBothWays) {
  listen();
  RawSocket client = connect();
  const std::size_t size = 10 << 20;
  std::thread writer([&] {
    client.write("POST /length HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                 std::string(size, 'a') + "GET /big/" + std::to_string(size) + " HTTP/1.1\r\n\r\n");
  });
  EXPECT_EQ(bodyOf(client.readResponse()), std::to_string(size));
  EXPECT_EQ(bodyOf(client.readResponse()), std::string(size, 'b'));
  writer.join();
}

TEST_F(HttpServerTest, InflatesGzipBodiesOnly) {
  listen({.bodyBytesMax = 100000, .gzip = gzipCodec()});
  RawSocket client = connect();
  const auto post = [&](const std::string& coding, const std::string& body) {
    client.write("POST /length HTTP/1.1\r\nContent-Encoding: " + coding +
                 "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.readResponse();
  };
  const std::string packed = gzipCodec()->deflate(std::string(5000, 'x'));
  EXPECT_EQ(bodyOf(post("gzip", packed)), "5000");
  EXPECT_EQ(bodyOf(post("GZIP", packed)), std::to_string(packed.size()));
  const std::string corrupt = post("gzip", "this is no gzip");
  EXPECT_EQ(corrupt.substr(9, 3), "500");
  EXPECT_EQ(bodyOf(corrupt), "failed to decode body");
  EXPECT_EQ(post("gzip", gzipCodec()->deflate(std::string(100001, 'x'))).substr(9, 3), "500");
  EXPECT_EQ(bodyOf(post("gzip", packed)), "5000");
}

TEST_F(HttpServerTest, CompressesLongAnswersForThoseWhoAcceptIt) {
  listen({.gzip = gzipCodec()});
  RawSocket client = connect();
  const auto get = [&](const std::string& target, const std::string& accepted) {
    client.write("GET " + target + " HTTP/1.1\r\nAccept-Encoding: " + accepted + "\r\n\r\n");
    return client.readResponse();
  };
  const std::string packed = get("/big/1024", "gzip");
  EXPECT_NE(packed.find("Content-Encoding: gzip\r\n"), packed.npos);
  EXPECT_EQ(gzipCodec()->inflate(bodyOf(packed), 2000), std::string(1024, 'b'));
  EXPECT_NE(get("/big/1024", "*").find("Content-Encoding: gzip\r\n"), packed.npos);
  EXPECT_EQ(bodyOf(get("/big/1023", "gzip")), std::string(1023, 'b'));
  EXPECT_EQ(bodyOf(get("/big/1024", "gzip;q=0")), std::string(1024, 'b'));
}

TEST_F(HttpServerTest, NeverCompressesStreams) {
  listen({.gzip = gzipCodec()});
  RawSocket client = connect();
  client.write("GET /stream HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(client.readUntil("\r\n\r\n").find("Content-Encoding"), std::string::npos);
  onLoop([&] {
    held_[0]->write(std::string(2000, 'p'));
    held_[0]->end();
  });
  EXPECT_NE(client.readUntil("0\r\n\r\n").find(std::string(2000, 'p')), std::string::npos);
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  listen();
  thread_.run([&] {
    const auto again =
        HttpServer::listen(thread_.loop(), {.port = server_->port(), .reuseAddress = false},
                           [](std::shared_ptr<HttpExchange>, Request) {});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().message,
              "cannot listen on 127.0.0.1:" + std::to_string(server_->port()) +
                  ": Address already in use");
    const auto named = HttpServer::listen(thread_.loop(), {.ip = "localhost"},
                                          [](std::shared_ptr<HttpExchange>, Request) {});
    ASSERT_FALSE(named);
    EXPECT_EQ(named.error().message, "cannot listen on localhost:0: this is not a numeric address");
  });
}

}  // namespace
}  // namespace mesos::transport
