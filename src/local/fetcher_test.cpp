// Fetching files and archives.
#include "local/fetcher_fixture.hpp"

#include <archive.h>
#include <archive_entry.h>

namespace mesos::local {
namespace {

struct Entry {
  std::string name;
  std::string data;
  mode_t type = AE_IFREG;
  std::string link = {};
  mode_t mode = 0644;
};

// An archive as libarchive writes it, or as an attacker would.
void writeArchive(const std::string& path, const std::vector<Entry>& entries) {
  archive* writer = archive_write_new();
  archive_write_add_filter_gzip(writer);
  archive_write_set_format_pax_restricted(writer);
  ASSERT_EQ(archive_write_open_filename(writer, path.c_str()), ARCHIVE_OK);
  for (const Entry& entry : entries) {
    archive_entry* header = archive_entry_new();
    archive_entry_set_pathname(header, entry.name.c_str());
    archive_entry_set_filetype(header, entry.type);
    archive_entry_set_perm(header, entry.mode);
    archive_entry_set_size(header, static_cast<la_int64_t>(entry.data.size()));
    if (entry.type == AE_IFLNK) archive_entry_set_symlink(header, entry.link.c_str());
    if (entry.type == AE_IFREG && !entry.link.empty()) {
      archive_entry_set_hardlink(header, entry.link.c_str());
    }
    ASSERT_EQ(archive_write_header(writer, header), ARCHIVE_OK);
    archive_write_data(writer, entry.data.data(), entry.data.size());
    archive_entry_free(header);
  }
  archive_write_close(writer);
  archive_write_free(writer);
}

void writeGzip(const std::string& path, const std::string& data) {
  archive* writer = archive_write_new();
  archive_write_add_filter_gzip(writer);
  archive_write_set_format_raw(writer);
  archive_write_open_filename(writer, path.c_str());
  archive_entry* header = archive_entry_new();
  archive_entry_set_filetype(header, AE_IFREG);
  archive_write_header(writer, header);
  archive_write_data(writer, data.data(), data.size());
  archive_entry_free(header);
  archive_write_close(writer);
  archive_write_free(writer);
}

class ArchiveFetchTest : public FetcherTest {
 protected:
  void expectRefused(const std::vector<Entry>& entries, const std::string& reason) {
    writeArchive(source_ + "/evil.tgz", entries);
    const auto result = fetch(source_ + "/evil.tgz");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message,
              "Failed to fetch all URIs for container 'c1': exited with status 1");
    EXPECT_NE(log().find(reason), std::string::npos) << log();
  }
};

TEST_F(FetcherTest, MakesASandboxOfTheRightModesWithALatestLink) {
  EXPECT_EQ(statusOf(sandbox_).st_mode & 07777, 0750u);
  EXPECT_EQ(statusOf(sandbox_ + "/stdout").st_mode & 07777, 0644u);
  EXPECT_EQ(statusOf(sandbox_ + "/stderr").st_mode & 07777, 0644u);
  char target[4096];
  const std::string latest = directory_.path() + "/runs/latest";
  const ssize_t size = ::readlink(latest.c_str(), target, sizeof(target));
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string(target, static_cast<std::size_t>(size)), sandbox_);
  ASSERT_TRUE(createSandbox(directory_.path() + "/runs/c2", user_));
  EXPECT_TRUE(exists(latest + "/stdout"));
}

TEST_F(FetcherTest, SaysThatASandboxCannotBeMade) {
  write(directory_.path() + "/file", "");
  const auto result = createSandbox(directory_.path() + "/file/c1", user_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message.rfind("Failed to create executor directory", 0), 0u);
}

TEST_F(FetcherTest, CopiesAFileByPathAndByFileUri) {
  write(source_ + "/plain", "abc");
  ASSERT_TRUE(fetch(source_ + "/plain"));
  EXPECT_EQ(contents(sandbox_ + "/plain"), "abc");
  write(source_ + "/other", "def");
  ASSERT_TRUE(fetch("file://" + source_ + "/other"));
  EXPECT_EQ(contents(sandbox_ + "/other"), "def");
}

