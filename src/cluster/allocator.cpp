#include "cluster/allocator.hpp"

#include "base/check.hpp"
#include "cluster/validation.hpp"
#include "resources/reservations.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace mesos::cluster {
namespace {

using Capability = FrameworkInfo::Capability;

/// "a/b" and "a", but not "ab": the role itself and those above it (fact O4).
bool isSelfOrAncestor(std::string_view ancestor, std::string_view role) {
  if (!role.starts_with(ancestor)) return false;
  return role.size() == ancestor.size() || role[ancestor.size()] == '/';
}

/// Roles of an allocation, each with what it got.
std::map<std::string, Resources> byRole(const Resources& resources) {
  std::map<std::string, Resources> result;
  for (const Resource& resource : resources) {
    result[resource.allocation_info().role()] += Resources(resource);
  }
  return result;
}

void add(std::map<std::string, double>& to, const std::map<std::string, double>& other,
         double sign) {
  for (const auto& [name, value] : other) {
    // Thousandths are exact in a double only if rounded each time (fact L21).
    double& sum = to[name];
    sum = std::round((sum + sign * value) * 1000) / 1000;
    if (sum < 0) sum = 0;
  }
}

/// Puts `rank` where it belongs now that it is `changed`.
template <typename Rank>
void replace(std::set<Rank>& ranks, const Rank& rank, Rank changed) {
  auto node = ranks.extract(rank);
  if (node.empty()) return;  // It was served twice, and has its place.
  node.value() = std::move(changed);
  ranks.insert(std::move(node));
}

}  // namespace

std::string allocationRole(const Resources& resources) {
  return resources.empty() ? std::string() : resources.begin()->allocation_info().role();
}

bool Allocator::Rank::operator<(const Rank& other) const {
  return std::tie(share, allocations, name) < std::tie(other.share, other.allocations, other.name);
}

Allocator::Allocator(Options options, Random& random)
    : options_(std::move(options)), random_(random) {}

Allocator::Quantities Allocator::quantitiesOf(const Resources& resources) {
  Quantities result;
  for (const Resource& resource : resources) {
    if (resource.type() == v1::Value::SCALAR) result[resource.name()] += resource.scalar().value();
  }
  return result;
}

void Allocator::setInfo(Framework& framework, const std::string& frameworkId,
                        const FrameworkInfo& info) {
  for (const std::string& role : framework.roles) roles_[role].subscribed.erase(frameworkId);
  framework.info = info;
  framework.roles = rolesOf(info);
  for (const std::string& role : framework.roles) roles_[role].subscribed.insert(frameworkId);
  framework.gpus = hasCapability(info, Capability::GPU_RESOURCES);
  framework.refinement = hasCapability(info, Capability::RESERVATION_REFINEMENT);
  framework.revocable = hasCapability(info, Capability::REVOCABLE_RESOURCES);
  framework.minimums.clear();
  for (const auto& [role, filters] : info.offer_filters()) {
    if (!filters.has_min_allocatable_resources()) continue;
    auto& alternatives = framework.minimums[role];
    for (const auto& quantities : filters.min_allocatable_resources().quantities()) {
      Quantities& alternative = alternatives.emplace_back();
      for (const auto& [name, value] : quantities.quantities()) alternative[name] = value.value();
    }
  }
}

void Allocator::addFramework(Now now, const FrameworkInfo& framework,
                             const std::set<std::string>& suppressedRoles) {
  const std::string& id = framework.id().value();
  Framework& added = frameworks_[id];
  setInfo(added, id, framework);
  added.suppressed = suppressedRoles;
  requestAll(now);
}

void Allocator::updateFramework(Now now, const FrameworkInfo& framework,
                                const std::set<std::string>& suppressedRoles) {
  const std::string& id = framework.id().value();
  const auto found = frameworks_.find(id);
  MESOS_CHECK(found != frameworks_.end());
  Framework& updated = found->second;
  std::set<std::string> cleared;
  for (const std::string& role : updated.suppressed) {
    if (suppressedRoles.count(role) == 0) cleared.insert(role);
  }
  setInfo(updated, id, framework);
  for (const auto& entry : updated.filters) {
    if (updated.roles.count(entry.first) == 0) cleared.insert(entry.first);
  }
  updated.suppressed = suppressedRoles;
  if (!cleared.empty()) clearFilters(updated, cleared);
  requestAll(now);
}

