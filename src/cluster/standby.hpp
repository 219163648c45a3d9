// What a master answers when it does not lead, or cannot yet (facts T30-T36).
#pragma once

#include "base/time.hpp"
#include "cluster/master.hpp"
#include "protocol/http.hpp"

#include <optional>

namespace mesos::cluster {

/// For a request that only a leading master answers: 307 to the one that leads, 503 if none is
/// known, or if it is this one and it has not recovered. It comes after authentication and before
/// anything else about the request is looked at (fact T36).
std::optional<protocol::Response> refusalOfStandby(Now now, const Master& master,
                                                   const protocol::Target& target);

/// `/redirect`, which every master answers (fact T35).
protocol::Response redirectToLeader(const Master& master, const protocol::Target& target);

}  // namespace mesos::cluster
