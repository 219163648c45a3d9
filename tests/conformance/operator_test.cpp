// Section 12 of the scenarios: what operators and web pages ask a master and an agent.
#include "conformance/launching.hpp"

#include <set>
#include <sstream>

namespace mesos::conformance {
namespace {

/// JSON looks the same whoever runs the tasks.
class Operator : public testing::Test {
 protected:
  const protocol::Address& master() const { return environment().master; }
  static TestFramework subscribe(FrameworkInfo info = {}) {
    return TestFramework(environment().master, Encoding::Protobuf, std::move(info));
  }
};

bool hasType(const rapidjson::Value& value, char type) {
  switch (type) {
    case 's':
      return value.IsString();
    case 'd':
      return value.IsDouble();
    case 'i':
      return value.IsInt64() || value.IsUint64();
    case 'b':
      return value.IsBool();
    case 'o':
      return value.IsObject();
    case 'a':
      return value.IsArray();
    default:
      return false;
  }
}

/// `members` is "name:type …" with s(tring), d(ouble), i(nteger), b(ool), o(bject), a(rray); a name
/// that ends in '?' may be missing.
void expectMembers(const rapidjson::Value& value, const std::string& members) {
  ASSERT_TRUE(value.IsObject());
  std::istringstream words(members);
  for (std::string word; words >> word;) {
    std::string name = word.substr(0, word.find(':'));
    const bool optional = name.ends_with("?");
    if (optional) name.pop_back();
    if (!value.HasMember(name.c_str())) {
      EXPECT_TRUE(optional) << name << " is missing";
      continue;
    }
    EXPECT_TRUE(hasType(value[name.c_str()], word.back())) << word << " has another type";
  }
}

/// The resources object of fact W13.
void expectResources(const rapidjson::Value& resources) {
  expectMembers(resources, "cpus:d gpus:d mem:d disk:d ports?:s");
}

constexpr char kVersion[] =
    "version:s build_date:s build_time:d build_user:s git_sha?:s git_branch?:s git_tag?:s";
constexpr char kMasterState[] =
    "version:s build_date:s build_time:d build_user:s start_time:d elected_time:d id:s pid:s "
    "hostname:s capabilities:a activated_slaves:d deactivated_slaves:d unreachable_slaves:d "
    "leader:s leader_info:o flags:o slaves:a recovered_slaves:a frameworks:a "
    "completed_frameworks:a orphan_tasks:a unregistered_frameworks:a domain?:o cluster?:s";
constexpr char kSlave[] =
    "id:s hostname:s port:i attributes:o pid:s registered_time:d reregistered_time?:d resources:o "
    "used_resources:o offered_resources:o reserved_resources:o unreserved_resources:o active:b "
    "deactivated:b version:s capabilities:a domain?:o drain_info?:o";
constexpr char kFullSlave[] =
    "reserved_resources_full:o unreserved_resources_full:a used_resources_full:a "
    "offered_resources_full:a";
constexpr char kFramework[] =
    "id:s name:s used_resources:o offered_resources:o capabilities:a hostname:s webui_url:s "
    "active:b connected:b recovered:b user:s failover_timeout:d checkpoint:b registered_time:d "
    "unregistered_time:d reregistered_time?:d principal?:s resources:o role?:s roles?:a tasks:a "
    "unreachable_tasks:a completed_tasks:a offers:a executors:a labels?:a";
constexpr char kTask[] =
    "id:s name:s framework_id:s executor_id:s slave_id:s state:s resources:o role:s statuses:a "
    "user?:s labels?:a discovery?:o container?:o health_check?:o";
constexpr char kExecutor[] =
    "executor_id:s name:s framework_id:s command:o resources:o role?:s labels?:a type?:s "
    "slave_id:s";
constexpr char kOffer[] = "id:s framework_id:s allocation_info:o slave_id:s resources:o";
constexpr char kAgentState[] =
    "version:s build_date:s build_time:d build_user:s start_time:d id:s pid:s hostname:s "
    "capabilities:a resources:o reserved_resources:o unreserved_resources:o "
    "reserved_resources_full:o unreserved_resources_full:a reserved_resources_allocated:o "
    "unreserved_resources_allocated:o resource_providers?:a attributes:o master_hostname?:s "
    "flags:o frameworks:a completed_frameworks:a domain?:o";
constexpr char kAgentFramework[] =
    "id:s name:s user:s failover_timeout:d checkpoint:b hostname:s principal?:s role?:s roles?:a "
    "executors:a completed_executors:a";
constexpr char kAgentExecutor[] =
    "id:s name:s source:s container:s directory:s resources:o role?:s labels?:a type?:s tasks:a "
    "queued_tasks:a completed_tasks:a";

TEST_F(Operator, C142_AnswersForItsHealthVersionAndFlags) {
  TestFramework framework = subscribe();
  const auto agent = agentOf(framework.offer());
  for (const auto& address : {master(), agent}) {
    const auto health = get(address, "/health");
    EXPECT_EQ(health.status, 200);
    EXPECT_EQ(health.body, "");
    expectMembers(getJson(address, "/version"), kVersion);
    const auto flags = getJson(address, "/flags");
    expectMembers(flags, "flags:o");
    for (const auto& flag : flags["flags"].GetObject()) EXPECT_TRUE(flag.value.IsString());
  }
  EXPECT_EQ(getJson(master(), "/master/flags"), getJson(master(), "/flags"));
  EXPECT_EQ(getJson(agent, "/slave(1)/flags"), getJson(agent, "/flags"));
}

TEST_F(Operator, C142_CountsInMetrics) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const auto metrics = getJson(master(), "/metrics/snapshot");
  for (const char* name :
       {"master/uptime_secs", "master/elected", "master/slaves_connected", "master/slaves_active",
        "master/frameworks_connected", "master/frameworks_active", "master/outstanding_offers",
        "master/tasks_staging", "master/tasks_running", "master/tasks_finished",
        "master/tasks_failed", "master/tasks_killed", "master/tasks_lost", "master/tasks_error",
        "master/cpus_total", "master/cpus_used", "master/cpus_percent", "master/mem_total",
        "master/disk_total"}) {
    ASSERT_TRUE(metrics.HasMember(name)) << name;
    EXPECT_TRUE(metrics[name].IsNumber()) << name;
  }
  EXPECT_EQ(metrics["master/elected"].GetDouble(), 1);
  EXPECT_EQ(metrics["master/frameworks_connected"].GetDouble(), 1);
  EXPECT_GE(metrics["master/outstanding_offers"].GetDouble(), 1);
  const auto ofAgent = getJson(agentOf(offer), "/metrics/snapshot?timeout=10secs");
  for (const char* name : {"slave/uptime_secs", "slave/registered", "slave/cpus_total",
                           "slave/cpus_used", "slave/tasks_running", "slave/frameworks_active"}) {
    ASSERT_TRUE(ofAgent.HasMember(name)) << name;
    EXPECT_TRUE(ofAgent[name].IsNumber()) << name;
  }
  for (const char* timeout : {"5", "", "-1secs"}) {
    EXPECT_EQ(get(master(), std::string("/metrics/snapshot?timeout=") + timeout).status, 400)
        << timeout;
  }
  EXPECT_EQ(get(master(), "/master/metrics/snapshot").status, 404);
}

/// A framework with a staging task of a custom executor, an offer and a completed task.
class OperatorWithTasks : public Operator {
 protected:
  OperatorWithTasks() : framework_(subscribe()) {
    runCommand(framework_, "exit 0");
    const Offer offer = framework_.offer();
    agent_ = agentOf(offer);
    agentId_ = offer.agent_id();
    task_ = executorTask(offer, uniqueId("task"), uniqueId("executor"));
    task_.mutable_executor()->set_name("the executor");
    framework_.accept({offer}, {task_});
    offer_ = framework_.offer();
  }

