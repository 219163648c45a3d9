// How frameworks come and go (sections 5.2-5.6).
#include "cluster/master_fixture.hpp"

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;
using Event = Master::Event;

std::string errorOf(const std::vector<Event>& events) {
  if (events.size() != 1 || events[0].type() != Event::ERROR) return "no single ERROR";
  return events[0].error().message();
}

TEST_F(MasterTest, AnswersASubscriptionBySubscribedThenHeartbeat) {
  const StreamId stream = subscribe(kPlain);
  const auto events = take(stream, true);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type(), Event::SUBSCRIBED);
  EXPECT_EQ(events[0].subscribed().framework_id().value(), master.id() + "-0000");
  EXPECT_EQ(events[0].subscribed().heartbeat_interval_seconds(), 15.0);
  EXPECT_EQ(events[1].type(), Event::HEARTBEAT);
  EXPECT_EQ(protocol::toJson(events[1]), R"({"type":"HEARTBEAT"})");
}

TEST_F(MasterTest, TellsWhoItIsAsARealMasterDoes) {
  const StreamId stream = subscribe(kPlain);
  EXPECT_EQ(protocol::toJson(take(stream)[0].subscribed().master_info()),
            R"({"id":")" + master.id() +
                R"(","ip":16777343,"port":5050,"pid":"master@127.0.0.1:5050",)"
                R"("hostname":"localhost","version":"1.12.0","address":{"hostname":"localhost",)"
                R"("ip":"127.0.0.1","port":5050},"capabilities":[{"type":"AGENT_UPDATE"},)"
                R"({"type":"AGENT_DRAINING"},{"type":"QUOTA_V2"}]})");
}

TEST_F(MasterTest, NumbersFrameworksFromZero) {
  for (const char* expected : {"-0000", "-0001", "-0002"}) {
    EXPECT_EQ(idOf(subscribe(kPlain)), master.id() + expected);
  }
}

TEST_F(MasterTest, BeatsEveryIntervalWhateverElseIsSent) {
  const StreamId stream = subscribe(kPlain);
  take(stream, true);
  advance(14999ms);
  EXPECT_TRUE(take(stream, true).empty());
  call(stream, R"("type":"RECONCILE","reconcile":{"tasks":[{"task_id":{"value":"x"}}]})");
  advance(1ms);
  const auto events = take(stream, true);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].type(), Event::HEARTBEAT);
  advance(45s);
  EXPECT_EQ(take(stream, true).size(), 3u);
}

TEST_F(MasterTest, RefusesAFrameworkByOneErrorAndTheEnd) {
  const StreamId stream =
      subscribe(R"("user":"u","name":"f","roles":["a//b"],"capabilities":[{"type":"MULTI_ROLE"}])");
  EXPECT_EQ(errorOf(take(stream)),
            "'FrameworkInfo.roles' contains invalid role: Role 'a//b' cannot contain two adjacent "
            "slashes");
  EXPECT_TRUE(hasEnded(stream));
  EXPECT_EQ(master.frameworkOf(stream), nullptr);
  EXPECT_TRUE(master.frameworks().empty());
}

TEST_F(MasterTest, AcceptsAnIdItNeverGave) {
  const StreamId stream = subscribe(std::string(kPlain) + R"(,"id":{"value":"my-fw-1"})");
  EXPECT_EQ(take(stream)[0].subscribed().framework_id().value(), "my-fw-1");
  const StreamId bad = subscribe(std::string(kPlain) + R"(,"id":{"value":"a/b"})");
  EXPECT_EQ(errorOf(take(bad)), "'a/b' contains invalid characters");
}

TEST_F(MasterTest, RefusesTheIdOfARemovedFramework) {
  const StreamId stream = subscribe(kPlain);
  const std::string id = idOf(stream);
  take(stream);
  call(stream, R"("type":"TEARDOWN")");
  EXPECT_TRUE(take(stream).empty());
  EXPECT_TRUE(hasEnded(stream));
  ASSERT_EQ(master.completedFrameworks().size(), 1u);
  EXPECT_TRUE(master.completedFrameworks()[0].unregistered);
  const StreamId again = subscribe(std::string(kPlain) + R"(,"id":{"value":")" + id + "\"}");
  EXPECT_EQ(errorOf(take(again)), "Framework has been removed");
}

TEST_F(MasterTest, RemembersOnlyTheLastFiftyRemovedFrameworks) {
  for (int i = 0; i < 51; ++i) call(subscribe(kPlain), R"("type":"TEARDOWN")");
  EXPECT_EQ(master.completedFrameworks().size(), 50u);
  const StreamId again =
      subscribe(std::string(kPlain) + R"(,"id":{"value":")" + master.id() + "-0000\"}");
  EXPECT_EQ(take(again)[0].type(), Event::SUBSCRIBED);
}

