// Section 6 of the scenarios, continued: what a master refuses of the tasks of a LAUNCH.
#include "conformance/launching.hpp"

namespace mesos::conformance {
namespace {

using v1::CheckInfo;
using v1::ContainerInfo;
using v1::DiscoveryInfo;
using v1::HealthCheck;
using v1::Value;

class Launch : public PlayedScenario {};
BOTH_ENCODINGS(Launch);

struct Fault {
  const char* what;
  std::function<void(TaskInfo&)> commit;
};

Resource scalar(const std::string& name, double value) {
  Resource resource;
  resource.set_name(name);
  resource.set_type(Value::SCALAR);
  resource.mutable_scalar()->set_value(value);
  return resource;
}

Resource ports(const std::vector<std::pair<int, int>>& ranges) {
  Resource resource;
  resource.set_name("ports");
  resource.set_type(Value::RANGES);
  resource.mutable_ranges();
  for (const auto& [begin, end] : ranges) {
    auto* range = resource.mutable_ranges()->add_range();
    range->set_begin(static_cast<std::uint64_t>(begin));
    range->set_end(static_cast<std::uint64_t>(end));
  }
  return resource;
}

void setResources(TaskInfo& task, const std::vector<Resource>& resources) {
  task.clear_resources();
  for (const Resource& resource : resources) *task.add_resources() = resource;
}

void setEnvironment(CommandInfo& command, const std::string& name, const std::string& value) {
  auto* variable = command.mutable_environment()->add_variables();
  variable->set_name(name);
  variable->set_value(value);
}

/// The answer to a task that the master refuses (facts of 8.1).
void expectTaskError(TestFramework& framework, const TaskInfo& task) {
  const TaskStatus status = framework.status(task.task_id().value());
  EXPECT_EQ(status.state(), TASK_ERROR) << status.ShortDebugString();
  EXPECT_EQ(status.source(), TaskStatus::SOURCE_MASTER);
  EXPECT_EQ(status.reason(), TaskStatus::REASON_TASK_INVALID);
  EXPECT_EQ(status.agent_id().value(), task.agent_id().value());
  EXPECT_NE(status.message(), "");
  EXPECT_FALSE(status.has_uuid());
  EXPECT_FALSE(status.has_executor_id());
}

/// One LAUNCH of a good task and one task for each fault: only the faulty ones are refused.
void expectOnlyTheseRefused(TestFramework& framework, const std::vector<Fault>& faults) {
  const Offer offer = framework.offer();
  const TaskInfo good = commandTask(offer, uniqueId("good"), "exit 0");
  std::vector<TaskInfo> tasks;
  for (const Fault& fault : faults) {
    TaskInfo task = commandTask(offer, uniqueId("bad"), "exit 0", "cpus:0.01;mem:1");
    fault.commit(task);
    tasks.push_back(task);
  }
  tasks.push_back(good);
  framework.accept({offer}, tasks);
  for (std::size_t i = 0; i < faults.size(); ++i) {
    SCOPED_TRACE(faults[i].what);
    expectTaskError(framework, tasks[i]);
  }
  framework.statusUntil(good.task_id().value(), TASK_FINISHED);
}

Fault taskId(const char* what, const std::string& id) {
  return {what, [id](TaskInfo& task) { task.mutable_task_id()->set_value(id); }};
}

TEST_P(Launch, C074_RefusesABadIdAndRunsTheOtherTask) {
  TestFramework framework = subscribe();
  std::string letters;
  for (int i = 0; i < 128; ++i) letters += "\u00e9";
  expectOnlyTheseRefused(
      framework,
      {taskId("empty", ""), taskId(".", "."), taskId("..", ".."), taskId("slash", "a/b"),
       taskId("backslash", "a\\b"), taskId("tab", "a\tb"), taskId("newline", "a\nb"),
       taskId("DEL",
              "a\x7f"
              "b"),
       taskId("256 bytes", std::string(256, 'x')), taskId("128 letters of two bytes", letters)});
}

TEST_P(Launch, C074_RunsTasksWithOddIds) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  std::vector<TaskInfo> tasks;
  for (const std::string& id : {std::string(255, 'x'), std::string("a b"), std::string("a:b"),
                                std::string("...") + uniqueId("a"), std::string("\u00e9")}) {
    tasks.push_back(commandTask(offer, id, "exit 0"));
  }
  framework.accept({offer}, tasks);
  for (const TaskInfo& task : tasks) framework.statusUntil(task.task_id().value(), TASK_FINISHED);
}

std::vector<std::pair<const char*, Resource>> malformedResources() {
  Resource nameless = scalar("", 1);
  Resource otherMember = ports({{31000, 31000}});
  otherMember.set_name("cpus");
  otherMember.set_type(Value::SCALAR);
  Resource diskOnCpus = scalar("cpus", 0.1);
  diskOnCpus.mutable_disk();
  Resource negative = scalar("cpus", -1);
  return {{"negative", negative},
          {"rounds to nothing", scalar("cpus", 0.0001)},
          {"reversed range", ports({{31005, 31000}})},
          {"overlapping ranges", ports({{31000, 31005}, {31005, 31010}})},
          {"no name", nameless},
          {"member of another type", otherMember},
          {"DiskInfo on cpus", diskOnCpus}};
}

TEST_P(Launch, C075_FailsAllTasksOfALaunchForOneMalformedResource) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  std::vector<Offer::Operation> launches;
  std::vector<std::pair<const char*, TaskInfo>> refused;
  for (const auto& [what, resource] : malformedResources()) {
    TaskInfo bad = commandTask(offer, uniqueId("bad"), "exit 0", "cpus:0.01;mem:1");
    *bad.add_resources() = resource;
    const TaskInfo beside = commandTask(offer, uniqueId("good"), "exit 0", "cpus:0.01;mem:1");
    launches.push_back(launchOf({beside, bad}));
    refused.emplace_back(what, beside);
    refused.emplace_back(what, bad);
  }
  const TaskInfo other = commandTask(offer, uniqueId("other"), "exit 0");
  launches.push_back(launchOf({other}));
  accept(framework, {offer.id()}, launches);
  for (const auto& [what, task] : refused) {
    SCOPED_TRACE(what);
    expectTaskError(framework, task);
  }
  framework.statusUntil(other.task_id().value(), TASK_FINISHED);
}

