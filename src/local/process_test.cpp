#include "local/process.hpp"

#include "local/containers.hpp"
#include "local/process_tree.hpp"
#include "local/sandbox.hpp"
#include "local/work_dir.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

namespace mesos::local {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Polls, for what another process does in its own time.
bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

bool isAlive(pid_t pid) {
  const std::string stat = contents("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end = stat.rfind(')');
  return end != stat.npos && stat[end + 2] != 'Z' && stat[end + 2] != 'X';
}

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    spec_.sandbox = directory_.path() + "/runs/c1";
    spec_.user = *findUser(currentUserName());
    ASSERT_TRUE(createSandbox(spec_.sandbox, spec_.user));
  }
  // Its status once it has ended.
  int run() {
    auto process = startProcess(spec_);
    EXPECT_TRUE(process) << process.error().message;
    pollfd ended{process->pidfd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 10000), 1);
    return reap(*process);
  }
  int run(const std::string& command) {
    spec_.value = command;
    return run();
  }
  std::string file(const std::string& name) { return contents(spec_.sandbox + "/" + name); }
  pid_t pidIn(const std::string& name) {
    EXPECT_TRUE(eventually([&] { return file(name).find('\n') != std::string::npos; })) << name;
    return std::stoi(file(name));
  }

  WorkDir directory_ = std::move(WorkDir::open("")).value();
  ProcessSpec spec_;
};

TEST_F(ProcessTest, RunsAShellCommandInTheSandbox) {
  spec_.environment = {{"GREETING", "hello"}};
  EXPECT_EQ(run("echo $GREETING; pwd; echo oops >&2; cat; exit 3"), 3 << 8);
  EXPECT_EQ(file("stdout"), "hello\n" + spec_.sandbox + "\n");
  EXPECT_EQ(file("stderr"), "oops\n");
  EXPECT_EQ(run("echo again"), 0);
  EXPECT_EQ(file("stdout"), "hello\n" + spec_.sandbox + "\nagain\n");
}

TEST_F(ProcessTest, GivesNothingOfItsOwnToTheProcess) {
  ::setenv("MESOS_CPP_PROCESS_TEST", "1", 1);
  const Descriptor leaked(::open("/dev/null", O_RDONLY));  // Without O_CLOEXEC.
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGTERM, &ignore, &before);
  sigset_t blocked;
  sigset_t mask;
  ::sigfillset(&blocked);
  ::pthread_sigmask(SIG_SETMASK, &blocked, &mask);
  EXPECT_EQ(run("/usr/bin/env; ls -l /proc/self/fd | wc -l; umask; grep Sig /proc/self/status"), 0);
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  ::sigaction(SIGTERM, &before, nullptr);
  const std::string text = file("stdout");
  EXPECT_EQ(text.find("MESOS_CPP_PROCESS_TEST"), std::string::npos);
  // A line "total 0", the three standard files and the directory that ls itself reads.
  EXPECT_NE(text.find("\n5\n"), std::string::npos) << text;
  EXPECT_NE(text.find("0022\n"), std::string::npos) << text;
  EXPECT_NE(text.find("SigBlk:\t0000000000000000"), std::string::npos) << text;
  EXPECT_NE(text.find("SigIgn:\t0000000000000000"), std::string::npos) << text;
}

TEST_F(ProcessTest, LeadsASessionOfItsOwn) {
  EXPECT_EQ(run("echo $$; cut -d' ' -f5,6 /proc/$$/stat"), 0);
  std::istringstream words(file("stdout"));
  pid_t pid = 0, group = 0, session = 0;
  words >> pid >> group >> session;
  EXPECT_EQ(pid, group);
  EXPECT_EQ(pid, session);
}

TEST_F(ProcessTest, PassesArgumentsWithoutAShell) {
  spec_.shell = false;
  spec_.environment = {{"PATH", "/nowhere:/usr/bin:/bin"}};
  spec_.arguments = {"name-of-its-own", "$HOME", "two words"};
  EXPECT_EQ(run("echo"), 0);
  EXPECT_EQ(file("stdout"), "$HOME two words\n");
  // Without PATH in its environment there is still the usual one.
  spec_.environment.clear();
  spec_.arguments = {"echo", "found"};
  EXPECT_EQ(run("echo"), 0);
}

