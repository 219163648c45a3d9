#include "protocol/http.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace mesos::protocol {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Headers, AreFoundWithoutRegardToCase) {
  const Headers headers = {{"Mesos-Stream-Id", "1"}, {"Accept", ""}};
  ASSERT_NE(headers.find("mesos-stream-ID"), nullptr);
  EXPECT_EQ(*headers.find("mesos-stream-ID"), "1");
  EXPECT_TRUE(headers.has("ACCEPT"));
  EXPECT_EQ(headers.find("Accept-Encoding"), nullptr);
  EXPECT_EQ(headers.find(""), nullptr);
}

TEST(Headers, KeepTheOrderAndEveryValueAdded) {
  Headers headers;
  EXPECT_TRUE(headers.empty());
  headers.add("B", "1");
  headers.add("a", "2");
  headers.add("b", "3");
  EXPECT_EQ(*headers.find("b"), "1");
  EXPECT_EQ(Pairs(headers.begin(), headers.end()), (Pairs{{"B", "1"}, {"a", "2"}, {"b", "3"}}));
}

TEST(Headers, ChangeOnlyTheirOwnCopy) {
  Headers headers = {{"A", "1"}};
  Headers copy = headers;
  EXPECT_TRUE(copy.sharesWith(headers));
  EXPECT_FALSE(copy.sharesWith(Headers{{"A", "1"}}));
  EXPECT_FALSE(Headers().sharesWith(Headers()));
  copy.add("B", "2");
  EXPECT_FALSE(copy.sharesWith(headers));
  EXPECT_FALSE(headers.has("B"));
  headers.set("A", "3");
  EXPECT_EQ(*copy.find("A"), "1");
}

TEST(Headers, SetReplacesEveryValue) {
  Headers headers = {{"B", "1"}, {"a", "2"}, {"b", "3"}};
  headers.set("b", "4");
  EXPECT_EQ(Pairs(headers.begin(), headers.end()), (Pairs{{"a", "2"}, {"b", "4"}}));
}

TEST(Http, ComparesWithoutCaseInAsciiOnly) {
  EXPECT_TRUE(equalsIgnoringCase("Content-TYPE", "content-type"));
  EXPECT_FALSE(equalsIgnoringCase("content", "content-type"));
  EXPECT_FALSE(equalsIgnoringCase("a[", "a{"));
  EXPECT_FALSE(equalsIgnoringCase("\xC4", "\xE4"));
  EXPECT_TRUE(equalsIgnoringCase("", ""));
}

TEST(Http, NamesTheStatusesMesosAnswersWith) {
  EXPECT_EQ(reasonOf(200), "OK");
  EXPECT_EQ(reasonOf(202), "Accepted");
  EXPECT_EQ(reasonOf(307), "Temporary Redirect");
  EXPECT_EQ(reasonOf(415), "Unsupported Media Type");
  EXPECT_EQ(reasonOf(503), "Service Unavailable");
  EXPECT_EQ(reasonOf(299), "Unknown");
}

TEST(PercentDecode, TurnsEscapesIntoBytes) {
  EXPECT_EQ(percentDecode("slave%281%29", false), "slave(1)");
  EXPECT_EQ(percentDecode("%e4%C4", false), "\xE4\xC4");
  EXPECT_EQ(percentDecode("%00", false), std::string(1, '\0'));
  EXPECT_EQ(percentDecode("100%25", false), "100%");
  EXPECT_EQ(percentDecode("", false), "");
}

TEST(PercentDecode, TakesPlusForABlankOnlyWhereAsked) {
  EXPECT_EQ(percentDecode("a+b%2B", true), "a b+");
  EXPECT_EQ(percentDecode("a+b%2B", false), "a+b+");
}

TEST(PercentDecode, RefusesMalformedEscapes) {
  for (const char* text : {"%", "%2", "%zz", "%2g", "a%", "%%41", "%+1", "% 1"}) {
    EXPECT_EQ(percentDecode(text, true), std::nullopt) << text;
  }
}

struct TargetCase {
  const char* text;
  const char* path;
  Pairs query;
};

class Targets : public testing::TestWithParam<TargetCase> {};

TEST_P(Targets, AreSplitIntoPathAndQuery) {
  const auto target = parseTarget(GetParam().text);
  ASSERT_TRUE(target) << GetParam().text;
  EXPECT_EQ(target->path, GetParam().path) << GetParam().text;
  EXPECT_EQ(target->query, GetParam().query) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Http, Targets,
    testing::Values(
        TargetCase{"/state", "/state", {}}, TargetCase{"/state?", "/state", {}},
        TargetCase{"/s?a=1&b=2", "/s", {{"a", "1"}, {"b", "2"}}},
        TargetCase{"/s?a=1;b=2", "/s", {{"a", "1"}, {"b", "2"}}},
        TargetCase{"/s?path=%2Ftmp%2fx+y", "/s", {{"path", "/tmp/x y"}}},
        TargetCase{"/s?a", "/s", {{"a", ""}}}, TargetCase{"/s?a=b=c", "/s", {{"a", "b=c"}}},
        TargetCase{"/s?&&a=1&", "/s", {{"a", "1"}}}, TargetCase{"/s?a=1?2", "/s", {{"a", "1?2"}}},
        TargetCase{"/s?a=1#part", "/s", {{"a", "1"}}},
        // Only the first component is decoded, by the router (fact T7).
        TargetCase{"/slave%281%29/state", "/slave%281%29/state", {}},
        TargetCase{"http://host:5050/state?a=1", "/state", {{"a", "1"}}},
        TargetCase{"https://host", "/", {}}, TargetCase{"http://host?a=1", "/", {{"a", "1"}}},
        TargetCase{"*", "*", {}}, TargetCase{"", "", {}}));

TEST(Targets, LetTheLastOfARepeatedKeyCount) {
  const auto target = parseTarget("/tasks?limit=1&offset=5&limit=2");
  ASSERT_TRUE(target);
  ASSERT_NE(target->find("limit"), nullptr);
  EXPECT_EQ(*target->find("limit"), "2");
  EXPECT_EQ(target->find("order"), nullptr);
}

TEST(Targets, WithMalformedEscapesInTheQueryAreRefused) {
  EXPECT_FALSE(parseTarget("/s?a=%"));
  EXPECT_FALSE(parseTarget("/s?%zz=1"));
}

TEST(Address, IsAHostAndAPort) {
  EXPECT_EQ(parseAddress("master.example:5050"), (Address{"master.example", 5050}));
  EXPECT_EQ(parseAddress("127.0.0.1:1"), (Address{"127.0.0.1", 1}));
  EXPECT_EQ(parseAddress("[::1]:65535"), (Address{"::1", 65535}));
}

TEST(Address, IsWrittenSoThatItCanBeReadBack) {
  for (const char* text : {"host:80", "127.0.0.1:5050", "[::1]:65535"}) {
    EXPECT_EQ(parseAddress(text).value().toString(), text);
  }
}

TEST(Address, RefusesAnythingElse) {
  for (const char* text : {"",        ":",          "host",          "host:",       ":5050",
                           "host:0",  "host:65536", "host:-1",       "host:+1",     "host: 1",
                           "host:1 ", "host:x",     "http://host:1", "a b:1",       "user@host:1",
                           "a,b:1",   "host:1/",    "[::1:5050",     "a\r\nX: y:1", "a\t:1",
                           "h\x7f:1", "h\xc3\xa9:1"}) {
    EXPECT_EQ(parseAddress(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace mesos::protocol
