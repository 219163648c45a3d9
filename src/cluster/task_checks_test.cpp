// Checks and health checks of command tasks (section 13.1).
#include "cluster/task_checks.hpp"
#include "cluster/command_executor.hpp"
#include "cluster/pass_time.hpp"
#include "protocol/json.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <vector>

namespace mesos::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int exitStatus(int code) { return code << 8; }

TaskInfo taskWith(const std::string& members) {
  TaskInfo task;
  const auto parsed =
      protocol::fromJson(R"({"name":"t","task_id":{"value":"t1"},"agent_id":{"value":"a"},)"
                         R"("command":{"value":"sleep 60"},)" +
                             members + "}",
                         &task);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return task;
}

/// A command task with checks: what it asked for, in words, and the statuses it reported.
class Checked {
 public:
  explicit Checked(const std::string& members, bool killing = false, double timeScale = 1)
      : executor_({seconds(3), timeScale, false}, random_) {
    CommandExecutor::Event event;
    event.set_type(CommandExecutor::Event::SUBSCRIBED);
    if (killing) {
      event.mutable_subscribed()->mutable_framework_info()->add_capabilities()->set_type(
          FrameworkInfo::Capability::TASK_KILLING_STATE);
    }
    executor_.onEvent(now, event, seconds(5));
    event.Clear();
    event.set_type(CommandExecutor::Event::LAUNCH);
    *event.mutable_launch()->mutable_task() = taskWith(members);
    executor_.onEvent(now, event, seconds(5));
    executor_.onStarted(now);
    drain();
  }

  void probed(const Result<int>& outcome) { probed(lastProbe, outcome); }
  void probed(std::uint64_t id, const Result<int>& outcome) {
    running = false;
    executor_.onProbed(now, id, outcome);
    drain();
  }
  void exited(int status) {
    executor_.onExited(now, status);
    drain();
  }
  void kill() {
    CommandExecutor::Event event;
    event.set_type(CommandExecutor::Event::KILL);
    event.mutable_kill()->mutable_task_id()->set_value("t1");
    executor_.onEvent(now, event, seconds(5));
    drain();
  }
  void advance(Duration by) {
    passTime(executor_, now, by, [this] { drain(); });
  }
  /// The probe that runs, or else the next one, gets this outcome.
  void next(const Result<int>& outcome) {
    while (!running) advance(*executor_.deadline() - now.steady);
    probed(outcome);
  }

  /// "RUNNING healthy=false", "RUNNING check={…}" … since it was last asked.
  std::vector<std::string> take() {
    std::vector<std::string> words;
    for (const TaskStatus& status : statuses) {
      std::string word = TaskState_Name(status.state()).substr(5);
      if (status.reason() == TaskStatus::REASON_TASK_CHECK_STATUS_UPDATED) word += " CHECK";
      if (status.reason() == TaskStatus::REASON_TASK_HEALTH_CHECK_STATUS_UPDATED) word += " HEALTH";
      if (status.has_healthy()) word += status.healthy() ? " healthy" : " unhealthy";
      if (status.has_check_status()) word += " " + protocol::toJson(status.check_status());
      words.push_back(word);
    }
    statuses.clear();
    return words;
  }

  Now now{TimePoint(seconds(1000)), std::chrono::sys_time<Duration>(seconds(1700000000))};
  std::vector<TaskStatus> statuses;
  std::vector<Probe> probes;
  std::uint64_t lastProbe = 0;
  bool running = false;
  std::vector<std::uint64_t> stopped;
  std::vector<int> signals;

 private:
  void drain() {
    while (auto effect = executor_.poll()) {
      if (auto* report = std::get_if<ReportStatus>(&*effect)) {
        statuses.push_back(report->status);
      } else if (auto* start = std::get_if<StartProbe>(&*effect)) {
        probes.push_back(start->probe);
        lastProbe = start->id;
        running = true;
      } else if (auto* stop = std::get_if<StopProbe>(&*effect)) {
        stopped.push_back(stop->id);
        running = false;
      } else if (auto* signal = std::get_if<SignalCommand>(&*effect)) {
        signals.push_back(signal->signal);
      }
    }
  }

  Random random_{3};
  CommandExecutor executor_;
};

using Words = std::vector<std::string>;

constexpr char kHealth[] =
    R"("health_check":{"type":"COMMAND","command":{"value":"true"},"delay_seconds":0,
       "interval_seconds":1,"timeout_seconds":2,"grace_period_seconds":0,"consecutive_failures":3})";
constexpr char kCheck[] =
    R"("check":{"type":"COMMAND","command":{"command":{"value":"true"}},"delay_seconds":0,
       "interval_seconds":1,"timeout_seconds":2})";

