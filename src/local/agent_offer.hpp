// What the agents of one cluster have to offer, all on one machine.
#pragma once

#include <mesos/resources.hpp>
#include <mesos/result.hpp>
#include <mesos/types.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mesos::local {

/// The resources of each of `agents`: those of `text`, and the machine's own cpus, mem, disk (that
/// of `workDir`) and ports 31000-32000 where it does not say (section 17). The port ranges of each
/// next agent lie above those of the one before.
Result<std::vector<Resources>> agentResources(std::string_view text, std::size_t agents,
                                              const std::string& workDir);
/// "cpus 2, mem 2048, ports 31000-32000": everything but the disk, for people.
std::string describe(const Resources& resources);

/// `rack:r1;level:2;span:[1-3]`.
Result<std::vector<Attribute>> parseAttributes(std::string_view text);

}  // namespace mesos::local
