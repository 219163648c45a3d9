// Which free resources to offer to whom (section 7). Pure.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"

#include <mesos/resources.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mesos::cluster {

/// Resources of one agent for one role of one framework.
struct Allocation {
  std::string frameworkId;
  std::string role;
  std::string agentId;
  Resources resources;
};

/// The hierarchical allocator, reduced to what frameworks can see: coarse-grained, dominant share
/// decides, filters, suppression (facts O2-O8, O20-O24, O30-O36). Ids are their text.
class Allocator {
 public:
  struct Options {
    Duration allocationInterval = std::chrono::seconds(1);
    /// Nothing is offered below all of these; one satisfied alternative suffices (fact O5).
    std::vector<Resources> minAllocatable;
  };

  Allocator(Options options, Random& random);

  void addFramework(Now now, const FrameworkInfo& framework,
                    const std::set<std::string>& suppressedRoles);
  /// The info of a resubscription or an update.
  void updateFramework(Now now, const FrameworkInfo& framework,
                       const std::set<std::string>& suppressedRoles);
  void activateFramework(Now now, const std::string& frameworkId);
  /// Drops its filters; suppression stays (fact S51).
  void deactivateFramework(const std::string& frameworkId);
  void removeFramework(const std::string& frameworkId);

  void addAgent(Now now, const std::string& agentId, const AgentInfo& info, const Resources& total);
  void removeAgent(const std::string& agentId);

  /// Resources that came into use without an offer (an agent registering with tasks).
  void allocated(const std::string& frameworkId, const std::string& agentId,
                 const Resources& resources);
  /// Offered or used resources are free again. `refuse`: install a filter for it; zero or unset:
  /// none.
  void recover(Now now, const std::string& frameworkId, const std::string& role,
               const std::string& agentId, const Resources& resources,
               std::optional<Duration> refuse);

  /// Roles empty: all of the framework's. Clears filters, un-suppresses, asks for an allocation.
  void revive(Now now, const std::string& frameworkId, const std::set<std::string>& roles);
  void suppress(const std::string& frameworkId, const std::set<std::string>& roles);
  std::set<std::string> suppressedRoles(const std::string& frameworkId) const;

  /// Allocates if a trigger or the interval says so; the result is already booked as allocated.
  std::vector<Allocation> allocate(Now now);
  /// When allocate() has something to do next.
  std::optional<TimePoint> deadline() const;

  Resources available(const std::string& agentId) const;

 private:
};

}  // namespace mesos::cluster
