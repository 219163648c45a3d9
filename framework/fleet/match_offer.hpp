// Whether one more server fits into what an agent offers, and if not, why.
#pragma once

#include "fleet/app_spec.hpp"

#include <mesos/resources.hpp>
#include <mesos/result.hpp>

#include <cstdint>
#include <set>

namespace mesos::fleet {

/// What one server takes out of an offer, reservations and allocation kept (fact L14).
struct Placement {
  Resources task;
  Resources executor;
  std::uint16_t port = 0;
};

/// Finds room for one server of `app`, on the lowest port offered that is not in `avoidedPorts`.
/// The error is a sentence that says everything that is missing.
Result<Placement> matchOffer(const AppSpec& app, const Resources& offered,
                             const std::set<std::uint16_t>& avoidedPorts);

/// The lowest port offered that is not in `avoidedPorts`; 0: none.
std::uint16_t choosePort(const Resources& offered, const std::set<std::uint16_t>& avoidedPorts);

}  // namespace mesos::fleet
