#include "scheduler/fleet_scheduler.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>

namespace mesos::scheduler {
namespace {

/// Remembers what the scheduler asks of Mesos.
class RecordingDriver : public SchedulerDriver {
 public:
  Status start() override { return DRIVER_RUNNING; }
  Status stop(bool) override { return DRIVER_STOPPED; }
  Status abort() override {
    calls.emplace_back("abort");
    return DRIVER_ABORTED;
  }
  Status join() override { return DRIVER_STOPPED; }
  Status run() override { return DRIVER_STOPPED; }
  Status launchTasks(const std::vector<OfferID>&, const std::vector<TaskInfo>& launched,
                     const Filters&) override {
    calls.emplace_back("launch");
    if (onLaunch) onLaunch();
    tasks.insert(tasks.end(), launched.begin(), launched.end());
    return DRIVER_RUNNING;
  }
  Status acceptOffers(const std::vector<OfferID>&, const std::vector<Offer::Operation>&,
                      const Filters&) override {
    return DRIVER_RUNNING;
  }
  Status declineOffer(const OfferID& offer, const Filters& filters) override {
    calls.push_back("decline " + offer.value());
    refusedFor = filters.refuse_seconds();
    return DRIVER_RUNNING;
  }
  Status killTask(const TaskID& task) override {
    calls.push_back("kill " + task.value());
    return DRIVER_RUNNING;
  }
  Status reviveOffers() override {
    calls.emplace_back("revive");
    return DRIVER_RUNNING;
  }
  Status suppressOffers() override {
    calls.emplace_back("suppress");
    return DRIVER_RUNNING;
  }
  Status requestResources(const std::vector<Request>&) override { return DRIVER_RUNNING; }
  Status reconcileTasks(const std::vector<TaskStatus>& statuses) override {
    std::string call = "reconcile " + std::to_string(statuses.size());
    if (!statuses.empty()) askedLast = statuses.back().task_id();
    if (!statuses.empty() && statuses[0].has_agent_id()) call += " " + askedLast.value();
    calls.push_back(std::move(call));
    return DRIVER_RUNNING;
  }
  Status sendFrameworkMessage(const ExecutorID&, const AgentID&, const std::string&) override {
    return DRIVER_RUNNING;
  }
  Status acknowledgeStatusUpdate(const TaskStatus&) override { return DRIVER_RUNNING; }
  std::size_t unsentBytes() const override { return 0; }

  std::vector<std::string> calls;
  std::vector<TaskInfo> tasks;
  double refusedFor = 0;
  TaskID askedLast;
  std::function<void()> onLaunch;
};

class FleetSchedulerTest : public testing::Test {
 protected:
  FleetSchedulerTest() {
    std::string name = testing::TempDir() + "fleet-scheduler-XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~FleetSchedulerTest() override {
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  /// As after a start of the program, with what an earlier one has left.
  FleetScheduler& makeWithStore() {
    store_.reset();
    store_ = std::move(store::Store::open(root_ + "/state").value());
    return make(store_.get());
  }

  FleetScheduler& make(store::Store* store = nullptr) {
    FleetSchedulerOptions options;
    options.store = store;
    if (store) options.restored = store->tasks().value();
    options.seed = ++seed_;
    options.say = [this](const std::string& line) { lines_.push_back(line); };
    options.changed = [this] { ++changes_; };
    return scheduler_.emplace(std::move(options));
  }

  void registerWith(FleetScheduler& scheduler) {
    FrameworkID id;
    id.set_value("1234-0000");
    MasterInfo master;
    master.mutable_address()->set_ip("127.0.0.1");
    master.mutable_address()->set_port(5050);
    scheduler.registered(&driver_, id, master);
  }

  Offer offer(const std::string& id) {
    Offer offer;
    offer.mutable_id()->set_value(id);
    offer.mutable_agent_id()->set_value("S0");
    offer.set_hostname("localhost");
    offer.mutable_url()->mutable_address()->set_ip("127.0.0.1");
    *offer.mutable_resources() =
        Resources::parse("cpus:2;mem:1024.5;ports:[31000-32000]").value().toProto();
    return offer;
  }

  /// The only task that is launched on one offer.
  TaskID launchOne(FleetScheduler& scheduler) {
    scheduler.resourceOffers(&driver_, {offer("O0")});
    EXPECT_EQ(driver_.tasks.size(), 1u);
    return driver_.tasks.at(0).task_id();
  }

  std::string root_;
  std::unique_ptr<store::Store> store_;
  std::uint64_t seed_ = 0;
  RecordingDriver driver_;
  std::vector<std::string> lines_;
  int changes_ = 0;
  std::optional<FleetScheduler> scheduler_;
};

TEST_F(FleetSchedulerTest, SaysWhatTheTutorialSays) {
  FleetScheduler& scheduler = make();
  registerWith(scheduler);
  scheduler.resourceOffers(&driver_, {offer("O0"), offer("O1")});
  ASSERT_EQ(driver_.tasks.size(), 1u);
  const std::string task = driver_.tasks[0].task_id().value();
  scheduler.statusUpdate(&driver_, makeStatus(driver_.tasks[0].task_id(), TASK_STARTING));
  scheduler.statusUpdate(&driver_, makeStatus(driver_.tasks[0].task_id(), TASK_RUNNING, "up"));
  EXPECT_EQ(lines_, (std::vector<std::string>{
                        "Scheduler registered with master 127.0.0.1:5050 as framework 1234-0000",
                        "Received offer <O0> with cpus=2 mem=1024.5 port=31000 from localhost",
                        "Prepared task " + task + " with offer <O0>",
                        "Received offer <O1> with cpus=2 mem=1024.5 port=31000 from localhost",
                        "Declined offer <O1>: the server is placed",
                        "Status update: task " + task + " is in state TASK_STARTING",
                        "Status update: task " + task + " is in state TASK_RUNNING: up",
                        "Server is running: http://127.0.0.1:31000/"}));
  EXPECT_EQ(driver_.calls, (std::vector<std::string>{"reconcile 0", "reconcile 1", "launch",
                                                     "suppress", "decline O1"}));
  EXPECT_GE(driver_.refusedFor, 600);
  EXPECT_GT(changes_, 0);
}

TEST_F(FleetSchedulerTest, DoesNotWakeWhoeverTicks) {
  FleetScheduler& scheduler = make();
  registerWith(scheduler);
  const int changes = changes_;
  scheduler.tick(&driver_);
  scheduler.drain(&driver_);
  EXPECT_EQ(changes_, changes);
  EXPECT_TRUE(scheduler.isDrained());
}

TEST_F(FleetSchedulerTest, KeepsItsIdBeforeItLaunchesAnything) {
  registerWith(makeWithStore());
  EXPECT_EQ(store_->frameworkId().value(), "1234-0000");
  EXPECT_FALSE(scheduler_->failure());
}

TEST_F(FleetSchedulerTest, KeepsATaskBeforeItsAcceptLeaves) {
  FleetScheduler& scheduler = makeWithStore();
  registerWith(scheduler);
  std::vector<fleet::TaskRecord> kept;
  driver_.onLaunch = [&] { kept = store_->tasks().value(); };
  const TaskID task = launchOne(scheduler);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0], (fleet::TaskRecord{.id = task.value(),
                                        .agent = "S0",
                                        .url = "http://127.0.0.1:31000/",
                                        .port = 31000,
                                        .intent = fleet::TaskRecord::Intent::Launching}));

