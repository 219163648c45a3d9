#include "transport/tls.hpp"

#include "tests/support/authority.hpp"
#include "transport/http_client.hpp"
#include "transport/http_server.hpp"
#include "transport/loopback_testing.hpp"

#include <gtest/gtest.h>

#include <openssl/ssl.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>

namespace mesos::transport {
namespace {

using mesos::support::authorityFile;
using testing::eventually;
using testing::LoopThread;
using testing::RawListener;
using testing::RawSocket;
using Context = std::shared_ptr<const TlsContext>;

Context serverContext(const std::string& name = "server", const std::string& clientCa = "") {
  return tlsServer({.certificateFile = authorityFile(name + ".pem"),
                    .keyFile = authorityFile(name + ".key"),
                    .clientCaFile = clientCa.empty() ? "" : authorityFile(clientCa)})
      .value();
}

TlsClientOptions trusting() { return {.caFile = authorityFile("ca.pem")}; }

TlsClientOptions withCertificate() {
  TlsClientOptions options = trusting();
  options.certificateFile = authorityFile("client.pem");
  options.keyFile = authorityFile("client.key");
  return options;
}

Context clientContext(const TlsClientOptions& options = trusting()) {
  return tlsClient(options).value();
}

/// Two sessions and the wire between them.
struct Pair {
  Pair(const Context& server, const Context& client, const std::string& host = "127.0.0.1")
      : serverSession(server->open("")), clientSession(client->open(host)) {}

  /// Carries bytes to and fro, in pieces of `step`, until nothing more is said.
  void settle(std::size_t step = 1 << 20) {
    for (bool moved = true; moved;) {
      moved = carry(*clientSession, *serverSession, toServer, serverError, step);
      moved = carry(*serverSession, *clientSession, toClient, clientError, step) || moved;
    }
  }

  static bool carry(TlsSession& from, TlsSession& to, std::string& plain, std::string& error,
                    std::size_t step) {
    const std::string bytes = from.outgoing();
    for (std::size_t at = 0; at < bytes.size() && error.empty(); at += step) {
      const auto received = to.receive(std::string_view(bytes).substr(at, step), plain);
      if (!received) error = received.error().message;
    }
    return !bytes.empty();
  }

  bool agreed() const { return serverSession->established() && clientSession->established(); }

