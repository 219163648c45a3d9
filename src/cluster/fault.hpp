// What the embedded cluster can be told to suffer: POST /local/fail (docs/PROTOCOL.md).
#pragma once

#include "base/time.hpp"
#include "cluster/http_effects.hpp"

#include <mesos/result.hpp>

#include <cstddef>
#include <string_view>

namespace mesos::cluster {

struct Fault {
  enum class Kind {
    FailLeader,
    FailoverMaster,
    RestartAgent,
    PartitionAgent,
    KillAgent,
    RemoveAgent,
    SlowNetwork,
    CutConnections,
  };

  Kind kind = Kind::CutConnections;
  std::size_t agent = 0;  ///< Counted from 0.
  Duration duration{};    ///< Of the partition, or the network's delay. Not yet scaled.
};

/// Do it, and answer the request: 200, or 400 with the reason why not.
struct InjectFault {
  RequestId id;
  Fault fault;
};

/// The body of a POST: a form, or a JSON object, with `fault` and what that needs of `agent` and
/// `for`. An error is a sentence for a person.
Result<Fault> parseFault(const protocol::Request& request);

}  // namespace mesos::cluster