TEST_F(ProcessTest, RunsAScriptThatNamesNoInterpreter) {
  std::ofstream(spec_.sandbox + "/script") << "echo \"$1\"\n";
  ASSERT_EQ(::chmod((spec_.sandbox + "/script").c_str(), 0755), 0);
  spec_.shell = false;
  spec_.arguments = {"script", "first"};
  EXPECT_EQ(run("./script"), 0);
  EXPECT_EQ(file("stdout"), "first\n");
}

TEST_F(ProcessTest, ExitsWithOneWhenTheProgramCannotBeExecuted) {
  spec_.shell = false;
  EXPECT_EQ(run("no-such-program"), 1 << 8);
  EXPECT_NE(file("stderr").find("'no-such-program': No such file"), std::string::npos);
  EXPECT_EQ(run("/etc/passwd"), 1 << 8);
  EXPECT_NE(file("stderr").find("'/etc/passwd': Permission denied"), std::string::npos);
}

TEST_F(ProcessTest, FailsWithoutASandbox) {
  spec_.sandbox += "-gone";
  EXPECT_FALSE(startProcess(spec_));
}

TEST_F(ProcessTest, RunsAsTheUser) {
  const auto nobody = findUser("nobody");
  if (::geteuid() != 0 || !nobody) GTEST_SKIP() << "only root can become another user";
  spec_.user = *nobody;
  ASSERT_TRUE(createSandbox(spec_.sandbox, spec_.user));
  EXPECT_EQ(run("id -un; id -u; id -G; touch mine && ! cat /etc/shadow"), 0);
  std::string groups;
  for (const gid_t group : spec_.user.groups) groups += " " + std::to_string(group);
  EXPECT_EQ(file("stdout"),
            "nobody\n" + std::to_string(nobody->uid) + "\n" + groups.substr(1) + "\n");
}

TEST_F(ProcessTest, SaysThatAUserIsUnknown) {
  const auto user = findUser("no-such-user-here");
  ASSERT_FALSE(user);
  EXPECT_EQ(user.error().message, "No such user 'no-such-user-here'");
}

/// Whoever has a file open for writing keeps it from being executed, also a process just forked.
TEST_F(ProcessTest, StartsAProgramThatWasBeingWrittenWhenAnotherOneStarted) {
  const std::string path = spec_.sandbox + "/program";
  ProcessSpec another = spec_;
  another.value = "true";
  spec_.shell = false;
  spec_.value = path;
  spec_.arguments = {path};
  for (int i = 0; i < 300; ++i) {
    std::optional<Process> first;
    {
      std::ofstream program(path, std::ios::binary);
      program << contents("/bin/true") << std::flush;
      std::filesystem::permissions(path, std::filesystem::perms(0755));
      first = std::move(startProcess(another)).value();
    }
    ASSERT_EQ(run(), 0) << i << ": " << file("stderr");
    reap(*first);
  }
}

std::set<std::string> openDescriptors(pid_t pid) {
  std::set<std::string> names;
  std::error_code ended;
  const auto place = "/proc/" + std::to_string(pid) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(place, ended)) {
    names.insert(entry.path().filename());
  }
  return names;
}

/// Descriptors that a new process had from us would keep a program from others, or from itself.
TEST_F(ProcessTest, HoldsNothingOpenWhileItWaitsForAProgramThatIsBeingWritten) {
  const std::string path = spec_.sandbox + "/program";
  std::ofstream(path) << "#!/bin/sh\nexit 3\n";
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  Descriptor writing(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  spec_.shell = false;
  spec_.value = path;
  spec_.arguments = {path};
  auto process = startProcess(spec_);
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(openDescriptors(process->pid), (std::set<std::string>{"0", "1", "2"}));
  pollfd ended{process->pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 50), 0);
  writing.reset();
  EXPECT_EQ(::poll(&ended, 1, 10000), 1);
  EXPECT_EQ(reap(*process), 3 << 8);
  EXPECT_EQ(file("stderr"), "");
}

