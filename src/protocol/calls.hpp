// The scheduler's calls, built from what they are about. Without framework_id: the session adds it.
#pragma once

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <string>
#include <vector>

namespace mesos::protocol::calls {

using Call = v1::scheduler::Call;

/// A LAUNCH operation of these tasks.
v1::Offer::Operation launch(const std::vector<v1::TaskInfo>& tasks);
/// Uses offers of one agent and role (fact A1). Without operations it declines them.
Call accept(const std::vector<v1::OfferID>& offers,
            const std::vector<v1::Offer::Operation>& operations, const v1::Filters& filters = {});
Call decline(const std::vector<v1::OfferID>& offers, const v1::Filters& filters = {});
Call revive(const std::vector<std::string>& roles = {});    ///< No roles: all.
Call suppress(const std::vector<std::string>& roles = {});  ///< No roles: all.
Call kill(const v1::TaskID& task);
Call kill(const v1::TaskID& task, const v1::AgentID& agent);
/// Ends an executor and its tasks.
Call shutdown(const v1::ExecutorID& executor, const v1::AgentID& agent);
/// Of a status that has a uuid and an agent_id.
Call acknowledge(const v1::TaskStatus& status);
/// Of these statuses' task_id and agent_id; none: of all tasks.
Call reconcile(const std::vector<v1::TaskStatus>& statuses = {});
Call message(const v1::ExecutorID& executor, const v1::AgentID& agent, std::string data);
Call request(const std::vector<v1::Request>& requests);
Call teardown();

}  // namespace mesos::protocol::calls
