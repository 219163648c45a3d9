#include "resources/reservations.hpp"

#include <algorithm>
#include <string>

namespace mesos {
namespace {

using Reservation = Resource::ReservationInfo;

constexpr std::string_view kUnreserved = "*";
// With `-` and the blanks among them these would make trouble in command lines and paths.
constexpr std::string_view kForbiddenBytes = " \t\n\v\f\r\x7f";

Error invalidRole(std::string_view role, std::string_view why) {
  return Error{"Role '" + std::string(role) + "' is invalid: " + std::string(why)};
}

Result<void> validateComponent(std::string_view role, std::string_view component) {
  if (component.empty()) return invalidRole(role, "it starts or ends with '/' or has '//'");
  if (component == "." || component == ".." || component == kUnreserved) {
    return invalidRole(role, "a component of it is '" + std::string(component) + "'");
  }
  if (component.front() == '-') return invalidRole(role, "a component of it starts with '-'");
  return {};
}

Result<void> validatePreRefinement(const Resource& resource) {
  if (auto valid = validateRole(resource.role()); !valid) return valid;
  if (!resource.has_reservation()) return {};
  if (resource.role() == kUnreserved) {
    return Error{"'reservation' is set, but no role to which the resource is reserved"};
  }
  if (resource.reservation().has_type() || resource.reservation().has_role()) {
    return Error{"'type' and 'role' belong into 'reservations', not into 'reservation'"};
  }
  return {};
}

Result<void> validateReservation(const Reservation& reservation, const Reservation* refined) {
  if (reservation.type() != Reservation::STATIC && reservation.type() != Reservation::DYNAMIC) {
    return Error{"A reservation's 'type' must be STATIC or DYNAMIC"};
  }
  if (!reservation.has_role()) return Error{"A reservation's 'role' must be set"};
  if (auto valid = validateRole(reservation.role()); !valid) return valid;
  if (reservation.role() == kUnreserved) return Error{"Role '*' cannot be reserved to"};
  if (refined == nullptr) return {};
  if (reservation.type() == Reservation::STATIC) {
    return Error{"A static reservation cannot refine another one"};
  }
  if (reservation.role().rfind(refined->role() + '/', 0) != 0) {
    return Error{"Role '" + reservation.role() + "' does not refine role '" + refined->role() +
                 "'"};
  }
  return {};
}

Result<void> validatePostRefinement(const Resource& resource) {
  const Reservation* refined = nullptr;
  for (const auto& reservation : resource.reservations()) {
    if (auto valid = validateReservation(reservation, refined); !valid) return valid;
    refined = &reservation;
  }
  return {};
}

Reservation withoutTypeAndRole(Reservation reservation) {
  reservation.clear_type();
  reservation.clear_role();
  return reservation;
}

/// Both formats in one resource pass only if they say the same (fact S72).
Result<void> validateAgreement(const Resource& resource) {
  if (!resource.has_role() && !resource.has_reservation()) return {};
  const Reservation& last = *resource.reservations().rbegin();
  if (!resource.has_role() || resource.role() != last.role()) {
    return Error{"'role' and 'reservations' contradict each other"};
  }
  const bool dynamic = last.type() == Reservation::DYNAMIC;
  if (dynamic != resource.has_reservation()) {
    return Error{"'reservation' and 'reservations' contradict each other"};
  }
  if (dynamic &&
      resource.reservation().SerializeAsString() != withoutTypeAndRole(last).SerializeAsString()) {
    return Error{"'reservation' and 'reservations' contradict each other"};
  }
  return {};
}

}  // namespace

Result<void> validateRole(std::string_view role) {
  if (role == kUnreserved) return {};
  if (role.empty()) return Error{"A role's name must not be empty"};
  if (role.find_first_of(kForbiddenBytes) != role.npos) {
    return invalidRole(role, "it has white space or a DEL character");
  }
  for (std::size_t begin = 0; begin <= role.size();) {
    const std::size_t end = std::min(role.find('/', begin), role.size());
    if (auto valid = validateComponent(role, role.substr(begin, end - begin)); !valid) return valid;
    begin = end + 1;
  }
  return {};
}

Result<void> validateReservations(const Resource& resource) {
  if (resource.reservations().empty()) return validatePreRefinement(resource);
  if (auto valid = validatePostRefinement(resource); !valid) return valid;
  return validateAgreement(resource);
}

void toPostRefinement(Resource* resource) {
  if (resource->reservations().empty() && resource->role() != kUnreserved) {
    Reservation* reservation = resource->add_reservations();
    if (resource->has_reservation()) *reservation = resource->reservation();
    reservation->set_type(resource->has_reservation() ? Reservation::DYNAMIC : Reservation::STATIC);
    reservation->set_role(resource->role());
  }
  resource->clear_role();
  resource->clear_reservation();
}

bool toPreRefinement(Resource* resource) {
  if (resource->reservations_size() > 1) return false;
  resource->set_role(std::string(reservationRole(*resource)));
  if (!resource->reservations().empty()) {
    const Reservation& only = resource->reservations(0);
    if (only.type() == Reservation::DYNAMIC) {
      *resource->mutable_reservation() = withoutTypeAndRole(only);
    }
    resource->clear_reservations();
  }
  return true;
}

std::string_view reservationRole(const Resource& resource) {
  if (resource.reservations().empty()) return resource.role();
  return resource.reservations().rbegin()->role();
}

bool isDynamicallyReserved(const Resource& resource) {
  return resource.reservations_size() > 0 &&
         resource.reservations().rbegin()->type() == Reservation::DYNAMIC;
}

Resources withoutLastReservation(const Resources& resources) {
  Resources result;
  for (Resource resource : resources) {
    if (resource.reservations_size() > 0) resource.mutable_reservations()->RemoveLast();
    result += Resources(resource);
  }
  return result;
}

}  // namespace mesos
