#include "executor/page.hpp"

#include <algorithm>
#include <utility>

namespace mesos::executor {

using protocol::Request;
using protocol::Response;

namespace {

constexpr std::string_view kPlain = "text/plain; charset=utf-8";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
// A longer page is sent as it lies; the bytes of a standing answer are a copy.
constexpr std::size_t kStandingBytesMax = 16 * 1024;

bool beginsWith(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         protocol::equalsIgnoringCase(text.substr(0, prefix.size()), prefix);
}

Response refusal(int status) {
  return {.status = status,
          .headers = {{"Content-Type", std::string(kPlain)}},
          .body = std::string(protocol::reasonOf(status)) + "\n"};
}

}  // namespace

std::string_view contentTypeOf(std::string_view content) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  content.remove_prefix(std::min(content.find_first_not_of(" \t\r\n"), content.size()));
  return beginsWith(content, "<!doctype html") || beginsWith(content, "<html") ? kHtml : kPlain;
}

Page::Page(std::string content) {
  page_.headers.add("Content-Type", std::string(contentTypeOf(content)));
  page_.body = std::move(content);
}

Response Page::answer(const Request& request) const {
  const auto target = protocol::parseTarget(request.target);
  if (!target) return refusal(400);
  if (target->path != "/") return refusal(404);
  if (request.method != "GET" && request.method != "HEAD") {
    Response response = refusal(405);
    response.headers.add("Allow", "GET, HEAD");
    return response;
  }
  return page_;
}

const Response* Page::standingAnswer(std::string_view method, std::string_view target) const {
  return method == "GET" && target == "/" && page_.body.size() <= kStandingBytesMax ? &page_
                                                                                    : nullptr;
}

}  // namespace mesos::executor