TEST_P(Launch, C075_FailsAllTasksForAMalformedResourceOfAnExecutor) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  TaskInfo bad = executorTask(offer, uniqueId("bad"), uniqueId("executor"));
  *bad.mutable_executor()->add_resources() = scalar("cpus", -1);
  const TaskInfo beside = commandTask(offer, uniqueId("good"), "exit 0");
  framework.accept({offer}, {beside, bad});
  expectTaskError(framework, beside);
  expectTaskError(framework, bad);
}

TEST_P(Launch, C075_RunsTasksOfZeroQuantities) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const std::vector<std::vector<Resource>> lists = {
      {scalar("cpus", 0), scalar("mem", 32)},
      {scalar("cpus", 0.1), scalar("mem", 0)},
      {scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 0)},
      {scalar("cpus", 0), scalar("mem", 0), scalar("disk", 0)},
      {scalar("mem", 32)},
      {scalar("cpus", 0.1)},
      {scalar("cpus", 0.1), scalar("mem", 32), ports({})},
      {scalar("cpus", 0.0005), scalar("mem", 32)}};
  std::vector<TaskInfo> tasks;
  for (const auto& resources : lists) {
    tasks.push_back(commandTask(offer, uniqueId("task"), "exit 0"));
    setResources(tasks.back(), resources);
  }
  framework.accept({offer}, tasks);
  for (const TaskInfo& task : tasks) {
    framework.statusUntil(task.task_id().value(), TASK_FINISHED, Timeout(20000));
  }
}

TEST_P(Launch, C075_RefusesATaskWithoutResourcesAlone) {
  TestFramework framework = subscribe();
  expectOnlyTheseRefused(framework, {{"none", [](TaskInfo& task) { task.clear_resources(); }}});
}

TEST_P(Launch, C076_RefusesAnIdInUseUntilItsEndIsAcknowledged) {
  TestFramework framework = subscribe();
  const Launched first = launch(framework);
  TestExecutor executor = run(framework, first);
  framework.accept({framework.offer()}, {first.task});
  expectTaskError(framework, first.task);

  executor.update(first.task.task_id(), TASK_FINISHED);
  const TaskStatus finished = framework.status(first.id(), false);
  EXPECT_EQ(finished.state(), TASK_FINISHED);
  framework.accept({framework.offer()}, {first.task});
  expectTaskError(framework, first.task);

  framework.acknowledge(finished);
  framework.accept({framework.offer()}, {first.task});
  awaitLaunch(executor, first.id());
  executor.update(first.task.task_id(), TASK_RUNNING);
  EXPECT_EQ(framework.status(first.id()).state(), TASK_RUNNING);
}