  std::unique_ptr<TlsSession> serverSession;
  std::unique_ptr<TlsSession> clientSession;
  std::string toServer;
  std::string toClient;
  std::string serverError;
  std::string clientError;
};

/// What the client says of a server with this certificate when it connects to `host`.
std::string refusal(const std::string& certificate, const std::string& host,
                    const TlsClientOptions& options = trusting()) {
  Pair pair(serverContext(certificate), clientContext(options), host);
  pair.settle();
  return pair.agreed() ? "accepted" : pair.clientError;
}

TEST(TlsSession, CarriesBothWaysHoweverTheBytesAreCut) {
  const Context server = serverContext();
  const Context client = clientContext();
  for (const std::size_t step : {1, 2, 7, 1000, 1 << 20}) {
    Pair pair(server, client);
    pair.settle(step);
    ASSERT_TRUE(pair.agreed()) << pair.clientError << pair.serverError;
    const std::string question(40000, 'q');
    pair.clientSession->send(question);
    pair.serverSession->send("answer");
    pair.settle(step);
    EXPECT_EQ(pair.toServer, question);
    EXPECT_EQ(pair.toClient, "answer");
    pair.clientSession->close();
    pair.settle(step);
    EXPECT_TRUE(pair.serverSession->peerClosed());
    EXPECT_FALSE(pair.clientSession->peerClosed());
  }
}

TEST(TlsSession, AcceptsTheHostsThatTheCertificateNames) {
  EXPECT_EQ(refusal("server", "127.0.0.1"), "accepted");
  EXPECT_EQ(refusal("server", "localhost"), "accepted");
  EXPECT_EQ(refusal("elsewhere", "elsewhere.example"), "accepted");
}

TEST(TlsSession, RefusesTheCertificateOfAnotherHost) {
  constexpr char kRefused[] = "the peer's certificate is refused: ";
  EXPECT_EQ(refusal("server", "127.0.0.2").rfind(kRefused, 0), 0u);
  EXPECT_EQ(refusal("server", "elsewhere.example").rfind(kRefused, 0), 0u);
  EXPECT_EQ(refusal("elsewhere", "localhost").rfind(kRefused, 0), 0u);
  EXPECT_EQ(refusal("elsewhere", "127.0.0.1").rfind(kRefused, 0), 0u);
  TlsClientOptions anyHost = trusting();
  anyHost.verifyHost = false;
  EXPECT_EQ(refusal("elsewhere", "localhost", anyHost), "accepted");
}

TEST(TlsSession, RefusesCertificatesOfStrangersAndOldOnes) {
  constexpr char kRefused[] = "the peer's certificate is refused: ";
  EXPECT_EQ(refusal("stranger", "localhost").rfind(kRefused, 0), 0u);
  EXPECT_EQ(refusal("expired", "localhost"), std::string(kRefused) + "certificate has expired");
  // Whom the system trusts.
  EXPECT_EQ(refusal("server", "localhost", {}).rfind(kRefused, 0), 0u);
  TlsClientOptions anyone = trusting();
  anyone.verifyPeer = false;
  EXPECT_EQ(refusal("stranger", "elsewhere.example", anyone), "accepted");
}

TEST(TlsSession, TrustsAServersOwnCertificateIfTold) {
  EXPECT_EQ(refusal("server", "localhost", {.caFile = authorityFile("server.pem")}), "accepted");
  EXPECT_NE(refusal("stranger", "localhost", {.caFile = authorityFile("server.pem")}), "accepted");
}

TEST(TlsSession, AServerMayWantCertificatesOfItsClients) {
  const Context server = serverContext("server", "ca.pem");
  Pair known(server, clientContext(withCertificate()));
  known.settle();
  EXPECT_TRUE(known.agreed());
  Pair nobody(server, clientContext());
  nobody.settle();
  EXPECT_FALSE(nobody.serverSession->established());
  EXPECT_NE(nobody.serverError, "");
  EXPECT_NE(nobody.clientError, "");  // The server's last word.
  Pair stranger(serverContext("server", "stranger-ca.pem"), clientContext(withCertificate()));
  stranger.settle();
  EXPECT_FALSE(stranger.serverSession->established());
}

TEST(TlsSession, RefusesWhatIsNoTls) {
  for (const std::string& noise : {std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                                   std::string(70000, '\0'), std::string(70000, '\x16')}) {
    const auto session = serverContext()->open("");
    std::string plain;
    EXPECT_FALSE(session->receive(noise, plain));
    EXPECT_EQ(plain, "");
  }
}

TEST(TlsSession, RefusesChangedBytes) {
  Pair pair(serverContext(), clientContext());
  pair.settle();
  ASSERT_TRUE(pair.agreed());
  pair.clientSession->send("question");
  std::string bytes = pair.clientSession->outgoing();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_FALSE(pair.serverSession->receive(bytes, pair.toServer));
  EXPECT_EQ(pair.toServer, "");
}

TEST(TlsSession, SpeaksNothingBelowTls12) {
  SSL_CTX* const old = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(old, 0);
  SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
  SSL_CTX_set_security_level(old, 0);
  SSL* const ssl = SSL_new(old);
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
  SSL_connect(ssl);
  std::string hello(BIO_ctrl_pending(out), '\0');
  ASSERT_GT(BIO_read(out, hello.data(), static_cast<int>(hello.size())), 0);
  SSL_free(ssl);
  SSL_CTX_free(old);
  std::string plain;
  EXPECT_FALSE(serverContext()->open("")->receive(hello, plain));
}

TEST(TlsContext, SaysWhichFileIsWrong) {
  const auto missing = tlsServer({.certificateFile = "/no/such.pem", .keyFile = "/no/such.key"});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("/no/such.pem"), std::string::npos);
  const auto foreign = tlsServer(
      {.certificateFile = authorityFile("server.pem"), .keyFile = authorityFile("client.key")});
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("client.key"), std::string::npos);
  EXPECT_FALSE(tlsClient({.caFile = authorityFile("server.key")}));
  EXPECT_FALSE(tlsClient({.caFile = "/no/such.pem"}));
  EXPECT_FALSE(tlsClient({.certificateFile = authorityFile("client.pem")}));
}

