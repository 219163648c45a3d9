// What the scheduler has promised, kept on disk: who it is, and every task that may live.
//
//     DIR/state.db   an SQLite database (WAL); one transaction a decision
//     DIR/lock       held, by the kernel, for as long as a scheduler uses the directory
//
// The scheduler writes before it acts, so that at no instant a task can exist that the database
// does not know. It must not know what a Fleet makes of it.
#pragma once

#include "fleet/task_record.hpp"

#include <mesos/result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mesos::store {

/// A state directory in use. Not thread-safe. Every write is durable when it returns: it survives a
/// crash of the program and of the machine. Every error is a sentence that says what to do.
class Store {
 public:
  /// Opens the state in `directory`, which is made if it is not there. Refused: one that another
  /// process uses, a database that is damaged, that is something else, or that a later version
  /// wrote.
  static Result<std::unique_ptr<Store>> open(const std::string& directory);
  /// Whether there is a state in `directory`, in whatever condition.
  static bool exists(const std::string& directory);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Who this framework is; nullopt: it has never been registered.
  Result<std::optional<std::string>> frameworkId();
  Result<void> setFrameworkId(const std::string& id);
  /// Every task that may live, in the order of their ids.
  Result<std::vector<fleet::TaskRecord>> tasks();
  /// Keeps `tasks`, in place of what was kept under their ids, and drops `ended`; all or nothing.
  Result<void> update(const std::vector<fleet::TaskRecord>& tasks,
                      const std::vector<std::string>& ended);
  /// Forgets everything: the database is deleted, and the directory if nothing else is in it.
  /// Nothing but the destructor may follow.
  Result<void> erase();

 private:
  class Database;
  class Lock;
  Store(std::string directory, std::unique_ptr<Lock> lock, std::unique_ptr<Database> database);

  std::string directory_;
  std::unique_ptr<Lock> lock_;
  std::unique_ptr<Database> database_;
};

}  // namespace mesos::store
