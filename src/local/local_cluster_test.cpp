// What the embedded cluster does for a framework.
#include "tests/support/local_cluster_testing.hpp"
#include "transport/http_server.hpp"

#include <signal.h>

#include <fstream>
#include <sstream>

namespace mesos {
namespace {

std::string fetching(const std::string& uri) {
  return R"({"value":"cat inside","uris":[{"value":")" + uri + "\"}]}";
}

TEST(LocalCluster, RunsACommandTaskAndShowsItsOutput) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  scheduler.launch("t1", shell("echo hello from $MESOS_EXECUTOR_ID"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
  EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t1", "stdout"), "hello from t1\n");
}

TEST(LocalCluster, SaysWhatItOffers) {
  const auto cluster = startCluster();
  EXPECT_EQ(cluster->agentResources(0), "cpus 2, mem 512, ports 31000-31009");
}

TEST(LocalCluster, ReportsFailuresOfCommands) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  scheduler.launch("t1", shell("exit 3"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FAILED");
  EXPECT_EQ(scheduler.message(), "Command exited with status 3");
  scheduler.launch("t2", R"({"shell":false,"value":"no-such-program","arguments":["x"]})");
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FAILED");
  EXPECT_EQ(scheduler.message(), "Command exited with status 1");
  scheduler.launch("t3", shell("kill -9 $$"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FAILED");
  EXPECT_EQ(scheduler.message(), "Command terminated with signal Killed");
}

TEST(LocalCluster, RefusesATaskOfAnUnknownUser) {
  auto options = smallCluster();
  options.flags["switch_user"] = "true";
  const auto cluster = startCluster(options);
  TestScheduler scheduler(cluster->master(), "no-such-user-here");
  scheduler.launch("t1", shell("true"));
  EXPECT_EQ(scheduler.story(), "TASK_LOST");
  EXPECT_EQ(scheduler.reason(), "REASON_EXECUTOR_TERMINATED");
  EXPECT_NE(scheduler.message().find("Failed to create executor directory"), std::string::npos)
      << scheduler.message();
}

TEST(LocalCluster, FetchesFilesOverHttpAndFromDisk) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  LoopThread serving;
  std::unique_ptr<transport::HttpServer> server;
  serving.call([&] {
    server = std::move(transport::HttpServer::listen(
                           serving.loop(), {},
                           [](const auto& exchange, const Request& request) {
                             const bool known = request.target == "/inside";
                             exchange->respond({known ? 200 : 404, {}, "over http"});
                           }))
                 .value();
  });
  const std::string base = "http://127.0.0.1:" + std::to_string(server->port());
  scheduler.launch("t1", fetching(base + "/inside"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
  EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t1", "stdout"), "over http");

  scheduler.launch("t2", fetching(base + "/missing"));
  EXPECT_EQ(scheduler.story(), "TASK_FAILED");
  EXPECT_EQ(scheduler.reason(), "REASON_CONTAINER_LAUNCH_FAILED");
  EXPECT_NE(scheduler.message().find("Failed to launch container: Failed to fetch all URIs for "
                                     "container '"),
            std::string::npos)
      << scheduler.message();
  EXPECT_NE(scheduler.readFile(cluster->agent(0), "t2", "stderr").find("404"), std::string::npos);

  const std::string archive = cluster->workDir() + "/a.tar.gz";
  const std::string make = "cd " + cluster->workDir() +
                           " && printf 'from an archive' > inside && tar czf a.tar.gz inside && "
                           "printf 'escaped' > ../inside.$$ && tar czPf evil.tgz ../inside.$$; "
                           "rm -f ../inside.$$";
  ASSERT_EQ(std::system(make.c_str()), 0);
  scheduler.launch("t3", fetching("file://" + archive));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
  EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t3", "stdout"), "from an archive");
  scheduler.launch("t4", fetching(cluster->workDir() + "/evil.tgz"));
  EXPECT_EQ(scheduler.story(), "TASK_FAILED");
  serving.call([&] { server.reset(); });
}

TEST(LocalCluster, KillsTheWholeTreeOfATask) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  scheduler.launch("t1", shell("setsid sleep 1000 & echo $!; sleep 1000 & echo $!; wait"));
  const auto lines = [&] { return scheduler.readFile(cluster->agent(0), "t1", "stdout"); };
  ASSERT_TRUE(eventually([&] {
    const std::string text = lines();
    return std::count(text.begin(), text.end(), '\n') == 2;
  }));
  std::istringstream words(lines());
  pid_t first = 0, second = 0;
  words >> first >> second;
  EXPECT_TRUE(isAlive(first) && isAlive(second));
  scheduler.kill("t1");
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_KILLED");
  EXPECT_TRUE(eventually([&] { return !isAlive(first) && !isAlive(second); }));
}

TEST(LocalCluster, LeavesNothingBehind) {
  auto cluster = startCluster();
  const std::string workDir = cluster->workDir();
  const std::string master = cluster->master();
  TestScheduler scheduler(master);
  scheduler.launch("t1", shell("trap '' TERM; sleep 1000 & echo $!; wait; wait"));
  ASSERT_TRUE(eventually([&] {
    const std::string text = scheduler.readFile(cluster->agent(0), "t1", "stdout");
    return !text.empty() && text.back() == '\n';
  }));
  const pid_t pid = std::stoi(scheduler.readFile(cluster->agent(0), "t1", "stdout"));
  EXPECT_TRUE(isAlive(pid));
  EXPECT_TRUE(exists(workDir));
  cluster.reset();
  EXPECT_FALSE(isAlive(pid));
  EXPECT_FALSE(exists(workDir));
  EXPECT_TRUE(scheduler.hasEnded());
  EXPECT_EQ(ask(scheduler.thread(), master, {}).status, 0);
}

TEST(LocalCluster, EndsAFetchThatIsUnderWay) {
  auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  LoopThread serving;
  std::promise<void> asked;
  std::unique_ptr<transport::HttpServer> server;
  std::shared_ptr<transport::HttpExchange> held;
  serving.call([&] {
    server = std::move(transport::HttpServer::listen(serving.loop(), {},
                                                     [&](const auto& exchange, const Request&) {
                                                       held = exchange;
                                                       asked.set_value();
                                                     }))
                 .value();
  });
  scheduler.launch("t1",
                   fetching("http://127.0.0.1:" + std::to_string(server->port()) + "/inside"));
  asked.get_future().wait();
  scheduler.kill("t1");
  EXPECT_EQ(scheduler.story(), "TASK_KILLED");
  cluster.reset();
  serving.call([&] {
    held.reset();
    server.reset();
  });
}

TEST(LocalCluster, StartsAndEndsFast) {
  const auto begin = std::chrono::steady_clock::now();
  auto cluster = startCluster();
  const auto started = std::chrono::steady_clock::now();
  cluster.reset();
  const auto ended = std::chrono::steady_clock::now();
  // Ten times what it takes, as the machine may be busy.
  EXPECT_LT(started - begin, milliseconds(500));
  EXPECT_LT(ended - started, milliseconds(1000));
}

TEST(LocalCluster, SaysWhichPortIsBusyOrTakesAnother) {
  const auto first = startCluster();
  auto options = smallCluster();
  options.port = protocol::parseAddress(first->master())->port;
  const auto second = LocalCluster::start(options);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(first->master()), std::string::npos)
      << second.error().message;
  EXPECT_NE(second.error().message.find("choose another port"), std::string::npos);
  options.anyPortIfBusy = true;
  const auto third = startCluster(options);
  ASSERT_TRUE(third);
  EXPECT_NE(third->master(), first->master());
}

TEST(LocalCluster, SkipsBusyPortsForAgents) {
  const auto first = startCluster();
  auto options = smallCluster();
  options.agents = 2;
  options.agentPort = protocol::parseAddress(first->agent(0))->port;
  const auto second = startCluster(options);
  ASSERT_TRUE(second);
  EXPECT_NE(second->agent(0), first->agent(0));
  EXPECT_NE(second->agent(0), second->agent(1));
  EXPECT_EQ(second->agentResources(1), "cpus 2, mem 512, ports 31010-31019");
}

TEST(LocalCluster, RefusesBadOptionsWithASentence) {
  const auto errorOf = [](const std::function<void(LocalClusterOptions&)>& change) {
    auto options = smallCluster();
    change(options);
    const auto cluster = LocalCluster::start(options);
    return cluster ? "" : cluster.error().message;
  };
  EXPECT_NE(errorOf([](auto& o) { o.resources = "cpus:x"; }).find("cpus:x"), std::string::npos);
  EXPECT_NE(errorOf([](auto& o) { o.attributes = "rack"; }).find("'rack'"), std::string::npos);
  EXPECT_NE(errorOf([](auto& o) { o.flags["nope"] = "1"; }).find("'nope'"), std::string::npos);
  EXPECT_NE(errorOf([](auto& o) { o.timeScale = 0; }), "");
  EXPECT_NE(errorOf([](auto& o) { o.ip = "not-an-ip"; }), "");
  EXPECT_NE(errorOf([](auto& o) { o.workDir = "/proc/no-such/dir"; }), "");
}

TEST(LocalCluster, RemovesAnAgentForGood) {
  auto options = smallCluster();
  options.agents = 2;
  const auto cluster = startCluster(options);
  TestScheduler scheduler(cluster->master());
  LoopThread client;
  Request health;
  health.target = "/health";
  EXPECT_EQ(ask(client, cluster->agent(1), health).status, 200);
  cluster->removeAgent(1);
  EXPECT_TRUE(eventually([&] { return ask(client, cluster->agent(1), health).status == 0; }));
  EXPECT_EQ(ask(client, cluster->agent(0), health).status, 200);
  const auto failure = scheduler.next("FAILURE");
  EXPECT_TRUE((*failure)["failure"].HasMember("agent_id"));
  cluster->removeAgent(1);
}

TEST(LocalCluster, CutsConnectionsWithoutEndingStreams) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  cluster->cutConnections();
  EXPECT_TRUE(scheduler.hasEnded());
  LoopThread client;
  Request health;
  health.target = "/health";
  EXPECT_EQ(ask(client, cluster->master(), health).status, 200);
}

TEST(LocalCluster, ShowsNothingOutsideOfASandbox) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  scheduler.launch("t1", shell("ln -s /etc/passwd link; ln -s / up; echo ok"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
  EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t1", "stdout"), "ok\n");
  for (const char* name : {"link", "up/etc/passwd", "../../../../../../../../../etc/passwd"}) {
    EXPECT_EQ(scheduler.readFile(cluster->agent(0), "t1", name), "") << name;
  }
}

TEST(LocalCluster, SurvivesBytesThatAreNoHttp) {
  const auto cluster = startCluster();
  LoopThread client;
  Random random(7);
  for (int i = 0; i < 50; ++i) {
    Request request;
    request.method = "POST";
    request.target = i % 2 ? "/api/v1/scheduler" : "/api/v1";
    request.headers = {{"Content-Type", i % 3 ? "application/json" : "application/x-protobuf"}};
    for (std::uint64_t n = random.below(200); n > 0; --n) {
      request.body += static_cast<char>(random.below(256));
    }
    EXPECT_GE(ask(client, cluster->master(), request).status, 400);
  }
  Request health;
  health.target = "/health";
  EXPECT_EQ(ask(client, cluster->master(), health).status, 200);
}

}  // namespace
}  // namespace mesos
