// What masters leave in ZooKeeper: a node each, of which the one with the smallest number leads.
#pragma once

#include "protocol/http.hpp"

#include <mesos/v1/mesos.pb.h>
#include <mesos/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace mesos::protocol {

/// The children that are masters, leader first: by number, over all labels together (fact Z7). What
/// is no master, such as `log_replicas` (fact Z6), or has an unknown label, is left out.
std::vector<std::string> mastersOf(std::vector<std::string> children);

/// What the node `name` says: JSON in `json.info_…`, protobuf in `info_…`, "master@IP:PORT" in a
/// bare number (fact Z5).
Result<v1::MasterInfo> readMasterNode(std::string_view name, std::string_view data);

/// Where that master is: its `address`, or else its `pid`, or else its `ip` (fact Z11).
Result<Address> addressOf(const v1::MasterInfo& master);

/// The node's data as Mesos writes it: keys in alphabetical order, no blanks (fact Z10).
std::string writeMasterNode(const v1::MasterInfo& master);

}  // namespace mesos::protocol
