// Roles, and the two formats in which a Resource says to which of them it is reserved (fact S72).
#pragma once

#include <mesos/resources.hpp>
#include <mesos/result.hpp>
#include <mesos/types.hpp>

#include <string_view>

namespace mesos {

/// Why `role` is not a role's name (fact S21), or success.
Result<void> validateRole(std::string_view role);

/// Whether `role`, `reservation` and `reservations` are well-formed and agree (facts S72, L20).
Result<void> validateReservations(const Resource& resource);

/// To `reservations` without `role` and `reservation`. `resource` must be well-formed.
void toPostRefinement(Resource* resource);
/// From that form to `role`, with `reservation` for a dynamic one. false if the format cannot say
/// it: a reservation that refines another one.
[[nodiscard]] bool toPreRefinement(Resource* resource);

/// The role of the last, most refined, reservation; "*" if there is none. For either format.
std::string_view reservationRole(const Resource& resource);

/// Whether its last reservation was made by a RESERVE, so that an UNRESERVE may undo it. For the
/// post-refinement format.
bool isDynamicallyReserved(const Resource& resource);
/// What a RESERVE of `resources` takes and an UNRESERVE of them leaves: each without its last
/// reservation.
Resources withoutLastReservation(const Resources& resources);

}  // namespace mesos
