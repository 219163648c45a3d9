// How the scheduler's driver finds its master, loses it, and knows that it is the right one.
#include "base/base64.hpp"
#include "driver/scheduler_driver_fixture.hpp"
#include "tests/support/authority.hpp"
#include "transport/tls.hpp"

#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace mesos {
namespace {

using mesos::support::authorityFile;

TEST_F(SchedulerDriverTest, SubscribesAgainUnderItsIdWhenTheMasterDies) {
  subscribe();
  server_.cut();
  EXPECT_TRUE(told("disconnected"));
  const Call call = acceptSubscription();
  EXPECT_EQ(call.framework_id().value(), "F1");
  EXPECT_EQ(call.subscribe().framework_info().id().value(), "F1");
  EXPECT_TRUE(told("reregistered with m.example"));
  EXPECT_EQ(scheduler_.notes.count("registered …"), 1u);
}

TEST_F(SchedulerDriverTest, SubscribesAgainWhenTheStreamEndsThoughTheConnectionStays) {
  subscribe();
  server_.end(stream_);
  EXPECT_TRUE(told("disconnected"));
  acceptSubscription();
  EXPECT_TRUE(told("reregistered with m.example"));
}

// Scenarios 152 and 184.
TEST_F(SchedulerDriverTest, SubscribesAgainWhenTheHeartbeatsStop) {
  drive();
  acceptSubscription(0.05);
  ASSERT_TRUE(told("registered F1 with m.example"));
  EXPECT_TRUE(server_.isLeft(stream_));
  EXPECT_TRUE(told("disconnected"));
  EXPECT_EQ(acceptSubscription().framework_id().value(), "F1");
}

// Scenario 149, facts T31 and T32.
TEST_F(SchedulerDriverTest, FollowsTheLeader) {
  ScriptedServer standby;
  driveTo(standby.address());
  const Received first = standby.next();
  standby.respond(first, 307,
                  {{"Location", "//" + server_.address() + "/master/api/v1/scheduler"}});
  acceptSubscription();
  EXPECT_EQ(stream_.request.body, first.request.body);
  EXPECT_EQ(stream_.request.target, "/master/api/v1/scheduler");
  EXPECT_TRUE(told("registered F1 with m.example"));
}

// Scenario 149.
TEST_F(SchedulerDriverTest, DoesNotRunRoundInACircleOfMasters) {
  ScriptedServer standby;
  driveTo(standby.address());
  const auto begin = std::chrono::steady_clock::now();
  int redirects = 0;
  while (problems_.count("…") == 0) {
    for (ScriptedServer* one : {&standby, &server_}) {
      const ScriptedServer& other = one == &standby ? server_ : standby;
      const auto received = one->nextWithin(milliseconds(100));
      if (!received) continue;
      ++redirects;
      one->respond(*received, 307,
                   {{"Location", "//" + other.address() + "/master/api/v1/scheduler"}});
    }
    ASSERT_LT(redirects, 50);
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  }
  EXPECT_GT(redirects, 1);
  EXPECT_NE(problems_.text().find("trying again in"), std::string::npos) << problems_.text();
  EXPECT_EQ(scheduler_.notes.count("…"), 0u) << scheduler_.notes.text();
}

// Scenario 150, fact T34.
TEST_F(SchedulerDriverTest, WaitsForAMasterThatIsNotReady) {
  drive();
  server_.respond(server_.next(), 503, {}, "No leader elected");
  const auto first = std::chrono::steady_clock::now();
  server_.respond(server_.next(), 503, {}, "Master has not finished recovery");
  const auto second = std::chrono::steady_clock::now();
  acceptSubscription();
  const auto third = std::chrono::steady_clock::now();
  EXPECT_TRUE(told("registered F1 with m.example"));
  EXPECT_EQ(scheduler_.notes.count("error…"), 0u);
  // Half of the nominal delays, which double.
  EXPECT_GE(second - first, milliseconds(240));
  EXPECT_GE(third - second, milliseconds(490));
}

TEST_F(SchedulerDriverTest, FollowsALeaderThatHasAName) {
  ScriptedServer standby;
  driveTo(standby.address());
  const std::string name = "localhost:" + std::to_string(server_.port());
  standby.respond(standby.next(), 307, {{"Location", "//" + name + "/api/v1/scheduler"}});
  acceptSubscription();
  EXPECT_EQ(*stream_.request.headers.find("Host"), name);
  EXPECT_TRUE(told("registered F1 with m.example"));
}

TEST_F(SchedulerDriverTest, KeepsTryingAMasterThatIsNotThere) {
  transport::HttpServerOptions options;
  {
    const ScriptedServer gone;
    options.port = gone.port();
  }
  driveTo("http://127.0.0.1:" + std::to_string(options.port));
  const std::string problem =
      "Cannot connect to the master at 127.0.0.1:" + std::to_string(options.port);
  EXPECT_TRUE(problems_.has(problem + ": Connection refused; trying again in 0.…"))
      << problems_.text();
  EXPECT_TRUE(transport::testing::eventually([&] {
    return problems_.count(problem + "…") >= 2 &&
           problems_.text().find("(nothing for ") != std::string::npos;
  })) << problems_.text();
  ScriptedServer late(options);
  const Received received = late.next();
  EXPECT_EQ(callIn(received).type(), Call::SUBSCRIBE);
}

// Scenario 156.
TEST_F(SchedulerDriverTest, AnswersALaunchWhileDisconnectedAndDropsTheRest) {
  scheduler_.react = [&](const std::string& line, SchedulerDriver* d) {
    if (line != "disconnected") return;
    d->launchTasks({id<OfferID>("O1")}, {taskInfo("T1")});
    d->killTask(id<TaskID>("T2"));
    d->suppressOffers();
  };
  SchedulerDriver& driver = subscribe();
  server_.cut();
  EXPECT_TRUE(told("T1 is TASK_LOST")) << scheduler_.notes.text();  // Not PARTITION_AWARE.
  const Call call = acceptSubscription();
  EXPECT_EQ(call.subscribe().suppressed_roles_size(), 1);
  EXPECT_TRUE(told("reregistered with m.example"));
  EXPECT_FALSE(server_.nextWithin(milliseconds(50)));
  EXPECT_EQ(driver.killTask(id<TaskID>("T3")), DRIVER_RUNNING);
  EXPECT_EQ(nextCall().kill().task_id().value(), "T3");
}

TEST_F(SchedulerDriverTest, SendsItsCredentialsAndLogsNone) {
  SchedulerDriver& driver = subscribe({.credential = Credential{"me", "s3cret"}});
  const std::string expected = "Basic " + encodeBase64("me:s3cret");
  EXPECT_EQ(*stream_.request.headers.find("Authorization"), expected);
  driver.killTask(id<TaskID>("T1"));
  const Received received = server_.next();
  EXPECT_EQ(*received.request.headers.find("Authorization"), expected);
  server_.respond(received, 202);
  EXPECT_TRUE(log_.has("call KILL"));
  EXPECT_EQ(log_.text().find("s3cret"), std::string::npos);
  EXPECT_EQ(log_.text().find(encodeBase64("me:s3cret")), std::string::npos);
}

TEST_F(SchedulerDriverTest, FindsTheMasterInAFile) {
  const std::string path = ::testing::TempDir() + "master-" + std::to_string(::getpid());
  std::ofstream(path) << server_.address() << "\n";
  driveTo("file://" + path);
  acceptSubscription();
  EXPECT_TRUE(told("registered F1 with m.example"));
  ::unlink(path.c_str());
}

TEST_F(SchedulerDriverTest, RefusesMastersItCannotUnderstand) {
  for (const auto& [master, word] : std::initializer_list<std::pair<std::string, std::string>>{
           {"zk://127.0.0.1:2181", "names no node"},
           {"", "HOST:PORT"},
           {"local", "HOST:PORT"},
           {"127.0.0.1", "HOST:PORT"},
           {"127.0.0.1:0", "HOST:PORT"},
           {"127.0.0.1:70000", "HOST:PORT"},
           {"http://127.0.0.1:5050/path", "HOST:PORT"},
           {"file:///no/such/file", "cannot be read"}}) {
    try {
      MesosSchedulerDriver driver(&scheduler_, framework_, master);
      ADD_FAILURE() << master;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(MesosSchedulerDriver(nullptr, framework_, "h:1"), std::invalid_argument);
}

transport::HttpServerOptions withTls(const std::string& certificate, bool wantsClients = false) {
  transport::HttpServerOptions options;
  options.tls = transport::tlsServer({.certificateFile = authorityFile(certificate + ".pem"),
                                      .keyFile = authorityFile(certificate + ".key"),
                                      .clientCaFile = wantsClients ? authorityFile("ca.pem") : ""})
                    .value();
  return options;
}

class SchedulerTlsTest : public SchedulerDriverTest {
 protected:
  /// Whether a driver subscribes to the master so named.
  bool subscribes(ScriptedServer& master, const std::string& name, std::optional<TlsOptions> tls) {
    MesosSchedulerDriver driver(&scheduler_, framework_, name,
                                {.credential = Credential{"me", "s3cret"}, .tls = std::move(tls)});
    driver.start();
    return master.nextWithin(milliseconds(300)).has_value();
  }

  const TlsOptions trusting_{.caFile = authorityFile("ca.pem")};
};

TEST_F(SchedulerTlsTest, SpeaksTlsWithAMasterNamedByHttps) {
  ScriptedServer master(withTls("server"));
  EXPECT_TRUE(subscribes(master, "https://" + master.address(), trusting_));
  EXPECT_TRUE(subscribes(master, master.address(), trusting_));
  EXPECT_FALSE(subscribes(master, master.address(), std::nullopt));
  EXPECT_THROW(subscribes(master, "http://" + master.address(), trusting_), std::invalid_argument);
}

TEST_F(SchedulerTlsTest, TellsNothingToAMasterThatItCannotTrust) {
  ScriptedServer stranger(withTls("stranger"));
  EXPECT_FALSE(subscribes(stranger, "https://" + stranger.address(), trusting_));
  EXPECT_FALSE(subscribes(stranger, "https://" + stranger.address(), std::nullopt));
  ScriptedServer elsewhere(withTls("elsewhere"));
  EXPECT_FALSE(subscribes(elsewhere, "https://" + elsewhere.address(), trusting_));
  TlsOptions anyHost = trusting_;
  anyHost.verifyHost = false;
  EXPECT_TRUE(subscribes(elsewhere, "https://" + elsewhere.address(), anyHost));
}

TEST_F(SchedulerTlsTest, ShowsItsCertificateToAMasterThatAsks) {
  ScriptedServer master(withTls("server", true));
  EXPECT_FALSE(subscribes(master, "https://" + master.address(), trusting_));
  TlsOptions known = trusting_;
  known.certificateFile = authorityFile("client.pem");
  known.keyFile = authorityFile("client.key");
  EXPECT_TRUE(subscribes(master, "https://" + master.address(), known));
  known.keyFile = authorityFile("server.key");
  EXPECT_THROW(subscribes(master, "https://" + master.address(), known), std::invalid_argument);
}

}  // namespace
}  // namespace mesos