TEST_F(MasterTest, GivesTheStreamToTheLaterSubscriber) {
  const StreamId old = subscribe(kPlain);
  take(old);
  const std::string self = std::string(kPlain) + R"(,"id":{"value":")" + idOf(old) + "\"}";
  const StreamId later = subscribe(self);
  EXPECT_EQ(errorOf(take(old)), "Framework failed over");
  EXPECT_TRUE(hasEnded(old));
  const auto events = take(later, true);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type(), Event::SUBSCRIBED);
  EXPECT_EQ(events[1].type(), Event::HEARTBEAT);
  EXPECT_EQ(master.frameworkOf(old), nullptr);
  ASSERT_EQ(master.frameworks().size(), 1u);
  EXPECT_TRUE(master.frameworks().begin()->second.reregistered);
  close(old);  // Its connection ends later: harmless.
  EXPECT_TRUE(master.frameworkOf(later)->active);
  advance(15s);
  EXPECT_EQ(take(later, true).size(), 1u);
}

TEST_F(MasterTest, WithdrawsOffersAtATakeoverWithoutRescinding) {
  addAgent();
  const StreamId old = subscribe(kAware);
  const Offer offer = takeOffer(old);
  const StreamId later = subscribe(std::string(kAware) + R"(,"id":{"value":")" + idOf(old) + "\"}");
  const auto events = take(later);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type(), Event::SUBSCRIBED);
  EXPECT_EQ(events[1].type(), Event::OFFERS);
  EXPECT_NE(events[1].offers().offers(0).id().value(), offer.id().value());
  launch(later, offer, {taskJson(offer, "t")});
  const auto updates = takeUpdates(later);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].reason(), TaskStatus::REASON_INVALID_OFFERS);
}

TEST_F(MasterTest, TellsAgentsOfATakeover) {
  addAgent();
  const StreamId old = subscribe(kPlain);
  launch(old, {"t"});
  subscribe(std::string(kPlain) + R"(,"id":{"value":")" + idOf(old) + "\"}");
  const auto told = takeSent<FrameworkResubscribed>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].framework.id().value(), idOf(old));
}

TEST_F(MasterTest, KeepsUserAndCheckpointAtAResubscription) {
  const StreamId old = subscribe(R"("user":"a","name":"x","checkpoint":true)");
  const std::string id = R"(,"id":{"value":")" + idOf(old) + "\"}";
  const StreamId later = subscribe(R"("user":"b","name":"y","webui_url":"w")" + id);
  const FrameworkInfo& info = master.frameworkOf(later)->info;
  EXPECT_EQ(info.user(), "a");
  EXPECT_TRUE(info.checkpoint());
  EXPECT_EQ(info.name(), "y");
  EXPECT_EQ(info.webui_url(), "w");
  const StreamId other = subscribe(R"("user":"a","name":"x","principal":"p")" + id);
  EXPECT_EQ(errorOf(take(other)), "Changing framework's principal is not allowed.");
  EXPECT_FALSE(hasEnded(later));
}

TEST_F(MasterTest, ForgetsSuppressionAtAResubscriptionThatDoesNotRepeatIt) {
  addAgent();
  const StreamId first = subscribe(kPlain, R"("*")");
  EXPECT_TRUE(takeOffers(first).empty());
  const std::string self = std::string(kPlain) + R"(,"id":{"value":")" + idOf(first) + "\"}";
  const StreamId second = subscribe(self, R"("*")");
  EXPECT_TRUE(takeOffers(second).empty());
  EXPECT_EQ(takeOffers(subscribe(self)).size(), 1u);
}

TEST_F(MasterTest, RemovesADisconnectedFrameworkAtOnceWithoutFailoverTimeout) {
  const std::uint64_t agent = addAgent();
  const StreamId stream = subscribe(R"("user":"root","name":"f")");
  const std::string id = idOf(stream);
  launch(stream, {"t"});
  take(stream);
  close(stream);
  EXPECT_TRUE(take(stream).empty());
  EXPECT_TRUE(master.frameworks().empty());
  ASSERT_EQ(master.completedFrameworks().size(), 1u);
  const MasterFramework& gone = master.completedFrameworks()[0];
  ASSERT_EQ(gone.completedTasks.size(), 1u);
  EXPECT_EQ(gone.completedTasks[0].state(), TASK_KILLED);
  EXPECT_EQ(gone.completedTasks[0].statuses(0).reason(), TaskStatus::REASON_FRAMEWORK_REMOVED);
  const auto shutdown = takeSent<ShutdownFramework>();
  ASSERT_EQ(shutdown.size(), 1u);
  EXPECT_EQ(shutdown[0].frameworkId.value(), id);
  EXPECT_EQ(master.allocator().available(agentId(agent)), master.agents().begin()->second.total);
}