void Allocator::activateFramework(Now now, const std::string& frameworkId) {
  const auto found = frameworks_.find(frameworkId);
  if (found == frameworks_.end()) return;
  found->second.active = true;
  requestAll(now);
}

void Allocator::deactivateFramework(const std::string& frameworkId) {
  const auto found = frameworks_.find(frameworkId);
  if (found == frameworks_.end()) return;
  found->second.active = false;
  found->second.filters.clear();
}

void Allocator::removeFramework(const std::string& frameworkId) {
  const auto found = frameworks_.find(frameworkId);
  if (found == frameworks_.end()) return;
  for (const std::string& role : found->second.roles) roles_[role].subscribed.erase(frameworkId);
  for (auto role = roles_.begin(); role != roles_.end();) {
    role->second.frameworks.erase(frameworkId);
    const bool unused = role->second.subscribed.empty() && role->second.frameworks.empty();
    role = unused ? roles_.erase(role) : std::next(role);
  }
  frameworks_.erase(found);
}

void Allocator::addAgent(Now now, const std::string& agentId, const AgentInfo&,
                         const Resources& total) {
  Agent& agent = agents_[agentId];
  MESOS_CHECK(agent.total.empty());
  agent.total = total;
  agent.free = total;
  agent.hasGpus = total.scalar("gpus") > 0;
  add(total_, quantitiesOf(total), 1);
  requestAll(now);
}

void Allocator::removeAgent(const std::string& agentId) {
  const auto found = agents_.find(agentId);
  if (found == agents_.end()) return;
  add(total_, quantitiesOf(found->second.total), -1);
  agents_.erase(found);
  for (auto& framework : frameworks_) {
    for (auto& role : framework.second.filters) role.second.erase(agentId);
  }
}

void Allocator::convert(const std::string& agentId, const Resources& consumed,
                        const Resources& converted) {
  const auto agent = agents_.find(agentId);
  MESOS_CHECK(agent != agents_.end() && agent->second.total.contains(consumed));
  agent->second.total -= consumed;
  agent->second.total += converted;
}

void Allocator::activateAgent(Now now, const std::string& agentId) {
  agents_.at(agentId).active = true;
  requestAll(now);
}

void Allocator::deactivateAgent(const std::string& agentId) { agents_.at(agentId).active = false; }

void Allocator::charge(const std::string& frameworkId, const std::string& role,
                       const Resources& resources) {
  const Quantities quantities = quantitiesOf(resources);
  Role& charged = roles_[role];
  for (Client* client : {&charged.client, &charged.frameworks[frameworkId]}) {
    add(client->allocated, quantities, 1);
    ++client->allocations;
  }
}

void Allocator::allocated(const std::string& frameworkId, const std::string& agentId,
                          const Resources& resources) {
  const auto agent = agents_.find(agentId);
  MESOS_CHECK(agent != agents_.end());
  agent->second.free -= resources.unallocated();
  for (const auto& [role, part] : byRole(resources)) charge(frameworkId, role, part);
}

void Allocator::recover(Now now, const std::string& frameworkId, const std::string& role,
                        const std::string& agentId, const Resources& resources,
                        std::optional<Duration> refuse) {
  if (resources.empty()) return;
  if (const auto found = roles_.find(role); found != roles_.end()) {
    const Quantities quantities = quantitiesOf(resources);
    add(found->second.client.allocated, quantities, -1);
    const auto client = found->second.frameworks.find(frameworkId);
    if (client != found->second.frameworks.end()) add(client->second.allocated, quantities, -1);
  }
  const auto agent = agents_.find(agentId);
  if (agent == agents_.end()) return;
  agent->second.free += resources.unallocated();
  MESOS_CHECK(agent->second.total.contains(agent->second.free));
  ticks_[nextTick(now)].insert(agentId);

  const auto framework = frameworks_.find(frameworkId);
  if (!refuse || *refuse <= Duration::zero() || framework == frameworks_.end()) return;
  if (!framework->second.active) return;
  // A filter lasts at least one interval, and its end shows only at the tick after it (fact O21).
  const TimePoint until = now.steady + std::max(*refuse, options_.allocationInterval);
  auto& filters = framework->second.filters[role][agentId];
  std::erase_if(filters, [&](const Filter& filter) { return filter.until < now.steady; });
  filters.push_back({resources.unallocated(), until});
  ticks_[nextTick({until, now.wall})].insert(agentId);
}

