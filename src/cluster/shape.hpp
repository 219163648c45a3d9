// The shape of a JSON document: which members it has, and of which types. For tests.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace mesos::cluster {

/// "slaves[].resources.cpus: double" and the like, for every member at every depth. Elements of one
/// array are taken together.
std::set<std::string> shapeOf(std::string_view json);

/// What `recorded` has and `ours` lacks.
std::set<std::string> missingFrom(const std::set<std::string>& ours,
                                  const std::set<std::string>& recorded);

}  // namespace mesos::cluster
