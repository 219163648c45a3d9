#include "scheduler/fleet_scheduler.hpp"

#include "fleet/match_offer.hpp"
#include "fleet/sentences.hpp"
#include "transport/event_loop.hpp"

#include <sys/wait.h>

#include <utility>
#include <variant>

namespace mesos::scheduler {
namespace {

using fleet::formatQuantity;
using transport::currentTime;

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string addressOf(const MasterInfo& master) {
  const std::string& host = master.address().has_ip()         ? master.address().ip()
                            : master.address().has_hostname() ? master.address().hostname()
                                                              : master.hostname();
  const auto port =
      master.has_address() ? master.address().port() : static_cast<int>(master.port());
  return host + ":" + std::to_string(port);
}

std::string describe(const Offer& offer) {
  const Resources resources(offer.resources());
  const std::uint16_t port = fleet::choosePort(resources, {});
  return "Received offer <" + offer.id().value() +
         "> with cpus=" + formatQuantity(resources.cpus()) +
         " mem=" + formatQuantity(resources.mem()) +
         " port=" + (port == 0 ? "none" : std::to_string(port)) + " from " + offer.hostname();
}

std::string describe(const TaskStatus& status) {
  std::string line = "Status update: task " + status.task_id().value() + " is in state " +
                     TaskState_Name(status.state());
  if (!status.message().empty()) line += ": " + status.message();
  return line;
}

/// A raw wait(2) status, as E7 of the protocol carries it.
std::string describeExit(int status) {
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  if (WIFEXITED(status)) return "exited with status " + std::to_string(WEXITSTATUS(status));
  return "ended";
}

Filters filtersFor(Duration refuse) {
  Filters filters;
  filters.set_refuse_seconds(toSeconds(refuse));
  return filters;
}

}  // namespace

FleetScheduler::FleetScheduler(FleetSchedulerOptions options)
    : options_(std::move(options)), random_(options_.seed), fleet_(options_.app, random_) {
  fleet_.onRestored(currentTime(), options_.restored);
}

void FleetScheduler::registered(SchedulerDriver* driver, const FrameworkID& id,
                                const MasterInfo& master) {
  const std::lock_guard lock(mutex_);
  options_.say("Scheduler registered with master " + addressOf(master) + " as framework " +
               id.value());
  // Before the first task can exist: a task whose framework is forgotten is nobody's.
  if (options_.store) keep(driver, options_.store->setFrameworkId(id.value()));
  fleet_.onRegistered(currentTime());
  performAndTell(driver);
}

void FleetScheduler::reregistered(SchedulerDriver* driver, const MasterInfo& master) {
  const std::lock_guard lock(mutex_);
  options_.say("Scheduler reregistered with master " + addressOf(master));
  fleet_.onReregistered(currentTime());
  performAndTell(driver);
}

void FleetScheduler::disconnected(SchedulerDriver* driver) {
  const std::lock_guard lock(mutex_);
  options_.say("Disconnected from the master; the servers run on");
  fleet_.onDisconnected(currentTime());
  performAndTell(driver);
}

void FleetScheduler::resourceOffers(SchedulerDriver* driver, const std::vector<Offer>& offers) {
  const std::lock_guard lock(mutex_);
  for (const Offer& offer : offers) {
    options_.say(describe(offer));
    fleet_.onOffers(currentTime(), {offer});
    performAndTell(driver);
  }
}

void FleetScheduler::offerRescinded(SchedulerDriver*, const OfferID& offer) {
  options_.say("Offer <" + offer.value() + "> was withdrawn");
}

void FleetScheduler::statusUpdate(SchedulerDriver* driver, const TaskStatus& status) {
  const std::lock_guard lock(mutex_);
  if (fleet_.onStatus(currentTime(), status)) options_.say(describe(status));
  performAndTell(driver);
}

void FleetScheduler::slaveLost(SchedulerDriver*, const AgentID& agent) {
  options_.say("Agent " + agent.value() + " is lost");
}

void FleetScheduler::executorLost(SchedulerDriver*, const ExecutorID& executor, const AgentID&,
                                  int status) {
  options_.say("Executor " + executor.value() + " " + describeExit(status));
}

void FleetScheduler::error(SchedulerDriver*, const std::string& message) {
  const std::lock_guard lock(mutex_);
  fail(message);
}

void FleetScheduler::tick(SchedulerDriver* driver) {
  const std::lock_guard lock(mutex_);
  fleet_.onTimer(currentTime());
  perform(driver);
}

std::optional<TimePoint> FleetScheduler::nextTick() const {
  const std::lock_guard lock(mutex_);
  return fleet_.deadline();
}

void FleetScheduler::drain(SchedulerDriver* driver) {
  const std::lock_guard lock(mutex_);
  fleet_.onStop(currentTime());
  perform(driver);
}

bool FleetScheduler::isDrained() const {
  const std::lock_guard lock(mutex_);
  return drained_;
}

std::size_t FleetScheduler::tasks() const {
  const std::lock_guard lock(mutex_);
  return fleet_.tasks();
}

std::optional<std::string> FleetScheduler::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void FleetScheduler::fail(const std::string& message) {
  if (!failure_) failure_ = message;
  options_.changed();
}

/// What cannot be kept must not be done: nothing leaves after a write that failed, and a status in
/// whose callback it failed is not acknowledged.
void FleetScheduler::keep(SchedulerDriver* driver, const Result<void>& written) {
  if (written || failure_) return;
  fail("The state cannot be kept: " + written.error().message);
  driver->abort();
}

void FleetScheduler::perform(SchedulerDriver* driver) {
  const Overloaded act{
      [&](const fleet::Remember& remember) {
        if (options_.store) {
          keep(driver, options_.store->update(remember.tasks, remember.ended));
        }
      },
      [&](const fleet::Launch& launch) {
        for (const TaskInfo& task : launch.tasks) {
          options_.say("Prepared task " + task.task_id().value() + " with offer <" +
                       launch.offer.value() + ">");
        }
        driver->launchTasks({launch.offer}, launch.tasks, filtersFor(launch.refuse));
      },
      [&](const fleet::Decline& decline) {
        options_.say("Declined offer <" + decline.offer.value() + ">: " + decline.why);
        driver->declineOffer(decline.offer, filtersFor(decline.refuse));
      },
      [&](const fleet::Suppress&) { driver->suppressOffers(); },
      [&](const fleet::Revive&) { driver->reviveOffers(); },
      [&](const fleet::Kill& kill) { driver->killTask(kill.task); },
      [&](const fleet::Reconcile& question) { driver->reconcileTasks(question.tasks); },
      [&](const fleet::Announce& announcement) { options_.say(announcement.line); },
      [&](const fleet::Drained&) { drained_ = true; },
  };
  while (!failure_) {
    const auto effect = fleet_.poll();
    if (!effect) break;
    std::visit(act, *effect);
  }
}

void FleetScheduler::performAndTell(SchedulerDriver* driver) {
  perform(driver);
  options_.changed();
}

}  // namespace mesos::scheduler
