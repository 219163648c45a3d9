#include "local/process_tree.hpp"

#include "local/descriptor.hpp"

#include <fcntl.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <memory>
#include <set>
#include <string_view>

namespace mesos::local {
namespace {

struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  bool alive = false;
};

bool readProcess(int proc, const char* name, ProcessEntry* process) {
  const std::string_view digits = name;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), process->pid);
  if (error != std::errc() || end != digits.data() + digits.size()) return false;
  const Descriptor file(
      ::openat(proc, (std::string(digits) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  char text[1024];
  const ssize_t size = file ? ::read(file.get(), text, sizeof(text) - 1) : -1;
  if (size <= 0) return false;
  text[size] = '\0';
  // The command's name, in parentheses, may contain anything: the last one closes it.
  const char* const rest = std::strrchr(text, ')');
  char state = 0;
  if (!rest || std::sscanf(rest + 1, " %c %d %d %d", &state, &process->parent, &process->group,
                           &process->session) != 4) {
    return false;
  }
  process->alive = state != 'Z' && state != 'X';
  return true;
}

std::vector<ProcessEntry> allProcesses() {
  std::vector<ProcessEntry> processes;
  const OpenDirectory proc(::opendir("/proc"));
  if (!proc) return processes;
  while (const dirent* entry = ::readdir(proc.get())) {
    ProcessEntry process;
    if (readProcess(::dirfd(proc.get()), entry->d_name, &process)) processes.push_back(process);
  }
  return processes;
}

}  // namespace

std::vector<pid_t> processTree(pid_t root) {
  const std::vector<ProcessEntry> processes = allProcesses();
  const pid_t ourSession = ::getsid(0);
  const pid_t ourGroup = ::getpgrp();
  std::set<pid_t> members{root};
  std::set<pid_t> sessions{root};
  std::set<pid_t> groups{root};
  for (bool grown = true; grown;) {
    grown = false;
    for (const ProcessEntry& process : processes) {
      if (process.pid == ::getpid() || process.pid <= 1) continue;
      const bool isMember = members.count(process.pid) || members.count(process.parent) ||
                            sessions.count(process.session) || groups.count(process.group);
      if (!isMember) continue;
      grown |= members.insert(process.pid).second;
      // 0 stands for one outside of our namespace, which strangers share.
      if (process.session != ourSession && process.session != 0) {
        grown |= sessions.insert(process.session).second;
      }
      if (process.group != ourGroup && process.group != 0) {
        grown |= groups.insert(process.group).second;
      }
    }
  }
  std::vector<pid_t> living;
  for (const ProcessEntry& process : processes) {
    if (process.alive && members.count(process.pid)) living.push_back(process.pid);
  }
  return living;
}

void signalTree(pid_t root, int signal) {
  for (const pid_t pid : processTree(root)) ::kill(pid, signal);
}

bool killTree(pid_t root) {
  constexpr int kRoundsMax = 20;
  std::set<pid_t> stopped;
  bool grown = true;
  for (int round = 0; grown && round < kRoundsMax; ++round) {
    grown = false;
    for (const pid_t pid : processTree(root)) {
      if (!stopped.insert(pid).second) continue;
      ::kill(pid, SIGSTOP);
      grown = true;
    }
  }
  for (const pid_t pid : stopped) ::kill(pid, SIGKILL);
  return !stopped.empty();
}

}  // namespace mesos::local