  TestFramework framework_;
  protocol::Address agent_;
  AgentID agentId_;
  TaskInfo task_;
  Offer offer_;
};

void expectFramework(const rapidjson::Value& framework) {
  expectMembers(framework, kFramework);
  for (const char* name : {"used_resources", "offered_resources", "resources"}) {
    expectResources(framework[name]);
  }
  ASSERT_EQ(framework["tasks"].Size(), 1u);
  ASSERT_GE(framework["completed_tasks"].Size(), 1u);
  ASSERT_EQ(framework["executors"].Size(), 1u);
  ASSERT_GE(framework["offers"].Size(), 1u);
  for (const char* tasks : {"tasks", "completed_tasks"}) {
    expectMembers(framework[tasks][0], kTask);
    expectResources(framework[tasks][0]["resources"]);
  }
  expectMembers(framework["completed_tasks"][0]["statuses"][0],
                "state:s timestamp:d container_status?:o labels?:a healthy?:b");
  expectMembers(framework["executors"][0], kExecutor);
  expectMembers(framework["offers"][0], kOffer);
  expectResources(framework["offers"][0]["resources"]);
}

TEST_F(OperatorWithTasks, C142_ShowsItsWholeState) {
  for (const char* path : {"/state", "/master/state"}) {
    SCOPED_TRACE(path);
    const auto state = getJson(master(), path);
    expectMembers(state, kMasterState);
    expectMembers(state["leader_info"], "id:s pid:s port:i hostname:s");
    EXPECT_GE(state["activated_slaves"].GetDouble(), 1);
    const auto* slave = findBy(state["slaves"], "id", agentId_.value());
    ASSERT_TRUE(slave);
    expectMembers(*slave, kSlave);
    const auto* framework = findBy(state["frameworks"], "id", framework_.id().value());
    ASSERT_TRUE(framework);
    expectFramework(*framework);
  }
}

TEST_F(OperatorWithTasks, C142_ListsAgents) {
  const auto slaves = getJson(master(), "/slaves");
  expectMembers(slaves, "slaves:a recovered_slaves:a");
  const auto* slave = findBy(slaves["slaves"], "id", agentId_.value());
  ASSERT_TRUE(slave);
  expectMembers(*slave, kSlave);
  expectMembers(*slave, kFullSlave);
  for (const char* name :
       {"resources", "used_resources", "offered_resources", "unreserved_resources"}) {
    expectResources((*slave)[name]);
  }
  ASSERT_GE((*slave)["used_resources_full"].Size(), 1u);
  expectMembers((*slave)["used_resources_full"][0],
                "name:s type:s scalar?:o role:s allocation_info:o");
  EXPECT_EQ(getJson(master(), "/slaves?slave_id=" + agentId_.value())["slaves"].Size(), 1u);
  EXPECT_EQ(getJson(master(), "/slaves?slave_id=nope")["slaves"].Size(), 0u);
}

TEST_F(OperatorWithTasks, C142_ListsFrameworksAndTasks) {
  const auto frameworks = getJson(master(), "/frameworks?framework_id=" + framework_.id().value());
  expectMembers(frameworks, "frameworks:a completed_frameworks:a unregistered_frameworks:a");
  ASSERT_EQ(frameworks["frameworks"].Size(), 1u);
  expectFramework(frameworks["frameworks"][0]);
  EXPECT_EQ(getJson(master(), "/frameworks?framework_id=nope")["frameworks"].Size(), 0u);
  EXPECT_TRUE(
      findBy(getJson(master(), "/frameworks")["frameworks"], "id", framework_.id().value()));

  const auto tasks = getJson(master(), "/tasks?framework_id=" + framework_.id().value());
  ASSERT_EQ(tasks["tasks"].Size(), 2u);
  for (const auto& task : tasks["tasks"].GetArray()) expectMembers(task, kTask);
}

TEST_F(OperatorWithTasks, C142_ShowsTheStateOfAnAgent) {
  eventually("the executor at the agent", [&] {
    const auto state = getJson(agent_, "/state");
    const auto* framework = findBy(state["frameworks"], "id", framework_.id().value());
    return framework && !(*framework)["executors"].Empty();
  });
  for (const char* path : {"/state", "/slave(1)/state"}) {
    const auto state = getJson(agent_, path);
    expectMembers(state, kAgentState);
    EXPECT_EQ(state["id"].GetString(), agentId_.value());
    for (const char* name :
         {"resources", "unreserved_resources", "unreserved_resources_allocated"}) {
      expectResources(state[name]);
    }
    const auto* framework = findBy(state["frameworks"], "id", framework_.id().value());
    ASSERT_TRUE(framework);
    expectMembers(*framework, kAgentFramework);
    const auto* executor =
        findBy((*framework)["executors"], "id", task_.executor().executor_id().value());
    ASSERT_TRUE(executor);
    expectMembers(*executor, kAgentExecutor);
    expectResources((*executor)["resources"]);
    EXPECT_STREQ((*executor)["name"].GetString(), "the executor");
  }
}

std::vector<std::string> idsIn(const rapidjson::Document& tasks) {
  std::vector<std::string> ids;
  for (const auto& task : tasks["tasks"].GetArray()) ids.emplace_back(task["id"].GetString());
  return ids;
}

class Tasks : public Operator {
 protected:
  static constexpr int kCount = 150;

