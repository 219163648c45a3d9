// Finds out how tasks fare whose statuses may have been lost.
#pragma once

#include <mesos/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace mesos {

struct ReconcilerOptions {
  /// A question that was not answered is repeated after this, which doubles up to `againMax`.
  std::chrono::nanoseconds again = std::chrono::seconds(2);
  /// Also: how soon to ask again after a task whose last word was neither TASK_RUNNING nor an end.
  std::chrono::nanoseconds againMax = std::chrono::minutes(1);
  /// From one round of questions about everything to the next, a tenth more or less at random.
  std::chrono::nanoseconds every = std::chrono::minutes(15);
  /// Of the jitter and of the ids of its own questions.
  std::uint64_t seed = 1;
};

/// Which tasks to ask the master after, and when: the statuses that a master makes up are told once
/// and may be lost (fact G10), a question may stay without an answer (fact C11), and there is no
/// word for "that was all" (fact C4).
///
/// It asks for every followed task after each subscription, with backoff until it is answered; for
/// everything the master knows, and again for every followed task, every 15 minutes. And it finds
/// out when silence becomes a proof: isCertain().
///
/// A state machine: it is told what happened, says what to ask (poll()) and when to be woken
/// (deadline()). It performs no I/O, reads no clock, never blocks. Not thread-safe. `now` must not
/// go backwards.
///
///     reconciler.onStatus(now, status);  // in Scheduler::statusUpdate, and so on
///     while (const auto question = reconciler.poll()) driver->reconcileTasks(*question);
class Reconciler {
 public:
  using Duration = std::chrono::nanoseconds;
  using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

  explicit Reconciler(ReconcilerOptions options = {});
  ~Reconciler();
  Reconciler(Reconciler&&) noexcept;
  Reconciler& operator=(Reconciler&&) noexcept;

  /// From Scheduler::registered and reregistered: whatever was in flight may be lost.
  void onSubscribed(TimePoint now);
  /// From Scheduler::disconnected. Nothing is asked until the next subscription.
  void onDisconnected();
  /// A task is to be asked after from now on, if nothing is heard of it within `patience`: zero for
  /// one known from an earlier run, half a minute for one being launched, whose ACCEPT must have
  /// reached the master before it is asked for (fact C17). Name the agent: without it, a task on an
  /// unreachable agent seems never to have been (fact C13).
  void follow(TimePoint now, const TaskID& task, const AgentID& agent, Duration patience);
  /// No more questions about this task. Harmless for one that is not followed.
  void forget(const TaskID& task);
  /// Every status, whatever it is about. A terminal one ends the following of its task.
  /// TASK_UNKNOWN is no answer: it means something only if isCertain() and if it names an agent
  /// (facts C13, C15); then forget() the task. Returns false if it answers a question of the
  /// reconciler's own, about a task that never was: it is of interest to nobody else.
  bool onStatus(TimePoint now, const TaskStatus& status);
  /// To be called no later than deadline(); more often is harmless.
  void onTimer(TimePoint now);

  /// The next question, for SchedulerDriver::reconcileTasks(): about these tasks, or about all if
  /// there are none; nullopt: nothing to ask now.
  std::optional<std::vector<TaskStatus>> poll();
  /// nullopt while disconnected.
  std::optional<TimePoint> deadline() const;

  /// Whether within this subscription no agent is on its way back to the master any more, and all
  /// that the master knows has been told: a task that is not heard of by now is not there. It
  /// becomes true within a second if nothing has failed; after a change of the master when every
  /// agent is back or given up (10 minutes). Until then a task merely unheard of must not be
  /// replaced.
  bool isCertain() const;
  /// Tasks that are followed.
  std::size_t following() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mesos
