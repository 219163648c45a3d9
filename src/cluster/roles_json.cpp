#include "cluster/master_state_json.hpp"
#include "cluster/operator_state.hpp"
#include "cluster/validation.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <set>

namespace mesos::cluster {
namespace {

using protocol::JsonWriter;

/// Sums by resource name in thousandths, so that they are exact; of ranges and sets the count.
using Sums = std::map<std::string, std::int64_t>;

std::int64_t thousandthsOf(const Resource& resource) {
  switch (resource.type()) {
    case v1::Value::SCALAR:
      return std::llround(resource.scalar().value() * 1000);
    case v1::Value::RANGES: {
      std::uint64_t count = 0;
      for (const auto& range : resource.ranges().range()) count += range.end() - range.begin() + 1;
      return static_cast<std::int64_t>(count) * 1000;
    }
    case v1::Value::SET:
      return std::int64_t{1000} * resource.set().item_size();
    default:
      return 0;
  }
}

/// Absent when zero (fact W20).
void writeSums(JsonWriter& writer, const Sums& sums) {
  writer.beginObject();
  for (const auto& [name, thousandths] : sums) {
    if (thousandths != 0) writer.key(name).number(static_cast<double>(thousandths) / 1000);
  }
  writer.endObject();
}

struct Role {
  Sums resources;  ///< Allocated or offered.
  Sums scalars;    ///< The same, scalars alone.
  Sums allocated;
  Sums offered;
  Sums reserved;
  Sums consumed;  ///< Reserved, in use or not, and what is in use of the unreserved.
  std::set<std::string> frameworks;
};

using Roles = std::map<std::string, Role>;

void addInUse(Role& role, const Resource& resource) {
  const std::int64_t thousandths = thousandthsOf(resource);
  role.resources[resource.name()] += thousandths;
  if (resource.type() == v1::Value::SCALAR) role.scalars[resource.name()] += thousandths;
}

void addAgent(Roles& roles, const MasterAgent& agent) {
  for (const Resource& resource : agent.total) {
    const int depth = resource.reservations_size();
    if (depth == 0) continue;
    Role& role = roles[resource.reservations(depth - 1).role()];
    role.reserved[resource.name()] += thousandthsOf(resource);
    role.consumed[resource.name()] += thousandthsOf(resource);
  }
  for (const Resource& resource : agent.used) {
    Role& role = roles[resource.allocation_info().role()];
    role.allocated[resource.name()] += thousandthsOf(resource);
    addInUse(role, resource);
    if (resource.reservations_size() == 0) {
      role.consumed[resource.name()] += thousandthsOf(resource);
    }
  }
  for (const Resource& resource : agent.offered) {
    Role& role = roles[resource.allocation_info().role()];
    role.offered[resource.name()] += thousandthsOf(resource);
    addInUse(role, resource);
  }
}

Roles knownRoles(const Master& master) {
  Roles roles;
  for (const std::string& role : master.options().roleWhitelist) roles[role];
  for (const auto& [id, framework] : master.frameworks()) {
    for (const std::string& role : rolesOf(framework.info)) roles[role].frameworks.insert(id);
  }
  for (const auto& [id, agent] : master.agents()) addAgent(roles, agent);
  return roles;
}

void writeRole(JsonWriter& writer, const std::string& name, const Role& role) {
  writer.beginObject();
  writer.key("name").string(name);
  writer.key("weight").number(1);
  writer.key("quota").beginObject();
  writer.key("role").string(name);
  writer.key("guarantee").beginObject().endObject();
  writer.key("limit").beginObject().endObject();
  writer.key("consumed");
  writeSums(writer, role.consumed);
  writer.endObject();
  writer.key("resources");
  writeSums(writer, role.resources);
  writer.key("allocated");
  writeSums(writer, role.allocated);
  writer.key("offered");
  writeSums(writer, role.offered);
  writer.key("reserved");
  writeSums(writer, role.reserved);
  writer.key("frameworks").beginArray();
  for (const std::string& id : role.frameworks) writer.string(id);
  writer.endArray();
  writer.endObject();
}

}  // namespace

/// Quantities alone, and only of scalars; /roles counts ports, too (fact W20).
OperatorResponse::GetRoles rolesMessage(const Master& master) {
  OperatorResponse::GetRoles message;
  for (const auto& [name, role] : knownRoles(master)) {
    auto& shown = *message.add_roles();
    shown.set_name(name);
    shown.set_weight(1);
    for (const std::string& id : role.frameworks) shown.add_frameworks()->set_value(id);
    for (const auto& [resourceName, thousandths] : role.scalars) {
      if (thousandths == 0) continue;
      Resource& resource = *shown.add_resources();
      resource.set_name(resourceName);
      resource.set_type(v1::Value::SCALAR);
      resource.mutable_scalar()->set_value(static_cast<double>(thousandths) / 1000);
    }
  }
  return message;
}

std::string rolesJson(const Master& master) {
  JsonWriter writer;
  writer.beginObject();
  writer.key("roles").beginArray();
  for (const auto& [name, role] : knownRoles(master)) writeRole(writer, name, role);
  writer.endArray();
  writer.endObject();
  return writer.take();
}

}  // namespace mesos::cluster
