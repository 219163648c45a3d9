// For tests: a ZooKeeper of their own, on loopback, with its data in a temporary directory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace mesos::testing {

/// Debian's `zookeeper`, one server, ticking every 100 ms: a session lives at most 2 s without it.
class ZooKeeperServer {
 public:
  /// Starts it on a free port and waits until it answers. Throws std::runtime_error if it does not.
  ZooKeeperServer();
  ~ZooKeeperServer();
  ZooKeeperServer(const ZooKeeperServer&) = delete;
  ZooKeeperServer& operator=(const ZooKeeperServer&) = delete;

  std::uint16_t port() const { return port_; }
  /// `zk://[credentials@]127.0.0.1:PORT` + path.
  std::string url(const std::string& path, const std::string& credentials = "") const;

  /// Kills it; what it holds is kept.
  void stop();
  void start();
  /// It neither answers nor closes anything until resumed.
  void pause();
  void resume();

 private:
  void launch();
  bool answers() const;

  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = 0;
};

}  // namespace mesos::testing
