// Where a cluster keeps its sandboxes (design 19.10).
#pragma once

#include "local/descriptor.hpp"

#include <mesos/result.hpp>

#include <string>

namespace mesos::local {

/// A work directory, mode 0711 so that a task's user can pass through it to its sandbox. A
/// temporary one is removed with this object. It holds a file `lock`, locked while its owner lives:
/// what a killed owner left behind is told by a lock that is free.
class WorkDir {
 public:
  /// `path` as given, made if it is missing; empty: a temporary one below $TMPDIR or /tmp.
  static Result<WorkDir> open(const std::string& path);
  ~WorkDir();
  WorkDir(WorkDir&&) = default;
  WorkDir& operator=(WorkDir&&) = delete;

  /// Absolute, without symbolic links.
  const std::string& path() const { return path_; }
  bool isTemporary() const { return static_cast<bool>(lock_); }

 private:
  WorkDir(std::string path, Descriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  Descriptor lock_;
};

/// The directory for temporary work directories.
std::string temporaryRoot();
/// Removes from `root` our user's temporary work directories whose owners are gone.
void sweepStaleWorkDirs(const std::string& root);

}  // namespace mesos::local
