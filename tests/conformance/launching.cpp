#include "conformance/launching.hpp"

#include <algorithm>

namespace mesos::conformance {

FrameworkInfo partitionAware() {
  FrameworkInfo info;
  info.add_capabilities()->set_type(FrameworkInfo::Capability::PARTITION_AWARE);
  return info;
}

double endless() { return 3600 * std::max(1.0, environment().timeScale); }

SchedulerCall callWith(SchedulerCall::Type type) {
  SchedulerCall call;
  call.set_type(type);
  return call;
}

Offer::Operation launchOf(const std::vector<TaskInfo>& tasks) {
  Offer::Operation operation;
  operation.set_type(Offer::Operation::LAUNCH);
  for (const TaskInfo& task : tasks) *operation.mutable_launch()->add_task_infos() = task;
  return operation;
}

void accept(TestFramework& framework, const std::vector<OfferID>& offers,
            const std::vector<Offer::Operation>& operations, double refuseSeconds) {
  SchedulerCall call = callWith(SchedulerCall::ACCEPT);
  auto* accept = call.mutable_accept();
  for (const OfferID& offer : offers) *accept->add_offer_ids() = offer;
  for (const Offer::Operation& operation : operations) *accept->add_operations() = operation;
  accept->mutable_filters()->set_refuse_seconds(refuseSeconds);
  framework.send(call);
}

void killWith(TestFramework& framework, const std::string& taskId,
              const std::function<void(SchedulerCall::Kill&)>& change) {
  SchedulerCall call = callWith(SchedulerCall::KILL);
  call.mutable_kill()->mutable_task_id()->set_value(taskId);
  change(*call.mutable_kill());
  framework.send(call);
}

void suppress(TestFramework& framework) { framework.send(callWith(SchedulerCall::SUPPRESS)); }

void reconcile(TestFramework& framework, const std::vector<AskedTask>& tasks) {
  SchedulerCall call = callWith(SchedulerCall::RECONCILE);
  call.mutable_reconcile();
  for (const AskedTask& asked : tasks) {
    auto* task = call.mutable_reconcile()->add_tasks();
    task->mutable_task_id()->set_value(asked.taskId);
    if (!asked.agentId.empty()) task->mutable_agent_id()->set_value(asked.agentId);
  }
  framework.send(call);
}

PlayedScenario::Launched PlayedScenario::launch(TestFramework& framework, const Change& change) {
  Launched launched;
  launched.offer = framework.offer();
  launched.task = executorTask(launched.offer, uniqueId("task"), uniqueId("executor"));
  if (change) change(launched.task);
  framework.accept({launched.offer}, {launched.task});
  return launched;
}

TestExecutor PlayedScenario::executorOf(const TestFramework& framework,
                                        const Launched& launched) const {
  return Scenario::executorOf(framework, launched.offer,
                              launched.task.executor().executor_id().value());
}

TestExecutor PlayedScenario::play(const TestFramework& framework, const Launched& launched) const {
  TestExecutor executor = executorOf(framework, launched);
  executor.subscribe();
  executor.stream().next(ExecutorEvent::SUBSCRIBED);
  awaitLaunch(executor, launched.id());
  return executor;
}

TestExecutor PlayedScenario::run(TestFramework& framework, const Launched& launched) const {
  TestExecutor executor = play(framework, launched);
  executor.update(launched.task.task_id(), TASK_RUNNING);
  framework.statusUntil(launched.id(), TASK_RUNNING);
  return executor;
}

void awaitAcknowledged(TestExecutor& executor, const TaskStatus& update) {
  executor.stream().next([&](const ExecutorEvent& event) {
    return event.type() == ExecutorEvent::ACKNOWLEDGED &&
           event.acknowledged().uuid() == update.uuid() &&
           event.acknowledged().task_id().value() == update.task_id().value();
  });
}

TaskInfo awaitLaunch(TestExecutor& executor, const std::string& taskId) {
  const auto event = executor.stream().next(ExecutorEvent::LAUNCH);
  if (event.launch().task().task_id().value() != taskId) {
    throw std::runtime_error("LAUNCH of another task: " + event.ShortDebugString());
  }
  return event.launch().task();
}

void runCommand(TestFramework& framework, const std::string& command) {
  const Offer offer = framework.offer();
  const TaskInfo task = commandTask(offer, uniqueId("command"), command);
  framework.accept({offer}, {task});
  framework.statusUntil(task.task_id().value(), TASK_FINISHED, Timeout(20000));
}

namespace {

rapidjson::Document copyOf(const rapidjson::Value* value) {
  rapidjson::Document copy;
  if (value) copy.CopyFrom(*value, copy.GetAllocator());
  return copy;
}

}  // namespace

rapidjson::Document taskState(const protocol::Address& master, const FrameworkID& framework,
                              const std::string& taskId, const char* list) {
  const auto state = frameworkState(master, framework.value());
  if (state.where == FrameworkState::Where::Nowhere) return {};
  return copyOf(findBy(state.json[list], "id", taskId));
}

rapidjson::Document agentState(const protocol::Address& master, const AgentID& agent) {
  const auto slaves = getJson(master, "/slaves");
  return copyOf(findBy(slaves["slaves"], "id", agent.value()));
}

rapidjson::Document executorState(const protocol::Address& agent, const FrameworkID& framework,
                                  const std::string& executorId) {
  const auto state = getJson(agent, "/state");
  for (const char* frameworks : {"frameworks", "completed_frameworks"}) {
    const auto* found = findBy(state[frameworks], "id", framework.value());
    if (!found) continue;
    for (const char* executors : {"executors", "completed_executors"}) {
      if (const auto* executor = findBy((*found)[executors], "id", executorId)) {
        return copyOf(executor);
      }
    }
  }
  throw std::runtime_error("the agent does not know the executor " + executorId);
}

std::string sandboxOf(const protocol::Address& agent, const FrameworkID& framework,
                      const std::string& executorId) {
  return executorState(agent, framework, executorId)["directory"].GetString();
}

std::optional<std::string> agentFile(const protocol::Address& agent, const std::string& path) {
  const auto response = get(agent, "/files/download?path=" + path);
  if (response.status == 404) return std::nullopt;
  if (response.status != 200) {
    throw std::runtime_error("the download of " + path + " was answered " +
                             std::to_string(response.status));
  }
  return response.body;
}

std::string awaitFile(const protocol::Address& agent, const std::string& path,
                      const std::string& text) {
  std::string content;
  eventually(
      text + " in " + path,
      [&] {
        content = agentFile(agent, path).value_or("");
        return content.find(text) != content.npos;
      },
      Timeout(10000));
  return content;
}

}  // namespace mesos::conformance
