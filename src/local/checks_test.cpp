// Checks of tasks over HTTP and TCP (fact H3). Those that are processes: conformance.
#include "local/checks.hpp"

#include "tests/support/authority.hpp"
#include "transport/http_server.hpp"
#include "transport/tls.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace mesos::local {
namespace {

using support::authorityFile;

class ChecksTest : public testing::Test {
 protected:
  /// Answers every request with 204.
  std::uint16_t serve(bool tls) {
    transport::HttpServerOptions options;
    if (tls) {
      options.tls = transport::tlsServer({.certificateFile = authorityFile("stranger.pem"),
                                          .keyFile = authorityFile("stranger.key")})
                        .value();
    }
    server_ = transport::HttpServer::listen(loop, options, [](auto exchange, auto) {
                exchange->respond({204, {}, {}});
              }).value();
    return server_->port();
  }
  std::optional<Result<int>> outcomeOf(
      std::variant<cluster::ForkContainer, cluster::HttpProbe, cluster::TcpProbe> what) {
    std::optional<Result<int>> outcome;
    transport::Timer end(loop);
    end.set(transport::currentTime().steady + std::chrono::seconds(10), [&] { loop.stop(); });
    loop.post([&] {
      checks.start({"c", 1, std::move(what)}, [&](const Result<int>& result) {
        outcome = result;
        loop.stop();
      });
    });
    loop.run();
    return outcome;
  }

  transport::EventLoop loop;
  Containers containers{loop, {}};
  Checks checks{loop, containers};

 private:
  std::unique_ptr<transport::HttpServer> server_;
};

TEST_F(ChecksTest, AskOverPlainHttp) {
  const auto outcome = outcomeOf(cluster::HttpProbe{"http", "127.0.0.1", serve(false), "/"});
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ(**outcome, 204);
}

TEST_F(ChecksTest, AskOverTlsWhoeverTheCertificateIsMadeOutTo) {
  const auto outcome = outcomeOf(cluster::HttpProbe{"https", "127.0.0.1", serve(true), "/"});
  ASSERT_TRUE(outcome);
  ASSERT_TRUE(*outcome) << outcome->error().message;
  EXPECT_EQ(**outcome, 204);
}

TEST_F(ChecksTest, HaveNoOutcomeWhereTheWrongProtocolIsSpoken) {
  const auto outcome = outcomeOf(cluster::HttpProbe{"http", "127.0.0.1", serve(true), "/"});
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(*outcome);
}

TEST_F(ChecksTest, ConnectOverTcp) {
  const auto outcome = outcomeOf(cluster::TcpProbe{"127.0.0.1", serve(false)});
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ(**outcome, 1);
}

}  // namespace
}  // namespace mesos::local
