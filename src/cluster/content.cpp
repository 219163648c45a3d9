#include "cluster/content.hpp"

#include "base/duration.hpp"
#include "protocol/json.hpp"
#include "protocol/record_io.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace mesos::cluster {
namespace {

using protocol::Headers;
using protocol::Request;
using protocol::Response;

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return parts;
}

/// Only a q that is above zero, or absent, admits; a q that is no number excludes (fact T23).
bool admitsByQuality(const std::vector<std::string_view>& entry) {
  for (std::size_t i = 1; i < entry.size(); ++i) {
    if (entry[i].substr(0, 2) != "q=" && entry[i].substr(0, 2) != "Q=") continue;
    const std::string_view text = entry[i].substr(2);
    double quality = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quality);
    return error == std::errc() && end == text.data() + text.size() && quality > 0;
  }
  return true;
}

/// How closely a media range names `mediaType`: 3 exactly, 2 by "type/*", 1 by "*/*", 0 not.
int specificity(std::string_view range, std::string_view mediaType) {
  if (protocol::equalsIgnoringCase(range, mediaType)) return 3;
  const std::string_view wholeType = mediaType.substr(0, mediaType.find('/') + 1);
  if (range.size() == wholeType.size() + 1 && range.back() == '*' &&
      protocol::equalsIgnoringCase(range.substr(0, wholeType.size()), wholeType)) {
    return 2;
  }
  return range == "*/*" ? 1 : 0;
}

std::optional<Response> readJson(const Request& request, google::protobuf::Message* call) {
  const std::optional<protocol::JsonError> error = protocol::readJson(request.body, call);
  if (!error) return std::nullopt;
  return badRequest(error->kind == protocol::JsonError::Kind::Syntax
                        ? "Failed to parse body into JSON: " + error->message
                        : "Failed to convert JSON into Call protobuf: " + error->message);
}

}  // namespace

std::string_view nameOf(ContentType type) {
  return type == ContentType::Json ? protocol::kJson : protocol::kProtobuf;
}

bool accepts(const Headers& headers, std::string_view mediaType) {
  const std::string* accept = headers.find("Accept");
  if (accept == nullptr) return true;
  int best = 0;
  bool admitted = false;
  for (const std::string_view text : split(*accept, ',')) {
    const std::vector<std::string_view> entry = split(text, ';');
    const int closeness = specificity(entry.front(), mediaType);
    if (closeness <= best) continue;
    best = closeness;
    admitted = admitsByQuality(entry);
  }
  return admitted;
}

std::optional<ContentType> negotiate(const Headers& headers) {
  if (accepts(headers, protocol::kJson)) return ContentType::Json;
  if (accepts(headers, protocol::kProtobuf)) return ContentType::Protobuf;
  return std::nullopt;
}

std::optional<Response> readCall(const Request& request, google::protobuf::Message* call) {
  if (request.method != "POST") return methodNotAllowed(request.method);
  const std::string* contentType = request.headers.find("Content-Type");
  if (contentType == nullptr) return badRequest("Expecting 'Content-Type' to be present");
  if (*contentType == protocol::kJson) return readJson(request, call);
  if (*contentType == protocol::kProtobuf) {
    // Not ParseFromString(), which prints what is missing.
    if (call->ParsePartialFromString(request.body) && call->IsInitialized()) return std::nullopt;
    return badRequest("Failed to parse body into Call protobuf");
  }
  return plainText(415, "Expecting 'Content-Type' of application/json or application/x-protobuf");
}

std::string encode(const google::protobuf::Message& message, ContentType type) {
  return type == ContentType::Json ? protocol::toJson(message) : message.SerializePartialAsString();
}

std::string encodeEvent(const google::protobuf::Message& message, ContentType type) {
  return protocol::encodeRecord(encode(message, type));
}

Response plainText(int status, std::string body) {
  return {status, {{"Content-Type", std::string(kPlainText)}}, std::move(body)};
}

Response badRequest(std::string body) { return plainText(400, std::move(body)); }

Response notFound() { return plainText(404, "404 Not Found."); }

Response notImplemented() { return plainText(501, "501 Not Implemented."); }

Response methodNotAllowed(std::string_view received) {
  Response response = plainText(405,
                                "405 Method Not Allowed. Expecting one of { 'POST' }, "
                                "but received '" +
                                    std::string(received) + "'.");
  response.headers = {{"Allow", "POST"}, {"Content-Type", std::string(kPlainText)}};
  return response;
}

Response notAcceptable() {
  return plainText(406,
                   "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'");
}

Response accepted() { return {202, {}, {}}; }

Response answer(const google::protobuf::Message& message, ContentType type) {
  return {200, {{"Content-Type", std::string(nameOf(type))}}, encode(message, type)};
}

Response jsonAnswer(const protocol::Target& target, std::string json) {
  const std::string* callback = target.find("jsonp");
  if (callback == nullptr || callback->empty()) {
    return {200, {{"Content-Type", std::string(protocol::kJson)}}, std::move(json)};
  }
  return {200, {{"Content-Type", "text/javascript"}}, *callback + "(" + json + ")"};
}

std::optional<Response> refusalOfTimeout(const protocol::Target& target) {
  const std::string* text = target.find("timeout");
  if (text == nullptr) return std::nullopt;
  const Result<Duration> timeout = parseDuration(*text);
  if (!timeout) return badRequest("Invalid timeout '" + *text + "': " + timeout.error().message);
  if (*timeout < Duration::zero()) return badRequest("Invalid timeout '" + *text + "': negative");
  return std::nullopt;
}

}  // namespace mesos::cluster
