// What a master refuses: ids, frameworks (sections 5.2, 5.3) and tasks (section 8.1), with the
// sentences that Mesos answers.
#pragma once

#include <mesos/v1/scheduler/scheduler.pb.h>
#include <mesos/resources.hpp>
#include <mesos/result.hpp>

#include <set>
#include <string>
#include <string_view>

namespace mesos::cluster {

bool hasCapability(const FrameworkInfo& framework, FrameworkInfo::Capability::Type capability);
/// `roles` of a MULTI_ROLE framework, otherwise its one `role`.
std::set<std::string> rolesOf(const FrameworkInfo& framework);

/// The rule of every id a client gives (fact L1).
Result<void> validateId(std::string_view id);
/// Facts S20-S23 and S52.
Result<void> validateFramework(const FrameworkInfo& framework);
/// validateFramework, and what else of a SUBSCRIBE does not depend on the master (facts S2, S3).
Result<void> validateSubscribe(const v1::scheduler::Call::Subscribe& subscribe);
/// The same of an UPDATE_FRAMEWORK, for a framework that is `known` so far (fact S60).
Result<void> validateUpdate(const FrameworkInfo& known,
                            const v1::scheduler::Call::UpdateFramework& update);
/// Neither a resubscription nor an update may change it (facts S42, S60).
Result<void> validatePrincipal(const FrameworkInfo& known, const FrameworkInfo& updated);

/// As Mesos prints them: `cpus(allocated: *):0.1; ports(allocated: *):[31000-31001]`.
std::string describe(const Resource& resource);
std::string describe(const Resources& resources);

/// What a task's checks need to know about its framework, its agent and the offers.
struct LaunchContext {
  std::string frameworkId;
  std::string agentId;
  /// What earlier tasks left of the offers.
  Resources available;
  /// The framework's task of the same id (fact L2).
  bool duplicateId = false;
  bool unreachableId = false;
  /// The executor of that id that the agent already runs for the framework; nullptr: none.
  const ExecutorInfo* running = nullptr;
};

/// Fact A5.
Result<void> validateResources(const google::protobuf::RepeatedPtrField<Resource>& resources);
/// Facts P2: what a framework may reserve of what it is offered.
Result<void> validateReserve(const google::protobuf::RepeatedPtrField<Resource>& resources,
                             const FrameworkInfo& framework);
Result<void> validateUnreserve(const google::protobuf::RepeatedPtrField<Resource>& resources);

/// The first malformed resource of any task or executor of a LAUNCH (fact A5).
Result<void> validateLaunchResources(const Offer::Operation::Launch& launch);
/// The same of a LAUNCH_GROUP.
Result<void> validateGroupResources(const Offer::Operation::LaunchGroup& group);
/// Facts L1-L9 and L32, for one task of a group.
Result<void> validateTaskOfGroup(const TaskInfo& task, const LaunchContext& context);
/// Facts L31-L33, once every task passed on its own. Of the context only what is about the executor
/// and the resources counts.
Result<void> validateGroup(const Offer::Operation::LaunchGroup& group,
                           const LaunchContext& context);
/// Facts L1-L16, in their order. `task` has its defaults (facts A8, A9) filled in.
Result<void> validateTask(const TaskInfo& task, const LaunchContext& context);

}  // namespace mesos::cluster
