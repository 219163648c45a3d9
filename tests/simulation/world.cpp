#include "simulation/world_nodes.hpp"

#include <cstdio>

namespace mesos::simulation {

using cluster::RequestId;
World::World(WorldOptions options)
    : options_(options), random_(options.seed), network_(clockwork_, random_) {
  app_.instances = 1 + random_.below(std::uint64_t{4});
  app_.executorUri = "http://127.0.0.1:1/executor";
  checkpoint_ = random_.chance(0.5);
  redirected_ = random_.chance(0.5);
  for (const char* const name : {"agent killed with an executor",
                                 "agent partitioned",
                                 "agent partitioned for long",
                                 "agent restarted",
                                 "agent unreachable, then back",
                                 "connection cut",
                                 "connection half-open",
                                 "detector blind",
                                 "executor dies at once",
                                 "executor killed",
                                 "executor not fetched",
                                 "host lost for good",
                                 "leader gone",
                                 "link of an agent broken",
                                 "network bad",
                                 "network slow",
                                 "port taken",
                                 "scheduler killed",
                                 "scheduler killed before it acts",
                                 "scheduler killed without a master",
                                 "update sent twice"}) {
    faults_[name] = 0;
    // Some faults hide what others did wrong, so no world has them all.
    if (random_.chance(0.25)) spared_.insert(name);
  }
  cluster::MasterOptions standby;
  standby.port = kStandby.port;
  standby.hostname = kStandby.host;
  standby_ = makeMaster(standby, {});
  standby_->http.onLeader(clockwork_.now(), std::nullopt);
}

World::~World() = default;

std::optional<Violation> World::run() {
  end_ = clockwork_.now().steady + options_.faultsFor + options_.restFor;
  electMaster({});
  for (int i = 0; i < 2; ++i) addAgent();
  startScheduler();
  scheduleChaos();
  clockwork_.after(options_.faultsFor, [this] { stopChaos(); });
  // A healthy world takes some thousand steps; one that spins takes all of these.
  constexpr std::uint64_t kStepsMax = 500'000;
  while (!violation_ && clockwork_.step(end_)) {
    checkStep();
    if (++steps_ > kStepsMax) fail("the world never rests: some machine asks to be woken for ever");
  }
  if (!violation_) checkRest();
  faults_["connection cut"] = network_.cuts;
  faults_["connection refused"] = network_.refusals;
  faults_["connection half-open"] = network_.halfOpened;
  faults_["message delayed by seconds"] = network_.slowed;
  return violation_;
}

void World::arm(const std::shared_ptr<Alarm>& alarm, std::optional<TimePoint> deadline,
                std::function<void()> wake) {
  if (!deadline || (alarm->at && *alarm->at <= *deadline)) return;
  alarm->at = *deadline;
  clockwork_.at(*deadline, [alarm, at = *deadline, wake = std::move(wake)] {
    if (alarm->at != at) return;  // An earlier one was armed since.
    alarm->at.reset();
    wake();
  });
}

void World::fail(std::string sentence) {
  if (violation_) return;
  note("VIOLATION: " + sentence);
  violation_ = Violation{std::move(sentence)};
}

void World::note(const std::string& line) {
  if (!options_.trace) return;
  std::printf("%12.6f  %s\n", toSeconds(clockwork_.now().steady.time_since_epoch()) - 86400,
              line.c_str());
}

}  // namespace mesos::simulation