TEST_P(Launch, C076_RefusesTheSecondOfTwoEqualIdsInOneLaunch) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const TaskInfo task = executorTask(offer, uniqueId("task"), uniqueId("executor"));
  framework.accept({offer}, {task, task});
  expectTaskError(framework, task);
  const auto state = taskState(master(), framework.id(), task.task_id().value());
  ASSERT_TRUE(state.IsObject());
  EXPECT_STREQ(state["state"].GetString(), "TASK_STAGING");
}

TEST_P(Launch, C077_RefusesATaskForAnotherAgent) {
  TestFramework framework = subscribe();
  expectOnlyTheseRefused(
      framework,
      {{"unknown agent", [](TaskInfo& task) { task.mutable_agent_id()->set_value("nope"); }},
       {"empty agent id", [](TaskInfo& task) { task.mutable_agent_id()->set_value(""); }}});
}

TEST_P(Launch, C078_RefusesATaskWithNeitherOrBothOfCommandAndExecutor) {
  TestFramework framework = subscribe();
  expectOnlyTheseRefused(framework,
                         {{"neither", [](TaskInfo& task) { task.clear_command(); }},
                          {"both", [](TaskInfo& task) {
                             task.mutable_executor()->mutable_executor_id()->set_value("e");
                             task.mutable_executor()->mutable_command()->set_value("exit 0");
                           }}});
}

Fault resources(const char* what, const std::vector<Resource>& list) {
  return {what, [list](TaskInfo& task) { setResources(task, list); }};
}

TEST_P(Launch, C079_RefusesResourcesThatWereNotOfferedForTheirTaskAlone) {
  TestFramework framework = subscribe();
  Resource otherRole = scalar("cpus", 0.1);
  otherRole.mutable_allocation_info()->set_role("other");
  Resource reserved = scalar("cpus", 0.1);
  reserved.add_reservations()->set_type(Resource::ReservationInfo::STATIC);
  reserved.mutable_reservations(0)->set_role("x");
  const Resource mem = scalar("mem", 1);
  expectOnlyTheseRefused(
      framework, {resources("more than offered", {scalar("cpus", 100000), mem}),
                  resources("port not offered", {scalar("cpus", 0.1), ports({{1, 1}})}),
                  resources("two roles", {otherRole, mem}),
                  resources("another role", {otherRole}),
                  resources("reserved", {reserved, mem}),
                  resources("a fraction of a gpu", {scalar("cpus", 0.1), scalar("gpus", 0.5)}),
                  {"the executor makes it too much", [](TaskInfo& task) {
                     task.clear_command();
                     task.mutable_executor()->mutable_executor_id()->set_value("e");
                     task.mutable_executor()->mutable_command()->set_value("exit 0");
                     *task.mutable_executor()->add_resources() = scalar("cpus", 100000);
                   }}});
}

TEST_P(Launch, C079_RefusesPortsThatTaskAndExecutorShare) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  TaskInfo task = executorTask(offer, uniqueId("task"), uniqueId("executor"));
  const auto offered = Resources(offer.resources()).toProto();
  Resource port;
  for (const Resource& resource : offered) {
    if (resource.name() == "ports") port = resource;
  }
  if (port.ranges().range_size() == 0) GTEST_SKIP() << "needs: an agent that offers ports";
  auto* range = port.mutable_ranges()->mutable_range(0);
  range->set_end(range->begin());
  while (port.ranges().range_size() > 1) port.mutable_ranges()->mutable_range()->RemoveLast();
  *task.add_resources() = port;
  *task.mutable_executor()->add_resources() = port;
  framework.accept({offer}, {task});
  expectTaskError(framework, task);
}

void fillExecutor(TaskInfo& task) {
  ExecutorInfo& executor = *task.mutable_executor();
  executor.set_name("name");
  executor.set_source("source");
  executor.set_data("data");
  setEnvironment(*executor.mutable_command(), "A", "a");
  *executor.add_resources() = scalar("cpus", 0.2);
  *executor.add_resources() = scalar("mem", 32);
}

double usedCpus(const protocol::Address& master, const AgentID& agent) {
  return agentState(master, agent)["used_resources"]["cpus"].GetDouble();
}

