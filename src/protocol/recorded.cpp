#include "protocol/recorded.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace mesos::protocol::recorded {
namespace {

std::string joinChunks(std::string_view body) {
  std::string joined;
  while (!body.empty()) {
    const std::size_t lineEnd = body.find("\r\n");
    const std::size_t size = std::stoul(std::string(body.substr(0, lineEnd)), nullptr, 16);
    if (size == 0) break;
    body.remove_prefix(lineEnd + 2);
    joined += body.substr(0, size);
    body.remove_prefix(std::min(body.size(), size + 2));
  }
  return joined;
}

}  // namespace

std::vector<std::filesystem::path> responses(std::string_view group) {
  std::vector<std::filesystem::path> found;
  const auto folder = std::filesystem::path(MESOS_TRACES) / group;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".response") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Message read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return {bytes, ""};
  Message message{bytes.substr(0, end), bytes.substr(end + 4)};
  if (message.isStream()) message.body = joinChunks(message.body);
  constexpr std::string_view kLength = "Content-Length: ";
  if (const std::size_t at = message.head.find(kLength); at != message.head.npos) {
    message.body.resize(
        std::min(message.body.size(), std::stoul(message.head.substr(at + kLength.size()))));
  }
  return message;
}

std::vector<Stream> streams() {
  std::vector<Stream> found;
  for (const std::string_view group :
       {"executor-json", "executor-protobuf", "failover-json", "http-errors", "lifecycle-json",
        "lifecycle-protobuf", "subscribe-json", "subscribe-protobuf"}) {
    for (const auto& file : responses(group)) {
      Message response = read(file);
      if (!response.isStream()) continue;
      found.push_back({std::string(group) + '/' + file.filename().string(), std::move(response),
                       group.substr(0, 8) == "executor"});
    }
  }
  return found;
}

}  // namespace mesos::protocol::recorded
