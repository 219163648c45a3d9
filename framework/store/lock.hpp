// Who uses a state directory: one process at a time.
#pragma once

#include "store/store.hpp"

#include <mesos/result.hpp>

#include <memory>
#include <string>

namespace mesos::store {

/// Holds the file DIR/lock until destroyed, or until the process ends in whatever way.
class Store::Lock {
 public:
  static Result<std::unique_ptr<Lock>> take(const std::string& directory);
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  explicit Lock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace mesos::store
