// The operator API of master and agent, through their HTTP surfaces (section 16.5).

#include "cluster/test_cluster.hpp"
#include "protocol/json.hpp"

#include <mesos/v1/agent/agent.pb.h>
#include <mesos/v1/master/master.pb.h>

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

using protocol::Request;
using MasterResponse = v1::master::Response;
using AgentResponse = v1::agent::Response;
using MasterEvent = v1::master::Event;

constexpr const char* kJson = "application/json";
constexpr const char* kProtobuf = "application/x-protobuf";

Request json(const std::string& path, const std::string& body, const std::string& accept = kJson) {
  return {"POST", path, {{"Content-Type", kJson}, {"Accept", accept}}, body};
}

Request call(const std::string& type, const std::string& accept = kJson) {
  return json("/api/v1", R"({"type":")" + type + R"("})", accept);
}

/// A framework that launches one command task on its first offer.
class OperatorApi : public testing::Test {
 protected:
  void subscribe() {
    stream_ = cluster_.toMaster(
        json("/api/v1/scheduler",
             R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x",)"
             R"("roles":["r"],"capabilities":[{"type":"MULTI_ROLE"}],"failover_timeout":60}}})"));
    streamId_ = *cluster_.answer(stream_).headers.find("Mesos-Stream-Id");
    id_ = cluster_.master().id() + "-0000";
  }
  void launch() {
    cluster_.advance(std::chrono::seconds(2));
    ASSERT_EQ(cluster_.master().offers().size(), 1u);
    const Offer& offer = cluster_.master().offers().begin()->second.offer;
    Request accept = json(
        "/api/v1/scheduler",
        R"({"type":"ACCEPT","framework_id":{"value":")" + id_ +
            R"("},"accept":{"offer_ids":[{"value":")" + offer.id().value() +
            R"("}],"operations":[{"type":"LAUNCH","launch":{"task_infos":[{"name":"t",)"
            R"("task_id":{"value":"t"},"agent_id":{"value":")" +
            offer.agent_id().value() +
            R"("},"command":{"value":"sleep 1000"},"resources":[{"name":"cpus","type":"SCALAR",)"
            R"("scalar":{"value":1},"allocation_info":{"role":"r"}}]}]}}]}})");
    accept.headers.add("Mesos-Stream-Id", streamId_);
    EXPECT_EQ(cluster_.askMaster(accept).status, 202);
    cluster_.advance(std::chrono::seconds(1));
  }
  /// But for heartbeats.
  std::vector<std::string> eventTypes(RequestId subscription) {
    std::vector<std::string> types;
    for (const std::string& record : recordsOf(cluster_.answer(subscription).body)) {
      MasterEvent event;
      EXPECT_TRUE(protocol::fromJson(record, &event)) << record;
      if (event.type() == MasterEvent::HEARTBEAT) continue;
      types.push_back(MasterEvent::Type_Name(event.type()));
    }
    return types;
  }

  TestCluster cluster_;
  RequestId stream_ = 0;
  std::string streamId_;
  std::string id_;
};

TEST_F(OperatorApi, SubscribersAreToldWhatHappensInItsOrder) {
  const RequestId early = cluster_.toMaster(call("SUBSCRIBE"));
  EXPECT_EQ(cluster_.answer(early).status, 200);
  EXPECT_TRUE(cluster_.answer(early).streaming);
  EXPECT_FALSE(cluster_.answer(early).headers.has("Mesos-Stream-Id"));
  cluster_.startAgent();
  subscribe();
  launch();
  EXPECT_EQ(cluster_
                .askMaster(json("/api/v1", R"({"type":"TEARDOWN","teardown":{"framework_id":)"
                                           R"({"value":")" +
                                               id_ + R"("}}})"))
                .status,
            200);
  EXPECT_EQ(eventTypes(early),
            (std::vector<std::string>{"SUBSCRIBED", "AGENT_ADDED", "FRAMEWORK_ADDED", "TASK_ADDED",
                                      "TASK_UPDATED", "TASK_UPDATED", "FRAMEWORK_REMOVED"}));
}

TEST_F(OperatorApi, AnUpdateThatChangesNoStateIsNotTold) {
  cluster_.startAgent();
  subscribe();
  const RequestId watcher = cluster_.toMaster(call("SUBSCRIBE"));
  launch();
  // Nobody acknowledges: the agent repeats TASK_STARTING, and that the task runs by now (U15).
  cluster_.advance(std::chrono::seconds(12));
  const std::vector<std::string> before = eventTypes(watcher);
  EXPECT_EQ(before,
            (std::vector<std::string>{"SUBSCRIBED", "TASK_ADDED", "TASK_UPDATED", "TASK_UPDATED"}));
  cluster_.advance(std::chrono::minutes(2));
  EXPECT_EQ(eventTypes(watcher), before);
}

