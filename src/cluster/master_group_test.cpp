// LAUNCH_GROUP (section 8.2).
#include "cluster/master_fixture.hpp"

#include <regex>

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;

constexpr char kScalars[] = R"([{"name":"cpus","type":"SCALAR","scalar":{"value":0.1}},
    {"name":"mem","type":"SCALAR","scalar":{"value":32}},
    {"name":"disk","type":"SCALAR","scalar":{"value":8}}])";

class GroupTest : public MasterTest {
 protected:
  GroupTest() {
    agent = addAgent();
    stream = subscribe(std::string(kAware) + R"(,"roles":["ro"])");
    offer = takeOffer(stream);
  }

  /// The executor "g" of the framework, later members of `extra` override.
  std::string executorJson(const std::string& extra = "") const {
    return R"("executor":{"type":"CUSTOM","executor_id":{"value":"g"},"framework_id":{"value":")" +
           idOf(stream) + R"("},"command":{"value":"run"},"resources":)" + kScalars +
           (extra.empty() ? "" : "," + extra) + "}";
  }
  void launchGroup(const std::string& executor, const std::vector<std::string>& tasks,
                   const std::string& more = "") {
    std::string list;
    for (const std::string& task : tasks) list += (list.empty() ? "" : ",") + task;
    call(stream, R"("type":"ACCEPT","accept":{"offer_ids":[{"value":")" + offer.id().value() +
                     R"("}],"filters":{"refuse_seconds":0},"operations":[{"type":"LAUNCH_GROUP",
                     "launch_group":{)" +
                     executor + R"(,"task_group":{"tasks":[)" + list + "]}}" + more + "}]}");
  }
  std::string task(const std::string& id, const std::string& extra = "") const {
    return taskJson(offer, id, extra);
  }

  /// The whole group is refused, for the recorded cause, and the offer comes again whole.
  void expectRefused(const std::string& cause, const std::string& executor,
                     const std::string& badTask, const std::string& more = "") {
    SCOPED_TRACE(cause);
    launchGroup(executor, {task("good"), badTask}, more);
    const auto updates = takeUpdates(stream);
    ASSERT_EQ(updates.size(), 2u);
    TaskStatus recorded = recordedStatus(cause);
    EXPECT_EQ(updates[0].message(), updates[1].message());
    for (TaskStatus actual : updates) {
      recorded.set_message(withoutNames(recorded.message()));
      actual.set_message(withoutNames(actual.message()));
      expectLike(recorded, actual);
    }
    EXPECT_TRUE(takeSent<RunTaskGroup>().empty());
    advance(1s);
    offer = takeOffer(stream);
    EXPECT_EQ(Resources(offer.resources()).cpus(), 4);
  }

  static std::string withoutNames(const std::string& text) {
    static const std::regex names("'(g-[0-9a-f]+|g|t-[0-9a-f]+|bad)'");
    return std::regex_replace(text, names, "<name>");
  }

  std::uint64_t agent = 0;
  StreamId stream = 0;
  Offer offer;
};

TEST_F(GroupTest, SendsTheTasksTogetherEachWithTheExecutor) {
  launchGroup(executorJson(), {task("a"), task("b")});
  EXPECT_TRUE(takeUpdates(stream).empty());
  const auto sent = takeSent<RunTaskGroup>();
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_EQ(sent[0].tasks.size(), 2u);
  for (const TaskInfo& one : sent[0].tasks) {
    EXPECT_EQ(one.executor().executor_id().value(), "g");
    EXPECT_EQ(one.resources(0).allocation_info().role(), "ro");
  }
  EXPECT_EQ(sent[0].launchExecutor, true);
  const MasterFramework& framework = *master.frameworkOf(stream);
  EXPECT_EQ(framework.tasks.at("b").task.unpack().executor_id().value(), "g");
  EXPECT_EQ(framework.tasks.at("b").task.state(), TASK_STAGING);
  EXPECT_DOUBLE_EQ(master.agents().at(agentId(agent)).used.cpus(), 0.3);
}

TEST_F(GroupTest, RefusesExecutorsAsRecorded) {
  const std::string good = task("bad");
  expectRefused("L31 type unset", executorJson(R"("type":null)"), good);
  expectRefused("L31 CUSTOM without command", executorJson(R"("command":null)"), good);
  expectRefused("L31 DEFAULT with command", executorJson(R"("type":"DEFAULT")"), good);
  expectRefused("L31 no framework_id", executorJson(R"("framework_id":null)"), good);
  expectRefused("L31 other framework_id", executorJson(R"("framework_id":{"value":"z"})"), good);
  expectRefused("L31 docker container",
                executorJson(R"("type":"DEFAULT","command":null,"container":{"type":"DOCKER",
                             "docker":{"image":"i"}})"),
                good);
  const auto scalars = [](const char* cpus, const char* mem, const char* disk) {
    const auto one = [](const char* name, const char* value) {
      return std::string(R"({"name":")") + name + R"(","type":"SCALAR","scalar":{"value":)" +
             value + "}}";
    };
    return R"("resources":[)" + one("cpus", cpus) + "," + one("mem", mem) + "," +
           one("disk", disk) + "]";
  };
  expectRefused("L31 cpus too few", executorJson(scalars("0.005", "32", "8")), good);
  expectRefused("L31 mem too few", executorJson(scalars("0.1", "31", "8")), good);
  expectRefused("L31 no disk", executorJson(scalars("0.1", "32", "0")), good);
  expectRefused("L31 no resources", executorJson(R"("resources":[])"), good);
}