// Facts H2 and H6.
TEST(TaskChecks, WaitFifteenSecondsUnlessToldOtherwise) {
  Checked task(R"("health_check":{"type":"COMMAND","command":{"value":"true"}})");
  EXPECT_EQ(task.take(), (Words{"STARTING", "RUNNING"}));
  task.advance(milliseconds(14999));
  EXPECT_TRUE(task.probes.empty());
  task.advance(milliseconds(1));
  ASSERT_EQ(task.probes.size(), 1u);
  EXPECT_EQ(std::get<CommandInfo>(task.probes[0]).value(), "true");
  task.probed(exitStatus(0));
  EXPECT_EQ(task.take(), Words{"RUNNING HEALTH healthy"});
  task.advance(milliseconds(9999));
  EXPECT_EQ(task.probes.size(), 1u);
  task.advance(milliseconds(1));
  EXPECT_EQ(task.probes.size(), 2u);
}

// Facts H4 and H5, as recorded: "health COMMAND failing 3x".
TEST(TaskChecks, KillATaskThatFailsThreeTimesInARow) {
  Checked task(kHealth);
  task.take();
  task.next(exitStatus(1));
  task.next(exitStatus(1));
  EXPECT_EQ(task.take(), (Words{"RUNNING HEALTH unhealthy", "RUNNING HEALTH unhealthy"}));
  EXPECT_TRUE(task.signals.empty());
  task.next(exitStatus(1));
  EXPECT_EQ(task.take(), Words{"RUNNING HEALTH unhealthy"});
  EXPECT_EQ(task.signals, std::vector<int>{SIGTERM});
  task.exited(SIGTERM);
  ASSERT_EQ(task.statuses.size(), 1u);
  EXPECT_EQ(task.statuses[0].message(), "Command terminated with signal Terminated");
  EXPECT_FALSE(task.statuses[0].has_reason());
  EXPECT_EQ(task.take(), Words{"KILLED unhealthy"});
}

TEST(TaskChecks, TakeNoAndOneFailureForKillAtTheFirst) {
  for (const char* limit : {"0", "1"}) {
    std::string health = kHealth;
    health.replace(health.find("failures\":3") + 10, 1, limit);
    Checked task(health);
    task.next(exitStatus(1));
    EXPECT_EQ(task.signals, std::vector<int>{SIGTERM}) << limit;
  }
}

// Fact H4.
TEST(TaskChecks, TellHealthyOnceAndAgainAfterFailures) {
  Checked task(kHealth);
  task.take();
  for (int i = 0; i < 3; ++i) task.next(exitStatus(0));
  EXPECT_EQ(task.take(), Words{"RUNNING HEALTH healthy"});
  task.next(exitStatus(2));
  task.next(exitStatus(2));
  task.next(exitStatus(0));
  task.next(exitStatus(0));
  EXPECT_EQ(task.take(), (Words{"RUNNING HEALTH unhealthy", "RUNNING HEALTH unhealthy",
                                "RUNNING HEALTH healthy"}));
  task.next(exitStatus(2));
  task.next(exitStatus(2));
  EXPECT_TRUE(task.signals.empty()) << "the count begins anew";
}

// Fact H2.
TEST(TaskChecks, IgnoreFailuresWithinTheGracePeriodUntilTheFirstSuccess) {
  std::string health = kHealth;
  health.replace(health.find("period_seconds\":0") + 16, 1, "3");
  Checked task(health);
  task.take();
  for (int i = 0; i < 3; ++i) task.next(exitStatus(1));
  EXPECT_TRUE(task.take().empty());
  task.advance(seconds(2));
  task.probed(exitStatus(1));
  EXPECT_EQ(task.take(), Words{"RUNNING HEALTH unhealthy"});

  Checked other(health);
  other.take();
  other.next(exitStatus(0));
  other.next(exitStatus(1));
  EXPECT_EQ(other.take(), (Words{"RUNNING HEALTH healthy", "RUNNING HEALTH unhealthy"}));
}

TEST(TaskChecks, CountATimeoutAsAFailureAndIgnoreWhatComesLate) {
  Checked task(kHealth);
  task.take();
  const std::uint64_t first = task.lastProbe;
  task.advance(seconds(2));
  EXPECT_EQ(task.take(), Words{"RUNNING HEALTH unhealthy"});
  EXPECT_EQ(task.stopped, std::vector<std::uint64_t>{first});
  task.advance(milliseconds(500));
  task.probed(first, exitStatus(0));
  EXPECT_TRUE(task.take().empty());
  task.advance(milliseconds(500));
  EXPECT_EQ(task.probes.size(), 2u);
}

// Fact H3.
TEST(TaskChecks, JudgeHttpAndTcp) {
  const auto health = [](const std::string& kind, const Result<int>& outcome) {
    Checked task(R"("health_check":{)" + kind +
                 R"(,"delay_seconds":0,"grace_period_seconds":0,"consecutive_failures":9})");
    task.take();
    task.probed(outcome);
    const auto words = task.take();
    return words.size() == 1 && words[0] == "RUNNING HEALTH healthy";
  };
  const std::string http = R"("type":"HTTP","http":{"port":80,"path":"/h"})";
  for (const int good : {200, 204, 302, 399}) EXPECT_TRUE(health(http, good)) << good;
  for (const int bad : {100, 199, 400, 404, 500}) EXPECT_FALSE(health(http, bad)) << bad;
  EXPECT_FALSE(health(http, Error{"refused"}));
  EXPECT_TRUE(health(R"("type":"TCP","tcp":{"port":80})", 1));
  EXPECT_FALSE(health(R"("type":"TCP","tcp":{"port":80})", 0));
}

