// Offers, filters and the capabilities that shape them (sections 5.8 and 7).
#include "cluster/master_fixture.hpp"

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;
using Event = Master::Event;

std::string decline(const Offer& offer, const std::string& filters = "") {
  return R"("type":"DECLINE","decline":{"offer_ids":[{"value":")" + offer.id().value() + "\"}]" +
         (filters.empty() ? "" : R"(,"filters":{"refuse_seconds":)" + filters + "}") + "}";
}

TEST_F(MasterTest, OffersAnAgentAsARealMasterDoes) {
  const std::uint64_t agent = addAgent();
  const StreamId stream = subscribe(kAware);
  const std::string shape = R"x({"id":{"value":"MASTER-O0"},"framework_id":{"value":"FRAMEWORK"},)x"
                            R"x("agent_id":{"value":"AGENT"},"hostname":"127.0.0.1",)x"
                            R"x("url":{"scheme":"http","address":{"hostname":"127.0.0.1",)x"
                            R"x("ip":"127.0.0.1","port":5051},"path":"/slave(1)"},"resources":[)x"
                            R"x({"name":"ports","type":"RANGES","ranges":{"range":[)x"
                            R"x({"begin":31000,"end":32000}]},"role":"*",ALLOCATED},)x"
                            R"x({"name":"cpus","type":"SCALAR","scalar":{"value":4.0},"role":"*",)x"
                            R"x(ALLOCATED},{"name":"mem","type":"SCALAR",)x"
                            R"x("scalar":{"value":4096.0},"role":"*",ALLOCATED},)x"
                            R"x({"name":"disk","type":"SCALAR","scalar":{"value":8192.0},)x"
                            R"x("role":"*",ALLOCATED}],"attributes":[{"name":"rack",)x"
                            R"x("type":"TEXT","text":{"value":"r1"}}],ALLOCATED})x";
  std::string expected = shape;
  for (const auto& [word, value] : std::vector<std::pair<std::string, std::string>>{
           {"MASTER", master.id()},
           {"FRAMEWORK", idOf(stream)},
           {"AGENT", agentId(agent)},
           {"ALLOCATED", R"("allocation_info":{"role":"*"})"}}) {
    for (auto at = expected.find(word); at != std::string::npos; at = expected.find(word)) {
      expected.replace(at, word.size(), value);
    }
  }
  EXPECT_EQ(protocol::toJson(takeOffer(stream)), expected);
}

TEST_F(MasterTest, HidesAllocationsFromAFrameworkOfOneRole) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  const Offer offer = takeOffer(stream);
  EXPECT_FALSE(offer.has_allocation_info());
  for (const Resource& resource : offer.resources()) {
    EXPECT_FALSE(resource.has_allocation_info());
    EXPECT_EQ(resource.role(), "*");
  }
}

TEST_F(MasterTest, ShowsReservationsInTheFormatTheFrameworkKnows) {
  addAgent("cpus(r):1;mem:64");
  const StreamId old = subscribe(R"("user":"u","name":"f","role":"r")");
  Offer offer = takeOffer(old);
  EXPECT_EQ(protocol::toJson(offer.resources(0)),
            R"({"name":"cpus","type":"SCALAR","scalar":{"value":1.0},"role":"r"})");
  call(old, R"("type":"TEARDOWN")");
  const StreamId refined = subscribe(R"("user":"u","name":"f","roles":["r"],
      "capabilities":[{"type":"MULTI_ROLE"},{"type":"RESERVATION_REFINEMENT"}])");
  offer = takeOffer(refined);
  EXPECT_EQ(protocol::toJson(offer.resources(0)),
            R"({"name":"cpus","type":"SCALAR","scalar":{"value":1.0},)"
            R"("allocation_info":{"role":"r"},"reservations":[{"type":"STATIC","role":"r"}]})");
  EXPECT_FALSE(offer.resources(1).has_role());
}

