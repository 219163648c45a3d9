#include "cluster/recorded_exchange.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace mesos::cluster {
namespace {

using protocol::Headers;

std::string readFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  MESOS_CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The next line, without its end.
std::string_view takeLine(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 2);
  return line;
}

Headers takeHeaders(std::string_view& rest) {
  Headers headers;
  for (std::string_view line = takeLine(rest); !line.empty(); line = takeLine(rest)) {
    const std::size_t colon = line.find(':');
    std::string_view value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    headers.add(std::string(line.substr(0, colon)), std::string(value));
  }
  return headers;
}

std::string dechunked(std::string_view rest) {
  std::string body;
  while (!rest.empty()) {
    const std::size_t size = std::stoul(std::string(takeLine(rest)), nullptr, 16);
    if (size == 0) break;
    body += rest.substr(0, size);
    rest.remove_prefix(std::min(rest.size(), size + 2));
  }
  return body;
}

std::string takeBody(const Headers& headers, std::string_view rest) {
  if (headers.has("Transfer-Encoding")) return dechunked(rest);
  const std::string* length = headers.find("Content-Length");
  return std::string(rest.substr(0, length == nullptr ? 0 : std::stoul(*length)));
}

}  // namespace

std::vector<RecordedExchange> readRecorded(const std::string& group) {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(MESOS_TRACES_DIR) / group)) {
    if (entry.path().extension() == ".request") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  std::vector<RecordedExchange> exchanges;
  for (const std::string& name : names) exchanges.push_back(readRecorded(group, name));
  return exchanges;
}

RecordedExchange readRecorded(const std::string& group, const std::string& name) {
  const std::filesystem::path folder = std::filesystem::path(MESOS_TRACES_DIR) / group;
  return {name, readFile(folder / (name + ".request")), readFile(folder / (name + ".response"))};
}

protocol::Request parseRequest(const std::string& bytes) {
  std::string_view rest = bytes;
  const std::string_view line = takeLine(rest);
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  protocol::Request request;
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, second - first - 1);
  request.headers = takeHeaders(rest);
  request.body = takeBody(request.headers, rest);
  return request;
}

protocol::Response parseResponse(const std::string& bytes) {
  std::string_view rest = bytes;
  const std::string_view line = takeLine(rest);
  protocol::Response response;
  response.status = std::stoi(std::string(line.substr(line.find(' ') + 1)));
  const Headers headers = takeHeaders(rest);
  response.body = takeBody(headers, rest);
  for (const auto& [name, value] : headers) {
    const bool transports =
        name == "Date" || name == "Content-Length" || name == "Transfer-Encoding";
    if (!transports) response.headers.add(name, value);
  }
  return response;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace mesos::cluster
