// The scheduler's driver against a scripted master: events and calls, its end, its callbacks.
#include "driver/scheduler_driver_fixture.hpp"

#include <future>
#include <stdexcept>
#include <thread>

namespace mesos {
namespace {

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

}  // namespace
}  // namespace mesos
