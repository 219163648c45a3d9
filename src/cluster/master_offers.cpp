// Offers: made, declined, withdrawn, and checked when accepted (sections 7 and 8).
#include "base/check.hpp"
#include "cluster/master.hpp"
#include "cluster/master_accept.hpp"
#include "cluster/validation.hpp"

#include <algorithm>
#include <utility>

namespace mesos::cluster {
namespace {

using Capability = FrameworkInfo::Capability;

constexpr double kMaxRefuseSeconds = 365.0 * 24 * 60 * 60;

/// "slave(1)@127.0.0.1:5051" (fact W82) as the URL of an offer (fact O1).
v1::URL urlOf(const MasterAgent& agent, bool tls) {
  v1::URL url;
  const std::string& pid = agent.pid;
  const auto at = pid.find('@');
  const auto colon = pid.rfind(':');
  url.set_scheme(tls ? "https" : "http");
  url.mutable_address()->set_hostname(agent.info.hostname());
  if (at != std::string::npos && colon != std::string::npos && colon > at) {
    url.mutable_address()->set_ip(pid.substr(at + 1, colon - at - 1));
  }
  url.mutable_address()->set_port(agent.info.port());
  url.set_path("/" + pid.substr(0, at));
  return url;
}

/// Resources as a framework of these capabilities is shown them (facts S70, S72).
google::protobuf::RepeatedPtrField<Resource> shown(const FrameworkInfo& framework,
                                                   const Resources& resources) {
  const Resources visible =
      hasCapability(framework, Capability::MULTI_ROLE) ? resources : resources.unallocated();
  return hasCapability(framework, Capability::RESERVATION_REFINEMENT)
             ? visible.toProto()
             : visible.toPreRefinementProto();
}

}  // namespace

void Master::makeOffers(Now now) {
  std::map<std::string, Event> events;
  for (const Allocation& allocation : allocator_.allocate(now)) {
    MasterFramework& framework = frameworks_.at(allocation.frameworkId);
    MasterAgent& agent = agents_.at(allocation.agentId);
    MasterOffer offer{makeOffer(framework, allocation), allocation.resources, std::nullopt};
    const std::string id = offer.offer.id().value();
    if (options_.offerTimeout) {
      offer.rescindAt = now.steady + *options_.offerTimeout;
      rescissions_.insert({*offer.rescindAt, id});
    }
    agent.offered += allocation.resources;
    agent.offers.insert(id);
    framework.offers.insert(id);
    *events[allocation.frameworkId].mutable_offers()->add_offers() = offer.offer;
    offers_.emplace(id, std::move(offer));
  }
  for (auto& [frameworkId, event] : events) {
    event.set_type(Event::OFFERS);
    send(frameworks_.at(frameworkId), std::move(event));
  }
}

Offer Master::makeOffer(const MasterFramework& framework, const Allocation& allocation) {
  const MasterAgent& agent = agents_.at(allocation.agentId);
  Offer offer;
  offer.mutable_id()->set_value(id_ + "-O" + std::to_string(nextOffer_++));
  *offer.mutable_framework_id() = framework.info.id();
  *offer.mutable_agent_id() = agent.info.id();
  offer.set_hostname(agent.info.hostname());
  *offer.mutable_url() = urlOf(agent, options_.tls);
  if (agent.info.has_domain()) *offer.mutable_domain() = agent.info.domain();
  *offer.mutable_resources() = shown(framework.info, allocation.resources);
  *offer.mutable_attributes() = agent.info.attributes();
  const auto executors = framework.executors.find(allocation.agentId);
  if (executors != framework.executors.end()) {
    for (const auto& executor : executors->second) {
      *offer.add_executor_ids() = executor.second.executor_id();
    }
  }
  if (hasCapability(framework.info, Capability::MULTI_ROLE)) {
    offer.mutable_allocation_info()->set_role(allocation.role);
  }
  return offer;
}

/// Out of the books; what becomes of its resources is the caller's business.
MasterOffer Master::takeOffer(const std::string& offerId) {
  const auto found = offers_.find(offerId);
  MESOS_CHECK(found != offers_.end());
  MasterOffer offer = std::move(found->second);
  offers_.erase(found);
  frameworks_.at(offer.offer.framework_id().value()).offers.erase(offerId);
  MasterAgent& agent = agents_.at(offer.offer.agent_id().value());
  agent.offers.erase(offerId);
  agent.offered -= offer.resources;
  if (offer.rescindAt) rescissions_.erase({*offer.rescindAt, offerId});
  return offer;
}

void Master::returnOffer(Now now, const std::string& offerId, std::optional<Duration> refuse) {
  const MasterOffer offer = takeOffer(offerId);
  allocator_.recover(now, offer.offer.framework_id().value(), allocationRole(offer.resources),
                     offer.offer.agent_id().value(), offer.resources, refuse);
}

void Master::withdrawOffers(Now now, MasterFramework& framework) {
  while (!framework.offers.empty()) {
    const std::string id = *framework.offers.begin();
    returnOffer(now, id, std::nullopt);
  }
}

void Master::rescindOffer(Now now, const std::string& offerId) {
  const MasterOffer& offer = offers_.at(offerId);
  Event event;
  event.set_type(Event::RESCIND);
  *event.mutable_rescind()->mutable_offer_id() = offer.offer.id();
  send(frameworks_.at(offer.offer.framework_id().value()), std::move(event));
  returnOffer(now, offerId, std::nullopt);
}

/// Facts O20 and O21.
Duration Master::refuseDuration(const Filters& filters) const {
  if (!filters.has_refuse_seconds() || !(filters.refuse_seconds() >= 0)) {
    return fromSeconds(options_.defaultRefuseSeconds);
  }
  return fromSeconds(std::min(filters.refuse_seconds(), kMaxRefuseSeconds) / options_.timeScale);
}

void Master::decline(Now now, MasterFramework& framework, const Call::Decline& decline) {
  const Duration refuse = refuseDuration(decline.filters());
  for (const OfferID& id : decline.offer_ids()) {
    if (framework.offers.count(id.value()) != 0) returnOffer(now, id.value(), refuse);
  }
}

/// Fact A2, in its order.
std::optional<std::string> Master::findOfferFault(const MasterFramework& framework,
                                                  const Call::Accept& accept) const {
  const auto& ids = accept.offer_ids();
  if (ids.empty()) return "No offers specified";
  std::set<std::string> seen;
  for (const OfferID& id : ids) {
    if (!seen.insert(id.value()).second) return "Duplicate offer " + id.value() + " in offer list";
  }
  for (const OfferID& id : ids) {
    if (offers_.count(id.value()) == 0) return "Offer " + id.value() + " is no longer valid";
  }
  const std::string& self = framework.info.id().value();
  for (const OfferID& id : ids) {
    const std::string& owner = offers_.at(id.value()).offer.framework_id().value();
    if (owner == self) continue;
    return "Offer " + id.value() + " has invalid framework " + owner + " while framework " + self +
           " is expected";
  }
  const MasterOffer& first = offers_.at(ids.begin()->value());
  for (const OfferID& id : ids) {
    const std::string role = allocationRole(offers_.at(id.value()).resources);
    const std::string expected = allocationRole(first.resources);
    if (role == expected) continue;
    // The quotes do not match in Mesos either.
    return "Aggregated offers must be allocated to the same role. Offer " + id.value() +
           " uses role '" + role + " but another is using role '" + expected;
  }
  for (const OfferID& id : ids) {
    const std::string& agent = offers_.at(id.value()).offer.agent_id().value();
    const std::string& expected = first.offer.agent_id().value();
    if (agent == expected) continue;
    return "Aggregated offers must belong to one single agent. Offer " + id.value() +
           " uses agent " + agent + " and agent " + expected;
  }
  return std::nullopt;
}

void Master::accept(Now now, MasterFramework& framework, const Call::Accept& accept) {
  if (const auto fault = findOfferFault(framework, accept)) {
    dropAccept(now, framework, accept, *fault);
    return;
  }
  const MasterOffer& first = offers_.at(accept.offer_ids(0).value());
  const std::string agentId = first.offer.agent_id().value();
  Accepted accepted{framework, agents_.at(agentId), allocationRole(first.resources), {}, {}};
  for (const OfferID& id : accept.offer_ids()) {
    accepted.offered += takeOffer(id.value()).resources;
  }
  accepted.remaining = accepted.offered;
  for (const auto& operation : accept.operations()) runOperation(now, accepted, operation);
  // What became something else is not what was refused (fact A10).
  const Resources converted = accepted.remaining - accepted.offered;
  const std::string& id = framework.info.id().value();
  allocator_.recover(now, id, accepted.role, agentId, converted, std::nullopt);
  allocator_.recover(now, id, accepted.role, agentId, accepted.remaining - converted,
                     refuseDuration(accept.filters()));
}

/// Fact A3: the offers are consumed, also another framework's, and nobody is told.
void Master::dropAccept(Now now, MasterFramework& framework, const Call::Accept& accept,
                        const std::string& fault) {
  for (const OfferID& id : accept.offer_ids()) {
    if (offers_.count(id.value()) != 0) returnOffer(now, id.value(), std::nullopt);
  }
  const TaskState state =
      hasCapability(framework.info, Capability::PARTITION_AWARE) ? TASK_DROPPED : TASK_LOST;
  const auto drop = [&](const TaskInfo& task) {
    failTask(now, framework, task, state, TaskStatus::REASON_INVALID_OFFERS,
             "Task launched with invalid offers: " + fault);
  };
  for (const auto& operation : accept.operations()) {
    if (operation.type() == Offer::Operation::LAUNCH) {
      for (const TaskInfo& task : operation.launch().task_infos()) drop(task);
    } else if (operation.type() == Offer::Operation::LAUNCH_GROUP) {
      for (const TaskInfo& task : operation.launch_group().task_group().tasks()) drop(task);
    } else {
      failOperation(framework, operation, "Operation attempted with invalid offers: " + fault);
    }
  }
}

}  // namespace mesos::cluster
