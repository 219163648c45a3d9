#include "fleet/match_offer.hpp"

#include "fleet/sentences.hpp"

#include <gtest/gtest.h>

namespace mesos::fleet {
namespace {

Resources offered(const char* text) { return Resources::parse(text).value(); }

std::string refusalOf(const char* text, const std::set<std::uint16_t>& avoided = {}) {
  const auto placement = matchOffer(AppSpec{}, offered(text), avoided);
  return placement ? "fits" : placement.error().message;
}

TEST(MatchOffer, TakesTheServerItsExecutorAndTheLowestPort) {
  const auto placement = matchOffer(AppSpec{}, offered("cpus:2;mem:1024;ports:[31000-32000]"), {});
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->task, offered("cpus:0.5;mem:128;ports:[31000-31000]"));
  EXPECT_EQ(placement->executor, offered("cpus:0.01;mem:32"));
  EXPECT_EQ(placement->port, 31000);
}

TEST(MatchOffer, FitsAnOfferOfExactlyWhatIsNeeded) {
  EXPECT_EQ(refusalOf("cpus:0.51;mem:160;ports:[80-80]"), "fits");
}

TEST(MatchOffer, SaysHowMuchIsMissing) {
  EXPECT_EQ(refusalOf("cpus:0.505;mem:1024;ports:[31000-32000]"),
            "0.505 cpus offered, 0.51 needed (0.5 for the server, 0.01 for its executor)");
  EXPECT_EQ(refusalOf("cpus:2;mem:100;ports:[31000-32000]"),
            "100 MB of memory offered, 160 needed (128 for the server, 32 for its executor)");
  EXPECT_EQ(refusalOf("cpus:2;mem:1024"), "no port offered");
}

TEST(MatchOffer, SaysEverythingThatIsMissing) {
  EXPECT_EQ(refusalOf("disk:100"),
            "0 cpus offered, 0.51 needed (0.5 for the server, 0.01 for its executor); "
            "0 MB of memory offered, 160 needed (128 for the server, 32 for its executor); "
            "no port offered");
}

TEST(MatchOffer, AvoidsPortsAcrossRanges) {
  const auto placement = matchOffer(
      AppSpec{}, offered("cpus:1;mem:256;ports:[31000-31001,31005-31006]"), {31000, 31001, 31005});
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->port, 31006);
  EXPECT_EQ(refusalOf("cpus:1;mem:256;ports:[31000-31001]", {31000, 31001}),
            "a server failed on every port offered within the last minute");
}

TEST(MatchOffer, NeverChoosesANumberThatIsNoPort) {
  EXPECT_EQ(choosePort(offered("ports:[0-5]"), {}), 1);
  EXPECT_EQ(choosePort(offered("ports:[65536-70000]"), {}), 0);
  EXPECT_EQ(choosePort(offered("ports:[65535-70000]"), {65535}), 0);
}

TEST(MatchOffer, CombinesReservedAndUnreservedResourcesAndKeepsTheirRoles) {
  const auto placement = matchOffer(
      AppSpec{}, offered("cpus(web):0.3;cpus:1;mem(web):512;ports(web):[9000-9000]"), {});
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->task, offered("cpus(web):0.3;cpus:0.2;mem(web):128;ports(web):[9000-9000]"));
  EXPECT_EQ(placement->executor, offered("cpus:0.01;mem(web):32"));
}

TEST(MatchOffer, RefusesRevocableResourcesWithASentence) {
  Resource cpus;
  cpus.set_name("cpus");
  cpus.set_type(v1::Value::SCALAR);
  cpus.mutable_scalar()->set_value(4);
  cpus.mutable_revocable();
  const auto placement =
      matchOffer(AppSpec{}, offered("mem:512;ports:[80-81]") + Resources(cpus), {});
  ASSERT_FALSE(placement);
  EXPECT_EQ(placement.error().message,
            "what is offered is revocable or shared, which a server cannot use");
}

TEST(Sentences, FiguresHaveNoTrailingZeros) {
  EXPECT_EQ(formatQuantity(2), "2");
  EXPECT_EQ(formatQuantity(0.1 + 0.2), "0.3");
  EXPECT_EQ(formatQuantity(1234.5), "1234.5");
  EXPECT_EQ(formatQuantity(0), "0");
}

TEST(Sentences, WaitsAreRoundedToWhatMatters) {
  EXPECT_EQ(formatSeconds(std::chrono::milliseconds(1234)), "1.2 s");
  EXPECT_EQ(formatSeconds(std::chrono::milliseconds(9960)), "10 s");
  EXPECT_EQ(formatSeconds(std::chrono::seconds(60)), "60 s");
  EXPECT_EQ(formatSeconds(std::chrono::microseconds(3)), "0.1 s");
}

}  // namespace
}  // namespace mesos::fleet
