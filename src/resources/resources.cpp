#include <mesos/resources.hpp>

#include "resources/reservations.hpp"
#include "resources/values.hpp"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <atomic>
#include <ostream>
#include <set>

namespace mesos {
namespace {

using Protos = google::protobuf::RepeatedPtrField<Resource>;

bool sameMessage(bool hasA, const google::protobuf::MessageLite& a, bool hasB,
                 const google::protobuf::MessageLite& b) {
  return hasA == hasB && (!hasA || a.SerializeAsString() == b.SerializeAsString());
}

bool sameReservations(const Resource& a, const Resource& b) {
  return std::equal(a.reservations().begin(), a.reservations().end(), b.reservations().begin(),
                    b.reservations().end(), [](const auto& left, const auto& right) {
                      return left.role() == right.role() && left.type() == right.type() &&
                             left.principal() == right.principal() &&
                             left.has_principal() == right.has_principal() &&
                             sameMessage(left.has_labels(), left.labels(), right.has_labels(),
                                         right.labels());
                    });
}

bool sameAllocation(const Resource& a, const Resource& b) {
  return a.has_allocation_info() == b.has_allocation_info() &&
         a.allocation_info().role() == b.allocation_info().role();
}

/// Whether they are the same kind of thing, whoever it belongs to.
bool sameStuff(const Resource& a, const Resource& b) {
  return a.name() == b.name() && a.type() == b.type() && a.has_revocable() == b.has_revocable() &&
         a.has_shared() == b.has_shared() &&
         sameMessage(a.has_disk(), a.disk(), b.has_disk(), b.disk()) &&
         sameMessage(a.has_provider_id(), a.provider_id(), b.has_provider_id(), b.provider_id());
}

/// Whether their values may be added up.
bool sameKind(const Resource& a, const Resource& b) {
  return sameStuff(a, b) && sameAllocation(a, b) && sameReservations(a, b);
}

/// Volumes, whole devices and shared resources are taken whole or not at all.
bool isDivisible(const Resource& resource) {
  if (resource.has_shared()) return false;
  if (!resource.has_disk()) return true;
  if (resource.disk().has_persistence()) return false;
  if (!resource.disk().has_source()) return true;
  const auto& source = resource.disk().source();
  return source.type() == Resource::DiskInfo::Source::PATH && !source.has_id();
}

bool sameWhole(const Resource& a, const Resource& b) {
  return sameKind(a, b) && containsValue(a, b) && containsValue(b, a);
}

/// Whether find() may take from `mine` for `wanted`.
bool canServe(const Resource& mine, const Resource& wanted) {
  return sameStuff(mine, wanted) &&
         (wanted.reservations().empty() || sameReservations(mine, wanted)) &&
         (!wanted.has_allocation_info() || sameAllocation(mine, wanted)) &&
         (isDivisible(mine) || containsValue(wanted, mine));
}

Result<void> validateScalar(const Resource& resource) {
  const double value = resource.scalar().value();
  if (!isCountable(value))
    return Error{"Invalid scalar resource: the value is not a number up to 9e15"};
  if (value != 0 && toThousandths(value) <= 0) {
    return Error{"Invalid scalar resource: value <= 0"};
  }
  return {};
}

Result<void> validateRanges(const Resource& resource) {
  Intervals intervals;
  for (const auto& range : resource.ranges().range()) {
    if (range.begin() > range.end()) {
      return Error{"Invalid ranges resource: the range " + std::to_string(range.begin()) + '-' +
                   std::to_string(range.end()) + " ends before it begins"};
    }
    intervals.emplace_back(range.begin(), range.end());
  }
  std::sort(intervals.begin(), intervals.end());
  const auto overlap =
      std::adjacent_find(intervals.begin(), intervals.end(),
                         [](const auto& a, const auto& b) { return b.first <= a.second; });
  if (overlap == intervals.end()) return {};
  return Error{"Invalid ranges resource: ranges overlap at " +
               std::to_string(std::next(overlap)->first)};
}

Result<void> validateSet(const Resource& resource) {
  std::set<std::string_view> seen;
  for (const auto& item : resource.set().item()) {
    if (!seen.insert(item).second) {
      return Error{"Invalid set resource: the item '" + item + "' appears twice"};
    }
  }
  return {};
}

Result<void> validateValue(const Resource& resource) {
  const auto onlyMemberIs = [&](bool scalar, bool ranges, bool set) {
    return resource.has_scalar() == scalar && resource.has_ranges() == ranges &&
           resource.has_set() == set;
  };
  switch (resource.type()) {
    case v1::Value::SCALAR:
      if (onlyMemberIs(true, false, false)) return validateScalar(resource);
      return Error{"A SCALAR resource must have 'scalar', and neither 'ranges' nor 'set'"};
    case v1::Value::RANGES:
      if (onlyMemberIs(false, true, false)) return validateRanges(resource);
      return Error{"A RANGES resource must have 'ranges', and neither 'scalar' nor 'set'"};
    case v1::Value::SET:
      if (onlyMemberIs(false, false, true)) return validateSet(resource);
      return Error{"A SET resource must have 'set', and neither 'scalar' nor 'ranges'"};
    default:
      return Error{"A resource cannot be of type " + v1::Value::Type_Name(resource.type())};
  }
}

std::string toString(const Resource& resource) {
  std::string text = resource.name();
  const std::string_view role = reservationRole(resource);
  if (role != "*") text.append("(").append(role).append(")");
  if (resource.disk().has_persistence()) text += '[' + resource.disk().persistence().id() + ']';
  if (resource.has_revocable()) text += "{REV}";
  if (resource.has_shared()) text += "{SHARED}";
  return text + ':' + valueToString(resource);
}

}  // namespace

Resources::Resources(const Protos& resources) {
  for (const Resource& resource : resources) {
    if (validate(resource)) add(resource);
  }
}

Resources::Resources(const Resource& resource) {
  if (validate(resource)) add(resource);
}

Result<void> Resources::validate(const Resource& resource) {
  if (resource.name().empty()) return Error{"A resource's name must not be empty"};
  if (auto valid = validateValue(resource); !valid) return valid;
  if (resource.has_disk() && resource.name() != "disk") {
    return Error{"DiskInfo should not be set for " + resource.name() + " resource"};
  }
  return validateReservations(resource);
}

Result<void> Resources::validate(const Protos& resources) {
  for (const Resource& resource : resources) {
    if (const auto valid = validate(resource); !valid) {
      return Error{"Resource '" + mesos::toString(resource) +
                   "' is invalid: " + valid.error().message};
    }
  }
  return {};
}

void Resources::add(Resource added) {
  toPostRefinement(&added);
  normalize(&added);
  if (isZero(added)) return;
  if (isDivisible(added)) {
    for (Resource& mine : entries_.own()) {
      if (sameKind(mine, added)) return addValue(&mine, added);
    }
  }
  entries_.own().push_back(std::move(added));
}

void Resources::subtract(const Resource& resource) {
  const bool divisible = isDivisible(resource);
  std::vector<Resource>& list = entries_.own();
  const auto mine = std::find_if(list.begin(), list.end(), [&](const Resource& candidate) {
    return divisible ? sameKind(candidate, resource) : sameWhole(candidate, resource);
  });
  if (mine == list.end()) return;
  subtractValue(&*mine, resource);
  if (isZero(*mine)) list.erase(mine);
}

struct Resources::Entries::Shared {
  std::atomic<std::size_t> users{1};
  std::vector<Resource> list;
};

Resources::Entries::Entries(const Entries& other) : shared_(other.shared_) {
  if (shared_ != nullptr) shared_->users.fetch_add(1, std::memory_order_relaxed);
}

Resources::Entries::~Entries() {
  if (shared_ != nullptr && shared_->users.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete shared_;
  }
}

const std::vector<Resource>& Resources::Entries::list() const {
  static const std::vector<Resource> kNone;
  return shared_ == nullptr ? kNone : shared_->list;
}

std::vector<Resource>& Resources::Entries::own() {
  // Others may have been reading it in their threads, until they let go of it.
  if (shared_ != nullptr && shared_->users.load(std::memory_order_acquire) == 1) {
    return shared_->list;
  }
  Entries mine;
  mine.shared_ = new Shared;
  mine.shared_->list = list();
  *this = std::move(mine);
  return shared_->list;
}

bool Resources::contains(const Resources& other) const {
  return std::all_of(other.begin(), other.end(), [&](const Resource& wanted) {
    if (isDivisible(wanted)) {
      return std::any_of(begin(), end(), [&](const Resource& mine) {
        return sameKind(mine, wanted) && containsValue(mine, wanted);
      });
    }
    const auto isIt = [&](const Resource& candidate) { return sameWhole(candidate, wanted); };
    return std::count_if(begin(), end(), isIt) >= std::count_if(other.begin(), other.end(), isIt);
  });
}

std::optional<Resources> Resources::find(const Resources& need) const {
  std::vector<Resource> wants(need.begin(), need.end());
  // Who may take anything must not take what another can only take from there.
  std::stable_partition(wants.begin(), wants.end(),
                        [](const Resource& wanted) { return !wanted.reservations().empty(); });
  Resources left = *this;
  Resources found;
  for (Resource& wanted : wants) {
    left.serve(&wanted, true, &found);
    left.serve(&wanted, false, &found);
    if (!isZero(wanted)) return std::nullopt;
  }
  return found;
}

void Resources::serve(Resource* wanted, bool reserved, Resources* found) {
  for (Resource& mine : entries_.own()) {
    if (mine.reservations().empty() == reserved || !canServe(mine, *wanted)) continue;
    Resource part = mine;
    intersectValue(&part, *wanted);
    if (isZero(part)) continue;
    subtractValue(wanted, part);
    subtractValue(&mine, part);
    found->add(std::move(part));
  }
  std::erase_if(entries_.own(), [](const Resource& mine) { return isZero(mine); });
}

Resources& Resources::operator+=(const Resources& other) {
  // A bag added to itself would grow while it is walked.
  const Entries added = other.entries_;
  for (const Resource& resource : added.list()) add(resource);
  return *this;
}

Resources& Resources::operator-=(const Resources& other) {
  const Entries removed = other.entries_;
  for (const Resource& resource : removed.list()) subtract(resource);
  return *this;
}

double Resources::scalar(std::string_view name) const {
  std::int64_t sum = 0;
  for (const Resource& resource : *this) {
    if (resource.name() == name && resource.type() == v1::Value::SCALAR) {
      sum = sumOf(sum, toThousandths(resource.scalar().value()));
    }
  }
  return fromThousandths(sum);
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> Resources::ranges(
    std::string_view name) const {
  Intervals all;
  for (const Resource& resource : *this) {
    if (resource.name() != name || resource.type() != v1::Value::RANGES) continue;
    const Intervals some = toIntervals(resource.ranges());
    all.insert(all.end(), some.begin(), some.end());
  }
  return merged(std::move(all));
}

Resources Resources::allocatedTo(std::string_view role) const& {
  return Resources(*this).allocatedTo(role);
}

Resources Resources::allocatedTo(std::string_view role) && {
  Resources result;
  result.entries_.own().reserve(entries_.list().size());
  for (Resource& resource : entries_.own()) {
    resource.mutable_allocation_info()->set_role(std::string(role));
    result.add(std::move(resource));
  }
  return result;
}

Resources Resources::unallocated() const {
  Resources result;
  for (Resource resource : *this) {
    resource.clear_allocation_info();
    result.add(std::move(resource));
  }
  return result;
}

Resources Resources::reservedTo(std::string_view role) const {
  Resources result;
  for (const Resource& resource : *this) {
    if (!resource.reservations().empty() && reservationRole(resource) == role) result.add(resource);
  }
  return result;
}

Resources Resources::unreserved() const {
  Resources result;
  for (const Resource& resource : *this) {
    if (resource.reservations().empty()) result.add(resource);
  }
  return result;
}

Protos Resources::toProto() const { return Protos(begin(), end()); }

Protos Resources::toPreRefinementProto() const {
  Protos protos;
  for (Resource resource : *this) {
    // What this format cannot say is not shown to those who only know it (fact S72).
    if (toPreRefinement(&resource)) *protos.Add() = std::move(resource);
  }
  return protos;
}

std::string Resources::toString() const {
  std::string text;
  for (const Resource& resource : *this) {
    if (!text.empty()) text += "; ";
    text += mesos::toString(resource);
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const Resources& resources) {
  return out << resources.toString();
}

}  // namespace mesos
