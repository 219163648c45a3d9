// What a Scheduler does about the callbacks that it does not override.
#include <mesos/scheduler.hpp>

#include <iostream>

namespace mesos {

void Scheduler::resourceOffers(SchedulerDriver* driver, const std::vector<Offer>& offers) {
  for (const Offer& offer : offers) driver->declineOffer(offer.id());
}

void Scheduler::error(SchedulerDriver*, const std::string& message) {
  std::cerr << "mesos: the framework cannot go on: " << message << std::endl;
}

}  // namespace mesos
