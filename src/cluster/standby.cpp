#include "cluster/standby.hpp"

#include "cluster/content.hpp"
#include "cluster/routing.hpp"

#include <cstdio>
#include <string>
#include <string_view>

namespace mesos::cluster {
namespace {

using protocol::Response;
using protocol::Target;

enum class Surface {
  Api,       // Also wants a master that has recovered (fact T34).
  Endpoint,  // Shows an empty cluster until then.
};

/// What only a leading master answers, also where this one has no such endpoint (fact T30).
const Endpoints<Surface>& leaderOnly() {
  static const Endpoints<Surface> endpoints("master",
                                            {{"/master/api/v1", Surface::Api},
                                             {"/master/api/v1/scheduler", Surface::Api},
                                             {"/master/create-volumes", Surface::Endpoint},
                                             {"/master/destroy-volumes", Surface::Endpoint},
                                             {"/master/frameworks", Surface::Endpoint},
                                             {"/master/machine/down", Surface::Endpoint},
                                             {"/master/machine/up", Surface::Endpoint},
                                             {"/master/maintenance/schedule", Surface::Endpoint},
                                             {"/master/maintenance/status", Surface::Endpoint},
                                             {"/master/quota", Surface::Endpoint},
                                             {"/master/reserve", Surface::Endpoint},
                                             {"/master/roles", Surface::Endpoint},
                                             {"/master/slaves", Surface::Endpoint},
                                             {"/master/state", Surface::Endpoint},
                                             {"/master/state-summary", Surface::Endpoint},
                                             {"/master/tasks", Surface::Endpoint},
                                             {"/master/teardown", Surface::Endpoint},
                                             {"/master/unreserve", Surface::Endpoint},
                                             {"/master/weights", Surface::Endpoint}});
  return endpoints;
}

void appendEncoded(std::string& out, std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  for (const char c : text) {
    if (kPlain.find(c) != kPlain.npos) {
      out += c;
      continue;
    }
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
    out += code;
  }
}

/// "//host:port", without a scheme (fact T31).
std::string leadersPlace(const MasterInfo& leader) {
  return "//" + leader.hostname() + ":" + std::to_string(leader.port());
}

/// The path after delegation, and the query (facts T31, T32).
std::string delegated(const Target& target) {
  std::string place = canonicalPath(target.path, "master", {"master"}).value_or("/master");
  if (target.path.ends_with('/')) place += '/';
  char separator = '?';
  for (const auto& [key, value] : target.query) {
    place += separator;
    appendEncoded(place, key);
    place += '=';
    appendEncoded(place, value);
    separator = '&';
  }
  return place;
}

Response redirect(std::string location) { return {307, {{"Location", std::move(location)}}, {}}; }

Response unavailable(const char* reason) { return plainText(503, reason); }

}  // namespace

std::optional<Response> refusalOfStandby(Now now, const Master& master, const Target& target) {
  const auto* endpoint = leaderOnly().find(target.path);
  if (endpoint == nullptr) return std::nullopt;
  const std::optional<MasterInfo>& leader = master.leader();
  if (!leader) return unavailable("No leader elected");
  if (!master.leads()) return redirect(leadersPlace(*leader) + delegated(target));
  if (endpoint->second == Surface::Api && master.isRecovering(now)) {
    return unavailable("Master has not finished recovery");
  }
  return std::nullopt;
}

Response redirectToLeader(const Master& master, const Target& target) {
  // Only these very paths, so that a client that appends to Location ends in a 404 (fact T35).
  if (target.path != "/redirect" && target.path != "/master/redirect") return notFound();
  if (!master.leader()) return unavailable("No leader elected");
  return redirect(leadersPlace(*master.leader()));
}

}  // namespace mesos::cluster
