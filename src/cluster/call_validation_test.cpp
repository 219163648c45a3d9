#include "cluster/call_validation.hpp"

#include "base/uuid.hpp"

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

/// Why the call is refused, without the words that all refusals begin with; "" if it is not.
template <typename Call>
std::string fault(const Call& call) {
  const Result<void> valid = validateCall(call);
  if (valid) return "";
  const std::string& text = valid.error().message;
  return text.substr(text.find(": ") + 2);
}

using SchedulerCall = v1::scheduler::Call;

SchedulerCall schedulerCall(SchedulerCall::Type type) {
  SchedulerCall call;
  call.set_type(type);
  call.mutable_framework_id()->set_value("f");
  return call;
}

TEST(SchedulerCallValidation, TypeAndFrameworkIdAreNeeded) {
  EXPECT_EQ(validateCall(SchedulerCall()).error().message,
            "Failed to validate scheduler::Call: Expecting 'type' to be present");
  SchedulerCall call;
  call.set_type(SchedulerCall::TEARDOWN);
  EXPECT_EQ(fault(call), "Expecting 'framework_id' to be present");
}

TEST(SchedulerCallValidation, EachCallNeedsItsPartButThree) {
  for (int number = SchedulerCall::Type_MIN; number <= SchedulerCall::Type_MAX; ++number) {
    const auto type = static_cast<SchedulerCall::Type>(number);
    const bool mayBeBare = type == SchedulerCall::TEARDOWN || type == SchedulerCall::REVIVE ||
                           type == SchedulerCall::SUPPRESS || type == SchedulerCall::UNKNOWN;
    EXPECT_EQ(fault(schedulerCall(type)).empty(), mayBeBare) << SchedulerCall::Type_Name(type);
  }
}

TEST(SchedulerCallValidation, BothIdsOfASubscribeAgreeByValue) {
  SchedulerCall call;
  call.set_type(SchedulerCall::SUBSCRIBE);
  EXPECT_EQ(fault(call), "Expecting 'subscribe' to be present");
  call.mutable_subscribe();
  EXPECT_EQ(fault(call), "");
  call.mutable_framework_id()->set_value("");
  EXPECT_EQ(fault(call), "");
  call.mutable_framework_id()->set_value("f");
  EXPECT_EQ(fault(call), "'framework_id' differs from 'subscribe.framework_info.id'");
  call.mutable_subscribe()->mutable_framework_info()->mutable_id()->set_value("f");
  EXPECT_EQ(fault(call), "");
}

TEST(SchedulerCallValidation, AcknowledgeWantsAUuidOfVersionOneToFive) {
  SchedulerCall call = schedulerCall(SchedulerCall::ACKNOWLEDGE);
  Random random(1);
  std::string uuid = randomUuid(random);
  call.mutable_acknowledge()->set_uuid(uuid);
  EXPECT_EQ(fault(call), "");
  call.mutable_acknowledge()->set_uuid(uuid.substr(1));
  EXPECT_EQ(fault(call), "Not a valid UUID");
  call.mutable_acknowledge()->set_uuid(std::string(16, '\0'));
  EXPECT_EQ(fault(call), "Not a valid UUID");
  uuid[6] = '\x70';
  call.mutable_acknowledge()->set_uuid(uuid);
  EXPECT_EQ(fault(call), "Not a valid UUID");
}

TEST(SchedulerCallValidation, AcknowledgeOfAnOperationNeedsTheAgentToo) {
  SchedulerCall call = schedulerCall(SchedulerCall::ACKNOWLEDGE_OPERATION_STATUS);
  Random random(1);
  call.mutable_acknowledge_operation_status()->set_uuid(randomUuid(random));
  EXPECT_EQ(fault(call), "Expecting 'agent_id' to be present");
  call.mutable_acknowledge_operation_status()->mutable_agent_id();
  EXPECT_EQ(fault(call), "");
}

TEST(SchedulerCallValidation, UpdateFrameworkIsForTheCallersOwnId) {
  SchedulerCall call = schedulerCall(SchedulerCall::UPDATE_FRAMEWORK);
  call.mutable_update_framework()->mutable_framework_info()->mutable_id()->set_value("g");
  EXPECT_EQ(fault(call), "'framework_id' differs from 'update_framework.framework_info.id'");
  call.mutable_update_framework()->mutable_framework_info()->mutable_id()->set_value("f");
  EXPECT_EQ(fault(call), "");
}

