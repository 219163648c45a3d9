#include "store/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace mesos::store {
namespace {

/// "MCPP": the mark that a database is ours, in its header.
constexpr std::int64_t kApplication = 0x4d435050;
/// Of the tables below. A change of them raises it, and open() learns to bring the older one up.
constexpr std::int64_t kVersion = 1;

constexpr const char* kSchema[] = {
    "CREATE TABLE framework ("
    "  only INTEGER PRIMARY KEY CHECK (only = 1),"
    "  id TEXT NOT NULL"
    ") STRICT",
    "CREATE TABLE task ("
    "  id TEXT PRIMARY KEY,"
    "  agent TEXT NOT NULL,"
    "  url TEXT NOT NULL,"
    "  port INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535),"
    "  intent TEXT NOT NULL CHECK (intent IN ('launching', 'running', 'killing'))"
    ") STRICT, WITHOUT ROWID"};

constexpr const char* kToStartAnew =
    "; restore a copy of it, or move it away to start anew (whatever an earlier run left on the "
    "cluster then stays there until its framework is torn down)";

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

int bind(sqlite3_stmt* statement, int index, const std::string& text) {
  return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT,
                             SQLITE_UTF8);
}
int bind(sqlite3_stmt* statement, int index, std::int64_t number) {
  return sqlite3_bind_int64(statement, index, number);
}

Error failedSystem(const std::string& what, const std::string& path) {
  return Error{"cannot " + what + " " + path + ": " + std::strerror(errno)};
}

/// A name that was given to a file is only as durable as its directory.
Result<void> syncDirectoryOf(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failedSystem("open", directory);
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced) return failedSystem("write to", directory);
  return {};
}

}  // namespace

Result<std::unique_ptr<Store::Database>> Store::Database::open(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) {
    // Made under another name: what bears this name is whole, or was damaged.
    const std::string unfinished = path + ".new";
    for (const char* const suffix : {"", "-journal"}) ::unlink((unfinished + suffix).c_str());
    Database fresh(unfinished);
    if (auto created = fresh.create(); !created) return created.error();
    if (std::rename(unfinished.c_str(), path.c_str()) != 0) return failedSystem("write", path);
    if (auto synced = syncDirectoryOf(path); !synced) return synced.error();
  }
  std::unique_ptr<Database> database(new Database(path));
  if (auto connected = database->connect(false); !connected) return connected.error();
  if (auto checked = database->check(); !checked) return checked.error();
  if (auto prepared = database->prepareForUse(); !prepared) return prepared.error();
  return database;
}

Store::Database::~Database() { sqlite3_close(handle_); }

Result<void> Store::Database::connect(bool create) {
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) return failed(code);
  sqlite3_extended_result_codes(handle_, 1);
  return {};
}

Result<void> Store::Database::create() {
  if (auto connected = connect(true); !connected) return connected;
  auto made = transaction([this]() -> Result<void> {
    for (const char* const statement : kSchema) {
      if (auto ran = run(statement); !ran) return ran.error();
    }
    for (const auto& [name, value] :
         {std::pair("application_id", kApplication), std::pair("user_version", kVersion)}) {
      const std::string pragma = std::string("PRAGMA ") + name + " = " + std::to_string(value);
      if (auto ran = run(pragma); !ran) return ran.error();
    }
    return {};
  });
  const int code = sqlite3_close(std::exchange(handle_, nullptr));
  if (made && code != SQLITE_OK) return failed(code);
  return made;
}

Result<void> Store::Database::check() {
  // The header first: of a foreign database nothing else is to be touched.
  const auto application = run("PRAGMA application_id");
  if (!application) return application.error();
  // SQLite takes an empty file for a new database.
  const auto pages = run("PRAGMA page_count");
  if (!pages) return pages.error();
  if (std::get<std::int64_t>((*pages)[0][0]) == 0) {
    return Error{path_ + " is damaged: it is empty" + kToStartAnew};
  }
  if (std::get<std::int64_t>((*application)[0][0]) != kApplication) {
    return Error{path_ +
                 " is a database, but not the state of a scheduler: choose another directory"};
  }
  const auto version = run("PRAGMA user_version");
  if (!version) return version.error();
  if (const auto found = std::get<std::int64_t>((*version)[0][0]); found != kVersion) {
    return Error{path_ + " was written by another version of this program (its schema is " +
                 std::to_string(found) + ", this one reads " + std::to_string(kVersion) +
                 "): use that version, or choose another directory"};
  }
  const auto integrity = run("PRAGMA integrity_check(1)");
  if (!integrity) return integrity.error();
  if (const auto& verdict = std::get<std::string>((*integrity)[0][0]); verdict != "ok") {
    return Error{path_ + " is damaged (" + verdict.substr(0, verdict.find('\n')) + ")" +
                 kToStartAnew};
  }
  return {};
}

Result<void> Store::Database::prepareForUse() {
  // One process at a time uses it, which spares the shared memory of the WAL. FULL: a transaction
  // is on the disk when it returns.
  for (const char* const pragma : {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL",
                                   "PRAGMA synchronous = FULL"}) {
    if (auto ran = run(pragma); !ran) return ran.error();
  }
  return {};
}

Result<std::vector<Store::Database::Row>> Store::Database::run(const std::string& statement,
                                                               const Row& parameters) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(handle_, statement.c_str(), -1, &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, Finalize> prepared(raw);
  if (code != SQLITE_OK) return failed(code);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    code = std::visit([&](const auto& value) { return bind(raw, static_cast<int>(i) + 1, value); },
                      parameters[i]);
    if (code != SQLITE_OK) return failed(code);
  }
  std::vector<Row> rows;
  while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    Row& row = rows.emplace_back();
    for (int column = 0; column < sqlite3_column_count(raw); ++column) {
      if (sqlite3_column_type(raw, column) == SQLITE_INTEGER) {
        row.emplace_back(std::int64_t{sqlite3_column_int64(raw, column)});
        continue;
      }
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(raw, column));
      const auto length = static_cast<std::size_t>(sqlite3_column_bytes(raw, column));
      row.emplace_back(text ? std::string(text, length) : std::string());
    }
  }
  if (code != SQLITE_DONE) return failed(code);
  return rows;
}

Result<void> Store::Database::transaction(const std::function<Result<void>()>& work) {
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun.error();
  auto done = work();
  if (done) {
    auto committed = run("COMMIT");
    if (committed) return {};
    done = committed.error();
  }
  (void)run("ROLLBACK");  // What failed is the news; SQLite may have rolled back by itself.
  return done;
}

Error Store::Database::failed(int code) {
  const std::string why = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return Error{path_ + " is not a database, or damaged from its first bytes on" + kToStartAnew};
    case SQLITE_CORRUPT:
      return Error{path_ + " is damaged (" + why + ")" + kToStartAnew};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error{path_ + " is used by another program: end that one first"};
    case SQLITE_FULL:
      return Error{"cannot write " + path_ + ": the disk is full"};
    default:
      return Error{"cannot use " + path_ + ": " + why};
  }
}

}  // namespace mesos::store
