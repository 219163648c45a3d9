#include "simulation/world.hpp"

#include "base/planted_bug.hpp"
#include "base/uuid.hpp"

#include <csignal>
#include <cstdio>

namespace mesos::simulation {

using cluster::RequestId;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using SchedulerCall = v1::scheduler::Call;
using SchedulerEvent = v1::scheduler::Event;
using ExecutorCall = v1::executor::Call;
using ExecutorEvent = v1::executor::Event;

namespace {

bool isUpdate(const protocol::Request& request) {
  ExecutorCall call;
  return call.ParseFromString(request.body) && call.type() == ExecutorCall::UPDATE;
}

}  // namespace

struct World::SchedulerNode {
  SchedulerNode(const v1::FrameworkInfo& framework, const fleet::AppSpec& app, std::uint64_t seed)
      : random(seed), session({}, framework, random), fleet(app, random) {}

  Random random;
  protocol::SchedulerSession session;
  fleet::Fleet fleet;
  std::uint64_t generation = 0;
  bool resumed = false;
  bool registered = false;
  std::map<protocol::ConnectionId, LinkId> links;
  std::deque<std::variant<SchedulerEvent, protocol::Disconnected>> callbacks;
  bool callbackPending = false;
  std::shared_ptr<Alarm> sessionAlarm = std::make_shared<Alarm>();
  std::shared_ptr<Alarm> fleetAlarm = std::make_shared<Alarm>();
};

struct World::MasterNode {
  MasterNode(Now now, cluster::MasterOptions options, std::uint64_t seed)
      : random(seed), http(now, std::move(options), {}, random) {}

  Random random;
  cluster::MasterHttp http;
  ServerEnd end;
  std::shared_ptr<Alarm> alarm = std::make_shared<Alarm>();
};

struct World::AgentNode {
  AgentNode(Now now, cluster::AgentOptions options, std::uint64_t seed)
      : random(seed), http(now, std::move(options), {}, random) {}

  Random random;
  cluster::AgentHttp http;
  ServerEnd end;
  std::shared_ptr<Alarm> alarm = std::make_shared<Alarm>();
  std::map<std::string, std::shared_ptr<ExecutorNode>> processes;  // By container id.
  std::optional<protocol::Request> lastUpdate;                     // That arrived.
};

/// A process: an executor that serves its tasks, or dies.
struct World::ExecutorNode {
  ExecutorNode(protocol::ExecutorSessionOptions options, std::uint64_t seed)
      : random(seed), session(std::move(options), random) {}

