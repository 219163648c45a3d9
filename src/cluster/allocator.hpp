// Which free resources to offer to whom (section 7). Pure.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"

#include <mesos/resources.hpp>

#include <cstdint>
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

/// The role that resources of one allocation are for; "" if there are none.
std::string allocationRole(const Resources& resources);

/// The hierarchical allocator, reduced to what frameworks can see: coarse-grained, dominant share
/// decides, filters, suppression (facts O2-O8, O20-O24, O30-O36). Ids are their text.
///
/// Only agents on which something changed are looked at: resources were freed, a filter ran out, or
/// somebody new asks (then all of them).
class Allocator {
 public:
  struct Options {
    Duration allocationInterval = std::chrono::seconds(1);
    /// Nothing is offered below all of these; one satisfied alternative suffices (fact O5). Empty:
    /// everything is.
    std::vector<Resources> minAllocatable;
  };

  Allocator(Options options, Random& random);

  void addFramework(Now now, const FrameworkInfo& framework,
                    const std::set<std::string>& suppressedRoles);
  /// The info of a resubscription or an update. Roles that are no longer suppressed lose their
  /// filters (fact S43).
  void updateFramework(Now now, const FrameworkInfo& framework,
                       const std::set<std::string>& suppressedRoles);
  void activateFramework(Now now, const std::string& frameworkId);
  /// Drops its filters; suppression stays (fact S51).
  void deactivateFramework(const std::string& frameworkId);
  void removeFramework(const std::string& frameworkId);

  void addAgent(Now now, const std::string& agentId, const AgentInfo& info, const Resources& total);
  void removeAgent(const std::string& agentId);
  /// Allocated resources of an agent became others of the same quantities: reserved or unreserved
  /// ones (facts A7, P2). Both without allocation_info.
  void convert(const std::string& agentId, const Resources& consumed, const Resources& converted);
  /// Of a deactivated agent nothing is offered.
  void activateAgent(Now now, const std::string& agentId);
  void deactivateAgent(const std::string& agentId);

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
  /// Scalars by name; the rest does not count for a share.
  using Quantities = std::map<std::string, double>;
  /// Whoever competes: a role, or a framework within one.
  struct Client {
    Quantities allocated;
    std::uint64_t allocations = 0;
  };
  /// The smaller goes first: share, then who had fewer allocations, then the name.
  struct Rank {
    double share;
    std::uint64_t allocations;
    std::string name;
    bool operator<(const Rank& other) const;
  };
  struct Filter {
    Resources refused;
    TimePoint until;
  };
  struct Framework {
    FrameworkInfo info;
    std::set<std::string> roles;
    std::set<std::string> suppressed;
    bool active = true;
    bool gpus = false;
    bool refinement = false;
    bool revocable = false;
    /// By role, then agent.
    std::map<std::string, std::map<std::string, std::vector<Filter>>> filters;
    /// By role: what its offer_filters put in place of the cluster's minimum.
    std::map<std::string, std::vector<Quantities>> minimums;
  };
  struct Agent {
    Resources total;
    Resources free;
    bool hasGpus = false;
    bool active = true;
  };
  using Agents = std::map<std::string, Agent>;
  struct Role {
    Client client;
    std::map<std::string, Client> frameworks;
    std::set<std::string> subscribed;
  };
  /// Who may get something in one allocation, best first.
  struct Queue {
    std::set<Rank> roles;
    std::map<std::string, std::set<Rank>> frameworks;
  };

  static Quantities quantitiesOf(const Resources& resources);
  void setInfo(Framework& framework, const std::string& frameworkId, const FrameworkInfo& info);
  void requestAll(Now now);
  TimePoint nextTick(Now now);
  void clearFilters(Framework& framework, const std::set<std::string>& roles);

  Rank rankOf(const std::string& name, const Client& client) const;
  Queue makeQueue() const;
  std::vector<Agents::value_type*> takeCandidates(Now now);
  void allocateAgent(Now now, const std::string& agentId, Agent& agent, Queue& queue,
                     std::vector<Allocation>& result);
  static bool isOfferable(const Framework& framework, const std::string& role,
                          const Resource& resource);
  bool isEnough(const Framework& framework, const std::string& role,
                const Resources& resources) const;
  bool isFiltered(Now now, Framework& framework, const std::string& role,
                  const std::string& agentId, const Resources& resources) const;
  void charge(const std::string& frameworkId, const std::string& role, const Resources& resources);

  Options options_;
  Random& random_;
  std::map<std::string, Framework> frameworks_;
  Agents agents_;
  std::map<std::string, Role> roles_;
  Quantities total_;
  /// The allocation interval counts from here.
  std::optional<TimePoint> epoch_;
  /// Everything is to be looked at since then.
  std::optional<TimePoint> requested_;
  /// The ticks at which agents are to be looked at again.
  std::map<TimePoint, std::set<std::string>> ticks_;
};

}  // namespace mesos::cluster
