// Whether a well-formed call makes sense by itself (facts Q20-Q22, X20-X21, W70).
#pragma once

#include <mesos/v1/agent/agent.pb.h>
#include <mesos/v1/executor/executor.pb.h>
#include <mesos/v1/master/master.pb.h>
#include <mesos/v1/scheduler/scheduler.pb.h>
#include <mesos/result.hpp>

namespace mesos::cluster {

/// The error is the whole text of the refusal.
Result<void> validateCall(const v1::scheduler::Call& call);
Result<void> validateCall(const v1::executor::Call& call);
Result<void> validateCall(const v1::master::Call& call);
Result<void> validateCall(const v1::agent::Call& call);

}  // namespace mesos::cluster
