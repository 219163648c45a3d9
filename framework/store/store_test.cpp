#include "store/store.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace mesos::store {
namespace {

namespace fs = std::filesystem;
using fleet::TaskRecord;
using Intent = TaskRecord::Intent;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = testing::TempDir() + "store-XXXXXX";
    root_ = ::mkdtemp(name.data());
    directory_ = root_ + "/state";
    database_ = directory_ + "/state.db";
  }
  ~StoreTest() override { fs::remove_all(root_); }

  std::unique_ptr<Store> open() {
    auto opened = Store::open(directory_);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? std::move(*opened) : nullptr;
  }

  std::string refusal() {
    const auto opened = Store::open(directory_);
    EXPECT_FALSE(opened);
    return opened ? "" : opened.error().message;
  }

  /// A state as a run leaves it.
  void fill() {
    const auto store = open();
    ASSERT_TRUE(store->setFrameworkId("F-0000"));
    for (int i = 0; i < 200; i += 20) {
      std::vector<TaskRecord> tasks;
      for (int j = i; j < i + 20; ++j) tasks.push_back(task("web-" + std::to_string(j)));
      ASSERT_TRUE(store->update(tasks, {}));
    }
  }

  void execute(const std::string& path, const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(handle);
  }

  static TaskRecord task(const std::string& id, Intent intent = Intent::Launching) {
    return {
        .id = id, .agent = "S0", .url = "http://127.0.0.1:31000/", .port = 31000, .intent = intent};
  }

  std::string root_, directory_, database_;
};

