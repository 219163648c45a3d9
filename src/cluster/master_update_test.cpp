// UPDATE_FRAMEWORK (section 5.7), and the roles of a framework as they come and go.
#include "cluster/master_fixture.hpp"

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;
using Event = Master::Event;

constexpr char kMultiRole[] = R"(,"capabilities":[{"type":"MULTI_ROLE"}])";

class UpdateTest : public MasterTest {
 protected:
  /// A framework of these roles, each in quotes; `more` members of its info.
  static std::string infoOf(const std::string& roles, const std::string& more = "") {
    return R"("user":"root","name":"f","failover_timeout":60,"roles":[)" + roles + "]" +
           kMultiRole + more;
  }
  /// Answers what is wrong with it, "" for nothing.
  std::string update(StreamId stream, const std::string& info, const std::string& suppressed = "",
                     const std::string& constraints = "{}") {
    const auto message =
        fromText<Call::UpdateFramework>("{\"framework_info\":{" + info + R"(,"id":{"value":")" +
                                        idOf(stream) + "\"}},\"suppressed_roles\":[" + suppressed +
                                        "],\"offer_constraints\":" + constraints + "}");
    const auto result = master.updateFramework(now, message);
    drain();
    return result ? "" : result.error().message;
  }
  const FrameworkInfo& infoOf(StreamId stream) const { return master.frameworkOf(stream)->info; }
};

TEST_F(UpdateTest, ReplacesTheInfoAndTellsTheAgentsButNotTheFramework) {
  addAgent();
  const StreamId stream = subscribe(infoOf(R"("a")"));
  take(stream);
  EXPECT_EQ(update(stream, infoOf(R"("a")", R"(,"webui_url":"w","labels":{"labels":[]})")), "");
  EXPECT_EQ(infoOf(stream).webui_url(), "w");
  EXPECT_EQ(infoOf(stream).id().value(), idOf(stream));
  EXPECT_TRUE(take(stream).empty());
  const auto told = takeSent<FrameworkUpdated>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].framework.webui_url(), "w");
  EXPECT_FALSE(master.frameworkOf(stream)->reregistered);
}

TEST_F(UpdateTest, RefusesWhatMayNotChangeAndChangesNothing) {
  const StreamId stream = subscribe(infoOf(R"("a")"));
  EXPECT_EQ(update(stream, infoOf(R"("a")", R"(,"principal":"p")")),
            "FrameworkInfo update is not valid: Changing framework's principal is not allowed.");
  EXPECT_EQ(update(stream, infoOf(R"("a")", R"(,"user":"zz")")),
            "FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; "
            "attempted to update from 'root' to 'zz'");
  EXPECT_EQ(update(stream, infoOf(R"("a")", R"(,"checkpoint":true)")),
            "FrameworkInfo update is not valid: Updating 'FrameworkInfo.checkpoint' is unsupported;"
            " attempted to update from 'false' to 'true'");
  EXPECT_EQ(update(stream, infoOf(R"("a/")")),
            "Supplied FrameworkInfo is not valid: 'FrameworkInfo.roles' contains invalid role: "
            "Role 'a/' cannot end with a slash");
  EXPECT_EQ(update(stream, infoOf(R"("b")", R"(,"name":"new")"), R"("a")"),
            "Suppressed roles { a } are not contained in the set of roles");
  EXPECT_NE(update(stream, infoOf(R"("b")"), "", R"({"role_constraints":{"a":{}}})"), "");
  EXPECT_EQ(infoOf(stream).name(), "f");
  EXPECT_EQ(infoOf(stream).roles(0), "a");
  // Saying what is the default already changes nothing.
  EXPECT_EQ(update(stream, infoOf(R"("a")", R"(,"checkpoint":false)")), "");
}

TEST_F(UpdateTest, RescindsTheOffersOfARoleThatIsGoneAndOffersToTheNewOne) {
  addAgent();
  const StreamId stream = subscribe(infoOf(R"("a")"));
  const Offer ofA = takeOffer(stream);
  EXPECT_EQ(update(stream, infoOf(R"("b")")), "");
  const auto events = take(stream);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type(), Event::RESCIND);
  EXPECT_EQ(events[0].rescind().offer_id().value(), ofA.id().value());
  EXPECT_EQ(events[1].offers().offers(0).allocation_info().role(), "b");
}

TEST_F(UpdateTest, LeavesTheOffersOfANewlySuppressedRoleOutstanding) {
  addAgent();
  const StreamId stream = subscribe(infoOf(R"("a")"));
  const Offer offer = takeOffer(stream);
  EXPECT_EQ(update(stream, infoOf(R"("a")"), R"("a")"), "");
  EXPECT_TRUE(take(stream).empty());
  launch(stream, offer, {taskJson(offer, "t")});
  EXPECT_EQ(takeSent<RunTask>().size(), 1u);
  advance(5s);
  EXPECT_TRUE(takeOffers(stream).empty()) << "the rest, to a suppressed role";
}

