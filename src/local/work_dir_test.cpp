#include "local/work_dir.hpp"

#include "local/fetcher_fixture.hpp"

namespace mesos::local {
namespace {

TEST(WorkDir, IsPassableAndGoneAfterwards) {
  std::string path;
  {
    auto directory = WorkDir::open("");
    ASSERT_TRUE(directory);
    path = directory->path();
    EXPECT_EQ(statusOf(path).st_mode & 07777, 0711u);
    ASSERT_TRUE(makeDirectories(path + "/a/b", 0755));
    write(path + "/a/b/file", "");
    ASSERT_EQ(::chmod((path + "/a/b").c_str(), 0), 0);
    sweepStaleWorkDirs(path.substr(0, path.rfind('/')));
    EXPECT_TRUE(exists(path));
  }
  EXPECT_FALSE(exists(path));
}

TEST(WorkDir, SweepsWhatAKilledOwnerLeft) {
  const auto root = WorkDir::open("");
  ASSERT_TRUE(root);
  const std::string stale = root->path() + "/mesos-cpp.abcdef";
  const std::string foreign = root->path() + "/mesos-other.abcdef";
  for (const std::string& path : {stale, foreign}) {
    ASSERT_TRUE(makeDirectories(path + "/slaves", 0755));
    write(path + "/lock", "");
  }
  sweepStaleWorkDirs(root->path());
  EXPECT_FALSE(exists(stale));
  EXPECT_TRUE(exists(foreign));
}

TEST(WorkDir, KeepsOneThatWasNamed) {
  const auto root = WorkDir::open("");
  ASSERT_TRUE(root);
  const std::string path = root->path() + "/given/deeper";
  { ASSERT_TRUE(WorkDir::open(path)); }
  EXPECT_TRUE(exists(path));
}

}  // namespace
}  // namespace mesos::local
