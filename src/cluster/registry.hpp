// What outlives a master: which agents it admitted, and what became of them.
#pragma once

#include "base/time.hpp"
#include "cluster/packed.hpp"

#include <mesos/types.hpp>

#include <map>
#include <optional>
#include <string>

namespace mesos::cluster {

/// Mesos keeps it in a replicated log; here the shell hands it from one master to the next. Agents
/// that unregistered or were replaced leave no trace (fact C14). By agent id.
struct Registry {
  /// Registered, or expected to register again (G8).
  std::map<std::string, Packed<AgentInfo>> admitted;
  std::map<std::string, Now> unreachable;  ///< Since when (fact G3).
  std::map<std::string, Now> gone;         ///< Marked by an operator: never admitted again (G6).
  /// Taken out of service by an operator, there or not; if by a drain, with it (fact G9).
  std::map<std::string, std::optional<v1::DrainInfo>> deactivated;
};

}  // namespace mesos::cluster
