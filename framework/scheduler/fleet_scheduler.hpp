// The scheduler: callbacks in, Fleet decides, driver calls out, and a line for every step.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"
#include "fleet/fleet.hpp"
#include "store/store.hpp"

#include <mesos/scheduler.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace mesos::scheduler {

struct FleetSchedulerOptions {
  fleet::AppSpec app;
  std::uint64_t seed = 1;
  /// Where to keep what must not be forgotten; null: nowhere. It must outlive the scheduler.
  store::Store* store = nullptr;
  /// The tasks that the store held at the start.
  std::vector<fleet::TaskRecord> restored;
  /// Prints one line for the person who runs this.
  std::function<void(const std::string&)> say;
  /// Called when nextTick(), isDrained() or failure() may have changed by a callback, on the thread
  /// of it. Not for what tick() or drain() change: their caller would wake itself without end.
  std::function<void()> changed;
};

/// Adapts a Fleet to a driver. All methods may be called from any thread.
class FleetScheduler : public Scheduler {
 public:
  explicit FleetScheduler(FleetSchedulerOptions options);

  void registered(SchedulerDriver* driver, const FrameworkID& id,
                  const MasterInfo& master) override;
  void reregistered(SchedulerDriver* driver, const MasterInfo& master) override;
  void disconnected(SchedulerDriver* driver) override;
  void resourceOffers(SchedulerDriver* driver, const std::vector<Offer>& offers) override;
  void offerRescinded(SchedulerDriver* driver, const OfferID& offer) override;
  void statusUpdate(SchedulerDriver* driver, const TaskStatus& status) override;
  void slaveLost(SchedulerDriver* driver, const AgentID& agent) override;
  void executorLost(SchedulerDriver* driver, const ExecutorID& executor, const AgentID& agent,
                    int status) override;
  void error(SchedulerDriver* driver, const std::string& message) override;

  /// Does what is due by now. To be called no later than nextTick().
  void tick(SchedulerDriver* driver);
  std::optional<TimePoint> nextTick() const;
  /// Kills every task; isDrained() tells when they are gone.
  void drain(SchedulerDriver* driver);
  bool isDrained() const;
  /// Tasks that have not ended, as far as known.
  std::size_t tasks() const;
  /// Why the framework cannot go on.
  std::optional<std::string> failure() const;

 private:
  void perform(SchedulerDriver* driver);
  void performAndTell(SchedulerDriver* driver);
  void keep(SchedulerDriver* driver, const Result<void>& written);
  void fail(const std::string& message);

  const FleetSchedulerOptions options_;
  mutable std::mutex mutex_;  // The driver's callbacks meet main's ticks here.
  Random random_;
  fleet::Fleet fleet_;
  bool drained_ = false;
  std::optional<std::string> failure_;
};

}  // namespace mesos::scheduler
