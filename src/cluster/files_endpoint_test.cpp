#include "cluster/files_endpoint.hpp"

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

using protocol::Response;

const AttachedPaths kPaths{{"/work/runs/c1", "/work/runs/c1"},
                           {"/work/runs/latest", "/work/runs/c1"},
                           {"/frameworks/f/executors/e/runs/latest", "/work/runs/c1"}};

std::variant<Response, ServeFile> request(ServeFile::Kind kind, const std::string& query) {
  return serveFile(7, kind, *protocol::parseTarget("/files/x?" + query), kPaths);
}

ServeFile served(ServeFile::Kind kind, const std::string& query) {
  const auto result = request(kind, query);
  EXPECT_TRUE(std::holds_alternative<ServeFile>(result)) << query;
  const ServeFile* file = std::get_if<ServeFile>(&result);
  return file == nullptr ? ServeFile{0, kind, {}, {}, {}, {}, {}, {}} : *file;
}

Response refused(ServeFile::Kind kind, const std::string& query) {
  const auto result = request(kind, query);
  EXPECT_TRUE(std::holds_alternative<Response>(result)) << query;
  const Response* response = std::get_if<Response>(&result);
  return response == nullptr ? Response{} : *response;
}

constexpr auto kBrowse = ServeFile::Kind::Browse;
constexpr auto kRead = ServeFile::Kind::Read;
constexpr auto kDownload = ServeFile::Kind::Download;

TEST(ServeFile, ResolvesVirtualPathsToRealOnes) {
  const ServeFile file = served(kBrowse, "path=/frameworks/f/executors/e/runs/latest/a/b");
  EXPECT_EQ(file.id, 7u);
  EXPECT_EQ(file.path, "/work/runs/c1/a/b");
  EXPECT_EQ(file.root, "/work/runs/c1");
  EXPECT_EQ(file.virtualRoot, "/frameworks/f/executors/e/runs/latest");
  EXPECT_EQ(served(kBrowse, "path=/work/runs/latest/").path, "/work/runs/c1");
  EXPECT_EQ(served(kBrowse, "path=/work//runs/c1//stdout").path, "/work/runs/c1/stdout");
}

TEST(ServeFile, KnowsNothingBesideTheAttachedPaths) {
  EXPECT_EQ(refused(kBrowse, "path=/etc/passwd").status, 404);
  EXPECT_EQ(refused(kBrowse, "path=/work/runs").status, 404);
  EXPECT_EQ(refused(kBrowse, "path=/work/runs/c11").status, 404);
  EXPECT_EQ(refused(kBrowse, "path=/").status, 404);
  EXPECT_EQ(refused(kRead, "path=relative").body, "");
  EXPECT_EQ(refused(kDownload, "path=/nope").body, "404 Not Found.");
}

TEST(ServeFile, DotDotMayNotClimbAboveTheAttachedPath) {
  EXPECT_EQ(refused(kBrowse, "path=/work/runs/c1/../").body,
            "'/work/runs/c1/..' is inaccessible.\n");
  EXPECT_EQ(refused(kRead, "path=/work/runs/c1/a/../../x").status, 400);
  EXPECT_EQ(refused(kRead, "path=/work/runs/c1/./..").status, 400);
  EXPECT_EQ(served(kRead, "path=/work/runs/c1/a/../b").path, "/work/runs/c1/a/../b");
}

TEST(ServeFile, NeedsAPath) {
  EXPECT_EQ(refused(kBrowse, "").body, "Expecting 'path=value' in query.\n");
  EXPECT_EQ(refused(kDownload, "path=").status, 400);
}

TEST(ServeFile, ReadsOffsetAndLength) {
  const ServeFile file = served(kRead, "path=/work/runs/c1/stdout&offset=5&length=10");
  EXPECT_EQ(file.offset, 5);
  EXPECT_EQ(file.length, 10);
  const ServeFile tail = served(kRead, "path=/work/runs/c1/stdout&offset=-1&length=-1");
  EXPECT_EQ(tail.offset, std::nullopt);
  EXPECT_EQ(tail.length, std::nullopt);
}

TEST(ServeFile, RefusesOtherNumbers) {
  EXPECT_EQ(refused(kRead, "path=/work/runs/c1/stdout&length=-2").body,
            "Negative length provided: -2.\n");
  EXPECT_EQ(refused(kRead, "path=/work/runs/c1/stdout&offset=abc").body,
            "Failed to parse offset: Failed to convert 'abc' to number.\n");
  EXPECT_EQ(refused(kRead, "path=/work/runs/c1/stdout&offset=").status, 400);
  EXPECT_EQ(refused(kRead, "path=/work/runs/c1/stdout&offset=99999999999999999999").status, 400);
}

TEST(ServeFile, HandsOnTheJsonpCallback) {
  EXPECT_EQ(served(kBrowse, "path=/work/runs/c1&jsonp=cb").jsonp, "cb");
  EXPECT_EQ(served(kBrowse, "path=/work/runs/c1").jsonp, "");
}

}  // namespace
}  // namespace mesos::cluster
