#include "local/process_tree.hpp"

#include "local/descriptor.hpp"

#include <fcntl.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

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

// Who is known to belong to a tree, by any of the numbers that show it, and to which.
struct Members {
  using Roots = std::unordered_map<pid_t, pid_t>;

  /// nullopt: to none.
  std::optional<pid_t> rootOf(const ProcessEntry& process) const {
    for (const auto& [known, id] :
         {std::pair(&processes, process.pid), std::pair(&processes, process.parent),
          std::pair(&sessions, process.session), std::pair(&groups, process.group)}) {
      if (const auto found = known->find(id); found != known->end()) return found->second;
    }
    return std::nullopt;
  }

  Roots processes;
  Roots sessions;
  Roots groups;
};

}  // namespace

std::map<pid_t, std::vector<pid_t>> processTrees(const std::set<pid_t>& roots) {
  if (roots.empty()) return {};
  const std::vector<ProcessEntry> processes = allProcesses();
  const pid_t ourSession = ::getsid(0);
  const pid_t ourGroup = ::getpgrp();
  Members members;
  for (const pid_t root : roots) {
    for (auto* known : {&members.processes, &members.sessions, &members.groups}) {
      known->emplace(root, root);
    }
  }
  for (bool grown = true; grown;) {
    grown = false;
    for (const ProcessEntry& process : processes) {
      if (process.pid == ::getpid() || process.pid <= 1) continue;
      const auto root = members.rootOf(process);
      if (!root) continue;
      grown |= members.processes.emplace(process.pid, *root).second;
      // 0 stands for one outside of our namespace, which strangers share.
      if (process.session != ourSession && process.session != 0) {
        grown |= members.sessions.emplace(process.session, *root).second;
      }
      if (process.group != ourGroup && process.group != 0) {
        grown |= members.groups.emplace(process.group, *root).second;
      }
    }
  }
  std::map<pid_t, std::vector<pid_t>> living;
  for (const ProcessEntry& process : processes) {
    const auto found = members.processes.find(process.pid);
    if (process.alive && found != members.processes.end()) {
      living[found->second].push_back(process.pid);
    }
  }
  return living;
}

std::set<pid_t> killTrees(const std::set<pid_t>& roots) {
  constexpr int kRoundsMax = 20;
  std::set<pid_t> alive;
  std::set<pid_t> stopped;
  bool grown = true;
  for (int round = 0; grown && round < kRoundsMax; ++round) {
    grown = false;
    for (const auto& [root, pids] : processTrees(roots)) {
      alive.insert(root);
      for (const pid_t pid : pids) {
        if (!stopped.insert(pid).second) continue;
        ::kill(pid, SIGSTOP);
        grown = true;
      }
    }
  }
  for (const pid_t pid : stopped) ::kill(pid, SIGKILL);
  return alive;
}

}  // namespace mesos::local
