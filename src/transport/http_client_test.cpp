#include "transport/http_client.hpp"

#include "transport/http_server.hpp"
#include "transport/loopback_testing.hpp"

#include <gtest/gtest.h>

#include <mutex>

namespace mesos::transport {
namespace {

using protocol::Address;
using protocol::Request;
using testing::eventually;
using testing::LoopThread;
using testing::RawListener;
using testing::RawSocket;

/// A connection whose story is kept as text: "connected", "200", "<bytes>", "end", "closed: …".
class HttpClientTest : public ::testing::Test {
 protected:
  void TearDown() override {
    thread_.run([&] { connection_.reset(); });
  }

  void connect(const Address& address) {
    thread_.run([&] {
      connection_ = std::make_unique<HttpConnection>(
          thread_.loop(),
          HttpConnection::Handlers{
              .onConnected = [this] { note("connected"); },
              .onResponse = [this](const auto& head) { note(std::to_string(head.status)); },
              .onBytes = [this](std::string_view bytes) { noteBytes(bytes); },
              .onBodyEnd = [this] { note("end"); },
              .onClosed = [this](const std::string& reason) { note("closed: " + reason); }});
      connection_->connect(address);
    });
  }

  /// A connection to `listener_`, and its other end.
  RawSocket connected() {
    connect({"127.0.0.1", listener_.port()});
    return listener_.accept();
  }

  void send(const std::string& target, const std::string& method = "GET",
            const std::string& body = {}) {
    thread_.run([&] {
      connection_->send({.method = method, .target = target, .headers = {}, .body = body});
    });
  }

  void note(const std::string& text) {
    const std::lock_guard lock(mutex_);
    story_ += story_.empty() ? text : ", " + text;
  }
  // Pieces of one body are told as one.
  void noteBytes(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ += bytes.size();
    if (bytes_ > 1000) return;
    if (story_.ends_with('>')) {
      story_.pop_back();
      story_ += std::string(bytes) + ">";
    } else {
      story_ += ", <" + std::string(bytes) + ">";
    }
  }
  std::string story() {
    const std::lock_guard lock(mutex_);
    return story_;
  }
  bool told(const std::string& expected) {
    return eventually([&] { return story() == expected; });
  }

