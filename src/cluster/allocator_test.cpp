#include "cluster/allocator.hpp"

#include "protocol/json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;

class AllocatorTest : public testing::Test {
 public:
  void addFramework(const std::string& id, const std::string& more = "",
                    const std::set<std::string>& suppressed = {}) {
    allocator.addFramework(now, info(id, more), suppressed);
  }
  FrameworkInfo info(const std::string& id, const std::string& more = "") {
    FrameworkInfo framework;
    const auto parsed = protocol::fromJson(
        R"({"user":"u","name":"n","id":{"value":")" + id + "\"}" + more + "}", &framework);
    EXPECT_TRUE(parsed);
    return framework;
  }
  void addAgent(const std::string& id, const std::string& resources = "cpus:4;mem:1024") {
    allocator.addAgent(now, id, {}, Resources::parse(resources).value());
  }
  /// Allocates now, and says who got what: "f1 a1 cpus:4; mem:1024".
  std::vector<std::string> allocate() {
    std::vector<std::string> result;
    last = allocator.allocate(now);
    for (const Allocation& one : last) {
      result.push_back(one.frameworkId + " " + one.agentId + " " +
                       one.resources.unallocated().toString());
    }
    std::sort(result.begin(), result.end());
    return result;
  }
  void giveBack(const Allocation& one, std::optional<Duration> refuse = std::nullopt) {
    allocator.recover(now, one.frameworkId, one.role, one.agentId, one.resources, refuse);
  }
  void wait(Duration duration) { now = now + duration; }

  using Lines = std::vector<std::string>;
  Random random{1};
  Now now{TimePoint(100s), {}};
  Allocator allocator{
      {1s, {Resources::parse("cpus:0.01").value(), Resources::parse("mem:32").value()}}, random};
  std::vector<Allocation> last;
};

TEST_F(AllocatorTest, GivesAllOfAnAgentToOneFramework) {
  addAgent("a1");
  addFramework("f1");
  ASSERT_TRUE(allocator.deadline());
  EXPECT_LE(*allocator.deadline(), now.steady);
  EXPECT_EQ(allocate(), Lines{"f1 a1 cpus:4; mem:1024"});
  EXPECT_EQ(last[0].resources.begin()->allocation_info().role(), "*");
  EXPECT_TRUE(allocator.available("a1").empty());
  EXPECT_EQ(allocator.deadline(), std::nullopt);
  addFramework("f2");
  EXPECT_EQ(allocate(), Lines{});
}

TEST_F(AllocatorTest, OffersFreedResourcesAtTheNextTickOnly) {
  addAgent("a1");
  addFramework("f1");
  allocate();
  wait(300ms);
  giveBack(last[0]);
  EXPECT_EQ(allocate(), Lines{});
  EXPECT_EQ(allocator.deadline(), TimePoint(101s));
  wait(699ms);
  EXPECT_EQ(allocate(), Lines{});
  wait(1ms);
  EXPECT_EQ(allocate().size(), 1u);
}

TEST_F(AllocatorTest, HidesRefusedResourcesUntilTheTickAfterTheFilter) {
  for (const auto& [refuse, seen] :
       std::vector<std::pair<Duration, Duration>>{{0s, 1s}, {200ms, 2s}, {2s, 3s}, {5s, 6s}}) {
    Allocator fresh({1s, {}}, random);
    fresh.addAgent(now, "a", {}, Resources::parse("cpus:1").value());
    fresh.addFramework(now, info("f"), {});
    const auto first = fresh.allocate(now);
    ASSERT_EQ(first.size(), 1u);
    fresh.recover(now, "f", "*", "a", first[0].resources, refuse);
    std::vector<Allocation> next;
    Duration waited{};
    while (next.empty()) {
      ASSERT_TRUE(fresh.deadline());
      waited = *fresh.deadline() - now.steady;
      next = fresh.allocate(now + waited);
    }
    EXPECT_EQ(waited, seen);
  }
}

TEST_F(AllocatorTest, OffersMoreThanWasRefusedDespiteAFilter) {
  addAgent("a1");
  addFramework("f1");
  allocate();
  const Resources all = last[0].resources;
  const Resources part = Resources::parse("cpus:1").value().allocatedTo("*");
  allocator.recover(now, "f1", "*", "a1", all - part, 1h);
  wait(1s);
  EXPECT_EQ(allocate(), Lines{});
  allocator.recover(now, "f1", "*", "a1", part, std::nullopt);
  wait(1s);
  EXPECT_EQ(allocate(), Lines{"f1 a1 cpus:4; mem:1024"});
}

