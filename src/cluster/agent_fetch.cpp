#include "cluster/agent_fetch.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace mesos::cluster {

namespace {

std::string_view trimmedFront(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n\v\f\r");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

Result<void> validateLocation(const std::string& uri) {
  if (uri.find_first_of(std::string_view("\\'\0", 3)) != std::string::npos) {
    return Error{"Illegal characters in URI"};
  }
  const auto scheme = uri.find("://");
  if (scheme == std::string::npos || scheme < 2) return {};  // A path.
  const std::string_view rest = std::string_view(uri).substr(scheme + 3);
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos || slash + 1 == rest.size()) {
    return Error{"Malformed URI (missing path): " + uri};
  }
  return {};
}

bool climbs(std::string_view path) {
  while (true) {
    const auto slash = path.find('/');
    if (path.substr(0, slash) == "..") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
}

Result<void> validateOutputFile(const std::string& path) {
  if (path.empty()) return Error{"URI output file path is empty"};
  // Mesos lets ".." out of the sandbox; nobody needs that (fact F8).
  if (path.front() == '/' || climbs(path)) {
    return Error{"URI output file must be within the sandbox directory"};
  }
  return {};
}

}  // namespace

Result<void> validateUris(const CommandInfo& command) {
  for (const auto& uri : command.uris()) {
    if (auto valid = validateLocation(std::string(trimmedFront(uri.value()))); !valid) return valid;
    if (!uri.has_output_file()) continue;
    if (auto valid = validateOutputFile(uri.output_file()); !valid) return valid;
  }
  return {};
}

std::vector<CommandInfo::URI> urisToFetch(const CommandInfo& command) {
  std::vector<CommandInfo::URI> uris;
  for (const auto& uri : command.uris()) {
    const auto isSame = [&](const CommandInfo::URI& other) {
      return other.SerializeAsString() == uri.SerializeAsString();
    };
    if (std::none_of(uris.begin(), uris.end(), isSame)) uris.push_back(uri);
  }
  for (auto& uri : uris) uri.set_value(std::string(trimmedFront(uri.value())));
  return uris;
}

}  // namespace mesos::cluster
