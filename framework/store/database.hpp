// SQLite, as far as the store needs it: statements, and errors as sentences.
#pragma once

#include "store/store.hpp"

#include <mesos/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

struct sqlite3;

namespace mesos::store {

/// An open database of the store's own kind.
class Store::Database {
 public:
  using Value = std::variant<std::string, std::int64_t>;
  using Row = std::vector<Value>;

  /// Opens the database at `path`, made if it is not there: never half of it, not even for an
  /// instant.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Performs one statement with `parameters` in place of its ?s, and returns its rows.
  Result<std::vector<Row>> run(const std::string& statement, const Row& parameters = {});
  /// Performs all that `work` performs, or nothing if it returns an error.
  Result<void> transaction(const std::function<Result<void>()>& work);

 private:
  explicit Database(std::string path) : path_(std::move(path)) {}
  Result<void> connect(bool create);
  Result<void> create();
  Result<void> check();
  Result<void> prepareForUse();
  Error failed(int code);

  std::string path_;
  sqlite3* handle_ = nullptr;
};

}  // namespace mesos::store
