// Section 11 of the scenarios: what an agent fetches before it starts a command.
#include "conformance/archives.hpp"
#include "conformance/file_server.hpp"
#include "conformance/launching.hpp"

#include <algorithm>

namespace mesos::conformance {
namespace {

using URI = v1::CommandInfo::URI;

/// Sandboxes look the same in both encodings.
class Fetcher : public testing::Test {
 protected:
  Fetcher() : framework_(environment().master, Encoding::Protobuf, {}) {
    offer_ = framework_.offer();
    agent_ = agentOf(offer_);
    framework_.decline(offer_, 0);
  }

  /// Launches a command with URIs.
  std::string launch(const std::string& command, const std::vector<URI>& uris) {
    const Offer offer = framework_.offer();
    TaskInfo task = commandTask(offer, uniqueId("fetch"), command);
    for (const URI& uri : uris) *task.mutable_command()->add_uris() = uri;
    framework_.accept({offer}, {task});
    return task.task_id().value();
  }
  /// The same, and it must end well. What it said, after what the executor may have said.
  std::string run(const std::string& command, const std::vector<URI>& uris) {
    const std::string id = launch(command, uris);
    framework_.statusUntil(id, TASK_FINISHED, Timeout(20000));
    return agentFile(agent_, sandbox(id) + "/stdout").value_or("");
  }
  /// The end of a task that cannot be fetched for (fact F2), and what its stderr says.
  TaskStatus failureOf(const URI& uri, std::string* errors) {
    const std::string id = launch("exit 0", {uri});
    const TaskStatus status = framework_.status(id, true, Timeout(20000));
    EXPECT_EQ(status.state(), TASK_FAILED);
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);
    EXPECT_EQ(status.uuid().size(), 16u);
    *errors = agentFile(agent_, sandbox(id) + "/stderr").value_or("(no file)");
    return status;
  }
  void expectNotFetched(const URI& uri) {
    SCOPED_TRACE(uri.ShortDebugString());
    std::string errors;
    const TaskStatus status = failureOf(uri, &errors);
    EXPECT_EQ(status.message().find("Failed to launch container: Failed to fetch all URIs for "),
              0u)
        << status.message();
    EXPECT_NE(errors, "");
    EXPECT_NE(errors, "(no file)");
  }
  void expectRefused(const URI& uri) {
    SCOPED_TRACE(uri.ShortDebugString());
    std::string errors;
    const TaskStatus status = failureOf(uri, &errors);
    EXPECT_EQ(status.message().find("Failed to launch container: Could not fetch: "), 0u)
        << status.message();
    EXPECT_EQ(errors, "");
  }
  std::string sandbox(const std::string& taskId) const {
    return sandboxOf(agent_, framework_.id(), taskId);
  }

