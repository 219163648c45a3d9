// Agents that an operator takes out of service: deactivated, drained (facts G9, W70).
#include "cluster/master.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace mesos::cluster {
namespace {

constexpr char kUnknownAgent[] = "Unknown agent";

v1::DrainConfig configOf(const v1::master::Call::DrainAgent& call) {
  v1::DrainConfig config;
  config.set_mark_gone(call.mark_gone());
  if (!call.has_max_grace_period()) return config;
  const auto& grace = call.max_grace_period();
  const double seconds = static_cast<double>(grace.seconds()) + grace.nanos() / 1e9;
  config.mutable_max_grace_period()->set_nanoseconds(fromSeconds(std::max(seconds, 0.0)).count());
  return config;
}

}  // namespace

bool Master::isKnownAgent(const std::string& agentId) const {
  return agents_.count(agentId) != 0 || recovered_.count(agentId) != 0 ||
         registry_.unreachable.count(agentId) != 0;
}

Result<void> Master::drainAgent(Now now, const v1::master::Call::DrainAgent& call) {
  const std::string& agentId = call.agent_id().value();
  if (!isKnownAgent(agentId)) return Error{kUnknownAgent};
  v1::DrainInfo drain;
  drain.set_state(v1::DRAINING);
  *drain.mutable_config() = configOf(call);
  registry_.deactivated[agentId] = std::move(drain);
  // One that is away is told when it is back.
  if (MasterAgent* agent = findAgent(agentId)) resumeDrain(now, *agent);
  settleDrains(now);
  return {};
}

Result<void> Master::deactivateAgent(Now now, const std::string& agentId) {
  if (!isKnownAgent(agentId)) return Error{kUnknownAgent};
  registry_.deactivated.try_emplace(agentId);  // A drain goes on.
  if (MasterAgent* agent = findAgent(agentId)) takeOutOfService(now, *agent);
  return {};
}

Result<void> Master::reactivateAgent(Now now, const std::string& agentId) {
  if (!isKnownAgent(agentId)) return Error{kUnknownAgent};
  const auto known = registry_.deactivated.find(agentId);
  if (known == registry_.deactivated.end()) return Error{"Agent is not deactivated"};
  if (known->second && known->second->state() == v1::DRAINING) {
    return Error{"Agent is still in the DRAINING state"};
  }
  registry_.deactivated.erase(known);
  if (MasterAgent* agent = findAgent(agentId); agent != nullptr && agent->connected) {
    agent->active = true;
    allocator_.activateAgent(now, agentId);
  }
  return {};
}

void Master::takeOutOfService(Now now, MasterAgent& agent) {
  agent.active = false;
  allocator_.deactivateAgent(agent.info.id().value());
  rescindOffersOf(now, agent);
}

/// Of an agent that is here, or here again: what an operator decided about it holds.
void Master::resumeDrain(Now now, MasterAgent& agent) {
  const auto known = registry_.deactivated.find(agent.info.id().value());
  if (known == registry_.deactivated.end()) return;
  takeOutOfService(now, agent);
  if (!known->second || known->second->state() != v1::DRAINING) return;
  agent.drainStarted = now;
  sendToAgent(agent, DrainAgent{known->second->config()});
}

/// Whether nothing is left on it, and every end is acknowledged (fact G9).
bool Master::isDrained(const std::string& agentId) const {
  const auto agent = agents_.find(agentId);
  return agent != agents_.end() && agent->second.tasks.empty() && agent->second.operations.empty();
}

/// Not in the middle of anything else, as an agent may be gone then: see deadline().
void Master::settleDrains(Now now) {
  std::vector<std::string> gone;
  for (auto& [agentId, drain] : registry_.deactivated) {
    if (!drain || drain->state() != v1::DRAINING || !isDrained(agentId)) continue;
    drain->set_state(v1::DRAINED);
    if (drain->config().mark_gone()) gone.push_back(agentId);
  }
  for (const std::string& agentId : gone) markAgentGone(now, agentId);
}

}  // namespace mesos::cluster
