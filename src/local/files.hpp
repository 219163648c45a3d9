// Answers from the file system: /files/browse, /files/read, /files/download (facts W60-W63).
#pragma once

#include "cluster/http_effects.hpp"

namespace mesos::local {

/// Nothing outside of `order.root` is shown, whatever symbolic links say: 404.
protocol::Response serveFile(const cluster::ServeFile& order);

}  // namespace mesos::local
