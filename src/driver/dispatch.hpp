// From an event to the callback of the classic interface.
#pragma once

#include <mesos/scheduler.hpp>

namespace mesos::driver {

/// Calls the callback of `scheduler` that `event` is for. `registered` says whether a subscription
/// has been told before, and does so from then on. May move parts out of `event`.
void dispatch(v1::scheduler::Event& event, bool& registered, Scheduler& scheduler,
              SchedulerDriver& driver);

}  // namespace mesos::driver
