// An agent's checkpoints on disk (design 19.11).
#pragma once

#include <mesos/result.hpp>

#include <map>
#include <string>

namespace mesos::local {

/// Files below one directory, which nobody else writes to. Only its owner may read them: tasks and
/// their secrets are in them.
class Checkpoints {
 public:
  explicit Checkpoints(std::string directory) : directory_(std::move(directory)) {}

  /// Whole or not at all: a reader finds the old file or the new one.
  Result<void> write(const std::string& path, const std::string& bytes);
  /// The file or directory, if it is there.
  void remove(const std::string& path);
  /// Removes all of them.
  void clear();
  /// Bytes by path. What cannot be read is left out.
  std::map<std::string, std::string> readAll() const;

 private:
  std::string directory_;
};

}  // namespace mesos::local
