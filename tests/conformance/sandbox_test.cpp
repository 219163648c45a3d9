// Section 11 of the scenarios, continued: sandboxes, and what an agent shows of them.
#include "conformance/launching.hpp"

#include <algorithm>
#include <regex>

namespace mesos::conformance {
namespace {

/// A command task that has left files in its sandbox.
class Sandbox : public testing::Test {
 protected:
  Sandbox() : framework_(environment().master, Encoding::Protobuf, {}) {}

  void run(const std::string& command) {
    const Offer offer = framework_.offer();
    agentId_ = offer.agent_id().value();
    agent_ = agentOf(offer);
    task_ = uniqueId("task");
    framework_.accept({offer}, {commandTask(offer, task_, command)});
    framework_.statusUntil(task_, TASK_FINISHED);
    path_ = sandboxOf(agent_, framework_.id(), task_);
  }
  protocol::Response files(const std::string& request) const {
    return get(agent_, "/files/" + request);
  }
  rapidjson::Document read(const std::string& rest) const {
    return getJson(agent_, "/files/read?path=" + path_ + "/" + rest);
  }
  std::string taskOutput() const { return agentFile(agent_, path_ + "/stdout").value_or(""); }

  TestFramework framework_;
  protocol::Address agent_;
  std::string agentId_;
  std::string task_;
  std::string path_;
};

void expectRead(const rapidjson::Document& answer, const std::string& data, int offset) {
  EXPECT_EQ(std::string(answer["data"].GetString(), answer["data"].GetStringLength()), data);
  EXPECT_EQ(answer["offset"].GetInt(), offset);
}

TEST_F(Sandbox, C139_LiesUnderTheIdsOfAllThatItBelongsTo) {
  run("stat -c 'mode %a' .; readlink ../latest; id -un; stat -c %U .; stat -c 'file %a' stdout");
  const std::string runs = "/slaves/" + agentId_ + "/frameworks/" + framework_.id().value() +
                           "/executors/" + task_ + "/runs/";
  const std::size_t at = path_.find(runs);
  ASSERT_NE(at, path_.npos) << path_;
  const std::string container = path_.substr(at + runs.size());
  EXPECT_EQ(container, executorState(agent_, framework_.id(), task_)["container"].GetString());
  EXPECT_TRUE(std::regex_match(container, std::regex("[0-9a-f-]{36}"))) << container;
  const std::string output = taskOutput();
  EXPECT_NE(output.find("mode 750\n"), output.npos) << output;
  EXPECT_NE(output.find("file 644\n"), output.npos) << output;
  // The link may be relative or the whole path.
  EXPECT_TRUE(std::regex_search(output, std::regex("(^|/|\n)" + container + "\n"))) << output;
  const auto slash = std::regex("([^\n]+)\n\\1\nfile");
  EXPECT_TRUE(std::regex_search(output, slash)) << "the owner is not the user: " << output;
}

TEST_F(Sandbox, C140_IsBrowsed) {
  run("mkdir dir; echo 12345 > b.txt; ln -s b.txt link; chmod 600 b.txt; echo x > dir/deep");
  const auto list = getJson(agent_, "/files/browse?path=" + path_);
  std::vector<std::string> paths;
  for (const auto& entry : list.GetArray()) paths.push_back(entry["path"].GetString());
  EXPECT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  const auto* file = findBy(list, "path", path_ + "/b.txt");
  ASSERT_TRUE(file);
  EXPECT_STREQ((*file)["mode"].GetString(), "-rw-------");
  EXPECT_EQ((*file)["size"].GetInt(), 6);
  EXPECT_EQ((*file)["nlink"].GetInt(), 1);
  EXPECT_TRUE((*file)["uid"].IsString());
  EXPECT_TRUE((*file)["gid"].IsString());
  EXPECT_TRUE((*file)["mtime"].IsDouble());
  const auto* directory = findBy(list, "path", path_ + "/dir");
  ASSERT_TRUE(directory);
  EXPECT_EQ((*directory)["mode"].GetString()[0], 'd');
  EXPECT_TRUE(
      findBy(getJson(agent_, "/files/browse?path=" + path_ + "/dir"), "path", path_ + "/dir/deep"));

  EXPECT_EQ(files("browse?path=" + path_ + "/b.txt").body, "[]");
  EXPECT_EQ(files("browse").status, 400);
  const auto missing = files("browse?path=/no/such/path");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, "");
  EXPECT_EQ(files("browse?path=" + path_ + "/../").status, 400);
}

TEST_F(Sandbox, C140_IsFoundUnderItsVirtualPaths) {
  run("echo content > f");
  const std::string real = path_.substr(0, path_.rfind('/')) + "/latest";
  const std::string shortest =
      "/frameworks/" + framework_.id().value() + "/executors/" + task_ + "/runs/latest";
  for (const std::string& path : {real, shortest}) {
    SCOPED_TRACE(path);
    EXPECT_TRUE(findBy(getJson(agent_, "/files/browse?path=" + path), "path", path + "/f"));
    expectRead(getJson(agent_, "/files/read?offset=0&path=" + path + "/f"), "content\n", 0);
    EXPECT_EQ(files("download?path=" + path + "/f").body, "content\n");
  }
}

TEST_F(Sandbox, C140_IsReadPieceByPiece) {
  run("printf 0123456789 > f; printf 'a\\000\"\\n' > odd");
  expectRead(read("f&offset=0"), "0123456789", 0);
  expectRead(read("f&offset=3&length=4"), "3456", 3);
  expectRead(read("f&offset=3&length=-1"), "3456789", 3);
  expectRead(read("f&offset=8&length=100"), "89", 8);
  expectRead(read("f&offset=10"), "", 10);
  expectRead(read("f&offset=100000"), "", 100000);
  // How a reader learns where the end is.
  expectRead(read("f&offset=-1"), "", 10);
  expectRead(read("f"), "", 10);
  expectRead(read("odd&offset=0"), std::string("a\0\"\n", 4), 0);
}

TEST_F(Sandbox, C140_IsReadAtMostSixteenPagesAtOnce) {
  run("head -c 100000 /dev/zero | tr '\\000' x > big");
  const auto whole = read("big&offset=0&length=100000");
  EXPECT_EQ(whole["data"].GetStringLength(), 65536u);
  const auto rest = read("big&offset=65536");
  EXPECT_EQ(rest["data"].GetStringLength(), 100000u - 65536u);
  EXPECT_EQ(rest["offset"].GetInt(), 65536);
  EXPECT_EQ(files("download?path=" + path_ + "/big").body.size(), 100000u);
}

TEST_F(Sandbox, C140_RefusesToReadWhatIsNoFile) {
  run("echo content > f");
  for (const char* query : {"&length=-2", "&length=abc", "&offset=-2", "&offset=abc", "&length="}) {
    SCOPED_TRACE(query);
    EXPECT_EQ(files("read?path=" + path_ + "/f" + query).status, 400);
  }
  for (const char* kind : {"read", "download"}) {
    SCOPED_TRACE(kind);
    EXPECT_EQ(files(kind).status, 400);
    EXPECT_EQ(files(std::string(kind) + "?path=" + path_).status, 400);
    EXPECT_EQ(files(std::string(kind) + "?path=" + path_ + "/missing").status, 404);
  }
  EXPECT_EQ(files("read?path=/no/such/path").body, "");
  EXPECT_EQ(files("download?path=/no/such/path").body, "404 Not Found.");
}

TEST_F(Sandbox, C140_IsDownloadedUnderItsFilesNames) {
  run("echo content > a.txt; echo '<p>' > a.html; echo content > 'a b'");
  const auto header = [](const protocol::Response& response, const char* name) {
    const std::string* value = response.headers.find(name);
    return value ? *value : "";
  };
  const auto text = files("download?path=" + path_ + "/a.txt");
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(header(text, "Content-Disposition"), "attachment; filename=a.txt");
  EXPECT_EQ(header(text, "Content-Type"), "text/plain");
  EXPECT_EQ(header(files("download?path=" + path_ + "/a.html"), "Content-Type"), "text/html");
  const auto blank = files("download?path=" + path_ + "/a%20b");
  EXPECT_EQ(header(blank, "Content-Disposition"), "attachment; filename=a b");
  EXPECT_EQ(header(blank, "Content-Type"), "application/octet-stream");
}

class UnknownUser : public PlayedScenario {};
BOTH_ENCODINGS(UnknownUser);

TEST_P(UnknownUser, C141_DropsATaskOfAUserThatDoesNotExist) {
  for (const bool aware : {true, false}) {
    TestFramework framework = subscribe(aware ? partitionAware() : FrameworkInfo());
    const Offer offer = framework.offer();
    const auto flags = getJson(agentOf(offer), "/flags");
    if (std::string(flags["flags"]["switch_user"].GetString()) == "false") {
      GTEST_SKIP() << "needs: an agent that runs tasks as their users";
    }
    TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
    task.mutable_command()->set_user("no-such-user");
    framework.accept({offer}, {task});
    const TaskStatus status = framework.status(task.task_id().value());
    EXPECT_EQ(status.state(), aware ? TASK_DROPPED : TASK_LOST);
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_AGENT);
    EXPECT_EQ(status.reason(), TaskStatus::REASON_EXECUTOR_TERMINATED);
    EXPECT_EQ(status.uuid().size(), 16u);
    runCommand(framework, "exit 0");
  }
}

}  // namespace
}  // namespace mesos::conformance
