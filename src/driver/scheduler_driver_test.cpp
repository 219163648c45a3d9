// The scheduler's driver against a scripted master, over TCP.
#include <mesos/v1/scheduler/scheduler.pb.h>
#include <mesos/scheduler.hpp>

#include "base/base64.hpp"
#include "protocol/record_io.hpp"
#include "tests/support/authority.hpp"
#include "tests/support/scripted_server.hpp"
#include "transport/tls.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>
#include <stdexcept>
#include <thread>

namespace mesos {
namespace {

using mesos::support::authorityFile;
using mesos::testing::Notes;
using mesos::testing::ScriptedServer;
using std::chrono::milliseconds;
using v1::scheduler::Call;
using v1::scheduler::Event;
using Received = ScriptedServer::Received;

const std::string kUuid = "0123456789abcdef";

/// Notes every callback, then does what the test wants done in it.
class NotingScheduler : public Scheduler {
 public:
  Notes notes;
  std::function<void(const std::string&, SchedulerDriver*)> react;

  void registered(SchedulerDriver* d, const FrameworkID& id, const MasterInfo& master) override {
    note(d, "registered " + id.value() + " with " + master.hostname());
  }
  void reregistered(SchedulerDriver* d, const MasterInfo& master) override {
    note(d, "reregistered with " + master.hostname());
  }
  void disconnected(SchedulerDriver* d) override { note(d, "disconnected"); }
  void resourceOffers(SchedulerDriver* d, const std::vector<Offer>& offers) override {
    std::string line = "offers";
    for (const Offer& offer : offers) line += " " + offer.id().value();
    note(d, line);
  }
  void offerRescinded(SchedulerDriver* d, const OfferID& id) override {
    note(d, "rescinded " + id.value());
  }
  void statusUpdate(SchedulerDriver* d, const TaskStatus& status) override {
    note(d, status.task_id().value() + " is " + TaskState_Name(status.state()));
  }
  void frameworkMessage(SchedulerDriver* d, const ExecutorID& executor, const AgentID& agent,
                        const std::string& data) override {
    note(d, "message of " + executor.value() + " on " + agent.value() + ": " + data.substr(0, 20));
  }
  void slaveLost(SchedulerDriver* d, const AgentID& agent) override {
    note(d, "lost " + agent.value());
  }
  void executorLost(SchedulerDriver* d, const ExecutorID& executor, const AgentID& agent,
                    int status) override {
    note(d, "lost " + executor.value() + " on " + agent.value() + ": " + std::to_string(status));
  }
  void error(SchedulerDriver* d, const std::string& message) override {
    note(d, "error: " + message);
  }
  void otherEvent(SchedulerDriver* d, const Event& event) override {
    note(d, "other: " + Event::Type_Name(event.type()));
  }

 private:
  void note(SchedulerDriver* driver, const std::string& line) {
    notes.add(line);
    if (react) react(line, driver);
  }
};

FrameworkInfo frameworkInfo() {
  FrameworkInfo framework;
  framework.set_name("test");
  framework.add_roles("r");
  return framework;
}

template <typename Id>
Id id(const std::string& value) {
  Id result;
  result.set_value(value);
  return result;
}

Event event(Event::Type type) {
  Event result;
  result.set_type(type);
  return result;
}

Event updateOf(const std::string& task, TaskState state, const std::string& uuid) {
  Event update = event(Event::UPDATE);
  TaskStatus& status = *update.mutable_update()->mutable_status();
  status = makeStatus(id<TaskID>(task), state);
  status.mutable_agent_id()->set_value("A1");
  if (!uuid.empty()) status.set_uuid(uuid);
  return update;
}

TaskInfo taskInfo(const std::string& name) {
  TaskInfo task;
  task.set_name(name);
  task.mutable_task_id()->set_value(name);
  task.mutable_agent_id()->set_value("A1");
  return task;
}

class SchedulerDriverTest : public ::testing::Test {
 protected:
  SchedulerDriver& drive(SchedulerOptions options = {}) {
    return driveTo(server_.address(), std::move(options));
  }

  SchedulerDriver& driveTo(const std::string& master, SchedulerOptions options = {}) {
    options.seed = 7;
    options.log = [this](LogLevel level, const std::string& line) {
      if (level == LogLevel::warning) problems_.add(line);
      log_.add(line);
    };
    driver_ = std::make_unique<MesosSchedulerDriver>(&scheduler_, framework_, master, options);
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
    EXPECT_EQ(received.request.target, "/api/v1/scheduler");
    const std::string* streamId = received.request.headers.find("Mesos-Stream-Id");
    EXPECT_TRUE(streamId && *streamId == "stream-1");
    return callIn(received);
  }

