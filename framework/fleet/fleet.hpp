// Keeps the servers of an app running: what is wanted, what is known, and what to do about the
// difference.
//
// Fleet lives between the driver's callbacks (on…) and its calls (the effects). It is
// level-triggered: every input brings `now` and everything is looked at again, so that a missed
// event costs time and never correctness. It must not know how offers and statuses travel.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"
#include "fleet/app_spec.hpp"
#include "fleet/match_offer.hpp"
#include "fleet/restart_policy.hpp"
#include "fleet/task_record.hpp"

#include <mesos/reconciler.hpp>
#include <mesos/types.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace mesos::fleet {

/// Keep these records, durably, in place of those of the same tasks, and drop those that ended;
/// all or nothing, and before anything that comes after it is done.
struct Remember {
  std::vector<TaskRecord> tasks;
  std::vector<std::string> ended;
};
/// Use `offer` for these tasks; `refuse` is the filter on what remains of it (fact O20).
struct Launch {
  OfferID offer;
  std::vector<TaskInfo> tasks;
  Duration refuse;
};
struct Decline {
  OfferID offer;
  Duration refuse;
  std::string why;
};
/// No offers, please.
struct Suppress {};
/// Offers again, whatever was refused before.
struct Revive {};
struct Kill {
  TaskID task;
};
/// Ask for the states of these tasks; of all if there are none.
struct Reconcile {
  std::vector<TaskStatus> tasks;
};
/// A line for the person who runs this.
struct Announce {
  std::string line;
};
/// After onStop(): no task is left that could still be waited for. Once.
struct Drained {};

/// Every server of an app, as a state machine.
/// Tell it what happened (on*), then drain poll(). Call onTimer no later than deadline(). Performs
/// no I/O, reads no clock, never blocks, never throws. Not thread-safe. `now` must not go
/// backwards. `random` must outlive it.
class Fleet {
 public:
  using Effect =
      std::variant<Remember, Launch, Decline, Suppress, Revive, Kill, Reconcile, Announce, Drained>;

  Fleet(AppSpec app, Random& random);

  /// Before anything else: what an earlier run of this framework was told to Remember. These tasks
  /// may live, and each is a server until it is certain that it is none.
  void onRestored(Now now, const std::vector<TaskRecord>& tasks);
  /// The first subscription.
  void onRegistered(Now now);
  /// Every later one: what was in flight may be lost, so every task is asked after.
  void onReregistered(Now now);
  void onDisconnected(Now now);
  /// Answers every offer at once, with a Launch or a Decline. (So a rescind needs no input: a
  /// launch that crossed it comes back as TASK_DROPPED.)
  void onOffers(Now now, const std::vector<Offer>& offers);
  /// Returns whether it is of interest to people: an answer to a question of the fleet's own that
  /// says what was known is not.
  bool onStatus(Now now, const TaskStatus& status);
  /// Kills every task and launches no more. Ends with Drained.
  void onStop(Now now);
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

  /// Tasks that have not ended, as far as known.
  std::size_t tasks() const { return tasks_.size(); }
  /// Those among them whose last word was TASK_RUNNING.
  std::size_t running() const;

 private:
  struct Task {
    TaskState state = TASK_STAGING;
    AgentID agent;
    std::string url;                        // Empty: unknown, it is a stranger.
    std::uint16_t port = 0;                 // 0: likewise.
    std::optional<std::size_t> server;      // Which one it is; none: one too many.
    std::optional<TimePoint> runningSince;  // Unset: not seen running by this run.
    bool everRan = false;                   // By whichever run.
    std::optional<TimePoint> killAt;        // The next KILL; unset: it may live.
  };

  /// One of the app's `instances`.
  struct Server {
    /// Waiting: for an offer, from `dueAt` on.
    enum class State { Waiting, Placed };

    State state = State::Waiting;
    TimePoint dueAt;
    bool demanded = false;  // Whether offers have been asked for since it became due.
    int dropsInARow = 0;
    RestartPolicy restart;
  };

  using Tasks = std::map<std::string, Task>;

  void considerOffer(Now now, const Offer& offer);
  TaskInfo launch(Now now, std::size_t server, const Offer& offer, const Placement& placement);
  std::optional<std::size_t> nextDueServer(Now now) const;
  std::optional<TimePoint> nextDue() const;
  std::string whyNothingIsWanted(Now now) const;
  Duration refusal(Now now, const AgentID& agent) const;
  std::set<std::uint16_t> avoidedPorts(Now now, const AgentID& agent) const;

  void onStranger(Now now, const TaskStatus& status);
  void onAlive(Now now, Tasks::iterator task, const TaskStatus& status);
  void onEnded(Now now, Tasks::iterator task, const TaskStatus& status);
  Duration replacementDelay(Now now, Server& server, const Task& task, const TaskStatus& status);
  static bool neverRan(const Task& task, const TaskStatus& status);
  void avoidPort(Now now, const Task& task);
  void rememberEnd(const std::string& taskId);
  void announceEnd(const TaskStatus& status, Duration delay);

  void condemn(Now now, Tasks::iterator task);
  TaskRecord recordOf(const std::string& id, const Task& task) const;

  void settle(Now now);
  void settleDemand(Now now);
  void settleKills(Now now);
  void settleQuestions(Now now);
  void settleStop();
  bool mayBeHeard(const Task& task) const { return task.state != TASK_UNREACHABLE; }

  AppSpec app_;
  Random& random_;
  std::vector<Server> servers_;
  Tasks tasks_;
  // Of tasks that certainly ended: late repeats and stale answers about them mean nothing.
  std::set<std::string> ended_;
  std::deque<std::string> endedInOrder_;
  std::map<std::string, std::map<std::uint16_t, TimePoint>> badPorts_;  // By agent; until when.

  bool connected_ = false;
  bool suppressed_ = false;
  bool filtered_ = false;  // Whether some offer may be held back by a filter of ours.
  std::optional<TimePoint> reviveAllowedAt_;

  Reconciler reconciler_;
  std::set<std::string> unremembered_;  // Tasks whose records are not what was remembered last.

  bool stopping_ = false;
  bool drained_ = false;
  std::deque<Effect> effects_;
};

}  // namespace mesos::fleet
