// How a process ended, in Mesos' words.
#pragma once

#include <string>

namespace mesos::cluster {

/// "Killed" for 9, as strsignal(3) says it in English whatever the locale.
std::string signalName(int signal);
/// "exited with status 3" or "terminated with signal Killed"; `status` as wait(2) gives it.
std::string describeExit(int status);

}  // namespace mesos::cluster
