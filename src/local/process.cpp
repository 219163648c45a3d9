#include "local/process.hpp"

#include "local/tree.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace mesos::local {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int kLastSignal = 64;
// How often a program that somebody writes to is tried: for 5 s.
constexpr timespec kBusyInterval{.tv_sec = 0, .tv_nsec = 2'000'000};
constexpr int kBusyTriesMax = 2500;

// What the child needs, made before the fork: after it, in a program with threads, only
// async-signal-safe calls are allowed, and malloc is not one.
struct Plan {
  const ProcessSpec& spec;
  bool changeUser = false;
  pid_t parent = 0;
  int report = -1;                      // The parent's pipe.
  std::vector<std::string> programs{};  // In the order to try.
  std::vector<std::string> arguments{};
  std::vector<std::string> environment{};
  std::vector<char*> argv{};
  std::vector<char*> envp{};
  std::vector<char*> scriptArgv{};  // For a program without `#!`: the shell, the program, the rest.
  std::string sorry{};              // Said when nothing could be executed.
  Descriptor standardInput{};
  Descriptor standardOutput{};
  Descriptor standardError{};
};

// The step that failed, told to the parent through a pipe.
struct Failure {
  enum Step { None, Identity, Directory, Descriptors } step;
  int code;
};

std::vector<char*> pointersTo(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> programsOf(const ProcessSpec& spec) {
  if (spec.shell) return {"/bin/sh"};
  if (spec.value.find('/') != spec.value.npos) return {spec.value};
  const auto variable = spec.environment.find("PATH");
  const std::string path = variable == spec.environment.end() ? kDefaultPath : variable->second;
  std::vector<std::string> programs;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    const std::string directory = path.substr(start, end - start);
    programs.push_back((directory.empty() ? "." : directory) + "/" + spec.value);
    start = end + 1;
  }
  return programs;
}

Result<Descriptor> openOutput(int sandbox, const char* name) {
  Descriptor file(
      ::openat(sandbox, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return systemError("Failed to open '" + std::string(name) + "' of the sandbox", errno);
  ::fcntl(file.get(), F_SETFL, O_APPEND);
  return file;
}

Result<void> openStandardFiles(Plan* plan) {
  auto sandbox = openDirectory(plan->spec.sandbox);
  if (!sandbox) return sandbox.error();
  auto output = openOutput(sandbox->get(), "stdout");
  if (!output) return output.error();
  auto error = openOutput(sandbox->get(), "stderr");
  if (!error) return error.error();
  plan->standardInput = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!plan->standardInput) return systemError("Failed to open '/dev/null'", errno);
  plan->standardOutput = std::move(output).value();
  plan->standardError = std::move(error).value();
  return {};
}

void prepareArguments(Plan* plan) {
  const ProcessSpec& spec = plan->spec;
  plan->programs = programsOf(spec);
  if (spec.shell) {
    plan->arguments = {"sh", "-c", spec.value};
  } else {
    plan->arguments = spec.arguments;
  }
  for (const auto& [name, value] : spec.environment) {
    plan->environment.push_back(name + "=" + value);
  }
  plan->argv = pointersTo(plan->arguments);
  plan->envp = pointersTo(plan->environment);
  static char shell[] = "sh";
  plan->scriptArgv = {shell, nullptr};
  for (std::size_t i = 1; i < plan->arguments.size(); ++i) {
    plan->scriptArgv.push_back(plan->argv[i]);
  }
  plan->scriptArgv.push_back(nullptr);
  plan->sorry = "Failed to execute '" + spec.value + "': ";
}

// --- From here to runChild: in the child, async-signal-safe calls only.

[[noreturn]] void giveUp(int report, Failure::Step step) {
  const Failure failure{step, errno};
  (void)!::write(report, &failure, sizeof(failure));
  ::_exit(1);
}

void say(const char* text) { (void)!::write(STDERR_FILENO, text, std::strlen(text)); }

void resetSignals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal <= kLastSignal; ++signal) ::sigaction(signal, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Of those from `first` up to `last`.
void closeRange(unsigned first, unsigned last) {
  if (first > last || ::syscall(SYS_close_range, first, last, 0U) == 0) return;
  // Kernels before 5.9.
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto end = static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur, 65536));
  for (unsigned fd = first; fd <= last && fd < end; ++fd) ::close(static_cast<int>(fd));
}

