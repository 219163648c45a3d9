// How a path finds its endpoint: actors, delegation, longest prefix (facts T7-T9).
#pragma once

#include "base/time.hpp"
#include "cluster/authentication.hpp"
#include "cluster/http_effects.hpp"
#include "protocol/http.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace mesos::cluster {

/// Names that may be the first component of a path, such as "master", "files" or "slave(1)".
using Actors = std::set<std::string, std::less<>>;

/// "/actor/rest" of a path: doubled and trailing slashes gone, the first component percent-decoded
/// if that makes it an actor, `defaultActor` put before it if not. nullopt: the path holds "/..".
std::optional<std::string> canonicalPath(std::string_view path, std::string_view defaultActor,
                                         const Actors& actors);

/// One request on its way to the endpoint that answers it.
struct Exchange {
  Now now;
  RequestId id;
  const protocol::Request& request;
  const protocol::Target& target;
  std::optional<Principal> principal = std::nullopt;  ///< Unset where nobody is asked (fact T44).
};

/// What answers which path, by "/actor/path".
template <typename Handler>
class Endpoints {
 public:
  Endpoints(std::string defaultActor, std::map<std::string, Handler, std::less<>> handlers)
      : defaultActor_(std::move(defaultActor)), handlers_(std::move(handlers)) {
    for (const auto& [path, handler] : handlers_) {
      actors_.insert(path.substr(1, path.find('/', 1) - 1));
    }
  }

  /// An endpoint's name and what answers there.
  using Entry = typename std::map<std::string, Handler, std::less<>>::value_type;

  /// The one with the longest prefix of `path`, by whole components; nullptr if none.
  const Entry* find(std::string_view path) const {
    const std::optional<std::string> canonical = canonicalPath(path, defaultActor_, actors_);
    if (!canonical) return nullptr;
    for (std::string_view rest = *canonical; !rest.empty(); rest.remove_suffix(1)) {
      const bool whole = rest.size() == canonical->size() || (*canonical)[rest.size()] == '/';
      if (!whole) continue;
      const auto found = handlers_.find(rest);
      if (found != handlers_.end()) return &*found;
    }
    return nullptr;
  }

 private:
  std::string defaultActor_;
  std::map<std::string, Handler, std::less<>> handlers_;
  Actors actors_;
};

/// The request's target, or what answers a request that has none: nothing at all for a malformed
/// %XX (T7), a refusal for "*".
std::variant<protocol::Target, Hangup, Respond> targetOf(RequestId id,
                                                         const protocol::Request& request);

}  // namespace mesos::cluster
