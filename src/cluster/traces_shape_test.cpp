// The state endpoints of a real Mesos, recorded: every member they show is in ours, with the same
// JSON type.

#include "cluster/recorded_exchange.hpp"
#include "cluster/shape.hpp"
#include "cluster/test_cluster.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>

namespace mesos::cluster {
namespace {

using protocol::Request;
using SchedulerCall = v1::scheduler::Call;
using SchedulerEvent = v1::scheduler::Event;

/// A framework of role "r" that acknowledges everything, as the one of the recording did.
class RecordedFramework {
 public:
  explicit RecordedFramework(TestCluster& cluster) : cluster_(cluster) {
    SchedulerCall call;
    call.set_type(SchedulerCall::SUBSCRIBE);
    FrameworkInfo& info = *call.mutable_subscribe()->mutable_framework_info();
    info.set_user("root");
    info.set_name("traced");
    info.set_hostname("127.0.0.1");
    info.set_webui_url("http://127.0.0.1:9/");
    info.set_failover_timeout(60);
    info.set_checkpoint(true);
    info.add_roles("r");
    for (const auto type :
         {FrameworkInfo::Capability::MULTI_ROLE, FrameworkInfo::Capability::PARTITION_AWARE,
          FrameworkInfo::Capability::RESERVATION_REFINEMENT}) {
      info.add_capabilities()->set_type(type);
    }
    Label& label = *info.mutable_labels()->add_labels();
    label.set_key("k");
    label.set_value("v");
    subscription_ = cluster_.toMaster(request(call));
    streamId_ = *cluster_.answer(subscription_).headers.find("Mesos-Stream-Id");
    readEvents();
  }

  void call(SchedulerCall call) {
    *call.mutable_framework_id() = id_;
    Request message = request(call);
    message.headers.add("Mesos-Stream-Id", streamId_);
    EXPECT_EQ(cluster_.askMaster(message).status, 202);
  }

  /// Launches on the latest offer, and lets everything settle that follows from it.
  void launch(std::vector<TaskInfo> tasks) {
    SchedulerCall accept;
    accept.set_type(SchedulerCall::ACCEPT);
    *accept.mutable_accept()->add_offer_ids() = offer_.id();
    accept.mutable_accept()->mutable_filters()->set_refuse_seconds(0);
    auto& operation = *accept.mutable_accept()->add_operations();
    operation.set_type(v1::Offer::Operation::LAUNCH);
    for (TaskInfo& task : tasks) {
      *task.mutable_agent_id() = offer_.agent_id();
      *operation.mutable_launch()->add_task_infos() = std::move(task);
    }
    call(accept);
    settle();
  }

  void settle() {
    for (int i = 0; i < 20; ++i) {
      cluster_.advance(std::chrono::milliseconds(200));
      readEvents();
    }
  }

  const FrameworkID& id() const { return id_; }

 private:
  static Request request(const SchedulerCall& call) {
    return {"POST",
            "/api/v1/scheduler",
            {{"Content-Type", "application/x-protobuf"}, {"Accept", "application/x-protobuf"}},
            call.SerializeAsString()};
  }

  void readEvents() {
    for (;;) {
      const std::vector<std::string> records = recordsOf(cluster_.answer(subscription_).body);
      if (seen_ == records.size()) return;
      SchedulerEvent event;
      ASSERT_TRUE(event.ParseFromString(records[seen_++]));
      if (event.type() == SchedulerEvent::SUBSCRIBED) id_ = event.subscribed().framework_id();
      if (event.type() == SchedulerEvent::OFFERS) offer_ = event.offers().offers(0);
      if (event.type() == SchedulerEvent::UPDATE && event.update().status().has_uuid()) {
        acknowledge(event.update().status());
      }
    }
  }

  void acknowledge(const TaskStatus& status) {
    SchedulerCall acknowledge;
    acknowledge.set_type(SchedulerCall::ACKNOWLEDGE);
    *acknowledge.mutable_acknowledge()->mutable_agent_id() = status.agent_id();
    *acknowledge.mutable_acknowledge()->mutable_task_id() = status.task_id();
    acknowledge.mutable_acknowledge()->set_uuid(status.uuid());
    call(acknowledge);
  }

