// The processes of containers, as /proc shows them (fact D7).
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <vector>

namespace mesos::local {

/// Of each root the living (no zombies) among: itself, its descendants, and whoever shares a
/// session or a process group with one of those. Never ourselves, nor our own session and group.
/// A root without any is left out. One look through /proc, whose costs grow with all processes of
/// the machine, is for all of them.
std::map<pid_t, std::vector<pid_t>> processTrees(const std::set<pid_t>& roots);

/// Sends SIGKILL to each of the trees' processes, all of them stopped first so that none escapes by
/// forking. The roots of which there was one; until there are none, call again: the dying take
/// their time.
std::set<pid_t> killTrees(const std::set<pid_t>& roots);

}  // namespace mesos::local
