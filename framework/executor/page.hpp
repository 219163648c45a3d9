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

 private:
  std::string content_;
  std::string_view type_;
};

/// text/html if `content` begins like a page, else text/plain; both UTF-8.
std::string_view contentTypeOf(std::string_view content);

}  // namespace mesos::executor
