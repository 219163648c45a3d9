// From an event to the callback of the classic interface.
#pragma once

#include <mesos/executor.hpp>

namespace mesos::driver {

/// Calls the callback of `executor` that `event` is for. `registered` says whether a subscription
/// has been told before, and does so from then on. SHUTDOWN and ERROR are the session's.
void dispatch(const v1::executor::Event& event, bool& registered, Executor& executor,
              ExecutorDriver& driver);

}  // namespace mesos::driver