TEST_P(Launch, C080_GivesASecondTaskToTheRunningExecutor) {
  TestFramework framework = subscribe();
  const Launched first = launch(framework, fillExecutor);
  TestExecutor executor = run(framework, first);
  EXPECT_DOUBLE_EQ(usedCpus(master(), first.offer.agent_id()), 0.3);

  const std::vector<Fault> spellings = {
      {"the same", [](TaskInfo&) {}},
      {"resources in another order",
       [](TaskInfo& task) { task.mutable_executor()->mutable_resources()->SwapElements(0, 1); }},
      {"resources split in two",
       [](TaskInfo& task) {
         task.mutable_executor()->mutable_resources(0)->mutable_scalar()->set_value(0.1);
         *task.mutable_executor()->add_resources() = scalar("cpus", 0.1);
       }},
      {"with framework id",
       [&](TaskInfo& task) { *task.mutable_executor()->mutable_framework_id() = framework.id(); }},
      {"other labels",
       [](TaskInfo& task) {
         task.mutable_executor()->mutable_labels()->add_labels()->set_key("k");
       }},
      {"another shutdown_grace_period", [](TaskInfo& task) {
         task.mutable_executor()->mutable_shutdown_grace_period()->set_nanoseconds(1000000000);
       }}};
  double cpus = 0.3;
  for (const Fault& spelling : spellings) {
    SCOPED_TRACE(spelling.what);
    const Launched next = launch(framework, [&](TaskInfo& task) {
      *task.mutable_executor() = first.task.executor();
      spelling.commit(task);
    });
    awaitLaunch(executor, next.id());
    cpus += 0.1;
    EXPECT_NEAR(usedCpus(master(), first.offer.agent_id()), cpus, 0.0001);
  }
}

std::vector<std::pair<const char*, std::function<void(ExecutorInfo&)>>> differences() {
  return {{"name", [](ExecutorInfo& executor) { executor.set_name("other"); }},
          {"source", [](ExecutorInfo& executor) { executor.set_source("other"); }},
          {"data", [](ExecutorInfo& executor) { executor.set_data("other"); }},
          {"command", [](ExecutorInfo& executor) { executor.mutable_command()->set_value("x"); }},
          {"environment",
           [](ExecutorInfo& executor) { setEnvironment(*executor.mutable_command(), "B", "b"); }},
          {"resources",
           [](ExecutorInfo& executor) {
             executor.mutable_resources(0)->mutable_scalar()->set_value(0.1);
           }},
          {"container",
           [](ExecutorInfo& executor) {
             executor.mutable_container()->set_type(ContainerInfo::MESOS);
           }},
          {"discovery",
           [](ExecutorInfo& executor) {
             executor.mutable_discovery()->set_visibility(DiscoveryInfo::CLUSTER);
           }},
          {"type left out", [](ExecutorInfo& executor) { executor.clear_type(); }}};
}

TEST_P(Launch, C080_RefusesAnExecutorThatDiffersFromTheRunningOne) {
  TestFramework framework = subscribe();
  const Launched first = launch(framework, fillExecutor);
  run(framework, first);
  std::vector<Fault> faults;
  for (const auto& [what, change] : differences()) {
    faults.push_back({what, [&first, change = change](TaskInfo& task) {
                        task.clear_command();
                        *task.mutable_executor() = first.task.executor();
                        change(*task.mutable_executor());
                      }});
  }
  expectOnlyTheseRefused(framework, faults);
}

Fault executorFault(const char* what, const std::function<void(ExecutorInfo&)>& change) {
  return {what, [change](TaskInfo& task) {
            task.clear_command();
            ExecutorInfo& executor = *task.mutable_executor();
            executor.set_type(ExecutorInfo::CUSTOM);
            executor.mutable_executor_id()->set_value(uniqueId("executor"));
            executor.mutable_command()->set_value("exec sleep 1000");
            change(executor);
          }};
}

TEST_P(Launch, C081_RefusesExecutorsThatAreNotCustomOnesWithACommand) {
  TestFramework framework = subscribe();
  expectOnlyTheseRefused(
      framework,
      {executorFault("DEFAULT", [](ExecutorInfo& e) { e.set_type(ExecutorInfo::DEFAULT); }),
       executorFault("DEFAULT without command",
                     [](ExecutorInfo& e) {
                       e.set_type(ExecutorInfo::DEFAULT);
                       e.clear_command();
                     }),
       executorFault("UNKNOWN", [](ExecutorInfo& e) { e.set_type(ExecutorInfo::UNKNOWN); }),
       executorFault("no command", [](ExecutorInfo& e) { e.clear_command(); }),
       executorFault("id with slash",
                     [](ExecutorInfo& e) { e.mutable_executor_id()->set_value("a/b"); }),
       executorFault("empty id", [](ExecutorInfo& e) { e.mutable_executor_id()->set_value(""); }),
       executorFault(
           "negative grace",
           [](ExecutorInfo& e) { e.mutable_shutdown_grace_period()->set_nanoseconds(-1); }),
       executorFault("variable without value",
                     [](ExecutorInfo& e) {
                       e.mutable_command()->mutable_environment()->add_variables()->set_name("A");
                     }),
       executorFault("another framework's",
                     [](ExecutorInfo& e) { e.mutable_framework_id()->set_value("other"); })});
}