  LoopThread thread_;
  RawListener listener_;
  std::unique_ptr<HttpConnection> connection_;
  std::mutex mutex_;
  std::string story_;
  std::size_t bytes_ = 0;
};

TEST_F(HttpClientTest, SendsAndReadsAnAnswer) {
  RawSocket peer = connected();
  send("/x?y=z", "POST", "hi");
  EXPECT_EQ(peer.readUntil("hi"),
            "POST /x?y=z HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(listener_.port()) +
                "\r\nContent-Length: 2\r\n\r\nhi");
  peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(told("connected, 200, <hello>, end")) << story();
}

// What was made for the request before must not come again where it is not the same.
TEST_F(HttpClientTest, SendsTheHeadOfEachRequest) {
  RawSocket peer = connected();
  const std::string host = "Host: 127.0.0.1:" + std::to_string(listener_.port()) + "\r\n";
  protocol::Headers headers = {{"A", "1"}};
  const auto sendWith = [&](const char* method, const char* target, const std::string& body) {
    connection_->send({.method = method, .target = target, .headers = headers, .body = body});
  };
  thread_.run([&] {
    sendWith("POST", "/1", "a");
    sendWith("POST", "/1", "bcd");
    sendWith("POST", "/2", "e");
    sendWith("GET", "/2", {});
    headers.set("A", "2");
    sendWith("GET", "/2", {});
  });
  EXPECT_EQ(peer.readUntil("\r\n\r\na"),
            "POST /1 HTTP/1.1\r\n" + host + "A: 1\r\nContent-Length: 1\r\n\r\na");
  EXPECT_EQ(peer.readUntil("bcd"),
            "POST /1 HTTP/1.1\r\n" + host + "A: 1\r\nContent-Length: 3\r\n\r\nbcd");
  EXPECT_EQ(peer.readUntil("\r\n\r\ne"),
            "POST /2 HTTP/1.1\r\n" + host + "A: 1\r\nContent-Length: 1\r\n\r\ne");
  EXPECT_EQ(peer.readUntil("\r\n\r\n"), "GET /2 HTTP/1.1\r\n" + host + "A: 1\r\n\r\n");
  EXPECT_EQ(peer.readUntil("\r\n\r\n"), "GET /2 HTTP/1.1\r\n" + host + "A: 2\r\n\r\n");
}

// The same head means another thing where the request was another.
TEST_F(HttpClientTest, ReadsTheSameHeadAgain) {
  RawSocket peer = connected();
  for (const char* method : {"GET", "GET", "HEAD", "GET"}) send("/", method);
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  peer.write(head + "ab" + head + "cd" + head);
  peer.write(head.substr(0, 9));
  EXPECT_TRUE(told("connected, 200, <ab>, end, 200, <cd>, end, 200, end")) << story();
  peer.write(head.substr(9) + "ef");
  EXPECT_TRUE(told("connected, 200, <ab>, end, 200, <cd>, end, 200, end, 200, <ef>, end"))
      << story();
}

// What was sent in the turn of the loop in which it is closed was not sent in vain.
TEST_F(HttpClientTest, SendsWhatItWasGivenBeforeItIsClosed) {
  RawSocket peer = connected();
  EXPECT_TRUE(told("connected"));
  thread_.run([&] {
    connection_->send({.method = "GET", .target = "/1", .headers = {}, .body = {}});
    connection_->close();
  });
  EXPECT_TRUE(peer.readUntil("\r\n\r\n").starts_with("GET /1 "));
  EXPECT_TRUE(peer.isEnded());
}

TEST_F(HttpClientTest, PipelinesRequestsGivenBeforeItIsConnected) {
  thread_.run([&] {
    connection_ = std::make_unique<HttpConnection>(thread_.loop(), HttpConnection::Handlers{});
    connection_->connect({"127.0.0.1", listener_.port()});
    connection_->send({.method = "GET", .target = "/1", .headers = {}, .body = {}});
    connection_->send({.method = "GET", .target = "/2", .headers = {}, .body = {}});
    EXPECT_GT(connection_->unsentBytes(), 0u);
  });
  RawSocket peer = listener_.accept();
  EXPECT_TRUE(peer.readUntil("\r\n\r\n").starts_with("GET /1 "));
  EXPECT_TRUE(peer.readUntil("\r\n\r\n").starts_with("GET /2 "));
  EXPECT_TRUE(eventually([&] {
    std::size_t unsent = 1;
    thread_.run([&] { unsent = connection_->unsentBytes(); });
    return unsent == 0;
  }));
}

TEST_F(HttpClientTest, ReadsAnswersCutAtEveryByte) {
  const std::string answers =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
      "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
  for (std::size_t split = 1; split < answers.size(); ++split) {
    RawSocket peer = connected();
    send("/1");
    send("/2");
    peer.write(answers.substr(0, split));
    thread_.run([] {});
    thread_.run([] {});
    peer.write(answers.substr(split));
    ASSERT_TRUE(told("connected, 200, <abcdefg>, end, 202, end")) << split << ": " << story();
    thread_.run([&] { connection_.reset(); });
    story_.clear();
    bytes_ = 0;
  }
}

TEST_F(HttpClientTest, TellsTheEndOfAStreamThoughTheConnectionStays) {
  RawSocket peer = connected();
  send("/stream");
  peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_TRUE(told("connected, 200"));
  peer.write("5\r\nfirst\r\n");
  EXPECT_TRUE(told("connected, 200, <first>"));
  peer.write("0\r\n\r\n");
  EXPECT_TRUE(told("connected, 200, <first>, end"));
}

TEST_F(HttpClientTest, SaysThatTheStreamWasCut) {
  {
    RawSocket peer = connected();
    send("/stream");
    peer.readUntil("\r\n\r\n");
    peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfi");
  }
  EXPECT_TRUE(told("connected, 200, <fi>, closed: closed by the peer in the middle of an answer"));
}

TEST_F(HttpClientTest, ReadsABodyThatEndsWithTheConnection) {
  {
    RawSocket peer = connected();
    send("/old");
    peer.readUntil("\r\n\r\n");
    peer.write("HTTP/1.0 200 OK\r\n\r\nall of it");
  }
  EXPECT_TRUE(told("connected, 200, <all of it>, end, closed: closed by the peer")) << story();
}

TEST_F(HttpClientTest, ExpectsNoBodyAfterHeadAndSkipsInterimAnswers) {
  RawSocket peer = connected();
  send("/x", "HEAD");
  send("/y");
  peer.write(
      "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(told("connected, 200, end, 204, end")) << story();
}

TEST_F(HttpClientTest, SaysThatTheConnectionWasRefused) {
  const std::uint16_t port = std::make_unique<RawListener>()->port();  // Closed again.
  connect({"127.0.0.1", port});
  EXPECT_TRUE(told("closed: Connection refused")) << story();
}

TEST_F(HttpClientTest, WantsNumericAddresses) {
  connect({"localhost", 1});
  EXPECT_TRUE(told("closed: \"localhost\" is not a numeric address")) << story();
}

TEST_F(HttpClientTest, RefusesWhatIsNoHttp) {
  for (const auto& [bytes, reason] : std::initializer_list<std::pair<std::string, std::string>>{
           {"SSH-2.0-OpenSSH\r\n\r\n", "the peer does not speak HTTP"},
           {"HTTP/1.1 200 OK\r\nA: " + std::string(70000, 'a'),
            "the answer's headers are too large"},
       }) {
    RawSocket peer = connected();
    send("/x");
    peer.write(bytes);
    EXPECT_TRUE(told("connected, closed: " + reason)) << story();
    story_.clear();
  }
}

TEST_F(HttpClientTest, RefusesAnAnswerToNoRequest) {
  RawSocket peer = connected();
  peer.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(told("connected, closed: an answer to no request")) << story();
}

TEST_F(HttpClientTest, RefusesMalformedChunks) {
  RawSocket peer = connected();
  send("/x");
  peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n");
  EXPECT_TRUE(told("connected, 200, closed: the answer's chunks are malformed")) << story();
}

TEST_F(HttpClientTest, SaysNothingAfterClose) {
  RawSocket peer = connected();
  EXPECT_TRUE(told("connected"));
  thread_.run([&] { connection_->close(); });
  EXPECT_TRUE(peer.isEnded());
  EXPECT_EQ(story(), "connected");
}

TEST_F(HttpClientTest, MayBeDestroyedByItsOwnHandler) {
  thread_.run([&] {
    connection_ = std::make_unique<HttpConnection>(
        thread_.loop(),
        HttpConnection::Handlers{.onConnected = {},
                                 .onResponse =
                                     [this](const auto&) {
                                       connection_.reset();
                                       note("gone");
                                     },
                                 .onBytes = [this](auto) { note("bytes"); },
                                 .onBodyEnd = [this] { note("end"); },
                                 .onClosed = [this](const auto&) { note("closed"); }});
    connection_->connect({"127.0.0.1", listener_.port()});
  });
  RawSocket peer = listener_.accept();
  send("/x");
  peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(told("gone"));
  EXPECT_TRUE(peer.readUntil("\r\n\r\n").starts_with("GET /x"));
  EXPECT_TRUE(peer.isEnded());
  EXPECT_EQ(story(), "gone");
}

TEST_F(HttpClientTest, SlowsThePeerDownWhilePaused) {
  RawSocket peer = connected();
  send("/x");
  peer.write("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n");
  EXPECT_TRUE(told("connected, 200"));
  thread_.run([&] { connection_->pauseReading(true); });
  const std::string body(50000000, 'x');
  std::thread writer([&] { peer.write(body); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  {
    const std::lock_guard lock(mutex_);
    EXPECT_LT(bytes_, std::size_t{1} << 20);  // One read may have been under way.
  }
  thread_.run([&] { connection_->pauseReading(false); });
  EXPECT_TRUE(eventually([&] { return story().ends_with("end"); }));
  EXPECT_EQ(bytes_, body.size());
  writer.join();
}

TEST_F(HttpClientTest, TalksToOurOwnServer) {
  std::unique_ptr<HttpServer> server;
  thread_.run([&] {
    server = HttpServer::listen(
                 thread_.loop(), {},
                 [](std::shared_ptr<HttpExchange> exchange, Request request) {
                   exchange->respond({.status = 200, .headers = {}, .body = request.body});
                 })
                 .value();
  });
  connect({"127.0.0.1", server->port()});
  const std::string body(10 << 20, 'x');
  send("/echo", "POST", body);
  send("/echo", "POST", body);
  EXPECT_TRUE(eventually([&] { return story().ends_with("end, 200, end"); })) << story();
  EXPECT_EQ(bytes_, 2 * body.size());
  thread_.run([&] { server.reset(); });
  EXPECT_TRUE(eventually([&] { return story().ends_with("closed: closed by the peer"); }));
}

}  // namespace
}  // namespace mesos::transport
