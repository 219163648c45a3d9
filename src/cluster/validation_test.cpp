#include "cluster/validation.hpp"

#include "protocol/json.hpp"

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

std::string refusal(const std::string& subscribe) {
  v1::scheduler::Call::Subscribe message;
  const auto parsed = protocol::fromJson(subscribe, &message);
  EXPECT_TRUE(parsed) << subscribe;
  const auto valid = validateSubscribe(message);
  return valid ? "" : valid.error().message;
}

std::string multiRole(const std::string& more) {
  return R"({"framework_info":{"user":"root","name":"x","capabilities":[{"type":"MULTI_ROLE"}],)" +
         more + "}}";
}

TEST(Validation, KnowsTheRuleOfIds) {
  for (const std::string good : {"a", "a b", "a:b", "...", "\xc3\xa4", "-"}) {
    EXPECT_TRUE(validateId(good)) << good;
  }
  EXPECT_TRUE(validateId(std::string(255, 'x')));
  EXPECT_FALSE(validateId(std::string(256, 'x')));
  for (const std::string bad : {"", ".", "..", "a/b", "a\\b", "a\tb", "a\nb", "\x7f"}) {
    EXPECT_FALSE(validateId(bad)) << bad;
  }
}

// The sentences are those of tests/traces/http-errors 096-107.
TEST(Validation, RefusesRolesAsRecorded) {
  EXPECT_EQ(refusal(multiRole(R"("roles":["a//b"])")),
            "'FrameworkInfo.roles' contains invalid role: Role 'a//b' cannot contain two adjacent "
            "slashes");
  EXPECT_EQ(refusal(multiRole(R"("roles":["r","r"])")),
            "'FrameworkInfo.roles' contains duplicate items: { r }");
  EXPECT_EQ(refusal(multiRole(R"("roles":["r"],"role":"r")")),
            "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable");
  EXPECT_EQ(refusal(R"({"framework_info":{"user":"root","name":"x","roles":["r"]}})"),
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable");
  EXPECT_EQ(refusal(multiRole(R"("roles":[""])")),
            "'FrameworkInfo.roles' contains invalid role: Role names cannot be the empty string");
  EXPECT_EQ(refusal(R"({"framework_info":{"user":"root","name":"x","role":"a//b"}})"),
            "'FrameworkInfo.role' is not a valid role: Role 'a//b' cannot contain two adjacent "
            "slashes");
}

TEST(Validation, RefusesEveryMalformedRoleAndNoOther) {
  for (const char* role : {"a//b", "/a", "a/", "-a", ".", "..", "a/*", "a b", "a/./b"}) {
    EXPECT_NE(refusal(multiRole(std::string(R"("roles":[")") + role + "\"]")), "") << role;
  }
  EXPECT_EQ(refusal(multiRole(R"("roles":["*","a/b","a*","..."])")), "");
  EXPECT_EQ(refusal(multiRole(R"("roles":[])")), "");
}

TEST(Validation, RefusesSuppressedRolesThatAreNotRoles) {
  EXPECT_EQ(refusal(R"({"framework_info":{"user":"root","name":"x","role":"r"},
                       "suppressed_roles":["z"]})"),
            "Suppressed roles { z } are not contained in the set of roles");
}

TEST(Validation, RefusesConstraintsOfOtherRoles) {
  EXPECT_EQ(refusal(R"({"framework_info":{"user":"root","name":"x","role":"r"},
                       "offer_constraints":{"role_constraints":
                         {"b":{"groups":[{"attribute_constraints":[]}]}}}})"),
            "Offer constraints specify `role_constraints` for a role 'b'not contained in the set "
            "of roles");
}

TEST(Validation, RefusesFailoverTimeoutsThatDoNotFit) {
  const auto timeout = [](const std::string& seconds) {
    return refusal(multiRole(R"("roles":["r"],"failover_timeout":)" + seconds));
  };
  EXPECT_EQ(timeout("1e+30"), "The framework failover_timeout (1e+30) is invalid");
  EXPECT_EQ(timeout("\"Infinity\""), "The framework failover_timeout (inf) is invalid");
  EXPECT_NE(timeout("9223372037"), "");
  EXPECT_NE(timeout("-9223372037"), "");
  EXPECT_EQ(timeout("9223372036"), "");
  EXPECT_EQ(timeout("-1"), "");
}

TEST(Validation, RefusesNegativeQuantitiesInOfferFilters) {
  const auto filter = [](const std::string& min) {
    return refusal(multiRole(R"("roles":["r"],"offer_filters":{"r":{"min_allocatable_resources":)" +
                             min + "}}"));
  };
  EXPECT_EQ(filter(R"({"quantities":[{"quantities":{"cpus":{"value":-1}}}]})"),
            "Invalid resource quantity for 'cpus': Negative values not supported");
  EXPECT_NE(filter(R"({"quantities":[{"quantities":{}}]})"), "");
  EXPECT_EQ(filter("{}"), "");
}

TEST(Validation, DescribesResourcesAsMesosDoes) {
  Resources resources = Resources::parse("cpus:0.1;ports:[31000-31001]").value().allocatedTo("*");
  EXPECT_EQ(describe(resources), "cpus(allocated: *):0.1; ports(allocated: *):[31000-31001]");
  resources = Resources::parse("cpus(x):0.1").value().allocatedTo("*");
  EXPECT_EQ(describe(resources), "cpus(allocated: *)(reservations: [(STATIC,x)]):0.1");
}

}  // namespace
}  // namespace mesos::cluster
