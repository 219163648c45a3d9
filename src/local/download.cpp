#include "local/download.hpp"

#include "base/base64.hpp"
#include "local/tree.hpp"
#include "transport/event_loop.hpp"
#include "transport/http_client.hpp"
#include "transport/resolver.hpp"
#include "transport/tls.hpp"

#include <charconv>
#include <memory>

namespace mesos::local {
namespace {

constexpr std::string_view kPlainScheme = "http://";
constexpr std::string_view kTlsScheme = "https://";
constexpr std::uint16_t kPlainPort = 80;
constexpr std::uint16_t kTlsPort = 443;
constexpr Duration kTick = std::chrono::milliseconds(50);

bool isRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool isGraphic(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f) return false;
  }
  return true;
}

// One request on a loop of its own, which ends with the answer.
class Exchange {
 public:
  /// Without a file to fill only the head is asked for.
  Exchange(const HttpUrl& url, std::optional<int> file, const DownloadLimits& limits,
           const std::function<bool()>& cancelled)
      : url_(url), file_(file), limits_(limits), cancelled_(cancelled), timer_(loop_) {}

  /// The head of the answer, its body in the file if it is a 200.
  Result<protocol::ResponseHead> run();

 private:
  void start(const Result<std::string>& address);
  void onBytes(std::string_view bytes);
  void tick();
  void progress() { lastProgress_ = transport::currentTime().steady; }
  void finish() { finish({}); }
  void finish(std::optional<Error> error);

  const HttpUrl& url_;
  const std::optional<int> file_;
  const DownloadLimits& limits_;
  const std::function<bool()>& cancelled_;
  transport::EventLoop loop_;
  transport::Timer timer_;
  std::unique_ptr<transport::HttpConnection> connection_;
  TimePoint lastProgress_{};
  std::optional<protocol::ResponseHead> head_;
  std::uint64_t bytes_ = 0;
  std::optional<Error> error_;
  bool finished_ = false;
};

Result<protocol::ResponseHead> Exchange::run() {
  progress();
  loop_.post([this] {
    transport::resolve(loop_, url_.host, [this](const Result<std::string>& address) {
      if (!finished_) start(address);
    });
    tick();
  });
  loop_.run();
  if (error_) return *error_;
  return *head_;
}

void Exchange::start(const Result<std::string>& address) {
  if (!address) return finish(address.error());
  transport::Dial dial{.tlsHost = url_.host};
  if (url_.tls) {
    auto tls = transport::tlsClient({.caFile = limits_.caFile, .trustSystem = true});
    if (!tls) return finish(tls.error());
    dial.tls = *std::move(tls);
  }
  transport::HttpConnection::Handlers handlers;
  handlers.onConnected = [this] { progress(); };
  handlers.onResponse = [this](const protocol::ResponseHead& head) {
    progress();
    head_ = head;
    // What else a server has to say is not read.
    if (head.status != 200 || !file_) finish();
  };
  handlers.onBytes = [this](std::string_view bytes) { onBytes(bytes); };
  handlers.onBodyEnd = [this] { finish(); };
  handlers.onClosed = [this](const std::string& reason) { finish(Error{reason}); };
  connection_ = std::make_unique<transport::HttpConnection>(loop_, std::move(handlers));
  connection_->connect({*address, url_.port}, std::move(dial));
  protocol::Request request;
  request.method = file_ ? "GET" : "HEAD";
  request.target = url_.target;
  request.headers.add("Accept", "*/*");
  request.headers.add("User-Agent", "mesos-fetcher");
  if (!url_.authorization.empty()) request.headers.add("Authorization", url_.authorization);
  const bool usualPort = url_.port == (url_.tls ? kTlsPort : kPlainPort);
  request.headers.add("Host", usualPort ? url_.host : url_.host + ":" + std::to_string(url_.port));
  connection_->send(std::move(request));
}

void Exchange::onBytes(std::string_view bytes) {
  if (finished_) return;
  progress();
  bytes_ += bytes.size();
  if (bytes_ > limits_.bytesMax) return finish(Error{"The file is too large"});
  auto written = writeAll(*file_, bytes);
  if (!written) finish(written.error());
}

void Exchange::tick() {
  if (finished_) return;
  const TimePoint now = transport::currentTime().steady;
  if (cancelled_()) return finish(Error{"Cancelled"});
  if (now - lastProgress_ >= limits_.stallTimeout) return finish(Error{"No progress for too long"});
  timer_.set(now + kTick, [this] { tick(); });
}

