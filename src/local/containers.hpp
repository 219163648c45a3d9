// The containers of all agents: a sandbox, fetched files, a process tree.
#pragma once

#include "cluster/agent.hpp"
#include "local/fetcher.hpp"
#include "local/process.hpp"
#include "transport/event_loop.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mesos::local {

/// Does what agents ask of their shell, by container id (unique over all agents). On the loop's
/// thread only, which forks and so must outlive the processes; calls back from the loop, never from
/// inside a method. The destructor waits for fetches, but leaves processes alone: destroyAll()
/// first.
class Containers {
 public:
  Containers(transport::EventLoop& loop, FetcherOptions fetcher);
  ~Containers();
  Containers(const Containers&) = delete;
  Containers& operator=(const Containers&) = delete;

  void prepare(const cluster::PrepareContainer& order, std::function<void(Result<void>)> done);
  /// `exited` gets the status as wait(2) gives it, when nothing of the tree is left.
  void fork(const cluster::ForkContainer& order, std::function<void(Result<int>)> forked,
            std::function<void(int)> exited);
  /// To the whole tree, in this turn of the loop.
  void signal(const std::string& containerId, int signal);
  /// Kills the tree, in this turn of the loop, or ends the fetch. What was waited for is called
  /// back as ever.
  void destroy(const std::string& containerId);

  bool has(const std::string& containerId) const;
  /// Being fetched or running.
  std::size_t count() const { return preparing_.size() + running_.size(); }
  void destroyAll();

 private:
  struct Running;

  void onLeaderExited(const std::string& containerId);
  void lookSoon();
  void look();
  void sendSignals();
  void killEnding();
  void finish(const std::string& containerId);

  transport::EventLoop& loop_;
  std::map<std::string, std::function<void(Result<void>)>> preparing_;
  std::map<std::string, std::unique_ptr<Running>> running_;
  /// What the next look through /proc is for. It takes long on a machine with many processes, so
  /// containers that end together share it.
  std::vector<std::pair<std::string, int>> signals_;
  std::set<std::string> ending_;  ///< Whose trees are to be killed.
  bool willLook_ = false;
  transport::Timer again_;
  Fetcher fetcher_;
};

}  // namespace mesos::local
