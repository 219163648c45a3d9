// Starts a cluster, registers a framework with it, takes the first offer's cpus as its answer.
#include <mesos/local_cluster.hpp>
#include <mesos/scheduler.hpp>

#include <cstdio>

class FirstOffer : public mesos::Scheduler {
 public:
  void resourceOffers(mesos::SchedulerDriver* driver,
                      const std::vector<mesos::Offer>& offers) override {
    cpus = mesos::Resources(offers.front().resources()).cpus();
    driver->stop();
  }
  double cpus = 0;
};

int main() {
  mesos::LocalClusterOptions options;
  options.port = 0;
  options.agentPort = 0;
  options.resources = "cpus:3;mem:256;ports:[31000-31009]";
  const auto cluster = mesos::LocalCluster::start(options);
  if (!cluster) {
    std::fprintf(stderr, "%s\n", cluster.error().message.c_str());
    return 1;
  }
  mesos::FrameworkInfo framework;
  framework.set_name("consumer");
  FirstOffer scheduler;
  mesos::MesosSchedulerDriver driver(&scheduler, framework, (*cluster)->master());
  if (driver.run() != mesos::DRIVER_STOPPED) return 1;
  std::printf("first offer: cpus %g\n", scheduler.cpus);
  return scheduler.cpus == 3 ? 0 : 1;
}