  scheduler.statusUpdate(&driver_, makeStatus(task, TASK_RUNNING));
  EXPECT_EQ(store_->tasks().value().at(0).intent, fleet::TaskRecord::Intent::Running);
  scheduler.statusUpdate(&driver_, makeStatus(task, TASK_FAILED));
  EXPECT_TRUE(store_->tasks().value().empty());
}

TEST_F(FleetSchedulerTest, LaunchesNothingThatItCannotKeep) {
  FleetScheduler& scheduler = makeWithStore();
  registerWith(scheduler);
  // As a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  driver_.calls.clear();
  scheduler.resourceOffers(&driver_, {offer("O0"), offer("O1")});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(driver_.calls, (std::vector<std::string>{"abort"}));
  ASSERT_TRUE(scheduler.failure());
  EXPECT_EQ(scheduler.failure()->rfind("The state cannot be kept: cannot", 0), 0u)
      << *scheduler.failure();
  EXPECT_NE(scheduler.failure()->find("state.db"), std::string::npos);
}

TEST_F(FleetSchedulerTest, ComesBackToTheTaskThatItWasKilledBesides) {
  FleetScheduler& first = makeWithStore();
  registerWith(first);
  const TaskID task = launchOne(first);
  driver_.calls.clear();

  FleetScheduler& second = makeWithStore();
  registerWith(second);
  EXPECT_EQ(driver_.calls, (std::vector<std::string>{"suppress", "reconcile 0", "reconcile 1",
                                                     "reconcile 1 " + task.value()}));
  second.resourceOffers(&driver_, {offer("O1")});
  EXPECT_EQ(driver_.calls.back(), "decline O1");
  lines_.clear();
  second.statusUpdate(&driver_, makeStatus(task, TASK_RUNNING));
  EXPECT_EQ(lines_, (std::vector<std::string>{
                        "Status update: task " + task.value() + " is in state TASK_RUNNING",
                        "Server is running: http://127.0.0.1:31000/"}));
}

TEST_F(FleetSchedulerTest, AsksItsOwnQuestionsWithoutBotheringPeople) {
  FleetScheduler& scheduler = make();
  registerWith(scheduler);
  EXPECT_EQ(driver_.calls, (std::vector<std::string>{"reconcile 0", "reconcile 1"}));
  scheduler.statusUpdate(&driver_, makeStatus(driver_.askedLast, TASK_UNKNOWN));
  EXPECT_EQ(lines_.size(), 1u);
}

TEST_F(FleetSchedulerTest, DrainsByKillingEveryTask) {
  FleetScheduler& scheduler = make();
  registerWith(scheduler);
  scheduler.resourceOffers(&driver_, {offer("O0")});
  scheduler.drain(&driver_);
  EXPECT_FALSE(scheduler.isDrained());
  EXPECT_EQ(driver_.calls.back(), "kill " + driver_.tasks[0].task_id().value());
  scheduler.statusUpdate(&driver_, makeStatus(driver_.tasks[0].task_id(), TASK_KILLED));
  EXPECT_TRUE(scheduler.isDrained());
  EXPECT_EQ(scheduler.tasks(), 0u);
}

TEST_F(FleetSchedulerTest, RemembersWhyItFailed) {
  FleetScheduler& scheduler = make();
  scheduler.error(&driver_, "Framework has been removed");
  EXPECT_EQ(scheduler.failure(), "Framework has been removed");
}

TEST_F(FleetSchedulerTest, SaysHowExecutorsEnded) {
  FleetScheduler& scheduler = make();
  ExecutorID executor;
  executor.set_value("web-1");
  scheduler.executorLost(&driver_, executor, AgentID(), 768);
  scheduler.executorLost(&driver_, executor, AgentID(), 9);
  EXPECT_EQ(lines_, (std::vector<std::string>{"Executor web-1 exited with status 3",
                                              "Executor web-1 was killed by signal 9"}));
}

}  // namespace
}  // namespace mesos::scheduler
