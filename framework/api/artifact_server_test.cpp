#include "api/artifact_server.hpp"

#include "tests/support/authority.hpp"
#include "transport/loopback_testing.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace mesos::api {
namespace {

using transport::testing::RawSocket;

class ArtifactServerTest : public testing::Test {
 protected:
  ArtifactServerTest() : file_(testing::TempDir() + "artifact-" + std::to_string(getpid())) {
    std::ofstream(file_) << std::string(300000, 'x') << "end";
    auto started = ArtifactServer::start({.host = "127.0.0.1", .port = 0}, file_);
    if (started) server_ = std::move(*started);
  }
  ~ArtifactServerTest() override { std::remove(file_.c_str()); }

  std::string ask(const std::string& request) {
    const std::string& uri = server_->uri();
    const auto colon = uri.rfind(':');
    RawSocket socket =
        RawSocket::connectTo(static_cast<std::uint16_t>(std::atoi(uri.substr(colon + 1).c_str())));
    socket.write(request + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return socket.readAll();
  }

  const std::string file_;
  std::unique_ptr<ArtifactServer> server_;
};

TEST_F(ArtifactServerTest, ServesItsFileAtItsUri) {
  EXPECT_EQ(server_->uri().rfind("http://127.0.0.1:", 0), 0u);
  EXPECT_TRUE(server_->uri().ends_with("/executor"));
  const std::string response = ask("GET /executor");
  EXPECT_EQ(response.rfind("HTTP/1.1 200 ", 0), 0u);
  EXPECT_NE(response.find("Content-Length: 300003\r\n"), std::string::npos);
  EXPECT_TRUE(response.ends_with("xxend"));
}

TEST_F(ArtifactServerTest, ServesNothingElse) {
  EXPECT_EQ(ask("GET /").rfind("HTTP/1.1 404 ", 0), 0u);
  EXPECT_EQ(ask("GET /executor/../../etc/passwd").rfind("HTTP/1.1 404 ", 0), 0u);
  EXPECT_EQ(ask("POST /executor").rfind("HTTP/1.1 405 ", 0), 0u);
}

TEST_F(ArtifactServerTest, ServesWhatTheFileIsNow) {
  std::ofstream(file_) << "new";
  EXPECT_TRUE(ask("GET /executor").ends_with("\r\n\r\nnew"));
  std::remove(file_.c_str());
  EXPECT_EQ(ask("GET /executor").rfind("HTTP/1.1 500 ", 0), 0u);
}

TEST(ArtifactServer, SaysWhyItCannotStart) {
  const auto missing = ArtifactServer::start({.host = "127.0.0.1", .port = 0}, "/no/such/file");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "cannot read /no/such/file: No such file or directory");
  const auto elsewhere = ArtifactServer::start({.host = "203.0.113.1", .port = 0}, "/bin/sh");
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().message.find("203.0.113.1"), std::string::npos);
}

TEST_F(ArtifactServerTest, ServesByTlsIfTold) {
  using mesos::support::authorityFile;
  auto tls = transport::tlsServer(
      {.certificateFile = authorityFile("server.pem"), .keyFile = authorityFile("server.key")});
  auto started = ArtifactServer::start({.host = "127.0.0.1", .port = 0}, file_, tls.value());
  ASSERT_TRUE(started);
  server_ = std::move(*started);
  EXPECT_EQ(server_->uri().rfind("https://127.0.0.1:", 0), 0u);
  EXPECT_EQ(ask("GET /executor").find("HTTP/1.1"), std::string::npos);
}

}  // namespace
}  // namespace mesos::api
