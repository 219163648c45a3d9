// What is refused of an ACCEPT (section 8), against what a real master said.
#include "base/base64.hpp"
#include "cluster/master_fixture.hpp"

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;

/// What an offer's agent is left with while one small task runs, as when the causes were recorded.
class LaunchValidationTest : public MasterTest {
 public:
  LaunchValidationTest() {
    agent = addAgent();
    stream = subscribe(kAware);
    launch(stream, {"first"});
    takeSent<RunTask>();
    advance(1s);
    offer = takeOffer(stream);
  }

  /// Launches a task that differs from a good one by `extra`; it must be refused as recorded.
  void expectRefused(const std::string& cause, const std::string& extra) {
    SCOPED_TRACE(cause);
    const TaskStatus recorded = recordedStatus(cause);
    launch(stream, offer, {taskJson(offer, recorded.task_id().value(), extra)});
    const auto updates = takeUpdates(stream);
    ASSERT_EQ(updates.size(), 1u);
    expectLike(recorded, updates[0]);
    EXPECT_EQ(updates[0].task_id().value(), recorded.task_id().value());
    EXPECT_TRUE(takeSent<RunTask>().empty());
    advance(1s);
    offer = takeOffer(stream);
  }
  void expectRuns(const std::string& extra) {
    SCOPED_TRACE(extra);
    static int number = 0;
    const std::string id = "good-" + std::to_string(number++);
    launch(stream, offer, {taskJson(offer, id, extra)});
    EXPECT_EQ(takeSent<RunTask>().size(), 1u);
    EXPECT_TRUE(takeUpdates(stream).empty());
    update(agent, stream, id, TASK_FINISHED);
    advance(1s);
    take(stream);
    call(stream, R"("type":"REVIVE")");
    offer = Offer();
    for (const auto& one : master.offers()) offer = one.second.offer;
  }
  static std::string executor(const std::string& members) {
    return R"("command":null,"executor":{"executor_id":{"value":"e"},"type":"CUSTOM",
        "command":{"value":"run"},)" +
           members + "}";
  }

  std::uint64_t agent = 0;
  StreamId stream = 0;
  Offer offer;
};

TEST_F(LaunchValidationTest, RefusesIdsAndAgents) {
  for (const char* cause :
       {"L1 task_id empty", "L1 task_id .", "L1 task_id ..", "L1 task_id slash",
        "L1 task_id backslash", "L1 task_id tab", "L1 task_id newline", "L1 task_id del",
        "L1 task_id 256 bytes", "L1 ok task_id 128 utf8 2-byte"}) {
    expectRefused(cause, "");
  }
  expectRefused("L3 other agent", R"("agent_id":{"value":"nope"})");
  expectRefused("L3 empty agent", R"("agent_id":{"value":""})");
}

TEST_F(LaunchValidationTest, RefusesChecksAndTimes) {
  const auto check = [](const std::string& json) { return "\"check\":{" + json + "}"; };
  const auto health = [](const std::string& json) { return "\"health_check\":{" + json + "}"; };
  const std::string command = R"("type":"COMMAND","command":{"command":{"value":"true"}},)";
  const std::string healthCommand = R"("type":"COMMAND","command":{"value":"true"},)";
  const std::vector<std::pair<const char*, std::string>> table = {
      {"L4 kill_policy", R"("kill_policy":{"grace_period":{"nanoseconds":-1}})"},
      {"L4 max_completion", R"("max_completion_time":{"nanoseconds":-1})"},
      {"L5 check no type", check("")},
      {"L5 check UNKNOWN type", check(R"("type":"UNKNOWN")")},
      {"L5 check COMMAND no command", check(R"("type":"COMMAND")")},
      {"L5 check COMMAND no value", check(R"("type":"COMMAND","command":{"command":{}})")},
      {"L5 check HTTP no http", check(R"("type":"HTTP")")},
      {"L5 check HTTP bad path", check(R"("type":"HTTP","http":{"port":1,"path":"x"})")},
      {"L5 check TCP no tcp", check(R"("type":"TCP")")},
      {"L5 check delay -1", check(command + R"("delay_seconds":-1)")},
      {"L5 check interval -1", check(command + R"("interval_seconds":-1)")},
      {"L5 check timeout -1", check(command + R"("timeout_seconds":-1)")},
      {"L6 health no type nothing", health("")},
      {"L6 health no type tcp", health(R"("tcp":{"port":1})")},
      {"L6 health COMMAND no value", health(R"("type":"COMMAND","command":{})")},
      {"L6 health HTTP bad path", health(R"("type":"HTTP","http":{"port":1,"path":"x"})")},
      {"L6 health HTTP bad scheme", health(R"("type":"HTTP","http":{"port":1,"scheme":"ftp"})")},
      {"L6 health grace -1", health(healthCommand + R"("grace_period_seconds":-1)")},
      {"L6 health delay -1", health(healthCommand + R"("delay_seconds":-1)")},
      {"L6 health TCP no tcp", health(R"("type":"TCP")")},
      {"L6 health cmd env no value",
       health(R"("type":"COMMAND","command":{"value":"true","environment":
           {"variables":[{"name":"A","type":"VALUE"}]}})")},
  };
  for (const auto& [cause, extra] : table) expectRefused(cause, extra);
  expectRuns(health(R"("http":{"port":1})"));
  expectRuns(health(R"("command":{"value":"true"})"));
  expectRuns(R"("max_completion_time":{"nanoseconds":0})");
}