TEST_F(ProcessTest, DiesWithTheThreadThatStartedIt) {
  spec_.value = "exec sleep 100";
  Process process;
  std::thread([&] { process = std::move(startProcess(spec_)).value(); }).join();
  pollfd ended{process.pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 10000), 1);
  EXPECT_EQ(reap(process), SIGKILL);
}

TEST_F(ProcessTest, KillsChildrenGroupsAndSessions) {
  spec_.value =
      "sleep 100 & echo $! > child; setsid sh -c 'echo $$ > session; sleep 100 & echo $! > inner; "
      "wait' & (sleep 100 & echo $! > orphan) ; wait";
  auto process = startProcess(spec_);
  ASSERT_TRUE(process);
  const std::vector<pid_t> pids{pidIn("child"), pidIn("session"), pidIn("inner"), pidIn("orphan")};
  EXPECT_EQ(killTrees({process->pid}), std::set<pid_t>{process->pid});
  EXPECT_TRUE(eventually([&] { return killTrees({process->pid}).empty(); }));
  EXPECT_EQ(reap(*process), SIGKILL);
  // Who reaps the orphans is not us, nor when.
  for (const pid_t pid : pids) EXPECT_TRUE(eventually([&] { return !isAlive(pid); })) << pid;
}

TEST_F(ProcessTest, TellsTreesApart) {
  spec_.value = "sleep 100 & echo $! >> child; wait";
  const auto first = startProcess(spec_);
  const pid_t firstChild = pidIn("child");
  ::unlink((spec_.sandbox + "/child").c_str());
  const auto second = startProcess(spec_);
  const pid_t secondChild = pidIn("child");
  spec_.value = "exec sleep 100";
  const auto bystander = startProcess(spec_);
  ASSERT_TRUE(first && second && bystander);
  using Trees = std::map<pid_t, std::vector<pid_t>>;
  auto trees = processTrees({first->pid, second->pid});
  for (auto& [root, pids] : trees) std::sort(pids.begin(), pids.end());
  const auto sorted = [](pid_t a, pid_t b) { return std::vector{std::min(a, b), std::max(a, b)}; };
  EXPECT_EQ(trees, (Trees{{first->pid, sorted(first->pid, firstChild)},
                          {second->pid, sorted(second->pid, secondChild)}}));
  EXPECT_EQ(killTrees({first->pid, second->pid}), (std::set{first->pid, second->pid}));
  EXPECT_EQ(reap(*first), SIGKILL);
  EXPECT_EQ(reap(*second), SIGKILL);
  EXPECT_TRUE(isAlive(bystander->pid));
  killTrees({bystander->pid});
  reap(*bystander);
}

TEST_F(ProcessTest, DoesNotTakeItselfForPartOfATree) {
  spec_.value = "sleep 100";
  auto process = startProcess(spec_);
  ASSERT_TRUE(process);
  for (const auto& [root, pids] : processTrees({process->pid})) {
    for (const pid_t pid : pids) EXPECT_NE(pid, ::getpid());
  }
  killTrees({process->pid});
  reap(*process);
}

// The loop runs on the thread of the test.
class ContainersTest : public ProcessTest {
 protected:
  void SetUp() override {
    ProcessTest::SetUp();
    order_.containerId = "c1";
    order_.sandbox = spec_.sandbox;
    order_.user = spec_.user.name;
    order_.environment = {{"PATH", "/usr/bin:/bin"}};
  }
  void fork(const std::string& command) {
    order_.value = command;
    containers_.fork(
        order_, [this](const Result<int>& pid) { pid_ = pid.value_or(-1); },
        [this](int status) {
          EXPECT_GT(pid_, 0) << "ended before it was started";
          status_ = status;
          loop_.stop();
        });
  }

  transport::EventLoop loop_;
  Containers containers_{loop_, {}};
  cluster::ForkContainer order_;
  int pid_ = 0;
  std::optional<int> status_;
};

TEST_F(ContainersTest, TellsTheEndOfAProcessAfterItsStart) {
  fork("exit 7");
  EXPECT_TRUE(containers_.has("c1"));
  loop_.run();
  EXPECT_EQ(status_, 7 << 8);
  EXPECT_FALSE(containers_.has("c1"));
}

