// An HTTP answer that is no stream: a status, and as much of its text as a log line wants.
#pragma once

#include "protocol/http.hpp"

#include <string>
#include <string_view>

namespace mesos::protocol {

class Answer {
 public:
  explicit Answer(ResponseHead head) : head_(std::move(head)) {}

  int status() const { return head_.status; }
  bool succeeded() const { return head_.status >= 200 && head_.status < 300; }
  const std::string* header(std::string_view name) const { return head_.headers.find(name); }
  /// Keeps the beginning and forgets the rest, however much a peer sends.
  void append(std::string_view bytes);
  /// "400 Bad Request: Framework cannot be found", on one line. For people, not for parsing (T2).
  std::string describe() const;

 private:
  ResponseHead head_;
  std::string text_;
};

}  // namespace mesos::protocol