  Tasks() : framework_(subscribe()) {
    const Offer offer = framework_.offer();
    const std::string executorId = uniqueId("executor");
    std::vector<TaskInfo> tasks;
    for (int i = 0; i < kCount; ++i) {
      tasks.push_back(executorTask(offer, uniqueId("task"), executorId, "cpus:0.001;mem:0.1"));
    }
    framework_.accept({offer}, tasks);
    ExecutorID id;
    id.set_value(executorId);
    TestExecutor executor(agentOf(offer), Encoding::Protobuf, framework_.id(), id);
    executor.subscribe();
    for (int i = 0; i < kCount; ++i) {
      const TaskInfo& task = tasks[static_cast<std::size_t>(i)];
      awaitLaunch(executor, task.task_id().value());
      executor.update(task.task_id(), TASK_RUNNING,
                      [i](TaskStatus& status) { status.set_timestamp(1'800'000'000.0 + i); });
      ids_.push_back(task.task_id().value());
    }
    for (const std::string& taskId : ids_) framework_.statusUntil(taskId, TASK_RUNNING);
  }

  std::vector<std::string> ask(const std::string& query) const {
    return idsIn(getJson(master(), "/tasks?framework_id=" + framework_.id().value() + query));
  }
  /// The ids from the oldest's number to another's, either way.
  std::vector<std::string> ids(int from, int to) const {
    std::vector<std::string> result;
    const int step = from <= to ? 1 : -1;
    for (int i = from; i != to + step; i += step) {
      result.push_back(ids_[static_cast<std::size_t>(i)]);
    }
    return result;
  }

  TestFramework framework_;
  std::vector<std::string> ids_;
};

TEST_F(Tasks, C143_AreListedNewestFirstAHundredAtOnce) {
  EXPECT_EQ(ask(""), ids(149, 50));
  EXPECT_EQ(ask("&limit=3"), ids(149, 147));
  EXPECT_EQ(ask("&limit=1000"), ids(149, 0));
  EXPECT_EQ(ask("&limit=2&offset=10"), ids(139, 138));
  EXPECT_EQ(ask("&order=asc"), ids(0, 99));
  EXPECT_EQ(ask("&order=asc&offset=140"), ids(140, 149));
  EXPECT_EQ(idsIn(getJson(master(), "/tasks")).size(), 100u);
}

TEST_F(Tasks, C143_AreFoundByTheirIds) {
  EXPECT_EQ(idsIn(getJson(master(), "/tasks?task_id=" + ids_[7])), ids(7, 7));
  EXPECT_EQ(ask("&task_id=" + ids_[7]), ids(7, 7));
  EXPECT_TRUE(ask("&task_id=nope").empty());
  EXPECT_TRUE(idsIn(getJson(master(), "/tasks?framework_id=nope")).empty());
}

TEST_F(Tasks, C143_AreListedWhateverNonsenseIsAsked) {
  EXPECT_EQ(ask("&limit=many").size(), 100u);
  EXPECT_EQ(ask("&order=sideways"), ids(149, 50));
  EXPECT_TRUE(ask("&limit=0").empty());
  EXPECT_TRUE(ask("&offset=100000").empty());
}

protocol::Response postTeardown(const std::string& body) {
  return fetch(environment().master,
               {.method = "POST",
                .target = "/teardown",
                .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                .body = body});
}

TEST_F(Operator, C144_TearsAFrameworkDown) {
  TestFramework framework = subscribe();
  runCommand(framework, "exit 0");
  EXPECT_EQ(postTeardown("frameworkId=" + framework.id().value()).status, 200);
  EXPECT_TRUE(framework.stream().ends(Timeout(5000)));
  EXPECT_EQ(frameworkState(master(), framework.id().value()).where,
            FrameworkState::Where::Completed);
  EXPECT_EQ(postTeardown("frameworkId=" + framework.id().value()).status, 400);
}

TEST_F(Operator, C144_RefusesToTearDownNobody) {
  EXPECT_EQ(postTeardown("frameworkId=nope").status, 400);
  EXPECT_EQ(postTeardown("").status, 400);
  EXPECT_EQ(get(master(), "/teardown").status, 405);
}

TEST_F(Operator, C147_WrapsJsonForAScript) {
  TestFramework framework = subscribe();
  const auto agent = agentOf(framework.offer());
  for (const auto& [address, path] : {std::pair(master(), "/state"), std::pair(master(), "/slaves"),
                                      std::pair(master(), "/tasks"), std::pair(agent, "/state")}) {
    SCOPED_TRACE(path);
    const auto response = get(address, std::string(path) + "?jsonp=cb");
    EXPECT_EQ(response.status, 200);
    const std::string* type = response.headers.find("Content-Type");
    ASSERT_TRUE(type);
    EXPECT_EQ(*type, "text/javascript");
    ASSERT_EQ(response.body.substr(0, 4), "cb({");
    ASSERT_TRUE(response.body.ends_with("})"));
    rapidjson::Document document;
    document.Parse(response.body.data() + 3, response.body.size() - 4);
    EXPECT_FALSE(document.HasParseError());
  }
}

TEST_F(Operator, C147_HasForgottenTheOldSpellings) {
  EXPECT_EQ(get(master(), "/state.json").status, 404);
  EXPECT_EQ(get(master(), "/master/state.json").status, 404);
}

/// What is used and offered fits into every agent.
void expectNothingTwice(const rapidjson::Document& state) {
  for (const auto& slave : state["slaves"].GetArray()) {
    for (const char* name : {"cpus", "mem", "disk"}) {
      // Sums of doubles: a thousandth is the smallest quantity there is.
      EXPECT_LT(
          slave["used_resources"][name].GetDouble() + slave["offered_resources"][name].GetDouble(),
          slave["resources"][name].GetDouble() + 0.0005)
          << name;
    }
  }
}

TEST_F(Operator, C148_NeverGivesMoreThanThereIs) {
  std::vector<std::unique_ptr<TestFramework>> frameworks;
  for (int i = 0; i < 3; ++i) {
    frameworks.push_back(
        std::make_unique<TestFramework>(master(), Encoding::Protobuf, FrameworkInfo()));
  }
  std::vector<std::pair<TestFramework*, std::string>> tasks;
  for (int round = 0; round < 60; ++round) {
    TestFramework& framework = *frameworks[static_cast<std::size_t>(round) % frameworks.size()];
    expectNothingTwice(getJson(master(), "/state"));
    try {
      const Offer offer = framework.offer(scaled(1.5));
      const double mem = Resources(offer.resources()).mem();
      if (round % 4 == 3 || mem < 64) {
        framework.decline(offer, 0);
      } else {
        const TaskInfo task = commandTask(offer, uniqueId("task"), "exec sleep 1000");
        framework.accept({offer}, {task});
        tasks.emplace_back(&framework, task.task_id().value());
      }
    } catch (const TimedOut&) {
      // Another framework holds everything just now.
    }
    if (tasks.size() > 4) {
      tasks.front().first->kill(tasks.front().second);
      tasks.erase(tasks.begin());
    }
    expectNothingTwice(getJson(master(), "/state"));
  }
  EXPECT_FALSE(tasks.empty());
}

}  // namespace
}  // namespace mesos::conformance