TEST_F(LaunchValidationTest, RefusesResources) {
  const std::string mem = scalarJson("mem", "32");
  const std::string other = R"(,"allocation_info":{"role":"other"})";
  const std::string revocable = R"(,"revocable":{})";
  const std::string volume = R"("volume":{"container_path":"v","mode":"RW"})";
  const std::vector<std::pair<const char*, std::string>> table = {
      {"L7 no resources", resourcesJson("")},
      {"L7 negative", resourcesJson(scalarJson("cpus", "-1") + "," + mem)},
      {"L7 gpus frac", resourcesJson(scalarJson("gpus", "0.5") + "," + mem)},
      {"L7 two roles", resourcesJson(scalarJson("cpus", "0.1", other) + "," + mem)},
      {"L7 wrong role",
       resourcesJson(scalarJson("cpus", "0.1", other) + "," + scalarJson("mem", "32", other))},
      {"L7 revocable+non",
       resourcesJson(scalarJson("cpus", "0.1", revocable) + "," + scalarJson("cpus", "0.1"))},
      {"L7 revocable", resourcesJson(scalarJson("cpus", "0.1", revocable))},
      {"L7 persistence on *",
       resourcesJson(
           scalarJson("disk", "1", R"(,"disk":{"persistence":{"id":"p"},)" + volume + "}"))},
      {"L7 disk volume without persistence",
       resourcesJson(scalarJson("disk", "1", ",\"disk\":{" + volume + "}"))},
      {"L7 disk on cpus", resourcesJson(scalarJson("cpus", "0.1", R"(,"disk":{})"))},
      {"L14 more than offered", resourcesJson(scalarJson("cpus", "100") + "," + mem)},
      {"L14 port not offered", resourcesJson(scalarJson("cpus", "0.1") +
                                             R"(,{"name":"ports","type":"RANGES",
                                             "ranges":{"range":[{"begin":1,"end":1}]}})")},
      {"L14 other reservation role",
       resourcesJson(
           scalarJson("cpus", "0.1", R"(,"reservations":[{"type":"STATIC","role":"x"}])") + "," +
           mem)},
  };
  for (const auto& [cause, extra] : table) expectRefused(cause, extra);
}

TEST_F(LaunchValidationTest, RunsTasksOfNothing) {
  for (const std::string& list :
       {scalarJson("cpus", "0") + "," + scalarJson("mem", "32"),
        scalarJson("cpus", "0.1") + "," + scalarJson("mem", "0"), scalarJson("disk", "0"),
        scalarJson("cpus", "0") + "," + scalarJson("mem", "0"), scalarJson("mem", "32"),
        scalarJson("cpus", "0.1"),
        scalarJson("cpus", "0.1") + R"(,{"name":"ports","type":"RANGES","ranges":{"range":[]}})"}) {
    expectRuns(resourcesJson(list));
  }
}

