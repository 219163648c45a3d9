#include "driver/dispatch.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <algorithm>
#include <utility>

namespace mesos::driver {
namespace {

using v1::scheduler::Event;

void onSubscribed(const Event::Subscribed& subscribed, bool& registered, Scheduler& scheduler,
                  SchedulerDriver& driver) {
  if (std::exchange(registered, true)) {
    scheduler.reregistered(&driver, subscribed.master_info());
  } else {
    scheduler.registered(&driver, subscribed.framework_id(), subscribed.master_info());
  }
}

// A failure that names an executor is the executor's, one that names only an agent the agent's.
void onFailure(const Event::Failure& failure, Scheduler& scheduler, SchedulerDriver& driver) {
  if (!failure.has_executor_id()) return scheduler.slaveLost(&driver, failure.agent_id());
  const int status = failure.has_status() ? failure.status() : -1;
  scheduler.executorLost(&driver, failure.executor_id(), failure.agent_id(), status);
}

// Callbacks get a vector; the offers are swapped into it and back, so that the event keeps the
// memory of its parts and can be parsed into again.
void onOffers(Event::Offers& event, std::vector<Offer>& offers, Scheduler& scheduler,
              SchedulerDriver& driver) {
  offers.resize(static_cast<std::size_t>(event.offers_size()));
  const auto swapAll = [&] {
    std::swap_ranges(offers.begin(), offers.end(), event.mutable_offers()->begin());
  };
  swapAll();
  scheduler.resourceOffers(&driver, offers);
  swapAll();
}

}  // namespace

void dispatch(Event& event, Dispatched& state, Scheduler& scheduler, SchedulerDriver& driver) {
  switch (event.type()) {
    case Event::SUBSCRIBED:
      return onSubscribed(event.subscribed(), state.registered, scheduler, driver);
    case Event::OFFERS:
      return onOffers(*event.mutable_offers(), state.offers, scheduler, driver);
    case Event::RESCIND:
      return scheduler.offerRescinded(&driver, event.rescind().offer_id());
    case Event::UPDATE:
      return scheduler.statusUpdate(&driver, event.update().status());
    case Event::MESSAGE: {
      const Event::Message& message = event.message();
      return scheduler.frameworkMessage(&driver, message.executor_id(), message.agent_id(),
                                        message.data());
    }
    case Event::FAILURE:
      return onFailure(event.failure(), scheduler, driver);
    default:
      return scheduler.otherEvent(&driver, event);
  }
}

}  // namespace mesos::driver
