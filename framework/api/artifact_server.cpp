#include "api/artifact_server.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace mesos::api {

using protocol::Request;
using protocol::Response;
using std::chrono::seconds;

namespace {

constexpr char kPath[] = "/executor";
constexpr std::size_t kFileBytesMax = std::size_t{1} << 30;

Result<std::string> readFile(const std::string& path) {
  const auto failed = [&] { return Error{"cannot read " + path + ": " + std::strerror(errno)}; };
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rbe"), close);
  if (!file || std::fseek(file.get(), 0, SEEK_END) != 0) return failed();
  const long size = std::ftell(file.get());
  if (size < 0 || std::fseek(file.get(), 0, SEEK_SET) != 0) return failed();
  if (static_cast<std::size_t>(size) > kFileBytesMax) {
    return Error{"cannot serve " + path + ": it is larger than 1 GiB, or not a file"};
  }
  std::string content(static_cast<std::size_t>(size), '\0');
  if (std::fread(content.data(), 1, content.size(), file.get()) != content.size()) return failed();
  return content;
}

Response plain(int status) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = std::string(protocol::reasonOf(status)) + "\n"};
}

Response answer(const Request& request, const std::string& file) {
  const auto target = protocol::parseTarget(request.target);
  if (!target || target->path != kPath) return plain(404);
  if (request.method != "GET" && request.method != "HEAD") {
    Response response = plain(405);
    response.headers.add("Allow", "GET, HEAD");
    return response;
  }
  auto content = readFile(file);
  if (!content) return plain(500);
  return {.status = 200,
          .headers = {{"Content-Type", "application/octet-stream"}},
          .body = std::move(*content)};
}

transport::HttpServerOptions optionsFor(const protocol::Address& address,
                                        std::shared_ptr<const transport::TlsContext> tls) {
  transport::HttpServerOptions options;
  options.tls = std::move(tls);
  options.ip = address.host;
  options.port = address.port;
  options.headerBytesMax = 16 * 1024;
  options.bodyBytesMax = 1024;
  options.connectionsMax = 64;  // Each may hold the whole file; others wait their turn.
  options.idleTimeout = seconds(30);
  options.requestTimeout = seconds(15);
  options.answerMalformed = true;
  return options;
}

}  // namespace

Result<std::unique_ptr<ArtifactServer>> ArtifactServer::start(
    const protocol::Address& address, const std::string& file,
    std::shared_ptr<const transport::TlsContext> tls) {
  if (const auto content = readFile(file); !content) return content.error();
  std::unique_ptr<ArtifactServer> artifact(new ArtifactServer);
  const std::string scheme = tls ? "https://" : "http://";
  auto listening = transport::HttpServer::listen(
      artifact->loop_, optionsFor(address, std::move(tls)),
      [file](const std::shared_ptr<transport::HttpExchange>& exchange, const Request& request) {
        exchange->respond(answer(request, file));
      });
  if (!listening) return listening.error();
  artifact->server_ = std::move(*listening);
  const bool ipv6 = address.host.find(':') != std::string::npos;
  artifact->uri_ = scheme + (ipv6 ? "[" + address.host + "]" : address.host) + ":" +
                   std::to_string(artifact->server_->port()) + kPath;
  artifact->thread_ = std::thread([loop = &artifact->loop_] { loop->run(); });
  return artifact;
}

ArtifactServer::~ArtifactServer() {
  if (!thread_.joinable()) return;
  loop_.post([this] {
    server_.reset();
    loop_.stop();
  });
  thread_.join();
}

}  // namespace mesos::api
