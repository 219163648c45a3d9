// Resources: a bag of Mesos resources with Mesos' own algebra. Pure; no thread safety beyond const.
#pragma once

#include <mesos/result.hpp>
#include <mesos/types.hpp>

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mesos {

/// A bag of resources. Scalars are fixed point with three decimals, as in Mesos (fact L21), so sums
/// are exact: 0.1 + 0.2 contains 0.3. Ranges are inclusive. Resources of one name that differ in
/// role, reservations, allocation, disk, revocability or sharing are different resources:
/// `cpus(web)` does not satisfy a need of `cpus(*)`-only by contains(), but find() may take it (see
/// there). mem and disk are in megabytes.
class Resources {
 public:
  Resources() = default;
  /// From an offer or a task. Malformed entries (see validate) are dropped. Both reservation
  /// formats are accepted and kept in the one that RESERVATION_REFINEMENT uses (fact S72), without
  /// a `role`.
  explicit Resources(const google::protobuf::RepeatedPtrField<Resource>& resources);
  explicit Resources(const Resource& resource);

  /// Parses `cpus:2;mem:512;ports:[31000-32000,33000-33000];zones:{a,b}`, each name optionally with
  /// a role: `cpus(web):1`, which is a static reservation. Names without role get `defaultRole`.
  static Result<Resources> parse(std::string_view text, std::string_view defaultRole = "*");

  /// Why `resource` is not well-formed (fact L20), or success.
  static Result<void> validate(const Resource& resource);
  static Result<void> validate(const google::protobuf::RepeatedPtrField<Resource>& resources);

  bool empty() const { return entries_.list().empty(); }
  /// Whether every resource of `other` is here, with the same role, reservations and allocation.
  bool contains(const Resources& other) const;

  /// Takes `need` (whose entries carry no role, i.e. `*`) out of this bag: first from resources
  /// reserved to a role, then unreserved ones, splitting as needed; of ranges and sets the very
  /// items that `need` names. Reservations and allocation of what is taken are kept, ready for a
  /// TaskInfo (fact L14). nullopt if there is not enough. Entries of `need` with a role are matched
  /// exactly.
  std::optional<Resources> find(const Resources& need) const;

  Resources& operator+=(const Resources& other);
  /// Subtracts what is there; never goes below zero.
  Resources& operator-=(const Resources& other);
  friend Resources operator+(Resources a, const Resources& b) { return a += b; }
  friend Resources operator-(Resources a, const Resources& b) { return a -= b; }
  bool operator==(const Resources& other) const { return contains(other) && other.contains(*this); }

  /// Sum of the scalars of this name over all roles; 0 if there is none.
  double scalar(std::string_view name) const;
  double cpus() const { return scalar("cpus"); }
  double mem() const { return scalar("mem"); }    ///< Megabytes.
  double disk() const { return scalar("disk"); }  ///< Megabytes.
  /// Inclusive ranges of this name over all roles, ascending and merged.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges(std::string_view name) const;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ports() const { return ranges("ports"); }

  /// The resources allocated to `role` (what an offer of that role carries), or with the allocation
  /// removed.
  Resources allocatedTo(std::string_view role) const&;
  Resources allocatedTo(std::string_view role) &&;
  Resources unallocated() const;
  /// What is reserved to `role` exactly, and what is not reserved at all.
  Resources reservedTo(std::string_view role) const;
  Resources unreserved() const;

  /// For a TaskInfo, ExecutorInfo or Offer. RESERVATION_REFINEMENT's format (fact S72).
  google::protobuf::RepeatedPtrField<Resource> toProto() const;
  /// The format without RESERVATION_REFINEMENT: `role` always set, `reservation` for a dynamic one.
  google::protobuf::RepeatedPtrField<Resource> toPreRefinementProto() const;
  /// `cpus:2; mem:512; ports:[31000-32000]`, with `(role)` where reserved.
  std::string toString() const;

  auto begin() const { return entries_.list().begin(); }
  auto end() const { return entries_.list().end(); }

 private:
  void add(Resource added);
  void subtract(const Resource& resource);
  /// Moves from here to `found` what there is of `wanted`, which then says what is still missing.
  void serve(Resource* wanted, bool reserved, Resources* found);

  /// Copies share one list until one of them is changed. What an agent has is known in many places,
  /// and takes a kilobyte in each.
  class Entries {
   public:
    Entries() = default;
    Entries(const Entries& other);
    Entries(Entries&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
    Entries& operator=(Entries other) noexcept {
      std::swap(shared_, other.shared_);
      return *this;
    }
    ~Entries();

    const std::vector<Resource>& list() const;
    /// To be changed: nobody else's.
    std::vector<Resource>& own();

   private:
    struct Shared;
    Shared* shared_ = nullptr;  ///< nullptr: there are none.
  };

  Entries entries_;
};

std::ostream& operator<<(std::ostream& out, const Resources& resources);

}  // namespace mesos
