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
      : loop(loop_), process(std::move(process_)), exited(std::move(exited_)), sweep(loop_) {}
  ~Running() { loop.cancelReadable(watch); }

  transport::EventLoop& loop;
  Process process;
  std::function<void(int)> exited;
  std::uint64_t watch = 0;
  transport::Timer sweep;
  std::optional<TimePoint> sweepUntil;
};

Containers::Containers(transport::EventLoop& loop, FetcherOptions fetcher)
    : loop_(loop), fetcher_(fetcher) {}

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

// Until it is reaped its id stays taken, so that the search for the rest of its session finds no
// stranger.
void Containers::onLeaderExited(const std::string& containerId) {
  const auto found = running_.find(containerId);
  if (found == running_.end()) return;
  Running& running = *found->second;
  const TimePoint now = transport::currentTime().steady;
  if (!running.sweepUntil) running.sweepUntil = now + kSweepMax;
  if (killTree(running.process.pid) && now < *running.sweepUntil) {
    running.sweep.set(now + kSweepInterval, [this, containerId] { onLeaderExited(containerId); });
    return;
  }
  const int status = reap(running.process);
  const auto exited = std::move(running.exited);
  running_.erase(found);
  exited(status);
}

void Containers::signal(const std::string& containerId, int signal) {
  if (signal == SIGKILL) return destroy(containerId);
  const auto found = running_.find(containerId);
  if (found != running_.end()) signalTree(found->second->process.pid, signal);
}

void Containers::destroy(const std::string& containerId) {
  fetcher_.cancel(containerId);
  const auto found = running_.find(containerId);
  if (found != running_.end()) killTree(found->second->process.pid);
}

bool Containers::has(const std::string& containerId) const {
  return preparing_.count(containerId) || running_.count(containerId);
}

void Containers::destroyAll() {
  for (const auto& [id, done] : preparing_) fetcher_.cancel(id);
  for (const auto& [id, running] : running_) killTree(running->process.pid);
}

}  // namespace mesos::local
