#include "cluster/command_executor.hpp"

#include "base/uuid.hpp"
#include "cluster/exit_status.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <limits>
#include <vector>

namespace mesos::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int exitStatus(int code) { return code << 8; }

/// A command executor, its clock and what it asked for.
class Conversation {
 public:
  using Event = CommandExecutor::Event;

  explicit Conversation(CommandExecutorOptions options = {}) : executor_(options, random_) {}

  void subscribed(bool hasKillingState = false) {
    Event event;
    event.set_type(Event::SUBSCRIBED);
    auto* subscribed = event.mutable_subscribed();
    subscribed->mutable_executor_info()->mutable_executor_id()->set_value("t1");
    if (hasKillingState) {
      subscribed->mutable_framework_info()->add_capabilities()->set_type(
          FrameworkInfo::Capability::TASK_KILLING_STATE);
    }
    executor_.onEvent(now, event, kGrace);
  }

  void launch(const TaskInfo& task) {
    Event event;
    event.set_type(Event::LAUNCH);
    *event.mutable_launch()->mutable_task() = task;
    executor_.onEvent(now, event, kGrace);
  }

  void kill(std::optional<Duration> grace = std::nullopt, const std::string& taskId = "t1") {
    Event event;
    event.set_type(Event::KILL);
    event.mutable_kill()->mutable_task_id()->set_value(taskId);
    if (grace) {
      event.mutable_kill()->mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(
          grace->count());
    }
    executor_.onEvent(now, event, kGrace);
  }

  void shutdown(Duration grace) {
    Event event;
    event.set_type(Event::SHUTDOWN);
    executor_.onEvent(now, event, grace);
  }

  void acknowledge(const std::string& uuid) {
    Event event;
    event.set_type(Event::ACKNOWLEDGED);
    event.mutable_acknowledged()->mutable_task_id()->set_value("t1");
    event.mutable_acknowledged()->set_uuid(uuid);
    executor_.onEvent(now, event, kGrace);
  }

  void message() {
    Event event;
    event.set_type(Event::MESSAGE);
    event.mutable_message()->set_data("x");
    executor_.onEvent(now, event, kGrace);
  }

  void started() { executor_.onStarted(now); }
  void exited(int status) { executor_.onExited(now, status); }

  void advance(Duration by) {
    const TimePoint end = now.steady + by;
    while (executor_.deadline() && *executor_.deadline() <= end) {
      now = now + (*executor_.deadline() - now.steady);
      executor_.onTimer(now);
    }
    now = now + (end - now.steady);
    executor_.onTimer(now);
  }

  /// What it asked for since the last call, in a word each: "RUNNING", "start", "signal 15",
  /// "done".
  std::vector<std::string> drain() {
    std::vector<std::string> words;
    while (const auto effect = executor_.poll()) {
      if (const auto* report = std::get_if<ReportStatus>(&*effect)) {
        statuses.push_back(report->status);
        words.push_back(TaskState_Name(report->status.state()).substr(5));
      } else if (const auto* signal = std::get_if<SignalCommand>(&*effect)) {
        words.push_back("signal " + std::to_string(signal->signal));
      } else {
        words.push_back(std::holds_alternative<StartCommand>(*effect) ? "start" : "done");
      }
    }
    return words;
  }

  /// As far as TASK_RUNNING.
  void run(const TaskInfo& task, bool hasKillingState = false) {
    subscribed(hasKillingState);
    launch(task);
    started();
    drain();
  }

  Now now{TimePoint(seconds(5000)), std::chrono::sys_time<Duration>(seconds(1700000000))};
  std::vector<TaskStatus> statuses;

 private:
  static constexpr Duration kGrace = seconds(5);
  Random random_{7};
  CommandExecutor executor_;
};

TaskInfo command(const std::string& value) {
  TaskInfo task;
  task.set_name("t1");
  task.mutable_task_id()->set_value("t1");
  task.mutable_command()->set_value(value);
  return task;
}

