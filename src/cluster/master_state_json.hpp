// A master's state endpoints as JSON (section 16.2). Each is one look at the state as it is.
#pragma once

#include "cluster/master.hpp"
#include "cluster/state_json.hpp"
#include "protocol/http.hpp"

#include <string>

namespace mesos::cluster {

/// /state (fact W10).
std::string stateJson(const Master& master, const Flags& flags);
/// /state-summary (fact W19).
std::string stateSummaryJson(const Master& master);
/// /slaves, of the query's `slave_id` only if it has one (fact W12).
std::string slavesJson(const Master& master, const protocol::Target& target);
/// /frameworks, of the query's `framework_id` only if it has one (fact W17).
std::string frameworksJson(const Master& master, const protocol::Target& target);
/// /tasks with its query of `limit`, `offset`, `order`, `framework_id`, `task_id` (fact W18).
std::string tasksJson(const Master& master, const protocol::Target& target);
/// /roles (fact W20).
std::string rolesJson(const Master& master);

/// What the framework's live tasks and executors use; what is offered to it.
Resources usedResources(const MasterFramework& framework);
Resources offeredResources(const Master& master, const MasterFramework& framework);

}  // namespace mesos::cluster
