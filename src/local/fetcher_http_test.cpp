// Fetching by http and https.
#include "local/fetcher_fixture.hpp"
#include "tests/support/authority.hpp"
#include "transport/http_server.hpp"
#include "transport/tls.hpp"

#include <functional>
#include <memory>
#include <thread>

namespace mesos::local {
namespace {

// A server on a thread of its own; `answer` runs there.
class HttpFetchTest : public FetcherTest {
 protected:
  using Answer = std::function<void(transport::HttpExchange&, const protocol::Request&)>;

  void SetUp() override {
    FetcherTest::SetUp();
    auto server = transport::HttpServer::listen(
        loop_, {}, [this](const auto& exchange, const protocol::Request& request) {
          exchanges_.push_back(exchange);
          answer_(*exchange, request);
        });
    ASSERT_TRUE(server);
    server_ = std::move(server).value();
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    loop_.stop();
    thread_.join();
  }
  std::string url(const std::string& target) {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + target;
  }

  Answer answer_;
  transport::EventLoop loop_;
  std::vector<std::shared_ptr<transport::HttpExchange>> exchanges_;
  std::unique_ptr<transport::HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpFetchTest, StoresUnderTheNameWithItsQuery) {
  answer_ = [](auto& exchange, const protocol::Request& request) {
    exchange.respond({200, {}, "got " + request.target});
  };
  ASSERT_TRUE(fetch(url("/dir/a.tgz?x=1"))) << log();
  EXPECT_EQ(contents(sandbox_ + "/a.tgz?x=1"), "got /dir/a.tgz?x=1");
}

TEST_F(HttpFetchTest, SendsCredentialsAndKeepsThemOutOfTheLog) {
  answer_ = [](auto& exchange, const protocol::Request& request) {
    const std::string* const given = request.headers.find("Authorization");
    exchange.respond({given && *given == "Basic dTpw" ? 200 : 401, {}, ""});
  };
  std::string value = url("/file");
  value.insert(7, "u:p@");
  ASSERT_TRUE(fetch(value)) << log();
  EXPECT_EQ(log().find("u:p"), std::string::npos) << log();
}

TEST_F(HttpFetchTest, FollowsTenRedirectsAndNoMore) {
  int left = 10;
  answer_ = [&left](auto& exchange, const protocol::Request&) {
    if (left-- == 0) return exchange.respond({200, {}, "arrived"});
    exchange.respond({302, {{"Location", left % 2 ? "/next" : "next"}}, ""});
  };
  ASSERT_TRUE(fetch(url("/start"))) << log();
  EXPECT_EQ(contents(sandbox_ + "/start"), "arrived");
  left = 11;
  EXPECT_FALSE(fetch(url("/start")));
  EXPECT_NE(log().find("Too many redirects"), std::string::npos) << log();
}

TEST_F(HttpFetchTest, TakesNothingButA200) {
  for (const int status : {204, 404, 500}) {
    answer_ = [status](auto& exchange, const protocol::Request&) {
      exchange.respond({status, {}, ""});
    };
    EXPECT_FALSE(fetch(url("/file"))) << status;
    EXPECT_NE(log().find("answered " + std::to_string(status)), std::string::npos) << log();
  }
}

TEST_F(HttpFetchTest, FailsWhenTheBodyIsCut) {
  answer_ = [](auto& exchange, const protocol::Request&) {
    exchange.startStream({});
    exchange.write("half");
    exchange.hangUp();
  };
  EXPECT_FALSE(fetch(url("/file")));
}

TEST_F(HttpFetchTest, GivesUpOnAServerThatStalls) {
  options_.download.stallTimeout = std::chrono::milliseconds(100);
  answer_ = [](auto& exchange, const protocol::Request&) { exchange.startStream({}); };
  EXPECT_FALSE(fetch(url("/file")));
  EXPECT_NE(log().find("No progress"), std::string::npos) << log();
}

TEST_F(HttpFetchTest, LimitsTheSizeOfAFile) {
  options_.download.bytesMax = 3;
  answer_ = [](auto& exchange, const protocol::Request&) { exchange.respond({200, {}, "1234"}); };
  EXPECT_FALSE(fetch(url("/file")));
}

TEST_F(HttpFetchTest, FailsForAServerThatIsNotThere) {
  EXPECT_FALSE(fetch("http://127.0.0.1:1/file"));
}

TEST_F(HttpFetchTest, CanBeCancelledAndThenSaysThatItWasKilled) {
  std::promise<void> asked;
  answer_ = [&asked](auto&, const protocol::Request&) { asked.set_value(); };
  Fetcher fetcher(options_);
  std::promise<Result<void>> done;
  fetcher.start({"c1", sandbox_, user_, {uriOf(url("/file"))}},
                [&done](Result<void> result) { done.set_value(std::move(result)); });
  asked.get_future().wait();
  fetcher.cancel("c1");
  const auto result = done.get_future().get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "Failed to fetch all URIs for container 'c1': terminated with signal Killed");
}

TEST_F(HttpFetchTest, RunsMoreJobsThanThreadsAndEndsThemWithItself) {
  options_.threadsMax = 2;
  std::atomic<int> ended = 0;
  {
    Fetcher fetcher(options_);
    answer_ = [](auto&, const protocol::Request&) {};
    for (int i = 0; i < 5; ++i) {
      fetcher.start({"c" + std::to_string(i), sandbox_, user_, {uriOf(url("/file"))}},
                    [&ended](const Result<void>& result) { ended += result ? 100 : 1; });
    }
  }
  EXPECT_EQ(ended, 5);
}

TEST_F(HttpFetchTest, CancelsAJobThatWaitsForItsTurn) {
  options_.threadsMax = 1;
  answer_ = [](auto&, const protocol::Request&) {};
  std::promise<void> ended;
  Fetcher fetcher(options_);
  fetcher.start({"c1", sandbox_, user_, {uriOf(url("/file"))}}, [](const Result<void>&) {});
  fetcher.start({"c2", sandbox_, user_, {uriOf(url("/file"))}},
                [&ended](const Result<void>&) { ended.set_value(); });
  fetcher.cancel("c2");
  EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

/// The same by https.
class HttpsFetchTest : public HttpFetchTest {
 protected:
  void SetUp() override {
    HttpFetchTest::SetUp();
    answer_ = [](auto& exchange, const protocol::Request& request) {
      exchange.respond({200, {}, "got " + request.target});
    };
  }
  void serve(const std::string& certificate) {
    transport::HttpServerOptions options;
    options.tls =
        transport::tlsServer({.certificateFile = support::authorityFile(certificate + ".pem"),
                              .keyFile = support::authorityFile(certificate + ".key")})
            .value();
    std::promise<void> done;
    loop_.post([&] {
      secure_ = transport::HttpServer::listen(
                    loop_, options,
                    [this](const auto& exchange, const protocol::Request& request) {
                      answer_(*exchange, request);
                    })
                    .value();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::string url(const std::string& target) {
    return "https://127.0.0.1:" + std::to_string(secure_->port()) + target;
  }

  std::unique_ptr<transport::HttpServer> secure_;
};

TEST_F(HttpsFetchTest, TrustsWhomTheClusterTrusts) {
  serve("server");
  EXPECT_FALSE(fetch(url("/file")));
  EXPECT_NE(log().find("certificate is refused"), std::string::npos) << log();
  options_.download.caFile = support::authorityFile("ca.pem");
  ASSERT_TRUE(fetch(url("/file"))) << log();
  EXPECT_EQ(contents(sandbox_ + "/file"), "got /file");
  serve("elsewhere");
  EXPECT_FALSE(fetch(url("/file")));
}

TEST_F(HttpsFetchTest, NoRedirectLeadsOutOfIt) {
  serve("server");
  options_.download.caFile = support::authorityFile("ca.pem");
  const std::string plain = HttpFetchTest::url("/file");
  answer_ = [&](auto& exchange, const protocol::Request& request) {
    if (request.target == "/file") return exchange.respond({200, {}, ""});
    exchange.respond({302, {{"Location", plain}}, ""});
  };
  EXPECT_FALSE(fetch(url("/start")));
  EXPECT_NE(log().find("from https to http"), std::string::npos) << log();
}

TEST(HttpUrl, IsReadInItsParts) {
  EXPECT_EQ(*parseHttpUrl("http://h/a?b#c"), (HttpUrl{"h", 80, "/a?b", ""}));
  EXPECT_EQ(*parseHttpUrl("HTTP://u:p%40@h:81?q"), (HttpUrl{"h", 81, "/?q", "Basic dTpwQA=="}));
  EXPECT_EQ(*parseHttpUrl("http://[::1]:81/"), (HttpUrl{"::1", 81, "/", ""}));
  EXPECT_EQ(*parseHttpUrl("http://[::1]/"), (HttpUrl{"::1", 80, "/", ""}));
  for (const char* text : {"", "http://", "http:///x", "https://", "http://h:0/", "http://h:x/",
                           "http://h/a b", "http://h/\r\nX: y", "http://u%zz@h/"}) {
    EXPECT_FALSE(parseHttpUrl(text)) << text;
  }
}

TEST(HttpUrl, ResolvesRedirects) {
  const HttpUrl base{"h", 81, "/a/b?c", "Basic x"};
  EXPECT_EQ(*resolveLocation(base, "/d"), (HttpUrl{"h", 81, "/d", "Basic x"}));
  EXPECT_EQ(*resolveLocation(base, "d"), (HttpUrl{"h", 81, "/a/d", "Basic x"}));
  EXPECT_EQ(*resolveLocation(base, "http://h:81/d"), (HttpUrl{"h", 81, "/d", "Basic x"}));
  EXPECT_EQ(*resolveLocation(base, "http://other/d"), (HttpUrl{"other", 80, "/d", ""}));
  EXPECT_EQ(*resolveLocation(base, "//other/d"), (HttpUrl{"other", 80, "/d", ""}));
  EXPECT_EQ(*resolveLocation(base, "https://h/d"), (HttpUrl{"h", 443, "/d", "", true}));
  EXPECT_FALSE(resolveLocation(*parseHttpUrl("https://h/"), "http://h/d"));
  EXPECT_FALSE(resolveLocation(base, "/d\r\nX: y"));
}

}  // namespace
}  // namespace mesos::local
