// The embedded cluster fails on request, and recovers as Mesos does (section 11).
#include "tests/support/local_cluster_testing.hpp"

#include <sstream>

namespace mesos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kCheckpoint = R"("checkpoint":true)";

/// Five pings of 100 ms.
LocalClusterOptions pingingFast() {
  LocalClusterOptions options = smallCluster();
  options.flags["agent_ping_timeout"] = "100ms";
  return options;
}

class LocalClusterFaults : public testing::Test {
 protected:
  rapidjson::Document get(const std::string& address, const std::string& target) {
    Request request;
    request.target = target;
    rapidjson::Document document;
    document.Parse(ask(client, address, request).body.c_str());
    EXPECT_FALSE(document.HasParseError());
    return document;
  }
  int health(const std::string& address) {
    Request request;
    request.target = "/health";
    return ask(client, address, request).status;
  }
  Response fail(const LocalCluster& cluster, const std::string& form) {
    Request request;
    request.method = "POST";
    request.target = "/local/fail";
    request.body = form;
    return ask(client, cluster.master(), request);
  }
  /// Launches a task that says its pid and sleeps; the pid.
  static pid_t launchSleeper(TestScheduler& scheduler, const LocalCluster& cluster) {
    scheduler.launch("t1", shell("echo $$; exec sleep 1000"));
    EXPECT_EQ(stateOf(scheduler.status()), "TASK_STARTING");
    EXPECT_EQ(stateOf(scheduler.status()), "TASK_RUNNING");
    std::string text;
    EXPECT_TRUE(eventually([&] {
      text = scheduler.readFile(cluster.agent(0), "t1", "stdout");
      return !text.empty() && text.back() == '\n';
    }));
    return text.empty() ? 0 : std::stoi(text);
  }
  static std::string stateOf(const TestScheduler::Event& event) {
    return event->HasMember("update") ? (*event)["update"]["status"]["state"].GetString() : "none";
  }
  static std::string reasonOf(const TestScheduler::Event& event) {
    return (*event)["update"]["status"]["reason"].GetString();
  }
  /// Asks for all tasks until one is told of.
  static std::string reconcile(TestScheduler& scheduler, const LocalCluster& cluster) {
    Request state;
    state.target = "/tasks";
    EXPECT_TRUE(eventually([&] {
      rapidjson::Document document;
      document.Parse(ask(scheduler.thread(), cluster.master(), state).body.c_str());
      return !document.HasParseError() && document["tasks"].Size() > 0;
    }));
    scheduler.call(R"("type":"RECONCILE","reconcile":{})");
    return stateOf(scheduler.next("UPDATE"));
  }

  LoopThread client;
};

// Fact G8.
TEST_F(LocalClusterFaults, FailsOverToAMasterWithANewId) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master(), "root", kCheckpoint);
  const pid_t pid = launchSleeper(scheduler, *cluster);
  const std::string before = get(cluster->master(), "/state")["id"].GetString();
  ASSERT_TRUE(cluster->failoverMaster());
  EXPECT_TRUE(scheduler.hasEnded());
  const std::string id = scheduler.frameworkId();
  scheduler.resubscribe();
  EXPECT_EQ(scheduler.frameworkId(), id);
  EXPECT_EQ(reconcile(scheduler, *cluster), "TASK_RUNNING");
  const auto state = get(cluster->master(), "/state");
  EXPECT_NE(state["id"].GetString(), before);
  EXPECT_EQ(state["slaves"][0]["id"].GetString(), scheduler.agentId());
  EXPECT_TRUE(isAlive(pid));
  scheduler.kill("t1");
  EXPECT_EQ(scheduler.story(), "TASK_KILLED");
}

// Fact X42.
TEST_F(LocalClusterFaults, RestartsAnAgentWhoseTasksLiveOn) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master(), "root", kCheckpoint);
  const pid_t pid = launchSleeper(scheduler, *cluster);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster->restartAgent(0));
  EXPECT_TRUE(isAlive(pid));
  EXPECT_EQ(get(cluster->agent(0), "/state")["id"].GetString(), scheduler.agentId());
  EXPECT_EQ(get(cluster->master(), "/slaves")["slaves"].Size(), 1u);
  scheduler.kill("t1");  // Told again, should the agent not be back yet (fact K3).
  EXPECT_EQ(scheduler.story(), "TASK_KILLED");
  EXPECT_TRUE(eventually([&] { return !isAlive(pid); }));
  // What the task used is offered again.
  scheduler.launch("t2", shell("exit 0"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
}

// Facts G1, X40.
TEST_F(LocalClusterFaults, RestartsAnAgentWithoutTasksThatAreNotCheckpointed) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  const pid_t pid = launchSleeper(scheduler, *cluster);
  ASSERT_TRUE(cluster->restartAgent(0));
  const auto lost = scheduler.status();
  EXPECT_EQ(stateOf(lost), "TASK_LOST");
  EXPECT_EQ(reasonOf(lost), "REASON_AGENT_DISCONNECTED");
  EXPECT_TRUE(eventually([&] { return !isAlive(pid); }));
  scheduler.launch("t2", shell("exit 0"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
}

TEST_F(LocalClusterFaults, HoldsBackWhatAShortPartitionConcerns) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master());
  const pid_t pid = launchSleeper(scheduler, *cluster);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(cluster->partitionAgent(0, milliseconds(500)));
  scheduler.kill("t1");
  EXPECT_EQ(scheduler.story(), "TASK_KILLED");
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(490));
  EXPECT_TRUE(eventually([&] { return !isAlive(pid); }));
}