TEST_F(FetcherTest, MakesAnExecutableOneExecutableAndDoesNotUnpackIt) {
  writeArchive(source_ + "/tool.tgz", {{"inside", "1"}});
  auto uri = uriOf(source_ + "/tool.tgz");
  uri.set_executable(true);
  ASSERT_TRUE(fetch({uri}));
  EXPECT_EQ(statusOf(sandbox_ + "/tool.tgz").st_mode & 07777, 0755u);
  EXPECT_FALSE(exists(sandbox_ + "/inside"));
}

TEST_F(FetcherTest, UnpacksArchivesIntoTheTopAndKeepsThem) {
  writeArchive(source_ + "/a.tar.gz", {{"./", "", AE_IFDIR},
                                       {"sub/", "", AE_IFDIR},
                                       {"sub/deep", "deep"},
                                       {"run", "#!", AE_IFREG, {}, 0755},
                                       {"alias", "", AE_IFLNK, "sub/deep"},
                                       {"twin", "", AE_IFREG, "run"}});
  auto uri = uriOf(source_ + "/a.tar.gz");
  uri.set_output_file("dir/renamed.tar.gz");
  ASSERT_TRUE(fetch({uri})) << log();
  EXPECT_EQ(contents(sandbox_ + "/sub/deep"), "deep");
  EXPECT_EQ(contents(sandbox_ + "/alias"), "deep");
  EXPECT_EQ(contents(sandbox_ + "/twin"), "#!");
  EXPECT_EQ(statusOf(sandbox_ + "/run").st_mode & 07777, 0755u);
  EXPECT_TRUE(exists(sandbox_ + "/dir/renamed.tar.gz"));
}

TEST_F(FetcherTest, UnpacksWithoutExtractNothing) {
  writeArchive(source_ + "/a.tgz", {{"inside", "1"}});
  auto uri = uriOf(source_ + "/a.tgz");
  uri.set_extract(false);
  ASSERT_TRUE(fetch({uri}));
  EXPECT_FALSE(exists(sandbox_ + "/inside"));
}

TEST_F(FetcherTest, DecompressesASingleGzipFile) {
  const std::string data(100000, 'x');
  writeGzip(source_ + "/plain.gz", data);
  ASSERT_TRUE(fetch(source_ + "/plain.gz")) << log();
  EXPECT_EQ(contents(sandbox_ + "/plain"), data);
  EXPECT_TRUE(exists(sandbox_ + "/plain.gz"));
  writeGzip(source_ + "/empty.gz", "");
  ASSERT_TRUE(fetch(source_ + "/empty.gz")) << log();
  EXPECT_TRUE(exists(sandbox_ + "/empty"));
}

TEST_F(FetcherTest, FailsOnABrokenArchive) {
  write(source_ + "/a.tgz", "not an archive at all");
  EXPECT_FALSE(fetch(source_ + "/a.tgz"));
  write(source_ + "/a.gz", "nor is this");
  EXPECT_FALSE(fetch(source_ + "/a.gz"));
  writeArchive(source_ + "/cut.tgz", {{"file", std::string(100000, 'x')}});
  ASSERT_EQ(::truncate((source_ + "/cut.tgz").c_str(), 60), 0);
  EXPECT_FALSE(fetch(source_ + "/cut.tgz"));
}

TEST_F(ArchiveFetchTest, RefusesArchivesThatLeaveTheSandbox) {
  expectRefused({{"../escaped", "1"}}, "contains '..'");
  EXPECT_FALSE(exists(directory_.path() + "/runs/escaped"));
  expectRefused({{"/tmp/mesos-cpp-escaped", "1"}}, "absolute path");
  expectRefused({{"link", "", AE_IFLNK, source_}, {"link/escaped", "1"}}, "link");
  EXPECT_FALSE(exists(source_ + "/escaped"));
  write(source_ + "/secret", "s");
  expectRefused({{"hard", "", AE_IFREG, source_ + "/secret"}}, "absolute path");
  expectRefused({{"hard", "", AE_IFREG, "../../source/secret"}}, "contains '..'");
  expectRefused({{"pipe", "", AE_IFIFO}}, "neither file, directory nor link");
}

