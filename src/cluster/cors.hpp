// Requests of web pages from other origins (CORS). Apache Mesos answers them as any other, without
// a header that lets the page read the answer; ClusterD has a flag for it (fact VD9), and so have
// we.
#pragma once

#include "protocol/http.hpp"

#include <optional>
#include <set>
#include <string>

namespace mesos::cluster {

/// The origins, such as "http://localhost:3000", whose pages may read answers and make calls; "*"
/// is every one. None, unless told.
class Cors {
 public:
  Cors() = default;
  explicit Cors(std::set<std::string> origins) : origins_(std::move(origins)) {}

  /// What to add to the answer of a request; nothing for a request that no page sent, or one of an
  /// origin that is not allowed.
  protocol::Headers headersFor(const protocol::Request& request) const;
  /// The answer to a browser that asks before it sends a call; nullopt: it is no such request, or
  /// not one of an allowed origin.
  std::optional<protocol::Response> preflight(const protocol::Request& request) const;

 private:
  /// The origin to name in the answer; nullopt: it is not allowed.
  std::optional<std::string> allowed(const protocol::Request& request) const;

  std::set<std::string> origins_;
};

}  // namespace mesos::cluster