// Facts G3, G4.
TEST_F(LocalClusterFaults, LosesAPartitionedAgentAndTakesItBack) {
  const auto cluster = startCluster(pingingFast());
  TestScheduler scheduler(cluster->master(), "root",
                          R"("capabilities":[{"type":"PARTITION_AWARE"}])");
  const pid_t pid = launchSleeper(scheduler, *cluster);
  ASSERT_TRUE(cluster->partitionAgent(0, milliseconds(1500)));
  const auto unreachable = scheduler.status();
  EXPECT_EQ(stateOf(unreachable), "TASK_UNREACHABLE");
  EXPECT_EQ(reasonOf(unreachable), "REASON_AGENT_REMOVED");
  scheduler.next("FAILURE");
  EXPECT_TRUE(isAlive(pid));
  EXPECT_EQ(get(cluster->master(), "/state")["unreachable_slaves"].GetDouble(), 1.0);
  const auto running = scheduler.status();
  EXPECT_EQ(stateOf(running), "TASK_RUNNING");
  EXPECT_EQ(reasonOf(running), "REASON_AGENT_REREGISTERED");
  scheduler.kill("t1");
  EXPECT_EQ(scheduler.story(), "TASK_KILLED");
}

// Facts C11, G8.
TEST_F(LocalClusterFaults, FailsOverWhileAnAgentIsAway) {
  const auto cluster = startCluster(pingingFast());
  TestScheduler scheduler(cluster->master());
  launchSleeper(scheduler, *cluster);
  ASSERT_TRUE(cluster->partitionAgent(0, milliseconds(1000)));
  ASSERT_TRUE(cluster->failoverMaster());
  scheduler.resubscribe();
  EXPECT_EQ(get(cluster->master(), "/slaves")["recovered_slaves"].Size(), 1u);
  EXPECT_EQ(reconcile(scheduler, *cluster), "TASK_RUNNING");
  EXPECT_EQ(get(cluster->master(), "/slaves")["recovered_slaves"].Size(), 0u);
}

TEST_F(LocalClusterFaults, KillsAnAgentForGood) {
  auto options = pingingFast();
  const auto cluster = startCluster(options);
  TestScheduler scheduler(cluster->master(), "root", kCheckpoint);
  const pid_t pid = launchSleeper(scheduler, *cluster);
  ASSERT_TRUE(cluster->killAgent(0));
  EXPECT_TRUE(eventually([&] { return !isAlive(pid); }));
  EXPECT_EQ(health(cluster->agent(0)), 0);
  EXPECT_EQ(stateOf(scheduler.status()), "TASK_LOST");
  scheduler.next("FAILURE");
  for (const auto& again :
       {cluster->killAgent(0), cluster->restartAgent(0), cluster->partitionAgent(0, seconds(1))}) {
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().message, "The agent 0 is gone");
  }
  EXPECT_THROW((void)cluster->killAgent(1), std::out_of_range);
}

TEST_F(LocalClusterFaults, SlowsTheNetworkDown) {
  const auto cluster = startCluster();
  const auto timeOf = [&](const std::string& address) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(health(address), 200);
    return std::chrono::steady_clock::now() - start;
  };
  cluster->slowNetwork(milliseconds(150));
  EXPECT_GE(timeOf(cluster->master()), milliseconds(300));
  EXPECT_GE(timeOf(cluster->agent(0)), milliseconds(300));
  TestScheduler scheduler(cluster->master());
  scheduler.launch("t1", shell("exit 0"));
  EXPECT_EQ(scheduler.story(), "TASK_STARTING TASK_RUNNING TASK_FINISHED");
  cluster->slowNetwork(milliseconds(0));
  EXPECT_TRUE(eventually([&] { return timeOf(cluster->master()) < milliseconds(150); }));
}

TEST_F(LocalClusterFaults, FailsWhenItsOperatorSaysSo) {
  const auto cluster = startCluster();
  TestScheduler scheduler(cluster->master(), "root", kCheckpoint);
  launchSleeper(scheduler, *cluster);
  EXPECT_EQ(fail(*cluster, "fault=flood").status, 400);
  const Response missing = fail(*cluster, "fault=kill-agent&agent=7");
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(missing.body, "There is no agent 7: they count from 0, and 1 were started");
  EXPECT_EQ(fail(*cluster, "fault=slow-network&for=10ms").status, 200);
  EXPECT_EQ(fail(*cluster, "fault=slow-network&for=0ms").status, 200);
  EXPECT_EQ(fail(*cluster, R"({"fault":"partition-agent","agent":0,"for":"50ms"})").status, 200);
  EXPECT_EQ(fail(*cluster, "fault=restart-agent&agent=0").status, 200);
  EXPECT_EQ(fail(*cluster, "fault=failover-master").status, 200);
  EXPECT_TRUE(scheduler.hasEnded());
  scheduler.resubscribe();
  EXPECT_EQ(reconcile(scheduler, *cluster), "TASK_RUNNING");
  EXPECT_EQ(fail(*cluster, "fault=cut-connections").status, 200);
  EXPECT_TRUE(scheduler.hasEnded());
  EXPECT_EQ(fail(*cluster, "fault=remove-agent&agent=0").status, 200);
  EXPECT_EQ(fail(*cluster, "fault=remove-agent&agent=0").status, 400);
  Request request;
  request.target = "/local/fail";
  EXPECT_EQ(ask(client, cluster->master(), request).status, 405);
}

}  // namespace
}  // namespace mesos
