// Section 12 of the scenarios: the operator API, POST /api/v1 of a master and of an agent.
#include "conformance/launching.hpp"
#include "protocol/json.hpp"

#include <mesos/v1/agent/agent.pb.h>
#include <mesos/v1/master/master.pb.h>

#include <algorithm>

namespace mesos::conformance {
namespace {

using MasterCall = v1::master::Call;
using MasterResponse = v1::master::Response;
using MasterEvent = v1::master::Event;
using AgentCall = v1::agent::Call;
using AgentResponse = v1::agent::Response;

class OperatorApi : public PlayedScenario {
 protected:
  protocol::Response post(const protocol::Address& address,
                          const google::protobuf::Message& call) const {
    return fetch(address, postOf("/api/v1", GetParam(), call, true));
  }
  /// The answer to a call, which must be one.
  template <typename Response, typename Call>
  Response ask(const protocol::Address& address, const Call& call) const {
    const protocol::Response answer = post(address, call);
    if (answer.status != 200) {
      throw std::runtime_error(std::to_string(answer.status) + ": " + answer.body);
    }
    EXPECT_EQ(*answer.headers.find("Content-Type"), mediaType(GetParam()));
    Response response;
    const bool isRead = GetParam() == Encoding::Json
                            ? static_cast<bool>(protocol::fromJson(answer.body, &response))
                            : response.ParseFromString(answer.body);
    if (!isRead) throw std::runtime_error("not an answer: " + answer.body);
    return response;
  }
  MasterResponse askMaster(MasterCall::Type type) const {
    MasterCall call;
    call.set_type(type);
    return ask<MasterResponse>(master(), call);
  }
  AgentResponse askAgent(const protocol::Address& agent, AgentCall::Type type) const {
    AgentCall call;
    call.set_type(type);
    return ask<AgentResponse>(agent, call);
  }
};
BOTH_ENCODINGS(OperatorApi);

/// The element that `matches`; nullptr if there is none.
template <typename List, typename Matches>
auto* findIf(const List& list, Matches matches) {
  const auto found = std::find_if(list.begin(), list.end(), matches);
  return found == list.end() ? nullptr : &*found;
}

TEST_P(OperatorApi, C145_OfAMasterShowsItsState) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  EXPECT_FALSE(askMaster(MasterCall::GET_VERSION).get_version().version_info().version().empty());

  const MasterResponse state = askMaster(MasterCall::GET_STATE);
  EXPECT_EQ(state.type(), MasterResponse::GET_STATE);
  const auto* task = findIf(state.get_state().get_tasks().tasks(), [&](const auto& one) {
    return one.task_id().value() == launched.id();
  });
  ASSERT_NE(task, nullptr);
  EXPECT_EQ(task->state(), TASK_RUNNING);
  EXPECT_EQ(task->agent_id().value(), launched.offer.agent_id().value());
  const auto* shown = findIf(state.get_state().get_frameworks().frameworks(), [&](const auto& one) {
    return one.framework_info().id().value() == framework.id().value();
  });
  ASSERT_NE(shown, nullptr);
  EXPECT_TRUE(shown->active());
  EXPECT_TRUE(shown->connected());
  EXPECT_NE(findIf(state.get_state().get_executors().executors(),
                   [&](const auto& one) {
                     return one.executor_info().executor_id().value() ==
                            launched.task.executor().executor_id().value();
                   }),
            nullptr);

  const MasterResponse agents = askMaster(MasterCall::GET_AGENTS);
  const auto* agent = findIf(agents.get_agents().agents(), [&](const auto& one) {
    return one.agent_info().id().value() == launched.offer.agent_id().value();
  });
  ASSERT_NE(agent, nullptr);
  EXPECT_TRUE(agent->active());
  EXPECT_FALSE(agent->deactivated());
  EXPECT_TRUE(agent->has_registered_time());
  EXPECT_GT(agent->total_resources_size(), 0);
  EXPECT_GT(agent->allocated_resources_size(), 0);

  EXPECT_NE(findIf(askMaster(MasterCall::GET_TASKS).get_tasks().tasks(),
                   [&](const auto& one) { return one.task_id().value() == launched.id(); }),
            nullptr);
  EXPECT_TRUE(askMaster(MasterCall::GET_OPERATIONS).has_get_operations());
  EXPECT_FALSE(askMaster(MasterCall::GET_MASTER).get_master().master_info().id().empty());
}

TEST_P(OperatorApi, C145_OfAnAgentShowsItsState) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  const protocol::Address agent = agentOf(launched.offer);
  const std::string& executorId = launched.task.executor().executor_id().value();

  const AgentResponse state = askAgent(agent, AgentCall::GET_STATE);
  EXPECT_EQ(state.type(), AgentResponse::GET_STATE);
  EXPECT_NE(findIf(state.get_state().get_tasks().launched_tasks(),
                   [&](const auto& one) { return one.task_id().value() == launched.id(); }),
            nullptr);
  const auto isOurs = [&](const auto& one) {
    return one.executor_info().executor_id().value() == executorId;
  };
  EXPECT_NE(findIf(state.get_state().get_executors().executors(), isOurs), nullptr);
  EXPECT_NE(findIf(state.get_state().get_frameworks().frameworks(),
                   [&](const auto& one) {
                     return one.framework_info().id().value() == framework.id().value();
                   }),
            nullptr);
  const AgentResponse containers = askAgent(agent, AgentCall::GET_CONTAINERS);
  const auto* container = findIf(containers.get_containers().containers(), [&](const auto& one) {
    return one.executor_id().value() == executorId;
  });
  ASSERT_NE(container, nullptr);
  EXPECT_GT(container->container_status().executor_pid(), 0u);
  EXPECT_EQ(askAgent(agent, AgentCall::GET_AGENT).get_agent().agent_info().id().value(),
            launched.offer.agent_id().value());
}