TEST_F(OperatorApi, AFrameworkThatComesBackIsUpdated) {
  subscribe();
  const RequestId watcher = cluster_.toMaster(call("SUBSCRIBE"));
  cluster_.toMaster(
      json("/api/v1/scheduler",
           R"({"type":"SUBSCRIBE","framework_id":{"value":")" + id_ +
               R"("},"subscribe":{"framework_info":{"user":"root","name":"x","roles":["r"],)"
               R"("capabilities":[{"type":"MULTI_ROLE"}],"failover_timeout":60,"id":{"value":")" +
               id_ + R"("}}}})"));
  EXPECT_EQ(eventTypes(watcher), (std::vector<std::string>{"SUBSCRIBED", "FRAMEWORK_UPDATED"}));
}

TEST_F(OperatorApi, AFrameworkThatIsUpdatedIsTold) {
  subscribe();
  const RequestId watcher = cluster_.toMaster(call("SUBSCRIBE"));
  Request update = json("/api/v1/scheduler",
                        R"({"type":"UPDATE_FRAMEWORK","framework_id":{"value":")" + id_ +
                            R"("},"update_framework":{"framework_info":{"user":"root","name":"y",)"
                            R"("roles":["r"],"capabilities":[{"type":"MULTI_ROLE"}],)"
                            R"("failover_timeout":60,"id":{"value":")" +
                            id_ + R"("}}}})");
  update.headers.add("Mesos-Stream-Id", streamId_);
  // The second time nothing changes (fact S63).
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(cluster_.askMaster(update).status, 200);
    EXPECT_EQ(eventTypes(watcher), (std::vector<std::string>{"SUBSCRIBED", "FRAMEWORK_UPDATED"}));
  }
}

// Fact W72.
TEST_F(OperatorApi, AnAgentThatLeavesOrIsReplacedIsTold) {
  const RequestId watcher = cluster_.toMaster(call("SUBSCRIBE"));
  cluster_.startAgent();
  RegisterAgent another;
  another.pid = cluster_.master().agents().begin()->second.pid;
  another.info = cluster_.agent().info();
  another.info.clear_id();
  cluster_.masterHttp().onAgentMessage(cluster_.now(), 2, another);
  cluster_.masterHttp().onAgentMessage(cluster_.now(), 2, UnregisterAgent{});
  cluster_.advance(std::chrono::seconds(1));
  EXPECT_EQ(eventTypes(watcher),
            (std::vector<std::string>{"SUBSCRIBED", "AGENT_ADDED", "AGENT_REMOVED", "AGENT_ADDED",
                                      "AGENT_REMOVED"}));
}

// Fact W72.
TEST_F(OperatorApi, AnAgentThatIsUnreachableOrGoneIsNotTold) {
  cluster_.startAgent();
  const std::string agentId = cluster_.agent().info().id().value();
  const RequestId watcher = cluster_.toMaster(call("SUBSCRIBE"));
  cluster_.tellAgent(ShutdownAgent{});  // It ends without a word.
  cluster_.advance(std::chrono::minutes(2));
  EXPECT_TRUE(cluster_.master().registry().unreachable.contains(agentId));
  EXPECT_EQ(cluster_
                .askMaster(json("/api/v1", R"({"type":"MARK_AGENT_GONE","mark_agent_gone":)"
                                           R"({"agent_id":{"value":")" +
                                               agentId + R"("}}})"))
                .status,
            200);
  EXPECT_EQ(eventTypes(watcher), (std::vector<std::string>{"SUBSCRIBED"}));
}

// Fact W72.
TEST_F(OperatorApi, ARegisteredAgentThatIsMarkedGoneIsNotTold) {
  cluster_.startAgent();
  const RequestId watcher = cluster_.toMaster(call("SUBSCRIBE"));
  EXPECT_EQ(cluster_
                .askMaster(json("/api/v1", R"({"type":"MARK_AGENT_GONE","mark_agent_gone":)"
                                           R"({"agent_id":{"value":")" +
                                               cluster_.agent().info().id().value() + R"("}}})"))
                .status,
            200);
  cluster_.advance(std::chrono::minutes(2));
  EXPECT_TRUE(cluster_.master().agents().empty());
  EXPECT_EQ(eventTypes(watcher), (std::vector<std::string>{"SUBSCRIBED"}));
}

TEST_F(OperatorApi, AClosedSubscriptionIsForgotten) {
  const RequestId watcher = cluster_.toMaster(call("SUBSCRIBE"));
  const std::string before = cluster_.answer(watcher).body;
  cluster_.closeToMaster(watcher);
  cluster_.startAgent();
  cluster_.advance(std::chrono::seconds(30));
  EXPECT_EQ(cluster_.answer(watcher).body, before);
}

TEST_F(OperatorApi, OfTheMasterSaysTheSameInBothTypes) {
  cluster_.startAgent();
  subscribe();
  launch();
  for (const char* type : {"GET_HEALTH", "GET_FLAGS", "GET_VERSION", "GET_LOGGING_LEVEL",
                           "GET_STATE", "GET_AGENTS", "GET_FRAMEWORKS", "GET_EXECUTORS",
                           "GET_OPERATIONS", "GET_TASKS", "GET_ROLES", "GET_MASTER"}) {
    SCOPED_TRACE(type);
    MasterResponse fromJson;
    ASSERT_TRUE(protocol::fromJson(cluster_.askMaster(call(type)).body, &fromJson));
    MasterResponse fromProtobuf;
    const Answer& answer = cluster_.askMaster(call(type, kProtobuf));
    EXPECT_EQ(*answer.headers.find("Content-Type"), kProtobuf);
    ASSERT_TRUE(fromProtobuf.ParseFromString(answer.body));
    EXPECT_EQ(MasterResponse::Type_Name(fromProtobuf.type()), type);
    EXPECT_EQ(protocol::toJson(fromJson), protocol::toJson(fromProtobuf));
  }
}

