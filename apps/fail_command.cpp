#include "apps/fail_command.hpp"

#include "base/base64.hpp"
#include "protocol/http.hpp"
#include "transport/event_loop.hpp"
#include "transport/http_client.hpp"
#include "transport/master_address.hpp"
#include "transport/resolver.hpp"
#include "transport/secret_file.hpp"
#include "transport/tls.hpp"

#include <cstdio>
#include <memory>
#include <variant>

namespace {

using mesos::Result;
using mesos::protocol::Address;
using mesos::protocol::Request;
using mesos::protocol::Response;
using mesos::transport::Dial;
using mesos::transport::EventLoop;
using mesos::transport::HttpConnection;
using mesos::transport::Timer;

constexpr mesos::Duration kPatience = std::chrono::seconds(30);
constexpr std::size_t kAnswerBytesMax = 64 * 1024;

// Letters, digits and "-_." stay.
std::string formEncode(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    if (plain) {
      encoded += c;
      continue;
    }
    char hex[4];
    std::snprintf(hex, sizeof(hex), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    encoded += hex;
  }
  return encoded;
}

Result<Request> requestOf(const FailArguments& arguments) {
  Request request;
  request.method = "POST";
  request.target = "/local/fail";
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.body = "fault=" + formEncode(arguments.fault);
  if (arguments.agent) request.body += "&agent=" + std::to_string(*arguments.agent);
  if (!arguments.duration.empty()) request.body += "&for=" + formEncode(arguments.duration);
  if (arguments.secretFile.empty()) return request;
  const auto secret = mesos::transport::readSecret(arguments.secretFile);
  if (!secret) return mesos::Error{"--secret-file: " + secret.error().message};
  request.headers.set("Authorization",
                      "Basic " + mesos::encodeBase64(arguments.principal + ":" + *secret));
  return request;
}

Result<Dial> dialFor(const Address& master, const FailArguments& arguments) {
  Dial dial;
  if (!master.tls) return dial;
  auto tls = mesos::transport::tlsClient({.caFile = arguments.caFile,
                                          .certificateFile = arguments.certificateFile,
                                          .keyFile = arguments.keyFile});
  if (!tls) return tls.error();
  dial.tls = *std::move(tls);
  dial.tlsHost = master.host;
  return dial;
}

const char* adviceFor(int status) {
  if (status == 401 || status == 403) return "--principal and --secret-file say who you are";
  return "it is no embedded cluster that can fail on request";
}

/// One request on a connection of its own, on a loop that ends with the answer.
class Question {
 public:
  Result<Response> ask(const Address& address, Dial dial, Request request) {
    Timer timer(loop_);
    timer.set(mesos::transport::currentTime().steady + kPatience,
              [this] { finish("no answer within 30 seconds"); });
    mesos::transport::resolve(loop_, address.host, [&](const Result<std::string>& host) {
      if (!host) return finish(host.error().message);
      connect({*host, address.port}, std::move(dial), std::move(request));
    });
    loop_.run();
    connection_.reset();
    if (!failure_.empty()) return mesos::Error{failure_};
    return response_;
  }

 private:
  void connect(const Address& address, Dial dial, Request request) {
    HttpConnection::Handlers handlers;
    handlers.onResponse = [this](const auto& head) { response_.status = head.status; };
    handlers.onBytes = [this](std::string_view bytes) {
      response_.body += bytes.substr(0, kAnswerBytesMax - response_.body.size());
    };
    handlers.onBodyEnd = [this] { loop_.stop(); };
    handlers.onClosed = [this](const std::string& reason) { finish(reason); };
    connection_ = std::make_unique<HttpConnection>(loop_, std::move(handlers));
    connection_->connect(address, std::move(dial));
    connection_->send(std::move(request));
  }
  void finish(const std::string& failure) {
    failure_ = failure;
    loop_.stop();
  }

  EventLoop loop_;
  std::unique_ptr<HttpConnection> connection_;
  Response response_;
  std::string failure_;
};

}  // namespace

int runFail(const FailArguments& arguments) {
  const auto spec = mesos::transport::masterSpec(arguments.master);
  const auto* address = spec ? std::get_if<Address>(&*spec) : nullptr;
  if (address == nullptr) {
    std::fprintf(stderr, "%s\n",
                 spec ? "Name the master itself, as HOST:PORT" : spec.error().message.c_str());
    return 2;
  }
  auto request = requestOf(arguments);
  auto dial = dialFor(*address, arguments);
  if (!request || !dial) {
    std::fprintf(stderr, "%s\n", (request ? dial.error() : request.error()).message.c_str());
    return 2;
  }
  const auto response = Question().ask(*address, *std::move(dial), *std::move(request));
  if (!response) {
    std::fprintf(stderr, "Cannot ask %s: %s\n", address->toString().c_str(),
                 response.error().message.c_str());
    return 1;
  }
  if (response->status == 200) return 0;
  if (response->status == 400) {
    std::fprintf(stderr, "%s\n", response->body.c_str());
  } else {
    std::fprintf(stderr, "%s answered %d: %s.\n", address->toString().c_str(), response->status,
                 adviceFor(response->status));
  }
  return 1;
}
