// Checks of command tasks, performed: a process beside the task's, a GET, a connection (fact H3).
#pragma once

#include "cluster/agent.hpp"
#include "local/containers.hpp"
#include "transport/event_loop.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace mesos::local {

/// On the loop's thread only; calls back from the loop, never from inside a method. The processes
/// of checks are containers of their own.
class Checks {
 public:
  using Done = std::function<void(const Result<int>& outcome)>;

  Checks(transport::EventLoop& loop, Containers& containers);
  ~Checks();
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;

  /// `done` is called once, unless it is stopped before.
  void start(const cluster::StartCheck& order, Done done);
  void stop(const cluster::StopCheck& order);
  /// Every check of a container that is over.
  void stopAll(const std::string& containerId);

 private:
  using Key = std::pair<std::string, std::uint64_t>;
  struct Running;

  void startProcess(const Key& key, const cluster::ForkContainer& order);
  void connect(const Key& key, const cluster::TcpProbe& probe);
  void get(const Key& key, const cluster::HttpProbe& probe);
  void finish(const Key& key, const Result<int>& outcome);
  void end(std::map<Key, std::unique_ptr<Running>>::iterator running);

  transport::EventLoop& loop_;
  Containers& containers_;
  std::map<Key, std::unique_ptr<Running>> running_;
};

}  // namespace mesos::local