  void tell(const Event& e) {
    server_.write(stream_, protocol::encodeRecord(e.SerializeAsString()));
  }

  /// Waits for the SUBSCRIBE, and accepts it.
  Call acceptSubscription(double heartbeatSeconds = 15) {
    stream_ = server_.next();
    const Call call = callIn(stream_);
    EXPECT_EQ(call.type(), Call::SUBSCRIBE);
    server_.startStream(
        stream_, {{"Content-Type", "application/x-protobuf"}, {"Mesos-Stream-Id", "stream-1"}});
    Event subscribed = event(Event::SUBSCRIBED);
    subscribed.mutable_subscribed()->mutable_framework_id()->set_value("F1");
    subscribed.mutable_subscribed()->set_heartbeat_interval_seconds(heartbeatSeconds);
    MasterInfo& master = *subscribed.mutable_subscribed()->mutable_master_info();
    master.set_id("M1");
    master.set_ip(0);
    master.set_port(1);
    master.set_hostname("m.example");
    tell(subscribed);
    return call;
  }

  SchedulerDriver& subscribe(SchedulerOptions options = {}) {
    SchedulerDriver& driver = drive(std::move(options));
    acceptSubscription();
    EXPECT_TRUE(scheduler_.notes.has("registered F1 with m.example"));
    return driver;
  }

  bool told(const std::string& line) { return scheduler_.notes.has(line); }

