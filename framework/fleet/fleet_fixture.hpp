// A fleet under test, with a clock and the words of a master.
#pragma once

#include "fleet/fleet.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mesos::fleet {

template <typename T>
std::vector<T> only(const std::vector<Fleet::Effect>& effects) {
  std::vector<T> found;
  for (const auto& effect : effects) {
    if (const T* it = std::get_if<T>(&effect)) found.push_back(*it);
  }
  return found;
}

template <typename T>
std::size_t count(const std::vector<Fleet::Effect>& effects) {
  return only<T>(effects).size();
}

/// A fleet, a clock, and the words of a master.
class FleetTest : public testing::Test {
 protected:
  using Effects = std::vector<Fleet::Effect>;

  /// Registered, and certain that there are no tasks but its own.
  void start(std::size_t instances) { answerMarkers({}, restart(instances, {})); }

  /// A new run, of which an earlier one has left `records`: what it does once registered.
  Effects restart(std::size_t instances, const std::vector<TaskRecord>& records) {
    AppSpec app;
    app.instances = instances;
    app.executorUri = "http://127.0.0.1:1/executor";
    fleet_.emplace(app, random_);
    fleet_->onRestored(now_, records);
    fleet_->onRegistered(now_);
    return drain();
  }

  static TaskRecord record(const std::string& id, TaskRecord::Intent intent) {
    return {
        .id = id, .agent = "S0", .url = "http://127.0.0.1:31000/", .port = 31000, .intent = intent};
  }

  Effects drain() {
    Effects effects;
    while (auto effect = fleet_->poll()) effects.push_back(std::move(*effect));
    return effects;
  }

  Offer offer(const std::string& agent = "S0",
              const char* resources = "cpus:2;mem:2048;ports:[31000-32000]") {
    Offer offer;
    offer.mutable_id()->set_value("O" + std::to_string(offers_++));
    offer.mutable_framework_id()->set_value("F");
    offer.mutable_agent_id()->set_value(agent);
    offer.set_hostname("localhost");
    offer.mutable_url()->set_scheme("http");
    offer.mutable_url()->mutable_address()->set_ip("127.0.0.1");
    offer.mutable_url()->mutable_address()->set_port(5051);
    *offer.mutable_resources() = Resources::parse(resources).value().toProto();
    return offer;
  }

  Effects give(const std::vector<Offer>& offers) {
    fleet_->onOffers(now_, offers);
    return drain();
  }

  /// The tasks launched on one ordinary offer.
  std::vector<TaskInfo> launchOn(const Offer& on) {
    std::vector<TaskInfo> tasks;
    for (const Launch& launch : only<Launch>(give({on}))) {
      tasks.insert(tasks.end(), launch.tasks.begin(), launch.tasks.end());
    }
    return tasks;
  }

  TaskStatus status(const std::string& id, TaskState state, const std::string& message = {}) {
    TaskID taskId;
    taskId.set_value(id);
    TaskStatus status = makeStatus(taskId, state, message);
    status.mutable_agent_id()->set_value("S0");
    return status;
  }

  Effects tell(const std::string& id, TaskState state, const std::string& message = {}) {
    fleet_->onStatus(now_, status(id, state, message));
    return drain();
  }

  std::string runOne() {
    const auto tasks = launchOn(offer());
    EXPECT_EQ(tasks.size(), 1u);
    const std::string id = tasks.at(0).task_id().value();
    tell(id, TASK_RUNNING);
    return id;
  }

  Effects pass(Duration time) {
    now_ = now_ + time;
    fleet_->onTimer(now_);
    return drain();
  }

  /// Answers the questions about tasks that never were, until there are none, after `listed` have
  /// been told.
  Effects answerMarkers(const std::vector<TaskStatus>& listed, Effects effects) {
    Effects all;
    while (true) {
      std::string marker;
      for (const Reconcile& question : only<Reconcile>(effects)) {
        for (const TaskStatus& asked : question.tasks) {
          if (!asked.has_agent_id()) marker = asked.task_id().value();
        }
      }
      all.insert(all.end(), effects.begin(), effects.end());
      if (marker.empty()) return all;
      for (const TaskStatus& known : listed) fleet_->onStatus(now_, known);
      TaskStatus answer = status(marker, TASK_UNKNOWN);
      answer.clear_agent_id();
      fleet_->onStatus(now_, answer);
      effects = drain();
    }
  }

  Now now_{TimePoint(std::chrono::hours(1)), {}};
  Random random_{42};
  std::optional<Fleet> fleet_;
  int offers_ = 0;
};

}  // namespace mesos::fleet
