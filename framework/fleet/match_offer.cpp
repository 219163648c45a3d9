#include "fleet/match_offer.hpp"

#include "fleet/sentences.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace mesos::fleet {
namespace {

Resource scalar(const std::string& name, double value) {
  Resource resource;
  resource.set_name(name);
  resource.set_type(v1::Value::SCALAR);
  resource.mutable_scalar()->set_value(value);
  return resource;
}

Resource singlePort(std::uint16_t port) {
  Resource resource;
  resource.set_name("ports");
  resource.set_type(v1::Value::RANGES);
  auto* range = resource.mutable_ranges()->add_range();
  range->set_begin(port);
  range->set_end(port);
  return resource;
}

Resources cpusAndMem(double cpus, double mem) {
  return Resources(scalar("cpus", cpus)) + Resources(scalar("mem", mem));
}

struct Shortage {
  const char* what;
  double offered;
  double server;
  double executor;
};

std::string describe(const Shortage& shortage) {
  return formatQuantity(shortage.offered) + " " + shortage.what + " offered, " +
         formatQuantity(shortage.server + shortage.executor) + " needed (" +
         formatQuantity(shortage.server) + " for the server, " + formatQuantity(shortage.executor) +
         " for its executor)";
}

std::string whyNot(const AppSpec& app, const Resources& offered, std::uint16_t port) {
  const Resources need = cpusAndMem(app.cpus + kExecutorCpus, app.mem + kExecutorMem);
  std::vector<std::string> reasons;
  if (offered.cpus() < need.cpus()) {
    reasons.push_back(describe({"cpus", offered.cpus(), app.cpus, kExecutorCpus}));
  }
  if (offered.mem() < need.mem()) {
    reasons.push_back(describe({"MB of memory", offered.mem(), app.mem, kExecutorMem}));
  }
  if (port == 0) {
    reasons.emplace_back(offered.ports().empty() ? "no port offered"
                                                 : "a server failed on every port offered within "
                                                   "the last minute");
  }
  if (reasons.empty()) return "what is offered is revocable or shared, which a server cannot use";
  std::string sentence = std::move(reasons.front());
  for (std::size_t i = 1; i < reasons.size(); ++i) sentence += "; " + reasons[i];
  return sentence;
}

}  // namespace

std::uint16_t choosePort(const Resources& offered, const std::set<std::uint16_t>& avoidedPorts) {
  constexpr std::uint64_t kPortMax = std::numeric_limits<std::uint16_t>::max();
  for (const auto& [begin, end] : offered.ports()) {
    for (std::uint64_t port = std::max<std::uint64_t>(begin, 1); port <= std::min(end, kPortMax);
         ++port) {
      const auto candidate = static_cast<std::uint16_t>(port);
      if (!avoidedPorts.contains(candidate)) return candidate;
    }
  }
  return 0;
}

Result<Placement> matchOffer(const AppSpec& app, const Resources& offered,
                             const std::set<std::uint16_t>& avoidedPorts) {
  Placement placement;
  placement.port = choosePort(offered, avoidedPorts);
  const auto refusal = [&] { return Error{whyNot(app, offered, placement.port)}; };
  if (placement.port == 0) return refusal();

  auto task = offered.find(cpusAndMem(app.cpus, app.mem) + Resources(singlePort(placement.port)));
  if (!task) return refusal();
  auto executor = (offered - *task).find(cpusAndMem(kExecutorCpus, kExecutorMem));
  if (!executor) return refusal();
  placement.task = std::move(*task);
  placement.executor = std::move(*executor);
  return placement;
}

}  // namespace mesos::fleet
