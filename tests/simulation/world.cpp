#include "simulation/world_nodes.hpp"

#include <cstdio>

namespace mesos::simulation {

using cluster::RequestId;
using ExecutorCall = v1::executor::Call;

namespace {

bool isUpdate(const protocol::Request& request) {
  ExecutorCall call;
  return call.ParseFromString(request.body) && call.type() == ExecutorCall::UPDATE;
}

}  // namespace

World::World(WorldOptions options)
    : options_(options), random_(options.seed), network_(clockwork_, random_) {
  app_.instances = 1 + random_.below(std::uint64_t{4});
  app_.executorUri = "http://127.0.0.1:1/executor";
  checkpoint_ = random_.chance(0.5);
  for (const char* const name :
       {"executor not fetched", "executor dies at once", "port taken", "scheduler killed",
        "scheduler killed before it acts", "executor killed", "update sent twice"}) {
    faults_[name] = 0;
  }

  cluster::MasterOptions master;
  master_ = std::make_unique<MasterNode>(clockwork_.now(), master, random_.next());
  master_->end = {[this](RequestId id, const protocol::Request& request) {
                    master_->http.onRequest(clockwork_.now(), id, request);
                    pumpMaster();
                  },
                  [this](RequestId id) {
                    master_->http.onRequestClosed(clockwork_.now(), id);
                    pumpMaster();
                  }};
  for (std::size_t i = 0; i < 2; ++i) {
    cluster::AgentOptions agent;
    agent.port = static_cast<std::uint16_t>(5051 + i);
    agent.switchUser = false;
    agent.workDir = "/work";
    agent.resources = Resources::parse("cpus:2;mem:2048;ports:[31000-31009]").value();
    agents_.push_back(std::make_unique<AgentNode>(clockwork_.now(), agent, random_.next()));
    agents_[i]->end = {[this, i](RequestId id, const protocol::Request& request) {
                         if (isUpdate(request)) agents_[i]->lastUpdate = request;
                         agents_[i]->http.onRequest(clockwork_.now(), id, request);
                         pumpAgent(i);
                       },
                       [this, i](RequestId id) {
                         agents_[i]->http.onRequestClosed(clockwork_.now(), id);
                         pumpAgent(i);
                       }};
  }
}

World::~World() = default;

std::optional<Violation> World::run() {
  end_ = clockwork_.now().steady + options_.faultsFor + options_.restFor;
  pumpMaster();
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    agents_[i]->http.onStart(clockwork_.now());
    pumpAgent(i);
  }
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
