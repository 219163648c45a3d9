#include "cluster/routing.hpp"

#include "cluster/content.hpp"

#include <algorithm>

namespace mesos::cluster {
namespace {

/// Each component behind one slash; empty ones are dropped.
std::string withoutEmptyComponents(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), component.size() + 1));
    if (!component.empty()) result.append("/").append(component);
  }
  return result;
}

}  // namespace

std::optional<std::string> canonicalPath(std::string_view path, std::string_view defaultActor,
                                         const Actors& actors) {
  if (path.find("/..") != path.npos) return std::nullopt;
  std::string clean = withoutEmptyComponents(path);
  if (!clean.empty()) {
    const std::size_t end = std::min(clean.find('/', 1), clean.size());
    // A malformed first component is simply no actor, and then no endpoint either.
    const auto first = protocol::percentDecode(std::string_view(clean).substr(1, end - 1), false);
    if (first && actors.contains(*first)) return "/" + *first + clean.substr(end);
  }
  return "/" + std::string(defaultActor) + clean;
}

std::variant<protocol::Target, Hangup, Respond> targetOf(RequestId id,
                                                         const protocol::Request& request) {
  std::optional<protocol::Target> target = protocol::parseTarget(request.target);
  if (!target) return Hangup{id};
  if (target->path.starts_with('/')) return *std::move(target);
  if (target->path.empty()) return protocol::Target{"/", std::move(target->query)};
  if (target->path == "*") return Respond{id, badRequest("Request URL path must start with '/'")};
  return Hangup{id};
}

}  // namespace mesos::cluster
