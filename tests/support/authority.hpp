// Certificates of a test's own (make_authority.sh).
#pragma once

#include <string>

namespace mesos::support {

/// The path of one of the files that make_authority.sh makes, such as "ca.pem" or "server.key".
/// They are made once a process.
std::string authorityFile(const std::string& name);

}  // namespace mesos::support
