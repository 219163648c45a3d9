// Serves one file to agents: the executor program.
#pragma once

#include "protocol/http.hpp"
#include "transport/event_loop.hpp"
#include "transport/http_server.hpp"
#include "transport/tls.hpp"

#include <mesos/result.hpp>

#include <memory>
#include <string>
#include <thread>

namespace mesos::api {

/// One path, one file, read anew for every request, so that nothing of it stays in memory. Runs on
/// a thread of its own from start() to destruction.
class ArtifactServer {
 public:
  /// `tls`: of tlsServer(), to serve by https; nullptr: by http. The error is a sentence: the file
  /// cannot be read, or the address cannot be listened on.
  static Result<std::unique_ptr<ArtifactServer>> start(
      const protocol::Address& address, const std::string& file,
      std::shared_ptr<const transport::TlsContext> tls = nullptr);
  ~ArtifactServer();
  ArtifactServer(const ArtifactServer&) = delete;
  ArtifactServer& operator=(const ArtifactServer&) = delete;

  /// What agents are told to fetch: "http://127.0.0.1:40123/executor".
  const std::string& uri() const { return uri_; }

 private:
  ArtifactServer() = default;

  transport::EventLoop loop_;
  std::unique_ptr<transport::HttpServer> server_;  // The loop's.
  std::string uri_;
  std::thread thread_;
};

}  // namespace mesos::api
