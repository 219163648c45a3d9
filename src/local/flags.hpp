// The flags of Mesos that the embedded cluster obeys, by their names.
#pragma once

#include "cluster/agent.hpp"
#include "cluster/cors.hpp"
#include "cluster/master.hpp"
#include "local/fetcher.hpp"

#include <mesos/result.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mesos::local {

/// What flags set.
struct Settings {
  cluster::MasterOptions master;
  cluster::AgentOptions agent;
  FetcherOptions fetcher;
  Duration zkSessionTimeout = std::chrono::seconds(10);
  cluster::Cors cors;  ///< Of master and agents.
};

using FlagValues = std::map<std::string, std::string>;

/// Sets what `values` say. The error names the flag, the value, and what is accepted.
Result<void> applyFlags(const FlagValues& values, Settings* settings);
/// Divides every duration by `timeScale`; none gets below a millisecond.
void applyTimeScale(double timeScale, Settings* settings);

/// What /flags of the master, or of an agent, shows: defaults and `values`.
FlagValues shownFlags(bool ofMaster, const FlagValues& values);

std::vector<std::string_view> knownFlags();

}  // namespace mesos::local
