// The scheduler program, from its options to its exit status.
#pragma once

#include "scheduler/options.hpp"
#include "scheduler/waiter.hpp"

namespace mesos::scheduler {

/// Exit statuses, as --help promises them.
constexpr int kSucceeded = 0;
constexpr int kFailed = 1;
constexpr int kMistaken = 2;
constexpr int kRemoved = 3;
constexpr int kReplaced = 4;
constexpr int kUnauthorized = 5;

/// Runs until a signal or a failure.
int run(const Options& options, Waiter& waiter);

}  // namespace mesos::scheduler