TEST_F(GroupTest, RefusesAllForOneTaskAsRecorded) {
  const std::string good = executorJson();
  expectRefused("L30 one bad id", good, task("a/b"));
  expectRefused("L32 task executor differs", good,
                task("bad", R"("executor":{"type":"CUSTOM","executor_id":{"value":"other"},
                     "command":{"value":"run"}})"));
  expectRefused("L32 docker task", good,
                task("bad", R"("container":{"type":"DOCKER","docker":{"image":"i"}})"));
  expectRefused("L32 HTTP check own network", good,
                task("bad", R"("container":{"type":"MESOS","network_infos":[{"name":"n"}]},
                     "health_check":{"type":"HTTP","http":{"port":1}})"));
  expectRefused("A5 malformed resource", good,
                task("bad", R"("resources":[{"name":"cpus","type":"SCALAR",
                     "scalar":{"value":-1}}])"));
  expectRefused("A6 id", good, task("bad"), R"(,"id":{"value":"o"})");
  expectRefused("A9 health check without type in a group", good,
                task("bad", R"("health_check":{"command":{"value":"true"}})"));
}

TEST_F(GroupTest, RefusesWhatTheOfferDoesNotHold) {
  launchGroup(executorJson(), {task("a"), task("b", R"("resources":[{"name":"cpus",
      "type":"SCALAR","scalar":{"value":3.9}}])")});
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].message().find("Total resources cpus(allocated: ro):4.1; "
                                      "mem(allocated: ro):64; disk(allocated: ro):8 required by "
                                      "task group and its executor are more than available "),
            0u)
      << updates[0].message();
}

TEST_F(GroupTest, GivesAPortToOneTaskOnly) {
  const std::string port = R"("resources":[{"name":"ports","type":"RANGES","ranges":{"range":[
      {"begin":31000,"end":31000}]}}])";
  launchGroup(executorJson(), {task("a", port), task("b", port)});
  EXPECT_EQ(takeUpdates(stream).size(), 2u);
}

TEST_F(GroupTest, RefusesTwoTasksOfOneIdAndIdsInUse) {
  launchGroup(executorJson(), {task("a"), task("a")});
  auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].message(), "Task 'a' is invalid: Task has duplicate ID: a");
  advance(1s);
  offer = takeOffer(stream);
  launchGroup(executorJson(), {task("a")});
  advance(1s);
  offer = takeOffer(stream);
  launchGroup(executorJson(), {task("b"), task("a")});
  updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].message(), "Task 'a' is invalid: Task has duplicate ID: a");
  EXPECT_EQ(takeSent<RunTaskGroup>().size(), 1u);
}

TEST_F(GroupTest, CountsARunningExecutorOnceAndAsksNoMinimumOfIt) {
  const std::string small = R"("resources":[{"name":"cpus","type":"SCALAR",
      "scalar":{"value":0.1}}])";
  std::string executor = R"("command":null,)" + executorJson(small);
  call(stream, R"("type":"ACCEPT","accept":{"offer_ids":[{"value":")" + offer.id().value() +
                   R"("}],"filters":{"refuse_seconds":0},"operations":[{"type":"LAUNCH","launch":{
                   "task_infos":[)" +
                   task("alone", executor) + "]}}]}");
  ASSERT_EQ(takeSent<RunTask>().size(), 1u);
  advance(1s);
  offer = takeOffer(stream);
  launchGroup(executorJson(small), {task("a")});
  EXPECT_TRUE(takeUpdates(stream).empty());
  EXPECT_EQ(takeSent<RunTaskGroup>().at(0).launchExecutor, false);
  EXPECT_DOUBLE_EQ(master.agents().at(agentId(agent)).used.cpus(), 0.3);
  advance(1s);
  offer = takeOffer(stream);
  launchGroup(executorJson(small + R"(,"name":"another")"), {task("b")});
  EXPECT_EQ(takeUpdates(stream).size(), 1u) << "an executor that differs from the running one";
}

TEST_F(GroupTest, SaysNothingOfAnEmptyGroup) {
  launchGroup(executorJson(), {});
  EXPECT_TRUE(take(stream).empty());
  EXPECT_TRUE(takeSent<RunTaskGroup>().empty());
  advance(1s);
  EXPECT_EQ(takeOffers(stream).size(), 1u);
}

TEST_F(GroupTest, DoesNotServeTheDefaultExecutor) {
  launchGroup(executorJson(R"("type":"DEFAULT","command":null)"), {task("a")});
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state(), TASK_ERROR);
  EXPECT_EQ(updates[0].reason(), TaskStatus::REASON_TASK_GROUP_INVALID);
  EXPECT_EQ(updates[0].message(), "The default executor is not supported by this cluster");
}

}  // namespace
}  // namespace mesos::cluster
