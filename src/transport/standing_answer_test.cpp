// Answers that are ready before they are asked for (standingAnswer of HttpServerOptions).
#include "transport/http_server_fixture.hpp"

#include <thread>

namespace mesos::transport {
namespace {

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

}  // namespace
}  // namespace mesos::transport