TEST_F(AllocatorTest, ClearsFiltersAndSuppressionAtARevive) {
  addAgent("a1");
  addFramework("f1");
  allocate();
  giveBack(last[0], 1h);
  allocator.suppress("f1", {});
  EXPECT_EQ(allocator.suppressedRoles("f1"), std::set<std::string>{"*"});
  wait(2s);
  EXPECT_EQ(allocate(), Lines{});
  allocator.revive(now, "f1", {});
  EXPECT_TRUE(allocator.suppressedRoles("f1").empty());
  EXPECT_EQ(allocate().size(), 1u);
}

TEST_F(AllocatorTest, OffersNothingToASuppressedRole) {
  addAgent("a1");
  const std::string roles = R"(,"roles":["a","b"],"capabilities":[{"type":"MULTI_ROLE"}])";
  addFramework("f1", roles, {"a"});
  ASSERT_EQ(allocate().size(), 1u);
  EXPECT_EQ(last[0].role, "b");
  giveBack(last[0]);
  allocator.suppress("f1", {"b"});
  wait(1s);
  EXPECT_EQ(allocate(), Lines{});
  allocator.revive(now, "f1", {"a"});
  ASSERT_EQ(allocate().size(), 1u);
  EXPECT_EQ(last[0].role, "a");
}

TEST_F(AllocatorTest, DropsFiltersButNotSuppressionAtADisconnect) {
  addAgent("a1");
  addFramework("f1");
  allocate();
  giveBack(last[0], 1h);
  allocator.deactivateFramework("f1");
  wait(1s);
  EXPECT_EQ(allocate(), Lines{});
  allocator.activateFramework(now, "f1");
  EXPECT_EQ(allocate().size(), 1u);
  giveBack(last[0]);
  allocator.suppress("f1", {});
  allocator.deactivateFramework("f1");
  allocator.activateFramework(now, "f1");
  wait(1s);
  EXPECT_EQ(allocate(), Lines{});
}

TEST_F(AllocatorTest, GivesToWhomHasTheSmallestDominantShare) {
  addFramework("f1");
  addFramework("f2");
  allocate();
  addAgent("big", "cpus:8;mem:8");
  EXPECT_EQ(allocate().size(), 1u);
  const std::string first = last[0].frameworkId;
  const std::string second = first == "f1" ? "f2" : "f1";
  addAgent("small", "cpus:1;mem:1");
  EXPECT_EQ(allocate(), Lines{second + " small cpus:1; mem:1"});
  addAgent("next", "cpus:1;mem:1");
  EXPECT_EQ(allocate(), Lines{second + " next cpus:1; mem:1"});
}

TEST_F(AllocatorTest, SharesEqualAgentsEvenly) {
  for (int i = 0; i < 10; ++i) addAgent("a" + std::to_string(i));
  addFramework("f1");
  addFramework("f2");
  allocate();
  int first = 0;
  for (const Allocation& one : last) first += one.frameworkId == "f1" ? 1 : 0;
  EXPECT_EQ(first, 5);
}

// Fact O3: roles compete first, then the frameworks within each.
TEST_F(AllocatorTest, SharesBetweenRolesNotBetweenFrameworks) {
  for (int i = 0; i < 12; ++i) addAgent("a" + std::to_string(i));
  addFramework("f1", R"(,"role":"crowd")");
  addFramework("f2", R"(,"role":"crowd")");
  addFramework("f3", R"(,"role":"alone")");
  allocate();
  std::map<std::string, int> got;
  for (const Allocation& one : last) ++got[one.frameworkId];
  EXPECT_EQ(got, (std::map<std::string, int>{{"f1", 3}, {"f2", 3}, {"f3", 6}}));
}

TEST_F(AllocatorTest, SharesBetweenTheRolesOfOneFramework) {
  for (int i = 0; i < 4; ++i) addAgent("a" + std::to_string(i));
  addFramework("f1", R"(,"roles":["a","b"],"capabilities":[{"type":"MULTI_ROLE"}])");
  allocate();
  std::map<std::string, int> got;
  for (const Allocation& one : last) ++got[one.role];
  EXPECT_EQ(got, (std::map<std::string, int>{{"a", 2}, {"b", 2}}));
}

// Fact A7: what is reserved counts for its role's share as before.
TEST_F(AllocatorTest, KeepsSharesWhenResourcesAreReserved) {
  addAgent("a1", "cpus:4");
  addFramework("f1", R"(,"role":"r")");
  allocate();
  const Resources plain = Resources::parse("cpus:4").value();
  const Resources reserved = Resources::parse("cpus(r):4").value();
  allocator.convert("a1", plain, reserved);
  allocator.recover(now, "f1", "r", "a1", reserved.allocatedTo("r"), std::nullopt);
  EXPECT_EQ(allocator.available("a1"), reserved);
  addFramework("other");
  wait(1s);
  EXPECT_EQ(allocate(), Lines{"f1 a1 cpus(r):4"});
}