TEST_F(LaunchValidationTest, RefusesCommandsContainersAndLimits) {
  const auto env = [](const std::string& variable) {
    return R"("command":{"value":"x","environment":{"variables":[{"name":"A")" + variable + "}]}}";
  };
  const auto container = [](const std::string& json) { return "\"container\":{" + json + "}"; };
  const std::string secret = R"("secret":{"type":"VALUE","value":{"data":"eA=="}})";
  const std::string path = R"("type":"MESOS","volumes":[{"mode":"RW","container_path":"c")";
  const std::vector<std::pair<const char*, std::string>> table = {
      {"L8 env VALUE without value", env(R"(,"type":"VALUE")")},
      {"L8 env SECRET without secret", env(R"(,"type":"SECRET")")},
      {"L8 env VALUE with secret", env(R"(,"type":"VALUE","value":"v",)" + secret)},
      {"L8 env no type, no value", env("")},
      {"L8 volume no path", container(path + "}]")},
      {"L8 volume with both host_path and source",
       container(path + R"(,"host_path":"/x","source":{"type":"HOST_PATH",
           "host_path":{"path":"/x"}}}])")},
      {"L8 container docker w/o docker", container(R"("type":"DOCKER")")},
      {"L9 limits disk", R"("limits":{"disk":{"value":1}})"},
      {"L9 limits gpus", R"("limits":{"gpus":{"value":1}})"},
      {"L9 limits cpus below", R"("limits":{"cpus":{"value":0.05}})"},
      {"L9 limits mem below", R"("limits":{"mem":{"value":16}})"},
      {"L9 limits without request",
       resourcesJson(scalarJson("mem", "32")) + R"(,"limits":{"cpus":{"value":1}})"},
      {"L10 neither", R"("command":null)"},
      {"L10 both", R"("executor":{"executor_id":{"value":"e"},"type":"CUSTOM",
          "command":{"value":"run"}})"},
      {"L16 share_cgroups false",
       container(R"("type":"MESOS","linux_info":{"share_cgroups":false})")},
  };
  for (const auto& [cause, extra] : table) expectRefused(cause, extra);
  expectRuns(R"("limits":{"cpus":{"value":"Infinity"},"mem":{"value":32}})");
  expectRuns(env(R"(,"value":"")"));
}

TEST_F(LaunchValidationTest, RefusesExecutors) {
  const std::string mem = scalarJson("mem", "32");
  const std::string ports = R"({"name":"ports","type":"RANGES","ranges":{"range":[
      {"begin":31001,"end":31002}]}})";
  const std::vector<std::pair<const char*, std::string>> table = {
      {"L11 DEFAULT", executor(R"("type":"DEFAULT")")},
      {"L11 DEFAULT no command", executor(R"("type":"DEFAULT","command":null)")},
      {"L11 UNKNOWN", executor(R"("type":"UNKNOWN","command":null)")},
      {"L11 executor_id a/b", executor(R"("executor_id":{"value":"a/b"})")},
      {"L11 executor_id empty", executor(R"("executor_id":{"value":""})")},
      {"L11 grace -1", executor(R"("shutdown_grace_period":{"nanoseconds":-1})")},
      {"L11 env",
       executor(R"("command":{"value":"x","environment":{"variables":[{"name":"A"}]}})")},
      {"L11 framework_id other", executor(R"("framework_id":{"value":"other"})")},
      {"L11 no command", executor(R"("command":null)")},
      {"L11 resources negative", executor(resourcesJson(scalarJson("cpus", "-1")))},
      {"L11 resources other role", executor(resourcesJson(scalarJson(
                                       "cpus", "0.1", R"(,"allocation_info":{"role":"other"})")))},
      {"L14 executor makes it too much",
       resourcesJson(scalarJson("cpus", "3.9") + "," + mem) + "," +
           executor(resourcesJson(scalarJson("cpus", "0.1") + "," + mem))},
  };
  for (const auto& [cause, extra] : table) expectRefused(cause, extra);

  const Offer whole = offer;
  launch(stream, whole,
         {taskJson(whole, "overlapping",
                   resourcesJson(scalarJson("cpus", "0.1") + "," + ports) + "," +
                       executor(resourcesJson(ports)))});
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].message().starts_with("There are overlapping resources in the task"));
}

TEST_F(LaunchValidationTest, RunsAnExecutorWhoseTypeIsLeftOut) {
  expectRuns(
      R"("command":null,"executor":{"executor_id":{"value":"e"},"command":{"value":"run"}})");
}

