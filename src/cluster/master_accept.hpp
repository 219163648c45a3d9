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
  Resources remaining;
};

}  // namespace mesos::cluster