TEST(TaskChecks, ProbeTheLoopbackAddressOfTheProtocolThatIsAskedFor) {
  Checked plain(R"("health_check":{"type":"HTTP","http":{"port":80},"delay_seconds":0})");
  const auto http = std::get<HttpProbe>(plain.probes.at(0));
  EXPECT_EQ(http.scheme, "http");
  EXPECT_EQ(http.host, "127.0.0.1");
  EXPECT_EQ(http.path, "/");
  Checked six(R"("health_check":{"type":"TCP","tcp":{"port":81,"protocol":"IPv6"},
                 "delay_seconds":0})");
  EXPECT_EQ(std::get<TcpProbe>(six.probes.at(0)).host, "::1");
  EXPECT_EQ(std::get<TcpProbe>(six.probes.at(0)).port, 81u);
}

// Fact H7, as recorded: "check COMMAND".
TEST(TaskChecks, TellEveryChangeOfAChecksOutcome) {
  Checked task(kCheck);
  const std::string none = R"( {"type":"COMMAND","command":{}})";
  EXPECT_EQ(task.take(), (Words{"STARTING" + none, "RUNNING" + none}));
  task.next(exitStatus(0));
  task.next(exitStatus(0));
  EXPECT_EQ(task.take(), Words{R"(RUNNING CHECK {"type":"COMMAND","command":{"exit_code":0}})"});
  task.next(exitStatus(1));
  EXPECT_EQ(task.take(), Words{R"(RUNNING CHECK {"type":"COMMAND","command":{"exit_code":1}})"});
  task.next(Error{"cannot fork"});
  EXPECT_EQ(task.take(), Words{"RUNNING CHECK" + none});
  task.exited(exitStatus(0));
  EXPECT_EQ(task.take(), Words{"FINISHED" + none});
}

TEST(TaskChecks, TellTheOutcomesOfOtherKindsOfChecks) {
  const auto outcome = [](const std::string& kind, int value) {
    Checked task(R"("check":{)" + kind + R"(,"delay_seconds":0})");
    task.take();
    task.probed(value);
    const auto words = task.take();
    return words.empty() ? std::string() : words[0];
  };
  EXPECT_EQ(outcome(R"("type":"HTTP","http":{"port":80,"path":"/"})", 204),
            R"(RUNNING CHECK {"type":"HTTP","http":{"status_code":204}})");
  EXPECT_EQ(outcome(R"("type":"TCP","tcp":{"port":80})", 1),
            R"(RUNNING CHECK {"type":"TCP","tcp":{"succeeded":true}})");
  EXPECT_EQ(outcome(R"("type":"TCP","tcp":{"port":80})", 0),
            R"(RUNNING CHECK {"type":"TCP","tcp":{"succeeded":false}})");
}

TEST(TaskChecks, KeepWhatTheOtherCheckFound) {
  Checked task(std::string(kCheck) + "," + kHealth);
  task.take();
  ASSERT_EQ(task.probes.size(), 2u);
  task.probed(task.lastProbe - 1, exitStatus(0));
  task.probed(task.lastProbe, exitStatus(0));
  EXPECT_EQ(task.take(),
            (Words{R"(RUNNING CHECK {"type":"COMMAND","command":{"exit_code":0}})",
                   R"(RUNNING HEALTH healthy {"type":"COMMAND","command":{"exit_code":0}})"}));
}

TEST(TaskChecks, StopWhenTheTaskIsKilledOrEnds) {
  Checked task(std::string(kCheck) + "," + kHealth, true);
  task.take();
  task.kill();
  EXPECT_EQ(task.stopped.size(), 2u);
  EXPECT_EQ(task.take(), Words{R"(KILLING {"type":"COMMAND","command":{}})"});
  task.probed(exitStatus(1));
  task.advance(seconds(1));
  EXPECT_TRUE(task.take().empty());
  EXPECT_EQ(task.probes.size(), 2u);

  Checked ending(kHealth);
  ending.take();
  ending.exited(exitStatus(0));
  EXPECT_EQ(ending.take(), Words{"FINISHED"});
  EXPECT_EQ(ending.stopped.size(), 1u);
  ending.probed(exitStatus(1));
  EXPECT_TRUE(ending.take().empty());
}

TEST(TaskChecks, DivideTheirTimesByTheTimeScale) {
  Checked task(R"("health_check":{"type":"COMMAND","command":{"value":"true"}})", false, 10);
  task.advance(milliseconds(1499));
  EXPECT_TRUE(task.probes.empty());
  task.advance(milliseconds(1));
  EXPECT_EQ(task.probes.size(), 1u);
}

TEST(TaskChecks, DoNotSpinWithoutAnInterval) {
  Checked task(R"("check":{"type":"TCP","tcp":{"port":1},"delay_seconds":0,"interval_seconds":0})");
  task.probed(0);
  EXPECT_EQ(task.probes.size(), 1u);
  task.advance(milliseconds(10));
  EXPECT_EQ(task.probes.size(), 2u);
}

}  // namespace
}  // namespace mesos::cluster