TaskInfo withGrace(TaskInfo task, Duration grace) {
  task.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(grace.count());
  return task;
}

using Words = std::vector<std::string>;

// Fact D3.
TEST(CommandExecutor, ReportsStartingRunningAndFinished) {
  Conversation it;
  it.subscribed();
  EXPECT_EQ(it.drain(), Words{});
  it.launch(command("exit 0"));
  EXPECT_EQ(it.drain(), (Words{"start", "STARTING"}));
  it.started();
  EXPECT_EQ(it.drain(), Words{"RUNNING"});
  it.exited(exitStatus(0));
  EXPECT_EQ(it.drain(), Words{"FINISHED"});
  EXPECT_EQ(it.statuses.back().message(), "Command exited with status 0");
  EXPECT_FALSE(it.statuses.back().has_reason());
}

// Facts U10, U16: what the executor API demands of an UPDATE, and what recorded ones have.
TEST(CommandExecutor, FillsInWhatAStatusNeeds) {
  Conversation it;
  it.run(command("exit 0"));
  ASSERT_EQ(it.statuses.size(), 2u);
  for (const TaskStatus& status : it.statuses) {
    EXPECT_EQ(status.task_id().value(), "t1");
    EXPECT_EQ(status.executor_id().value(), "t1");
    EXPECT_EQ(status.source(), TaskStatus::SOURCE_EXECUTOR);
    EXPECT_DOUBLE_EQ(status.timestamp(), 1700000000.0);
    EXPECT_TRUE(isUuid(status.uuid()));
    EXPECT_FALSE(status.has_message());
  }
  EXPECT_NE(it.statuses[0].uuid(), it.statuses[1].uuid());
}

// Fact D4.
TEST(CommandExecutor, TellsHowTheCommandEnded) {
  struct Case {
    int status;
    TaskState state;
    const char* message;
  };
  const Case cases[] = {
      {exitStatus(3), TASK_FAILED, "Command exited with status 3"},
      {exitStatus(200), TASK_FAILED, "Command exited with status 200"},
      {SIGKILL, TASK_FAILED, "Command terminated with signal Killed"},
      {SIGTERM, TASK_FAILED, "Command terminated with signal Terminated"},
      {SIGSEGV, TASK_FAILED, "Command terminated with signal Segmentation fault"},
      {SIGSEGV | 0x80, TASK_FAILED, "Command terminated with signal Segmentation fault"},
      {exitStatus(0), TASK_FINISHED, "Command exited with status 0"},
  };
  for (const Case& each : cases) {
    Conversation it;
    it.run(command("x"));
    it.exited(each.status);
    it.drain();
    EXPECT_EQ(it.statuses.back().state(), each.state) << each.message;
    EXPECT_EQ(it.statuses.back().message(), each.message);
  }
}

TEST(ExitStatus, NamesSignalsAsStrsignalDoes) {
  for (const int signal :
       {SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
        SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ, SIGSYS}) {
    EXPECT_EQ(signalName(signal), strsignal(signal));
  }
}

// Facts D5, D4: TERM, then after 3 s KILL; TASK_KILLED whatever the exit.
TEST(CommandExecutor, KillsWithTermAndAfterTheGraceWithKill) {
  Conversation it;
  it.run(command("trap '' TERM; sleep 60"));
  it.kill();
  EXPECT_EQ(it.drain(), Words{"signal 15"});
  it.advance(milliseconds(2999));
  EXPECT_EQ(it.drain(), Words{});
  it.advance(milliseconds(1));
  EXPECT_EQ(it.drain(), Words{"signal 9"});
  it.exited(SIGKILL);
  EXPECT_EQ(it.drain(), Words{"KILLED"});
  EXPECT_EQ(it.statuses.back().message(), "Command terminated with signal Killed");
}

TEST(CommandExecutor, ReportsKilledWhateverTheExitOfAKilledCommand) {
  for (const int status : {exitStatus(0), exitStatus(7), int{SIGTERM}}) {
    Conversation it;
    it.run(command("x"));
    it.kill();
    it.exited(status);
    EXPECT_EQ(it.drain(), (Words{"signal 15", "KILLED"}));
    it.advance(seconds(10));  // No SIGKILL for a process that is gone.
    EXPECT_EQ(it.drain(), Words{});
  }
}

