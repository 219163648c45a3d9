#include "cluster/routing.hpp"

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

/// Which of a master's endpoints serves `path`; "404" if none.
std::string served(std::string_view path) {
  static const Endpoints<std::string> endpoints("master",
                                                {{"/master/state", "state"},
                                                 {"/master/api/v1", "operator"},
                                                 {"/master/api/v1/scheduler", "scheduler"},
                                                 {"/files/browse", "browse"},
                                                 {"/version", "version"}});
  const auto* endpoint = endpoints.find(path);
  return endpoint == nullptr ? "404" : endpoint->second;
}

TEST(Endpoints, ShortPathsBelongToTheDefaultActor) {
  EXPECT_EQ(served("/state"), "state");
  EXPECT_EQ(served("/master/state"), "state");
  EXPECT_EQ(served("/api/v1/scheduler"), "scheduler");
  EXPECT_EQ(served("/master/api/v1/scheduler"), "scheduler");
}

TEST(Endpoints, OtherActorsKeepTheirOwnPaths) {
  EXPECT_EQ(served("/files/browse"), "browse");
  EXPECT_EQ(served("/master/files/browse"), "404");
  EXPECT_EQ(served("/version"), "version");
  EXPECT_EQ(served("/master/version"), "404");
  EXPECT_EQ(served("/files"), "404");
}

TEST(Endpoints, LongestPrefixOfWholeComponentsWins) {
  EXPECT_EQ(served("/state/anything"), "state");
  EXPECT_EQ(served("/api/v1/anything"), "operator");
  EXPECT_EQ(served("/api/v1/executor"), "operator");
  EXPECT_EQ(served("/api/v1/scheduler/x/y"), "scheduler");
  EXPECT_EQ(served("/api"), "404");
  EXPECT_EQ(served("/states"), "404");
  EXPECT_EQ(served("/state.json"), "404");
  EXPECT_EQ(served("/"), "404");
  EXPECT_EQ(served(""), "404");
}

TEST(Endpoints, ExtraSlashesDoNotMatter) {
  EXPECT_EQ(served("/state/"), "state");
  EXPECT_EQ(served("//state"), "state");
  EXPECT_EQ(served("/master//state//"), "state");
}

TEST(Endpoints, OnlyAnActorMayBePercentEncoded) {
  EXPECT_EQ(served("/%6daster/state"), "state");
  EXPECT_EQ(served("/%73tate"), "404");
  EXPECT_EQ(served("/master/%73tate"), "404");
  EXPECT_EQ(served("/%zz/state"), "404");
  const Endpoints<int> agent("slave(1)", {{"/slave(1)/state", 1}});
  EXPECT_NE(agent.find("/slave%281%29/state"), nullptr);
  EXPECT_NE(agent.find("/slave(1)/state"), nullptr);
  EXPECT_EQ(agent.find("/slave(2)/state"), nullptr);
}

TEST(Endpoints, DotDotIsNeverServed) {
  EXPECT_EQ(served("/../state"), "404");
  EXPECT_EQ(served("/master/../state"), "404");
  EXPECT_EQ(served("/state/..x"), "404");
}

TEST(TargetOf, TellsWhatCannotBeRouted) {
  const auto target = [](const std::string& text) {
    protocol::Request request;
    request.target = text;
    return targetOf(1, request);
  };
  EXPECT_TRUE(std::holds_alternative<protocol::Target>(target("/state?a=b")));
  EXPECT_TRUE(std::holds_alternative<protocol::Target>(target("http://host:1/state")));
  EXPECT_TRUE(std::holds_alternative<protocol::Target>(target("http://host")));
  EXPECT_TRUE(std::holds_alternative<Hangup>(target("/state?a=%zz")));
  EXPECT_TRUE(std::holds_alternative<Hangup>(target("state")));
  const auto star = target("*");
  ASSERT_TRUE(std::holds_alternative<Respond>(star));
  EXPECT_EQ(std::get<Respond>(star).response.status, 400);
}

}  // namespace
}  // namespace mesos::cluster