TEST_F(StoreTest, StartsEmptyInADirectoryOfItsOwn) {
  EXPECT_FALSE(Store::exists(directory_));
  const auto store = open();
  EXPECT_TRUE(Store::exists(directory_));
  EXPECT_EQ(store->frameworkId().value(), std::nullopt);
  EXPECT_TRUE(store->tasks().value().empty());
  struct stat made {};
  ASSERT_EQ(::stat(directory_.c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777, 0700u);
}

TEST_F(StoreTest, IsReadAsItWasWritten) {
  TaskRecord last{.id = "web-'\"; \xc3\xa4",
                  .agent = std::string("a\0b", 3),
                  .url = "",
                  .port = 65535,
                  .intent = Intent::Killing};
  {
    const auto store = open();
    ASSERT_TRUE(store->setFrameworkId("F-0000"));
    ASSERT_TRUE(store->setFrameworkId("F-0001"));
    ASSERT_TRUE(store->update({task("a"), task("b"), last}, {}));
    ASSERT_TRUE(store->update({task("b", Intent::Running)}, {"a", "never there"}));
  }
  const auto store = open();
  EXPECT_EQ(store->frameworkId().value(), "F-0001");
  EXPECT_EQ(store->tasks().value(), (std::vector<TaskRecord>{task("b", Intent::Running), last}));
}

TEST_F(StoreTest, IsUsedByOneProcessAtATime) {
  const auto store = open();
  const std::string said = refusal();
  EXPECT_EQ(said, "another scheduler (pid " + std::to_string(::getpid()) + ") uses the state in " +
                      directory_ + ": end it first, or give this one a directory of its own");
}

TEST_F(StoreTest, IsFreeAgainWhenItsUserHasEnded) {
  open();
  EXPECT_TRUE(open());
}

// Each transaction writes two tasks, and is told only when it is done.
TEST_F(StoreTest, KeepsWhatWasWrittenAndNoHalfWhenItsProcessIsKilledAtAnyInstant) {
  for (int round = 0; round < 10; ++round) {
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const pid_t writer = ::fork();
    if (writer == 0) {
      ::close(told[0]);
      auto store = Store::open(directory_);
      for (int i = 0; store; ++i) {
        const std::string n = std::to_string(round) + "-" + std::to_string(i);
        if (!(*store)->update({task("a" + n), task("b" + n)}, {})) break;
        if (::write(told[1], &i, sizeof i) != sizeof i) break;
      }
      ::_exit(1);
    }
    ::close(told[1]);
    int last = -1;
    const int enough = 3 + 7 * round;
    while (last < enough && ::read(told[0], &last, sizeof last) == sizeof last) {
    }
    ASSERT_EQ(::kill(writer, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer gave up by itself";
    while (::read(told[0], &last, sizeof last) == sizeof last) {
    }
    ::close(told[0]);

    std::set<std::string> ids;
    const auto kept = open()->tasks();
    for (const TaskRecord& task : *kept) ids.insert(task.id);
    for (int i = 0; i <= last + 1; ++i) {
      const std::string n = std::to_string(round) + "-" + std::to_string(i);
      EXPECT_EQ(ids.contains("a" + n), ids.contains("b" + n)) << n;
      EXPECT_TRUE(i > last || ids.contains("a" + n)) << n << " was told to be written";
    }
  }
}

TEST_F(StoreTest, RefusesWhatIsNoDatabase) {
  fill();
  std::ofstream(database_) << "this is a shopping list, and long enough to be taken for a header: "
                              "milk, bread, butter, a ball of wool";
  EXPECT_NE(refusal().find("state.db is not a database"), std::string::npos);
}

TEST_F(StoreTest, RefusesATornDatabase) {
  fill();
  const auto whole = fs::file_size(database_);
  for (const auto left : {whole - 1, whole / 2, std::uintmax_t{4096}, std::uintmax_t{100},
                          std::uintmax_t{1}, std::uintmax_t{0}}) {
    fs::copy_file(database_, root_ + "/whole", fs::copy_options::overwrite_existing);
    fs::resize_file(database_, left);
    const std::string said = refusal();
    EXPECT_NE(said.find(database_), std::string::npos) << left;
    EXPECT_NE(said.find("damaged"), std::string::npos) << left << ": " << said;
    EXPECT_NE(said.find("move it away to start anew"), std::string::npos) << left << ": " << said;
    EXPECT_EQ(fs::file_size(database_), left) << "what is left is for who can repair it";
    fs::copy_file(root_ + "/whole", database_, fs::copy_options::overwrite_existing);
  }
  EXPECT_EQ(open()->tasks().value().size(), 200u);
}

TEST_F(StoreTest, RefusesADatabaseWithDamageInTheMiddle) {
  fill();
  std::fstream file(database_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(database_) / 2));
  file << std::string(2000, '\x5a');
  file.close();
  EXPECT_NE(refusal().find("damaged"), std::string::npos);
}

TEST_F(StoreTest, RefusesADatabaseOfSomethingElse) {
  fs::create_directory(directory_);
  execute(database_, "CREATE TABLE song (title TEXT); INSERT INTO song VALUES ('Hello')");
  EXPECT_EQ(refusal(), database_ +
                           " is a database, but not the state of a scheduler: choose "
                           "another directory");
}

TEST_F(StoreTest, RefusesTheDatabaseOfALaterVersion) {
  fill();
  execute(database_, "PRAGMA user_version = 7");
  EXPECT_NE(refusal().find("(its schema is 7, this one reads 1)"), std::string::npos);
}

TEST_F(StoreTest, BeginsAnewWhereAnEarlierBeginningWasInterrupted) {
  fs::create_directory(directory_);
  std::ofstream(database_ + ".new") << "half of a database";
  EXPECT_EQ(open()->frameworkId().value(), std::nullopt);
  EXPECT_FALSE(fs::exists(database_ + ".new"));
}

TEST_F(StoreTest, ErasesAllItWroteAndNothingElse) {
  fill();
  ASSERT_TRUE(open()->erase());
  EXPECT_FALSE(fs::exists(directory_));

  fill();
  std::ofstream(directory_ + "/letter") << "not ours";
  ASSERT_TRUE(open()->erase());
  EXPECT_FALSE(Store::exists(directory_));
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 1);
}

TEST_F(StoreTest, SaysWhyItCannotHaveItsDirectory) {
  directory_ = "/no/such/place";
  EXPECT_EQ(refusal(), "cannot make the directory /no/such/place: No such file or directory");
  directory_ = root_ + "/file";
  std::ofstream(directory_) << "";
  EXPECT_EQ(refusal(), directory_ + " is not a directory");
}

}  // namespace
}  // namespace mesos::store