// Fact S73.
TEST(CommandExecutor, ReportsKillingToAFrameworkThatKnowsIt) {
  Conversation it;
  it.run(command("x"), true);
  it.kill();
  EXPECT_EQ(it.drain(), (Words{"KILLING", "signal 15"}));
  it.kill();
  EXPECT_EQ(it.drain(), Words{});  // Once.
}

// Fact D5: the task's own policy counts; the call's does not, by default.
TEST(CommandExecutor, UsesTheTasksGraceAndNotTheCalls) {
  Conversation it;
  it.run(withGrace(command("x"), seconds(6)));
  it.kill(seconds(0));
  it.drain();
  it.advance(milliseconds(5999));
  EXPECT_EQ(it.drain(), Words{});
  it.advance(milliseconds(1));
  EXPECT_EQ(it.drain(), Words{"signal 9"});
}

CommandExecutorOptions httpOptions() {
  CommandExecutorOptions options;
  options.httpCommandExecutor = true;
  return options;
}

// Fact D5, with --http_command_executor.
TEST(CommandExecutor, UsesTheCallsGraceWithTheHttpExecutor) {
  Conversation it(httpOptions());
  it.run(withGrace(command("x"), seconds(60)));
  it.kill(seconds(1));
  it.drain();
  it.advance(seconds(1));
  EXPECT_EQ(it.drain(), Words{"signal 9"});
}

TEST(CommandExecutor, ShortensButNeverLengthensARunningKill) {
  Conversation it(httpOptions());
  it.run(command("x"));
  it.kill(seconds(10));
  it.advance(seconds(1));
  it.kill(seconds(4));   // Three seconds remain.
  it.kill(seconds(60));  // Changes nothing.
  it.drain();
  it.advance(milliseconds(2999));
  EXPECT_EQ(it.drain(), Words{});
  it.advance(milliseconds(1));
  EXPECT_EQ(it.drain(), Words{"signal 9"});
}

// A KILL on the heels of the LAUNCH must not be lost.
TEST(CommandExecutor, KillsACommandThatWasStillBeingStarted) {
  Conversation it;
  it.subscribed(true);
  it.launch(command("x"));
  it.kill();
  EXPECT_EQ(it.drain(), (Words{"start", "STARTING"}));
  it.started();
  EXPECT_EQ(it.drain(), (Words{"RUNNING", "KILLING", "signal 15"}));
  it.advance(seconds(3));
  EXPECT_EQ(it.drain(), Words{"signal 9"});
}

// Facts X32, K4.
TEST(CommandExecutor, IgnoresAKillOfAnotherTaskOrOfOneThatEnded) {
  Conversation it;
  it.run(command("x"));
  it.kill(std::nullopt, "t2");
  EXPECT_EQ(it.drain(), Words{});
  it.exited(exitStatus(0));
  it.drain();
  it.kill();
  EXPECT_EQ(it.drain(), Words{});
}

// Fact D6: the executor's grace less two seconds.
TEST(CommandExecutor, KillsUponShutdownWithinTheExecutorsGrace) {
  Conversation it;
  it.run(command("x"));
  it.shutdown(seconds(5));
  EXPECT_EQ(it.drain(), Words{"signal 15"});
  it.advance(milliseconds(2999));
  EXPECT_EQ(it.drain(), Words{});
  it.advance(milliseconds(1));
  EXPECT_EQ(it.drain(), Words{"signal 9"});
  it.exited(SIGKILL);
  EXPECT_EQ(it.drain(), Words{"KILLED"});
}

TEST(CommandExecutor, KillsAtOnceUponAShutdownWithLittleGrace) {
  Conversation it;
  it.run(command("x"));
  it.shutdown(seconds(1));
  it.advance(seconds(0));
  EXPECT_EQ(it.drain(), (Words{"signal 15", "signal 9"}));
}

