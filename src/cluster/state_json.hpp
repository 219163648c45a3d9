// The parts of Mesos' state endpoints that master and agent share (facts W2, W11-W15).
#pragma once

#include "protocol/json.hpp"

#include <mesos/resources.hpp>
#include <mesos/types.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mesos::cluster {

/// The flags that /flags and /state show, by name.
using Flags = std::map<std::string, std::string>;

/// What /version tells, in alphabetical order (fact W2). We have no build of Mesos to name.
std::string versionJson(const std::string& version);
v1::VersionInfo versionInfo(const std::string& version);
/// The same as members of an object being written.
void writeVersion(protocol::JsonWriter& writer, const std::string& version);

/// `{"flags":{…}}`.
std::string flagsJson(const Flags& flags);
void writeFlags(protocol::JsonWriter& writer, const Flags& flags);

/// The quantities of resources by name: scalars added exactly, ranges merged; revocable ones under
/// "cpus_revocable" and the like.
class Quantities {
 public:
  Quantities() = default;
  explicit Quantities(const Resources& resources) { add(resources); }

  /// Resources, or a message's list of valid ones, without making Resources of them.
  template <typename List>
  void add(const List& resources) {
    for (const Resource& resource : resources) add(resource);
  }
  /// disk, mem, gpus and cpus always, then what else there is (fact W13).
  void write(protocol::JsonWriter& writer) const;

 private:
  using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

  void add(const Resource& resource);

  std::map<std::string, std::int64_t> thousandths_;  ///< So that sums are exact (fact L21).
  std::map<std::string, Ranges> ranges_;
  std::map<std::string, std::vector<std::string>> sets_;
};

/// The Quantities of these.
template <typename List>
void writeResources(protocol::JsonWriter& writer, const List& resources) {
  Quantities quantities;
  quantities.add(resources);
  quantities.write(writer);
}
/// `{"web":{…}}` of the reserved ones.
void writeReservedByRole(protocol::JsonWriter& writer, const Resources& resources);
/// Sets `role`, which readers from before reservations were refined look at (fact W12).
void showRole(Resource* resource);
/// An array of whole Resource objects: with `role`, and `reservations` for reserved ones (W12).
void writeResourcesFull(protocol::JsonWriter& writer, const Resources& resources);
void writeReservedByRoleFull(protocol::JsonWriter& writer, const Resources& resources);

template <typename List>
void writeAttributes(protocol::JsonWriter& writer, const List& attributes);
void writeAttribute(protocol::JsonWriter& writer, const Attribute& attribute);
/// `[{"key":…,"value":…}]`.
void writeLabels(protocol::JsonWriter& writer, const Labels& labels);
/// What agents of this version can do (fact P5).
extern const std::array<AgentInfo::Capability::Type, 8> kAgentCapabilities;
void writeAgentCapabilities(protocol::JsonWriter& writer);

/// Every framework that a master or an agent knows, also those that are over.
template <typename Machine, typename Visit>
void forEachFramework(const Machine& machine, Visit visit) {
  for (const auto& [id, framework] : machine.frameworks()) visit(framework);
  for (const auto& framework : machine.completedFrameworks()) visit(framework);
}

/// `role`, or `roles` for a MULTI_ROLE framework, with its key.
void writeRoles(protocol::JsonWriter& writer, const FrameworkInfo& framework);
const std::string& sourceOf(const ExecutorInfo& executor);
/// The role that resources are allocated to; empty if to none.
std::string roleOf(const google::protobuf::RepeatedPtrField<Resource>& resources);

/// Fact W15.
void writeTask(protocol::JsonWriter& writer, const Task& task);

template <typename List>
void writeAttributes(protocol::JsonWriter& writer, const List& attributes) {
  writer.beginObject();
  for (const Attribute& attribute : attributes) writeAttribute(writer, attribute);
  writer.endObject();
}

}  // namespace mesos::cluster
