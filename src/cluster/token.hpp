// JSON Web Tokens signed with HS256: what an agent gives its executors (fact T47).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mesos::cluster {

using Claims = std::map<std::string, std::string>;

std::string makeToken(const Claims& claims, std::string_view key);
/// The claims that are texts; nullopt unless it is a token of HS256, whole and signed with `key`.
std::optional<Claims> readToken(std::string_view token, std::string_view key);

}  // namespace mesos::cluster
