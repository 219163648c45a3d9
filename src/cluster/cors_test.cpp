#include "cluster/cors.hpp"

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

using protocol::Request;

Request from(const std::string& origin) { return {"GET", "/state", {{"Origin", origin}}, {}}; }

Request asking(const std::string& origin) {
  return {
      "OPTIONS", "/api/v1", {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}}, {}};
}

TEST(Cors, AllowsNobodyUnlessToldAsMesosDoes) {
  EXPECT_TRUE(Cors().headersFor(from("http://page")).empty());
  EXPECT_FALSE(Cors().preflight(asking("http://page")));
}

TEST(Cors, NamesTheOriginThatIsAllowed) {
  const Cors cors({"http://page"});
  const auto headers = cors.headersFor(from("http://page"));
  EXPECT_EQ(*headers.find("Access-Control-Allow-Origin"), "http://page");
  EXPECT_EQ(*headers.find("Vary"), "Origin");
  EXPECT_EQ(*headers.find("Access-Control-Expose-Headers"), "Mesos-Stream-Id");
  EXPECT_TRUE(cors.headersFor(from("http://other")).empty());
  EXPECT_TRUE(cors.headersFor({"GET", "/state", {}, {}}).empty());
}

TEST(Cors, AllowsEveryOriginByAStar) {
  const auto headers = Cors({"*"}).headersFor(from("http://any"));
  EXPECT_EQ(*headers.find("Access-Control-Allow-Origin"), "*");
  EXPECT_FALSE(headers.has("Vary"));
}

TEST(Cors, AnswersWhoAsksBeforeACall) {
  const Cors cors({"http://page"});
  const auto response = cors.preflight(asking("http://page"));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(*response->headers.find("Access-Control-Allow-Methods"), "GET, POST");
  EXPECT_FALSE(cors.preflight(asking("http://other")));
  EXPECT_FALSE(cors.preflight(from("http://page")));
}

}  // namespace
}  // namespace mesos::cluster
