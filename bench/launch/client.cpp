// A scheduler that launches tasks all at once, and says how long it took until all of them ran:
//
//     launch_client MASTER AGENTS KIND TASKS [URI]
//
// KIND: `shared`, one executor an agent, and the tasks go to it; `own`, an executor for each task;
// `command`, no executor of ours. URI: where agents fetch the executor.
#include <mesos/scheduler.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace mesos;

namespace {

using Clock = std::chrono::steady_clock;

struct Work {
  std::size_t agents = 0;
  std::string kind;
  std::size_t tasks = 0;
  std::string uri;
};

class LaunchScheduler : public Scheduler {
 public:
  explicit LaunchScheduler(Work work) : work_(std::move(work)) {}

  void resourceOffers(SchedulerDriver* driver, const std::vector<Offer>& offers) override {
    for (const Offer& offer : offers) offers_[offer.agent_id().value()] = offer;
    if (offers_.size() < work_.agents || !awaited_.empty()) return;
    std::vector<std::pair<OfferID, std::vector<TaskInfo>>> launches;
    for (const auto& [id, offer] : offers_) {
      std::vector<TaskInfo> tasks;
      while (awaited_.size() < work_.tasks * (launches.size() + 1) / work_.agents) {
        tasks.push_back(makeTask(offer, awaited_.size()));
        awaited_.insert(tasks.back().task_id().value());
      }
      launches.emplace_back(offer.id(), std::move(tasks));
    }
    Filters filters;
    filters.set_refuse_seconds(3600);
    began_ = Clock::now();
    for (const auto& [id, tasks] : launches) driver->launchTasks({id}, tasks, filters);
  }

  void statusUpdate(SchedulerDriver* driver, const TaskStatus& status) override {
    if (status.state() == TASK_STARTING) return;
    if (status.state() != TASK_RUNNING) {
      std::fprintf(stderr, "launch_client: task %s is in state %s: %s\n",
                   status.task_id().value().c_str(), TaskState_Name(status.state()).c_str(),
                   status.message().c_str());
      driver->abort();
      return;
    }
    // An update may come twice.
    if (awaited_.erase(status.task_id().value()) == 0 || !awaited_.empty()) return;
    std::printf("%.6f\n", std::chrono::duration<double>(Clock::now() - began_).count());
    std::fflush(stdout);
    driver->stop();
  }

 private:
  TaskInfo makeTask(const Offer& offer, std::size_t number) const {
    TaskInfo task;
    task.set_name("launch");
    task.mutable_task_id()->set_value("task-" + std::to_string(number));
    *task.mutable_agent_id() = offer.agent_id();
    const Resources offered(offer.resources());
    *task.mutable_resources() =
        offered.find(Resources::parse("cpus:0.1;mem:32").value()).value().toProto();
    if (work_.kind == "command") {
      task.mutable_command()->set_value("exec sleep 1000");
      return task;
    }
    ExecutorInfo& executor = *task.mutable_executor();
    executor.mutable_executor_id()->set_value(work_.kind == "own" ? task.task_id().value()
                                                                  : "executor");
    *executor.mutable_resources() =
        offered.find(Resources::parse("cpus:0.1;mem:32").value()).value().toProto();
    CommandInfo& command = *executor.mutable_command();
    command.set_shell(false);
    command.set_value("./executor");
    command.add_arguments("executor");
    CommandInfo::URI& uri = *command.add_uris();
    uri.set_value(work_.uri);
    uri.set_output_file("executor");
    uri.set_executable(true);
    return task;
  }

  const Work work_;
  std::map<std::string, Offer> offers_;  // By agent.
  std::set<std::string> awaited_;
  Clock::time_point began_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fputs("usage: launch_client MASTER AGENTS KIND TASKS [URI]\n", stderr);
    return 2;
  }
  LaunchScheduler scheduler({.agents = std::strtoul(argv[2], nullptr, 10),
                             .kind = argv[3],
                             .tasks = std::strtoul(argv[4], nullptr, 10),
                             .uri = argc > 5 ? argv[5] : ""});
  FrameworkInfo framework;
  framework.set_name("launch");
  framework.add_roles("*");
  MesosSchedulerDriver driver(&scheduler, framework, argv[1]);
  return driver.run() == DRIVER_STOPPED ? 0 : 1;
}
