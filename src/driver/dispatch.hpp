// From an event to the callback of the classic interface.
#pragma once

#include <mesos/scheduler.hpp>

#include <vector>

namespace mesos::driver {

/// What one driver's dispatch() keeps from one event to the next.
struct Dispatched {
  bool registered = false;    // A subscription has been told.
  std::vector<Offer> offers;  // Empty ones, as many as the latest event had.
};

/// Calls the callback of `scheduler` that `event` is for. The event is whole again afterwards,
/// unless the callback throws.
void dispatch(v1::scheduler::Event& event, Dispatched& state, Scheduler& scheduler,
              SchedulerDriver& driver);

}  // namespace mesos::driver
