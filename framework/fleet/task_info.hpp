// The TaskInfo of one server.
#pragma once

#include "fleet/app_spec.hpp"
#include "fleet/match_offer.hpp"

#include <mesos/types.hpp>

#include <string>

namespace mesos::fleet {

/// A server of `app` named `taskId` (unique per attempt, fact L2) on `offer`, in an executor whose
/// id is the task's: executors are then never shared, one crash takes one server, and two launches
/// can never disagree about an ExecutorInfo (fact L12).
TaskInfo makeTask(const AppSpec& app, const std::string& taskId, const Offer& offer,
                  const Placement& placement);

}  // namespace mesos::fleet
