#include "local/files.hpp"

#include "local/tree.hpp"
#include "local/work_dir.hpp"

#include <mesos/v1/agent/agent.pb.h>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace mesos::local {
namespace {

using cluster::ServeFile;

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(makeDirectories(root_ + "/dir", 0755));
    write("stdout", "running\n");
    std::ofstream(directory_.path() + "/secret") << "secret";
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(root_ + "/" + name, std::ios::binary) << text;
  }
  ServeFile order(ServeFile::Kind kind, const std::string& name) {
    ServeFile order{};
    order.kind = kind;
    order.root = root_;
    order.virtualRoot = "/virtual";
    order.path = name.empty() ? root_ : root_ + "/" + name;
    return order;
  }
  protocol::Response browse(const std::string& name) {
    return serveFile(order(ServeFile::Kind::Browse, name));
  }
  protocol::Response download(const std::string& name) {
    return serveFile(order(ServeFile::Kind::Download, name));
  }
  protocol::Response read(const std::string& name, std::optional<std::int64_t> offset,
                          std::optional<std::int64_t> length = {}) {
    auto request = order(ServeFile::Kind::Read, name);
    request.offset = offset;
    request.length = length;
    return serveFile(request);
  }

  WorkDir directory_ = std::move(WorkDir::open("")).value();
  std::string root_ = directory_.path() + "/root";
};

TEST_F(FilesTest, ReadsPiecesAsMesosAnswersThem) {
  EXPECT_EQ(read("stdout", 0, 5).body, R"({"data":"runni","offset":0})");
  EXPECT_EQ(read("stdout", -1).body, R"({"data":"","offset":8})");
  EXPECT_EQ(read("stdout", {}).body, R"({"data":"","offset":8})");
  EXPECT_EQ(read("stdout", 0).body, R"({"data":"running\n","offset":0})");
  EXPECT_EQ(read("stdout", 0, -1).body, R"({"data":"running\n","offset":0})");
  EXPECT_EQ(read("stdout", 100000).body, R"({"data":"","offset":100000})");
  EXPECT_EQ(*read("stdout", 0).headers.find("Content-Type"), "application/json");
}

TEST_F(FilesTest, RefusesNegativeOffsetsAndLengths) {
  EXPECT_EQ(read("stdout", 0, -2).body, "Negative length provided: -2.\n");
  EXPECT_EQ(read("stdout", -2).body, "Negative offset provided: -2.\n");
  EXPECT_EQ(read("stdout", -2).status, 400);
}

TEST_F(FilesTest, ReadsAtMostSixteenPages) {
  write("big", std::string(100000, 'x'));
  const std::string body = read("big", 10, 90000).body;
  EXPECT_EQ(body, R"({"data":")" + std::string(65536, 'x') + R"(","offset":10})");
}

TEST_F(FilesTest, PutsRawBytesIntoTheJson) {
  write("raw", std::string("\xff\0\"", 3));
  EXPECT_EQ(read("raw", 0).body, "{\"data\":\"\xff\\u0000\\\"\",\"offset\":0}");
}

TEST_F(FilesTest, AnswersWhatIsMissingOrADirectory) {
  EXPECT_EQ(read("nope", 0).status, 404);
  EXPECT_EQ(read("nope", 0).body, "");
  EXPECT_EQ(browse("nope").status, 404);
  EXPECT_EQ(browse("nope").body, "");
  EXPECT_EQ(download("nope").status, 404);
  EXPECT_EQ(download("nope").body, "404 Not Found.");
  EXPECT_EQ(read("dir", 0).status, 400);
  EXPECT_EQ(read("dir", 0).body, "Cannot read a directory.\n");
  EXPECT_EQ(download("dir").body, "Cannot download a directory.\n");
}