void Allocator::clearFilters(Framework& framework, const std::set<std::string>& roles) {
  for (const std::string& role : roles) framework.filters.erase(role);
}

void Allocator::revive(Now now, const std::string& frameworkId,
                       const std::set<std::string>& roles) {
  const auto found = frameworks_.find(frameworkId);
  if (found == frameworks_.end()) return;
  Framework& framework = found->second;
  const std::set<std::string> revived = roles.empty() ? framework.roles : roles;
  clearFilters(framework, revived);
  for (const std::string& role : revived) framework.suppressed.erase(role);
  requestAll(now);
}

void Allocator::suppress(const std::string& frameworkId, const std::set<std::string>& roles) {
  const auto found = frameworks_.find(frameworkId);
  if (found == frameworks_.end()) return;
  const std::set<std::string>& suppressed = roles.empty() ? found->second.roles : roles;
  found->second.suppressed.insert(suppressed.begin(), suppressed.end());
}

std::set<std::string> Allocator::suppressedRoles(const std::string& frameworkId) const {
  const auto found = frameworks_.find(frameworkId);
  return found == frameworks_.end() ? std::set<std::string>{} : found->second.suppressed;
}

Resources Allocator::available(const std::string& agentId) const {
  const auto found = agents_.find(agentId);
  return found == agents_.end() ? Resources{} : found->second.free;
}

void Allocator::requestAll(Now now) {
  if (!epoch_) epoch_ = now.steady;
  if (!requested_) requested_ = now.steady;
}

/// The first tick after `now`, and never `now` itself: what was freed waits (fact O2).
TimePoint Allocator::nextTick(Now now) {
  if (!epoch_) epoch_ = now.steady;
  const auto passed = (now.steady - *epoch_) / options_.allocationInterval;
  return *epoch_ + (passed + 1) * options_.allocationInterval;
}

std::optional<TimePoint> Allocator::deadline() const {
  if (requested_) return requested_;
  if (ticks_.empty()) return std::nullopt;
  return ticks_.begin()->first;
}

Allocator::Rank Allocator::rankOf(const std::string& name, const Client& client) const {
  double share = 0;
  for (const auto& [resource, quantity] : client.allocated) {
    const auto total = total_.find(resource);
    if (total != total_.end() && total->second > 0) {
      share = std::max(share, quantity / total->second);
    }
  }
  return {share, client.allocations, name};
}

Allocator::Queue Allocator::makeQueue() const {
  static const Client kNew;
  Queue queue;
  for (const auto& [name, role] : roles_) {
    std::set<Rank> frameworks;
    for (const std::string& id : role.subscribed) {
      const Framework& framework = frameworks_.at(id);
      if (!framework.active || framework.suppressed.count(name) != 0) continue;
      const auto client = role.frameworks.find(id);
      frameworks.insert(rankOf(id, client == role.frameworks.end() ? kNew : client->second));
    }
    if (frameworks.empty()) continue;
    queue.roles.insert(rankOf(name, role.client));
    queue.frameworks[name] = std::move(frameworks);
  }
  return queue;
}

std::vector<Allocator::Agents::value_type*> Allocator::takeCandidates(Now now) {
  std::set<std::string> due;
  while (!ticks_.empty() && ticks_.begin()->first <= now.steady) {
    due.merge(ticks_.begin()->second);
    ticks_.erase(ticks_.begin());
  }
  std::vector<Agents::value_type*> candidates;
  if (requested_) {
    for (auto& agent : agents_) candidates.push_back(&agent);
  } else {
    for (const std::string& agentId : due) {
      const auto agent = agents_.find(agentId);
      if (agent != agents_.end()) candidates.push_back(&*agent);
    }
  }
  requested_.reset();
  for (std::size_t i = candidates.size(); i > 1; --i) {
    std::swap(candidates[i - 1], candidates[random_.below(static_cast<std::uint64_t>(i))]);
  }
  return candidates;
}

