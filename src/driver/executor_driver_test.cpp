// The executor's driver against a scripted agent, over TCP.
#include <mesos/v1/executor/executor.pb.h>
#include <mesos/executor.hpp>

#include "base/uuid.hpp"
#include "protocol/record_io.hpp"
#include "tests/support/authority.hpp"
#include "tests/support/scripted_server.hpp"
#include "transport/tls.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <stdexcept>

namespace mesos {
namespace {

using mesos::support::authorityFile;
using mesos::testing::Notes;
using mesos::testing::ScriptedServer;
using std::chrono::milliseconds;
using v1::executor::Call;
using v1::executor::Event;
using Received = ScriptedServer::Received;

/// Notes every callback, then does what the test wants done in it.
class NotingExecutor : public Executor {
 public:
  Notes notes;
  std::function<void(const std::string&, ExecutorDriver*)> react;

  void registered(ExecutorDriver* d, const ExecutorInfo& executor, const FrameworkInfo& framework,
                  const AgentInfo& agent) override {
    note(d, "registered " + executor.executor_id().value() + " of " + framework.name() + " on " +
                agent.hostname());
  }
  void reregistered(ExecutorDriver* d, const AgentInfo& agent) override {
    note(d, "reregistered on " + agent.hostname());
  }
  void disconnected(ExecutorDriver* d) override { note(d, "disconnected"); }
  void launchTask(ExecutorDriver* d, const TaskInfo& task) override {
    note(d, "launch " + task.task_id().value());
  }
  void killTask(ExecutorDriver* d, const TaskID& task, const KillPolicy* policy) override {
    const std::string grace =
        policy ? " within " + std::to_string(policy->grace_period().nanoseconds()) : "";
    note(d, "kill " + task.value() + grace);
  }
  void frameworkMessage(ExecutorDriver* d, const std::string& data) override {
    note(d, "message: " + data);
  }
  void shutdown(ExecutorDriver* d) override { note(d, "shutdown"); }
  void error(ExecutorDriver* d, const std::string& message) override {
    note(d, "error: " + message);
  }
  void otherEvent(ExecutorDriver* d, const Event& event) override {
    note(d, "other: " + Event::Type_Name(event.type()));
  }

 private:
  void note(ExecutorDriver* driver, const std::string& line) {
    notes.add(line);
    if (react) react(line, driver);
  }
};

TaskID taskId(const std::string& value) {
  TaskID id;
  id.set_value(value);
  return id;
}

TaskInfo taskInfo(const std::string& name) {
  TaskInfo task;
  task.set_name(name);
  *task.mutable_task_id() = taskId(name);
  task.mutable_agent_id()->set_value("A1");
  return task;
}

Event event(Event::Type type) {
  Event result;
  result.set_type(type);
  return result;
}

Event launchOf(const std::string& name) {
  Event launch = event(Event::LAUNCH);
  *launch.mutable_launch()->mutable_task() = taskInfo(name);
  return launch;
}

class ExecutorDriverTest : public ::testing::Test {
 protected:
  ExecutorOptions options() {
    ExecutorOptions options;
    options.environment = [this](const char* name) -> const char* {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    };
    options.seed = 7;
    options.log = [this](const std::string& line) { log_.add(line); };
    return options;
  }

  ExecutorDriver& drive() {
    driver_ = std::make_unique<MesosExecutorDriver>(&executor_, options());
    EXPECT_EQ(driver_->start(), DRIVER_RUNNING);
    return *driver_;
  }

  void TearDown() override { driver_.reset(); }

  static Call callIn(const Received& received) {
    Call call;
    EXPECT_TRUE(call.ParseFromString(received.request.body));
    return call;
  }

  /// The next call, answered with 202.
  Call nextCall() {
    const Received received = server_.next();
    server_.respond(received, 202);
    return callIn(received);
  }

  void tell(const Event& e) {
    server_.write(stream_, protocol::encodeRecord(e.SerializeAsString()));
  }

  void acknowledge(const Call& update) {
    Event acknowledged = event(Event::ACKNOWLEDGED);
    *acknowledged.mutable_acknowledged()->mutable_task_id() = update.update().status().task_id();
    acknowledged.mutable_acknowledged()->set_uuid(update.update().status().uuid());
    tell(acknowledged);
  }

