// How a person names a master.
#pragma once

#include "protocol/http.hpp"

#include <mesos/result.hpp>

#include <string>

namespace mesos::transport {

/// `HOST:PORT`, `http://HOST:PORT`, or `file:///PATH` of a file whose content is one of them (fact
/// Z3).
Result<protocol::Address> masterAddress(const std::string& text);

}  // namespace mesos::transport