  TestCluster& cluster_;
  RequestId subscription_ = 0;
  std::string streamId_;
  FrameworkID id_;
  Offer offer_;
  std::size_t seen_ = 0;
};

TaskInfo task(const std::string& id, const std::string& resources) {
  TaskInfo info;
  info.set_name(id);
  info.mutable_task_id()->set_value(id);
  *info.mutable_resources() = Resources::parse(resources).value().allocatedTo("r").toProto();
  return info;
}

/// "task-run" of the recording: everything that a task can show.
TaskInfo longTask() {
  TaskInfo info = task("task-run", "cpus:0.5;mem:64;ports:[31000-31001]");
  info.mutable_command()->set_value("echo running; sleep 1000");
  Label& label = *info.mutable_labels()->add_labels();
  label.set_key("tk");
  label.set_value("tv");
  auto& discovery = *info.mutable_discovery();
  discovery.set_visibility(v1::DiscoveryInfo::CLUSTER);
  discovery.set_name("disc");
  v1::Port& port = *discovery.mutable_ports()->add_ports();
  port.set_number(31000);
  port.set_name("http");
  port.set_protocol("tcp");
  auto& check = *info.mutable_health_check();
  check.set_type(v1::HealthCheck::COMMAND);
  check.mutable_command()->set_value("true");
  check.set_delay_seconds(0);
  check.set_interval_seconds(600);
  return info;
}

TaskInfo shortTask() {
  TaskInfo info = task("task-done", "cpus:0.1;mem:32");
  info.mutable_command()->set_value("exit 0");
  return info;
}

/// In the place of the recording's default executor, whose groups come later.
TaskInfo executorTask() {
  TaskInfo info = task("task-g1", "cpus:0.1;mem:32");
  ExecutorInfo& executor = *info.mutable_executor();
  executor.set_type(ExecutorInfo::CUSTOM);
  executor.mutable_executor_id()->set_value("exec-group");
  executor.mutable_command()->set_value("sleep 1000");
  *executor.mutable_resources() =
      Resources::parse("cpus:0.1;mem:32;disk:32").value().allocatedTo("r").toProto();
  return info;
}

/// The world of the recording: a task that runs, one that is done, one of an executor, an offer.
class RecordedShapes : public testing::Test {
 protected:
  RecordedShapes() {
    cluster_.startAgent();
    framework_ = std::make_unique<RecordedFramework>(cluster_);
    framework_->settle();
    framework_->launch({longTask(), shortTask(), executorTask()});
    const AgentExecutor* done = cluster_.agent().executor(framework_->id().value(), "task-done");
    EXPECT_NE(done, nullptr);
    if (done != nullptr) cluster_.exitContainer(done->containerId, 0);
    framework_->settle();
  }

  /// What the recorded answer shows and ours does not, but for the paths that contain one of
  /// `without`.
  std::vector<std::string> lacking(const std::string& name,
                                   const std::vector<std::string>& without = {}) {
    const RecordedExchange exchange = readRecorded("operator", name);
    Request request = parseRequest(exchange.request);
    const bool onMaster = name.find("master-") != std::string::npos;
    const Answer& answer = onMaster ? cluster_.askMaster(request) : cluster_.askAgent(request);
    EXPECT_EQ(answer.status, 200);
    std::vector<std::string> result;
    for (const std::string& path :
         missingFrom(shapeOf(answer.body), shapeOf(parseResponse(exchange.response).body))) {
      const bool excluded = std::any_of(
          without.begin(), without.end(),
          [&path](const std::string& part) { return path.find(part) != std::string::npos; });
      if (!excluded) result.push_back(path);
    }
    return result;
  }

  /// Compares the members `names` of the first element of `list`, value by value.
  void expectSameValues(const std::string& name, const char* list,
                        const std::vector<const char*>& names) {
    const RecordedExchange exchange = readRecorded("operator", name);
    rapidjson::Document recorded;
    recorded.Parse(parseResponse(exchange.response).body.c_str());
    rapidjson::Document ours;
    ours.Parse(cluster_.askMaster(parseRequest(exchange.request)).body.c_str());
    ASSERT_EQ(ours[list].Size(), 1u);
    for (const char* member : names) {
      ASSERT_TRUE(recorded[list][0].HasMember(member)) << member;
      EXPECT_TRUE(ours[list][0][member] == recorded[list][0][member]) << member;
    }
  }

