// RESERVE and UNRESERVE, as they are validated (section 8.4). Resources come in the post-refinement
// format and with their allocation.
#include "cluster/validation.hpp"
#include "resources/reservations.hpp"

#include <string>

namespace mesos::cluster {
namespace {

Result<void> validateDynamic(const Resource& resource) {
  if (isDynamicallyReserved(resource)) return {};
  return Error{"Resource " + describe(resource) + " is not dynamically reserved"};
}

/// A framework without a principal may name any; one that has one must name it.
Result<void> validatePrincipal(const Resource& resource, const FrameworkInfo& framework) {
  if (framework.principal().empty()) return {};
  const auto& reservation = *resource.reservations().rbegin();
  if (!reservation.has_principal()) {
    return Error{"A reserve operation was attempted by principal '" + framework.principal() +
                 "', but there is a reserved resource in the request with no principal set"};
  }
  if (reservation.principal() == framework.principal()) return {};
  return Error{"A reserve operation was attempted by authenticated principal '" +
               framework.principal() +
               "', which does not match a reserved resource in the request with principal '" +
               reservation.principal() + "'"};
}

Result<void> validateAllocation(const Resource& resource) {
  const std::string role(reservationRole(resource));
  if (role == resource.allocation_info().role()) return {};
  return Error{"A reserve operation was attempted for a resource with role '" + role +
               "', but the resource was allocated to role '" + resource.allocation_info().role() +
               "'"};
}

}  // namespace

Result<void> validateReserve(const google::protobuf::RepeatedPtrField<Resource>& resources,
                             const FrameworkInfo& framework) {
  for (const Resource& resource : resources) {
    if (auto valid = validateDynamic(resource); !valid) return valid;
    if (resource.has_revocable()) {
      return Error{"Dynamically reserved resource " + describe(resource) +
                   " cannot be created from revocable resources"};
    }
    if (auto valid = validatePrincipal(resource, framework); !valid) return valid;
    if (auto valid = validateAllocation(resource); !valid) return valid;
  }
  return {};
}

Result<void> validateUnreserve(const google::protobuf::RepeatedPtrField<Resource>& resources) {
  for (const Resource& resource : resources) {
    if (auto valid = validateDynamic(resource); !valid) return valid;
    if (resource.disk().has_persistence()) {
      return Error{"A dynamically reserved persistent volume " + describe(resource) +
                   " cannot be unreserved directly. Please destroy the persistent volume first "
                   "then unreserve the resource"};
    }
  }
  return {};
}

}  // namespace mesos::cluster
