#include "cluster/validation.hpp"

#include "resources/reservations.hpp"
#include "resources/values.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>
#include <vector>

namespace mesos::cluster {
namespace {

constexpr std::size_t kMaxIdLength = 255;

std::string inBraces(const std::set<std::string>& items) {
  std::string text = "{ ";
  for (const std::string& item : items) {
    if (text.size() > 2) text += ", ";
    text += item;
  }
  return text + " }";
}

/// Mesos' sentence about a role that validateRole() refuses.
std::string roleFault(const std::string& role) {
  const std::string subject = "Role '" + role + "' ";
  if (role.empty()) return "Role names cannot be the empty string";
  if (role.front() == '/') return subject + "cannot start with a slash";
  if (role.back() == '/') return subject + "cannot end with a slash";
  if (role.find("//") != std::string::npos) return subject + "cannot contain two adjacent slashes";
  std::istringstream components(role);
  for (std::string component; std::getline(components, component, '/');) {
    if (component == "." || component == ".." || component == "*") {
      return subject + "cannot include '" + component + "' as a component";
    }
    if (component.front() == '-') {
      return "Role component '" + component + "' is invalid because it begins with a dash";
    }
  }
  return subject + "is invalid because it contains backspace or whitespace";
}

Result<void> validateRoles(const FrameworkInfo& framework) {
  if (!hasCapability(framework, FrameworkInfo::Capability::MULTI_ROLE)) {
    if (framework.roles_size() > 0) {
      return Error{
          "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"};
    }
    if (!validateRole(framework.role())) {
      return Error{"'FrameworkInfo.role' is not a valid role: " + roleFault(framework.role())};
    }
    return {};
  }
  if (framework.has_role()) {
    return Error{"'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"};
  }
  std::set<std::string> seen;
  std::set<std::string> repeated;
  for (const std::string& role : framework.roles()) {
    if (!seen.insert(role).second) repeated.insert(role);
  }
  if (!repeated.empty()) {
    return Error{"'FrameworkInfo.roles' contains duplicate items: " + inBraces(repeated)};
  }
  for (const std::string& role : framework.roles()) {
    if (!validateRole(role)) {
      return Error{"'FrameworkInfo.roles' contains invalid role: " + roleFault(role)};
    }
  }
  return {};
}

Result<void> validateOfferFilters(const FrameworkInfo& framework) {
  for (const auto& [role, filters] : framework.offer_filters()) {
    for (const auto& quantities : filters.min_allocatable_resources().quantities()) {
      if (quantities.quantities().empty()) {
        return Error{"Invalid 'FrameworkInfo.offer_filters' of role '" + role +
                     "': resource quantities must name at least one resource"};
      }
      for (const auto& [name, scalar] : quantities.quantities()) {
        const double value = scalar.value();
        if (value >= 0) continue;
        return Error{
            "Invalid resource quantity for '" + name + "': " +
            (value < 0 ? "Negative values not supported" : "Not a number is not supported")};
      }
    }
  }
  return {};
}

/// What Mesos' durations hold: nanoseconds in 64 bits (fact S52).
Result<void> validateFailoverTimeout(const FrameworkInfo& framework) {
  constexpr double kMaxSeconds = 9223372036.8547758;
  const double seconds = framework.failover_timeout();
  if (std::abs(seconds) < kMaxSeconds) return {};
  std::ostringstream text;
  text << "The framework failover_timeout (" << seconds << ") is invalid";
  return Error{text.str()};
}

/// What a SUBSCRIBE and an UPDATE_FRAMEWORK say about roles, beside the FrameworkInfo.
template <typename Message>
Result<void> validateRoleLists(const Message& message) {
  const std::set<std::string> roles = rolesOf(message.framework_info());
  std::set<std::string> others;
  for (const std::string& role : message.suppressed_roles()) {
    if (roles.count(role) == 0) others.insert(role);
  }
  if (!others.empty()) {
    return Error{"Suppressed roles " + inBraces(others) + " are not contained in the set of roles"};
  }
  for (const auto& [role, constraints] : message.offer_constraints().role_constraints()) {
    if (roles.count(role) == 0) {
      return Error{"Offer constraints specify `role_constraints` for a role '" + role +
                   "'not contained in the set of roles"};
    }
    if (constraints.groups().empty()) {
      return Error{"Offer constraints of role '" + role + "' must have at least one group"};
    }
  }
  return {};
}

}  // namespace

bool hasCapability(const FrameworkInfo& framework, FrameworkInfo::Capability::Type capability) {
  return std::any_of(framework.capabilities().begin(), framework.capabilities().end(),
                     [&](const auto& one) { return one.type() == capability; });
}

std::set<std::string> rolesOf(const FrameworkInfo& framework) {
  if (!hasCapability(framework, FrameworkInfo::Capability::MULTI_ROLE)) return {framework.role()};
  return {framework.roles().begin(), framework.roles().end()};
}

Result<void> validateId(std::string_view id) {
  if (id.empty()) return Error{"ID must not be empty"};
  if (id.size() > kMaxIdLength) {
    return Error{"ID must not be greater than " + std::to_string(kMaxIdLength) + " characters"};
  }
  if (id == "." || id == "..") return Error{"'" + std::string(id) + "' is disallowed"};
  const auto isInvalid = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '/' || c == '\\';
  };
  if (std::any_of(id.begin(), id.end(), isInvalid)) {
    return Error{"'" + std::string(id) + "' contains invalid characters"};
  }
  return {};
}