TEST_F(MasterTest, WaitsForTheFailoverTimeoutAnewAtEachDisconnect) {
  addAgent();
  const StreamId first = subscribe(R"("user":"root","name":"f","failover_timeout":5)");
  const std::string self =
      R"("user":"root","name":"f","failover_timeout":5,"id":{"value":")" + idOf(first) + "\"}";
  launch(first, {"t"});
  close(first);
  advance(3s);
  const StreamId second = subscribe(self);
  EXPECT_EQ(master.frameworkOf(second)->tasks.size(), 1u);
  close(second);
  advance(4999ms);
  EXPECT_EQ(master.frameworks().size(), 1u);
  advance(1ms);
  EXPECT_TRUE(master.frameworks().empty());
}

TEST_F(MasterTest, KeepsBooksButStaysSilentWhileDisconnected) {
  const std::uint64_t agent = addAgent();
  const StreamId first = subscribe(kPlain);
  launch(first, {"t"});
  advance(1s);
  take(first);
  close(first);
  EXPECT_TRUE(master.offers().empty());
  advance(5s);
  EXPECT_TRUE(master.offers().empty());
  update(agent, first, "t", TASK_FINISHED);
  EXPECT_TRUE(take(first).empty());
  EXPECT_TRUE(master.agents().begin()->second.used.empty());
  const StreamId second =
      subscribe(std::string(kPlain) + R"(,"id":{"value":")" + idOf(first) + "\"}");
  EXPECT_EQ(takeSent<FrameworkResubscribed>().size(), 1u);
  update(agent, second, "t", TASK_FINISHED);  // What the agent answers to that.
  EXPECT_EQ(takeUpdates(second).size(), 1u);
}

TEST_F(MasterTest, TearsDownSilentlyAndFreesEverything) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  const Offer offer = takeOffer(stream);
  launch(stream, offer, {taskJson(offer, "t", kExecutor), taskJson(offer, "u", kExecutor)});
  advance(1s);
  take(stream);
  EXPECT_TRUE(master.teardown(now, idOf(stream)));
  drain();
  EXPECT_TRUE(take(stream).empty());
  EXPECT_TRUE(hasEnded(stream));
  EXPECT_EQ(takeSent<ShutdownFramework>().size(), 1u);
  EXPECT_FALSE(master.teardown(now, idOf(stream)));
  const StreamId other = subscribe(kPlain);
  advance(1s);
  const Offer whole = takeOffer(other);
  EXPECT_EQ(Resources(whole.resources()).unallocated(), Resources::parse(kResources).value());
}

TEST_F(MasterTest, IgnoresCallsOfAFrameworkThatIsNotConnected) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  take(stream);
  close(stream);
  call(stream, R"("type":"RECONCILE","reconcile":{"tasks":[{"task_id":{"value":"x"}}]})");
  EXPECT_TRUE(take(stream).empty());
}

TEST_F(MasterTest, AcceptsAFailoverTimeoutOfManyYears) {
  const StreamId stream = subscribe(R"("user":"u","name":"f","failover_timeout":9223372036)");
  take(stream);
  close(stream);
  advance(1000h);
  EXPECT_EQ(master.frameworks().size(), 1u);
  const StreamId bad = subscribe(R"("user":"u","name":"f","failover_timeout":1e30)");
  EXPECT_EQ(errorOf(take(bad)), "The framework failover_timeout (1e+30) is invalid");
}

class StrictMasterTest : public MasterTest {
 public:
  StrictMasterTest()
      : MasterTest([] {
          MasterOptions options;
          options.rootSubmissions = false;
          options.roleWhitelist = {"a"};
          options.timeScale = 10;
          return options;
        }()) {}
};

TEST_F(StrictMasterTest, RefusesRootAndRolesThatAreNotListed) {
  EXPECT_EQ(errorOf(take(subscribe(R"("user":"root","name":"f","role":"a")"))),
            "User 'root' is not allowed to run frameworks without --root_submissions set");
  EXPECT_EQ(errorOf(take(subscribe(R"("user":"u","name":"f","role":"b")"))),
            "Role 'b' is not present in the master's --roles");
  EXPECT_EQ(take(subscribe(R"("user":"u","name":"f","role":"a")"))[0].type(), Event::SUBSCRIBED);
}

TEST_F(StrictMasterTest, DividesDurationsOfClientsByTheTimeScale) {
  const StreamId stream = subscribe(R"("user":"u","name":"f","role":"a","failover_timeout":50)");
  close(stream);
  advance(4999ms);
  EXPECT_EQ(master.frameworks().size(), 1u);
  advance(1ms);
  EXPECT_TRUE(master.frameworks().empty());
}

}  // namespace
}  // namespace mesos::cluster