  Call acceptSubscription() {
    stream_ = server_.next();
    const Call call = callIn(stream_);
    EXPECT_EQ(call.type(), Call::SUBSCRIBE);
    server_.startStream(stream_, {{"Content-Type", "application/x-protobuf"}});
    Event subscribed = event(Event::SUBSCRIBED);
    auto& body = *subscribed.mutable_subscribed();
    body.mutable_executor_info()->mutable_executor_id()->set_value("E1");
    body.mutable_framework_info()->set_name("test");
    body.mutable_framework_info()->set_user("u");
    body.mutable_agent_info()->set_hostname("a.example");
    body.mutable_agent_info()->mutable_id()->set_value("A1");
    tell(subscribed);
    return call;
  }

  ExecutorDriver& subscribe() {
    ExecutorDriver& driver = drive();
    acceptSubscription();
    EXPECT_TRUE(told("registered E1 of test on a.example"));
    return driver;
  }

  bool told(const std::string& line) { return executor_.notes.has(line); }

  ScriptedServer server_;
  NotingExecutor executor_;
  std::map<std::string, std::string> environment_ = {
      {"MESOS_FRAMEWORK_ID", "F1"},
      {"MESOS_EXECUTOR_ID", "E1"},
      {"MESOS_AGENT_ENDPOINT", server_.address()},
      {"MESOS_CHECKPOINT", "1"},
      {"MESOS_RECOVERY_TIMEOUT", "15mins"},
      {"MESOS_SUBSCRIPTION_BACKOFF_MAX", "20ms"},
      {"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs"}};
  Notes log_;
  Received stream_;
  std::unique_ptr<MesosExecutorDriver> driver_;
};

TEST_F(ExecutorDriverTest, SubscribesAndRegisters) {
  drive();
  const Call call = acceptSubscription();
  EXPECT_TRUE(told("registered E1 of test on a.example"));
  EXPECT_EQ(call.framework_id().value(), "F1");
  EXPECT_EQ(call.executor_id().value(), "E1");
  EXPECT_EQ(stream_.request.method, "POST");
  EXPECT_NE(stream_.request.target.find("/api/v1/executor"), std::string::npos);
  EXPECT_EQ(*stream_.request.headers.find("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(*stream_.request.headers.find("Accept"), "application/x-protobuf");
  EXPECT_FALSE(stream_.request.headers.has("Authorization"));
}

// Scenario 169.
TEST_F(ExecutorDriverTest, ShowsItsToken) {
  environment_["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"] = "a.b.c";
  subscribe();
  EXPECT_EQ(*stream_.request.headers.find("Authorization"), "Bearer a.b.c");
}

TEST_F(ExecutorDriverTest, HandsOnTasksKillsAndMessages) {
  subscribe();
  tell(launchOf("T1"));
  EXPECT_TRUE(told("launch T1"));
  Event group = event(Event::LAUNCH_GROUP);
  auto& tasks = *group.mutable_launch_group()->mutable_task_group();
  *tasks.add_tasks() = taskInfo("G1");
  *tasks.add_tasks() = taskInfo("G2");
  tell(group);
  EXPECT_TRUE(told("launch G1"));
  EXPECT_TRUE(told("launch G2"));
  Event kill = event(Event::KILL);
  *kill.mutable_kill()->mutable_task_id() = taskId("T1");
  tell(kill);
  EXPECT_TRUE(told("kill T1"));
  kill.mutable_kill()->mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(5);
  tell(kill);
  EXPECT_TRUE(told("kill T1 within 5"));
  Event message = event(Event::MESSAGE);
  message.mutable_message()->set_data("hi");
  tell(message);
  EXPECT_TRUE(told("message: hi"));
  tell(event(Event::HEARTBEAT));
  EXPECT_TRUE(told("other: HEARTBEAT"));
}

// Scenario 180: it may have ended meanwhile (facts K4, X32).
TEST_F(ExecutorDriverTest, HandsOnTheKillOfATaskItHasNeverSeen) {
  subscribe();
  Event kill = event(Event::KILL);
  *kill.mutable_kill()->mutable_task_id() = taskId("nobody's");
  tell(kill);
  EXPECT_TRUE(told("kill nobody's"));
}

TEST_F(ExecutorDriverTest, HandsOnGroupsAsOneIfSo) {
  class GroupExecutor : public NotingExecutor {
   public:
    void launchTaskGroup(ExecutorDriver*, const TaskGroupInfo& group) override {
      notes.add("group of " + std::to_string(group.tasks_size()));
    }
  } executor;
  MesosExecutorDriver driver(&executor, options());
  driver.start();
  acceptSubscription();
  Event group = event(Event::LAUNCH_GROUP);
  *group.mutable_launch_group()->mutable_task_group()->add_tasks() = taskInfo("G1");
  tell(group);
  EXPECT_TRUE(executor.notes.has("group of 1"));
  EXPECT_EQ(executor.notes.count("launch G1"), 0u);
}

TEST_F(ExecutorDriverTest, SendsUpdatesAndMessages) {
  ExecutorDriver& driver = subscribe();
  EXPECT_EQ(driver.sendStatusUpdate(makeStatus(taskId("T1"), TASK_RUNNING, "up")), DRIVER_RUNNING);
  const Call update = nextCall();
  EXPECT_EQ(update.type(), Call::UPDATE);
  const TaskStatus& status = update.update().status();
  EXPECT_EQ(status.state(), TASK_RUNNING);
  EXPECT_EQ(status.message(), "up");
  EXPECT_EQ(status.source(), TaskStatus::SOURCE_EXECUTOR);
  EXPECT_EQ(status.executor_id().value(), "E1");
  EXPECT_EQ(status.agent_id().value(), "A1");
  EXPECT_TRUE(isUuid(status.uuid()));
  EXPECT_GT(status.timestamp(), 1.7e9);
  acknowledge(update);
  EXPECT_TRUE(told("other: ACKNOWLEDGED"));
  EXPECT_EQ(driver.sendFrameworkMessage("hello"), DRIVER_RUNNING);
  EXPECT_EQ(nextCall().message().data(), "hello");
}

TEST_F(ExecutorDriverTest, RefusesToReportStaging) {
  ExecutorDriver& driver = subscribe();
  EXPECT_THROW(driver.sendStatusUpdate(makeStatus(taskId("T1"), TASK_STAGING)),
               std::invalid_argument);
}

// Scenario 171.
TEST_F(ExecutorDriverTest, ResendsWhatIsNotAcknowledgedWhenTheAgentComesBack) {
  ExecutorDriver& driver = subscribe();
  tell(launchOf("T1"));
  tell(launchOf("T2"));
  ASSERT_TRUE(told("launch T2"));
  driver.sendStatusUpdate(makeStatus(taskId("T1"), TASK_RUNNING));
  const Call acknowledged = nextCall();
  acknowledge(acknowledged);
  ASSERT_TRUE(told("other: ACKNOWLEDGED"));
  driver.sendStatusUpdate(makeStatus(taskId("T1"), TASK_FINISHED));
  const Call lost = nextCall();
  server_.cut();
  EXPECT_TRUE(told("disconnected"));
  const Call call = acceptSubscription();
  EXPECT_TRUE(told("reregistered on a.example"));
  ASSERT_EQ(call.subscribe().unacknowledged_updates_size(), 1);
  EXPECT_EQ(call.subscribe().unacknowledged_updates(0).status().uuid(),
            lost.update().status().uuid());
  ASSERT_EQ(call.subscribe().unacknowledged_tasks_size(), 1);
  EXPECT_EQ(call.subscribe().unacknowledged_tasks(0).task_id().value(), "T2");
}

TEST_F(ExecutorDriverTest, ShutsDownWhenTold) {
  executor_.react = [](const std::string& line, ExecutorDriver* driver) {
    if (line == "shutdown") driver->sendStatusUpdate(makeStatus(taskId("T1"), TASK_KILLED));
  };
  ExecutorDriver& driver = subscribe();
  tell(launchOf("T1"));
  tell(event(Event::SHUTDOWN));
  const Call update = nextCall();
  EXPECT_EQ(update.update().status().state(), TASK_KILLED);
  EXPECT_TRUE(told("shutdown"));
  acknowledge(update);  // Only then does it stop.
  EXPECT_EQ(driver.join(), DRIVER_STOPPED);
}

TEST_F(ExecutorDriverTest, ShutsDownWithoutItsAgentUnlessItCheckpoints) {
  environment_["MESOS_CHECKPOINT"] = "0";
  ExecutorDriver& driver = subscribe();
  server_.cut();
  EXPECT_TRUE(told("shutdown"));
  EXPECT_EQ(driver.join(), DRIVER_STOPPED);
  EXPECT_FALSE(server_.nextWithin(milliseconds(50)));
}

// Scenario 172.
TEST_F(ExecutorDriverTest, ShutsDownWhenTheAgentDoesNotComeBackInTime) {
  environment_["MESOS_RECOVERY_TIMEOUT"] = "100ms";
  std::unique_ptr<ScriptedServer> agent = std::make_unique<ScriptedServer>();
  environment_["MESOS_AGENT_ENDPOINT"] = agent->address();
  ExecutorDriver& driver = drive();
  const Received subscription = agent->next();
  agent->startStream(subscription, {{"Content-Type", "application/x-protobuf"}});
  agent.reset();
  EXPECT_EQ(driver.join(), DRIVER_STOPPED);
  EXPECT_TRUE(told("shutdown"));
}

TEST_F(ExecutorDriverTest, WaitsForAcknowledgementsWhenStopped) {
  ExecutorDriver& driver = subscribe();
  driver.sendStatusUpdate(makeStatus(taskId("T1"), TASK_FINISHED));
  EXPECT_EQ(driver.stop(), DRIVER_STOPPED);
  EXPECT_EQ(driver.sendStatusUpdate(makeStatus(taskId("T1"), TASK_FINISHED)), DRIVER_STOPPED);
  const Call update = nextCall();
  EXPECT_FALSE(server_.nextWithin(milliseconds(30)));
  acknowledge(update);
  EXPECT_EQ(driver.join(), DRIVER_STOPPED);
  EXPECT_TRUE(server_.isLeft(stream_));
}

TEST_F(ExecutorDriverTest, AbortsAtOnce) {
  ExecutorDriver& driver = subscribe();
  driver.sendStatusUpdate(makeStatus(taskId("T1"), TASK_FINISHED));
  EXPECT_EQ(driver.abort(), DRIVER_ABORTED);
  EXPECT_EQ(driver.join(), DRIVER_ABORTED);
  EXPECT_TRUE(server_.isLeft(stream_));
}

TEST_F(ExecutorDriverTest, AbortsOnAnErrorAndThenTells) {
  ExecutorDriver& driver = subscribe();
  Event error = event(Event::ERROR);
  error.mutable_error()->set_message("no such executor");
  tell(error);
  EXPECT_EQ(driver.join(), DRIVER_ABORTED);
  EXPECT_EQ(executor_.notes.count("error: no such executor"), 1u);
}

TEST_F(ExecutorDriverTest, AbortsAndRethrowsWhatACallbackThrows) {
  executor_.react = [](const std::string& line, ExecutorDriver*) {
    if (line == "launch T1") throw std::runtime_error("a bug of the user's");
  };
  ExecutorDriver& driver = subscribe();
  tell(launchOf("T1"));
  EXPECT_THROW(driver.join(), std::runtime_error);
  EXPECT_TRUE(server_.isLeft(stream_));
}

TEST_F(ExecutorDriverTest, SaysWhichVariableIsWrong) {
  for (const auto& [name, value] : std::initializer_list<std::pair<std::string, std::string>>{
           {"MESOS_FRAMEWORK_ID", ""},
           {"MESOS_EXECUTOR_ID", ""},
           {"MESOS_AGENT_ENDPOINT", ""},
           {"MESOS_AGENT_ENDPOINT", "nonsense"},
           {"MESOS_RECOVERY_TIMEOUT", "soon"},
           {"MESOS_SUBSCRIPTION_BACKOFF_MAX", "2"},
           {"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "x"}}) {
    const auto before = environment_;
    environment_[name] = value;
    if (value.empty()) environment_.erase(name);
    try {
      MesosExecutorDriver driver(&executor_, options());
      ADD_FAILURE() << name;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
    environment_ = before;
  }
  EXPECT_THROW(MesosExecutorDriver(nullptr, options()), std::invalid_argument);
}

/// Runs an executor whose shutdown never ends, in a process of its own; its wait(2) status.
/// `ownGroup`: it leads its process group. If it does not, the group, this test, must survive.
int runStuckExecutor(bool ownGroup) {
  const pid_t child = ::fork();
  if (child != 0) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
  ::alarm(10);
  if (ownGroup) ::setpgid(0, 0);
  ScriptedServer agent;
  class StuckExecutor : public Executor {
    void shutdown(ExecutorDriver*) override { ::pause(); }
  } executor;
  const std::string endpoint = agent.address();
  ExecutorOptions options;
  options.environment = [&](const char* name) -> const char* {
    const std::string_view wanted = name;
    if (wanted == "MESOS_AGENT_ENDPOINT") return endpoint.c_str();
    if (wanted == "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD") return "50ms";
    return wanted == "MESOS_FRAMEWORK_ID" || wanted == "MESOS_EXECUTOR_ID" ? "x" : nullptr;
  };
  options.log = [](const std::string&) {};
  MesosExecutorDriver driver(&executor, options);
  driver.start();
  const Received subscription = agent.next();
  agent.startStream(subscription, {{"Content-Type", "application/x-protobuf"}});
  agent.write(subscription, protocol::encodeRecord(event(Event::SHUTDOWN).SerializeAsString()));
  driver.join();
  ::_exit(3);
}

// Scenario 176.
TEST(ExecutorDriver, KillsItselfWhenItsShutdownTakesTooLong) {
  for (const bool ownGroup : {true, false}) {
    const int status = runStuckExecutor(ownGroup);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
  }
}

// Fact V10.
TEST_F(ExecutorDriverTest, UsesTheAgentsLocalSocketIfThereIsOne) {
  transport::HttpServerOptions options;
  options.unixPath = ::testing::TempDir() + "executor-" + std::to_string(::getpid()) + ".sock";
  ScriptedServer agent(options);
  environment_["MESOS_DOMAIN_SOCKET"] = options.unixPath;
  environment_["MESOS_SLAVE_PID"] = "slave(3)@127.0.0.1:1";
  environment_["LIBPROCESS_SSL_ENABLED"] = "1";  // Not on the local socket.
  drive();
  const Received received = agent.next();
  EXPECT_EQ(received.request.target, "/slave(3)/api/v1/executor");
  EXPECT_EQ(callIn(received).type(), Call::SUBSCRIBE);
  driver_.reset();
}

transport::HttpServerOptions withTls(const std::string& certificate) {
  transport::HttpServerOptions options;
  options.tls = transport::tlsServer({.certificateFile = authorityFile(certificate + ".pem"),
                                      .keyFile = authorityFile(certificate + ".key")})
                    .value();
  return options;
}

TEST_F(ExecutorDriverTest, SpeaksTlsWithAnAgentThatDoes) {
  ScriptedServer agent(withTls("server"));
  environment_["MESOS_AGENT_ENDPOINT"] = agent.address();
  environment_["LIBPROCESS_SSL_ENABLED"] = "1";
  environment_["LIBPROCESS_SSL_CA_FILE"] = authorityFile("ca.pem");
  environment_["LIBPROCESS_SSL_VERIFY_SERVER_CERT"] = "true";
  environment_["LIBPROCESS_SSL_VERIFY_IPADD"] = "true";
  drive();
  EXPECT_EQ(callIn(agent.next()).type(), Call::SUBSCRIBE);
  driver_.reset();
}

TEST_F(ExecutorDriverTest, ChecksTheAgentsCertificateAsItIsTold) {
  ScriptedServer elsewhere(withTls("elsewhere"));
  ScriptedServer stranger(withTls("stranger"));
  environment_["LIBPROCESS_SSL_ENABLED"] = "1";
  environment_["LIBPROCESS_SSL_CA_FILE"] = authorityFile("ca.pem");
  const auto subscribes = [&](ScriptedServer& agent) {
    environment_["MESOS_AGENT_ENDPOINT"] = agent.address();
    drive();
    const bool came = agent.nextWithin(milliseconds(300)).has_value();
    driver_.reset();
    return came;
  };
  EXPECT_TRUE(subscribes(stranger));
  environment_["LIBPROCESS_SSL_VERIFY_SERVER_CERT"] = "1";
  EXPECT_FALSE(subscribes(stranger));
  EXPECT_TRUE(subscribes(elsewhere));
  environment_["LIBPROCESS_SSL_VERIFY_IPADD"] = "1";
  EXPECT_FALSE(subscribes(elsewhere));
}

TEST_F(ExecutorDriverTest, SaysWhatIsWrongWithTheCertificatesItIsGiven) {
  environment_["LIBPROCESS_SSL_ENABLED"] = "1";
  environment_["LIBPROCESS_SSL_CA_FILE"] = "/no/such.pem";
  try {
    MesosExecutorDriver driver(&executor_, options());
    FAIL() << "it can be constructed";
  } catch (const std::invalid_argument& mistake) {
    EXPECT_NE(std::string(mistake.what()).find("/no/such.pem"), std::string::npos);
  }
}

}  // namespace
}  // namespace mesos
