#include "scheduler/fleet_scheduler.hpp"

#include "scheduler/framework_id_file.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>

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
    calls.push_back("reconcile " + std::to_string(statuses.size()));
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
};

class FleetSchedulerTest : public testing::Test {
 protected:
  ~FleetSchedulerTest() override { std::remove(file_.c_str()); }

  FleetScheduler& make(bool resumed = false, const std::string& file = {}) {
    FleetSchedulerOptions options;
    options.resumed = resumed;
    options.frameworkIdFile = file;
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

  const std::string file_ = testing::TempDir() + "fleet-id-" + std::to_string(getpid());
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
  EXPECT_EQ(driver_.calls, (std::vector<std::string>{"launch", "suppress", "decline O1"}));
  EXPECT_GE(driver_.refusedFor, 600);
  EXPECT_GT(changes_, 0);
}

TEST_F(FleetSchedulerTest, KeepsItsIdBeforeItLaunchesAnything) {
  registerWith(make(false, file_));
  EXPECT_EQ(readFrameworkId(file_).value(), "1234-0000");
  EXPECT_FALSE(scheduler_->failure());
}

TEST_F(FleetSchedulerTest, AbortsIfItsIdCannotBeKept) {
  registerWith(make(false, "/no/such/directory/id"));
  EXPECT_EQ(driver_.calls, (std::vector<std::string>{"abort"}));
  ASSERT_TRUE(scheduler_->failure());
  EXPECT_NE(scheduler_->failure()->find("/no/such/directory/id"), std::string::npos);
}

TEST_F(FleetSchedulerTest, AsksForItsOldTasksWithoutBotheringPeople) {
  FleetScheduler& scheduler = make(true);
  registerWith(scheduler);
  EXPECT_EQ(driver_.calls, (std::vector<std::string>{"reconcile 0", "reconcile 1", "suppress"}));
  TaskID census;
  census.set_value("census-1");
  scheduler.statusUpdate(&driver_, makeStatus(census, TASK_UNKNOWN));
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
