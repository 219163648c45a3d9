// Runs the tutorial's two programs against an embedded cluster, and asks the server.
#include "transport/loopback_testing.hpp"

#include <mesos/local_cluster.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mesos {
namespace {

using transport::testing::eventually;
using transport::testing::RawSocket;

/// The scheduler, from start to kill; what it prints is kept.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~Process() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    (void)exitStatus();
    ::close(output_);
  }

  bool prints(std::string_view text) {
    return eventually([&] {
      std::array<char, 4096> buffer{};
      const ssize_t count = ::read(output_, buffer.data(), buffer.size());
      if (count > 0) printed_.append(buffer.data(), static_cast<std::size_t>(count));
      return printed_.find(text) != std::string::npos;
    });
  }
  const std::string& printed() const { return printed_; }
  /// Waits for the end.
  int exitStatus() {
    int status = -1;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
  std::string printed_;
};

class Minimal : public testing::Test {
 protected:
  void SetUp() override {
    LocalClusterOptions options;
    options.port = 0;
    options.agentPort = 0;
    auto started = LocalCluster::start(options);
    ASSERT_TRUE(started) << started.error().message;
    cluster_ = std::move(*started);
  }

  std::unique_ptr<LocalCluster> cluster_;
};

TEST_F(Minimal, ServesOnThePortOfTheOfferUntilItsTaskEnds) {
  Process scheduler({MINIMAL_SCHEDULER, cluster_->master(), MINIMAL_EXECUTOR});
  ASSERT_TRUE(scheduler.prints("is in state TASK_RUNNING")) << scheduler.printed();
  const std::string& printed = scheduler.printed();
  EXPECT_NE(printed.find("Registered as framework "), std::string::npos);
  EXPECT_NE(printed.find("Received offer <"), std::string::npos);
  const std::string announcement = "Launching the server on port ";
  const auto found = printed.find(announcement);
  ASSERT_NE(found, std::string::npos);
  const int port = std::atoi(printed.c_str() + found + announcement.size());
  RawSocket client = RawSocket::connectTo(static_cast<std::uint16_t>(port));
  client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(client.readAll().ends_with("\r\n\r\nHello from Server"));

  cluster_->removeAgent(0);
  EXPECT_TRUE(scheduler.prints("is in state TASK_LOST")) << scheduler.printed();
  EXPECT_EQ(scheduler.exitStatus(), 0);
}

TEST_F(Minimal, SaysHowItIsUsed) { EXPECT_EQ(Process({MINIMAL_SCHEDULER}).exitStatus(), 2); }

}  // namespace
}  // namespace mesos
