// A scheduler that only counts what it is told, on the SDK. Usage: intake_client HOST:PORT
// Ends when its stdin does, and says then what it has counted, as client.go does.
#include <mesos/scheduler.hpp>

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdio>

namespace {

class Counter : public mesos::Scheduler {
 public:
  void statusUpdate(mesos::SchedulerDriver*, const mesos::TaskStatus&) override { ++updates; }

  void resourceOffers(mesos::SchedulerDriver*, const std::vector<mesos::Offer>& told) override {
    offers += told.size();
    for (const mesos::Offer& offer : told) {
      resources += static_cast<std::size_t>(offer.resources_size());
    }
  }

  std::atomic<std::size_t> updates = 0;
  std::atomic<std::size_t> offers = 0;
  std::atomic<std::size_t> resources = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: intake_client HOST:PORT\n");
    return 2;
  }
  Counter counter;
  mesos::FrameworkInfo framework;
  framework.set_user("root");
  framework.set_name("bench");
  framework.add_roles("services");
  mesos::MesosSchedulerDriver driver(&counter, framework, argv[1]);
  driver.start();
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  std::printf("updates %zu offers %zu resources %zu\n", counter.updates.load(),
              counter.offers.load(), counter.resources.load());
  driver.stop(true);
  driver.join();
}
