// A scheduler on the SDK that keeps tasks running: what the benches of a whole cluster are driven
// by. Prints `launched SECONDS`, and `running SECONDS` once all run at one moment, after so many
// failed and were replaced as it is told to wait for; counted from the registration of its last
// framework. At the end (SIGTERM) `replaced NUMBER`.
#include <mesos/scheduler.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include <CLI/CLI.hpp>

namespace {

using namespace mesos;

struct Wanted {
  std::size_t frameworks = 1;
  std::size_t tasks = 1000;    // of each framework
  std::size_t perOffer = 100;  // at most
  std::size_t failures = 0;    // of all
};

// What all frameworks come to.
class Count {
 public:
  explicit Count(const Wanted& wanted) : wanted_(wanted) {}

  void registered() {
    if (++registered_ == wanted_.frameworks) began_ = std::chrono::steady_clock::now();
  }
  void launched(std::size_t number) {
    launched_ += number;
    if (launched_ >= all() && !saidLaunched_.exchange(true)) say("launched");
  }
  void running(int change) {
    const bool doAll = (running_ += change) == static_cast<std::int64_t>(all());
    if (doAll && replaced_ >= wanted_.failures && !saidRunning_.exchange(true)) say("running");
  }
  void replaced() { ++replaced_; }
  std::size_t replacedSoFar() const { return replaced_; }

 private:
  std::size_t all() const { return wanted_.frameworks * wanted_.tasks; }
  void say(const char* what) {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - began_.load();
    std::printf("%s %.6f\n", what, since.count());
    std::fflush(stdout);
  }

  const Wanted wanted_;
  std::atomic<std::chrono::steady_clock::time_point> began_{std::chrono::steady_clock::now()};
  std::atomic<std::size_t> registered_{0};
  std::atomic<std::size_t> launched_{0};
  std::atomic<std::int64_t> running_{0};
  std::atomic<std::size_t> replaced_{0};
  std::atomic<bool> saidLaunched_{false};
  std::atomic<bool> saidRunning_{false};
};

class Keeper : public Scheduler {
 public:
  Keeper(const Wanted& wanted, Count& count) : wanted_(wanted), count_(count) {}

  void registered(SchedulerDriver*, const FrameworkID&, const MasterInfo&) override {
    count_.registered();
  }

  void resourceOffers(SchedulerDriver* driver, const std::vector<Offer>& offers) override {
    hasRevived_ = false;
    for (const Offer& offer : offers) {
      if (live_.size() < wanted_.tasks) {
        launch(driver, offer);
      } else if (spares_.size() < kSparesMax) {
        spares_.push_back(offer);
      } else {
        driver->declineOffer(offer.id(), longFilters());
      }
    }
  }
  void offerRescinded(SchedulerDriver*, const OfferID& id) override {
    std::erase_if(spares_, [&](const Offer& offer) { return offer.id().value() == id.value(); });
  }

  void statusUpdate(SchedulerDriver* driver, const TaskStatus& status) override {
    const auto task = live_.find(status.task_id().value());
    if (task == live_.end()) return;
    if (status.state() == TASK_RUNNING && !std::exchange(task->second, true)) count_.running(1);
    if (!isTerminal(status.state())) return;
    if (task->second) count_.running(-1);
    live_.erase(task);
    count_.replaced();
    if (spares_.empty()) {
      // What ended is offered anew, if it was not already, and declined, before this was known.
      if (!std::exchange(hasRevived_, true)) driver->reviveOffers();
      return;
    }
    launch(driver, spares_.front());
    spares_.pop_front();
  }
  void error(SchedulerDriver*, const std::string& message) override {
    std::fprintf(stderr, "keeper: %s\n", message.c_str());
  }

 private:
  static constexpr std::size_t kSparesMax = 200;

  static Filters longFilters() {
    Filters filters;
    filters.set_refuse_seconds(3600);
    return filters;
  }

  void launch(SchedulerDriver* driver, const Offer& offer) {
    static const Resources need = Resources::parse("cpus:0.01;mem:32").value();
    Resources left(offer.resources());
    std::vector<TaskInfo> tasks;
    while (live_.size() < wanted_.tasks && tasks.size() < wanted_.perOffer) {
      const auto found = left.find(need);
      if (!found) break;
      left -= *found;
      TaskInfo& task = tasks.emplace_back();
      task.set_name("task");
      task.mutable_task_id()->set_value(std::to_string(next_++));
      *task.mutable_agent_id() = offer.agent_id();
      *task.mutable_resources() = found->toProto();
      task.mutable_command()->set_value("sleep infinity");
      live_.emplace(task.task_id().value(), false);
    }
    driver->launchTasks({offer.id()}, tasks, longFilters());
    count_.launched(tasks.size());
  }

  const Wanted wanted_;
  Count& count_;
  std::unordered_map<std::string, bool> live_;  // whether it runs
  std::deque<Offer> spares_;
  bool hasRevived_ = false;
  std::size_t next_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::string master;
  Wanted wanted;
  CLI::App app("Keeps tasks running until SIGTERM.", "keeper");
  app.add_option("MASTER", master, "HOST:PORT")->required();
  app.add_option("--frameworks", wanted.frameworks)->capture_default_str();
  app.add_option("--tasks", wanted.tasks, "Of each framework")->capture_default_str();
  app.add_option("--per-offer", wanted.perOffer, "At most")->capture_default_str();
  app.add_option("--failures", wanted.failures, "To wait for")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Count count(wanted);
  std::deque<Keeper> keepers;
  std::deque<MesosSchedulerDriver> drivers;
  for (std::size_t i = 0; i < wanted.frameworks; ++i) {
    FrameworkInfo info;
    info.set_name("keeper-" + std::to_string(i));
    info.set_user("root");
    info.add_roles("*");
    info.set_failover_timeout(3600);
    info.add_capabilities()->set_type(FrameworkInfo::Capability::PARTITION_AWARE);
    drivers.emplace_back(&keepers.emplace_back(wanted, count), info, master);
    drivers.back().start();
  }
  int signal = 0;
  sigwait(&signals, &signal);
  for (auto& driver : drivers) driver.stop();
  for (auto& driver : drivers) driver.join();
  std::printf("replaced %zu\n", count.replacedSoFar());
  return 0;
}