using ExecutorCall = v1::executor::Call;

ExecutorCall update() {
  ExecutorCall call;
  call.set_type(ExecutorCall::UPDATE);
  call.mutable_executor_id()->set_value("e");
  call.mutable_framework_id()->set_value("f");
  Random random(1);
  v1::TaskStatus& status = *call.mutable_update()->mutable_status();
  status.mutable_task_id()->set_value("t");
  status.set_state(v1::TASK_RUNNING);
  status.set_source(v1::TaskStatus::SOURCE_EXECUTOR);
  status.set_uuid(randomUuid(random));
  return call;
}

TEST(ExecutorCallValidation, TypeAndPartsAreNeeded) {
  ExecutorCall call;
  EXPECT_EQ(validateCall(call).error().message,
            "Failed to validate Executor::Call: Expecting 'type' to be present");
  for (const auto type : {ExecutorCall::SUBSCRIBE, ExecutorCall::UPDATE, ExecutorCall::MESSAGE}) {
    call.set_type(type);
    EXPECT_NE(fault(call), "");
  }
  for (const auto type : {ExecutorCall::HEARTBEAT, ExecutorCall::UNKNOWN}) {
    call.set_type(type);
    EXPECT_EQ(fault(call), "");
  }
}

TEST(ExecutorCallValidation, AnUpdateIsTheExecutorsOwnWithAUuid) {
  EXPECT_EQ(fault(update()), "");
  ExecutorCall call = update();
  call.mutable_update()->mutable_status()->clear_uuid();
  EXPECT_EQ(fault(call), "Expecting 'uuid' to be present");
  call.mutable_update()->mutable_status()->set_uuid("short");
  EXPECT_EQ(fault(call), "Not a valid UUID");

  call = update();
  call.mutable_update()->mutable_status()->mutable_executor_id()->set_value("e");
  EXPECT_EQ(fault(call), "");
  call.mutable_update()->mutable_status()->mutable_executor_id()->set_value("other");
  EXPECT_NE(fault(call), "");

  call = update();
  call.mutable_update()->mutable_status()->clear_source();
  EXPECT_NE(fault(call).find("expecting 'SOURCE_EXECUTOR'"), std::string::npos);

  call = update();
  call.mutable_update()->mutable_status()->set_state(v1::TASK_STAGING);
  EXPECT_NE(fault(call).find("TASK_STAGING"), std::string::npos);
}

TEST(ExecutorCallValidation, ACheckStatusHasTheOutcomeOfItsType) {
  ExecutorCall call = update();
  v1::CheckStatusInfo& check = *call.mutable_update()->mutable_status()->mutable_check_status();
  EXPECT_NE(fault(call), "");
  check.set_type(v1::CheckInfo::TCP);
  EXPECT_NE(fault(call), "");
  check.mutable_tcp();
  EXPECT_EQ(fault(call), "");
  check.set_type(v1::CheckInfo::UNKNOWN);
  EXPECT_NE(fault(call), "");
}

TEST(OperatorCallValidation, NamesTheMissingPart) {
  v1::master::Call call;
  EXPECT_EQ(validateCall(call).error().message,
            "Failed to validate master::Call: Expecting 'type' to be present");
  call.set_type(v1::master::Call::GET_METRICS);
  EXPECT_EQ(fault(call), "Expecting 'get_metrics' to be present");
  call.set_type(v1::master::Call::GET_VERSION);
  EXPECT_EQ(fault(call), "");
}

TEST(OperatorCallValidation, OfAnAgentLikewise) {
  v1::agent::Call call;
  EXPECT_EQ(validateCall(call).error().message,
            "Failed to validate agent::Call: Expecting 'type' to be present");
  call.set_type(v1::agent::Call::READ_FILE);
  EXPECT_EQ(fault(call), "Expecting 'read_file' to be present");
  call.set_type(v1::agent::Call::GET_CONTAINERS);
  EXPECT_EQ(fault(call), "");
}

}  // namespace
}  // namespace mesos::cluster