/// A server and a connection to it; the connection's story is kept as text.
class TlsConnectionTest : public ::testing::Test {
 protected:
  void TearDown() override {
    thread_.run([&] {
      connection_.reset();
      held_.reset();
      server_.reset();
    });
  }

  void listen(HttpServerOptions options) {
    thread_.run([&] {
      server_ = HttpServer::listen(thread_.loop(), std::move(options),
                                   [this](const auto& exchange, const protocol::Request& request) {
                                     handle(exchange, request);
                                   })
                    .value();
    });
  }
  void listen(const Context& tls) {
    HttpServerOptions options;
    options.tls = tls;
    listen(options);
  }

  void handle(const std::shared_ptr<HttpExchange>& exchange, const protocol::Request& request) {
    if (request.target == "/stream") {
      exchange->startStream({200, {}});
      exchange->write("first ");
      held_ = exchange;
      return;
    }
    exchange->respond({200, {}, request.target + " " + request.body});
  }

  void connect(std::uint16_t port, Dial dial) {
    thread_.run([&] {
      connection_ = std::make_unique<HttpConnection>(
          thread_.loop(),
          HttpConnection::Handlers{
              .onConnected = [this] { note("connected "); },
              .onResponse = [this](const auto& head) { note(std::to_string(head.status) + " "); },
              .onBytes = [this](std::string_view bytes) { note(std::string(bytes)); },
              .onBodyEnd = [this] { note(" end "); },
              .onClosed = [this](const std::string& reason) { note("closed: " + reason); }});
      connection_->connect({"127.0.0.1", port}, std::move(dial));
    });
  }
  void connect(const Context& tls) { connect(server_->port(), {.tls = tls}); }

  void send(const std::string& target, const std::string& body = {}) {
    thread_.run([&] { connection_->send({"POST", target, {}, body}); });
  }
  void note(const std::string& text) {
    const std::lock_guard lock(mutex_);
    story_ += text;
  }
  std::string story() {
    const std::lock_guard lock(mutex_);
    return story_;
  }
  bool tells(const std::string& text) {
    return eventually([&] { return story().find(text) != std::string::npos; });
  }

  LoopThread thread_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpConnection> connection_;
  std::shared_ptr<HttpExchange> held_;
  std::mutex mutex_;
  std::string story_;
};

TEST_F(TlsConnectionTest, AsksAndAnswers) {
  listen(serverContext());
  connect(clientContext());
  send("/a", "one");
  send("/b", "two");
  ASSERT_TRUE(tells("/b two end "));
  EXPECT_EQ(story(), "connected 200 /a one end 200 /b two end ");
}

TEST_F(TlsConnectionTest, CarriesBigBodiesBothWays) {
  listen(serverContext());
  connect(clientContext());
  const std::string body(std::size_t{8} << 20, 'x');
  send("/big", body);
  ASSERT_TRUE(tells(" end "));
  EXPECT_EQ(story(), "connected 200 /big " + body + " end ");
}

TEST_F(TlsConnectionTest, StreamsAndSeesTheEndOfTheOther) {
  listen(serverContext());
  connect(clientContext());
  send("/stream");
  ASSERT_TRUE(tells("first "));
  thread_.run([&] { held_->write("second "); });
  ASSERT_TRUE(tells("second "));
  std::atomic<bool> closed = false;
  thread_.run([&] {
    held_->onClosed([&] { closed = true; });
    connection_.reset();
  });
  EXPECT_TRUE(eventually([&] { return closed.load(); }));
}

