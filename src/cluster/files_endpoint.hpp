// /files/browse, /files/read, /files/download and /files/debug (section 16.4): from a query to what
// the shell is to read on disk. By text alone; the shell guards against links that lead outside.
#pragma once

#include "cluster/agent.hpp"
#include "cluster/http_effects.hpp"
#include "protocol/http.hpp"

#include <map>
#include <string>
#include <variant>

namespace mesos::cluster {

/// Attached directories: what requests call them, and where they are on disk.
using AttachedPaths = std::map<std::string, std::string>;

/// Every executor's sandbox, under its real path and as the latest run (fact W64).
AttachedPaths attachedPaths(const Agent& agent);

/// `{"virtual":"real",…}`, the answer of /files/debug.
std::string attachedPathsJson(const AttachedPaths& paths);

/// What to do for LIST_FILES (Browse) or READ_FILE (Read).
std::variant<protocol::Response, ServeFile> serveFile(RequestId id, ServeFile::Kind kind,
                                                      const std::string& path,
                                                      const AttachedPaths& paths);
/// What to do for a /files request: refuse it, or let the shell answer.
std::variant<protocol::Response, ServeFile> serveFile(RequestId id, ServeFile::Kind kind,
                                                      const protocol::Target& target,
                                                      const AttachedPaths& paths);

}  // namespace mesos::cluster
