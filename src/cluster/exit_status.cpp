#include "cluster/exit_status.hpp"

#include <sys/wait.h>

#include <csignal>

namespace mesos::cluster {

namespace {

const char* knownSignalName(int signal) {
  switch (signal) {
    case SIGHUP:
      return "Hangup";
    case SIGINT:
      return "Interrupt";
    case SIGQUIT:
      return "Quit";
    case SIGILL:
      return "Illegal instruction";
    case SIGTRAP:
      return "Trace/breakpoint trap";
    case SIGABRT:
      return "Aborted";
    case SIGBUS:
      return "Bus error";
    case SIGFPE:
      return "Floating point exception";
    case SIGKILL:
      return "Killed";
    case SIGUSR1:
      return "User defined signal 1";
    case SIGSEGV:
      return "Segmentation fault";
    case SIGUSR2:
      return "User defined signal 2";
    case SIGPIPE:
      return "Broken pipe";
    case SIGALRM:
      return "Alarm clock";
    case SIGTERM:
      return "Terminated";
    case SIGXCPU:
      return "CPU time limit exceeded";
    case SIGXFSZ:
      return "File size limit exceeded";
    case SIGSYS:
      return "Bad system call";
    default:
      return nullptr;
  }
}

}  // namespace

std::string signalName(int signal) {
  if (const char* name = knownSignalName(signal)) return name;
  return "Unknown signal " + std::to_string(signal);
}

std::string describeExit(int status) {
  if (WIFSIGNALED(status)) return "terminated with signal " + signalName(WTERMSIG(status));
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace mesos::cluster
