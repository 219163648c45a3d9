// What both sessions ask of their shell.
#pragma once

#include "base/time.hpp"
#include "protocol/http.hpp"

#include <cstdint>
#include <string>

namespace mesos::protocol {

/// Names one connection of one session; never used twice.
using ConnectionId = std::uint64_t;

struct Connect {
  ConnectionId id;
  Address address;
};
struct Send {
  ConnectionId id;
  Request request;
};
struct Close {
  ConnectionId id;
};
/// The subscription is gone; the session is trying again by itself.
struct Disconnected {
  std::string reason;
};
/// For the log: nothing to do but wait. `reason` says what failed, `waited` for how long nothing
/// has worked, `next` when the next attempt comes.
struct Waiting {
  std::string reason;
  Duration waited;
  Duration next;
};
/// The session cannot go on, ever; `message` is for the user. The last effect but Close.
struct Failed {
  std::string message;
};
/// The stop that was asked for is complete. The last effect.
struct Stopped {};

}  // namespace mesos::protocol
