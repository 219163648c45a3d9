#include <mesos/resources.hpp>

#include "resources/reservations.hpp"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace mesos {
namespace {

using Protos = google::protobuf::RepeatedPtrField<Resource>;

Resources bag(std::string_view text, std::string_view defaultRole = "*") {
  const auto parsed = Resources::parse(text, defaultRole);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
  return parsed.value_or(Resources());
}

/// A Resource from protobuf's text format, which also reaches deprecated fields.
Resource resource(const std::string& text) {
  // It warns of deprecated fields, which are what some of these tests are about.
  const google::protobuf::LogSilencer silencer;
  Resource parsed;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &parsed)) << text;
  return parsed;
}

Resource cpus(const std::string& more) {
  return resource("name: 'cpus' type: SCALAR scalar { value: 2 } " + more);
}

const std::string kVolume =
    "name: 'disk' type: SCALAR scalar { value: 64 } role: 'web' "
    "disk { persistence { id: 'v1' } volume { container_path: 'p' mode: RW } } ";

TEST(ResourcesParse, ReadsScalarsRangesSetsAndRoles) {
  const Resources resources =
      bag(" cpus:2 ; mem(web/blue):512.5;ports:[31000-32000, 33000-33000];zones:{b, a};");
  EXPECT_EQ(resources.toString(),
            "cpus:2; mem(web/blue):512.5; ports:[31000-32000, 33000-33000]; zones:{a, b}");
  EXPECT_EQ(bag(resources.toString()), resources);
}

TEST(ResourcesParse, GivesNamesWithoutARoleTheDefaultOne) {
  EXPECT_EQ(bag("cpus:1;mem(*):5;disk(db):6", "web"), bag("cpus(web):1;mem:5;disk(db):6"));
}

TEST(ResourcesParse, AddsUpWhatIsNamedTwice) {
  EXPECT_EQ(bag("cpus:1;cpus:0.5;p:[1-2];p:[3-4]").toString(), "cpus:1.5; p:[1-4]");
}

TEST(ResourcesParse, HasNothingFromNothing) {
  for (const char* text : {"", " ", ";;", "cpus:0", "ports:[]", "ports:[ ]", "zones:{}"}) {
    EXPECT_TRUE(bag(text).empty()) << text;
  }
}

struct BadText {
  const char* text;
  const char* error;
};

class BadTexts : public testing::TestWithParam<BadText> {};