TEST_F(TlsConnectionTest, SaysWhyAServerIsNotTrusted) {
  listen(serverContext("stranger"));
  connect(clientContext());
  send("/secret");
  ASSERT_TRUE(tells("closed: "));
  EXPECT_EQ(story().rfind("closed: the peer's certificate is refused: ", 0), 0u) << story();
}

TEST_F(TlsConnectionTest, AClientWithoutACertificateIsTurnedAway) {
  listen(serverContext("server", "ca.pem"));
  connect(clientContext());
  send("/a");
  ASSERT_TRUE(tells("closed: "));
  EXPECT_EQ(story().find("200"), std::string::npos);
  story_.clear();
  connect(clientContext(withCertificate()));
  send("/a");
  EXPECT_TRUE(tells("/a  end "));
}

TEST_F(TlsConnectionTest, PlainHttpIsTurnedAway) {
  listen(serverContext());
  RawSocket client = RawSocket::connectTo(server_->port());
  client.write("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.readAll().find("HTTP/1.1"), std::string::npos);
}

TEST_F(TlsConnectionTest, AClientThatNeverShakesHandsIsCut) {
  HttpServerOptions options;
  options.tls = serverContext();
  options.requestTimeout = std::chrono::milliseconds(200);
  listen(options);
  RawSocket silent = RawSocket::connectTo(server_->port());
  EXPECT_TRUE(silent.isEnded());
  RawSocket dripping = RawSocket::connectTo(server_->port());
  for (int i = 0; i < 100 && dripping.write("\x16"); ++i) ::usleep(10 * 1000);
  EXPECT_TRUE(dripping.isEnded());
}

TEST_F(TlsConnectionTest, ABodyWithoutLengthThatIsCutIsNoBody) {
  RawListener listener;
  connect(listener.port(), {.tls = clientContext()});
  RawSocket peer = listener.accept();
  const auto session = serverContext()->open("");
  std::string plain;
  while (!session->established()) {
    ASSERT_TRUE(session->receive(peer.readSome(), plain));
    peer.write(session->outgoing());
  }
  send("/a");
  while (plain.find("\r\n\r\n") == plain.npos) {
    ASSERT_TRUE(session->receive(peer.readSome(), plain));
  }
  session->send("HTTP/1.1 200 OK\r\n\r\nhalf");
  peer.write(session->outgoing());
  ASSERT_TRUE(tells("half"));
  peer.endWriting();  // Without the word of TLS that this is the end.
  ASSERT_TRUE(tells("closed: "));
  EXPECT_EQ(story(), "connected 200 halfclosed: closed by the peer in the middle of an answer");
}

TEST_F(TlsConnectionTest, ALocalSocketServesTheSame) {
  HttpServerOptions options;
  options.unixPath = ::testing::TempDir() + "tls-test-" + std::to_string(::getpid()) + ".sock";
  std::ofstream(options.unixPath) << "what another has left";
  listen(options);
  EXPECT_EQ(server_->port(), 0);
  connect(1, {.unixPath = options.unixPath});
  send("/a", "local");
  EXPECT_TRUE(tells("connected 200 /a local end "));
  thread_.run([&] { server_.reset(); });
  EXPECT_FALSE(std::filesystem::exists(options.unixPath));
}

TEST_F(TlsConnectionTest, ALocalSocketsPathHasALimit) {
  HttpServerOptions options;
  options.unixPath = "/tmp/" + std::string(200, 'x');
  thread_.run([&] {
    const auto listening = HttpServer::listen(thread_.loop(), options, nullptr);
    ASSERT_FALSE(listening);
    EXPECT_NE(listening.error().message.find("1 to 107 bytes"), std::string::npos);
  });
  connect(1, {.unixPath = options.unixPath});
  EXPECT_TRUE(tells("closed: the path of a local socket has 1 to 107 bytes"));
}

}  // namespace
}  // namespace mesos::transport
