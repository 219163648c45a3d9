#include "local/work_dir.hpp"

#include "local/tree.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

namespace mesos::local {
namespace {

constexpr std::string_view kPrefix = "mesos-cpp.";
// A directory has this name until its lock is held, so that no sweep takes it for stale.
constexpr std::string_view kUnlockedPrefix = ".mesos-cpp.";
constexpr mode_t kMode = 0711;

Result<std::string> realPath(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr),
                                                             &std::free);
  if (!resolved) return systemError("Failed to resolve '" + path + "'", errno);
  return std::string(resolved.get());
}

// Invalid if someone else holds it, or it is not there.
Descriptor takeLock(const std::string& directory, int flags) {
  Descriptor lock(::open((directory + "/lock").c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) lock.reset();
  return lock;
}

Result<WorkDir> failed(const std::string& what) {
  return systemError("Failed to create a work directory: " + what, errno);
}

}  // namespace

std::string temporaryRoot() {
  const char* const variable = std::getenv("TMPDIR");
  return variable && *variable == '/' ? variable : "/tmp";
}

Result<WorkDir> WorkDir::open(const std::string& path) {
  if (!path.empty()) {
    std::string absolute = path;
    if (path.front() != '/') {
      auto here = realPath(".");
      if (!here) return here.error();
      absolute = *here + "/" + path;
    }
    auto made = makeDirectories(absolute, kMode);
    if (!made) return made.error();
    auto real = realPath(absolute);
    if (!real) return real.error();
    return WorkDir(*real, Descriptor());
  }
  auto root = realPath(temporaryRoot());
  if (!root) return root.error();
  std::string unlocked = *root + "/" + std::string(kUnlockedPrefix) + "XXXXXX";
  if (!::mkdtemp(unlocked.data())) return failed("'" + unlocked + "'");
  Descriptor lock = takeLock(unlocked, O_RDWR | O_CREAT | O_EXCL);
  const std::string locked =
      *root + "/" + std::string(kPrefix) + unlocked.substr(unlocked.size() - 6);
  if (!lock || ::chmod(unlocked.c_str(), kMode) != 0 ||
      ::rename(unlocked.c_str(), locked.c_str()) != 0) {
    auto error = failed("'" + locked + "'");
    removeTree(unlocked);
    return error;
  }
  return WorkDir(locked, std::move(lock));
}

WorkDir::~WorkDir() {
  if (lock_) removeTree(path_);
}

void sweepStaleWorkDirs(const std::string& root) {
  const OpenDirectory entries(::opendir(root.c_str()));
  if (!entries) return;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name.size() != kPrefix.size() + 6 || name.rfind(kPrefix, 0) != 0) continue;
    struct stat status {};
    if (::fstatat(::dirfd(entries.get()), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISDIR(status.st_mode) || status.st_uid != ::geteuid()) {
      continue;
    }
    const std::string path = root + "/" + name;
    if (const Descriptor lock = takeLock(path, O_RDWR)) removeTree(path);
  }
}

}  // namespace mesos::local