TEST_P(BadTexts, AreRefusedNamingTokenPlaceAndReason) {
  const auto parsed = Resources::parse(GetParam().text);
  ASSERT_FALSE(parsed) << GetParam().text;
  EXPECT_EQ(parsed.error().message, "Cannot parse resource " + std::string(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    ResourcesParse, BadTexts,
    testing::Values(
        BadText{"cpus", "'cpus' (at character 1): there is no ':' between name and value"},
        BadText{"cpus:1; mem=3",
                "'mem=3' (at character 9): there is no ':' between name and value"},
        BadText{"cpus:", "'cpus:' (at character 1): there is no value after ':'"},
        BadText{":1", "':1' (at character 1): A resource's name must not be empty"},
        BadText{"cpus:two",
                "'cpus:two' (at character 1): 'two' is neither a number, nor [BEGIN-END,...], "
                "nor {ITEM,...}"},
        BadText{"cpus:1x",
                "'cpus:1x' (at character 1): '1x' is neither a number, nor [BEGIN-END,...], "
                "nor {ITEM,...}"},
        BadText{"cpus:-1", "'cpus:-1' (at character 1): Invalid scalar resource: value <= 0"},
        BadText{"cpus:0.0004",
                "'cpus:0.0004' (at character 1): Invalid scalar resource: value <= 0"},
        BadText{"cpus:inf",
                "'cpus:inf' (at character 1): Invalid scalar resource: the value is not a number "
                "up to 9e15"},
        BadText{"cpus:nan",
                "'cpus:nan' (at character 1): Invalid scalar resource: the value is not a number "
                "up to 9e15"},
        BadText{"p:[1-2", "'p:[1-2' (at character 1): the ']' is missing"},
        BadText{"p:[", "'p:[' (at character 1): the ']' is missing"},
        BadText{"p:{a", "'p:{a' (at character 1): the '}' is missing"},
        BadText{"p:[1]", "'p:[1]' (at character 1): '1' is not a range BEGIN-END of numbers"},
        BadText{"p:[1-2,]", "'p:[1-2,]' (at character 1): '' is not a range BEGIN-END of numbers"},
        BadText{"p:[1-x]", "'p:[1-x]' (at character 1): '1-x' is not a range BEGIN-END of numbers"},
        BadText{"p:[2-1]",
                "'p:[2-1]' (at character 1): Invalid ranges resource: the range 2-1 ends before it "
                "begins"},
        BadText{"p:[1-5,4-9]",
                "'p:[1-5,4-9]' (at character 1): Invalid ranges resource: ranges overlap at 4"},
        BadText{"z:{a,,b}", "'z:{a,,b}' (at character 1): an item of the set is empty"},
        BadText{"z:{a,a}",
                "'z:{a,a}' (at character 1): Invalid set resource: the item 'a' appears twice"},
        BadText{"cpus(web:1",
                "'cpus(web:1' (at character 1): there is no ':' between name and value"},
        BadText{"cpus():1", "'cpus():1' (at character 1): A role's name must not be empty"},
        BadText{"cpus(a b):1",
                "'cpus(a b):1' (at character 1): Role 'a b' is invalid: it has white space or a "
                "DEL character"},
        BadText{"cpus:1;cpus:[1-2]",
                "'cpus:[1-2]' (at character 8): 'cpus' has another type of value further left"}));

TEST(Roles, FollowTheRulesOfMesos) {
  for (const char* role :
       {"*", "web", "a/b/c", "a*", "...", "a-", "\x01", "a\\b", "a,b", "\xC2\xA0", "a:b"}) {
    EXPECT_TRUE(validateRole(role)) << role;
  }
  EXPECT_TRUE(validateRole(std::string(5000, 'a')));
  for (const char* role : {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "./a", "a/*", "-a",
                           "a/-b", "a b", "a\tb", "a\nb", "a\vb", "a\fb", "a\rb", "a\x7f"}) {
    EXPECT_FALSE(validateRole(role)) << role;
  }
}

class Malformed : public testing::TestWithParam<const char*> {};

TEST_P(Malformed, IsRefusedAndDropped) {
  const Resource malformed = resource(GetParam());
  EXPECT_FALSE(Resources::validate(malformed));
  EXPECT_TRUE(Resources(malformed).empty());
  Protos protos;
  *protos.Add() = cpus("");
  *protos.Add() = malformed;
  EXPECT_FALSE(Resources::validate(protos));
  EXPECT_EQ(Resources(protos), bag("cpus:2"));
}

INSTANTIATE_TEST_SUITE_P(
    FactL20, Malformed,
    testing::Values(
        "name: '' type: SCALAR scalar { value: 1 }", "name: 'x' type: SCALAR",
        "name: 'x' type: SCALAR ranges {}", "name: 'x' type: RANGES",
        "name: 'x' type: RANGES scalar { value: 1 }", "name: 'x' type: SET",
        "name: 'x' type: SET set { item: 'a' } scalar { value: 1 }",
        "name: 'x' type: SCALAR scalar { value: 1 } ranges {}", "name: 'x' type: TEXT",
        "name: 'x' type: SCALAR scalar { value: -1 }",
        "name: 'x' type: SCALAR scalar { value: 0.0004 }",
        "name: 'x' type: SCALAR scalar { value: -0.0001 }",
        "name: 'x' type: SCALAR scalar { value: 1e30 }",
        "name: 'x' type: SCALAR scalar { value: inf }",
        "name: 'x' type: SCALAR scalar { value: nan }",
        "name: 'x' type: RANGES ranges { range { begin: 2 end: 1 } }",
        "name: 'x' type: RANGES ranges { range { begin: 1 end: 5 } range { begin: 5 end: 6 } }",
        "name: 'x' type: RANGES ranges { range { begin: 1 end: 5 } range { begin: 1 end: 5 } }",
        "name: 'x' type: SET set { item: 'a' item: 'b' item: 'a' }",
        "name: 'x' type: SCALAR scalar { value: 1 } role: ''",
        "name: 'x' type: SCALAR scalar { value: 1 } role: 'a b'",
        "name: 'x' type: SCALAR scalar { value: 1 } reservation {}",
        "name: 'x' type: SCALAR scalar { value: 1 } role: '*' reservation {}",
        "name: 'x' type: SCALAR scalar { value: 1 } role: 'r' reservation { type: DYNAMIC }",
        "name: 'x' type: SCALAR scalar { value: 1 } disk {}",
        "name: 'x' type: SCALAR scalar { value: 1 } reservations { role: 'r' }",
        "name: 'x' type: SCALAR scalar { value: 1 } reservations { type: UNKNOWN role: 'r' }",
        "name: 'x' type: SCALAR scalar { value: 1 } reservations { type: STATIC }",
        "name: 'x' type: SCALAR scalar { value: 1 } reservations { type: STATIC role: '*' }",
        "name: 'x' type: SCALAR scalar { value: 1 } reservations { type: STATIC role: '/r' }",
        "name: 'x' type: SCALAR scalar { value: 1 } "
        "reservations { type: STATIC role: 'a' } reservations { type: STATIC role: 'a/b' }",
        "name: 'x' type: SCALAR scalar { value: 1 } "
        "reservations { type: STATIC role: 'a' } reservations { type: DYNAMIC role: 'ab' }"));

INSTANTIATE_TEST_SUITE_P(
    FactS72, Malformed,
    testing::Values(
        "name: 'x' type: SCALAR scalar { value: 1 } role: 'a' "
        "reservations { type: STATIC role: 'b' }",
        "name: 'x' type: SCALAR scalar { value: 1 } role: '*' "
        "reservations { type: STATIC role: 'b' }",
        "name: 'x' type: SCALAR scalar { value: 1 } role: 'b' "
        "reservations { type: DYNAMIC role: 'b' }",
        "name: 'x' type: SCALAR scalar { value: 1 } role: 'b' reservation { principal: 'p' } "
        "reservations { type: DYNAMIC role: 'b' principal: 'q' }",
        "name: 'x' type: SCALAR scalar { value: 1 } role: 'b' reservation {} "
        "reservations { type: STATIC role: 'b' }",
        "name: 'x' type: SCALAR scalar { value: 1 } reservation {} "
        "reservations { type: DYNAMIC role: 'b' }"));

class WellFormed : public testing::TestWithParam<const char*> {};

TEST_P(WellFormed, IsAccepted) {
  const auto valid = Resources::validate(resource(GetParam()));
  EXPECT_TRUE(valid) << valid.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    FactsL20AndS72, WellFormed,
    testing::Values(
        "name: 'x' type: SCALAR scalar { value: 0 }", "name: 'x' type: SCALAR scalar { value: -0 }",
        "name: 'x' type: SCALAR scalar { value: 0.0005 }", "name: 'x' type: RANGES ranges {}",
        "name: 'x' type: RANGES ranges { range { begin: 1 end: 5 } range { begin: 6 end: 6 } }",
        "name: 'x' type: RANGES ranges { range { begin: 7 end: 9 } range { begin: 1 end: 2 } }",
        "name: 'x' type: SET set {}", "name: 'disk' type: SCALAR scalar { value: 1 } disk {}",
        "name: 'x' type: SCALAR scalar { value: 1 } role: '*'",
        "name: 'x' type: SCALAR scalar { value: 1 } role: 'r' reservation { principal: 'p' }",
        "name: 'x' type: SCALAR scalar { value: 1 } "
        "reservations { type: STATIC role: 'a' } reservations { type: DYNAMIC role: 'a/b' }",
        "name: 'x' type: SCALAR scalar { value: 1 } role: 'a' "
        "reservations { type: STATIC role: 'a' }",
        "name: 'x' type: SCALAR scalar { value: 1 } role: 'b' reservation { principal: 'p' } "
        "reservations { type: DYNAMIC role: 'b' principal: 'p' }"));

TEST(Resources, NameTheMalformedOneOfMany) {
  Protos protos;
  *protos.Add() = cpus("");
  *protos.Add() = resource("name: 'mem' type: SCALAR scalar { value: -1 } role: 'web'");
  EXPECT_EQ(Resources::validate(protos).error().message,
            "Resource 'mem(web):-1' is invalid: Invalid scalar resource: value <= 0");
}

TEST(Resources, AddUpTenthsExactly) {
  Resources sum;
  for (int i = 0; i < 1000; ++i) sum += bag("cpus:0.1") + bag("cpus:0.2");
  EXPECT_EQ(sum.cpus(), 300.0);
  EXPECT_EQ(sum, bag("cpus:300"));
  EXPECT_TRUE((bag("cpus:0.1") + bag("cpus:0.2")).contains(bag("cpus:0.3")));
  for (int i = 0; i < 1000; ++i) sum -= bag("cpus:0.3");
  EXPECT_TRUE(sum.empty());
}

TEST(Resources, RoundToThousandths) {
  EXPECT_EQ(bag("cpus:0.0005"), bag("cpus:0.001"));
  EXPECT_EQ(bag("cpus:1.9996").cpus(), 2.0);
  EXPECT_EQ(bag("cpus:1.25;x:0.001;y:1000000").toString(), "cpus:1.25; x:0.001; y:1000000");
}

TEST(Resources, CountUpToNineThousandMillionMillions) {
  EXPECT_TRUE(Resources::parse("x:9e15"));
  EXPECT_FALSE(Resources::parse("x:9.1e15"));
  EXPECT_EQ((bag("x:9e15") + bag("x:9e15")).scalar("x"), 9e15);
  EXPECT_EQ((bag("x:9e15") + bag("x(r):9e15")).scalar("x"), 9e15);
}

TEST(Resources, NeverGoBelowZero) {
  EXPECT_TRUE((bag("cpus:1") - bag("cpus:2")).empty());
  EXPECT_EQ(bag("cpus:1;p:[1-5]") - bag("mem:5;p:[4-9];cpus(web):1"), bag("cpus:1;p:[1-3]"));
}

TEST(Resources, MayBeAddedToAndSubtractedFromThemselves) {
  Resources resources = bag("cpus:1;cpus(web):2;p:[1-3]");
  resources += resources;
  EXPECT_EQ(resources, bag("cpus:2;cpus(web):4;p:[1-3]"));
  resources -= resources;
  EXPECT_TRUE(resources.empty());
}

TEST(Resources, MergeAndSplitRanges) {
  EXPECT_EQ((bag("p:[5-6]") + bag("p:[1-2]") + bag("p:[3-4]")).toString(), "p:[1-6]");
  EXPECT_EQ((bag("p:[1-10]") - bag("p:[3-4,7-7,10-12]")).toString(), "p:[1-2, 5-6, 8-9]");
  EXPECT_EQ((bag("p:[1-3,5-7,9-11]") - bag("p:[2-10]")).toString(), "p:[1-1, 11-11]");
  EXPECT_EQ((bag("p:[1-3]") - bag("p:[0-9]")).toString(), "");
  EXPECT_TRUE(bag("p:[1-10]").contains(bag("p:[1-2,9-10]")));
  EXPECT_FALSE(bag("p:[1-4,6-9]").contains(bag("p:[4-6]")));
}

TEST(Resources, ReachTheLastNumberOfARange) {
  const std::string last = std::to_string(std::numeric_limits<std::uint64_t>::max());
  const Resources all = bag("p:[0-" + last + "]");
  EXPECT_EQ((all - bag("p:[0-0]")).toString(), "p:[1-" + last + "]");
  EXPECT_EQ((all - bag("p:[5-" + last + "]")).toString(), "p:[0-4]");
  EXPECT_EQ(all - bag("p:[7-7]") + bag("p:[7-7]"), all);
}

TEST(Resources, AddAndSubtractSets) {
  EXPECT_EQ((bag("z:{a,b}") + bag("z:{c,b}")).toString(), "z:{a, b, c}");
  EXPECT_EQ((bag("z:{a,b,c}") - bag("z:{b,d}")).toString(), "z:{a, c}");
  EXPECT_TRUE(bag("z:{a,b}").contains(bag("z:{b}")));
  EXPECT_FALSE(bag("z:{a,b}").contains(bag("z:{b,c}")));
}

TEST(Resources, KeepRolesApart) {
  const Resources web = bag("cpus(web):2");
  const Resources anyone = bag("cpus:2");
  EXPECT_FALSE(web.contains(bag("cpus:1")));
  EXPECT_FALSE(anyone.contains(bag("cpus(web):1")));
  EXPECT_NE(web, anyone);
  EXPECT_EQ((web + anyone).cpus(), 4.0);
  EXPECT_EQ((web + anyone).reservedTo("web"), web);
  EXPECT_TRUE((web + anyone).reservedTo("we").empty());
  EXPECT_EQ((web + anyone).unreserved(), anyone);
}

TEST(Resources, KeepApartWhatDiffersInAnyOtherRespect) {
  const std::vector<std::string> kinds = {
      "",
      "role: 'web'",
      "role: 'web' reservation {}",
      "role: 'web' reservation { principal: 'p' }",
      "role: 'web' reservation { labels { labels { key: 'k' } } }",
      "reservations { type: STATIC role: 'web' } reservations { type: DYNAMIC role: 'web/a' }",
      "allocation_info { role: 'web' }",
      "allocation_info { role: 'db' }",
      "revocable {}",
      "shared {}",
      "provider_id { value: 'p' }"};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    for (std::size_t j = 0; j < kinds.size(); ++j) {
      const Resources a(cpus(kinds[i]));
      const Resources b(cpus(kinds[j]));
      EXPECT_EQ(a.contains(b), i == j) << kinds[i] << " | " << kinds[j];
      EXPECT_EQ(a == b, i == j);
      EXPECT_EQ((a - b).empty(), i == j);
    }
  }
}

TEST(Resources, TakeVolumesAndSharedResourcesWholeOnly) {
  const Resources volume(resource(kVolume));
  Resource half = resource(kVolume);
  half.mutable_scalar()->set_value(32);
  EXPECT_FALSE(volume.contains(Resources(half)));
  EXPECT_EQ(volume - Resources(half), volume);
  EXPECT_TRUE(volume.contains(volume));
  EXPECT_FALSE(volume.contains(bag("disk(web):64")));
  EXPECT_TRUE((volume - volume).empty());
  EXPECT_FALSE(volume.contains(volume + volume));
  EXPECT_EQ(volume + volume - volume, volume);
  Resource shared = resource(kVolume);
  shared.mutable_shared();
  const Resources twice = Resources(shared) + Resources(shared);
  EXPECT_TRUE(twice.contains(Resources(shared)));
  EXPECT_FALSE(Resources(shared).contains(twice));
  EXPECT_EQ(twice - Resources(shared), Resources(shared));
}

TEST(Resources, SumOverRolesByName) {
  const Resources resources =
      bag("cpus(a):1;cpus:0.5;mem:10;disk:20;ports(a):[5-6];ports:[1-4,9-9]");
  EXPECT_EQ(resources.cpus(), 1.5);
  EXPECT_EQ(resources.mem(), 10.0);
  EXPECT_EQ(resources.disk(), 20.0);
  EXPECT_EQ(resources.scalar("gpus"), 0.0);
  EXPECT_EQ(resources.scalar("ports"), 0.0);
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> expected = {{1, 6}, {9, 9}};
  EXPECT_EQ(resources.ports(), expected);
  EXPECT_TRUE(resources.ranges("cpus").empty());
}

TEST(Resources, AreAllocatedToOneRoleAndToNone) {
  const Resources resources = bag("cpus:1;cpus(web):2;ports:[1-2]");
  const Resources allocated = resources.allocatedTo("web");
  EXPECT_NE(allocated, resources);
  for (const Resource& each : allocated) EXPECT_EQ(each.allocation_info().role(), "web");
  EXPECT_EQ(allocated.unallocated(), resources);
  EXPECT_EQ((allocated + resources.allocatedTo("db")).unallocated(), resources + resources);
  EXPECT_EQ(allocated.allocatedTo("db"), resources.allocatedTo("db"));
}

TEST(ResourcesFind, TakesReservedOnesFirstThenUnreserved) {
  const Resources offer = bag("cpus:2;cpus(web):1;mem:512;ports:[1-9]");
  EXPECT_EQ(offer.find(bag("cpus:0.5;mem:100")), bag("cpus(web):0.5;mem:100"));
  EXPECT_EQ(offer.find(bag("cpus:1.5")), bag("cpus(web):1;cpus:0.5"));
  EXPECT_EQ(offer.find(bag("cpus:3")), bag("cpus(web):1;cpus:2"));
  EXPECT_EQ(offer.find(bag("cpus:3.001")), std::nullopt);
  EXPECT_EQ(offer.find(bag("gpus:1")), std::nullopt);
  EXPECT_EQ(offer.find(bag("cpus:1;mem:513")), std::nullopt);
  EXPECT_EQ(offer.find(Resources()), Resources());
}

TEST(ResourcesFind, TakesTheRangesAndItemsAskedForWhereverTheyAre) {
  const Resources offer = bag("ports(web):[1-4];ports:[5-9];zones:{a,b}");
  EXPECT_EQ(offer.find(bag("ports:[3-6]")), bag("ports(web):[3-4];ports:[5-6]"));
  EXPECT_EQ(offer.find(bag("ports:[1-1,9-9];zones:{b}")),
            bag("ports(web):[1-1];ports:[9-9];zones:{b}"));
  EXPECT_EQ(offer.find(bag("ports:[9-10]")), std::nullopt);
  EXPECT_EQ(offer.find(bag("zones:{c}")), std::nullopt);
}

TEST(ResourcesFind, MatchesARoleThatIsAskedForExactly) {
  const Resources offer = bag("cpus:2;cpus(web):1;cpus(db):1");
  EXPECT_EQ(offer.find(bag("cpus(db):1")), bag("cpus(db):1"));
  EXPECT_EQ(offer.find(bag("cpus(db):2")), std::nullopt);
  // What has a role of its own is served although an earlier entry could have taken it.
  EXPECT_EQ(offer.find(bag("cpus:2;cpus(web):1")), bag("cpus(web):1;cpus(db):1;cpus:1"));
}

TEST(ResourcesFind, KeepsTheAllocationAndIsContainedInTheOffer) {
  const Resources offer = bag("cpus:2;cpus(web):1;mem:512").allocatedTo("web");
  const auto found = offer.find(bag("cpus:1.5;mem:64"));
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, bag("cpus(web):1;cpus:0.5;mem:64").allocatedTo("web"));
  EXPECT_TRUE(offer.contains(*found));
  EXPECT_EQ(offer.find(bag("cpus:1").allocatedTo("db")), std::nullopt);
}

