#include "local/checkpoints.hpp"

#include "local/tree.hpp"
#include "local/work_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace mesos::local {
namespace {

class CheckpointsTest : public testing::Test {
 protected:
  WorkDir workDir = WorkDir::open("").value();
  std::string directory = workDir.path() + "/meta";
  Checkpoints checkpoints{directory};
};

TEST_F(CheckpointsTest, ReadsBackWhatItWrote) {
  const std::string bytes("\0\n\xff", 3);
  ASSERT_TRUE(checkpoints.write("agent.info", "old"));
  ASSERT_TRUE(checkpoints.write("agent.info", bytes));
  ASSERT_TRUE(checkpoints.write("frameworks/f f/info", ""));
  const std::string longest(255, 'x');
  ASSERT_TRUE(checkpoints.write("frameworks/" + longest + "/info", "x"));
  const auto files = Checkpoints(directory).readAll();
  EXPECT_EQ(files.size(), 3u);
  EXPECT_EQ(files.at("agent.info"), bytes);
  EXPECT_EQ(files.at("frameworks/f f/info"), "");
}

TEST_F(CheckpointsTest, RemovesDirectoriesAndWhatIsNotThere) {
  ASSERT_TRUE(checkpoints.write("frameworks/f/info", "x"));
  ASSERT_TRUE(checkpoints.write("frameworks/f/executors/e/info", "x"));
  checkpoints.remove("frameworks/f/executors/e");
  checkpoints.remove("frameworks/nope");
  EXPECT_EQ(checkpoints.readAll().size(), 1u);
  checkpoints.clear();
  EXPECT_TRUE(checkpoints.readAll().empty());
}

// Tasks' environments and data are in them.
TEST_F(CheckpointsTest, IsReadableByItsOwnerAlone) {
  ASSERT_TRUE(checkpoints.write("frameworks/f/info", "x"));
  struct stat status {};
  ASSERT_EQ(::stat((directory + "/frameworks/f/info").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat(directory.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0700u);
}

TEST_F(CheckpointsTest, SaysWhyItCannotWrite) {
  ASSERT_TRUE(checkpoints.write("file", "x"));
  EXPECT_FALSE(checkpoints.write("file/info", "x"));
}

TEST_F(CheckpointsTest, FollowsNoLinks) {
  ASSERT_TRUE(checkpoints.write("a/info", "x"));
  ASSERT_EQ(::symlink("/etc/hostname", (directory + "/a/link").c_str()), 0);
  EXPECT_EQ(checkpoints.readAll().size(), 1u);
}

}  // namespace
}  // namespace mesos::local
