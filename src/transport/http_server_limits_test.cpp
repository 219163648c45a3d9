// What malformed, slow, idle and many clients meet.
#include "transport/http_server_fixture.hpp"

#include <sys/resource.h>

#include <map>
#include <thread>

namespace mesos::transport {
namespace {

TEST_F(HttpServerTest, ClosesMalformedRequestsWithoutAWord) {
  listen();
  for (const std::string& bytes :
       {std::string("GARBAGE\r\n\r\n"), std::string("get / HTTP/1.1\r\n\r\n"),
        std::string("GET version HTTP/1.1\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        "GET / HTTP/1.1\r\nA: " + std::string(100 * 1024, 'a') + "\r\n\r\n"}) {
    RawSocket client = connect();
    client.write(bytes);
    EXPECT_EQ(client.readAll(), "") << bytes.substr(0, 40);
  }
  EXPECT_EQ(requests_, 0);
}

TEST_F(HttpServerTest, AnswersTheRequestsBeforeAMalformedOne) {
  listen();
  RawSocket client = connect();
  client.write("GET /x HTTP/1.1\r\n\r\nGARBAGE\r\n\r\nGET /y HTTP/1.1\r\n\r\n");
  EXPECT_EQ(bodyOf(client.readAll()), "GET /x ");
  EXPECT_EQ(requests_, 1);
}

TEST_F(HttpServerTest, SaysWhatIsWrongWhenTold) {
  listen({.headerBytesMax = 1000, .bodyBytesMax = 100, .answerMalformed = true});
  const std::map<std::string, std::string> cases = {
      {"GARBAGE\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nA: " + std::string(2000, 'a') + "\r\n\r\n", "431"},
      {"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'a'),
       "413"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"}};
  for (const auto& [bytes, status] : cases) {
    RawSocket client = connect();
    client.write(bytes);
    const std::string response = client.readAll();
    EXPECT_EQ(response.substr(9, 3), status) << bytes.substr(0, 60);
    EXPECT_NE(response.find("Connection: close\r\n"), response.npos);
  }
}

TEST_F(HttpServerTest, CutsAClientThatTakesTooLongForARequest) {
  listen({.requestTimeout = milliseconds(50), .answerMalformed = true});
  RawSocket client = connect();
  client.write("GET / HTTP/1.1\r\nA: b");
  EXPECT_EQ(client.readAll().substr(9, 3), "408");
}

TEST_F(HttpServerTest, IsNotFooledByAClientThatDripsBytes) {
  listen({.requestTimeout = milliseconds(100)});
  RawSocket client = connect();
  client.write("GET / HTTP/1.1\r\nA: ");
  const auto start = currentTime().steady;
  std::atomic<bool> ended = false;
  std::thread drip([&] {
    while (!ended && client.write("x")) {
      std::this_thread::sleep_for(milliseconds(5));
    }
  });
  EXPECT_TRUE(client.isEnded());
  EXPECT_LT(currentTime().steady - start, milliseconds(1500));
  ended = true;
  drip.join();
}

TEST_F(HttpServerTest, CutsAClientThatDoesNotTakeItsAnswer) {
  listen({.requestTimeout = milliseconds(100)});
  RawSocket client = connect();
  client.write("GET /big/30000000 HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return requests_ == 1 && connections() == 0; }));
}

TEST_F(HttpServerTest, ClosesIdleConnections) {
  listen({.idleTimeout = milliseconds(50)});
  RawSocket silent = connect();
  RawSocket served = connect();
  served.write("GET /x HTTP/1.1\r\n\r\n");
  EXPECT_EQ(bodyOf(served.readResponse()), "GET /x ");
  RawSocket waiting = connect();
  waiting.write("GET /hold HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(silent.isEnded());
  EXPECT_TRUE(served.isEnded());
  EXPECT_EQ(connections(), 1u);  // The one that waits for us.
}

TEST_F(HttpServerTest, TakesNoMoreConnectionsThanItsLimit) {
  listen({.connectionsMax = 2});
  RawSocket asking = connect();
  asking.write("GET /x HT");
  RawSocket waiting = connect();
  waiting.write("GET /hold HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return connections() == 2 && requests_ == 1; }));
  RawSocket third = connect();
  EXPECT_TRUE(third.isEnded());
  asking.write("TP/1.1\r\n\r\n");
  EXPECT_EQ(bodyOf(asking.readResponse()), "GET /x ");
}

TEST_F(HttpServerTest, LetsIdleConnectionsGiveWayToNewOnes) {
  listen({.connectionsMax = 100});
  RawSocket streaming = connect();
  streaming.write("GET /stream HTTP/1.1\r\n\r\n");
  EXPECT_NE(streaming.readUntil("\r\n\r\n"), "");
  std::vector<RawSocket> idle;
  for (int i = 0; i < 3000; ++i) {
    RawSocket socket = connect();
    if (idle.size() < 200) idle.push_back(std::move(socket));
  }
  RawSocket client = connect();
  client.write("GET /x HTTP/1.1\r\n\r\n");
  EXPECT_EQ(bodyOf(client.readResponse()), "GET /x ");
  EXPECT_LE(connections(), 100u);
  onLoop([&] { held_.front()->write("still there"); });
  EXPECT_NE(streaming.readUntil("still there"), "");
}

TEST_F(HttpServerTest, LetsIdleConnectionsGiveTheirDescriptorsToAllThatComeAtOnce) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 100;  // Of which a server takes 75.
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  listen();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<RawSocket> idle;
  for (int i = 0; i < 75; ++i) idle.push_back(connect());
  ASSERT_TRUE(eventually([&] { return connections() == 75; }));
  std::vector<RawSocket> clients;
  onLoop([&] {  // Which is kept from accepting them one by one.
    for (int i = 0; i < 20; ++i) {
      clients.push_back(connect());
      clients.back().write("GET /x HTTP/1.1\r\n\r\n");
    }
  });
  for (RawSocket& client : clients) EXPECT_EQ(bodyOf(client.readResponse()), "GET /x ");
}

}  // namespace
}  // namespace mesos::transport