TEST(ResourcesFind, LeavesVolumesRevocableAndSharedOnesAlone) {
  Protos protos;
  *protos.Add() = resource(kVolume);
  *protos.Add() = cpus("revocable {}");
  *protos.Add() = resource("name: 'mem' type: SCALAR scalar { value: 8 } shared {}");
  const Resources offer(protos);
  EXPECT_EQ(offer.find(bag("disk:32")), std::nullopt);
  EXPECT_EQ(offer.find(bag("cpus:1")), std::nullopt);
  EXPECT_EQ(offer.find(bag("mem:1")), std::nullopt);
  EXPECT_EQ(offer.find(offer), offer);
}

TEST(ResourcesFormats, ShowReservationsAsRefinementKnowsThem) {
  const Resources resources(cpus("role: 'web' reservation { principal: 'p' }"));
  ASSERT_EQ(resources.toProto().size(), 1);
  EXPECT_EQ(resources.toProto()[0].SerializeAsString(),
            cpus("reservations { type: DYNAMIC role: 'web' principal: 'p' }").SerializeAsString());
  EXPECT_EQ(Resources(cpus("role: '*'")).toProto()[0].SerializeAsString(),
            cpus("").SerializeAsString());
}

TEST(ResourcesFormats, SurviveTheWayThroughBoth) {
  for (const char* kind :
       {"", "reservations { type: STATIC role: 'web' }",
        "reservations { type: DYNAMIC role: 'web' principal: 'p' labels { labels { key: 'k' } } }",
        "reservations { type: DYNAMIC role: 'web' } allocation_info { role: 'web' }"}) {
    const Resources resources(cpus(kind));
    EXPECT_EQ(Resources(resources.toProto()), resources) << kind;
    EXPECT_EQ(Resources(resources.toPreRefinementProto()), resources) << kind;
  }
}

