// ACCEPT: what a launch is to its agent, and what it leaves (section 8).
#include "cluster/master_fixture.hpp"

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;

TEST_F(MasterTest, SendsATaskToItsAgentWithItsDefaultsFilledIn) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  const Offer offer = takeOffer(stream);
  launch(stream, offer,
         {taskJson(offer, "t",
                   std::string(kExecutor) + "," +
                       resourcesJson(scalarJson("cpus", "1", R"(,"role":"*")")))});
  const auto sent = takeSent<RunTask>();
  ASSERT_EQ(sent.size(), 1u);
  const TaskInfo& task = sent[0].task;
  EXPECT_EQ(sent[0].framework.id().value(), idOf(stream));
  EXPECT_EQ(task.executor().framework_id().value(), idOf(stream));
  EXPECT_EQ(protocol::toJson(task.resources(0)),
            R"({"name":"cpus","type":"SCALAR","scalar":{"value":1.0},)"
            R"("allocation_info":{"role":"*"}})");
  EXPECT_EQ(task.executor().resources(0).allocation_info().role(), "*");
  EXPECT_TRUE(take(stream).empty());
  const MasterTask& known = master.frameworkOf(stream)->tasks.at("t");
  EXPECT_EQ(known.task.state(), TASK_STAGING);
  EXPECT_EQ(known.task.unpack().executor_id().value(), "e");
}

TEST_F(MasterTest, InfersTheTypeOfAHealthCheck) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  const Offer offer = takeOffer(stream);
  launch(stream, offer, {taskJson(offer, "t", R"("health_check":{"http":{"port":80}})")});
  EXPECT_EQ(takeSent<RunTask>().at(0).task.health_check().type(), v1::HealthCheck::HTTP);
}

TEST_F(MasterTest, CountsAnExecutorOnceAndUntilItExits) {
  const std::uint64_t agent = addAgent();
  const StreamId stream = subscribe(kPlain);
  const Offer offer = takeOffer(stream);
  launch(stream, offer, {taskJson(offer, "t", kExecutor), taskJson(offer, "u", kExecutor)});
  const auto sent = takeSent<RunTask>();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].launchExecutor, true);
  EXPECT_EQ(sent[1].launchExecutor, false);
  const auto used = [&] { return master.agents().begin()->second.used.unallocated(); };
  EXPECT_EQ(used(), Resources::parse("cpus:0.3;mem:96").value());
  advance(1s);
  EXPECT_EQ(takeOffer(stream).executor_ids(0).value(), "e");
  update(agent, stream, "t", TASK_FINISHED);
  update(agent, stream, "u", TASK_FINISHED);
  EXPECT_EQ(used(), Resources::parse("cpus:0.1;mem:32").value());
  take(stream);
  ExecutorExited exited;
  exited.frameworkId.set_value(idOf(stream));
  exited.executorId.set_value("e");
  exited.status = 768;
  fromAgent(agent, exited);
  EXPECT_TRUE(used().empty());
  const auto events = take(stream);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].failure().agent_id().value(), agentId(agent));
  EXPECT_EQ(events[0].failure().executor_id().value(), "e");
  EXPECT_EQ(events[0].failure().status(), 768);
  fromAgent(agent, exited);
  EXPECT_TRUE(take(stream).empty());
}

TEST_F(MasterTest, RefusesAnotherExecutorUnderARunningOnesId) {
  addAgent();
  const StreamId stream = subscribe(kAware);
  Offer offer = takeOffer(stream);
  launch(stream, offer, {taskJson(offer, "first", kExecutor)});
  takeSent<RunTask>();
  int number = 0;
  const auto tryWith = [&](const std::string& from, const std::string& to) {
    std::string executor = kExecutor;
    executor.replace(executor.find(from), from.size(), to);
    advance(1s);
    offer = takeOffer(stream);
    launch(stream, offer, {taskJson(offer, "t" + std::to_string(number++), executor)});
    const auto updates = takeUpdates(stream);
    return updates.empty() ? std::string() : updates[0].message();
  };
  const std::string refusal =
      "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n" +
      std::string(60, '-') + "\nExisting ExecutorInfo:\n";
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {R"("name":"n")", R"("name":"z")"},
           {R"("source":"s")", R"("source":"z")"},
           {R"("value":"run")", R"("value":"z")"},
           {R"("value":0.1)", R"("value":0.2)"},
           {R"("name":"n")", R"("name":"n","data":"eA==")"},
           {R"("name":"n")", R"("name":"n","discovery":{"visibility":"CLUSTER"})"},
           {R"("type":"CUSTOM",)", ""},
           {R"("value":"run")", R"("value":"run","environment":{"variables":[]})"}}) {
    EXPECT_TRUE(tryWith(from, to).starts_with(refusal)) << to;
  }
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {R"("name":"n")", R"("name":"n","labels":{"labels":[{"key":"k"}]})"},
           {R"("name":"n")", R"("name":"n","shutdown_grace_period":{"nanoseconds":1})"},
           {R"("name":"n")", R"("name":"n","framework_id":{"value":")" + idOf(stream) + "\"}"},
           {R"("resources":[)",
            R"("resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":0}},)"}}) {
    EXPECT_EQ(tryWith(from, to), "") << to;
  }
}

TEST_F(MasterTest, ReturnsWhatALaunchLeaves) {
  addAgent();
  const StreamId stream = subscribe(kPlain);
  launch(stream, {"t"});  // refuse_seconds 0.
  advance(1s);
  Offer rest = takeOffer(stream);
  EXPECT_EQ(Resources(rest.resources()).cpus(), 3.9);
  call(stream, R"("type":"ACCEPT","accept":{"offer_ids":[)" + idJson(rest) + R"(],"operations":[)" +
                   launchJson(taskJson(rest, "u")) + "]}");
  advance(5s);
  EXPECT_TRUE(takeOffers(stream).empty());
  advance(1s);
  EXPECT_EQ(Resources(takeOffer(stream).resources()).cpus(), 3.8);
}

TEST_F(MasterTest, AddsTenthsWithoutDrift) {
  const std::uint64_t agent = addAgent("cpus:0.3;mem:96");
  const StreamId stream = subscribe(kPlain);
  for (int i = 0; i < 300; ++i) {
    const std::string id = std::to_string(i);
    const Offer offer = takeOffer(stream);
    launch(stream, offer,
           {taskJson(offer, "a" + id), taskJson(offer, "b" + id), taskJson(offer, "c" + id)});
    ASSERT_EQ(takeSent<RunTask>().size(), 3u) << i;
    for (const char* task : {"a", "b", "c"}) update(agent, stream, task + id, TASK_FINISHED);
    take(stream);
    advance(1s);
  }
  EXPECT_EQ(Resources(takeOffer(stream).resources()).cpus(), 0.3);
}

}  // namespace
}  // namespace mesos::cluster
