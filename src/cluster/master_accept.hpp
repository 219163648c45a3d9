// What the master's files about an ACCEPT share; nobody else includes this.
#pragma once

#include "cluster/master.hpp"

#include <string>

namespace mesos::cluster {

/// The offers of one ACCEPT, put together: its operations take from `remaining` (fact A7).
struct Master::Accepted {
  MasterFramework& framework;
  MasterAgent& agent;
  std::string role;
  Resources offered;
  Resources remaining;
};

/// Fact A8: the role of the offer for resources that name none.
void allocate(google::protobuf::RepeatedPtrField<Resource>* resources, const std::string& role);
/// Fact S72: to the one format that is used inside.
void upgradeResources(google::protobuf::RepeatedPtrField<Resource>* resources);

}  // namespace mesos::cluster
