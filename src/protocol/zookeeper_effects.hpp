// What machines that live on a ZooKeeper session ask of their shell, and what it may answer.
#pragma once

#include "base/time.hpp"
#include "protocol/master_spec.hpp"

#include <cstdint>
#include <string>

namespace mesos::protocol {

/// Names one ZooKeeper session of one machine; never used twice.
using ZooKeeperId = std::uint64_t;
/// Names one request of one machine; never used twice.
using NodeRequest = std::uint64_t;

/// Open this session in place of the one before, which is closed.
struct OpenZooKeeper {
  ZooKeeperId id;
  ZooKeeperUrl url;
  Duration sessionTimeout;  ///< Asked for; the server has the last word.
};
struct CloseZooKeeper {
  ZooKeeperId id;
};
/// Say which children `path` has, and tell once when they change.
struct ListNodes {
  NodeRequest request;
  std::string path;
};
struct ReadNode {
  NodeRequest request;
  std::string path;
};
/// With credentials everyone may read and only their owner do more; else everyone everything (Z4).
struct CreateNode {
  NodeRequest request;
  std::string path;
  std::string data;
  bool isMember = false;  ///< Ephemeral, with a number behind its name.
};

enum class NodeFault {
  NoNode,
  NodeExists,
  Other,
};

}  // namespace mesos::protocol