  TestFramework framework_;
  Offer offer_;
  protocol::Address agent_;
};

URI uri(const std::string& value) {
  URI result;
  result.set_value(value);
  return result;
}

URI executable(const std::string& value) {
  URI result = uri(value);
  result.set_executable(true);
  return result;
}

URI kept(const std::string& value) {
  URI result = uri(value);
  result.set_extract(false);
  return result;
}

URI storedAs(const std::string& value, const std::string& outputFile) {
  URI result = uri(value);
  result.set_output_file(outputFile);
  return result;
}

const std::map<std::string, std::string> kFiles = {{"inside", "inside\n"}, {"sub/deep", "deep\n"}};

TEST_F(Fetcher, C133_FetchesFilesByPathAndByFileUri) {
  // A file on the agent's machine, wherever that is: in the sandbox of an earlier task.
  const std::string first = launch("echo content > made; exit 0", {});
  framework_.statusUntil(first, TASK_FINISHED);
  const std::string path = sandbox(first) + "/made";
  EXPECT_NE(run("cat made; stat -c %a made", {uri(path)}).find("content\n644\n"),
            std::string::npos);
  EXPECT_NE(run("cat made", {uri("file://" + path)}).find("content\n"), std::string::npos);
  EXPECT_NE(run("cat made", {uri("  file://" + path)}).find("content\n"), std::string::npos);
}

TEST_F(Fetcher, C133_FetchesAnExecutableByHttp) {
  FileServer server(agent_, {{"/dir/run.sh", {200, "#!/bin/sh\necho it runs\n"}},
                             {"/a.tar.gz", {200, archiveOf(ArchiveKind::TarGz, kFiles)}}});
  const std::string output =
      run("./run.sh; stat -c %a run.sh a.tar.gz; ls",
          {executable(server.url("/dir/run.sh")), executable(server.url("/a.tar.gz"))});
  EXPECT_NE(output.find("it runs\n755\n755\n"), output.npos) << output;
  // What is executable is never unpacked (fact F9).
  EXPECT_EQ(output.find("inside"), output.npos) << output;
}

TEST_F(Fetcher, C134_UnpacksArchivesAndKeepsThem) {
  const std::vector<std::pair<std::string, ArchiveKind>> kinds = {
      {"a.tar", ArchiveKind::Tar},     {"a.tar.gz", ArchiveKind::TarGz},
      {"a.tgz", ArchiveKind::TarGz},   {"a.tar.bz2", ArchiveKind::TarBz2},
      {"a.tbz2", ArchiveKind::TarBz2}, {"a.tar.xz", ArchiveKind::TarXz},
      {"a.txz", ArchiveKind::TarXz},   {"a.zip", ArchiveKind::Zip}};
  std::map<std::string, FileServer::Answer> answers;
  for (const auto& [name, kind] : kinds) answers["/" + name] = {200, archiveOf(kind, kFiles)};
  FileServer server(agent_, answers);
  for (const auto& [name, kind] : kinds) {
    SCOPED_TRACE(name);
    const std::string output =
        run("cat inside sub/deep; ls " + name, {uri(server.url("/" + name))});
    EXPECT_NE(output.find("inside\ndeep\n" + name + "\n"), output.npos) << output;
  }
}

TEST_F(Fetcher, C134_UnpacksAGzippedFile) {
  FileServer server(agent_, {{"/plain.txt.gz", {200, gzipOf("plain\n")}}});
  const std::string output =
      run("cat plain.txt; ls plain.txt.gz", {uri(server.url("/plain.txt.gz"))});
  EXPECT_NE(output.find("plain\nplain.txt.gz\n"), output.npos) << output;
}

TEST_F(Fetcher, C134_LeavesWhatIsNotToBeUnpacked) {
  FileServer server(agent_, {{"/a.tar.gz", {200, archiveOf(ArchiveKind::TarGz, kFiles)}},
                             {"/b.jar", {200, archiveOf(ArchiveKind::Zip, kFiles)}}});
  const std::string output = run("ls", {kept(server.url("/a.tar.gz")), uri(server.url("/b.jar"))});
  EXPECT_NE(output.find("a.tar.gz\nb.jar\n"), output.npos) << output;
  EXPECT_EQ(output.find("inside"), output.npos) << output;
}

TEST_F(Fetcher, C135_NamesAFileByAllThatFollowsTheLastSlash) {
  FileServer server(agent_, {{"/x/a.tgz?x=1", {200, archiveOf(ArchiveKind::TarGz, kFiles)}}});
  const std::string output = run("ls", {uri(server.url("/x/a.tgz?x=1"))});
  EXPECT_NE(output.find("a.tgz?x=1\n"), output.npos) << output;
  EXPECT_EQ(output.find("inside"), output.npos) << output;
}

TEST_F(Fetcher, C135_StoresUnderTheOutputFileAndUnpacksToTheTop) {
  FileServer server(agent_, {{"/data?q", {200, archiveOf(ArchiveKind::TarGz, kFiles)}}});
  const std::string output =
      run("cat inside; ls d/e", {storedAs(server.url("/data?q"), "d/e/a.tgz")});
  EXPECT_NE(output.find("inside\na.tgz\n"), output.npos) << output;
}

TEST_F(Fetcher, C135_FetchesEqualEntriesOnce) {
  FileServer server(agent_, {{"/f", {200, "content\n"}}});
  run("cat f", {uri(server.url("/f")), uri(server.url("/f")), executable(server.url("/f"))});
  const auto requests = server.requests();
  EXPECT_EQ(std::count(requests.begin(), requests.end(), "GET /f"), 2);
}

TEST_F(Fetcher, C136_FailsATaskWhoseFilesCannotBeFetched) {
  FileServer server(agent_, {{"/empty", {204, ""}},
                             {"/partial", {206, "content"}},
                             {"/error", {500, "no"}},
                             {"/dir/", {200, "content"}},
                             {"/broken.tar.gz", {200, "this is no archive"}},
                             {"/broken.zip", {200, "this is no archive"}}});
  for (const char* path :
       {"/missing", "/empty", "/partial", "/error", "/dir/", "/broken.tar.gz", "/broken.zip"}) {
    expectNotFetched(uri(server.url(path)));
  }
  for (const char* value :
       {"/no/such/file", "file:///no/such/file", "/tmp", "", "relative", "nosuchscheme://h/f"}) {
    expectNotFetched(uri(value));
  }
}

TEST_F(Fetcher, C136_FailsATaskWhoseServerIsNotThere) {
  std::string url;
  {
    FileServer server(agent_, {});
    url = server.url("/f");
  }
  expectNotFetched(uri(url));
}

TEST_F(Fetcher, C136_RefusesAMalformedUriBeforeFetching) {
  FileServer server(agent_, {{"/f", {200, "content"}}});
  expectRefused(storedAs(server.url("/f"), "/abs"));
  expectRefused(storedAs(server.url("/f"), ""));
  expectRefused(uri("http://127.0.0.1"));
  expectRefused(uri(server.url("/")));
  expectRefused(uri(server.url("/it's")));
  expectRefused(uri(server.url("/a\\b")));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Fetcher, C136_FailsTheTaskOfACustomExecutorAsWell) {
  const Offer offer = framework_.offer();
  TaskInfo task = executorTask(offer, uniqueId("task"), uniqueId("executor"));
  *task.mutable_executor()->mutable_command()->add_uris() = uri("/no/such/file");
  framework_.accept({offer}, {task});
  const TaskStatus status = framework_.status(task.task_id().value(), true, Timeout(20000));
  EXPECT_EQ(status.state(), TASK_FAILED);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_CONTAINER_LAUNCH_FAILED);
}

TEST_F(Fetcher, C137_FollowsRedirects) {
  FileServer target(agent_, {{"/there", {200, "content\n"}}});
  FileServer server(agent_, {{"/here", {302, "", target.url("/there")}}});
  EXPECT_NE(run("cat here", {uri(server.url("/here"))}).find("content\n"), std::string::npos);
  EXPECT_EQ(target.requests(), std::vector<std::string>{"GET /there"});
}

TEST_F(Fetcher, C138_DownloadsACachedFileOnce) {
  FileServer server(environment().master, {{"/f", {200, "cached"}}});
  URI uri;
  uri.set_value(server.url("/f"));
  uri.set_cache(true);
  for (int i = 0; i < 2; ++i) {
    const std::string output = run("cat f; echo changed >f", {uri});
    EXPECT_NE(output.find("cached"), output.npos) << output;
  }
  EXPECT_EQ(server.requests(), (std::vector<std::string>{"HEAD /f", "GET /f"}));
}

}  // namespace
}  // namespace mesos::conformance
