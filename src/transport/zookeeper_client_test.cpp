// Against a real ZooKeeper.
#include "tests/support/zookeeper_server.hpp"
#include "transport/loopback_testing.hpp"
#include "transport/master_address.hpp"
#include "transport/master_watcher.hpp"
#include "transport/zookeeper_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>

namespace mesos::transport {
namespace {

using mesos::testing::ZooKeeperServer;
using protocol::CreateNode;
using protocol::NodeFault;
using protocol::OpenZooKeeper;
using std::chrono::seconds;

/// Lines that a test waits for, whichever thread writes them.
class Record {
 public:
  void write(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }
  /// Waits for one of the lines, behind what was read before; false: none came.
  bool read(const std::string& line, const std::string& orLine = "none",
            Duration most = seconds(30)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] {
      for (std::size_t i = read_; i < lines_.size(); ++i) {
        if (lines_[i] != line && lines_[i] != orLine) continue;
        read_ = i + 1;
        return true;
      }
      return false;
    });
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const std::string& line : lines_) all += line + "\n";
    return all;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::size_t read_ = 0;
};

class ZooKeeperClientTest : public ::testing::Test {
 protected:
  /// One for all: it takes seconds to start.
  static void SetUpTestSuite() { server = std::make_unique<ZooKeeperServer>(); }
  static void TearDownTestSuite() { server.reset(); }

  ~ZooKeeperClientTest() override {
    loop.run([this] { client.reset(); });
  }

  void open(const std::string& url, Duration timeout = seconds(2)) {
    const auto spec = protocol::parseMasterSpec(url);
    loop.run([&] {
      if (!client) client.emplace(loop.loop(), events(record));
      client->perform(OpenZooKeeper{++session, std::get<protocol::ZooKeeperUrl>(*spec), timeout});
    });
  }
  template <typename Order>
  void perform(const Order& order) {
    loop.run([&] { client->perform(order); });
  }

  static ZooKeeperClient::Events events(Record& record) {
    const auto say = [&record](const std::string& line) { record.write(line); };
    return {.onConnected = [say](auto id, Duration) { say("connected " + std::to_string(id)); },
            .onConnecting = [say](auto id) { say("connecting " + std::to_string(id)); },
            .onOpenFailed = [say](auto id, const auto&) { say("no " + std::to_string(id)); },
            .onExpired = [say](auto id) { say("expired " + std::to_string(id)); },
            .onAuthFailed = [say](auto id) { say("refused " + std::to_string(id)); },
            .onChanged = [say](auto id) { say("changed " + std::to_string(id)); },
            .onChildren =
                [say](auto request, std::vector<std::string> names) {
                  std::sort(names.begin(), names.end());
                  std::string line = "children " + std::to_string(request);
                  for (const std::string& name : names) line += " " + name;
                  say(line);
                },
            .onData =
                [say](auto request, const std::string& data) {
                  say("data " + std::to_string(request) + " " + data);
                },
            .onCreated =
                [say](auto request, const std::string& path) {
                  say("created " + std::to_string(request) + " " + path);
                },
            .onRequestFailed =
                [say](auto request, NodeFault fault, const std::string&) {
                  say("failed " + std::to_string(request) +
                      (fault == NodeFault::NoNode       ? " no node"
                       : fault == NodeFault::NodeExists ? " exists"
                                                        : ""));
                },
            .onLog = [say](const std::string& line) { say("log " + line); }};
  }

  static std::unique_ptr<ZooKeeperServer> server;
  Record record;
  testing::LoopThread loop;
  std::optional<ZooKeeperClient> client;
  protocol::ZooKeeperId session = 0;
};

std::unique_ptr<ZooKeeperServer> ZooKeeperClientTest::server;

