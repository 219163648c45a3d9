#include "local/fetcher.hpp"

#include "local/sandbox.hpp"
#include "local/tree.hpp"
#include "local/work_dir.hpp"
#include "tests/support/authority.hpp"
#include "transport/http_server.hpp"
#include "transport/tls.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

namespace mesos::local {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

struct stat statusOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

CommandInfo::URI uriOf(const std::string& value) {
  CommandInfo::URI uri;
  uri.set_value(value);
  return uri;
}

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
  void expectRefused(const std::vector<Entry>& entries, const std::string& reason) {
    writeArchive(source_ + "/evil.tgz", entries);
    const auto result = fetch(source_ + "/evil.tgz");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message,
              "Failed to fetch all URIs for container 'c1': exited with status 1");
    EXPECT_NE(log().find(reason), std::string::npos) << log();
  }
  std::string log() { return contents(sandbox_ + "/stderr"); }

  WorkDir directory_ = std::move(WorkDir::open("")).value();
  std::string sandbox_ = directory_.path() + "/runs/c1";
  std::string source_ = directory_.path() + "/source";
  User user_;
  FetcherOptions options_;
  std::atomic<bool> cancelled_ = false;
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

TEST_F(FetcherTest, RefusesArchivesThatLeaveTheSandbox) {
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

TEST_F(FetcherTest, LimitsWhatAnArchiveUnpacksTo) {
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

// A server on a thread of its own; `answer` runs there.
class HttpFetchTest : public FetcherTest {
 protected:
  using Answer = std::function<void(transport::HttpExchange&, const protocol::Request&)>;

  void SetUp() override {
    FetcherTest::SetUp();
    auto server = transport::HttpServer::listen(
        loop_, {}, [this](const auto& exchange, const protocol::Request& request) {
          exchanges_.push_back(exchange);
          answer_(*exchange, request);
        });
    ASSERT_TRUE(server);
    server_ = std::move(server).value();
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    loop_.stop();
    thread_.join();
  }
  std::string url(const std::string& target) {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + target;
  }

  Answer answer_;
  transport::EventLoop loop_;
  std::vector<std::shared_ptr<transport::HttpExchange>> exchanges_;
  std::unique_ptr<transport::HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpFetchTest, StoresUnderTheNameWithItsQuery) {
  answer_ = [](auto& exchange, const protocol::Request& request) {
    exchange.respond({200, {}, "got " + request.target});
  };
  ASSERT_TRUE(fetch(url("/dir/a.tgz?x=1"))) << log();
  EXPECT_EQ(contents(sandbox_ + "/a.tgz?x=1"), "got /dir/a.tgz?x=1");
}

TEST_F(HttpFetchTest, SendsCredentialsAndKeepsThemOutOfTheLog) {
  answer_ = [](auto& exchange, const protocol::Request& request) {
    const std::string* const given = request.headers.find("Authorization");
    exchange.respond({given && *given == "Basic dTpw" ? 200 : 401, {}, ""});
  };
  std::string value = url("/file");
  value.insert(7, "u:p@");
  ASSERT_TRUE(fetch(value)) << log();
  EXPECT_EQ(log().find("u:p"), std::string::npos) << log();
}

TEST_F(HttpFetchTest, FollowsTenRedirectsAndNoMore) {
  int left = 10;
  answer_ = [&left](auto& exchange, const protocol::Request&) {
    if (left-- == 0) return exchange.respond({200, {}, "arrived"});
    exchange.respond({302, {{"Location", left % 2 ? "/next" : "next"}}, ""});
  };
  ASSERT_TRUE(fetch(url("/start"))) << log();
  EXPECT_EQ(contents(sandbox_ + "/start"), "arrived");
  left = 11;
  EXPECT_FALSE(fetch(url("/start")));
  EXPECT_NE(log().find("Too many redirects"), std::string::npos) << log();
}

TEST_F(HttpFetchTest, TakesNothingButA200) {
  for (const int status : {204, 404, 500}) {
    answer_ = [status](auto& exchange, const protocol::Request&) {
      exchange.respond({status, {}, ""});
    };
    EXPECT_FALSE(fetch(url("/file"))) << status;
    EXPECT_NE(log().find("answered " + std::to_string(status)), std::string::npos) << log();
  }
}

TEST_F(HttpFetchTest, FailsWhenTheBodyIsCut) {
  answer_ = [](auto& exchange, const protocol::Request&) {
    exchange.startStream({});
    exchange.write("half");
    exchange.hangUp();
  };
  EXPECT_FALSE(fetch(url("/file")));
}

TEST_F(HttpFetchTest, GivesUpOnAServerThatStalls) {
  options_.download.stallTimeout = std::chrono::milliseconds(100);
  answer_ = [](auto& exchange, const protocol::Request&) { exchange.startStream({}); };
  EXPECT_FALSE(fetch(url("/file")));
  EXPECT_NE(log().find("No progress"), std::string::npos) << log();
}

TEST_F(HttpFetchTest, LimitsTheSizeOfAFile) {
  options_.download.bytesMax = 3;
  answer_ = [](auto& exchange, const protocol::Request&) { exchange.respond({200, {}, "1234"}); };
  EXPECT_FALSE(fetch(url("/file")));
}

TEST_F(HttpFetchTest, FailsForAServerThatIsNotThere) {
  EXPECT_FALSE(fetch("http://127.0.0.1:1/file"));
}

TEST_F(HttpFetchTest, CanBeCancelledAndThenSaysThatItWasKilled) {
  std::promise<void> asked;
  answer_ = [&asked](auto&, const protocol::Request&) { asked.set_value(); };
  Fetcher fetcher(options_);
  std::promise<Result<void>> done;
  fetcher.start({"c1", sandbox_, user_, {uriOf(url("/file"))}},
                [&done](Result<void> result) { done.set_value(std::move(result)); });
  asked.get_future().wait();
  fetcher.cancel("c1");
  const auto result = done.get_future().get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "Failed to fetch all URIs for container 'c1': terminated with signal Killed");
}

TEST_F(HttpFetchTest, RunsMoreJobsThanThreadsAndEndsThemWithItself) {
  options_.threadsMax = 2;
  std::atomic<int> ended = 0;
  {
    Fetcher fetcher(options_);
    answer_ = [](auto&, const protocol::Request&) {};
    for (int i = 0; i < 5; ++i) {
      fetcher.start({"c" + std::to_string(i), sandbox_, user_, {uriOf(url("/file"))}},
                    [&ended](const Result<void>& result) { ended += result ? 100 : 1; });
    }
  }
  EXPECT_EQ(ended, 5);
}

TEST_F(HttpFetchTest, CancelsAJobThatWaitsForItsTurn) {
  options_.threadsMax = 1;
  answer_ = [](auto&, const protocol::Request&) {};
  std::promise<void> ended;
  Fetcher fetcher(options_);
  fetcher.start({"c1", sandbox_, user_, {uriOf(url("/file"))}}, [](const Result<void>&) {});
  fetcher.start({"c2", sandbox_, user_, {uriOf(url("/file"))}},
                [&ended](const Result<void>&) { ended.set_value(); });
  fetcher.cancel("c2");
  EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
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

TEST(HttpUrl, IsReadInItsParts) {
  EXPECT_EQ(*parseHttpUrl("http://h/a?b#c"), (HttpUrl{"h", 80, "/a?b", ""}));
  EXPECT_EQ(*parseHttpUrl("HTTP://u:p%40@h:81?q"), (HttpUrl{"h", 81, "/?q", "Basic dTpwQA=="}));
  EXPECT_EQ(*parseHttpUrl("http://[::1]:81/"), (HttpUrl{"::1", 81, "/", ""}));
  EXPECT_EQ(*parseHttpUrl("http://[::1]/"), (HttpUrl{"::1", 80, "/", ""}));
  for (const char* text : {"", "http://", "http:///x", "https://", "http://h:0/", "http://h:x/",
                           "http://h/a b", "http://h/\r\nX: y", "http://u%zz@h/"}) {
    EXPECT_FALSE(parseHttpUrl(text)) << text;
  }
}

TEST(HttpUrl, ResolvesRedirects) {
  const HttpUrl base{"h", 81, "/a/b?c", "Basic x"};
  EXPECT_EQ(*resolveLocation(base, "/d"), (HttpUrl{"h", 81, "/d", "Basic x"}));
  EXPECT_EQ(*resolveLocation(base, "d"), (HttpUrl{"h", 81, "/a/d", "Basic x"}));
  EXPECT_EQ(*resolveLocation(base, "http://h:81/d"), (HttpUrl{"h", 81, "/d", "Basic x"}));
  EXPECT_EQ(*resolveLocation(base, "http://other/d"), (HttpUrl{"other", 80, "/d", ""}));
  EXPECT_EQ(*resolveLocation(base, "//other/d"), (HttpUrl{"other", 80, "/d", ""}));
  EXPECT_EQ(*resolveLocation(base, "https://h/d"), (HttpUrl{"h", 443, "/d", "", true}));
  EXPECT_FALSE(resolveLocation(*parseHttpUrl("https://h/"), "http://h/d"));
  EXPECT_FALSE(resolveLocation(base, "/d\r\nX: y"));
}

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

/// The same by https.
class HttpsFetchTest : public HttpFetchTest {
 protected:
  void SetUp() override {
    HttpFetchTest::SetUp();
    answer_ = [](auto& exchange, const protocol::Request& request) {
      exchange.respond({200, {}, "got " + request.target});
    };
  }
  void serve(const std::string& certificate) {
    transport::HttpServerOptions options;
    options.tls =
        transport::tlsServer({.certificateFile = support::authorityFile(certificate + ".pem"),
                              .keyFile = support::authorityFile(certificate + ".key")})
            .value();
    std::promise<void> done;
    loop_.post([&] {
      secure_ = transport::HttpServer::listen(
                    loop_, options,
                    [this](const auto& exchange, const protocol::Request& request) {
                      answer_(*exchange, request);
                    })
                    .value();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::string url(const std::string& target) {
    return "https://127.0.0.1:" + std::to_string(secure_->port()) + target;
  }

  std::unique_ptr<transport::HttpServer> secure_;
};

TEST_F(HttpsFetchTest, TrustsWhomTheClusterTrusts) {
  serve("server");
  EXPECT_FALSE(fetch(url("/file")));
  EXPECT_NE(log().find("certificate is refused"), std::string::npos) << log();
  options_.download.caFile = support::authorityFile("ca.pem");
  ASSERT_TRUE(fetch(url("/file"))) << log();
  EXPECT_EQ(contents(sandbox_ + "/file"), "got /file");
  serve("elsewhere");
  EXPECT_FALSE(fetch(url("/file")));
}

TEST_F(HttpsFetchTest, NoRedirectLeadsOutOfIt) {
  serve("server");
  options_.download.caFile = support::authorityFile("ca.pem");
  const std::string plain = HttpFetchTest::url("/file");
  answer_ = [&](auto& exchange, const protocol::Request& request) {
    if (request.target == "/file") return exchange.respond({200, {}, ""});
    exchange.respond({302, {{"Location", plain}}, ""});
  };
  EXPECT_FALSE(fetch(url("/start")));
  EXPECT_NE(log().find("from https to http"), std::string::npos) << log();
}

}  // namespace
}  // namespace mesos::local