TEST_F(OperatorApi, OfTheAgentSaysTheSameInBothTypes) {
  cluster_.startAgent();
  subscribe();
  launch();
  for (const char* type : {"GET_HEALTH", "GET_FLAGS", "GET_VERSION", "GET_LOGGING_LEVEL",
                           "GET_STATE", "GET_CONTAINERS", "GET_FRAMEWORKS", "GET_EXECUTORS",
                           "GET_OPERATIONS", "GET_TASKS", "GET_AGENT"}) {
    SCOPED_TRACE(type);
    AgentResponse fromJson;
    ASSERT_TRUE(protocol::fromJson(cluster_.askAgent(call(type)).body, &fromJson));
    AgentResponse fromProtobuf;
    ASSERT_TRUE(fromProtobuf.ParseFromString(cluster_.askAgent(call(type, kProtobuf)).body));
    EXPECT_EQ(AgentResponse::Type_Name(fromProtobuf.type()), type);
    EXPECT_EQ(protocol::toJson(fromJson), protocol::toJson(fromProtobuf));
  }
}

TEST_F(OperatorApi, OfTheMasterCountsARunningTask) {
  cluster_.startAgent();
  subscribe();
  launch();
  MasterResponse response;
  ASSERT_TRUE(protocol::fromJson(cluster_.askMaster(call("GET_STATE")).body, &response));
  const auto& state = response.get_state();
  ASSERT_EQ(state.get_tasks().tasks_size(), 1);
  EXPECT_EQ(state.get_tasks().tasks(0).state(), TASK_STARTING);  // Its head is not acknowledged.
  ASSERT_EQ(state.get_agents().agents_size(), 1);
  EXPECT_EQ(Resources(state.get_agents().agents(0).allocated_resources()).scalar("cpus"), 1);
  ASSERT_EQ(state.get_frameworks().frameworks_size(), 1);
  EXPECT_TRUE(state.get_frameworks().frameworks(0).connected());
}

TEST_F(OperatorApi, OfAnEmptyMasterShowsEmptyLists) {
  EXPECT_EQ(cluster_.askMaster(call("GET_STATE")).body,
            R"({"type":"GET_STATE","get_state":{"get_tasks":{"tasks":[],"unreachable_tasks":[],)"
            R"("completed_tasks":[]},"get_executors":{"executors":[]},"get_frameworks":)"
            R"({"frameworks":[],"completed_frameworks":[]},"get_agents":{"agents":[],)"
            R"("recovered_agents":[]}}})");
  EXPECT_EQ(cluster_.askMaster(call("GET_OPERATIONS")).body,
            R"({"type":"GET_OPERATIONS","get_operations":{}})");
}

TEST_F(OperatorApi, FilesOfTheAgentAreReadFromDisk) {
  cluster_.startAgent();
  subscribe();
  launch();
  ASSERT_NE(cluster_.agent().executor(id_, "t"), nullptr);
  const std::string sandbox = cluster_.sandboxOf(id_, "t");
  const Answer& read =
      cluster_.askAgent(json("/api/v1", R"({"type":"READ_FILE","read_file":{"path":")" + sandbox +
                                            R"(/stdout","offset":2,"length":6}})"));
  ASSERT_TRUE(read.file);
  EXPECT_EQ(read.file->kind, ServeFile::Kind::Read);
  EXPECT_EQ(read.file->path, sandbox + "/stdout");
  EXPECT_EQ(read.file->offset, 2);
  EXPECT_EQ(read.file->length, 6);
  EXPECT_EQ(read.file->operatorType, ContentType::Json);
  const Answer& list = cluster_.askAgent(json(
      "/api/v1", R"({"type":"LIST_FILES","list_files":{"path":")" + sandbox + R"("}})", kProtobuf));
  ASSERT_TRUE(list.file);
  EXPECT_EQ(list.file->kind, ServeFile::Kind::Browse);
  EXPECT_EQ(list.file->operatorType, ContentType::Protobuf);
  const Answer& unknown = cluster_.askAgent(
      json("/api/v1", R"({"type":"READ_FILE","read_file":{"path":"/etc/passwd","offset":0}})"));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, "");
}

TEST_F(OperatorApi, WhatIsNotServedIsNamed) {
  const Answer& answer = cluster_.askMaster(call("GET_WEIGHTS"));
  EXPECT_EQ(answer.status, 501);
  EXPECT_NE(answer.body.find("GET_WEIGHTS"), std::string::npos);
}

}  // namespace
}  // namespace mesos::cluster