  TestCluster cluster_;
  std::unique_ptr<RecordedFramework> framework_;
};

TEST_F(RecordedShapes, AndTheQuantitiesOfTheSameWorldAreTheSame) {
  expectSameValues(
      "006-master-GET-slaves", "slaves",
      {"hostname", "attributes", "resources", "used_resources", "offered_resources",
       "reserved_resources", "unreserved_resources", "active", "deactivated", "version",
       "capabilities", "reserved_resources_full", "unreserved_resources_full"});
  expectSameValues("007-master-GET-frameworks", "frameworks",
                   {"name", "used_resources", "offered_resources", "capabilities", "hostname",
                    "webui_url", "active", "connected", "user", "failover_timeout", "checkpoint",
                    "unregistered_time", "resources", "roles", "labels", "offer_constraints"});
  expectSameValues("009-master-GET-roles", "roles",
                   {"name", "weight", "quota", "resources", "allocated", "offered", "reserved"});
}

using Nothing = std::vector<std::string>;

// Not built from a git checkout; each kind of process has its own flags; the default executor's
// nested containers, which have a parent, are left out.
const std::vector<std::string> kLater{"git_", "flags.", "container_id.parent"};

TEST_F(RecordedShapes, OfMasterState) {
  EXPECT_EQ(lacking("004-master-GET-state", kLater), Nothing());
}

TEST_F(RecordedShapes, OfMasterStateSummary) {
  EXPECT_EQ(lacking("005-master-GET-state-summary"), Nothing());
}

TEST_F(RecordedShapes, OfMasterSlaves) { EXPECT_EQ(lacking("006-master-GET-slaves"), Nothing()); }

TEST_F(RecordedShapes, OfMasterFrameworks) {
  EXPECT_EQ(lacking("007-master-GET-frameworks", kLater), Nothing());
}

TEST_F(RecordedShapes, OfMasterTasks) {
  EXPECT_EQ(lacking("008-master-GET-tasks", kLater), Nothing());
}

TEST_F(RecordedShapes, OfMasterRoles) { EXPECT_EQ(lacking("009-master-GET-roles"), Nothing()); }

TEST_F(RecordedShapes, OfMasterMetrics) {
  const std::vector<std::string> without{
      "allocator/",          // Inside of Mesos' own allocator.
      "registrar/",          // There is no replicated log.
      "system/",             // The machine, which pure code cannot see.
      "master/frameworks/",  // Per framework: not served (docs/PROTOCOL.md).
      "master/operations/",  // By kind and state: not served (docs/PROTOCOL.md).
      "_revocable_",         // No revocable resources.
      "event_queue",         // Inside of libprocess.
      "http_cache_hits",     // Inside of Mesos' batching of /state.
      "messages_authenticate",
      "messages_deactivate_framework",
      "messages_update_slave",  // v0.
      "dropped_messages",
      "recovery_slave_removals",
      "slave_re",
      "slave_shutdowns",
      "slave_unreachable",
      "executor_to_framework_messages",
      "framework_to_executor_messages",
  };
  EXPECT_EQ(lacking("010-master-GET-metrics_snapshot", without), Nothing());
}

TEST_F(RecordedShapes, OfVersions) {
  EXPECT_EQ(lacking("002-master-GET-version", {"git_"}), Nothing());
  EXPECT_EQ(lacking("034-agent-GET-version", {"git_"}), Nothing());
}

TEST_F(RecordedShapes, OfAgentState) {
  std::vector<std::string> without = kLater;
  without.push_back("master_hostname");  // Not known to the agent.
  EXPECT_EQ(lacking("036-agent-GET-state", without), Nothing());
}

TEST_F(RecordedShapes, OfAgentContainers) {
  EXPECT_EQ(lacking("038-agent-GET-containers", {".statistics"}), Nothing());
}

TEST_F(RecordedShapes, OfAgentMetrics) {
  const std::vector<std::string> without{"containerizer/",
                                         "gc/",
                                         "resource_provider_manager/",
                                         "system/",
                                         "_revocable_",
                                         "executor_directory_max_allowed_age_secs",
                                         "executors_preempted",
                                         "recovery_",
                                         "invalid_framework_messages"};
  EXPECT_EQ(lacking("039-agent-GET-metrics_snapshot", without), Nothing());
}

TEST_F(RecordedShapes, OfOperatorCalls) {
  EXPECT_EQ(lacking("067-master-v1-GET_VERSION-json", {"git_"}), Nothing());
  EXPECT_EQ(lacking("065-master-v1-GET_FLAGS-json"), Nothing());
  EXPECT_EQ(lacking("069-master-v1-GET_METRICS-json"), Nothing());
  EXPECT_EQ(lacking("089-master-v1-GET_MASTER-json"), Nothing());
  EXPECT_EQ(lacking("104-agent-v1-GET_VERSION-json", {"git_"}), Nothing());
}

// `checkpoint` is of Mesos' own agent message; the v1 one has no such field. A group's executor has
// no command, but a container with a parent. Health checks give a status its `reason`.
const std::vector<std::string> kOperatorLater{"agent_info.checkpoint", "container_id.parent",
                                              ".healthy", "statuses[].reason"};

TEST_F(RecordedShapes, OfMastersStateCalls) {
  for (const char* name : {"071-master-v1-GET_LOGGING_LEVEL-json", "073-master-v1-GET_STATE-json",
                           "075-master-v1-GET_AGENTS-json", "077-master-v1-GET_FRAMEWORKS-json",
                           "079-master-v1-GET_EXECUTORS-json", "081-master-v1-GET_OPERATIONS-json",
                           "083-master-v1-GET_TASKS-json", "085-master-v1-GET_ROLES-json"}) {
    EXPECT_EQ(lacking(name, kOperatorLater), Nothing()) << name;
  }
}

TEST_F(RecordedShapes, OfAgentsStateCalls) {
  std::vector<std::string> without = kOperatorLater;
  without.push_back("resource_statistics");           // Not measured.
  without.push_back("command.environment");           // Of the recorded tasks alone.
  without.push_back("launched_tasks[].executor_id");  // Nobody plays the executor here.
  for (const char* name : {"108-agent-v1-GET_LOGGING_LEVEL-json", "110-agent-v1-GET_STATE-json",
                           "112-agent-v1-GET_CONTAINERS-json", "114-agent-v1-GET_FRAMEWORKS-json",
                           "116-agent-v1-GET_EXECUTORS-json", "118-agent-v1-GET_OPERATIONS-json",
                           "120-agent-v1-GET_TASKS-json", "122-agent-v1-GET_AGENT-json"}) {
    EXPECT_EQ(lacking(name, without), Nothing()) << name;
  }
}

/// Of a stream's records, by the type of event.
std::map<std::string, std::set<std::string>> shapesOfEvents(const std::string& body) {
  std::map<std::string, std::set<std::string>> shapes;
  for (const std::string& record : recordsOf(body)) {
    rapidjson::Document event;
    event.Parse(record.c_str());
    shapes[event["type"].GetString()].merge(shapeOf(record));
  }
  return shapes;
}

TEST_F(RecordedShapes, OfOperatorEvents) {
  const RecordedExchange exchange = readRecorded("operator", "129-master-v1-SUBSCRIBE-json");
  const RequestId watcher = cluster_.toMaster(parseRequest(exchange.request));
  TaskInfo late = task("task-late", "cpus:0.1;mem:32");
  late.mutable_command()->set_value("exit 3");
  framework_->launch({late});
  const AgentExecutor* executor = cluster_.agent().executor(framework_->id().value(), "task-late");
  ASSERT_NE(executor, nullptr);
  cluster_.exitContainer(executor->containerId, 3 << 8);
  framework_->settle();
  cluster_.askMaster({"POST", "/teardown", {}, "frameworkId=" + framework_->id().value()});
  const auto recorded = shapesOfEvents(parseResponse(exchange.response).body);
  auto ours = shapesOfEvents(cluster_.answer(watcher).body);
  for (const auto& [type, shape] : recorded) {
    for (const std::string& path : missingFrom(ours[type], shape)) {
      const bool excluded = std::any_of(
          kOperatorLater.begin(), kOperatorLater.end(),
          [&path](const std::string& part) { return path.find(part) != std::string::npos; });
      EXPECT_TRUE(excluded) << type << " lacks " << path;
    }
  }
}

}  // namespace
}  // namespace mesos::cluster
