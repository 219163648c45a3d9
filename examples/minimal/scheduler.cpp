// A complete Mesos framework: one web server, on the first offer that has room for it.
#include <mesos/scheduler.hpp>

#include <cstdio>
#include <string>
#include <vector>

using namespace mesos;

class MinimalScheduler : public Scheduler {
 public:
  explicit MinimalScheduler(const std::string& executorUri) : executorUri_(executorUri) {}

  void registered(SchedulerDriver*, const FrameworkID& id, const MasterInfo&) override {
    std::printf("Registered as framework %s\n", id.value().c_str());
  }
  void reregistered(SchedulerDriver*, const MasterInfo&) override { std::puts("Reregistered"); }
  void disconnected(SchedulerDriver*) override { std::puts("Disconnected; the driver retries"); }

  void resourceOffers(SchedulerDriver* driver, const std::vector<Offer>& offers) override {
    for (const Offer& offer : offers) {
      const Resources offered(offer.resources());
      std::printf("Received offer <%s> with cpus=%g mem=%g from %s\n", offer.id().value().c_str(),
                  offered.cpus(), offered.mem(), offer.hostname().c_str());
      std::vector<TaskInfo> tasks;
      if (!launched_ && !offered.ports().empty()) {
        const std::string port = std::to_string(offered.ports().front().first);
        const auto need =
            Resources::parse("cpus:0.5;mem:128;ports:[" + port + "-" + port + "]").value();
        if (const auto found = offered.find(need)) {
          tasks.push_back(makeTask(offer, *found));
          std::printf("Launching the server on port %s\n", port.c_str());
          launched_ = true;
        }
      }
      Filters filters;
      filters.set_refuse_seconds(3600);                   // Nothing more is wanted of this agent.
      driver->launchTasks({offer.id()}, tasks, filters);  // No tasks: declines the offer.
    }
  }
  void offerRescinded(SchedulerDriver*, const OfferID& id) override {
    std::printf("Offer <%s> was withdrawn\n", id.value().c_str());
  }

  void statusUpdate(SchedulerDriver* driver, const TaskStatus& status) override {
    std::printf("Task %s is in state %s %s\n", status.task_id().value().c_str(),
                TaskState_Name(status.state()).c_str(), status.message().c_str());
    if (isTerminal(status.state())) driver->stop();  // Returning acknowledges the status.
  }
  void frameworkMessage(SchedulerDriver*, const ExecutorID&, const AgentID&,
                        const std::string& data) override {
    std::printf("The executor says: %s\n", data.c_str());
  }
  void slaveLost(SchedulerDriver*, const AgentID& id) override {
    std::printf("Agent %s is lost\n", id.value().c_str());
  }
  void executorLost(SchedulerDriver*, const ExecutorID& id, const AgentID&, int status) override {
    std::printf("Executor %s ended with status %d\n", id.value().c_str(), status);
  }
  void error(SchedulerDriver*, const std::string& message) override {
    std::printf("Error: %s\n", message.c_str());
  }

 private:
  TaskInfo makeTask(const Offer& offer, const Resources& resources) const {
    TaskInfo task;
    task.set_name("web");
    task.mutable_task_id()->set_value("web-1");
    *task.mutable_agent_id() = offer.agent_id();
    *task.mutable_resources() = resources.toProto();
    task.set_data("Hello from Server");  // For the executor, which serves it.
    ExecutorInfo& executor = *task.mutable_executor();
    executor.mutable_executor_id()->set_value("web");
    CommandInfo& command = *executor.mutable_command();  // Run by the agent, in a sandbox.
    command.set_value("./executor");
    CommandInfo::URI& uri = *command.add_uris();  // Fetched into the sandbox first.
    uri.set_value(executorUri_);
    uri.set_output_file("executor");
    uri.set_executable(true);
    return task;
  }

  const std::string executorUri_;
  bool launched_ = false;
};

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: scheduler MASTER EXECUTOR-URI\n", stderr), 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  FrameworkInfo framework;
  framework.set_name("minimal");
  framework.add_roles("*");
  MinimalScheduler scheduler(argv[2]);
  MesosSchedulerDriver driver(&scheduler, framework, argv[1]);
  return driver.run() == DRIVER_STOPPED ? 0 : 1;
}
