// How a person names the masters of a cluster, if need be in a file.
#pragma once

#include "protocol/master_spec.hpp"

#include <mesos/result.hpp>

#include <string>

namespace mesos::transport {

/// As protocol::parseMasterSpec, but a file is read now: what comes back is an Address or a
/// ZooKeeperUrl. A file may name another one, a few times over.
Result<protocol::MasterSpec> masterSpec(const std::string& text);

}  // namespace mesos::transport
