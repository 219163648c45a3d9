// For tests: the HTTP messages recorded of a real Mesos, in tests/traces.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mesos::protocol::recorded {

/// The responses in tests/traces/`group`, in the order of recording.
std::vector<std::filesystem::path> responses(std::string_view group);

/// One HTTP message: its head, blank line excluded, and its body, chunks joined.
struct Message {
  std::string head;
  std::string body;

  int status() const { return std::stoi(head.substr(head.find(' ') + 1)); }
  /// Whether it is a stream of events rather than an answer (fact T3).
  bool isStream() const { return headHas("Transfer-Encoding: chunked"); }
  bool isJson() const { return headHas("Content-Type: application/json"); }
  bool headHas(std::string_view line) const { return head.find(line) != std::string::npos; }
};
/// The first message of `file`; the recording of a stream may end inside it.
Message read(const std::filesystem::path& file);

/// A response to SUBSCRIBE and what to read its events into.
struct Stream {
  std::string name;
  Message response;
  bool isExecutors = false;
};
/// Every one of the groups about schedulers and executors.
std::vector<Stream> streams();

}  // namespace mesos::protocol::recorded
