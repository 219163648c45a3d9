// What one web server answers: a page, and nothing else. Pure.
#pragma once

#include "protocol/http.hpp"

#include <string>
#include <string_view>

namespace mesos::executor {

/// The content at `/`, for GET and HEAD.
class Page {
 public:
  explicit Page(std::string content);

  protocol::Response answer(const protocol::Request& request) const;
  /// What answer() answers, without a copy, if it is short and nothing else than the page is asked
  /// for; else nullptr.
  const protocol::Response* standingAnswer(std::string_view method, std::string_view target) const;

 private:
  protocol::Response page_;
};

/// text/html if `content` begins like a page, else text/plain; both UTF-8.
std::string_view contentTypeOf(std::string_view content);

}  // namespace mesos::executor