TEST_F(MasterTest, OffersEachRoleSeparately) {
  addAgent("cpus(a):1;cpus(b):2");
  const StreamId stream = subscribe(
      R"("user":"u","name":"f","roles":["a","b"],"capabilities":[{"type":"MULTI_ROLE"}])");
  const auto offers = takeOffers(stream);
  ASSERT_EQ(offers.size(), 2u);
  EXPECT_NE(offers[0].allocation_info().role(), offers[1].allocation_info().role());
}

TEST_F(MasterTest, PutsTheOffersOfOneAllocationIntoOneEvent) {
  for (int i = 0; i < 5; ++i) addAgent();
  const auto events = take(subscribe(kPlain));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].offers().offers_size(), 5);
}

TEST_F(MasterTest, NeverOffersBeforeSubscribed) {
  addAgent();
  for (int i = 0; i < 3; ++i) {
    const StreamId stream = subscribe(kPlain);
    EXPECT_EQ(take(stream)[0].type(), Event::SUBSCRIBED);
    call(stream, R"("type":"TEARDOWN")");
  }
}

TEST_F(MasterTest, OffersNothingToAFrameworkWithoutRoles) {
  addAgent();
  const StreamId stream =
      subscribe(R"("user":"u","name":"f","roles":[],"capabilities":[{"type":"MULTI_ROLE"}])");
  advance(3s);
  EXPECT_TRUE(takeOffers(stream).empty());
}

TEST_F(MasterTest, HidesADeclinedOfferForFiveSecondsByDefault) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  for (const char* filters : {"", "5", "-1"}) {
    call(stream, decline(takeOffer(stream), filters));
    advance(5s);
    EXPECT_TRUE(take(stream).empty()) << filters;
    advance(2s);
  }
}

TEST_F(MasterTest, OffersAgainAtTheNextTickWithoutAFilter) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  call(stream, decline(takeOffer(stream), "0"));
  EXPECT_TRUE(take(stream).empty());
  advance(1s);
  EXPECT_EQ(takeOffers(stream).size(), 1u);
}

TEST_F(MasterTest, CapsAFilterAtAYear) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  call(stream, decline(takeOffer(stream), "1e12"));
  const Now declined = now;
  const auto next = master.allocator().deadline();
  ASSERT_TRUE(next);
  advance(2s);
  EXPECT_TRUE(takeOffers(stream).empty());
  EXPECT_EQ(*master.allocator().deadline() - declined.steady, 365 * 24h + 1s);
}

TEST_F(MasterTest, OffersMoreThanWasDeclined) {
  const std::uint64_t agent = addAgent();
  const StreamId stream = subscribe(kPlain);
  launch(stream, {"t"});
  advance(1s);
  call(stream, decline(takeOffer(stream), "3600"));
  advance(10s);
  EXPECT_TRUE(takeOffers(stream).empty());
  update(agent, stream, "t", TASK_FINISHED);
  advance(1s);
  EXPECT_EQ(Resources(takeOffer(stream).resources()), Resources::parse(kResources).value());
}

TEST_F(MasterTest, RevivesAtOnce) {
  addAgent();
  const StreamId stream = subscribe(kAware);
  call(stream, decline(takeOffer(stream), "3600"));
  call(stream, R"("type":"REVIVE","revive":{"roles":["x"]})");
  EXPECT_TRUE(takeOffers(stream).empty());
  call(stream, R"("type":"REVIVE","revive":{"roles":["*","x"]})");
  EXPECT_TRUE(takeOffers(stream).empty());
  call(stream, R"("type":"REVIVE")");
  EXPECT_EQ(takeOffers(stream).size(), 1u);
}

TEST_F(MasterTest, LeavesOutstandingOffersAloneWhenSuppressed) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  const Offer offer = takeOffer(stream);
  call(stream, R"("type":"SUPPRESS")");
  launch(stream, offer, {taskJson(offer, "t")});
  EXPECT_EQ(takeSent<RunTask>().size(), 1u);
  advance(5s);
  EXPECT_TRUE(take(stream).empty());
}

