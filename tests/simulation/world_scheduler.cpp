// The framework's side: a scheduler session with a fleet on it.
#include "simulation/world_nodes.hpp"

namespace mesos::simulation {

using std::chrono::milliseconds;
using SchedulerCall = v1::scheduler::Call;
using SchedulerEvent = v1::scheduler::Event;

void World::startScheduler() {
  v1::FrameworkInfo framework;
  framework.set_name("simulated");
  framework.set_user("root");
  framework.add_roles("*");
  framework.set_failover_timeout(1e6);
  framework.set_checkpoint(checkpoint_);
  framework.add_capabilities()->set_type(v1::FrameworkInfo::Capability::PARTITION_AWARE);
  if (storedId_) *framework.mutable_id() = *storedId_;
  scheduler_ = std::make_unique<SchedulerNode>(framework, app_, random_.next());
  scheduler_->generation = ++schedulerGeneration_;
  std::vector<fleet::TaskRecord> tasks;
  for (const auto& [id, task] : storedTasks_) tasks.push_back(task);
  scheduler_->fleet.onRestored(clockwork_.now(), tasks);
  tellScheduler(master_ ? std::optional(master_->address) : std::nullopt);
}

/// What a detector says; who knows only a standby is told by redirects.
void World::tellScheduler(std::optional<protocol::Address> leader) {
  scheduler_->session.onLeader(clockwork_.now(), redirected_ ? kStandby : leader);
  pumpScheduler();
}

/// kill -9, and a start with what is on the disk.
void World::killScheduler() {
  // A SUBSCRIBE of the dead one that arrived late would take the framework from the living.
  for (const auto& [id, link] : scheduler_->links) network_.cut(link);
  startScheduler();
}

void World::pumpScheduler() {
  while (auto effect = scheduler_->session.poll()) perform(*effect);
  const std::uint64_t generation = scheduler_->generation;
  arm(scheduler_->sessionAlarm, scheduler_->session.deadline(), [this, generation] {
    if (scheduler_->generation != generation) return;
    scheduler_->session.onTimer(clockwork_.now());
    pumpScheduler();
  });
  if (scheduler_->session.queuedBytes() > 1 << 20) fail("the session's queue of calls grows");
  if (scheduler_->callbacks.size() > 1000) fail("the queue of callbacks grows");
}

void World::perform(protocol::SchedulerSession::Effect& effect) {
  SchedulerNode& node = *scheduler_;
  const std::uint64_t generation = node.generation;
  if (const auto* connect = std::get_if<protocol::Connect>(&effect)) {
    const protocol::ConnectionId id = connect->id;
    // What arrives for a scheduler that was killed meanwhile reaches nobody.
    const auto tell = [this, generation](auto input) {
      if (scheduler_->generation != generation) return;
      input(scheduler_->session, clockwork_.now());
      pumpScheduler();
    };
    node.links[id] = network_.connect(
        endAt(connect->address),
        {[=] { tell([&](auto& session, Now now) { session.onConnected(now, id); }); },
         [=](const protocol::ResponseHead& head) {
           tell([&](auto& session, Now now) { session.onResponse(now, id, head); });
         },
         [=](std::string_view bytes) {
           tell([&](auto& session, Now now) { session.onBytes(now, id, bytes); });
         },
         [=] { tell([&](auto& session, Now now) { session.onBodyEnd(now, id); }); },
         [=](std::string_view reason) {
           tell([&](auto& session, Now now) { session.onClosed(now, id, reason); });
         }});
  } else if (auto* send = std::get_if<protocol::Send>(&effect)) {
    checkSend(send->request);
    network_.send(node.links.at(send->id), std::move(send->request));
  } else if (const auto* close = std::get_if<protocol::Close>(&effect)) {
    network_.closeByClient(node.links.at(close->id));
  } else if (auto* deliver = std::get_if<protocol::DeliverEvent>(&effect)) {
    node.callbacks.emplace_back(std::move(*deliver->event));
    runCallback();
  } else if (auto* gone = std::get_if<protocol::Disconnected>(&effect)) {
    note("scheduler: disconnected: " + gone->reason);
    node.callbacks.emplace_back(std::move(*gone));
    runCallback();
  } else if (const auto* waiting = std::get_if<protocol::Waiting>(&effect)) {
    note("scheduler: waiting: " + waiting->reason);
  } else if (const auto* failed = std::get_if<protocol::Failed>(&effect)) {
    fail("the scheduler's session gave up: " + failed->message);
  }
}

/// Callbacks run on a thread of their own in a driver: later than the event, one at a time.
void World::runCallback() {
  if (scheduler_->callbackPending || scheduler_->callbacks.empty()) return;
  scheduler_->callbackPending = true;
  const std::uint64_t generation = scheduler_->generation;
  clockwork_.after(random_.below(Duration(milliseconds(10))), [this, generation] {
    if (scheduler_->generation != generation) return;
    auto callback = std::move(scheduler_->callbacks.front());
    scheduler_->callbacks.pop_front();
    scheduler_->callbackPending = false;
    const auto* event = std::get_if<SchedulerEvent>(&callback);
    if (event) {
      handle(*event);
    } else {
      scheduler_->fleet.onDisconnected(clockwork_.now());
    }
    performFleet();
    if (scheduler_->generation != generation) return;  // It was killed in the callback.
    if (event) {
      if (event->has_update()) handledUuids_.insert(event->update().status().uuid());
      scheduler_->session.onHandled(clockwork_.now(), *event);
    }
    pumpScheduler();
    runCallback();
  });
}

void World::handle(const SchedulerEvent& event) {
  const Now now = clockwork_.now();
  fleet::Fleet& fleet = scheduler_->fleet;
  switch (event.type()) {
    case SchedulerEvent::SUBSCRIBED:
      note("scheduler: subscribed as " + event.subscribed().framework_id().value());
      if (std::exchange(scheduler_->registered, true)) {
        fleet.onReregistered(now);
      } else {
        storedId_ = event.subscribed().framework_id();
        fleet.onRegistered(now);
      }
      break;
    case SchedulerEvent::OFFERS:
      fleet.onOffers(now, {event.offers().offers().begin(), event.offers().offers().end()});
      break;
    case SchedulerEvent::UPDATE:
      note("scheduler: " + event.update().status().task_id().value() + " is " +
           TaskState_Name(event.update().status().state()) + " " +
           event.update().status().message());
      checkStatus(event.update().status());
      if (isTerminal(event.update().status().state())) {
        toldEnded_.insert(event.update().status().task_id().value());
      }
      fleet.onStatus(now, event.update().status());
      break;
    default:
      fleet.onTimer(now);
  }
}

/// Whether the scheduler has survived it.
bool World::remember(const fleet::Remember& decision) {
  for (const fleet::TaskRecord& task : decision.tasks) storedTasks_[task.id] = task;
  for (const std::string& id : decision.ended) storedTasks_.erase(id);
  if (!random_.chance(0.02) || !happens("scheduler killed before it acts")) return true;
  note("fault: the scheduler is killed between what it remembers and what it does");
  ++faults_["scheduler killed before it acts"];
  killScheduler();
  return false;
}

void World::performFleet() {
  SchedulerNode& node = *scheduler_;
  const auto call = [&](SchedulerCall::Type type, auto fill) {
    SchedulerCall message;
    message.set_type(type);
    fill(message);
    node.session.onCall(clockwork_.now(), std::move(message));
  };
  while (auto effect = node.fleet.poll()) {
    if (const auto* decision = std::get_if<fleet::Remember>(&*effect)) {
      if (!remember(*decision)) return;
    } else if (const auto* launch = std::get_if<fleet::Launch>(&*effect)) {
      call(SchedulerCall::ACCEPT, [&](SchedulerCall& message) {
        *message.mutable_accept()->add_offer_ids() = launch->offer;
        auto* operation = message.mutable_accept()->add_operations();
        operation->set_type(Offer::Operation::LAUNCH);
        checkLaunch(launch->tasks.size());
        for (const TaskInfo& task : launch->tasks) {
          note("fleet: launches " + task.task_id().value() + " on " + launch->offer.value());
          if (!storedTasks_.contains(task.task_id().value())) {
            fail(task.task_id().value() + " is launched before it is remembered");
          }
          *operation->mutable_launch()->add_task_infos() = task;
        }
        message.mutable_accept()->mutable_filters()->set_refuse_seconds(toSeconds(launch->refuse));
      });
    } else if (const auto* decline = std::get_if<fleet::Decline>(&*effect)) {
      note("fleet: declines " + decline->offer.value() + " for " +
           std::to_string(toSeconds(decline->refuse)) + " s: " + decline->why);
      call(SchedulerCall::DECLINE, [&](SchedulerCall& message) {
        *message.mutable_decline()->add_offer_ids() = decline->offer;
        message.mutable_decline()->mutable_filters()->set_refuse_seconds(
            toSeconds(decline->refuse));
      });
    } else if (std::holds_alternative<fleet::Suppress>(*effect)) {
      note("fleet: suppresses offers");
      call(SchedulerCall::SUPPRESS, [](SchedulerCall&) {});
    } else if (std::holds_alternative<fleet::Revive>(*effect)) {
      note("fleet: revives offers");
      call(SchedulerCall::REVIVE, [](SchedulerCall&) {});
    } else if (const auto* kill = std::get_if<fleet::Kill>(&*effect)) {
      note("fleet: kills " + kill->task.value());
      killed_.insert(kill->task.value());
      call(SchedulerCall::KILL, [&](SchedulerCall& message) {
        *message.mutable_kill()->mutable_task_id() = kill->task;
      });
    } else if (const auto* reconcile = std::get_if<fleet::Reconcile>(&*effect)) {
      call(SchedulerCall::RECONCILE, [&](SchedulerCall& message) {
        message.mutable_reconcile();
        for (const TaskStatus& status : reconcile->tasks) {
          auto* task = message.mutable_reconcile()->add_tasks();
          *task->mutable_task_id() = status.task_id();
          if (status.has_agent_id()) *task->mutable_agent_id() = status.agent_id();
        }
      });
    } else if (const auto* announce = std::get_if<fleet::Announce>(&*effect)) {
      note("fleet: " + announce->line);
    }
  }
  const std::uint64_t generation = node.generation;
  arm(node.fleetAlarm, node.fleet.deadline(), [this, generation] {
    if (scheduler_->generation != generation) return;
    scheduler_->fleet.onTimer(clockwork_.now());
    performFleet();
    pumpScheduler();
  });
}

}  // namespace mesos::simulation