TEST_F(ContainersTest, EndsWhatTheProcessLeftBehind) {
  fork("sleep 100 & echo $! > child");
  loop_.run();
  EXPECT_EQ(status_, 0);
  EXPECT_TRUE(eventually([&] { return !isAlive(pidIn("child")); }));
}

TEST_F(ContainersTest, SignalsTheWholeTree) {
  fork(
      "trap 'echo parent >> got' TERM; (trap 'echo child >> got; exit' TERM; echo > up; "
      "while :; do sleep 0.01; done) & wait; wait");
  loop_.post([this] {
    EXPECT_TRUE(eventually([this] { return !file("up").empty(); }));
    containers_.signal("c1", SIGTERM);
  });
  loop_.run();
  EXPECT_NE(file("got").find("parent"), std::string::npos);
  EXPECT_NE(file("got").find("child"), std::string::npos);
}

TEST_F(ContainersTest, DestroysWhatIgnoresSignals) {
  fork("trap '' TERM; echo > up; while :; do sleep 0.01; done");
  loop_.post([this] {
    EXPECT_TRUE(eventually([this] { return !file("up").empty(); }));
    containers_.signal("c1", SIGTERM);
    containers_.destroy("c1");
    containers_.destroy("unknown");
  });
  loop_.run();
  EXPECT_EQ(status_, SIGKILL);
}

TEST_F(ContainersTest, RefusesToPrepareForAnUnknownUser) {
  std::optional<Error> error;
  containers_.prepare({"c1", spec_.sandbox, "no-such-user-here", {}}, [&](Result<void> result) {
    if (!result) error = result.error();
    loop_.stop();
  });
  loop_.run();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message.rfind("Failed to create executor directory", 0), 0u);
}

TEST_F(ContainersTest, StartsManyAndTellsOfEach) {
  constexpr int kMany = 100;
  int forked = 0;
  int ended = 0;
  order_.value = "exit 3";
  for (int i = 0; i < kMany; ++i) {
    order_.containerId = "c" + std::to_string(i);
    containers_.fork(
        order_, [&forked](const Result<int>& pid) { forked += pid ? 1 : 0; },
        [&](int status) {
          EXPECT_EQ(status, 3 << 8);
          if (++ended == kMany) loop_.stop();
        });
  }
  EXPECT_EQ(forked, 0) << "never inside the call";
  loop_.run();
  EXPECT_EQ(forked, kMany);
  EXPECT_EQ(containers_.count(), 0u);
}

TEST_F(ContainersTest, EndsManyTogetherAndNoOther) {
  constexpr int kMany = 20;
  std::map<std::string, int> statuses;
  int bystander = 0;
  const auto start = [&](const std::string& id) {
    order_.containerId = id;
    containers_.fork(
        order_, [&](const Result<int>& pid) { bystander = pid.value_or(-1); },
        [&, id](int status) {
          statuses[id] = status;
          if (statuses.size() == kMany) {
            EXPECT_TRUE(isAlive(bystander));
            containers_.destroy("bystander");
          }
          if (statuses.size() == kMany + 1) loop_.stop();
        });
  };
  order_.value = "trap 'exit 4' TERM; echo x >> up; sleep 100 & wait";
  for (int i = 0; i < kMany; ++i) start("c" + std::to_string(i));
  order_.value = "echo x >> up; exec sleep 100";
  start("bystander");
  loop_.post([&] {
    EXPECT_TRUE(eventually([&] { return file("up").size() == 2 * (kMany + 1); }));
    for (int i = 0; i < kMany; ++i) {
      const std::string id = "c" + std::to_string(i);
      i % 2 == 0 ? containers_.destroy(id) : containers_.signal(id, SIGTERM);
    }
  });
  loop_.run();
  for (int i = 0; i < kMany; ++i) {
    EXPECT_EQ(statuses["c" + std::to_string(i)], i % 2 == 0 ? SIGKILL : 4 << 8) << i;
  }
  EXPECT_EQ(containers_.count(), 0u);
}

}  // namespace
}  // namespace mesos::local
