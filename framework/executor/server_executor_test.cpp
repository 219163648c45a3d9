#include "executor/server_executor.hpp"

#include "transport/loopback_testing.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

namespace mesos::executor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using transport::testing::RawSocket;

/// Remembers what the executor asks of its agent.
class RecordingDriver : public ExecutorDriver {
 public:
  Status start() override { return DRIVER_RUNNING; }
  Status stop() override {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
    return DRIVER_STOPPED;
  }
  Status abort() override { return DRIVER_ABORTED; }
  Status join() override { return DRIVER_STOPPED; }
  Status run() override { return DRIVER_STOPPED; }
  Status sendStatusUpdate(const TaskStatus& status) override {
    std::unique_lock lock(mutex_);
    statuses_.push_back(status);
    changed_.notify_all();
    lock.unlock();
    if (onStatus) onStatus(status);
    return DRIVER_RUNNING;
  }
  Status sendFrameworkMessage(const std::string&) override { return DRIVER_RUNNING; }

  /// The states told so far, once there are `count`; fewer after 5 s.
  std::vector<TaskState> states(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(5), [&] { return statuses_.size() >= count; });
    std::vector<TaskState> states;
    for (const TaskStatus& status : statuses_) states.push_back(status.state());
    return states;
  }
  std::string lastMessage() {
    const std::lock_guard lock(mutex_);
    return statuses_.empty() ? "" : statuses_.back().message();
  }
  bool stopped() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(5), [&] { return stopped_; });
  }
  bool stoppedAlready() {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }

  /// Called with each status once it is remembered; may be empty.
  std::function<void(const TaskStatus&)> onStatus;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TaskStatus> statuses_;
  bool stopped_ = false;
};

using States = std::vector<TaskState>;

std::uint16_t freePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ntohs(address.sin_port);
}

TaskInfo makeTask(const std::string& id, std::uint16_t port) {
  TaskInfo task;
  task.set_name("web");
  task.mutable_task_id()->set_value(id);
  task.mutable_agent_id()->set_value("S0");
  task.set_data("Hello from Server");
  Resource& ports = *task.add_resources();
  ports.set_name("ports");
  ports.set_type(v1::Value::RANGES);
  auto& range = *ports.mutable_ranges()->add_range();
  range.set_begin(port);
  range.set_end(port);
  return task;
}

std::string get(RawSocket& socket, const std::string& method = "GET") {
  socket.write(method + " / HTTP/1.1\r\nHost: x\r\n\r\n");
  return method == "HEAD" ? socket.readUntil("\r\n\r\n") : socket.readResponse();
}

class ServerExecutorTest : public testing::Test {
 protected:
  RecordingDriver driver_;
  ServerExecutor executor_{{.shutdownGrace = seconds(3)}};
};

TEST_F(ServerExecutorTest, RunsOnlyOnceItListensAndServesTheData) {
  const std::uint16_t port = freePort();
  executor_.launchTask(&driver_, makeTask("one", port));
  ASSERT_EQ(driver_.states(2), (States{TASK_STARTING, TASK_RUNNING}));
  RawSocket client = RawSocket::connectTo(port);
  for (int i = 0; i < 2; ++i) {  // Kept alive.
    const std::string response = get(client);
    EXPECT_EQ(response.rfind("HTTP/1.1 200 OK\r\n", 0), 0u) << response;
    EXPECT_NE(response.find("Content-Length: 17\r\n"), std::string::npos) << response;
    EXPECT_NE(response.find("\r\n\r\nHello from Server"), std::string::npos);
  }
  EXPECT_NE(get(client, "HEAD").find("Content-Length: 17\r\n"), std::string::npos);
}

