#include "scheduler/framework_id_file.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace mesos::scheduler {
namespace {

class FrameworkIdFile : public testing::Test {
 protected:
  ~FrameworkIdFile() override { std::remove(path_.c_str()); }

  void put(const std::string& text) { std::ofstream(path_) << text; }

  const std::string path_ = testing::TempDir() + "framework-id-" + std::to_string(getpid());
};

TEST_F(FrameworkIdFile, IsReadAsItWasWritten) {
  ASSERT_TRUE(writeFrameworkId(path_, "1234-0000"));
  EXPECT_EQ(readFrameworkId(path_).value(), "1234-0000");
  ASSERT_TRUE(writeFrameworkId(path_, "5678-0001"));
  EXPECT_EQ(readFrameworkId(path_).value(), "5678-0001");
  EXPECT_NE(access((path_ + ".new").c_str(), F_OK), 0);
}

TEST_F(FrameworkIdFile, NeedNotExistOrEndInANewline) {
  const auto missing = readFrameworkId(path_);
  ASSERT_TRUE(missing);
  EXPECT_FALSE(*missing);
  put("abc");
  EXPECT_EQ(readFrameworkId(path_).value(), "abc");
}

TEST_F(FrameworkIdFile, IsRefusedIfItHoldsSomethingElse) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("a/b"), std::string("one\ntwo\n"),
        std::string(300, 'x'), std::string(".."), std::string("a\0b", 3)}) {
    put(text);
    const auto id = readFrameworkId(path_);
    ASSERT_FALSE(id) << text;
    EXPECT_NE(id.error().message.find("does not hold a framework id"), std::string::npos);
  }
  const auto directory = readFrameworkId("/");
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().message, "cannot read /: Is a directory");
}

TEST_F(FrameworkIdFile, ThatCannotBeWrittenIsAnError) {
  const auto written = writeFrameworkId("/no/such/directory/id", "abc");
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("No such file or directory"), std::string::npos);
}

}  // namespace
}  // namespace mesos::scheduler