Result<void> validateFramework(const FrameworkInfo& framework) {
  if (const auto valid = validateRoles(framework); !valid) return valid;
  if (framework.has_id() && !framework.id().value().empty()) {
    if (const auto valid = validateId(framework.id().value()); !valid) return valid;
  }
  if (const auto valid = validateOfferFilters(framework); !valid) return valid;
  return validateFailoverTimeout(framework);
}

Result<void> validateSubscribe(const v1::scheduler::Call::Subscribe& subscribe) {
  if (const auto valid = validateFramework(subscribe.framework_info()); !valid) return valid;
  return validateRoleLists(subscribe);
}

Result<void> validatePrincipal(const FrameworkInfo& known, const FrameworkInfo& updated) {
  if (known.has_principal() == updated.has_principal() &&
      known.principal() == updated.principal()) {
    return {};
  }
  return Error{"Changing framework's principal is not allowed."};
}

Result<void> validateUpdate(const FrameworkInfo& known,
                            const v1::scheduler::Call::UpdateFramework& update) {
  const FrameworkInfo& updated = update.framework_info();
  if (const auto valid = validateFramework(updated); !valid) {
    return Error{"Supplied FrameworkInfo is not valid: " + valid.error().message};
  }
  const auto unchanged = [](const char* field, const std::string& from, const std::string& to) {
    if (from == to) return Result<void>();
    return Result<void>(Error{"Updating 'FrameworkInfo." + std::string(field) +
                              "' is unsupported; attempted to update from '" + from + "' to '" +
                              to + "'"});
  };
  const auto yesOrNo = [](bool value) { return std::string(value ? "true" : "false"); };
  for (const auto& valid :
       {validatePrincipal(known, updated), unchanged("user", known.user(), updated.user()),
        unchanged("checkpoint", yesOrNo(known.checkpoint()), yesOrNo(updated.checkpoint()))}) {
    if (!valid) return Error{"FrameworkInfo update is not valid: " + valid.error().message};
  }
  return validateRoleLists(update);
}

std::string describe(const Resource& resource) {
  std::string text = resource.name();
  if (resource.has_allocation_info()) {
    text += "(allocated: " + resource.allocation_info().role() + ")";
  }
  if (resource.reservations_size() > 0) {
    text += "(reservations: [";
    for (const auto& reservation : resource.reservations()) {
      if (text.back() == ')') text += ',';
      text += "(" + Resource::ReservationInfo::Type_Name(reservation.type()) + ",";
      text += reservation.role();
      if (reservation.has_principal()) text += "," + reservation.principal();
      text += ")";
    }
    text += "])";
  }
  if (resource.has_disk()) {
    text += "[";
    if (resource.disk().has_persistence()) text += resource.disk().persistence().id();
    if (resource.disk().has_volume()) text += ":" + resource.disk().volume().container_path();
    text += "]";
  }
  if (resource.has_revocable()) text += "{REV}";
  if (resource.has_shared()) text += "<SHARED>";
  return text + ":" + valueToString(resource);
}

std::string describe(const Resources& resources) {
  std::string text;
  for (const Resource& resource : resources) {
    if (!text.empty()) text += "; ";
    text += describe(resource);
  }
  return text;
}

}  // namespace mesos::cluster
