#include "transport/http_server.hpp"

#include "transport/gzip.hpp"
#include "transport/loopback_testing.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <atomic>
#include <map>
#include <thread>

namespace mesos::transport {
namespace {

using protocol::Request;
using protocol::Response;
using std::chrono::milliseconds;
using testing::eventually;
using testing::LoopThread;
using testing::RawSocket;

/// A server whose answers the test decides: the target says how.
class HttpServerTest : public ::testing::Test {
 protected:
  void listen(HttpServerOptions options = {}) {
    thread_.run([&] {
      auto server =
          HttpServer::listen(thread_.loop(), std::move(options),
                             [this](std::shared_ptr<HttpExchange> exchange, Request request) {
                               handle(std::move(exchange), std::move(request));
                             });
      server_ = std::move(server.value());
    });
  }

  void TearDown() override {
    thread_.run([&] {
      held_.clear();
      server_.reset();
    });
  }

  virtual void handle(std::shared_ptr<HttpExchange> exchange, Request request) {
    ++requests_;
    exchange->onClosed([this] { ++closed_; });
    if (request.target == "/hold") {
      held_.push_back(exchange);
    } else if (request.target == "/stream") {
      exchange->startStream({.status = 200, .headers = {{"X", "y"}}});
      held_.push_back(exchange);
    } else if (request.target == "/hang-up") {
      exchange->hangUp();
    } else if (request.target.starts_with("/big/")) {
      exchange->respond({.status = 200,
                         .headers = {},
                         .body = std::string(std::stoul(request.target.substr(5)), 'b')});
    } else if (request.target == "/length") {
      exchange->respond(
          {.status = 200, .headers = {}, .body = std::to_string(request.body.size())});
    } else if (request.target == "/accept") {
      exchange->respond({.status = 202, .headers = {}, .body = {}});
    } else {
      exchange->respond({.status = 200,
                         .headers = {{"Content-Type", "text/plain"}},
                         .body = request.method + " " + request.target + " " + request.body});
    }
  }

  RawSocket connect() { return RawSocket::connectTo(server_->port()); }
  std::size_t connections() {
    std::size_t count = 0;
    thread_.run([&] { count = server_->connections(); });
    return count;
  }
  void onLoop(const std::function<void()>& task) { thread_.run(task); }

  LoopThread thread_;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::shared_ptr<HttpExchange>> held_;
  std::atomic<int> requests_ = 0;
  std::atomic<int> closed_ = 0;
};

std::string bodyOf(const std::string& response) {
  const std::size_t at = response.find("\r\n\r\n");
  return at == response.npos ? "no head" : response.substr(at + 4);
}

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

/// Answers `GET /standing` without asking the handler, which would answer the same.
class StandingAnswerTest : public HttpServerTest {
 protected:
  void listenStanding(HttpServerOptions options = {}) {
    options.standingAnswer = [this](std::string_view method, std::string_view target) {
      return method == "GET" && target == "/standing" ? &standing_ : nullptr;
    };
    listen(std::move(options));
  }
  void handle(std::shared_ptr<HttpExchange> exchange, Request request) override {
    if (request.target != "/standing") {
      return HttpServerTest::handle(std::move(exchange), std::move(request));
    }
    ++requests_;
    exchange->respond(standing_);
  }
  // The line that may differ between two answers.
  static std::string withoutDate(std::string response) {
    const std::size_t at = response.find("Date: ");
    return at == response.npos ? "no date" : response.erase(at, response.find('\n', at) + 1 - at);
  }

  Response standing_{
      .status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = "standing"};
};

TEST_F(StandingAnswerTest, IsWhatTheHandlerWouldAnswer) {
  listenStanding();
  for (const std::string extra : {"", "Connection: close\r\n"}) {
    RawSocket client = connect();
    client.write("GET /standing HTTP/1.1\r\nHost: a\r\n" + extra + "\r\n");
    const std::string standing = client.readResponse();
    EXPECT_EQ(requests_, 0);
    RawSocket other = connect();
    other.write("GET /standing HTTP/1.1\r\nContent-Length: 0\r\n" + extra + "\r\n");
    EXPECT_EQ(withoutDate(standing), withoutDate(other.readResponse()));
    EXPECT_EQ(requests_.exchange(0), 1);
    if (!extra.empty()) {
      EXPECT_TRUE(client.isEnded());
    }
  }
}

TEST_F(StandingAnswerTest, KeepsItsTurnAmongOthers) {
  listenStanding();
  RawSocket client = connect();
  client.write(
      "GET /hold HTTP/1.1\r\n\r\nGET /standing HTTP/1.1\r\n\r\nPOST /x HTTP/1.1\r\n"
      "Content-Length: 1\r\n\r\n1GET /standing HTTP/1.1\r\n\r\nGET /standing HTTP/1.1\r\n"
      "Connection: close\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return requests_ == 5; })) << "behind /hold the handler answers";
  onLoop([&] { held_.at(0)->respond({.status = 200, .headers = {}, .body = "held"}); });
  for (const char* body : {"held", "standing", "POST /x 1", "standing"}) {
    EXPECT_EQ(bodyOf(client.readResponse()), body);
  }
  EXPECT_EQ(bodyOf(client.readAll()), "standing");
}

TEST_F(StandingAnswerTest, ComesWholeToAClientThatReadsLate) {
  standing_.body = std::string(16 * 1024, 's');
  listenStanding();
  RawSocket client = connect();
  constexpr int kRequests = 1000;  // Whose answers no kernel holds.
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += "GET /standing HTTP/1.1\r\n\r\n";
  client.write(requests);
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(bodyOf(client.readResponse()), standing_.body);
  EXPECT_GT(requests_, 0) << "behind an answer that was not taken whole the handler answers";
}

TEST_F(StandingAnswerTest, IsReadFromAnyPieces) {
  listenStanding();
  const std::string request = "GET /standing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  for (std::size_t cut = 1; cut < request.size(); cut += 7) {
    RawSocket client = connect();
    client.write(request.substr(0, cut));
    std::this_thread::sleep_for(milliseconds(2));
    client.write(request.substr(cut));
    EXPECT_EQ(bodyOf(client.readAll()), "standing");
  }
}

TEST_F(StandingAnswerTest, TellsADrainingServersClientsToGo) {
  listenStanding();
  RawSocket client = connect();
  client.write("GET /hold HTTP/1.1\r\n\r\nGET /standing HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return requests_ == 2; }));
  onLoop([&] {
    server_->drain();
    held_.at(0)->respond({.status = 200, .headers = {}, .body = {}});
  });
  EXPECT_NE(client.readResponse().find("Connection: close\r\n"), std::string::npos);
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