TEST_F(ZooKeeperClientTest, CreatesListsReadsAndTellsOfChanges) {
  open(server->url("/a"));
  ASSERT_TRUE(record.read("connected 1"));
  perform(protocol::ListNodes{1, "/a"});
  EXPECT_TRUE(record.read("failed 1 no node"));
  perform(CreateNode{2, "/a", "", false});
  EXPECT_TRUE(record.read("created 2 /a"));
  perform(CreateNode{3, "/a", "", false});
  EXPECT_TRUE(record.read("failed 3 exists"));
  perform(protocol::ListNodes{4, "/a"});
  EXPECT_TRUE(record.read("children 4"));
  perform(CreateNode{5, "/a/m_", std::string("x\0y", 3), true});
  EXPECT_TRUE(record.read("changed 1"));
  EXPECT_TRUE(record.read("created 5 /a/m_0000000000"));
  perform(protocol::ListNodes{6, "/a"});
  EXPECT_TRUE(record.read("children 6 m_0000000000"));
  perform(protocol::ReadNode{7, "/a/m_0000000000"});
  EXPECT_TRUE(record.read(std::string("data 7 x\0y", 10)));
}

TEST_F(ZooKeeperClientTest, TheEndOfASessionEndsItsMembersAtOnce) {
  open(server->url("/b"));
  ASSERT_TRUE(record.read("connected 1"));
  perform(CreateNode{1, "/b", "", false});
  perform(CreateNode{2, "/b/m_", "", true});
  ASSERT_TRUE(record.read("created 2 /b/m_0000000000"));
  open(server->url("/b"));
  ASSERT_TRUE(record.read("connected 2"));
  perform(protocol::ListNodes{3, "/b"});
  EXPECT_TRUE(record.read("children 3"));
}

// Fact Z4.
TEST_F(ZooKeeperClientTest, WithCredentialsOthersOnlyRead) {
  open(server->url("/c", "user:hidden"));
  ASSERT_TRUE(record.read("connected 1"));
  perform(CreateNode{1, "/c", "", false});
  ASSERT_TRUE(record.read("created 1 /c"));
  perform(CreateNode{2, "/c/x", "mine", false});
  ASSERT_TRUE(record.read("created 2 /c/x"));
  open(server->url("/c"));
  ASSERT_TRUE(record.read("connected 2"));
  perform(protocol::ReadNode{3, "/c/x"});
  EXPECT_TRUE(record.read("data 3 mine"));
  perform(CreateNode{4, "/c/y", "", false});
  EXPECT_TRUE(record.read("failed 4"));
  open(server->url("/c", "user:wrong"));
  ASSERT_TRUE(record.read("connected 3"));
  perform(CreateNode{5, "/c/y", "", false});
  EXPECT_TRUE(record.read("failed 5"));
  open(server->url("/c", "user:hidden"));
  ASSERT_TRUE(record.read("connected 4"));
  perform(CreateNode{6, "/c/y", "", false});
  EXPECT_TRUE(record.read("created 6 /c/y"));
  EXPECT_EQ(record.text().find("hidden"), std::string::npos);
}

TEST_F(ZooKeeperClientTest, SaysWhenTheConnectionIsLostAndFoundAgain) {
  open(server->url("/d"));
  ASSERT_TRUE(record.read("connected 1"));
  server->stop();
  EXPECT_TRUE(record.read("connecting 1"));
  server->start();
  EXPECT_TRUE(record.read("connected 1", "expired 1"));  // By how long it took to come back.
}

