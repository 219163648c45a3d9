// Recorded requests and answers of a real Mesos (tests/traces), read for tests that replay them.
#pragma once

#include "protocol/http.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mesos::cluster {

struct RecordedExchange {
  std::string name;      ///< "001-get-scheduler-405".
  std::string request;   ///< As sent, byte by byte.
  std::string response;  ///< As received; empty: closed without an answer.
};

/// The exchanges of one group, such as "http-errors", in the order they were recorded.
std::vector<RecordedExchange> readRecorded(const std::string& group);
RecordedExchange readRecorded(const std::string& group, const std::string& name);

/// The first message of a well-formed request. Values keep their trailing blanks.
protocol::Request parseRequest(const std::string& bytes);
/// The same of a response, its body without chunk framing; what only the transport adds (Date,
/// Content-Length, Transfer-Encoding) is left out.
protocol::Response parseResponse(const std::string& bytes);

/// `text` with every `from` replaced.
std::string replaced(std::string text, std::string_view from, std::string_view to);

}  // namespace mesos::cluster