  Random random;
  protocol::ExecutorSession session;
  std::size_t agent = 0;
  std::string container;
  bool alive = true;
  bool stopping = false;
  std::map<std::string, TaskState> tasks;  // That have not ended.
  std::set<std::string> seen;              // Every task ever launched here.
  std::map<protocol::ConnectionId, LinkId> links;
  std::shared_ptr<Alarm> alarm = std::make_shared<Alarm>();
};

World::World(WorldOptions options)
    : options_(options), random_(options.seed), network_(clockwork_, random_) {
  app_.instances = 1 + random_.below(std::uint64_t{4});
  app_.executorUri = "http://127.0.0.1:1/executor";
  checkpoint_ = random_.chance(0.5);
  for (const char* const name : {"executor not fetched", "executor dies at once", "port taken",
                                 "scheduler killed", "executor killed", "update sent twice"}) {
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
  startScheduler(std::nullopt);
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

// --- The scheduler.

void World::startScheduler(std::optional<FrameworkID> resumed) {
  v1::FrameworkInfo framework;
  framework.set_name("simulated");
  framework.set_user("root");
  framework.add_roles("*");
  framework.set_failover_timeout(1e6);
  framework.set_checkpoint(checkpoint_);
  framework.add_capabilities()->set_type(v1::FrameworkInfo::Capability::PARTITION_AWARE);
  if (resumed) *framework.mutable_id() = *resumed;
  scheduler_ = std::make_unique<SchedulerNode>(framework, app_, random_.next());
  scheduler_->generation = ++schedulerGeneration_;
  scheduler_->resumed = resumed.has_value();
  scheduler_->session.onLeader(clockwork_.now(), protocol::Address{"127.0.0.1", 5050});
  pumpScheduler();
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
        &master_->end,
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
    node.callbacks.emplace_back(std::move(deliver->event));
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
    if (const auto* event = std::get_if<SchedulerEvent>(&callback)) {
      handle(*event);
      if (event->has_update()) handledUuids_.insert(event->update().status().uuid());
      scheduler_->session.onHandled(clockwork_.now(), *event);
    } else {
      scheduler_->fleet.onDisconnected(clockwork_.now());
    }
    performFleet();
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
        fleet.onRegistered(now, scheduler_->resumed);
      }
      break;
    case SchedulerEvent::OFFERS:
      fleet.onOffers(now, {event.offers().offers().begin(), event.offers().offers().end()});
      break;
    case SchedulerEvent::UPDATE:
      note("scheduler: " + event.update().status().task_id().value() + " is " +
           TaskState_Name(event.update().status().state()) + " " +
           event.update().status().message());
      fleet.onStatus(now, event.update().status());
      break;
    default:
      fleet.onTimer(now);
  }
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
    if (const auto* launch = std::get_if<fleet::Launch>(&*effect)) {
      call(SchedulerCall::ACCEPT, [&](SchedulerCall& message) {
        *message.mutable_accept()->add_offer_ids() = launch->offer;
        auto* operation = message.mutable_accept()->add_operations();
        operation->set_type(Offer::Operation::LAUNCH);
        checkLaunch(launch->tasks.size());
        for (const TaskInfo& task : launch->tasks) {
          note("fleet: launches " + task.task_id().value() + " on " + launch->offer.value());
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

void World::checkSend(const protocol::Request& request) {
  SchedulerCall call;
  if (!call.ParseFromString(request.body)) {
    fail("the session sent a call that does not parse");
  } else if (call.type() == SchedulerCall::ACKNOWLEDGE &&
             !handledUuids_.contains(call.acknowledge().uuid())) {
    fail("a status of " + call.acknowledge().task_id().value() +
         " was acknowledged before its callback returned");
  }
}

/// Nothing is launched beyond what is wanted, given what the agents have.
void World::checkLaunch(std::size_t launched) {
  std::size_t live = 0;
  const auto isLive = [&](const AgentNode& agent, const cluster::AgentExecutor& executor,
                          const std::string& task) {
    const auto process = agent.processes.find(executor.containerId);
    const bool ended = process != agent.processes.end() && process->second->seen.contains(task) &&
                       !process->second->tasks.contains(task);
    return !ended && !killed_.contains(task);
  };
  for (const auto& agent : agents_) {
    for (const auto& [frameworkId, framework] : agent->http.agent().frameworks()) {
      for (const auto& [executorId, executor] : framework.executors) {
        if (executor.state != cluster::ExecutorState::Registering &&
            executor.state != cluster::ExecutorState::Running) {
          continue;
        }
        for (const TaskInfo& task : executor.queuedTasks) {
          live += isLive(*agent, executor, task.task_id().value()) ? 1 : 0;
        }
        for (const auto& [taskId, task] : executor.tasks) {
          live += !isTerminal(task.state()) && isLive(*agent, executor, taskId) ? 1 : 0;
        }
      }
    }
  }
  if (live + launched > app_.instances) {
    fail(std::to_string(launched) + " launched while " + std::to_string(live) + " of " +
         std::to_string(app_.instances) + " live");
  }
}

// --- The cluster.

void World::pumpMaster() {
  while (auto effect = master_->http.poll()) perform(*effect);
  arm(master_->alarm, master_->http.deadline(), [this] {
    master_->http.onTimer(clockwork_.now());
    pumpMaster();
  });
}

void World::perform(cluster::MasterHttp::Effect& effect) {
  if (auto* respond = std::get_if<cluster::Respond>(&effect)) {
    if (respond->response.status >= 400) {
      note("master: answers " + std::to_string(respond->response.status) + " " +
           respond->response.body);
    }
    network_.respond(respond->id, std::move(respond->response));
  } else if (auto* open = std::get_if<cluster::OpenStream>(&effect)) {
    network_.openStream(open->id, std::move(open->head));
  } else if (auto* bytes = std::get_if<cluster::StreamBytes>(&effect)) {
    network_.streamBytes(bytes->id, std::move(bytes->bytes));
  } else if (const auto* end = std::get_if<cluster::EndStream>(&effect)) {
    network_.endStream(end->id);
  } else if (const auto* hangup = std::get_if<cluster::Hangup>(&effect)) {
    network_.hangup(hangup->id);
  } else if (auto* message = std::get_if<cluster::ToAgent>(&effect)) {
    const std::size_t index = message->link;
    clockwork_.after(milliseconds(1), [this, index, value = std::move(message->message)] {
      agents_.at(index)->http.onMasterMessage(clockwork_.now(), value);
      pumpAgent(index);
    });
  }
}

void World::pumpAgent(std::size_t index) {
  AgentNode& node = *agents_.at(index);
  while (auto effect = node.http.poll()) perform(index, *effect);
  arm(node.alarm, node.http.deadline(), [this, index] {
    agents_.at(index)->http.onTimer(clockwork_.now());
    pumpAgent(index);
  });
}

void World::perform(std::size_t index, cluster::AgentHttp::Effect& effect) {
  AgentNode& node = *agents_.at(index);
  if (auto* respond = std::get_if<cluster::Respond>(&effect)) {
    if (respond->response.status >= 400) {
      note("agent: answers " + std::to_string(respond->response.status) + " " +
           respond->response.body);
    }
    network_.respond(respond->id, std::move(respond->response));
  } else if (auto* open = std::get_if<cluster::OpenStream>(&effect)) {
    network_.openStream(open->id, std::move(open->head));
  } else if (auto* bytes = std::get_if<cluster::StreamBytes>(&effect)) {
    network_.streamBytes(bytes->id, std::move(bytes->bytes));
  } else if (const auto* end = std::get_if<cluster::EndStream>(&effect)) {
    network_.endStream(end->id);
  } else if (const auto* hangup = std::get_if<cluster::Hangup>(&effect)) {
    network_.hangup(hangup->id);
  } else if (auto* message = std::get_if<cluster::ToMaster>(&effect)) {
    clockwork_.after(milliseconds(1), [this, index, value = std::move(message->message)] {
      master_->http.onAgentMessage(clockwork_.now(), index, value);
      pumpMaster();
    });
  } else if (const auto* prepare = std::get_if<cluster::PrepareContainer>(&effect)) {
    const bool fails = chaotic_ && random_.chance(0.05);
    faults_["executor not fetched"] += fails ? 1 : 0;
    clockwork_.after(random_.below(Duration(milliseconds(500))),
                     [this, index, fails, container = prepare->containerId] {
                       agents_.at(index)->http.onPrepared(
                           clockwork_.now(), container,
                           fails ? Result<void>(Error{"Failed to fetch all URIs for container '" +
                                                      container + "': exited with status 1"})
                                 : Result<void>());
                       pumpAgent(index);
                     });
  } else if (const auto* fork = std::get_if<cluster::ForkContainer>(&effect)) {
    clockwork_.after(milliseconds(2), [this, index, value = *fork] {
      agents_.at(index)->http.onForked(clockwork_.now(), value.containerId, 1000);
      startExecutor(index, value);
      pumpAgent(index);
    });
  } else if (const auto* destroy = std::get_if<cluster::DestroyContainer>(&effect)) {
    if (node.processes.contains(destroy->containerId)) {
      clockwork_.after(milliseconds(2), [this, index, container = destroy->containerId] {
        endProcess(index, container, SIGKILL);
      });
    }
  }
}

// --- Executors.

void World::startExecutor(std::size_t agent, const cluster::ForkContainer& fork) {
  protocol::ExecutorSessionOptions options;
  const auto& environment = fork.environment;
  options.frameworkId.set_value(environment.at("MESOS_FRAMEWORK_ID"));
  options.executorId.set_value(environment.at("MESOS_EXECUTOR_ID"));
  options.agent = protocol::parseAddress(environment.at("MESOS_AGENT_ENDPOINT")).value();
  options.checkpoint = environment.at("MESOS_CHECKPOINT") == "1";
  auto node = std::make_shared<ExecutorNode>(options, random_.next());
  node->agent = agent;
  node->container = fork.containerId;
  for (const auto& other : liveExecutors()) {
    if (other->container == node->container) fail("a container was forked twice");
  }
  agents_.at(agent)->processes[fork.containerId] = node;
  if (chaotic_ && random_.chance(0.05)) {
    ++faults_["executor dies at once"];
    clockwork_.after(milliseconds(1),
                     [this, node] { endProcess(node->agent, node->container, 256); });
    return;
  }
  node->session.onStart(clockwork_.now());
  pumpExecutor(node);
}

void World::pumpExecutor(const std::shared_ptr<ExecutorNode>& node) {
  if (!node->alive) return;
  while (auto effect = node->session.poll()) {
    perform(node, *effect);
    if (!node->alive) return;
  }
  arm(node->alarm, node->session.deadline(), [this, node] {
    if (!node->alive) return;
    node->session.onTimer(clockwork_.now());
    pumpExecutor(node);
  });
}

void World::perform(const std::shared_ptr<ExecutorNode>& node,
                    protocol::ExecutorSession::Effect& effect) {
  if (const auto* connect = std::get_if<protocol::Connect>(&effect)) {
    const protocol::ConnectionId id = connect->id;
    const auto tell = [this, node](auto input) {
      if (!node->alive) return;
      input(node->session, clockwork_.now());
      pumpExecutor(node);
    };
    node->links[id] = network_.connect(
        &agents_.at(node->agent)->end,
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
    network_.send(node->links.at(send->id), std::move(send->request));
  } else if (const auto* close = std::get_if<protocol::Close>(&effect)) {
    network_.closeByClient(node->links.at(close->id));
  } else if (const auto* deliver = std::get_if<protocol::DeliverExecutorEvent>(&effect)) {
    onExecutorEvent(node, deliver->event);
  } else if (std::holds_alternative<protocol::Shutdown>(effect)) {
    for (const auto& [task, state] : node->tasks) {
      node->session.onUpdate(clockwork_.now(), [&] {
        TaskID id;
        id.set_value(task);
        return makeStatus(id, TASK_KILLED);
      }());
    }
    node->tasks.clear();
    node->stopping = true;
    node->session.onStop(clockwork_.now());
  } else if (std::holds_alternative<protocol::Stopped>(effect) ||
             std::holds_alternative<protocol::Failed>(effect)) {
    endProcess(node->agent, node->container, 0);
  }
}

void World::onExecutorEvent(const std::shared_ptr<ExecutorNode>& node, const ExecutorEvent& event) {
  if (event.type() == ExecutorEvent::SUBSCRIBED) {
    endIfIdle(node);
  } else if (event.type() == ExecutorEvent::LAUNCH) {
    const TaskID& id = event.launch().task().task_id();
    if (!node->seen.insert(id.value()).second) {
      fail("task " + id.value() + " was launched twice on one executor");
      return;
    }
    for (const auto& other : liveExecutors()) {
      if (other != node && other->tasks.contains(id.value())) {
        fail("task " + id.value() + " lives in two processes");
      }
    }
    node->tasks[id.value()] = TASK_STAGING;
    reportLater(node, id, TASK_STARTING, Duration(0));
    const bool portTaken = chaotic_ && random_.chance(0.05);
    faults_["port taken"] += portTaken ? 1 : 0;
    // Often at once, so that two updates wait for the acknowledgement of one.
    const Duration delay =
        random_.chance(0.5) ? Duration(0) : random_.below(Duration(milliseconds(300)));
    reportLater(node, id, portTaken ? TASK_FAILED : TASK_RUNNING, delay,
                portTaken ? "port in use" : "");
  } else if (event.type() == ExecutorEvent::KILL) {
    if (node->tasks.contains(event.kill().task_id().value())) {
      reportLater(node, event.kill().task_id(), TASK_KILLED, random_.below(Duration(seconds(2))));
    }
  }
}

/// As the executor program: a task written to a stream that broke never comes (fact X25).
void World::endIfIdle(const std::shared_ptr<ExecutorNode>& node) {
  clockwork_.after(minutes(1), [this, node] {
    if (!node->alive || !node->tasks.empty() || std::exchange(node->stopping, true)) return;
    node->session.onStop(clockwork_.now());
    pumpExecutor(node);
  });
}

void World::reportLater(const std::shared_ptr<ExecutorNode>& node, const TaskID& task,
                        TaskState state, Duration delay, std::string message) {
  clockwork_.after(delay, [this, node, task, state, message = std::move(message)] {
    const auto found = node->tasks.find(task.value());
    if (!node->alive || found == node->tasks.end()) return;
    found->second = state;
    if (isTerminal(state)) node->tasks.erase(found);
    node->session.onUpdate(clockwork_.now(), makeStatus(task, state, message));
    if (node->tasks.empty() && !std::exchange(node->stopping, true)) {
      node->session.onStop(clockwork_.now());
    }
    pumpExecutor(node);
  });
}

void World::endProcess(std::size_t agent, const std::string& container, int status) {
  const auto found = agents_.at(agent)->processes.find(container);
  if (found == agents_.at(agent)->processes.end()) return;
  const std::shared_ptr<ExecutorNode> node = found->second;
  node->alive = false;
  agents_.at(agent)->processes.erase(found);
  for (const auto& [id, link] : node->links) network_.closeByClient(link);
  note("agent " + std::to_string(agent) + ": container " + container + " ended with " +
       std::to_string(status));
  clockwork_.after(milliseconds(1), [this, agent, container, status] {
    agents_.at(agent)->http.onExited(clockwork_.now(), container, status);
    pumpAgent(agent);
  });
}

std::vector<std::shared_ptr<World::ExecutorNode>> World::liveExecutors() const {
  std::vector<std::shared_ptr<ExecutorNode>> live;
  for (const auto& agent : agents_) {
    for (const auto& [container, node] : agent->processes) live.push_back(node);
  }
  return live;
}

// --- Faults.

void World::scheduleChaos() {
  clockwork_.after(random_.below(Duration(seconds(8))), [this] {
    if (!chaotic_) return;
    chaos();
    scheduleChaos();
  });
}

void World::chaos() {
  switch (random_.below(std::uint64_t{8})) {
    case 0:
    case 1:
      killSomeExecutor();
      break;
    case 2:
      cutSomeLink();
      break;
    case 3:
      repeatSomeUpdate();
      break;
    case 4: {
      note("fault: a link to the master goes half-open");
      const auto links = network_.openLinks(&master_->end);
      if (!links.empty()) network_.halfOpen(links[random_.below(std::uint64_t{links.size()})]);
      break;
    }
    case 5:
      note("fault: the network turns bad for a while");
      network_.faults = {.latencyMax = milliseconds(300),
                         .refuse = 0.3,
                         .silentSyn = 0.1,
                         .cutPerSend = 0.05,
                         .slowPerSend = 0.1};
      clockwork_.after(random_.below(Duration(seconds(20))), [this] { network_.faults = {}; });
      break;
    case 6:
      if (random_.chance(0.5)) break;
      note("fault: the scheduler is killed and starts again under its id");
      // Before it had an id there was nothing to come back to.
      if (!scheduler_->session.framework().has_id()) break;
      ++faults_["scheduler killed"];
      // A SUBSCRIBE of the dead one that arrived late would take the framework from the living.
      for (const auto& [id, link] : scheduler_->links) network_.cut(link);
      startScheduler(FrameworkID(scheduler_->session.framework().id()));
      break;
    default:
      break;  // A quiet moment.
  }
}

void World::stopChaos() {
  note("the faults stop");
  chaotic_ = false;
  network_.faults = {};
}

void World::killSomeExecutor() {
  const auto live = liveExecutors();
  if (live.empty()) return;
  const auto& victim = live[random_.below(std::uint64_t{live.size()})];
  ++faults_["executor killed"];
  note("fault: kill -9 of container " + victim->container);
  endProcess(victim->agent, victim->container, SIGKILL);
}

void World::cutSomeLink() {
  const auto& end =
      random_.chance(0.5) ? master_->end : agents_[random_.below(std::uint64_t{2})]->end;
  const auto links = network_.openLinks(&end);
  if (links.empty()) return;
  note("fault: a connection is cut");
  network_.cut(links[random_.below(std::uint64_t{links.size()})]);
}

/// Only one that has arrived: a copy that overtook it could overtake the one before it as well,
/// which no executor lets happen (a task would be RUNNING and then STARTING).
void World::repeatSomeUpdate() {
  AgentNode& agent = *agents_[random_.below(std::uint64_t{agents_.size()})];
  if (!agent.lastUpdate) return;
  ++faults_["update sent twice"];
  const LinkId link =
      network_.connect(&agent.end, {[] {}, [](const protocol::ResponseHead&) {},
                                    [](std::string_view) {}, [] {}, [](std::string_view) {}});
  network_.send(link, *agent.lastUpdate);
}

// --- What must hold.

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

void World::checkStep() {
  const cluster::Master& master = master_->http.master();
  for (const auto& [id, agent] : master.agents()) {
    const Resources taken = (agent.used + agent.offered).unallocated();
    if (taken + master.allocator().available(id).unallocated() != agent.total) {
      fail("resources of " + id + " do not add up: used " + agent.used.toString() + ", offered " +
           agent.offered.toString() + ", free " + master.allocator().available(id).toString() +
           ", total " + agent.total.toString());
    }
  }
}

void World::checkRest() {
  const auto live = liveExecutors();
  if (live.size() != app_.instances) {
    fail(std::to_string(app_.instances) + " servers are wanted, " + std::to_string(live.size()) +
         " processes live");
  }
  for (const auto& node : live) {
    if (node->tasks.size() != 1 || node->tasks.begin()->second != TASK_RUNNING) {
      fail("a process lives without a running task");
    }
    if (node->session.unacknowledgedUpdates() != 0)
      fail("an executor still waits for an acknowledgement");
  }
  if (scheduler_->fleet.running() != app_.instances ||
      scheduler_->fleet.tasks() != app_.instances) {
    fail("the fleet believes in " + std::to_string(scheduler_->fleet.running()) + " running of " +
         std::to_string(scheduler_->fleet.tasks()) + " tasks, wanted are " +
         std::to_string(app_.instances));
  }
  for (const auto& [id, framework] : master_->http.master().frameworks()) {
    // A SUBSCRIBE whose answer was lost leaves a framework that never was anybody's.
    const bool ours = id == scheduler_->session.framework().id().value();
    if (framework.tasks.size() != (ours ? app_.instances : 0)) {
      fail("the master's tasks are not the wanted ones");
    }
    for (const auto& [taskId, task] : framework.tasks) {
      if (task.task.state() != TASK_RUNNING || task.task.status_update_state() != TASK_RUNNING) {
        fail("the master still holds " + taskId + " as " + TaskState_Name(task.task.state()));
      }
    }
  }
  for (const auto& agent : agents_) {
    for (const auto& [id, framework] : agent->http.agent().frameworks()) {
      for (const auto& [executorId, executor] : framework.executors) {
        if (executor.state != cluster::ExecutorState::Running) {
          fail("an agent still holds executor " + executorId);
        }
      }
    }
  }
}

}  // namespace mesos::simulation
