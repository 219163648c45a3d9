// The nouns of Mesos, re-exported from the wire contract: mesos::Offer is mesos::v1::Offer.
#pragma once

#include <mesos/v1/mesos.pb.h>

#include <string>
#include <vector>

namespace mesos {

using v1::AgentID;
using v1::AgentInfo;
using v1::Attribute;
using v1::CommandInfo;
using v1::ContainerID;
using v1::Environment;
using v1::ExecutorID;
using v1::ExecutorInfo;
using v1::Filters;
using v1::FrameworkID;
using v1::FrameworkInfo;
using v1::InverseOffer;
using v1::KillPolicy;
using v1::Label;
using v1::Labels;
using v1::MasterInfo;
using v1::Offer;
using v1::OfferID;
using v1::Request;
using v1::Resource;
using v1::Task;
using v1::TaskGroupInfo;
using v1::TaskID;
using v1::TaskInfo;
using v1::TaskStatus;

using v1::TASK_DROPPED;
using v1::TASK_ERROR;
using v1::TASK_FAILED;
using v1::TASK_FINISHED;
using v1::TASK_GONE;
using v1::TASK_GONE_BY_OPERATOR;
using v1::TASK_KILLED;
using v1::TASK_KILLING;
using v1::TASK_LOST;
using v1::TASK_RUNNING;
using v1::TASK_STAGING;
using v1::TASK_STARTING;
using v1::TASK_UNKNOWN;
using v1::TASK_UNREACHABLE;
using v1::TaskState;
using v1::TaskState_Name;

using v1::DRIVER_ABORTED;
using v1::DRIVER_NOT_STARTED;
using v1::DRIVER_RUNNING;
using v1::DRIVER_STOPPED;
using v1::Status;

/// Whether a task in `state` has ended (fact U2). LOST and GONE_BY_OPERATOR end a task for the
/// framework without proving that its process died. UNREACHABLE and UNKNOWN are not terminal.
constexpr bool isTerminal(TaskState state) {
  switch (state) {
    case TASK_FINISHED:
    case TASK_FAILED:
    case TASK_KILLED:
    case TASK_ERROR:
    case TASK_LOST:
    case TASK_DROPPED:
    case TASK_GONE:
    case TASK_GONE_BY_OPERATOR:
      return true;
    default:
      return false;
  }
}

/// A status of `taskId` in `state`, for an executor to send; the driver fills in the rest.
inline TaskStatus makeStatus(const TaskID& taskId, TaskState state,
                             const std::string& message = {}) {
  TaskStatus status;
  *status.mutable_task_id() = taskId;
  status.set_state(state);
  if (!message.empty()) status.set_message(message);
  return status;
}

}  // namespace mesos
