// A sandbox that is fetched into, and the files of tests.
#pragma once

#include "local/fetcher.hpp"
#include "local/sandbox.hpp"
#include "local/tree.hpp"
#include "local/work_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <future>
#include <sstream>
#include <string>
#include <vector>

namespace mesos::local {

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

inline struct stat statusOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

inline CommandInfo::URI uriOf(const std::string& value) {
  CommandInfo::URI uri;
  uri.set_value(value);
  return uri;
}

class FetcherTest : public testing::Test {
 protected:
  void SetUp() override {
    user_ = *findUser(currentUserName());
    ASSERT_TRUE(createSandbox(sandbox_, user_));
    ASSERT_TRUE(makeDirectories(source_, 0755));
  }

  // On a thread of its own, as the identity of the thread changes.
  Result<void> fetch(std::vector<CommandInfo::URI> uris) {
    return std::async(std::launch::async,
                      [&] {
                        return fetchAll({"c1", sandbox_, user_, std::move(uris)}, options_,
                                        [this] { return cancelled_.load(); });
                      })
        .get();
  }
  Result<void> fetch(const std::string& value) { return fetch({uriOf(value)}); }
  std::string log() { return contents(sandbox_ + "/stderr"); }

  WorkDir directory_ = std::move(WorkDir::open("")).value();
  std::string sandbox_ = directory_.path() + "/runs/c1";
  std::string source_ = directory_.path() + "/source";
  User user_;
  FetcherOptions options_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace mesos::local