  ScriptedServer server_;
  NotingScheduler scheduler_;
  FrameworkInfo framework_ = frameworkInfo();
  Notes log_;
  Notes problems_;
  Received stream_;
  std::unique_ptr<MesosSchedulerDriver> driver_;
};

TEST_F(SchedulerDriverTest, SubscribesAndRegisters) {
  drive();
  const Call call = acceptSubscription();
  EXPECT_TRUE(told("registered F1 with m.example"));
  EXPECT_EQ(stream_.request.method, "POST");
  EXPECT_EQ(*stream_.request.headers.find("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(*stream_.request.headers.find("Accept"), "application/x-protobuf");
  EXPECT_EQ(*stream_.request.headers.find("Host"), server_.address());
  EXPECT_FALSE(stream_.request.headers.has("Authorization"));
  const FrameworkInfo& framework = call.subscribe().framework_info();
  EXPECT_EQ(framework.name(), "test");
  EXPECT_FALSE(framework.user().empty());
  ASSERT_EQ(framework.capabilities_size(), 1);
  EXPECT_EQ(framework.capabilities(0).type(), FrameworkInfo::Capability::MULTI_ROLE);
}

TEST_F(SchedulerDriverTest, HandsOnOffersAndRescissions) {
  subscribe();
  Event offers = event(Event::OFFERS);
  for (const char* name : {"O1", "O2"}) {
    Offer& offer = *offers.mutable_offers()->add_offers();
    offer.mutable_id()->set_value(name);
    offer.mutable_framework_id()->set_value("F1");
    offer.mutable_agent_id()->set_value("A1");
    offer.set_hostname("h");
  }
  tell(offers);
  EXPECT_TRUE(told("offers O1 O2"));
  Event rescind = event(Event::RESCIND);
  rescind.mutable_rescind()->mutable_offer_id()->set_value("O1");
  tell(rescind);
  EXPECT_TRUE(told("rescinded O1"));
}

TEST_F(SchedulerDriverTest, DeclinesOffersThatNobodyLooksAt) {
  Scheduler indifferent;
  MesosSchedulerDriver driver(&indifferent, framework_, server_.address(),
                              {.credential = {}, .log = [](LogLevel, const std::string&) {}});
  driver.start();
  acceptSubscription();
  Event offers = event(Event::OFFERS);
  for (const char* name : {"O1", "O2"}) {
    Offer& offer = *offers.mutable_offers()->add_offers();
    offer.mutable_id()->set_value(name);
    offer.mutable_framework_id()->set_value("F1");
    offer.mutable_agent_id()->set_value("A1");
    offer.set_hostname("h");
  }
  tell(offers);
  EXPECT_EQ(nextCall().decline().offer_ids(0).value(), "O1");
  EXPECT_EQ(nextCall().decline().offer_ids(0).value(), "O2");
}

// Scenario 158.
TEST_F(SchedulerDriverTest, AcknowledgesAStatusAfterItsCallback) {
  std::promise<void> release;
  std::atomic<bool> entered = false;
  scheduler_.react = [&](const std::string& line, SchedulerDriver*) {
    if (line != "T1 is TASK_RUNNING") return;
    entered = true;
    release.get_future().wait();
  };
  subscribe();
  tell(updateOf("T1", TASK_RUNNING, kUuid));
  ASSERT_TRUE(told("T1 is TASK_RUNNING"));
  EXPECT_FALSE(server_.nextWithin(milliseconds(50)));
  release.set_value();
  const Call call = nextCall();
  EXPECT_EQ(call.type(), Call::ACKNOWLEDGE);
  EXPECT_EQ(call.acknowledge().uuid(), kUuid);
  EXPECT_EQ(call.acknowledge().task_id().value(), "T1");
  EXPECT_EQ(call.acknowledge().agent_id().value(), "A1");
}

// However many came at once: the agent repeats what is not acknowledged in time (fact U11).
TEST_F(SchedulerDriverTest, AcknowledgesAStatusWhileTheNextOneIsHandled) {
  std::promise<void> release;
  scheduler_.react = [&](const std::string& line, SchedulerDriver*) {
    if (line == "T2 is TASK_RUNNING") release.get_future().wait();
  };
  subscribe();
  std::string both;
  for (const char* task : {"T1", "T2"}) {
    protocol::appendRecord(both, updateOf(task, TASK_RUNNING, kUuid).SerializeAsString());
  }
  server_.write(stream_, both);
  ASSERT_TRUE(told("T2 is TASK_RUNNING"));
  EXPECT_EQ(nextCall().acknowledge().task_id().value(), "T1");
  EXPECT_FALSE(server_.nextWithin(milliseconds(50)));
  release.set_value();
  EXPECT_EQ(nextCall().acknowledge().task_id().value(), "T2");
}

TEST_F(SchedulerDriverTest, AcknowledgesWhatCameBeforeItWasStopped) {
  scheduler_.react = [](const std::string& line, SchedulerDriver* driver) {
    if (line == "T2 is TASK_RUNNING") driver->stop(true);
  };
  SchedulerDriver& driver = subscribe();
  std::string all;
  for (const char* task : {"T1", "T2", "T3"}) {
    protocol::appendRecord(all, updateOf(task, TASK_RUNNING, kUuid).SerializeAsString());
  }
  server_.write(stream_, all);
  EXPECT_EQ(nextCall().acknowledge().task_id().value(), "T1");
  EXPECT_EQ(driver.join(), DRIVER_STOPPED);
  EXPECT_FALSE(server_.nextWithin(milliseconds(20)));
  EXPECT_EQ(scheduler_.notes.count("T3 is TASK_RUNNING"), 0u);
}

TEST_F(SchedulerDriverTest, AcknowledgesNothingWithoutAUuid) {
  subscribe();
  tell(updateOf("T1", TASK_LOST, ""));
  EXPECT_TRUE(told("T1 is TASK_LOST"));
  EXPECT_FALSE(server_.nextWithin(milliseconds(50)));
}

// Scenario 158.
TEST_F(SchedulerDriverTest, LeavesAcknowledgingToTheUserIfSo) {
  SchedulerDriver& driver = subscribe({.credential = {}, .explicitAcknowledgements = true});
  const Event update = updateOf("T1", TASK_RUNNING, kUuid);
  tell(update);
  EXPECT_TRUE(told("T1 is TASK_RUNNING"));
  EXPECT_FALSE(server_.nextWithin(milliseconds(50)));
  EXPECT_EQ(driver.acknowledgeStatusUpdate(updateOf("T1", TASK_RUNNING, "").update().status()),
            DRIVER_RUNNING);
  EXPECT_EQ(driver.acknowledgeStatusUpdate(update.update().status()), DRIVER_RUNNING);
  EXPECT_EQ(nextCall().acknowledge().uuid(), kUuid);
}

TEST_F(SchedulerDriverTest, RefusesExplicitAcknowledgementsInImplicitMode) {
  SchedulerDriver& driver = subscribe();
  EXPECT_THROW(driver.acknowledgeStatusUpdate(TaskStatus()), std::logic_error);
}

TEST_F(SchedulerDriverTest, HandsOnMessagesAndFailures) {
  subscribe();
  Event message = event(Event::MESSAGE);
  message.mutable_message()->mutable_executor_id()->set_value("E1");
  message.mutable_message()->mutable_agent_id()->set_value("A1");
  message.mutable_message()->set_data("hello");
  tell(message);
  EXPECT_TRUE(told("message of E1 on A1: hello"));
  Event failure = event(Event::FAILURE);
  failure.mutable_failure()->mutable_agent_id()->set_value("A1");
  tell(failure);
  EXPECT_TRUE(told("lost A1"));
  failure.mutable_failure()->mutable_executor_id()->set_value("E1");
  tell(failure);
  EXPECT_TRUE(told("lost E1 on A1: -1"));
  failure.mutable_failure()->set_status(9);
  tell(failure);
  EXPECT_TRUE(told("lost E1 on A1: 9"));
}

TEST_F(SchedulerDriverTest, HandsOnWhatHasNoCallbackOfItsOwn) {
  subscribe();
  tell(event(Event::HEARTBEAT));
  EXPECT_TRUE(told("other: HEARTBEAT"));
  Event inverse = event(Event::INVERSE_OFFERS);
  inverse.mutable_inverse_offers();
  tell(inverse);
  EXPECT_TRUE(told("other: INVERSE_OFFERS"));
}

// Scenarios 151 and 168.
TEST_F(SchedulerDriverTest, AbortsOnAnErrorAndThenTells) {
  Status inCallback = DRIVER_RUNNING;
  scheduler_.react = [&](const std::string& line, SchedulerDriver* driver) {
    if (line.starts_with("error")) inCallback = driver->reviveOffers();
  };
  SchedulerDriver& driver = subscribe();
  Event error = event(Event::ERROR);
  error.mutable_error()->set_message("Framework has been removed");
  tell(error);
  EXPECT_EQ(driver.join(), DRIVER_ABORTED);
  EXPECT_TRUE(told("error: Framework has been removed"));
  EXPECT_EQ(inCallback, DRIVER_ABORTED);
}

// Scenario 151.
TEST_F(SchedulerDriverTest, FailsWhenItsCredentialsAreRefused) {
  SchedulerDriver& driver = drive({.credential = Credential{"me", "wrong"}});
  server_.respond(server_.next(), 401, {{"WWW-Authenticate", "Basic realm=\"x\""}}, "401");
  EXPECT_EQ(driver.join(), DRIVER_ABORTED);
  EXPECT_EQ(scheduler_.notes.count("error: …"), 1u);
}

TEST_F(SchedulerDriverTest, MakesEveryCall) {
  SchedulerDriver& driver = subscribe();
  Filters filters;
  filters.set_refuse_seconds(60);
  EXPECT_EQ(driver.launchTasks({id<OfferID>("O1")}, {taskInfo("T1")}, filters), DRIVER_RUNNING);
  Call call = nextCall();
  EXPECT_EQ(call.type(), Call::ACCEPT);
  EXPECT_EQ(call.framework_id().value(), "F1");
  EXPECT_EQ(call.accept().offer_ids(0).value(), "O1");
  EXPECT_EQ(call.accept().operations(0).launch().task_infos(0).name(), "T1");
  EXPECT_EQ(call.accept().filters().refuse_seconds(), 60);

  driver.launchTasks({id<OfferID>("O2")}, {});
  EXPECT_EQ(nextCall().accept().operations_size(), 0);

  Offer::Operation reserve;
  reserve.set_type(Offer::Operation::RESERVE);
  reserve.mutable_reserve();
  driver.acceptOffers({id<OfferID>("O3"), id<OfferID>("O4")}, {reserve});
  call = nextCall();
  EXPECT_EQ(call.accept().offer_ids_size(), 2);
  EXPECT_EQ(call.accept().operations(0).type(), Offer::Operation::RESERVE);

  driver.declineOffer(id<OfferID>("O5"), filters);
  call = nextCall();
  EXPECT_EQ(call.decline().offer_ids(0).value(), "O5");
  EXPECT_EQ(call.decline().filters().refuse_seconds(), 60);

  driver.killTask(id<TaskID>("T1"));
  EXPECT_EQ(nextCall().kill().task_id().value(), "T1");
  driver.suppressOffers();
  EXPECT_EQ(nextCall().type(), Call::SUPPRESS);
  driver.reviveOffers();
  EXPECT_EQ(nextCall().type(), Call::REVIVE);
  driver.requestResources({Request()});
  EXPECT_EQ(nextCall().request().requests_size(), 1);
  driver.reconcileTasks({});
  call = nextCall();
  EXPECT_EQ(call.type(), Call::RECONCILE);
  EXPECT_EQ(call.reconcile().tasks_size(), 0);
  driver.reconcileTasks({makeStatus(id<TaskID>("T1"), TASK_RUNNING)});
  EXPECT_EQ(nextCall().reconcile().tasks(0).task_id().value(), "T1");
  driver.sendFrameworkMessage(id<ExecutorID>("E1"), id<AgentID>("A1"), "hi");
  EXPECT_EQ(nextCall().message().data(), "hi");
}

// Scenario 163.
TEST_F(SchedulerDriverTest, KeepsTheOrderOfCallsFromOtherThreads) {
  SchedulerDriver& driver = subscribe();
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) driver.killTask(id<TaskID>(std::to_string(i)));
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(nextCall().kill().task_id().value(), std::to_string(i));
  }
  other.join();
}

TEST_F(SchedulerDriverTest, ShowsTheBytesOfCallsThatWait) {
  SchedulerDriver& driver = subscribe();
  EXPECT_EQ(driver.unsentBytes(), 0u);
  driver.sendFrameworkMessage(id<ExecutorID>("E1"), id<AgentID>("A1"), std::string(100000, 'x'));
  EXPECT_GE(driver.unsentBytes(), 100000u);
  nextCall();
  EXPECT_TRUE(transport::testing::eventually([&] { return driver.unsentBytes() == 0; }));
}

TEST_F(SchedulerDriverTest, WantsAnOfferToAccept) {
  SchedulerDriver& driver = subscribe();
  EXPECT_THROW(driver.launchTasks({}, {taskInfo("T1")}), std::invalid_argument);
  EXPECT_THROW(driver.acceptOffers({}, {}), std::invalid_argument);
}

TEST_F(SchedulerDriverTest, SubscribesAgainUnderItsIdWhenTheMasterDies) {
  subscribe();
  server_.cut();
  EXPECT_TRUE(told("disconnected"));
  const Call call = acceptSubscription();
  EXPECT_EQ(call.framework_id().value(), "F1");
  EXPECT_EQ(call.subscribe().framework_info().id().value(), "F1");
  EXPECT_TRUE(told("reregistered with m.example"));
  EXPECT_EQ(scheduler_.notes.count("registered …"), 1u);
}

TEST_F(SchedulerDriverTest, SubscribesAgainWhenTheStreamEndsThoughTheConnectionStays) {
  subscribe();
  server_.end(stream_);
  EXPECT_TRUE(told("disconnected"));
  acceptSubscription();
  EXPECT_TRUE(told("reregistered with m.example"));
}

// Scenarios 152 and 184.
TEST_F(SchedulerDriverTest, SubscribesAgainWhenTheHeartbeatsStop) {
  drive();
  acceptSubscription(0.05);
  ASSERT_TRUE(told("registered F1 with m.example"));
  EXPECT_TRUE(server_.isLeft(stream_));
  EXPECT_TRUE(told("disconnected"));
  EXPECT_EQ(acceptSubscription().framework_id().value(), "F1");
}

// Scenario 149, facts T31 and T32.
TEST_F(SchedulerDriverTest, FollowsTheLeader) {
  ScriptedServer standby;
  driveTo(standby.address());
  const Received first = standby.next();
  standby.respond(first, 307,
                  {{"Location", "//" + server_.address() + "/master/api/v1/scheduler"}});
  acceptSubscription();
  EXPECT_EQ(stream_.request.body, first.request.body);
  EXPECT_EQ(stream_.request.target, "/master/api/v1/scheduler");
  EXPECT_TRUE(told("registered F1 with m.example"));
}

// Scenario 149.
TEST_F(SchedulerDriverTest, DoesNotRunRoundInACircleOfMasters) {
  ScriptedServer standby;
  driveTo(standby.address());
  const auto begin = std::chrono::steady_clock::now();
  int redirects = 0;
  while (problems_.count("…") == 0) {
    for (ScriptedServer* one : {&standby, &server_}) {
      const ScriptedServer& other = one == &standby ? server_ : standby;
      const auto received = one->nextWithin(milliseconds(100));
      if (!received) continue;
      ++redirects;
      one->respond(*received, 307,
                   {{"Location", "//" + other.address() + "/master/api/v1/scheduler"}});
    }
    ASSERT_LT(redirects, 50);
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  }
  EXPECT_GT(redirects, 1);
  EXPECT_NE(problems_.text().find("trying again in"), std::string::npos) << problems_.text();
  EXPECT_EQ(scheduler_.notes.count("…"), 0u) << scheduler_.notes.text();
}

// Scenario 150, fact T34.
TEST_F(SchedulerDriverTest, WaitsForAMasterThatIsNotReady) {
  drive();
  server_.respond(server_.next(), 503, {}, "No leader elected");
  const auto first = std::chrono::steady_clock::now();
  server_.respond(server_.next(), 503, {}, "Master has not finished recovery");
  const auto second = std::chrono::steady_clock::now();
  acceptSubscription();
  const auto third = std::chrono::steady_clock::now();
  EXPECT_TRUE(told("registered F1 with m.example"));
  EXPECT_EQ(scheduler_.notes.count("error…"), 0u);
  // Half of the nominal delays, which double.
  EXPECT_GE(second - first, milliseconds(240));
  EXPECT_GE(third - second, milliseconds(490));
}

TEST_F(SchedulerDriverTest, FollowsALeaderThatHasAName) {
  ScriptedServer standby;
  driveTo(standby.address());
  const std::string name = "localhost:" + std::to_string(server_.port());
  standby.respond(standby.next(), 307, {{"Location", "//" + name + "/api/v1/scheduler"}});
  acceptSubscription();
  EXPECT_EQ(*stream_.request.headers.find("Host"), name);
  EXPECT_TRUE(told("registered F1 with m.example"));
}

TEST_F(SchedulerDriverTest, KeepsTryingAMasterThatIsNotThere) {
  transport::HttpServerOptions options;
  {
    const ScriptedServer gone;
    options.port = gone.port();
  }
  driveTo("http://127.0.0.1:" + std::to_string(options.port));
  const std::string problem =
      "Cannot connect to the master at 127.0.0.1:" + std::to_string(options.port);
  EXPECT_TRUE(problems_.has(problem + ": Connection refused; trying again in 0.…"))
      << problems_.text();
  EXPECT_TRUE(transport::testing::eventually([&] {
    return problems_.count(problem + "…") >= 2 &&
           problems_.text().find("(nothing for ") != std::string::npos;
  })) << problems_.text();
  ScriptedServer late(options);
  const Received received = late.next();
  EXPECT_EQ(callIn(received).type(), Call::SUBSCRIBE);
}

// Scenario 156.
TEST_F(SchedulerDriverTest, AnswersALaunchWhileDisconnectedAndDropsTheRest) {
  scheduler_.react = [&](const std::string& line, SchedulerDriver* d) {
    if (line != "disconnected") return;
    d->launchTasks({id<OfferID>("O1")}, {taskInfo("T1")});
    d->killTask(id<TaskID>("T2"));
    d->suppressOffers();
  };
  SchedulerDriver& driver = subscribe();
  server_.cut();
  EXPECT_TRUE(told("T1 is TASK_LOST")) << scheduler_.notes.text();  // Not PARTITION_AWARE.
  const Call call = acceptSubscription();
  EXPECT_EQ(call.subscribe().suppressed_roles_size(), 1);
  EXPECT_TRUE(told("reregistered with m.example"));
  EXPECT_FALSE(server_.nextWithin(milliseconds(50)));
  EXPECT_EQ(driver.killTask(id<TaskID>("T3")), DRIVER_RUNNING);
  EXPECT_EQ(nextCall().kill().task_id().value(), "T3");
}

TEST_F(SchedulerDriverTest, SendsItsCredentialsAndLogsNone) {
  SchedulerDriver& driver = subscribe({.credential = Credential{"me", "s3cret"}});
  const std::string expected = "Basic " + encodeBase64("me:s3cret");
  EXPECT_EQ(*stream_.request.headers.find("Authorization"), expected);
  driver.killTask(id<TaskID>("T1"));
  const Received received = server_.next();
  EXPECT_EQ(*received.request.headers.find("Authorization"), expected);
  server_.respond(received, 202);
  EXPECT_TRUE(log_.has("call KILL"));
  EXPECT_EQ(log_.text().find("s3cret"), std::string::npos);
  EXPECT_EQ(log_.text().find(encodeBase64("me:s3cret")), std::string::npos);
}

// Scenario 162.
TEST_F(SchedulerDriverTest, TearsDownWhenStopped) {
  SchedulerDriver& driver = subscribe();
  EXPECT_EQ(driver.stop(), DRIVER_STOPPED);
  EXPECT_EQ(nextCall().type(), Call::TEARDOWN);
  EXPECT_EQ(driver.join(), DRIVER_STOPPED);
  EXPECT_TRUE(server_.isLeft(stream_));
  EXPECT_EQ(driver.stop(), DRIVER_STOPPED);
  EXPECT_EQ(driver.killTask(id<TaskID>("T1")), DRIVER_STOPPED);
}

// Scenario 162.
TEST_F(SchedulerDriverTest, JustLeavesWhenStoppedForAFailover) {
  SchedulerDriver& driver = subscribe();
  EXPECT_EQ(driver.stop(true), DRIVER_STOPPED);
  EXPECT_EQ(driver.join(), DRIVER_STOPPED);
  EXPECT_TRUE(server_.isLeft(stream_));
  EXPECT_FALSE(server_.nextWithin(milliseconds(20)));
}

TEST_F(SchedulerDriverTest, DeliversTheCallsBeforeAStop) {
  SchedulerDriver& driver = subscribe();
  driver.killTask(id<TaskID>("T1"));
  driver.stop(true);
  EXPECT_EQ(nextCall().kill().task_id().value(), "T1");
  EXPECT_EQ(driver.join(), DRIVER_STOPPED);
}

TEST_F(SchedulerDriverTest, MayBeStoppedInACallback) {
  scheduler_.react = [](const std::string& line, SchedulerDriver* driver) {
    if (line == "T1 is TASK_FINISHED") driver->stop();
  };
  SchedulerDriver& driver = subscribe();
  tell(updateOf("T1", TASK_FINISHED, kUuid));
  tell(updateOf("T2", TASK_FINISHED, kUuid));
  EXPECT_EQ(nextCall().type(), Call::TEARDOWN);
  EXPECT_EQ(driver.join(), DRIVER_STOPPED);
  EXPECT_EQ(scheduler_.notes.count("T2 is TASK_FINISHED"), 0u);
}

TEST_F(SchedulerDriverTest, AbortsAndRethrowsWhatACallbackThrows) {
  scheduler_.react = [](const std::string& line, SchedulerDriver*) {
    if (line == "T1 is TASK_RUNNING") throw std::runtime_error("a bug of the user's");
  };
  SchedulerDriver& driver = subscribe();
  tell(updateOf("T1", TASK_RUNNING, kUuid));
  try {
    driver.join();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "a bug of the user's");
  }
  EXPECT_EQ(driver.reviveOffers(), DRIVER_ABORTED);
  EXPECT_TRUE(server_.isLeft(stream_));
  EXPECT_FALSE(server_.nextWithin(milliseconds(20)));  // No acknowledgement.
}

TEST_F(SchedulerDriverTest, AbortsAtOnce) {
  SchedulerDriver& driver = subscribe();
  driver.killTask(id<TaskID>("T1"));  // Never answered.
  EXPECT_EQ(driver.abort(), DRIVER_ABORTED);
  EXPECT_EQ(driver.join(), DRIVER_ABORTED);
  EXPECT_TRUE(server_.isLeft(stream_));
}

TEST_F(SchedulerDriverTest, AbortsAndJoinsWhenDestroyed) {
  subscribe();
  driver_.reset();
  EXPECT_TRUE(server_.isLeft(stream_));
}

TEST_F(SchedulerDriverTest, MayBeDestroyedUnstarted) {
  MesosSchedulerDriver driver(&scheduler_, framework_, server_.address());
  EXPECT_EQ(driver.stop(), DRIVER_NOT_STARTED);
  EXPECT_EQ(driver.killTask(id<TaskID>("T1")), DRIVER_NOT_STARTED);
  EXPECT_EQ(driver.join(), DRIVER_NOT_STARTED);
}

TEST_F(SchedulerDriverTest, StartsOnce) {
  SchedulerDriver& driver = subscribe();
  EXPECT_EQ(driver.start(), DRIVER_RUNNING);
  EXPECT_FALSE(server_.nextWithin(milliseconds(20)));
}

TEST_F(SchedulerDriverTest, RefusesToJoinInACallback) {
  scheduler_.react = [](const std::string& line, SchedulerDriver* driver) {
    if (line.starts_with("registered")) driver->join();
  };
  SchedulerDriver& driver = drive();
  acceptSubscription();
  EXPECT_THROW(driver.join(), std::logic_error);
}

// Scenario 161.
TEST_F(SchedulerDriverTest, LosesNoHeartbeatToACallbackThatBlocks) {
  std::promise<void> release;
  scheduler_.react = [&](const std::string& line, SchedulerDriver*) {
    if (line.starts_with("registered")) release.get_future().wait();
  };
  SchedulerDriver& driver = drive();
  acceptSubscription(0.1);
  ASSERT_TRUE(told("registered F1 with m.example"));
  for (int i = 0; i < 14; ++i) {  // Three times the silence that would end the subscription.
    std::this_thread::sleep_for(milliseconds(100));
    tell(event(Event::HEARTBEAT));
  }
  release.set_value();
  EXPECT_TRUE(told("other: HEARTBEAT"));
  driver.abort();
  EXPECT_EQ(scheduler_.notes.count("disconnected"), 0u);
}

// Scenario 161.
TEST_F(SchedulerDriverTest, ReadsNoFurtherWhileTooManyEventsWait) {
  std::promise<void> release;
  scheduler_.react = [&](const std::string& line, SchedulerDriver*) {
    if (line.starts_with("registered")) release.get_future().wait();
  };
  drive();
  acceptSubscription();
  ASSERT_TRUE(told("registered F1 with m.example"));
  Event message = event(Event::MESSAGE);
  message.mutable_message()->mutable_executor_id()->set_value("E1");
  message.mutable_message()->mutable_agent_id()->set_value("A1");
  message.mutable_message()->set_data(std::string(1 << 16, 'x'));
  std::size_t sent = 0;
  while (sent < 60 && log_.count("too many events wait; reading pauses") == 0) {
    tell(message);
    ++sent;
    ASSERT_TRUE(transport::testing::eventually(
        [&] { return log_.count("deliver MESSAGE") + log_.count("too many…") >= sent; }));
  }
  EXPECT_GE(sent, 16u);
  EXPECT_LE(sent, 18u);
  for (int i = 0; i < 7; ++i) tell(message);
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_EQ(log_.count("deliver MESSAGE"), sent);
  release.set_value();
  EXPECT_TRUE(transport::testing::eventually(
      [&] { return scheduler_.notes.count("message …") == sent + 7; }));
}

TEST_F(SchedulerDriverTest, FindsTheMasterInAFile) {
  const std::string path = ::testing::TempDir() + "master-" + std::to_string(::getpid());
  std::ofstream(path) << server_.address() << "\n";
  driveTo("file://" + path);
  acceptSubscription();
  EXPECT_TRUE(told("registered F1 with m.example"));
  ::unlink(path.c_str());
}

TEST_F(SchedulerDriverTest, RefusesMastersItCannotUnderstand) {
  for (const auto& [master, word] : std::initializer_list<std::pair<std::string, std::string>>{
           {"zk://127.0.0.1:2181", "names no node"},
           {"", "HOST:PORT"},
           {"local", "HOST:PORT"},
           {"127.0.0.1", "HOST:PORT"},
           {"127.0.0.1:0", "HOST:PORT"},
           {"127.0.0.1:70000", "HOST:PORT"},
           {"http://127.0.0.1:5050/path", "HOST:PORT"},
           {"file:///no/such/file", "cannot be read"}}) {
    try {
      MesosSchedulerDriver driver(&scheduler_, framework_, master);
      ADD_FAILURE() << master;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(MesosSchedulerDriver(nullptr, framework_, "h:1"), std::invalid_argument);
}

transport::HttpServerOptions withTls(const std::string& certificate, bool wantsClients = false) {
  transport::HttpServerOptions options;
  options.tls = transport::tlsServer({.certificateFile = authorityFile(certificate + ".pem"),
                                      .keyFile = authorityFile(certificate + ".key"),
                                      .clientCaFile = wantsClients ? authorityFile("ca.pem") : ""})
                    .value();
  return options;
}

class SchedulerTlsTest : public SchedulerDriverTest {
 protected:
  /// Whether a driver subscribes to the master so named.
  bool subscribes(ScriptedServer& master, const std::string& name, std::optional<TlsOptions> tls) {
    MesosSchedulerDriver driver(&scheduler_, framework_, name,
                                {.credential = Credential{"me", "s3cret"}, .tls = std::move(tls)});
    driver.start();
    return master.nextWithin(milliseconds(300)).has_value();
  }

  const TlsOptions trusting_{.caFile = authorityFile("ca.pem")};
};

TEST_F(SchedulerTlsTest, SpeaksTlsWithAMasterNamedByHttps) {
  ScriptedServer master(withTls("server"));
  EXPECT_TRUE(subscribes(master, "https://" + master.address(), trusting_));
  EXPECT_TRUE(subscribes(master, master.address(), trusting_));
  EXPECT_FALSE(subscribes(master, master.address(), std::nullopt));
  EXPECT_THROW(subscribes(master, "http://" + master.address(), trusting_), std::invalid_argument);
}

TEST_F(SchedulerTlsTest, TellsNothingToAMasterThatItCannotTrust) {
  ScriptedServer stranger(withTls("stranger"));
  EXPECT_FALSE(subscribes(stranger, "https://" + stranger.address(), trusting_));
  EXPECT_FALSE(subscribes(stranger, "https://" + stranger.address(), std::nullopt));
  ScriptedServer elsewhere(withTls("elsewhere"));
  EXPECT_FALSE(subscribes(elsewhere, "https://" + elsewhere.address(), trusting_));
  TlsOptions anyHost = trusting_;
  anyHost.verifyHost = false;
  EXPECT_TRUE(subscribes(elsewhere, "https://" + elsewhere.address(), anyHost));
}

TEST_F(SchedulerTlsTest, ShowsItsCertificateToAMasterThatAsks) {
  ScriptedServer master(withTls("server", true));
  EXPECT_FALSE(subscribes(master, "https://" + master.address(), trusting_));
  TlsOptions known = trusting_;
  known.certificateFile = authorityFile("client.pem");
  known.keyFile = authorityFile("client.key");
  EXPECT_TRUE(subscribes(master, "https://" + master.address(), known));
  known.keyFile = authorityFile("server.key");
  EXPECT_THROW(subscribes(master, "https://" + master.address(), known), std::invalid_argument);
}

}  // namespace
}  // namespace mesos