TEST_P(Launch, C081_RunsAnExecutorWithoutType) {
  TestFramework framework = subscribe();
  const Launched launched =
      launch(framework, [](TaskInfo& task) { task.mutable_executor()->clear_type(); });
  run(framework, launched);
}

Fault check(const char* what, const std::function<void(CheckInfo&)>& fill) {
  return {what, [fill](TaskInfo& task) { fill(*task.mutable_check()); }};
}

Fault healthCheck(const char* what, const std::function<void(HealthCheck&)>& fill) {
  return {what, [fill](TaskInfo& task) { fill(*task.mutable_health_check()); }};
}

TEST_P(Launch, C082_RefusesNegativeDurations) {
  TestFramework framework = subscribe();
  expectOnlyTheseRefused(
      framework, {{"kill_policy.grace_period",
                   [](TaskInfo& task) {
                     task.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(-1);
                   }},
                  {"max_completion_time", [](TaskInfo& task) {
                     task.mutable_max_completion_time()->set_nanoseconds(-1);
                   }}});
}

TEST_P(Launch, C082_RefusesBadChecks) {
  TestFramework framework = subscribe();
  const auto command = [](CheckInfo& info) {
    info.set_type(CheckInfo::COMMAND);
    info.mutable_command()->mutable_command()->set_value("true");
  };
  expectOnlyTheseRefused(
      framework,
      {check("no type", [](CheckInfo&) {}),
       check("UNKNOWN", [](CheckInfo& info) { info.set_type(CheckInfo::UNKNOWN); }),
       check("COMMAND without command", [](CheckInfo& info) { info.set_type(CheckInfo::COMMAND); }),
       check("COMMAND without value",
             [](CheckInfo& info) {
               info.set_type(CheckInfo::COMMAND);
               info.mutable_command()->mutable_command();
             }),
       check("HTTP without http", [](CheckInfo& info) { info.set_type(CheckInfo::HTTP); }),
       check("HTTP with a relative path",
             [](CheckInfo& info) {
               info.set_type(CheckInfo::HTTP);
               info.mutable_http()->set_port(80);
               info.mutable_http()->set_path("x");
             }),
       check("TCP without tcp", [](CheckInfo& info) { info.set_type(CheckInfo::TCP); }),
       check("delay",
             [&](CheckInfo& info) {
               command(info);
               info.set_delay_seconds(-1);
             }),
       check("interval",
             [&](CheckInfo& info) {
               command(info);
               info.set_interval_seconds(-1);
             }),
       check("timeout", [&](CheckInfo& info) {
         command(info);
         info.set_timeout_seconds(-1);
       })});
}

TEST_P(Launch, C082_RefusesBadHealthChecks) {
  TestFramework framework = subscribe();
  const auto http = [](HealthCheck& info, const char* path, const char* scheme) {
    info.set_type(HealthCheck::HTTP);
    info.mutable_http()->set_port(80);
    info.mutable_http()->set_path(path);
    info.mutable_http()->set_scheme(scheme);
  };
  expectOnlyTheseRefused(
      framework,
      {healthCheck("nothing", [](HealthCheck&) {}),
       healthCheck("TCP without type", [](HealthCheck& info) { info.mutable_tcp()->set_port(80); }),
       healthCheck("COMMAND without value",
                   [](HealthCheck& info) {
                     info.set_type(HealthCheck::COMMAND);
                     info.mutable_command();
                   }),
       healthCheck("relative path", [&](HealthCheck& info) { http(info, "x", "http"); }),
       healthCheck("ftp", [&](HealthCheck& info) { http(info, "/x", "ftp"); }),
       healthCheck("TCP without tcp", [](HealthCheck& info) { info.set_type(HealthCheck::TCP); }),
       healthCheck("grace",
                   [&](HealthCheck& info) {
                     http(info, "/x", "http");
                     info.set_grace_period_seconds(-1);
                   }),
       healthCheck("variable without value", [](HealthCheck& info) {
         info.set_type(HealthCheck::COMMAND);
         info.mutable_command()->set_value("true");
         info.mutable_command()->mutable_environment()->add_variables()->set_name("A");
       })});
}

}  // namespace
}  // namespace mesos::conformance
