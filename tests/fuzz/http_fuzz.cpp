// The HTTP reader, as server and client use it: messages one after another on a connection, in any
// pieces.
#include "fuzz.hpp"
#include "transport/http_wire.hpp"

#include <optional>
#include <string>
#include <vector>

namespace {

using mesos::fuzz::require;
using namespace mesos::transport;

constexpr std::size_t kHeadBytesMax = 2000;

struct Message {
  std::string head;
  std::string body;
  bool whole = false;

  bool operator==(const Message&) const = default;
};

/// One end of a connection.
class Reader {
 public:
  explicit Reader(bool readsRequests) : readsRequests_(readsRequests) {}

  void feed(std::string_view bytes) {
    while (!bytes.empty() && !broken_) {
      if (!body_) {
        readHead(bytes);
      } else {
        messages_.back().body += body_->take(bytes);
      }
      if (body_) finishBody();
    }
  }

  const std::vector<Message>& messages() const { return messages_; }
  bool broken() const { return broken_; }

 private:
  void readHead(std::string_view& bytes) {
    if (readsRequests_ && head_.empty()) checkPlainRequest(bytes);
    const HeadReader::State state = head_.take(bytes);
    require(head_.text().size() <= kHeadBytesMax, "a head is longer than the limit");
    broken_ = state == HeadReader::State::TooLarge;
    if (state != HeadReader::State::Complete) return;
    if (readsRequests_) {
      const auto request = parseRequestHead(head_.text());
      if (request) checkRequest(*request);
      begin(request ? std::optional(request->body) : std::nullopt);
    } else {
      const auto response = parseResponseHead(head_.text(), false);
      if (response) checkResponse(*response);
      begin(response ? std::optional(response->body) : std::nullopt);
    }
  }

  void begin(std::optional<BodyFraming> framing) {
    if (!framing) {
      broken_ = true;
      return;
    }
    messages_.push_back({std::string(head_.text()), "", false});
    head_.reset();
    body_.emplace(*framing);
    length_ =
        framing->kind == BodyFraming::Kind::Length ? std::optional(framing->length) : std::nullopt;
  }

  void finishBody() {
    broken_ = body_->broken();
    if (length_) require(messages_.back().body.size() <= *length_, "a body exceeds its length");
    if (!body_->done()) return;
    if (length_) require(messages_.back().body.size() == *length_, "a body ends early");
    messages_.back().whole = true;
    body_.reset();
  }

  static void checkRequest(const RequestHead& head) {
    require(!head.method.empty() && !head.target.empty(), "a request without method or target");
    if (const auto target = mesos::protocol::parseTarget(head.target)) {
      target->find("id");
    }
    acceptsGzip(head.headers.find("Accept-Encoding"));
    // What we would write of it, we can read.
    mesos::protocol::Request request{head.method, head.target, {}, ""};
    const auto again = parseRequestHead(requestHeadText(request, {"127.0.0.1", 5050}));
    require(again && again->method == head.method && again->target == head.target,
            "a request that we write is not read");
  }

  /// What is read where it lies is read the same by the others.
  static void checkPlainRequest(std::string_view bytes) {
    const auto plain = readPlainRequest(bytes);
    if (!plain) return;
    HeadReader reader(bytes.size());
    std::string_view rest = bytes;
    require(reader.take(rest) == HeadReader::State::Complete &&
                bytes.size() - rest.size() == plain->size,
            "a plain request ends elsewhere");
    const auto head = parseRequestHead(reader.text());
    require(head && head->method == plain->method && head->target == plain->target &&
                head->keepAlive == plain->keepAlive && !head->http10 &&
                head->body.kind == BodyFraming::Kind::Length && head->body.length == 0,
            "a plain request is another, read fully");
  }

  static void checkResponse(const ParsedResponseHead& parsed) {
    require(parsed.head.status >= 100 && parsed.head.status <= 999, "a status has three digits");
  }

  bool readsRequests_;
  HeadReader head_{kHeadBytesMax};
  std::optional<BodyDecoder> body_;
  std::optional<std::uint64_t> length_;
  std::vector<Message> messages_;
  bool broken_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes = mesos::fuzz::textOf(data, size);
  const std::uint8_t pieces = mesos::fuzz::takeByte(bytes);
  const bool readsRequests = bytes.substr(0, 5) != "HTTP/";
  Reader whole(readsRequests), split(readsRequests);
  whole.feed(bytes);
  mesos::fuzz::inPieces(bytes, pieces, [&](std::string_view piece) { split.feed(piece); });
  require(whole.messages() == split.messages() && whole.broken() == split.broken(),
          "the messages depend on the pieces");
  return 0;
}