TEST(CommandExecutor, IsDoneWhenShutDownBeforeItHasATask) {
  Conversation it;
  it.subscribed();
  it.shutdown(seconds(5));
  EXPECT_EQ(it.drain(), Words{"done"});
}

// Fact D8.
TEST(CommandExecutor, DiesOfACommandWithoutValue) {
  Conversation it;
  it.subscribed();
  TaskInfo task = command("");
  task.mutable_command()->clear_value();
  it.launch(task);
  EXPECT_EQ(it.drain(), (Words{"STARTING", "done"}));
}

// Fact D4.
TEST(CommandExecutor, EndsACommandThatExceedsItsCompletionTime) {
  Conversation it;
  TaskInfo task = command("sleep 60");
  task.mutable_max_completion_time()->set_nanoseconds(Duration(seconds(1)).count());
  it.run(task, true);
  it.advance(milliseconds(999));
  EXPECT_EQ(it.drain(), Words{});
  it.advance(milliseconds(1));
  EXPECT_EQ(it.drain(), (Words{"signal 15", "signal 9"}));
  it.exited(SIGTERM);
  EXPECT_EQ(it.drain(), Words{"FAILED"});
  EXPECT_EQ(it.statuses.back().message(), "Command terminated with signal Terminated");
  EXPECT_EQ(it.statuses.back().reason(), TaskStatus::REASON_MAX_COMPLETION_TIME_REACHED);
}

// Fact L4.
TEST(CommandExecutor, TakesACompletionTimeOfZeroForNoLimit) {
  Conversation it;
  TaskInfo task = command("sleep 60");
  task.mutable_max_completion_time()->set_nanoseconds(0);
  it.run(task);
  it.advance(std::chrono::hours(24));
  EXPECT_EQ(it.drain(), Words{});
}

// Fact D13.
TEST(CommandExecutor, IsDoneWhenItsTerminalStatusIsAcknowledged) {
  Conversation it;
  it.run(command("x"));
  it.acknowledge(it.statuses[0].uuid());
  it.acknowledge(it.statuses[1].uuid());
  it.exited(exitStatus(0));
  it.drain();
  it.acknowledge(it.statuses[1].uuid());
  EXPECT_EQ(it.drain(), Words{});
  it.acknowledge(it.statuses[2].uuid());
  EXPECT_EQ(it.drain(), Words{"done"});
}

TEST(CommandExecutor, WaitsAMinuteForTheLastAcknowledgementAndNoLonger) {
  Conversation it;
  it.run(command("x"));
  it.exited(exitStatus(0));
  it.drain();
  it.advance(seconds(59));
  EXPECT_EQ(it.drain(), Words{});
  it.advance(seconds(1));
  EXPECT_EQ(it.drain(), Words{"done"});
}

// Fact D11.
TEST(CommandExecutor, IgnoresMessages) {
  Conversation it;
  it.run(command("x"));
  it.message();
  EXPECT_EQ(it.drain(), Words{});
}

TEST(CommandExecutor, DividesTheClientsDurationsByTheTimeScale) {
  CommandExecutorOptions options;
  options.timeScale = 10;
  options.killGrace = milliseconds(300);
  Conversation it(options);
  it.run(withGrace(command("x"), seconds(6)));
  it.kill();
  it.drain();
  it.advance(milliseconds(600));
  EXPECT_EQ(it.drain(), Words{"signal 9"});
}

TEST(ClientDuration, StaysWithinWhatCanBeAddedToAClock) {
  v1::DurationInfo duration;
  duration.set_nanoseconds(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(clientDuration(duration, 1.0), std::chrono::hours(24 * 365 * 100));
  duration.set_nanoseconds(-5);
  EXPECT_EQ(clientDuration(duration, 1.0), Duration::zero());
  duration.set_nanoseconds(1000);
  EXPECT_EQ(clientDuration(duration, 10.0), Duration(100));
}

}  // namespace
}  // namespace mesos::cluster
