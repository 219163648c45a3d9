#include "protocol/calls.hpp"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

namespace mesos::protocol {
namespace {

template <typename Id>
Id id(const std::string& value) {
  Id made;
  made.set_value(value);
  return made;
}

void expectCall(const std::string& text, const calls::Call& call) {
  calls::Call expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expected)) << text;
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(expected, call))
      << call.ShortDebugString();
}

TEST(Calls, SayWhatTheyAreMadeOf) {
  const auto offer = id<v1::OfferID>("O");
  const auto task = id<v1::TaskID>("t");
  const auto agent = id<v1::AgentID>("S");
  const auto executor = id<v1::ExecutorID>("e");
  v1::Filters filters;
  filters.set_refuse_seconds(7);
  v1::TaskInfo info;
  info.set_name("n");
  *info.mutable_task_id() = task;
  *info.mutable_agent_id() = agent;
  v1::TaskStatus status;
  *status.mutable_task_id() = task;
  status.set_state(v1::TASK_RUNNING);
  v1::TaskStatus whole = status;
  *whole.mutable_agent_id() = agent;
  whole.set_uuid("u");
  v1::Request wish;
  *wish.mutable_agent_id() = agent;

  expectCall(R"(type: ACCEPT accept { offer_ids { value: "O" } filters { refuse_seconds: 7 }
                operations { type: LAUNCH launch { task_infos { name: "n" task_id { value: "t" }
                             agent_id { value: "S" } } } } })",
             calls::accept({offer}, {calls::launch({info})}, filters));
  expectCall(R"(type: ACCEPT accept { offer_ids { value: "O" } })", calls::accept({offer}, {}));
  expectCall(R"(type: DECLINE decline { offer_ids { value: "O" } filters { refuse_seconds: 7 } })",
             calls::decline({offer}, filters));
  expectCall(R"(type: DECLINE decline { offer_ids { value: "O" } })", calls::decline({offer}));
  expectCall("type: REVIVE", calls::revive());
  expectCall(R"(type: REVIVE revive { roles: "r" })", calls::revive({"r"}));
  expectCall("type: SUPPRESS", calls::suppress());
  expectCall(R"(type: SUPPRESS suppress { roles: "r" })", calls::suppress({"r"}));
  expectCall(R"(type: KILL kill { task_id { value: "t" } })", calls::kill(task));
  expectCall(R"(type: KILL kill { task_id { value: "t" } agent_id { value: "S" } })",
             calls::kill(task, agent));
  expectCall(R"(type: SHUTDOWN shutdown { executor_id { value: "e" } agent_id { value: "S" } })",
             calls::shutdown(executor, agent));
  expectCall(R"(type: ACKNOWLEDGE acknowledge { task_id { value: "t" } agent_id { value: "S" }
                uuid: "u" })",
             calls::acknowledge(whole));
  expectCall("type: RECONCILE reconcile {}", calls::reconcile());
  expectCall(R"(type: RECONCILE reconcile { tasks { task_id { value: "t" } }
                tasks { task_id { value: "t" } agent_id { value: "S" } } })",
             calls::reconcile({status, whole}));
  expectCall(R"(type: MESSAGE message { executor_id { value: "e" } agent_id { value: "S" }
                data: "d" })",
             calls::message(executor, agent, "d"));
  expectCall(R"(type: REQUEST request { requests { agent_id { value: "S" } } })",
             calls::request({wish}));
  expectCall("type: TEARDOWN", calls::teardown());
}

}  // namespace
}  // namespace mesos::protocol