TEST_F(LaunchValidationTest, ChecksInTheOrderOfARealMaster) {
  // Every fault at once, then mended one by one as reported.
  std::vector<std::pair<std::string, std::string>> faults = {
      {R"("task_id":{"value":"a/b"})", "contains invalid characters"},
      {R"("agent_id":{"value":"nope"})", "invalid agent"},
      {R"("kill_policy":{"grace_period":{"nanoseconds":-1}})", "kill_policy"},
      {R"("check":{})", "invalid check"},
      {R"("health_check":{})", "invalid health check"},
      {resourcesJson(scalarJson("gpus", "0.5")), "'gpus'"},
      {R"("command":{"value":"x","environment":{"variables":[{"name":"A"}]}})", "CommandInfo"},
      {R"("container":{"type":"DOCKER"})", "ContainerInfo"},
      {R"("limits":{"disk":{"value":1}})", "limits"},
      {R"("executor":{"executor_id":{"value":"a/b"}})", "at least one (but not both)"},
  };
  while (!faults.empty()) {
    std::string extra;
    for (const auto& fault : faults) extra += (extra.empty() ? "" : ",") + fault.first;
    launch(stream, offer, {taskJson(offer, "t", extra)});
    const auto updates = takeUpdates(stream);
    ASSERT_EQ(updates.size(), 1u);
    EXPECT_NE(updates[0].message().find(faults[0].second), std::string::npos)
        << updates[0].message();
    faults.erase(faults.begin());
    advance(1s);
    offer = takeOffer(stream);
  }
}

TEST_F(LaunchValidationTest, FailsAllTasksForOneMalformedResource) {
  for (const std::string& bad :
       {scalarJson("cpus", "-1"), scalarJson("cpus", "0.0001"), scalarJson("", "1"),
        std::string(R"({"name":"ports","type":"RANGES","ranges":{"range":[{"begin":2,"end":1}]}})"),
        std::string(R"({"name":"cpus","type":"SCALAR","set":{"item":["a"]}})")}) {
    launch(stream, offer, {taskJson(offer, "good"), taskJson(offer, "bad", resourcesJson(bad))});
    const auto updates = takeUpdates(stream);
    ASSERT_EQ(updates.size(), 2u) << bad;
    for (const TaskStatus& status : updates) EXPECT_EQ(status.state(), TASK_ERROR);
    EXPECT_TRUE(takeSent<RunTask>().empty());
    advance(1s);
    offer = takeOffer(stream);
  }
}

TEST_F(LaunchValidationTest, RunsTheGoodTasksBesideABadOne) {
  launch(stream, offer,
         {taskJson(offer, "good"), taskJson(offer, "a/b"),
          taskJson(offer, "none", resourcesJson(""))});
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].task_id().value(), "a/b");
  EXPECT_EQ(updates[1].message(), "Task uses no resources");
  const auto sent = takeSent<RunTask>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].task.task_id().value(), "good");
}

TEST_F(LaunchValidationTest, RefusesAnIdUntilItsTerminalUpdateIsAcknowledged) {
  const auto again = [&] {
    launch(stream, offer, {taskJson(offer, "first")});
    const auto updates = takeUpdates(stream);
    advance(1s);
    const auto offers = takeOffers(stream);
    if (!offers.empty()) offer = offers[0];
    return updates.empty() ? std::string() : updates.back().message();
  };
  EXPECT_EQ(again(), "Task has duplicate ID: first");
  const std::string uuid = update(agent, stream, "first", TASK_FINISHED);
  EXPECT_EQ(again(), "Task has duplicate ID: first");
  call(stream, R"("type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":")" + agentId(agent) +
                   R"("},"task_id":{"value":"first"},"uuid":")" + encodeBase64(uuid) + "\"}");
  EXPECT_EQ(again(), "");
  launch(stream, offer, {taskJson(offer, "twice"), taskJson(offer, "twice")});
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].message(), "Task has duplicate ID: twice");
}

TEST_F(LaunchValidationTest, RefusesAnOperationIdOnALaunch) {
  call(stream,
       acceptJson(idJson(offer), launchJson(taskJson(offer, "t"), R"(,"id":{"value":"o"})")));
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  expectLike(recordedStatus("A6 operation id"), updates[0]);
}