TEST_F(ZooKeeperClientTest, WhatTheCClientSaysIsForTheLog) {
  open("zk://127.0.0.1:1/x");
  const auto until = currentTime().steady + seconds(30);
  while (record.text().find("log ZOO_") == std::string::npos) {
    ASSERT_LT(currentTime().steady, until);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

TEST_F(ZooKeeperClientTest, ANameWithoutAnAddressFailsToOpen) {
  open("zk://no-such-host.invalid:2181/x");
  EXPECT_TRUE(record.read("no 1")) << record.text();
}

TEST_F(ZooKeeperClientTest, EndsAtOnceAlthoughTheServerDoesNotAnswer) {
  open(server->url("/f"));
  ASSERT_TRUE(record.read("connected 1"));
  server->pause();
  perform(protocol::ListNodes{1, "/f"});
  const auto before = currentTime().steady;
  loop.run([this] { client.reset(); });
  EXPECT_LT(currentTime().steady - before, seconds(8));
  server->resume();
}

TEST_F(ZooKeeperClientTest, AWatcherFollowsTheLeader) {
  Record leaders;
  std::optional<MasterWatcher> watcher;
  loop.run([&] {
    watcher.emplace(
        loop.loop(), protocol::parseMasterSpec(server->url("/g/masters")).value(),
        MasterWatcher::Events{
            .onLeader =
                [&](const protocol::LeaderChanged& changed) {
                  leaders.write(changed.address ? changed.address->toString() : "none");
                },
            .onWaiting = [&](const protocol::Waiting& wait) { leaders.write(wait.reason); },
            .onFailed = [&](const std::string& message) { leaders.write(message); },
            .onLog = nullptr});
    watcher->start();
  });
  open(server->url("/g/masters"));
  ASSERT_TRUE(record.read("connected 1"));
  perform(CreateNode{1, "/g", "", false});
  perform(CreateNode{2, "/g/masters", "", false});
  const auto dataOf = [](int port) {
    return R"({"id":"m","ip":16777343,"port":)" + std::to_string(port) + "}";
  };
  perform(CreateNode{3, "/g/masters/json.info_", dataOf(7), true});
  EXPECT_TRUE(leaders.read("127.0.0.1:7")) << leaders.text();
  std::optional<ZooKeeperClient> second;
  Record others;
  loop.run([&] {
    second.emplace(loop.loop(), events(others));
    second->perform(OpenZooKeeper{1,
                                  std::get<protocol::ZooKeeperUrl>(
                                      protocol::parseMasterSpec(server->url("/g/masters")).value()),
                                  seconds(2)});
  });
  ASSERT_TRUE(others.read("connected 1"));
  loop.run([&] { second->perform(CreateNode{1, "/g/masters/json.info_", dataOf(8), true}); });
  ASSERT_TRUE(others.read("created 1 /g/masters/json.info_0000000001"));
  loop.run([this] { client.reset(); });
  EXPECT_TRUE(leaders.read("127.0.0.1:8")) << leaders.text();
  loop.run([&] {
    second.reset();
    watcher.reset();
  });
}

TEST(ZooKeeperLog, DropsWhatTheLogHasAnyway) {
  EXPECT_EQ(withoutPreamble("2026-11-25 19:13:01,123:12(0x7f):ZOO_INFO@log_env@1: Client"),
            "ZOO_INFO@log_env@1: Client");
  EXPECT_EQ(withoutPreamble("else"), "else");
}

TEST(ZooKeeperLog, KeepsHandlesApart) {
  std::string first;
  std::string second;
  const ZooKeeperLog a([&](const std::string& line) { first += line; });
  const ZooKeeperLog b([&](const std::string& line) { second += line; });
  a.callback()("x");
  b.callback()("y");
  EXPECT_EQ(first, "x");
  EXPECT_EQ(second, "y");
}

TEST(ZooKeeperLog, IsDroppedWhenThereAreTooMany) {
  std::vector<std::unique_ptr<ZooKeeperLog>> logs;
  int lines = 0;
  for (int i = 0; i < 70; ++i) {
    logs.push_back(std::make_unique<ZooKeeperLog>([&](const std::string&) { ++lines; }));
  }
  for (const auto& log : logs) log->callback()("x");
  EXPECT_EQ(lines, 64);
}

// Fact Z3.
TEST(MasterFile, HoldsOneOfTheOtherNames) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("mesos-master-" + std::to_string(::getpid()));
  const std::string url = "file://" + path;
  EXPECT_NE(masterSpec(url).error().message.find("cannot be read"), std::string::npos);
  std::ofstream(path) << "zk://u:p@h:1/m\n";
  EXPECT_EQ(masterSpec(url).value(),
            protocol::MasterSpec(protocol::ZooKeeperUrl{"h:1", "/m", "u:p"}));
  std::ofstream(path) << url << "\n";
  EXPECT_NE(masterSpec(url).error().message.find("from file to file"), std::string::npos);
  std::ofstream(path) << "h:1 \r\n";
  EXPECT_EQ(masterSpec(url).value(), protocol::MasterSpec(protocol::Address{"h", 1}));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace mesos::transport
