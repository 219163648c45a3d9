// Starting a process in a sandbox (facts D8, D9; design 19.6).
#pragma once

#include "local/descriptor.hpp"
#include "local/user.hpp"

#include <mesos/result.hpp>

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace mesos::local {

struct ProcessSpec {
  std::string sandbox;
  User user;
  bool shell = true;
  std::string value;                               ///< Command line, or program.
  std::vector<std::string> arguments;              ///< The whole argv, if not `shell`.
  std::map<std::string, std::string> environment;  ///< All of it; its PATH finds the program.
};

struct Process {
  pid_t pid = 0;
  Descriptor pidfd;  ///< Readable when the process has ended.
};

/// Forks a process in a session of its own: stdin /dev/null, stdout and stderr appended to the
/// sandbox's files, default signal handling, no other descriptors, no new identity left to take.
/// It is killed when the calling thread ends. A program that cannot be executed is not an error
/// here: it says so on its stderr and exits with 1; so it does if somebody has had its program open
/// for writing for 5 s, which it waits for by itself.
Result<Process> startProcess(const ProcessSpec& spec);

/// Reaps a process that has ended. Its status as wait(2) gives it; if the host program has made
/// the kernel throw statuses away (SIGCHLD ignored), an exit with 1.
int reap(const Process& process);

}  // namespace mesos::local