TEST_F(LaunchValidationTest, AnswersWhatItDoesNotSupport) {
  call(stream, acceptJson(idJson(offer),
                          R"({"type":"CREATE","id":{"value":"o1"},"create":{"volumes":[]}},
                     {"type":"CREATE","create":{"volumes":[]}})"));
  const auto events = take(stream);
  ASSERT_EQ(events.size(), 1u);
  const auto& status = events[0].update_operation_status().status();
  EXPECT_EQ(status.operation_id().value(), "o1");
  EXPECT_EQ(status.state(), v1::OPERATION_ERROR);
  EXPECT_FALSE(status.has_uuid());
  EXPECT_FALSE(status.has_agent_id());
}

TEST_F(LaunchValidationTest, AnswersInvalidOffersAsRecorded) {
  const auto expectDropped = [&](const char* cause, const std::string& offerIds,
                                 const std::string& extra = "") {
    SCOPED_TRACE(cause);
    call(stream, acceptJson(offerIds, launchJson(taskJson(offer, "t", extra))));
    const auto updates = takeUpdates(stream);
    ASSERT_EQ(updates.size(), 1u);
    expectLike(recordedStatus(cause), updates[0]);
  };
  expectDropped("A2 empty offer_ids", "");
  expectDropped("A3 unknown offer", R"({"value":"nope"})");
  expectDropped("A2 one stale offer twice", R"({"value":"nope"},{"value":"nope"})");
  expectDropped("A3 bad agent_id in task with stale offer", R"({"value":"nope"})",
                R"("agent_id":{"value":"xyz"})");
  expectDropped("A5 vs A3: malformed resource and stale offer", R"({"value":"nope"})",
                resourcesJson(scalarJson("cpus", "-1")));
  ASSERT_EQ(master.offers().size(), 1u);
  expectDropped("A2 duplicate", idJson(offer) + "," + idJson(offer));
  EXPECT_TRUE(master.offers().empty());
  advance(1s);
  offer = takeOffer(stream);  // Consumed, and back without a filter.
  launch(stream, offer, {});
  expectDropped("A3 one valid one stale", idJson(offer));
}

TEST_F(LaunchValidationTest, ConsumesTheOffersOfAnInvalidAcceptSilently) {
  const StreamId other = subscribe(kPlain);
  take(other);
  call(other, acceptJson(idJson(offer), launchJson(taskJson(offer, "t"))));
  const auto updates = takeUpdates(other);
  ASSERT_EQ(updates.size(), 1u);
  expectLike(recordedStatus("A3 other framework's offer (not PARTITION_AWARE)"), updates[0]);
  EXPECT_TRUE(take(stream).empty());
  EXPECT_TRUE(master.offers().empty());
  advance(1s);
  EXPECT_EQ(master.offers().size(), 1u);
}

TEST_F(MasterTest, RefusesToMixAgentsOrRoles) {
  addAgent();
  addAgent();
  const StreamId stream = subscribe(kAware);
  auto offers = takeOffers(stream);
  ASSERT_EQ(offers.size(), 2u);
  call(stream, acceptJson(idJson(offers[0]) + "," + idJson(offers[1]),
                          launchJson(taskJson(offers[0], "t"))));
  auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  expectLike(recordedStatus("A2 offers of two agents"), updates[0]);
  EXPECT_NE(updates[0].message().find(offers[1].id().value() + " uses agent " +
                                      offers[1].agent_id().value()),
            std::string::npos);
  call(stream, R"("type":"TEARDOWN")");

  addAgent("cpus(a):1;cpus(b):1");
  const StreamId roles = subscribe(R"("user":"u","name":"f","roles":["a","b"],
      "capabilities":[{"type":"MULTI_ROLE"},{"type":"PARTITION_AWARE"}])");
  std::string ids;
  Offer ofA;
  for (const Offer& offer : takeOffers(roles)) {
    if (offer.allocation_info().role() == "a") ofA = offer;
    if (offer.allocation_info().role() == "b") ids = idJson(offer);
  }
  call(roles, acceptJson(ids + "," + idJson(ofA), launchJson(taskJson(ofA, "t"))));
  updates = takeUpdates(roles);
  ASSERT_EQ(updates.size(), 1u);
  expectLike(recordedStatus("A2 offers of two agents (and of two roles)"), updates[0]);
}

}  // namespace
}  // namespace mesos::cluster