TEST(ResourcesFormats, SayInTheOldOneWhatItCanSay) {
  const auto old = [](const std::string& kind) {
    return Resources(cpus(kind)).toPreRefinementProto();
  };
  EXPECT_EQ(old("")[0].SerializeAsString(), cpus("role: '*'").SerializeAsString());
  EXPECT_EQ(old("reservations { type: STATIC role: 'a' }")[0].SerializeAsString(),
            cpus("role: 'a'").SerializeAsString());
  EXPECT_EQ(old("reservations { type: DYNAMIC role: 'a' principal: 'p' }")[0].SerializeAsString(),
            cpus("role: 'a' reservation { principal: 'p' }").SerializeAsString());
  EXPECT_TRUE(old("reservations { type: STATIC role: 'a' } "
                  "reservations { type: DYNAMIC role: 'a/b' }")
                  .empty());
}

TEST(ResourcesFormats, AreOneWhenBothSayTheSame) {
  EXPECT_EQ(Resources(cpus("role: 'a' reservations { type: STATIC role: 'a' }")), bag("cpus(a):2"));
}

TEST(Resources, CopiesAreIndependentWhicheverOfThemChanges) {
  const Resources one = Resources::parse("cpus:2;mem:512;ports:[1-9]").value();
  Resources other = one;
  other -= Resources::parse("cpus:1;ports:[2-3]").value();
  EXPECT_EQ(one.toString(), "cpus:2; mem:512; ports:[1-9]");
  EXPECT_EQ(other.toString(), "cpus:1; mem:512; ports:[1-1, 4-9]");
  Resources third = other;
  other += one;
  EXPECT_EQ(third.toString(), "cpus:1; mem:512; ports:[1-1, 4-9]");
  EXPECT_EQ(other.cpus(), 3);
  third += third;
  EXPECT_EQ(third.cpus(), 2);
  third -= third;
  EXPECT_TRUE(third.empty());
  Resources moved = std::move(other);
  other = one;
  EXPECT_EQ(moved.cpus(), 3);
  EXPECT_EQ(other, one);
}

}  // namespace
}  // namespace mesos
