#include "driver/executor_dispatch.hpp"

#include <mesos/v1/executor/executor.pb.h>

#include <utility>

namespace mesos::driver {

void dispatch(const v1::executor::Event& event, bool& registered, Executor& executor,
              ExecutorDriver& driver) {
  using Event = v1::executor::Event;
  switch (event.type()) {
    case Event::SUBSCRIBED: {
      const Event::Subscribed& subscribed = event.subscribed();
      if (std::exchange(registered, true)) {
        return executor.reregistered(&driver, subscribed.agent_info());
      }
      return executor.registered(&driver, subscribed.executor_info(), subscribed.framework_info(),
                                 subscribed.agent_info());
    }
    case Event::LAUNCH:
      return executor.launchTask(&driver, event.launch().task());
    case Event::LAUNCH_GROUP:
      return executor.launchTaskGroup(&driver, event.launch_group().task_group());
    case Event::KILL: {
      const Event::Kill& kill = event.kill();
      return executor.killTask(&driver, kill.task_id(),
                               kill.has_kill_policy() ? &kill.kill_policy() : nullptr);
    }
    case Event::MESSAGE:
      return executor.frameworkMessage(&driver, event.message().data());
    default:
      return executor.otherEvent(&driver, event);
  }
}

}  // namespace mesos::driver