TEST_F(FetcherTest, ReplacesALinkInsteadOfWritingThroughIt) {
  write(source_ + "/victim", "intact");
  writeArchive(source_ + "/a.tgz", {{"x", "", AE_IFLNK, source_ + "/victim"}, {"x", "new"}});
  ASSERT_TRUE(fetch(source_ + "/a.tgz")) << log();
  EXPECT_EQ(contents(source_ + "/victim"), "intact");
  EXPECT_EQ(contents(sandbox_ + "/x"), "new");
  // Nor does the next URI.
  writeArchive(source_ + "/b.tgz", {{"y", "", AE_IFLNK, source_ + "/victim"}});
  write(source_ + "/y", "new");
  EXPECT_FALSE(fetch({uriOf(source_ + "/b.tgz"), uriOf(source_ + "/y")}));
  EXPECT_EQ(contents(source_ + "/victim"), "intact");
}

TEST_F(ArchiveFetchTest, LimitsWhatAnArchiveUnpacksTo) {
  options_.extraction.bytesMax = 1000;
  expectRefused({{"big", std::string(1001, 'x')}}, "too much");
  options_.extraction.entriesMax = 2;
  expectRefused({{"a", ""}, {"b", ""}, {"c", ""}}, "too many entries");
}

TEST_F(FetcherTest, FailsForWhatIsNoFile) {
  EXPECT_FALSE(fetch(source_ + "/missing"));
  EXPECT_NE(log().find("No such file"), std::string::npos);
  EXPECT_FALSE(fetch(source_));
  EXPECT_FALSE(fetch("relative"));
  EXPECT_FALSE(fetch("hdfs://host/path"));
  EXPECT_FALSE(fetch(""));
  ASSERT_EQ(::mkfifo((source_ + "/pipe").c_str(), 0644), 0);
  EXPECT_FALSE(fetch(source_ + "/pipe"));
  EXPECT_FALSE(fetch("https://127.0.0.1:1/x"));
  auto uri = uriOf(source_ + "/pipe");
  uri.set_output_file("../out");
  EXPECT_FALSE(fetch({uri}));
}

TEST_F(FetcherTest, ReadsWithTheRightsOfTheUser) {
  const auto nobody = findUser("nobody");
  if (::geteuid() != 0 || !nobody) GTEST_SKIP() << "only root can become another user";
  user_ = *nobody;
  ASSERT_TRUE(createSandbox(sandbox_, user_));
  EXPECT_EQ(statusOf(sandbox_).st_uid, user_.uid);
  EXPECT_EQ(statusOf(sandbox_ + "/stdout").st_uid, user_.uid);
  write(source_ + "/secret", "s");
  ASSERT_EQ(::chmod((source_ + "/secret").c_str(), 0600), 0);
  EXPECT_FALSE(fetch(source_ + "/secret"));
  EXPECT_NE(log().find("Permission denied"), std::string::npos) << log();
  writeArchive(source_ + "/open.tgz", {{"dir/file", "1"}});
  ASSERT_EQ(::chmod((source_ + "/open.tgz").c_str(), 0644), 0);
  ASSERT_TRUE(fetch(source_ + "/open.tgz")) << log();
  EXPECT_EQ(statusOf(sandbox_ + "/open.tgz").st_uid, user_.uid);
  EXPECT_EQ(statusOf(sandbox_ + "/dir/file").st_uid, user_.uid);
  EXPECT_EQ(statusOf(sandbox_ + "/dir/file").st_gid, user_.gid);
}

TEST_F(FetcherTest, DoesNotPassOneUsersRightsOnToTheNextJob) {
  const auto nobody = findUser("nobody");
  if (::geteuid() != 0 || !nobody) GTEST_SKIP() << "only root can become another user";
  const std::string other = directory_.path() + "/runs/c2";
  ASSERT_TRUE(createSandbox(other, *nobody));
  write(source_ + "/open", "");
  write(source_ + "/secret", "s");
  ASSERT_EQ(::chmod((source_ + "/secret").c_str(), 0600), 0);
  options_.threadsMax = 1;
  std::promise<bool> nobodys, ours;
  Fetcher fetcher(options_);
  fetcher.start({"c2", other, *nobody, {uriOf(source_ + "/open")}},
                [&](const Result<void>& result) { nobodys.set_value(result.has_value()); });
  fetcher.start({"c1", sandbox_, user_, {uriOf(source_ + "/secret")}},
                [&](const Result<void>& result) { ours.set_value(result.has_value()); });
  EXPECT_TRUE(nobodys.get_future().get());
  EXPECT_TRUE(ours.get_future().get());
}

}  // namespace
}  // namespace mesos::local
