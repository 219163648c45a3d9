// How a person names the masters of a cluster (facts Z1-Z3).
#pragma once

#include "protocol/http.hpp"

#include <mesos/result.hpp>

#include <string>
#include <string_view>
#include <variant>

namespace mesos::protocol {

/// `zk://[user:pass@]h1:p1,h2:p2/path`: the ZooKeeper and the node below which masters are found.
struct ZooKeeperUrl {
  std::string servers;      ///< `h1:p1,h2:p2`.
  std::string path;         ///< `/path`, never the root (fact Z2).
  std::string credentials;  ///< `user:pass`, a secret; empty: none.

  bool operator==(const ZooKeeperUrl&) const = default;
  /// For people: without the credentials.
  std::string toString() const;
};
/// The error names what is wrong, and never tells the credentials.
Result<ZooKeeperUrl> parseZooKeeperUrl(std::string_view text);

/// `file:///PATH` of a file whose content is again such a name.
struct MasterFile {
  std::string path;

  bool operator==(const MasterFile&) const = default;
};

/// `HOST:PORT`, also as `http://HOST:PORT`, `https://HOST:PORT` or `master@HOST:PORT`; `zk://…`;
/// `file:///PATH`.
using MasterSpec = std::variant<Address, ZooKeeperUrl, MasterFile>;
Result<MasterSpec> parseMasterSpec(std::string_view text);

}  // namespace mesos::protocol