TEST_F(FilesTest, BrowsesInTheOrderOfNames) {
  ASSERT_EQ(::chmod((root_ + "/stdout").c_str(), 0644), 0);
  const std::string body = browse("").body;
  const std::size_t dir = body.find(R"("path":"/virtual/dir")");
  const std::size_t file = body.find(R"("path":"/virtual/stdout","size":8,"uid":)");
  ASSERT_NE(dir, std::string::npos) << body;
  ASSERT_NE(file, std::string::npos) << body;
  EXPECT_LT(dir, file);
  EXPECT_EQ(body.rfind(R"([{"gid":")", 0), 0u) << body;
  EXPECT_NE(body.find(R"("mode":"drwxr-xr-x","mtime":)"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("mode":"-rw-r--r--","mtime":)"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("nlink":1,"path")"), std::string::npos) << body;
  EXPECT_EQ(browse("stdout").body, "[]");
  EXPECT_EQ(browse("dir").body, "[]");
}

TEST_F(FilesTest, WrapsJsonInACallback) {
  auto request = order(ServeFile::Kind::Browse, "dir");
  request.jsonp = "call";
  const auto response = serveFile(request);
  EXPECT_EQ(response.body, "call([])");
  EXPECT_EQ(*response.headers.find("Content-Type"), "text/javascript");
}

TEST_F(FilesTest, DownloadsWithNameAndType) {
  write("a page.html", "<p>");
  const auto page = download("a page.html");
  EXPECT_EQ(page.body, "<p>");
  EXPECT_EQ(*page.headers.find("Content-Disposition"), "attachment; filename=a page.html");
  EXPECT_EQ(*page.headers.find("Content-Type"), "text/html");
  EXPECT_EQ(*download("stdout").headers.find("Content-Type"), "application/octet-stream");
  write("x\r\nSet-Cookie: y", "");
  EXPECT_EQ(*download("x\r\nSet-Cookie: y").headers.find("Content-Disposition"),
            "attachment; filename=x__Set-Cookie: y");
}

TEST_F(FilesTest, FollowsLinksInsideAndRefusesThoseThatLeadOutside) {
  ASSERT_EQ(::symlink("stdout", (root_ + "/inside").c_str()), 0);
  ASSERT_EQ(::symlink("../secret", (root_ + "/outside").c_str()), 0);
  ASSERT_EQ(::symlink("..", (root_ + "/up").c_str()), 0);
  EXPECT_EQ(read("inside", 0).body, R"({"data":"running\n","offset":0})");
  EXPECT_EQ(*download("inside").headers.find("Content-Disposition"), "attachment; filename=stdout");
  EXPECT_EQ(read("outside", 0).status, 404);
  EXPECT_EQ(download("outside").status, 404);
  EXPECT_EQ(browse("up").status, 404);
  EXPECT_EQ(read("up/secret", 0).status, 404);
  EXPECT_EQ(read("../secret", 0).status, 404);
  // Of what lies outside, not even the size is told.
  EXPECT_NE(browse("").body.find(R"("mode":"lrwxrwxrwx")"), std::string::npos);
}

TEST_F(FilesTest, FollowsTheRootItself) {
  ASSERT_EQ(::symlink(root_.c_str(), (directory_.path() + "/latest").c_str()), 0);
  auto request = order(ServeFile::Kind::Read, "stdout");
  request.root = directory_.path() + "/latest";
  request.path = request.root + "/stdout";
  request.offset = 0;
  EXPECT_EQ(serveFile(request).body, R"({"data":"running\n","offset":0})");
}

TEST_F(FilesTest, AnswersTheOperatorApiInItsOwnForm) {
  auto piece = order(ServeFile::Kind::Read, "stdout");
  piece.operatorType = cluster::ContentType::Json;
  piece.offset = 2;
  piece.length = 3;
  EXPECT_EQ(serveFile(piece).body, R"({"type":"READ_FILE","read_file":{"size":8,"data":"bm5p"}})");
  piece.length.reset();
  piece.operatorType = cluster::ContentType::Protobuf;
  v1::agent::Response read;
  ASSERT_TRUE(read.ParseFromString(serveFile(piece).body));
  EXPECT_EQ(read.type(), v1::agent::Response::READ_FILE);
  EXPECT_EQ(read.read_file().data(), "nning\n");

  auto list = order(ServeFile::Kind::Browse, "");
  list.operatorType = cluster::ContentType::Protobuf;
  v1::agent::Response listed;
  ASSERT_TRUE(listed.ParseFromString(serveFile(list).body));
  EXPECT_EQ(listed.type(), v1::agent::Response::LIST_FILES);
  ASSERT_EQ(listed.list_files().file_infos_size(), 2);
  EXPECT_EQ(listed.list_files().file_infos(0).path(), "/virtual/dir");
  const v1::FileInfo& info = listed.list_files().file_infos(1);
  EXPECT_EQ(info.path(), "/virtual/stdout");
  EXPECT_EQ(info.size(), 8u);
  EXPECT_TRUE(S_ISREG(info.mode()));
  EXPECT_EQ(info.mtime().nanoseconds() % 1'000'000'000, 0);
  list.path = root_ + "/nope";
  EXPECT_EQ(serveFile(list).status, 404);
}

TEST_F(FilesTest, IsNotHeldUpByAPipe) {
  ASSERT_EQ(::mkfifo((root_ + "/pipe").c_str(), 0644), 0);
  EXPECT_EQ(read("pipe", 0).status, 404);
  EXPECT_EQ(download("pipe").status, 404);
}

}  // namespace
}  // namespace mesos::local
