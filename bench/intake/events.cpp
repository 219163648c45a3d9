#include "bench/intake/events.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <charconv>
#include <string_view>

namespace bench {
namespace {

using mesos::v1::Resource;
using mesos::v1::scheduler::Event;

constexpr std::string_view kFramework = "5b1bb2f5-ae36-4be8-9b0e-2e1a1d4f7ac1-0000";
constexpr std::string_view kMaster = "5b1bb2f5-ae36-4be8-9b0e-2e1a1d4f7ac1";
constexpr std::size_t kUuidBytes = 16;
constexpr std::size_t kAgents = 1000;

std::string numbered(std::string_view prefix, std::size_t number) {
  return std::string(prefix) + std::to_string(number);
}

std::string agentOf(std::size_t number) {
  return numbered(std::string(kMaster) + "-S", number % kAgents);
}

std::string addressOf(std::size_t number) {
  return "10.0." + std::to_string(number / 250 % 250) + "." + std::to_string(number % 250);
}

std::string uuidOf(std::size_t number) {
  std::string uuid = std::to_string(number);
  uuid.insert(0, kUuidBytes - uuid.size(), '\x90');
  return uuid;
}

void addScalar(mesos::v1::Offer& offer, const char* name, double value) {
  Resource& resource = *offer.add_resources();
  resource.set_name(name);
  resource.set_type(mesos::v1::Value::SCALAR);
  resource.mutable_scalar()->set_value(value);
  resource.mutable_allocation_info()->set_role("services");
}

void addPorts(mesos::v1::Offer& offer) {
  Resource& resource = *offer.add_resources();
  resource.set_name("ports");
  resource.set_type(mesos::v1::Value::RANGES);
  for (const unsigned from : {31000U, 31500U}) {
    mesos::v1::Value::Range& range = *resource.mutable_ranges()->add_range();
    range.set_begin(from);
    range.set_end(from + 400);
  }
  resource.mutable_allocation_info()->set_role("services");
}

void addOffer(Event::Offers& offers, std::size_t number) {
  mesos::v1::Offer& offer = *offers.add_offers();
  offer.mutable_id()->set_value(numbered(std::string(kMaster) + "-O", number));
  offer.mutable_framework_id()->set_value(std::string(kFramework));
  offer.mutable_agent_id()->set_value(agentOf(number));
  offer.set_hostname(numbered("agent-", number % kAgents) + ".example.org");
  offer.mutable_allocation_info()->set_role("services");
  mesos::v1::URL& url = *offer.mutable_url();
  url.set_scheme("http");
  url.mutable_address()->set_ip(addressOf(number));
  url.mutable_address()->set_port(5051);
  url.set_path("/slave(1)");
  addScalar(offer, "cpus", 8);
  addScalar(offer, "mem", 30000);
  addScalar(offer, "disk", 100000);
  addScalar(offer, "gpus", 2);
  addScalar(offer, "network_bandwidth", 1000);
  addPorts(offer);
}

}  // namespace

std::string subscribedEvent() {
  Event event;
  event.set_type(Event::SUBSCRIBED);
  event.mutable_subscribed()->mutable_framework_id()->set_value(std::string(kFramework));
  event.mutable_subscribed()->set_heartbeat_interval_seconds(15);
  mesos::v1::MasterInfo& master = *event.mutable_subscribed()->mutable_master_info();
  master.set_id(std::string(kMaster));
  master.set_ip(16777343);
  master.set_port(5050);
  master.set_hostname("localhost");
  return event.SerializeAsString();
}

std::string updateEvent(std::size_t number) {
  Event event;
  event.set_type(Event::UPDATE);
  mesos::v1::TaskStatus& status = *event.mutable_update()->mutable_status();
  status.mutable_task_id()->set_value(numbered("service.instance-", number));
  status.set_state(mesos::v1::TASK_RUNNING);
  status.set_source(mesos::v1::TaskStatus::SOURCE_EXECUTOR);
  status.mutable_agent_id()->set_value(agentOf(number));
  status.mutable_executor_id()->set_value(numbered("service.instance-", number));
  status.set_timestamp(1.7e9 + static_cast<double>(number));
  status.set_uuid(uuidOf(number));
  mesos::v1::ContainerStatus& container = *status.mutable_container_status();
  container.mutable_container_id()->set_value("d1f7b6a2-6e0c-4b7e-9d1f-3b1a5f0c2e4d");
  container.set_executor_pid(4711);
  container.add_network_infos()->add_ip_addresses()->set_ip_address(addressOf(number));
  return event.SerializeAsString();
}

std::string offersEvent(std::size_t number) {
  Event event;
  event.set_type(Event::OFFERS);
  for (std::size_t i = 0; i < kOffers; ++i) {
    addOffer(*event.mutable_offers(), number * kOffers + i);
  }
  return event.SerializeAsString();
}

std::size_t numberOf(const std::string& uuid, std::size_t count) {
  if (uuid.size() != kUuidBytes) return count;
  const std::size_t first = uuid.find_first_not_of('\x90');
  if (first == uuid.npos) return count;
  std::size_t number = 0;
  const char* const end = uuid.data() + uuid.size();
  const auto [rest, error] = std::from_chars(uuid.data() + first, end, number);
  return error == std::errc() && rest == end ? number : count;
}

}  // namespace bench
