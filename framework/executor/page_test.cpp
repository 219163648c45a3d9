#include "executor/page.hpp"

#include <gtest/gtest.h>

namespace mesos::executor {
namespace {

protocol::Response ask(const std::string& method, const std::string& target) {
  protocol::Request request;
  request.method = method;
  request.target = target;
  return Page("Hello from Server").answer(request);
}

TEST(Page, IsServedAtTheRootWhateverTheQuery) {
  for (const char* target : {"/", "/?a=1", "http://example/"}) {
    const auto response = ask("GET", target);
    EXPECT_EQ(response.status, 200) << target;
    EXPECT_EQ(response.body, "Hello from Server");
    EXPECT_EQ(*response.headers.find("Content-Type"), "text/plain; charset=utf-8");
  }
  EXPECT_EQ(ask("HEAD", "/").status, 200);
}

TEST(Page, StandsReadyForWhatIsAskedForMostlyUnlessItIsLong) {
  const Page page("Hello from Server");
  ASSERT_TRUE(page.standingAnswer("GET", "/"));
  EXPECT_EQ(page.standingAnswer("GET", "/")->body, "Hello from Server");
  EXPECT_EQ(*page.standingAnswer("GET", "/")->headers.find("Content-Type"),
            "text/plain; charset=utf-8");
  EXPECT_FALSE(page.standingAnswer("HEAD", "/"));
  EXPECT_FALSE(page.standingAnswer("GET", "/no"));
  EXPECT_FALSE(page.standingAnswer("GET", "/?a=%zz"));
  EXPECT_FALSE(Page(std::string(100'000, 'x')).standingAnswer("GET", "/"));
}

TEST(Page, IsNowhereElse) {
  EXPECT_EQ(ask("GET", "/index.html").status, 404);
  EXPECT_EQ(ask("POST", "/index.html").status, 404);
  EXPECT_EQ(ask("GET", "/?a=%zz").status, 400);
}

TEST(Page, CanOnlyBeRead) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    const auto response = ask(method, "/");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(*response.headers.find("Allow"), "GET, HEAD");
  }
}

TEST(Page, IsHtmlIfItBeginsLikeHtml) {
  constexpr std::string_view kHtml = "text/html; charset=utf-8";
  constexpr std::string_view kPlain = "text/plain; charset=utf-8";
  EXPECT_EQ(contentTypeOf("<!DOCTYPE html><p>hi"), kHtml);
  EXPECT_EQ(contentTypeOf("\xEF\xBB\xBF \n<html lang=en>"), kHtml);
  EXPECT_EQ(contentTypeOf("<HTML>"), kHtml);
  EXPECT_EQ(contentTypeOf("<p>hi"), kPlain);
  EXPECT_EQ(contentTypeOf("see <html>"), kPlain);
  EXPECT_EQ(contentTypeOf(""), kPlain);
  EXPECT_EQ(contentTypeOf("   "), kPlain);
}

}  // namespace
}  // namespace mesos::executor