TEST_F(UpdateTest, OffersAtOnceToARoleThatIsNoLongerSuppressedDespiteItsFilters) {
  addAgent();
  const StreamId stream = subscribe(infoOf(R"("a")"));
  const Offer offer = takeOffer(stream);
  call(stream, R"("type":"DECLINE","decline":{"offer_ids":[{"value":")" + offer.id().value() +
                   R"("}],"filters":{"refuse_seconds":3600}})");
  EXPECT_EQ(update(stream, infoOf(R"("a")"), R"("a")"), "");
  advance(2s);
  EXPECT_TRUE(takeOffers(stream).empty());
  EXPECT_EQ(update(stream, infoOf(R"("a")")), "");
  EXPECT_EQ(takeOffers(stream).size(), 1u);
}

TEST_F(UpdateTest, KeepsTheFiltersOfRolesThatStay) {
  addAgent();
  const StreamId stream = subscribe(infoOf(R"("a")"));
  call(stream, R"("type":"DECLINE","decline":{"offer_ids":[{"value":")" +
                   takeOffer(stream).id().value() + R"("}],"filters":{"refuse_seconds":3600}})");
  EXPECT_EQ(update(stream, infoOf(R"("a")", R"(,"webui_url":"w")")), "");
  advance(2s);
  EXPECT_TRUE(takeOffers(stream).empty());
}

TEST_F(UpdateTest, KeepsTheTasksOfARoleThatIsGone) {
  const std::uint64_t agent = addAgent();
  const StreamId stream = subscribe(infoOf(R"("a")"));
  launch(stream, {"t"});
  EXPECT_EQ(update(stream, infoOf(R"("b")")), "");
  MasterTest::update(agent, stream, "t", TASK_RUNNING);
  take(stream);
  MasterTest::update(agent, stream, "t", TASK_FINISHED);
  EXPECT_EQ(takeUpdates(stream).size(), 1u);
}

/// Facts S42 and S43: a resubscription may change roles, even the capability to have several.
TEST_F(UpdateTest, TakesOtherRolesFromAResubscription) {
  addAgent();
  const StreamId first = subscribe(infoOf(R"("a","b")"), R"("a")");
  EXPECT_EQ(takeOffer(first).allocation_info().role(), "b");
  const std::string self = R"(,"id":{"value":")" + idOf(first) + "\"}";
  const StreamId second = subscribe(infoOf(R"("b","c")", self), R"("b")");
  EXPECT_EQ(takeOffer(second).allocation_info().role(), "c");
  const StreamId third = subscribe(std::string(kPlain) + R"(,"role":"d")" + self);
  const Offer offer = takeOffer(third);
  EXPECT_FALSE(offer.has_allocation_info());
  EXPECT_EQ(infoOf(third).role(), "d");
  EXPECT_TRUE(infoOf(third).roles().empty());
}

TEST_F(UpdateTest, ClearsTheFiltersOfRolesThatAResubscriptionDoesNotSuppressAnyMore) {
  addAgent();
  const StreamId first = subscribe(infoOf(R"("a","b")"), R"("b")");
  call(first, R"("type":"DECLINE","decline":{"offer_ids":[{"value":")" +
                  takeOffer(first).id().value() + R"("}],"filters":{"refuse_seconds":3600}})");
  const std::string self = R"(,"id":{"value":")" + idOf(first) + "\"}";
  // A takeover keeps the filter of a role that was and stays active (fact S44).
  const StreamId second = subscribe(infoOf(R"("a","b")", self), R"("b")");
  advance(2s);
  EXPECT_TRUE(takeOffers(second).empty());
  const StreamId third = subscribe(infoOf(R"("a","b")", self), R"("a")");
  EXPECT_EQ(takeOffer(third).allocation_info().role(), "b");
}

TEST_F(UpdateTest, RevivesAndSuppressesRolesOneByOne) {
  addAgent();
  const StreamId stream = subscribe(infoOf(R"("a","b")"), R"("a","b")");
  EXPECT_TRUE(takeOffers(stream).empty());
  call(stream, R"("type":"REVIVE","revive":{"roles":["b"]})");
  const Offer ofB = takeOffer(stream);
  EXPECT_EQ(ofB.allocation_info().role(), "b");
  call(stream, R"("type":"SUPPRESS","suppress":{"roles":["b","zz"]})");  // Void (fact O33).
  call(stream, R"("type":"DECLINE","decline":{"offer_ids":[{"value":")" + ofB.id().value() +
                   R"("}],"filters":{"refuse_seconds":0}})");
  advance(1s);
  const Offer again = takeOffer(stream);
  EXPECT_EQ(again.allocation_info().role(), "b");
  call(stream, R"("type":"SUPPRESS","suppress":{"roles":["b"]})");
  call(stream, R"("type":"DECLINE","decline":{"offer_ids":[{"value":")" + again.id().value() +
                   R"("}],"filters":{"refuse_seconds":0}})");
  advance(2s);
  EXPECT_TRUE(takeOffers(stream).empty());
  call(stream, R"("type":"REVIVE")");
  EXPECT_EQ(takeOffers(stream).size(), 1u);
}

}  // namespace
}  // namespace mesos::cluster