TEST_F(AllocatorTest, OffersReservationsToTheirRoleAndThoseBelowOnly) {
  addAgent("a1", "cpus(r):1;cpus:2");
  addFramework("other");
  EXPECT_EQ(allocate(), Lines{"other a1 cpus:2"});
  addFramework("f1", R"(,"role":"r")");
  EXPECT_EQ(allocate(), Lines{"f1 a1 cpus(r):1"});
  giveBack(last[0]);
  allocator.removeFramework("f1");
  addFramework("child", R"(,"role":"r/x")");
  EXPECT_EQ(allocate(), Lines{"child a1 cpus(r):1"});
  giveBack(last[0]);
  allocator.removeFramework("child");
  addFramework("namesake", R"(,"role":"rx")");
  EXPECT_EQ(allocate(), Lines{});
}

TEST_F(AllocatorTest, KeepsAgentsWithGpusForThoseWhoAskForThem) {
  addAgent("a1", "cpus:4;gpus:1");
  addFramework("f1");
  EXPECT_EQ(allocate(), Lines{});
  addFramework("f2", R"(,"capabilities":[{"type":"GPU_RESOURCES"}])");
  EXPECT_EQ(allocate(), Lines{"f2 a1 cpus:4; gpus:1"});
}

TEST_F(AllocatorTest, OffersNothingBelowTheMinimum) {
  addAgent("tiny", "cpus:0.009;mem:31;disk:100");
  addAgent("cpu", "cpus:0.01");
  addAgent("mem", "mem:32");
  addFramework("f1");
  EXPECT_EQ(allocate(), (Lines{"f1 cpu cpus:0.01", "f1 mem mem:32"}));
  addFramework("f2", R"(,"offer_filters":{"*":{"min_allocatable_resources":{}}})");
  EXPECT_EQ(allocate(), Lines{"f2 tiny cpus:0.009; mem:31; disk:100"});
}

TEST_F(AllocatorTest, TakesAFrameworksOwnMinimum) {
  addAgent("a1", "cpus:1;mem:512");
  addFramework("f1", R"(,"offer_filters":{"*":{"min_allocatable_resources":
      {"quantities":[{"quantities":{"cpus":{"value":2}}},{"quantities":{"gpus":{"value":1}}}]}}})");
  EXPECT_EQ(allocate(), Lines{});
  addAgent("a2", "cpus:2");
  EXPECT_EQ(allocate(), Lines{"f1 a2 cpus:2"});
}

// Fact O5: the override is its role's alone.
TEST_F(AllocatorTest, TakesAMinimumForOneRoleOnly) {
  addAgent("tiny", "cpus:0.001;mem:1");
  const std::string info = R"(,"roles":["a","b"],"capabilities":[{"type":"MULTI_ROLE"}],
      "offer_filters":{"b":{"min_allocatable_resources":{}}})";
  addFramework("f1", info, {"b"});
  EXPECT_EQ(allocate(), Lines{});
  allocator.revive(now, "f1", {"b"});
  EXPECT_EQ(allocate(), Lines{"f1 tiny cpus:0.001; mem:1"});
  EXPECT_EQ(last[0].role, "b");
}

TEST_F(AllocatorTest, CountsWhatAnAgentBringsAlong) {
  addFramework("f1");
  addAgent("a1");
  allocator.allocated("f1", "a1", Resources::parse("cpus:3").value().allocatedTo("*"));
  EXPECT_EQ(allocate(), Lines{"f1 a1 cpus:1; mem:1024"});
}

TEST_F(AllocatorTest, ForgetsAnAgentAndItsFilters) {
  addAgent("a1");
  addFramework("f1");
  allocate();
  giveBack(last[0], 1h);
  allocator.removeAgent("a1");
  EXPECT_TRUE(allocator.available("a1").empty());
  wait(1s);
  EXPECT_EQ(allocate(), Lines{});
  addAgent("a1");
  EXPECT_EQ(allocate().size(), 1u);
}

TEST_F(AllocatorTest, DoesNotDriftOverManyCycles) {
  addAgent("a1", "cpus:0.3;mem:64");
  addFramework("f1");
  allocate();
  const Resources third = Resources::parse("cpus:0.1").value().allocatedTo("*");
  for (int i = 0; i < 1000; ++i) {
    giveBack(last[0]);
    wait(1s);
    ASSERT_EQ(allocate(), Lines{"f1 a1 cpus:0.3; mem:64"});
    last[0].resources -= third;
    allocator.recover(now, "f1", "*", "a1", third, std::nullopt);
    last[0].resources -= third;
    allocator.recover(now, "f1", "*", "a1", third, std::nullopt);
  }
}

}  // namespace
}  // namespace mesos::cluster
