#include "store/store.hpp"

#include "store/database.hpp"
#include "store/lock.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace mesos::store {
namespace {

using fleet::TaskRecord;
using Intent = TaskRecord::Intent;

constexpr std::array<std::pair<Intent, const char*>, 3> kIntents = {
    {{Intent::Launching, "launching"}, {Intent::Running, "running"}, {Intent::Killing, "killing"}}};

std::string nameOf(Intent intent) {
  for (const auto& [known, name] : kIntents) {
    if (known == intent) return name;
  }
  return "";
}

/// The schema admits no other names.
Intent intentOf(const std::string& name) {
  for (const auto& [intent, known] : kIntents) {
    if (name == known) return intent;
  }
  return Intent::Launching;
}

std::string databaseIn(const std::string& directory) { return directory + "/state.db"; }

}  // namespace

Store::Store(std::string directory, std::unique_ptr<Lock> lock, std::unique_ptr<Database> database)
    : directory_(std::move(directory)), lock_(std::move(lock)), database_(std::move(database)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{"cannot make the directory " + directory + ": " + std::strerror(errno)};
  }
  struct stat found {};
  if (::stat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return Error{directory + " is not a directory"};
  }
  auto lock = Lock::take(directory);
  if (!lock) return lock.error();
  auto database = Database::open(databaseIn(directory));
  if (!database) return database.error();
  return std::unique_ptr<Store>(new Store(directory, std::move(*lock), std::move(*database)));
}

bool Store::exists(const std::string& directory) {
  return ::access(databaseIn(directory).c_str(), F_OK) == 0;
}

Result<std::optional<std::string>> Store::frameworkId() {
  const auto rows = database_->run("SELECT id FROM framework");
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<std::string>();
  return std::optional(std::get<std::string>((*rows)[0][0]));
}

Result<void> Store::setFrameworkId(const std::string& id) {
  const auto ran = database_->run("INSERT OR REPLACE INTO framework VALUES (1, ?)", {id});
  if (!ran) return ran.error();
  return {};
}

Result<std::vector<TaskRecord>> Store::tasks() {
  const auto rows = database_->run("SELECT id, agent, url, port, intent FROM task ORDER BY id");
  if (!rows) return rows.error();
  std::vector<TaskRecord> tasks;
  for (const auto& row : *rows) {
    const auto text = [&](std::size_t column) { return std::get<std::string>(row[column]); };
    tasks.push_back({.id = text(0),
                     .agent = text(1),
                     .url = text(2),
                     .port = static_cast<std::uint16_t>(std::get<std::int64_t>(row[3])),
                     .intent = intentOf(text(4))});
  }
  return tasks;
}

Result<void> Store::update(const std::vector<TaskRecord>& tasks,
                           const std::vector<std::string>& ended) {
  return database_->transaction([&]() -> Result<void> {
    for (const TaskRecord& task : tasks) {
      const auto ran = database_->run(
          "INSERT OR REPLACE INTO task VALUES (?, ?, ?, ?, ?)",
          {task.id, task.agent, task.url, std::int64_t{task.port}, nameOf(task.intent)});
      if (!ran) return ran.error();
    }
    for (const std::string& id : ended) {
      const auto ran = database_->run("DELETE FROM task WHERE id = ?", {id});
      if (!ran) return ran.error();
    }
    return {};
  });
}

Result<void> Store::erase() {
  database_.reset();
  const std::string database = databaseIn(directory_);
  if (::unlink(database.c_str()) != 0) {
    return Error{"cannot delete " + database + ": " + std::strerror(errno)};
  }
  for (const char* const suffix : {"-wal", "-shm", "-journal"}) {
    ::unlink((database + suffix).c_str());
  }
  ::unlink((directory_ + "/lock").c_str());
  ::rmdir(directory_.c_str());  // Unless something else is in it.
  return {};
}

}  // namespace mesos::store
