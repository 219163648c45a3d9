#include <mesos/reconciler.hpp>

#include "base/random.hpp"
#include "base/uuid.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace mesos {
namespace {

using Question = std::vector<TaskStatus>;

/// Ids of tasks that never were. The master answers a question about one, without naming an agent,
/// only when no agent is on its way back to it (fact C11).
constexpr std::string_view kMarkerPrefix = "mesos-reconciler-";
/// The first round's answer says that no agent is on its way back; what the second round's implicit
/// reconciliation does not list is then certainly not there.
constexpr int kRounds = 2;

}  // namespace

struct Reconciler::State {
  struct Followed {
    AgentID agent;
    TaskState state = TASK_STAGING;
    std::optional<TimePoint> askAt;  // Unset: not before the next round about everything.
    Duration askAgain{};             // From that question to the one after it.
    bool heard = false;              // Whether the master is certain to know of it.
  };

  explicit State(ReconcilerOptions given) : options(given), random(given.seed) {}

  void askForAll(TimePoint now);
  void askMarker(TimePoint now);
  void askAfterTheDue(TimePoint now);
  void onMarkerAnswered(TimePoint now);
  void settle(TimePoint now);

  const ReconcilerOptions options;
  Random random;
  std::map<std::string, Followed> tasks;
  std::deque<Question> questions;
  bool subscribed = false;

  std::string marker;  // Empty: none is asked for.
  int roundsLeft = 0;
  TimePoint markerAt;
  Duration markerAgain{};
  TimePoint everythingAt;
};

Reconciler::Reconciler(ReconcilerOptions options) : state_(std::make_unique<State>(options)) {}
Reconciler::~Reconciler() = default;
Reconciler::Reconciler(Reconciler&&) noexcept = default;
Reconciler& Reconciler::operator=(Reconciler&&) noexcept = default;

void Reconciler::onSubscribed(TimePoint now) {
  State& state = *state_;
  state.subscribed = true;
  state.questions.clear();
  for (auto& [id, task] : state.tasks) {
    task.askAt = now;
    task.askAgain = state.options.again;
  }
  state.roundsLeft = kRounds;
  state.markerAgain = state.options.again;
  state.askMarker(now);
  state.settle(now);
}

void Reconciler::onDisconnected() {
  state_->subscribed = false;
  state_->marker.clear();
  state_->questions.clear();
}

void Reconciler::follow(TimePoint now, const TaskID& task, const AgentID& agent,
                        Duration patience) {
  State::Followed& followed = state_->tasks[task.value()];
  followed = {.agent = agent, .askAt = now + patience, .askAgain = state_->options.again};
  state_->settle(now);
}

void Reconciler::forget(const TaskID& task) { state_->tasks.erase(task.value()); }

bool Reconciler::onStatus(TimePoint now, const TaskStatus& status) {
  State& state = *state_;
  const std::string& id = status.task_id().value();
  if (id.starts_with(kMarkerPrefix)) {
    if (id == state.marker) state.onMarkerAnswered(now);
    state.settle(now);
    return false;
  }
  const auto found = state.tasks.find(id);
  if (found == state.tasks.end() || status.state() == TASK_UNKNOWN) return true;
  if (isTerminal(status.state())) {
    state.tasks.erase(found);
    return true;
  }
  State::Followed& task = found->second;
  if (status.has_agent_id()) task.agent = status.agent_id();
  task.state = status.state();
  task.heard = true;
  task.askAt.reset();
  if (status.state() != TASK_RUNNING) task.askAt = now + state.options.againMax;
  task.askAgain = state.options.again;
  return true;
}

void Reconciler::onTimer(TimePoint now) { state_->settle(now); }

std::optional<Question> Reconciler::poll() {
  if (state_->questions.empty()) return std::nullopt;
  Question question = std::move(state_->questions.front());
  state_->questions.pop_front();
  return question;
}

std::optional<Reconciler::TimePoint> Reconciler::deadline() const {
  const State& state = *state_;
  if (!state.subscribed) return std::nullopt;
  TimePoint earliest = state.everythingAt;
  if (!state.marker.empty()) earliest = std::min(earliest, state.markerAt);
  for (const auto& [id, task] : state.tasks) {
    if (task.askAt) earliest = std::min(earliest, *task.askAt);
  }
  return earliest;
}

bool Reconciler::isCertain() const { return state_->subscribed && state_->marker.empty(); }

std::size_t Reconciler::following() const { return state_->tasks.size(); }

void Reconciler::State::settle(TimePoint now) {
  if (!subscribed) return;
  if (!marker.empty() && now >= markerAt) askMarker(now);
  if (now >= everythingAt) {
    askForAll(now);
    for (auto& [id, task] : tasks) {
      // Of what is being launched the master may not know yet (fact C17).
      if (!task.heard) continue;
      task.askAt = now;
      task.askAgain = options.again;
    }
  }
  askAfterTheDue(now);
}

void Reconciler::State::askForAll(TimePoint now) {
  questions.emplace_back();
  everythingAt = now + options.every * 9 / 10 + random.below(options.every / 5);
}

void Reconciler::State::askMarker(TimePoint now) {
  askForAll(now);
  marker = std::string(kMarkerPrefix) + randomUuidText(random);
  TaskStatus& status = questions.emplace_back().emplace_back();
  status.mutable_task_id()->set_value(marker);
  status.set_state(TASK_STAGING);
  markerAt = now + markerAgain;
  markerAgain = std::min(2 * markerAgain, options.againMax);
}

void Reconciler::State::askAfterTheDue(TimePoint now) {
  Question question;
  for (auto& [id, task] : tasks) {
    if (!task.askAt || now < *task.askAt) continue;
    TaskStatus& status = question.emplace_back();
    status.mutable_task_id()->set_value(id);
    if (!task.agent.value().empty()) *status.mutable_agent_id() = task.agent;
    status.set_state(task.state);
    task.askAt = now + task.askAgain;
    task.askAgain = std::min(2 * task.askAgain, options.againMax);
  }
  if (!question.empty()) questions.push_back(std::move(question));
}

void Reconciler::State::onMarkerAnswered(TimePoint now) {
  marker.clear();
  if (--roundsLeft > 0) return askMarker(now);
  // Now an answer means something that meant nothing before.
  for (auto& [id, task] : tasks) {
    if (task.askAt && task.askAgain != options.again) task.askAt = now;
  }
}

}  // namespace mesos