TEST_F(MasterTest, TakesAnAcceptWithoutOperationsForADecline) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  const Offer offer = takeOffer(stream);
  call(stream, R"("type":"ACCEPT","accept":{"offer_ids":[{"value":")" + offer.id().value() +
                   R"("}],"operations":[]})");
  EXPECT_TRUE(master.offers().empty());
  advance(5s);
  EXPECT_TRUE(takeOffers(stream).empty());
  advance(1s);
  EXPECT_EQ(takeOffers(stream).size(), 1u);
}

TEST_F(MasterTest, IgnoresADeclineOfAnOfferItDoesNotHaveOrOfAnother) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  const Offer offer = takeOffer(stream);
  const StreamId other = subscribe(kPlain);
  take(other);
  call(other, decline(offer));
  call(stream, R"("type":"DECLINE","decline":{"offer_ids":[{"value":"nope"}]})");
  EXPECT_EQ(master.offers().size(), 1u);
  EXPECT_TRUE(take(stream).empty());
}

TEST_F(MasterTest, OffersAResourceToOneFrameworkAtATime) {
  addAgent();
  const StreamId first = subscribe(kPlain);
  const Offer offer = takeOffer(first);
  const StreamId second = subscribe(kPlain);
  advance(10s);
  EXPECT_TRUE(takeOffers(second).empty());
  call(first, decline(offer, "60"));
  advance(1s);
  EXPECT_EQ(takeOffers(second).size(), 1u);
  EXPECT_TRUE(takeOffers(first).empty());
}

TEST_F(MasterTest, RescindsOffersOfALostAgent) {
  const std::uint64_t agent = addAgent();
  const StreamId stream = subscribe(kPlain);
  const Offer offer = takeOffer(stream);
  fromAgent(agent, UnregisterAgent{});
  const auto events = take(stream);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].rescind().offer_id().value(), offer.id().value());
  EXPECT_EQ(events[1].type(), Event::FAILURE);
  EXPECT_EQ(events[1].failure().agent_id().value(), offer.agent_id().value());
  EXPECT_FALSE(events[1].failure().has_executor_id());
}

TEST_F(MasterTest, CombinesOffersThatCameOneByOne) {
  const std::uint64_t agent = addAgent();
  const StreamId stream = subscribe(kPlain);
  launch(stream, {"t"});
  advance(1s);
  const Offer first = takeOffer(stream);
  update(agent, stream, "t", TASK_FINISHED);
  advance(1s);
  const Offer second = takeOffer(stream);
  call(stream, R"("type":"ACCEPT","accept":{"offer_ids":[{"value":")" + first.id().value() +
                   R"("},{"value":")" + second.id().value() +
                   R"("}],"operations":[{"type":"LAUNCH","launch":{"task_infos":[)" +
                   taskJson(first, "u", R"("resources":[{"name":"cpus","type":"SCALAR",
                       "scalar":{"value":4}}])") +
                   "]}}]}");
  EXPECT_EQ(takeSent<RunTask>().size(), 2u);
}

class OfferTimeoutTest : public MasterTest {
 public:
  OfferTimeoutTest()
      : MasterTest([] {
          MasterOptions options;
          options.offerTimeout = 1s;
          return options;
        }()) {}
};

TEST_F(OfferTimeoutTest, RescindsAnOfferAndMakesANewOne) {
  addAgent();
  const StreamId stream = subscribe(kAware);
  const Offer offer = takeOffer(stream);
  advance(1s);
  auto events = take(stream);
  ASSERT_GE(events.size(), 1u);
  EXPECT_EQ(events[0].rescind().offer_id().value(), offer.id().value());
  launch(stream, offer, {taskJson(offer, "t")});
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  expectLike(recordedStatus("offer rescinded by --offer_timeout"), updates[0]);
  advance(1s);
  EXPECT_EQ(master.offers().size(), 1u);
}

}  // namespace
}  // namespace mesos::cluster
