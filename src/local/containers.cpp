#include "local/containers.hpp"

#include "local/process_tree.hpp"
#include "local/sandbox.hpp"

#include <csignal>

namespace mesos::local {
namespace {

// How often and how long a killed tree is looked at. Longer: it hangs in the kernel.
constexpr Duration kSweepInterval = std::chrono::milliseconds(5);
constexpr Duration kSweepMax = std::chrono::seconds(5);

}  // namespace

struct Containers::Running {
  Running(transport::EventLoop& loop_, Process process_, std::function<void(int)> exited_)
      : loop(loop_), process(std::move(process_)), exited(std::move(exited_)) {}
  ~Running() { loop.cancelReadable(watch); }

  transport::EventLoop& loop;
  Process process;
  std::function<void(int)> exited;
  std::uint64_t watch = 0;
  std::optional<TimePoint> sweepUntil;  ///< Its leader has exited.
};

Containers::Containers(transport::EventLoop& loop, FetcherOptions fetcher)
    : loop_(loop), again_(loop), fetcher_(fetcher) {}

Containers::~Containers() = default;

void Containers::prepare(const cluster::PrepareContainer& order,
                         std::function<void(Result<void>)> done) {
  auto user = findUser(order.user);
  Result<void> created;
  if (user) {
    created = createSandbox(order.sandbox, *user);
  } else {
    created = Error{"Failed to create executor directory '" + order.sandbox +
                    "': " + user.error().message};
  }
  if (!created || order.uris.empty()) {
    loop_.post([created, done = std::move(done)] { done(created); });
    return;
  }
  const std::string id = order.containerId;
  preparing_[id] = std::move(done);
  fetcher_.start({id, order.sandbox, *user, order.uris}, [this, id](const Result<void>& result) {
    loop_.post([this, id, result] {
      auto waiting = preparing_.extract(id);
      if (waiting) waiting.mapped()(result);
    });
  });
}

void Containers::fork(const cluster::ForkContainer& order, std::function<void(Result<int>)> forked,
                      std::function<void(int)> exited) {
  auto user = findUser(order.user);
  Result<Process> started = user ? startProcess({order.sandbox, *user, order.shell, order.value,
                                                 order.arguments, order.environment})
                                 : Result<Process>(user.error());
  if (!started) {
    loop_.post([error = started.error(), forked = std::move(forked)] { forked(error); });
    return;
  }
  const int pid = started->pid;
  const std::string id = order.containerId;
  auto& running = running_[id];
  running = std::make_unique<Running>(loop_, std::move(started).value(), std::move(exited));
  loop_.post([pid, forked = std::move(forked)] { forked(pid); });
  // After `forked`, even if it has ended already: a posted task, too, keeps its turn.
  running->watch = loop_.onReadable(running->process.pidfd.get(),
                                    [this, id] { loop_.post([this, id] { onLeaderExited(id); }); });
}

void Containers::onLeaderExited(const std::string& containerId) {
  const auto found = running_.find(containerId);
  if (found == running_.end()) return;
  found->second->sweepUntil = transport::currentTime().steady + kSweepMax;
  ending_.insert(containerId);
  lookSoon();
}

void Containers::signal(const std::string& containerId, int signal) {
  if (signal == SIGKILL) return destroy(containerId);
  if (!running_.contains(containerId)) return;
  signals_.emplace_back(containerId, signal);
  lookSoon();
}

void Containers::destroy(const std::string& containerId) {
  fetcher_.cancel(containerId);
  if (!running_.contains(containerId)) return;
  ending_.insert(containerId);
  lookSoon();
}

void Containers::destroyAll() {
  for (const auto& [id, done] : preparing_) fetcher_.cancel(id);
  for (const auto& [id, running] : running_) ending_.insert(id);
  look();
}

// After whatever else this turn of the loop brings.
void Containers::lookSoon() {
  if (std::exchange(willLook_, true)) return;
  loop_.post([this] { look(); });
}

void Containers::look() {
  willLook_ = false;
  sendSignals();
  killEnding();
}

void Containers::sendSignals() {
  std::set<pid_t> roots;
  std::map<pid_t, std::vector<int>> signals;
  for (const auto& [id, signal] : std::exchange(signals_, {})) {
    const auto found = running_.find(id);
    if (found == running_.end()) continue;  // It has ended in the meantime.
    roots.insert(found->second->process.pid);
    signals[found->second->process.pid].push_back(signal);
  }
  for (const auto& [root, pids] : processTrees(roots)) {
    for (const int signal : signals[root]) {
      for (const pid_t pid : pids) ::kill(pid, signal);
    }
  }
}

// Those whose leader has exited are over once nothing of their tree is left. Until a leader is
// reaped its id stays taken, so that the search for the rest of its session finds no stranger.
void Containers::killEnding() {
  std::set<pid_t> roots;
  for (const std::string& id : ending_) roots.insert(running_.at(id)->process.pid);
  const std::set<pid_t> alive = killTrees(roots);
  const TimePoint now = transport::currentTime().steady;
  std::set<std::string> remaining;
  std::vector<std::string> over;
  for (const std::string& id : ending_) {
    const Running& running = *running_.at(id);
    if (!running.sweepUntil) continue;  // Its leader's exit is yet to come.
    if (alive.contains(running.process.pid) && now < *running.sweepUntil) {
      remaining.insert(id);
    } else {
      over.push_back(id);
    }
  }
  ending_ = std::move(remaining);
  if (!ending_.empty()) again_.set(now + kSweepInterval, [this] { lookSoon(); });
  for (const std::string& id : over) finish(id);
}

void Containers::finish(const std::string& containerId) {
  const auto found = running_.find(containerId);
  if (found == running_.end()) return;
  const int status = reap(found->second->process);
  const auto exited = std::move(found->second->exited);
  running_.erase(found);
  ending_.erase(containerId);
  exited(status);
}

bool Containers::has(const std::string& containerId) const {
  return preparing_.count(containerId) || running_.count(containerId);
}

}  // namespace mesos::local