void Exchange::finish(std::optional<Error> error) {
  if (finished_) return;
  finished_ = true;
  error_ = std::move(error);
  if (connection_) connection_->close();
  loop_.stop();
}

}  // namespace

Result<HttpUrl> parseHttpUrl(std::string_view text) {
  const Error malformed{"'" + std::string(text) + "' is not a well-formed http URL"};
  HttpUrl url;
  url.tls = protocol::equalsIgnoringCase(text.substr(0, kTlsScheme.size()), kTlsScheme);
  const std::string_view scheme = url.tls ? kTlsScheme : kPlainScheme;
  if (!protocol::equalsIgnoringCase(text.substr(0, scheme.size()), scheme)) return malformed;
  if (!isGraphic(text)) return malformed;
  text.remove_prefix(scheme.size());
  std::string_view authority = text.substr(0, text.find_first_of("/?#"));
  std::string_view target = text.substr(authority.size());
  target = target.substr(0, target.find('#'));
  if (!target.empty()) url.target = (target.front() == '?' ? "/" : "") + std::string(target);
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    const auto user = protocol::percentDecode(authority.substr(0, at), false);
    if (!user) return malformed;
    url.authorization = "Basic " + encodeBase64(*user);
    authority.remove_prefix(at + 1);
  }
  const std::size_t colon = authority.rfind(':');
  const bool hasPort = colon != authority.npos && authority.back() != ']';
  const auto usual = ":" + std::to_string(url.tls ? kTlsPort : kPlainPort);
  const auto address = protocol::parseAddress(std::string(authority) + (hasPort ? "" : usual));
  if (!address) return malformed;
  url.host = address->host;
  url.port = address->port;
  return url;
}

Result<HttpUrl> resolveLocation(const HttpUrl& base, std::string_view location) {
  if (location.find("://") != location.npos &&
      location.find("://") < location.find_first_of("/?#")) {
    auto url = parseHttpUrl(location);
    if (url && base.tls && !url->tls) return Error{"A redirect from https to http"};
    if (url && url->authorization.empty() && url->host == base.host && url->port == base.port) {
      url->authorization = base.authorization;
    }
    return url;
  }
  if (!isGraphic(location)) return Error{"The redirect's location is malformed"};
  location = location.substr(0, location.find('#'));
  HttpUrl url = base;
  if (location.substr(0, 2) == "//") {
    return parseHttpUrl((base.tls ? "https:" : "http:") + std::string(location));
  }
  if (location.substr(0, 1) == "/") {
    url.target = location;
  } else {
    const std::string path = base.target.substr(0, base.target.find('?'));
    url.target = path.substr(0, path.rfind('/') + 1) + std::string(location);
  }
  return url;
}

namespace {

Result<protocol::ResponseHead> follow(const HttpUrl& url, std::optional<int> file,
                                      const DownloadLimits& limits,
                                      const std::function<bool()>& cancelled) {
  HttpUrl current = url;
  for (int redirects = 0; redirects <= limits.redirectsMax; ++redirects) {
    auto head = Exchange(current, file, limits, cancelled).run();
    if (!head || head->status == 200) return head;
    const std::string* const location = head->headers.find("Location");
    if (!isRedirect(head->status) || !location) {
      return Error{"The server answered " + std::to_string(head->status) + " " +
                   std::string(protocol::reasonOf(head->status))};
    }
    auto next = resolveLocation(current, *location);
    if (!next) return next.error();
    current = std::move(next).value();
  }
  return Error{"Too many redirects"};
}

}  // namespace

Result<void> download(const HttpUrl& url, int file, const DownloadLimits& limits,
                      const std::function<bool()>& cancelled) {
  const auto head = follow(url, file, limits, cancelled);
  return head ? Result<void>() : head.error();
}

std::optional<std::uint64_t> lengthOf(const HttpUrl& url, const DownloadLimits& limits,
                                      const std::function<bool()>& cancelled) {
  const auto head = follow(url, std::nullopt, limits, cancelled);
  const std::string* text = head ? head->headers.find("Content-Length") : nullptr;
  if (text == nullptr) return std::nullopt;
  std::uint64_t length = 0;
  const char* const end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, length);
  if (error != std::errc() || rest != end) return std::nullopt;
  return length;
}

}  // namespace mesos::local