std::vector<Allocation> Allocator::allocate(Now now) {
  std::vector<Allocation> result;
  const auto due = deadline();
  if (!due || *due > now.steady) return result;
  Queue queue = makeQueue();
  for (auto* const agent : takeCandidates(now)) {
    if (agent->second.active) allocateAgent(now, agent->first, agent->second, queue, result);
  }
  return result;
}

bool Allocator::isOfferable(const Framework& framework, const std::string& role,
                            const Resource& resource) {
  if (!framework.revocable && resource.has_revocable()) return false;
  if (!framework.refinement && resource.reservations_size() > 1) return false;
  return resource.reservations_size() == 0 || isSelfOrAncestor(reservationRole(resource), role);
}

bool Allocator::isEnough(const Framework& framework, const std::string& role,
                         const Resources& resources) const {
  if (resources.empty()) return false;
  const auto enough = [&](const Quantities& need) {
    return std::all_of(need.begin(), need.end(),
                       [&](const auto& one) { return resources.scalar(one.first) >= one.second; });
  };
  if (const auto own = framework.minimums.find(role); own != framework.minimums.end()) {
    return own->second.empty() || std::any_of(own->second.begin(), own->second.end(), enough);
  }
  return options_.minAllocatable.empty() ||
         std::any_of(options_.minAllocatable.begin(), options_.minAllocatable.end(),
                     [&](const Resources& need) { return enough(quantitiesOf(need)); });
}

bool Allocator::isFiltered(Now now, Framework& framework, const std::string& role,
                           const std::string& agentId, const Resources& resources) const {
  const auto ofRole = framework.filters.find(role);
  if (ofRole == framework.filters.end()) return false;
  const auto ofAgent = ofRole->second.find(agentId);
  if (ofAgent == ofRole->second.end()) return false;
  auto& filters = ofAgent->second;
  std::erase_if(filters, [&](const Filter& filter) { return filter.until < now.steady; });
  const bool filtered = std::any_of(filters.begin(), filters.end(), [&](const Filter& filter) {
    return filter.refused.contains(resources);
  });
  if (filters.empty()) ofRole->second.erase(ofAgent);
  return filtered;
}

void Allocator::allocateAgent(Now now, const std::string& agentId, Agent& agent, Queue& queue,
                              std::vector<Allocation>& result) {
  std::vector<std::pair<Rank, Rank>> served;  // Role and framework, as the queue knows them.
  for (const Rank& role : queue.roles) {
    for (const Rank& ranked : queue.frameworks.at(role.name)) {
      if (agent.free.empty()) break;
      Framework& framework = frameworks_.at(ranked.name);
      if (agent.hasGpus && !framework.gpus) continue;  // Fact S74.
      const auto isFor = [&](const Resource& resource) {
        return isOfferable(framework, role.name, resource);
      };
      // Mostly all of it, which moves into the offer and is not copied.
      const bool isAll = std::all_of(agent.free.begin(), agent.free.end(), isFor);
      Resources some;
      for (const Resource& resource : agent.free) {
        if (!isAll && isFor(resource)) some += Resources(resource);
      }
      Resources& offered = isAll ? agent.free : some;
      if (!isEnough(framework, role.name, offered)) continue;
      if (isFiltered(now, framework, role.name, agentId, offered)) continue;
      charge(ranked.name, role.name, offered);
      if (!isAll) agent.free -= some;
      result.push_back(
          {ranked.name, role.name, agentId, std::exchange(offered, {}).allocatedTo(role.name)});
      served.emplace_back(role, ranked);
    }
  }
  for (const auto& [role, framework] : served) {
    const Role& state = roles_.at(role.name);
    const auto& client = state.frameworks.at(framework.name);
    replace(queue.frameworks.at(role.name), framework, rankOf(framework.name, client));
    replace(queue.roles, role, rankOf(role.name, state.client));
  }
}

}  // namespace mesos::cluster
