// The processes that agents fork: executors that serve their tasks, or die.
#include "simulation/world_nodes.hpp"

namespace mesos::simulation {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ExecutorEvent = v1::executor::Event;

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
  if (random_.chance(0.05) && happens("executor dies at once")) {
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
        agents_.at(node->agent)->running ? &agents_.at(node->agent)->end() : nullptr,
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
    checkDelivery(id.value());
    node->tasks[id.value()] = TASK_STAGING;
    reportLater(node, id, TASK_STARTING, Duration(0));
    const bool portTaken = random_.chance(0.05) && happens("port taken");
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
  if (!agents_.at(agent)->running) return;  // The next one finds out.
  afterwards(agent, milliseconds(1), [this, agent, container, status] {
    agents_.at(agent)->http().onExited(clockwork_.now(), container, status);
  });
}

std::vector<std::shared_ptr<World::ExecutorNode>> World::liveExecutors() const {
  std::vector<std::shared_ptr<ExecutorNode>> live;
  for (const auto& agent : agents_) {
    for (const auto& [container, node] : agent->processes) live.push_back(node);
  }
  return live;
}

}  // namespace mesos::simulation
