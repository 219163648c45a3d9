// How long does the embedded master take to offer every agent to somebody?
//
// A tenth as many frameworks as agents, of one role, without filters, all agents free: the workload
// that Mesos publishes 1.1 s for, with 10,000 agents and 1,000 frameworks, on another machine.
#include "cluster/allocator.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/bench.hpp"

namespace {

using mesos::cluster::Allocation;
using mesos::cluster::Allocator;

constexpr double kMesosSeconds = 1.1;

// Seconds of CPU that a round takes in which every agent is offered.
double secondsOfRound(std::size_t agents, int rounds, std::uint64_t seed) {
  mesos::Random random(seed);
  mesos::Now now{mesos::TimePoint(std::chrono::seconds(100)), {}};
  Allocator allocator({}, random);
  for (std::size_t i = 0; i < agents / 10; ++i) {
    mesos::FrameworkInfo framework;
    framework.set_user("bench");
    framework.set_name("bench");
    framework.mutable_id()->set_value("framework-" + std::to_string(i));
    allocator.addFramework(now, framework, {});
  }
  const auto total = mesos::Resources::parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]");
  for (std::size_t i = 0; i < agents; ++i) {
    allocator.addAgent(now, "agent-" + std::to_string(i), {}, total.value());
  }
  std::vector<double> taken;
  for (int i = 0; i < rounds; ++i) {
    now = now + std::chrono::seconds(1);
    std::vector<Allocation> allocations;
    taken.push_back(bench::secondsOf(1, [&] { allocations = allocator.allocate(now); }));
    if (allocations.size() != agents) {
      std::fprintf(stderr, "allocation: %zu of %zu agents were offered\n", allocations.size(),
                   agents);
      std::exit(1);
    }
    for (const Allocation& one : allocations) {
      allocator.recover(now, one.frameworkId, one.role, one.agentId, one.resources, {});
    }
  }
  std::sort(taken.begin(), taken.end());
  return taken[taken.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::readOptions(
      argc, argv, "How long does the master take to offer every agent to somebody?");
  const std::vector<std::size_t> sizes = options.quick
                                             ? std::vector<std::size_t>{100, 200}
                                             : std::vector<std::size_t>{1000, 2000, 5000, 10000};
  std::vector<double> seconds;
  for (const std::size_t size : sizes) {
    seconds.push_back(secondsOfRound(size, 3, options.seed));
    bench::Figure figure{.name = std::to_string(size) + " agents, " + std::to_string(size / 10) +
                                 " frameworks: one round",
                         .value = seconds.back(),
                         .unit = "s"};
    if (size == 10000) {
      figure.aim = bench::valueAtMost(kMesosSeconds);
      figure.ratio = seconds.back() / kMesosSeconds;
      figure.peer = "Mesos, 1.1 s published";
    }
    bench::print("allocation", options, figure);
  }
  std::vector<double> work(sizes.begin(), sizes.end());
  bench::printGrowth("allocation", options, "one round", work, seconds);
}
