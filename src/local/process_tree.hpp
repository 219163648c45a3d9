// The processes of a container, as /proc shows them (fact D7).
#pragma once

#include <sys/types.h>

#include <vector>

namespace mesos::local {

/// The living (no zombies) among: `root`, its descendants, and whoever shares a session or a
/// process group with one of those. Never ourselves, nor our own session and group.
std::vector<pid_t> processTree(pid_t root);

/// Sends `signal` to each of processTree(root).
void signalTree(pid_t root, int signal);

/// Sends SIGKILL to each, all of them stopped first so that none escapes by forking. False if there
/// was none; until then, call again: the dying take their time.
bool killTree(pid_t root);

}  // namespace mesos::local
