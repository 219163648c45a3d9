#include "cluster/cors.hpp"

namespace mesos::cluster {

using protocol::Headers;
using protocol::Request;
using protocol::Response;

std::optional<std::string> Cors::allowed(const Request& request) const {
  const std::string* origin = request.headers.find("Origin");
  if (origin == nullptr) return std::nullopt;
  if (origins_.contains("*")) return "*";
  return origins_.contains(*origin) ? std::optional(*origin) : std::nullopt;
}

Headers Cors::headersFor(const Request& request) const {
  const std::optional<std::string> origin = allowed(request);
  if (!origin) return {};
  Headers headers{{"Access-Control-Allow-Origin", *origin},
                  {"Access-Control-Expose-Headers", "Mesos-Stream-Id"}};
  // A cache must not give one origin's answer to another.
  if (*origin != "*") headers.add("Vary", "Origin");
  return headers;
}

std::optional<Response> Cors::preflight(const Request& request) const {
  if (request.method != "OPTIONS" || !request.headers.has("Access-Control-Request-Method")) {
    return std::nullopt;
  }
  Headers headers = headersFor(request);
  if (headers.empty()) return std::nullopt;
  headers.add("Access-Control-Allow-Methods", "GET, POST");
  headers.add("Access-Control-Allow-Headers",
              "Accept, Authorization, Content-Type, Mesos-Stream-Id");
  headers.add("Access-Control-Max-Age", "600");
  return Response{200, std::move(headers), {}};
}

}  // namespace mesos::cluster