TEST_F(ServerExecutorTest, AnswersPipelinedRequestsInOrder) {
  const std::uint16_t port = freePort();
  executor_.launchTask(&driver_, makeTask("one", port));
  ASSERT_EQ(driver_.states(2).size(), 2u);
  RawSocket client = RawSocket::connectTo(port);
  client.write(
      "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /no HTTP/1.1\r\nHost: x\r\n\r\n"
      "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.readResponse().rfind("HTTP/1.1 200 ", 0), 0u);
  EXPECT_EQ(client.readResponse().rfind("HTTP/1.1 404 ", 0), 0u);
  EXPECT_NE(client.readResponse().find("Allow: GET, HEAD\r\n"), std::string::npos);
}

TEST_F(ServerExecutorTest, RefusesWhatIsTooLarge) {
  const std::uint16_t port = freePort();
  executor_.launchTask(&driver_, makeTask("one", port));
  ASSERT_EQ(driver_.states(2).size(), 2u);
  RawSocket header = RawSocket::connectTo(port);
  header.write("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20000, 'x') + "\r\n\r\n");
  EXPECT_EQ(header.readResponse().rfind("HTTP/1.1 431 ", 0), 0u);
  RawSocket body = RawSocket::connectTo(port);
  body.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(body.readResponse().rfind("HTTP/1.1 413 ", 0), 0u);
  RawSocket garbage = RawSocket::connectTo(port);
  garbage.write("no request at all\r\n\r\n");
  EXPECT_EQ(garbage.readResponse().rfind("HTTP/1.1 400 ", 0), 0u);
}

TEST_F(ServerExecutorTest, ATaskWithoutDataOrPortFailsWithASentence) {
  TaskInfo noData = makeTask("one", freePort());
  noData.clear_data();
  executor_.launchTask(&driver_, noData);
  EXPECT_EQ(driver_.states(2), (States{TASK_STARTING, TASK_FAILED}));
  EXPECT_EQ(driver_.lastMessage(), "The task has no data, so there is nothing to serve");
  EXPECT_TRUE(driver_.stopped()) << "nothing is left to do";

  TaskInfo noPort = makeTask("two", 1);
  noPort.clear_resources();
  executor_.launchTask(&driver_, noPort);
  EXPECT_EQ(driver_.states(4).back(), TASK_FAILED);
  EXPECT_EQ(driver_.lastMessage(), "The task's resources have no port to serve on");
}

TEST_F(ServerExecutorTest, AFailedTaskDoesNotStopTheOneThatIsAboutToStart) {
  // The failure is told only when the second task has arrived.
  driver_.onStatus = [this](const TaskStatus& status) {
    if (status.state() == TASK_FAILED) driver_.states(3);
  };
  TaskInfo noData = makeTask("one", freePort());
  noData.clear_data();
  const TaskInfo second = makeTask("two", freePort());
  executor_.launchTask(&driver_, noData);
  ASSERT_EQ(driver_.states(2), (States{TASK_STARTING, TASK_FAILED}));
  executor_.launchTask(&driver_, second);
  EXPECT_EQ(driver_.states(4).back(), TASK_RUNNING);
  EXPECT_FALSE(driver_.stoppedAlready());
  executor_.killTask(&driver_, second.task_id(), nullptr);
  EXPECT_TRUE(driver_.stopped());
}

TEST_F(ServerExecutorTest, ATakenPortFailsTheTaskAndNamesIt) {
  const std::uint16_t port = freePort();
  executor_.launchTask(&driver_, makeTask("one", port));
  ASSERT_EQ(driver_.states(2).back(), TASK_RUNNING);
  executor_.launchTask(&driver_, makeTask("two", port));
  EXPECT_EQ(driver_.states(4).back(), TASK_FAILED);
  EXPECT_NE(driver_.lastMessage().find("127.0.0.1:" + std::to_string(port)), std::string::npos)
      << driver_.lastMessage();
  EXPECT_FALSE(driver_.stoppedAlready()) << "the first task still serves";
}

TEST_F(ServerExecutorTest, AKilledTaskReleasesItsPortAndTheLastOneEndsTheExecutor) {
  const std::uint16_t first = freePort();
  const std::uint16_t second = freePort();
  executor_.launchTask(&driver_, makeTask("one", first));
  ASSERT_EQ(driver_.states(2).back(), TASK_RUNNING);
  executor_.launchTask(&driver_, makeTask("two", second));
  ASSERT_EQ(driver_.states(4).back(), TASK_RUNNING);
  RawSocket idle = RawSocket::connectTo(first);
  get(idle);

  executor_.killTask(&driver_, makeTask("one", first).task_id(), nullptr);
  EXPECT_TRUE(idle.isEnded()) << "an idle connection is not waited for";
  { const RawSocket gone = std::move(idle); }
  EXPECT_EQ(driver_.states(5).back(), TASK_KILLED);
  EXPECT_FALSE(driver_.stoppedAlready());

  executor_.killTask(&driver_, makeTask("one", first).task_id(), nullptr);
  executor_.killTask(&driver_, makeTask("two", second).task_id(), nullptr);
  EXPECT_EQ(driver_.states(6).back(), TASK_KILLED);
  EXPECT_EQ(driver_.states(6).size(), 6u) << "a task that has ended is not killed again";
  EXPECT_TRUE(driver_.stopped());
}

TEST_F(ServerExecutorTest, AnIdleClientThatKeepsItsConnectionOpenHoldsNothingUp) {
  const std::uint16_t port = freePort();
  executor_.launchTask(&driver_, makeTask("one", port));
  ASSERT_EQ(driver_.states(2).back(), TASK_RUNNING);
  RawSocket idle = RawSocket::connectTo(port);
  get(idle);
  const TimePoint before = transport::currentTime().steady;
  executor_.killTask(&driver_, makeTask("one", port).task_id(), nullptr);
  EXPECT_EQ(driver_.states(3).back(), TASK_KILLED);
  EXPECT_LT(transport::currentTime().steady - before, seconds(1));
}

TEST_F(ServerExecutorTest, TheCallsKillPolicyBoundsTheDrain) {
  const std::uint16_t port = freePort();
  TaskInfo task = makeTask("one", port);
  task.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(60'000'000'000);
  task.set_data(std::string(32 << 20, 'x'));
  executor_.launchTask(&driver_, task);
  ASSERT_EQ(driver_.states(2).back(), TASK_RUNNING);
  RawSocket stuck = RawSocket::connectTo(port);  // It asks, and does not read the answer.
  stuck.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  stuck.readUntil("\r\n\r\n");
  const TimePoint before = transport::currentTime().steady;
  KillPolicy policy;
  policy.mutable_grace_period()->set_nanoseconds(300'000'000);
  executor_.killTask(&driver_, task.task_id(), &policy);
  EXPECT_EQ(driver_.states(3).back(), TASK_KILLED);
  EXPECT_GE(transport::currentTime().steady - before, milliseconds(300));
}

TEST_F(ServerExecutorTest, SaysKillingToFrameworksThatWantToKnow) {
  FrameworkInfo framework;
  framework.add_capabilities()->set_type(FrameworkInfo::Capability::TASK_KILLING_STATE);
  executor_.registered(&driver_, ExecutorInfo(), framework, AgentInfo());
  const TaskInfo task = makeTask("one", freePort());
  executor_.launchTask(&driver_, task);
  ASSERT_EQ(driver_.states(2).back(), TASK_RUNNING);
  executor_.killTask(&driver_, task.task_id(), nullptr);
  EXPECT_EQ(driver_.states(4), (States{TASK_STARTING, TASK_RUNNING, TASK_KILLING, TASK_KILLED}));
}

TEST_F(ServerExecutorTest, ShutdownReturnsWhenEveryTaskHasBeenReported) {
  executor_.launchTask(&driver_, makeTask("one", freePort()));
  ASSERT_EQ(driver_.states(2).back(), TASK_RUNNING);
  executor_.launchTask(&driver_, makeTask("two", freePort()));
  ASSERT_EQ(driver_.states(4).back(), TASK_RUNNING);
  executor_.shutdown(&driver_);
  const States states = driver_.states(0);
  ASSERT_EQ(states.size(), 6u);
  EXPECT_EQ(states[4], TASK_KILLED);
  EXPECT_EQ(states[5], TASK_KILLED);
}

TEST_F(ServerExecutorTest, EndsWhenNoTaskEverComes) {
  ServerExecutor executor({.idleMax = milliseconds(50)});
  executor.registered(&driver_, {}, {}, {});
  EXPECT_TRUE(driver_.stopped());
}

TEST_F(ServerExecutorTest, DoesNotTakeItselfForIdleWhileItServes) {
  ServerExecutor executor({.idleMax = milliseconds(50)});
  executor.registered(&driver_, {}, {}, {});
  executor.launchTask(&driver_, makeTask("t", freePort()));
  executor.reregistered(&driver_, {});
  EXPECT_EQ((States{TASK_STARTING, TASK_RUNNING}), driver_.states(2));
  executor.killTask(&driver_, makeTask("t", 1).task_id(), nullptr);
  EXPECT_EQ((States{TASK_STARTING, TASK_RUNNING, TASK_KILLED}), driver_.states(3));
}

TEST_F(ServerExecutorTest, ShutdownWithoutTasksReturnsAtOnce) {
  executor_.shutdown(&driver_);
  EXPECT_TRUE(driver_.states(0).empty());
}

TEST(FirstPort, IsTheBeginOfTheFirstRange) {
  EXPECT_EQ(firstPort(makeTask("one", 31005)), 31005);
  TaskInfo task = makeTask("one", 1);
  task.mutable_resources(0)->mutable_ranges()->mutable_range(0)->set_begin(70000);
  EXPECT_EQ(firstPort(task), 0);
  task.clear_resources();
  EXPECT_EQ(firstPort(task), 0);
}

}  // namespace
}  // namespace mesos::executor