// 0, 1, 2 become the standard files, and all others but `report` are closed. The three are moved
// out of the way first, since they may themselves be 0, 1 or 2. Closed here and not at the exec,
// which ends `report` as well, in no order: the parent would go on, and a program that a thread of
// it has just fetched might still be open for writing here, so that it could not be executed.
bool arrangeDescriptors(Plan& plan) {
  const int sources[] = {plan.standardInput.get(), plan.standardOutput.get(),
                         plan.standardError.get()};
  int moved[3];
  for (int i = 0; i < 3; ++i) {
    moved[i] = ::fcntl(sources[i], F_DUPFD_CLOEXEC, 3);
    if (moved[i] < 0) return false;
  }
  const int report = ::fcntl(plan.report, F_DUPFD_CLOEXEC, 3);
  if (report < 0) return false;
  plan.report = report;
  for (int i = 0; i < 3; ++i) {
    if (::dup2(moved[i], i) < 0) return false;
  }
  closeRange(3, static_cast<unsigned>(report) - 1);
  closeRange(static_cast<unsigned>(report) + 1, ~0U);
  return true;
}

// Directly, as the C library's functions would look for other threads to change as well.
bool changeUser(const User& user) {
  return ::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) == 0 &&
         ::syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
         ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

// A program that somebody writes to is waited for: a process that the host program forked while we
// fetched it has it open, until it executes a program of its own. The parent need not wait as well.
void executeOne(Plan& plan, const char* program) {
  ::execve(program, plan.argv.data(), plan.envp.data());
  if (errno != ETXTBSY) return;
  ::close(plan.report);
  for (int tries = 0; tries < kBusyTriesMax; ++tries) {
    ::nanosleep(&kBusyInterval, nullptr);
    ::execve(program, plan.argv.data(), plan.envp.data());
    if (errno != ETXTBSY) return;
  }
}

[[noreturn]] void execute(Plan& plan) {
  int code = ENOENT;
  for (std::string& program : plan.programs) {
    executeOne(plan, program.c_str());
    if (errno == ENOEXEC) {
      plan.scriptArgv[1] = program.data();
      ::execve("/bin/sh", plan.scriptArgv.data(), plan.envp.data());
    }
    // As execvp: what was found but not permitted is the better reason than what was not found.
    if (errno != ENOENT && errno != ENOTDIR) code = errno;
  }
  say(plan.sorry.c_str());
  say(::strerrordesc_np(code));
  say("\n");
  ::_exit(1);
}

[[noreturn]] void runChild(Plan& plan) {
  ::setsid();
  resetSignals();
  if (!arrangeDescriptors(plan)) giveUp(plan.report, Failure::Descriptors);
  if (plan.changeUser && !changeUser(plan.spec.user)) giveUp(plan.report, Failure::Identity);
  // A change of user clears it, so it is set after; the parent may have died in between.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(1);
  if (::chdir(plan.spec.sandbox.c_str()) != 0) giveUp(plan.report, Failure::Directory);
  ::umask(022);
  execute(plan);
}

// --- The parent again.

std::string describe(Failure::Step step, const ProcessSpec& spec) {
  switch (step) {
    case Failure::Identity:
      return "Failed to become user '" + spec.user.name + "'";
    case Failure::Directory:
      return "Failed to enter the sandbox '" + spec.sandbox + "'";
    default:
      return "Failed to arrange the file descriptors of the process";
  }
}

Descriptor openPidfd(pid_t pid) {
  return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// Waits until the child has got as far as its exec.
Failure readFailure(int pipe) {
  Failure failure{Failure::None, 0};
  ssize_t size = -1;
  do {
    size = ::read(pipe, &failure, sizeof(failure));
  } while (size < 0 && errno == EINTR);
  return size == sizeof(failure) ? failure : Failure{Failure::None, 0};
}

}  // namespace

Result<Process> startProcess(const ProcessSpec& spec) {
  Plan plan{.spec = spec, .changeUser = isAnotherUser(spec.user), .parent = ::getpid()};
  auto opened = openStandardFiles(&plan);
  if (!opened) return opened.error();
  prepareArguments(&plan);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return systemError("Failed to make a pipe", errno);
  const Descriptor readEnd(ends[0]);
  Descriptor writeEnd(ends[1]);
  plan.report = writeEnd.get();

  // Held back until the child has its own handlers: ours must not run in it.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) runChild(plan);
  const int forkError = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return systemError("Failed to fork", forkError);

  writeEnd.reset();
  Process process{pid, openPidfd(pid)};
  const int pidfdError = errno;
  const Failure failure = readFailure(readEnd.get());
  if (failure.step == Failure::None && process.pidfd) return process;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  if (failure.step == Failure::None) return systemError("Failed to watch the process", pidfdError);
  return systemError(describe(failure.step, spec), failure.code);
}

int reap(const Process& process) {
  int status = 0;
  pid_t reaped = -1;
  do {
    reaped = ::waitpid(process.pid, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  constexpr int kExitedWithOne = 1 << 8;
  return reaped == process.pid ? status : kExitedWithOne;
}

}  // namespace mesos::local