TEST_P(OperatorApi, C145_OfAnAgentReadsItsFiles) {
  TestFramework framework = subscribe();
  const Offer offer = framework.offer();
  const TaskInfo task = commandTask(offer, uniqueId("task"), "echo 0123456789");
  framework.accept({offer}, {task});
  framework.statusUntil(task.task_id().value(), TASK_FINISHED);
  const protocol::Address agent = agentOf(offer);
  const std::string sandbox = sandboxOf(agent, framework.id(), task.task_id().value());

  AgentCall list;
  list.set_type(AgentCall::LIST_FILES);
  list.mutable_list_files()->set_path(sandbox);
  const AgentResponse listed = ask<AgentResponse>(agent, list);
  const auto* file = findIf(listed.list_files().file_infos(),
                            [&](const auto& one) { return one.path() == sandbox + "/stdout"; });
  ASSERT_NE(file, nullptr);
  EXPECT_GE(file->size(), 11u);

  AgentCall read;
  read.set_type(AgentCall::READ_FILE);
  read.mutable_read_file()->set_path(sandbox + "/stdout");
  read.mutable_read_file()->set_offset(0);
  const AgentResponse all = ask<AgentResponse>(agent, read);
  const std::size_t at = all.read_file().data().find("0123456789\n");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(all.read_file().size(), file->size());
  read.mutable_read_file()->set_offset(at + 2);
  read.mutable_read_file()->set_length(3);
  EXPECT_EQ(ask<AgentResponse>(agent, read).read_file().data(), "234");
  read.mutable_read_file()->set_path(sandbox + "/nope");
  const protocol::Response unknown = post(agent, read);
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, "");
}

TEST_P(OperatorApi, C144_TearsAFrameworkDown) {
  TestFramework framework = subscribe();
  MasterCall call;
  call.set_type(MasterCall::TEARDOWN);
  *call.mutable_teardown()->mutable_framework_id() = framework.id();
  EXPECT_EQ(post(master(), call).status, 200);
  EXPECT_TRUE(framework.stream().ends(Timeout(5000)));
  EXPECT_EQ(post(master(), call).status, 400);
}

TEST_P(OperatorApi, C146_TellsItsSubscribersWhatHappens) {
  MasterCall call;
  call.set_type(MasterCall::SUBSCRIBE);
  EventStream<MasterEvent> events(master(), postOf("/api/v1", GetParam(), call, true), GetParam());
  ASSERT_EQ(events.status(), 200) << events.refusal();
  EXPECT_FALSE(events.head().headers.has("Mesos-Stream-Id"));
  const auto subscribed = events.nextOrEnd(Timeout(5000));
  ASSERT_TRUE(subscribed);
  ASSERT_EQ(subscribed->type(), MasterEvent::SUBSCRIBED);
  EXPECT_GE(subscribed->subscribed().get_state().get_agents().agents_size(), 1);
  EXPECT_GT(subscribed->subscribed().heartbeat_interval_seconds(), 0);
  const auto heartbeat = events.nextOrEnd(Timeout(5000));
  ASSERT_TRUE(heartbeat);
  EXPECT_EQ(heartbeat->type(), MasterEvent::HEARTBEAT);

  TestFramework framework = subscribe();
  const std::string& id = framework.id().value();
  events.next([&](const MasterEvent& event) {
    return event.type() == MasterEvent::FRAMEWORK_ADDED &&
           event.framework_added().framework().framework_info().id().value() == id;
  });
  const Offer offer = framework.offer();
  const TaskInfo task = commandTask(offer, uniqueId("task"), "exit 0");
  framework.accept({offer}, {task});
  const MasterEvent added = events.next(MasterEvent::TASK_ADDED);
  EXPECT_EQ(added.task_added().task().task_id().value(), task.task_id().value());
  EXPECT_EQ(added.task_added().task().state(), TASK_STAGING);
  framework.statusUntil(task.task_id().value(), TASK_FINISHED);
  // The state is the task's latest, which may be ahead of the status that is told (U15).
  const MasterEvent finished = events.next([&](const MasterEvent& event) {
    return event.type() == MasterEvent::TASK_UPDATED &&
           event.task_updated().state() == TASK_FINISHED;
  });
  EXPECT_EQ(finished.task_updated().framework_id().value(), id);
  EXPECT_EQ(finished.task_updated().status().task_id().value(), task.task_id().value());
  framework.teardown();
  events.next([&](const MasterEvent& event) {
    return event.type() == MasterEvent::FRAMEWORK_REMOVED &&
           event.framework_removed().framework_info().id().value() == id;
  });
}

TEST_P(OperatorApi, C146_TellsOfTheTasksThatATeardownKills) {
  TestFramework framework = subscribe();
  const Launched launched = launch(framework);
  TestExecutor executor = run(framework, launched);
  MasterCall call;
  call.set_type(MasterCall::SUBSCRIBE);
  EventStream<MasterEvent> events(master(), postOf("/api/v1", GetParam(), call, true), GetParam());
  framework.teardown();
  const MasterEvent killed = events.next(MasterEvent::TASK_UPDATED);
  EXPECT_EQ(killed.task_updated().status().state(), TASK_KILLED);
  EXPECT_EQ(killed.task_updated().status().source(), TaskStatus::SOURCE_MASTER);
  EXPECT_EQ(killed.task_updated().status().reason(), TaskStatus::REASON_FRAMEWORK_REMOVED);
  const auto next = events.nextOrEnd(Timeout(5000));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->type(), MasterEvent::FRAMEWORK_REMOVED);
}

}  // namespace
}  // namespace mesos::conformance
