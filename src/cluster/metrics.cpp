#include "cluster/metrics.hpp"

#include "cluster/agent_state_json.hpp"
#include "protocol/json.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace mesos::cluster {
namespace {

/// The messages of W74 that a master of ours can receive; each is shown from the start.
constexpr std::array<std::string_view, 21> kMessages{
    "messages_decline_offers",
    "messages_executor_to_framework",
    "messages_exited_executor",
    "messages_framework_to_executor",
    "messages_kill_task",
    "messages_launch_tasks",
    "messages_operation_status_update",
    "messages_operation_status_update_acknowledgement",
    "messages_reconcile_operations",
    "messages_reconcile_tasks",
    "messages_register_framework",
    "messages_register_slave",
    "messages_reregister_framework",
    "messages_reregister_slave",
    "messages_resource_request",
    "messages_revive_offers",
    "messages_status_update",
    "messages_status_update_acknowledgement",
    "messages_suppress_offers",
    "messages_unregister_framework",
    "messages_unregister_slave",
};

constexpr std::array kTerminalStates{TASK_DROPPED,  TASK_ERROR, TASK_FAILED,
                                     TASK_FINISHED, TASK_GONE,  TASK_GONE_BY_OPERATOR,
                                     TASK_KILLED,   TASK_LOST};
constexpr std::array kLiveStates{TASK_STAGING, TASK_STARTING, TASK_RUNNING, TASK_KILLING};

/// "tasks_running" of TASK_RUNNING.
std::string counterName(TaskState state) {
  std::string name = TaskState_Name(state).substr(std::string_view("TASK").size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return "tasks" + name;
}

/// total, used and percent of the four resources that everybody graphs.
void addResources(Metrics& metrics, const std::string& prefix, const Resources& total,
                  const Resources& used) {
  for (const std::string name : {"cpus", "gpus", "mem", "disk"}) {
    const double whole = total.scalar(name);
    const double part = used.scalar(name);
    metrics[prefix + name + "_total"] = whole;
    metrics[prefix + name + "_used"] = part;
    metrics[prefix + name + "_percent"] = whole > 0 ? part / whole : 0;
  }
}

template <typename States>
void addTasks(Metrics& metrics, const std::string& prefix, const States& states,
              const std::map<TaskState, std::uint64_t>& counts) {
  for (const TaskState state : states) {
    const auto count = counts.find(state);
    metrics[prefix + counterName(state)] =
        count == counts.end() ? 0 : static_cast<double>(count->second);
  }
}

void addAgents(Metrics& metrics, const Master& master) {
  Resources total;
  Resources used;
  double active = 0;
  double connected = 0;
  for (const auto& [id, agent] : master.agents()) {
    total += agent.total;
    used += agent.used;
    if (agent.active) ++active;
    if (agent.connected) ++connected;
  }
  const double all = static_cast<double>(master.agents().size());
  metrics["master/slaves_active"] = active;
  metrics["master/slaves_inactive"] = all - active;
  metrics["master/slaves_connected"] = connected;
  metrics["master/slaves_disconnected"] = all - connected;
  metrics["master/slaves_unreachable"] = static_cast<double>(master.registry().unreachable.size());
  addResources(metrics, "master/", total, used);
}

void addFrameworks(Metrics& metrics, const Master& master) {
  double active = 0;
  double connected = 0;
  double unreachableTasks = 0;
  std::map<TaskState, std::uint64_t> live;
  for (const auto& [id, framework] : master.frameworks()) {
    if (framework.active) ++active;
    if (framework.stream) ++connected;
    for (const auto& [taskId, task] : framework.tasks) ++live[task.task.state()];
    unreachableTasks += static_cast<double>(framework.unreachableTasks.size());
  }
  const double all = static_cast<double>(master.frameworks().size());
  metrics["master/frameworks_active"] = active;
  metrics["master/frameworks_inactive"] = all - active;
  metrics["master/frameworks_connected"] = connected;
  metrics["master/frameworks_disconnected"] = all - connected;
  metrics["master/tasks_unreachable"] = unreachableTasks;
  addTasks(metrics, "master/", kLiveStates, live);
}

}  // namespace

Metrics metricsOf(Now now, const Master& master) {
  const MasterCounters& counters = master.counters();
  Metrics metrics;
  metrics["master/uptime_secs"] = toSeconds(now.steady - master.started().steady);
  metrics["master/elected"] = master.leads() ? 1 : 0;
  metrics["master/outstanding_offers"] = static_cast<double>(master.offers().size());
  metrics["master/valid_status_updates"] = static_cast<double>(counters.validStatusUpdates);
  metrics["master/invalid_status_updates"] = static_cast<double>(counters.invalidStatusUpdates);
  metrics["master/valid_status_update_acknowledgements"] =
      static_cast<double>(counters.validAcknowledgements);
  metrics["master/invalid_status_update_acknowledgements"] =
      static_cast<double>(counters.invalidAcknowledgements);
  metrics["master/valid_operation_status_updates"] =
      static_cast<double>(counters.validOperationUpdates);
  metrics["master/invalid_operation_status_updates"] =
      static_cast<double>(counters.invalidOperationUpdates);
  metrics["master/valid_operation_status_update_acknowledgements"] =
      static_cast<double>(counters.validOperationAcknowledgements);
  metrics["master/invalid_operation_status_update_acknowledgements"] =
      static_cast<double>(counters.invalidOperationAcknowledgements);
  for (const std::string_view name : kMessages) metrics["master/" + std::string(name)] = 0;
  for (const auto& [name, count] : counters.messages) {
    metrics["master/" + name] = static_cast<double>(count);
  }
  addAgents(metrics, master);
  addFrameworks(metrics, master);
  addTasks(metrics, "master/", kTerminalStates, counters.terminalTasks);
  return metrics;
}

Metrics metricsOf(Now now, const Agent& agent) {
  const AgentCounters& counters = agent.counters();
  std::map<ExecutorState, double> executors;
  std::map<TaskState, std::uint64_t> live;
  for (const auto& [frameworkId, framework] : agent.frameworks()) {
    for (const auto& [id, executor] : framework.executors) {
      ++executors[executor.state];
      for (const auto& [taskId, task] : executor.tasks) ++live[task.state()];
      live[TASK_STAGING] += executor.queuedTasks.size();
    }
  }
  Metrics metrics;
  metrics["slave/uptime_secs"] = toSeconds(now.steady - agent.started().steady);
  metrics["slave/registered"] = agent.info().has_id() ? 1 : 0;
  metrics["slave/frameworks_active"] = static_cast<double>(agent.frameworks().size());
  metrics["slave/executors_registering"] = executors[ExecutorState::Registering];
  metrics["slave/executors_running"] = executors[ExecutorState::Running];
  metrics["slave/executors_terminating"] = executors[ExecutorState::Terminating];
  metrics["slave/executors_terminated"] = static_cast<double>(counters.executorsTerminated);
  metrics["slave/container_launch_errors"] = static_cast<double>(counters.containerLaunchErrors);
  metrics["slave/valid_status_updates"] = static_cast<double>(counters.validStatusUpdates);
  metrics["slave/invalid_status_updates"] = static_cast<double>(counters.invalidStatusUpdates);
  metrics["slave/valid_framework_messages"] = static_cast<double>(counters.validFrameworkMessages);
  addResources(metrics, "slave/", agent.options().resources, usedResources(agent));
  addTasks(metrics, "slave/", kLiveStates, live);
  constexpr std::array kShownTerminalStates{TASK_FAILED, TASK_FINISHED, TASK_GONE, TASK_KILLED,
                                            TASK_LOST};
  addTasks(metrics, "slave/", kShownTerminalStates, counters.terminalTasks);
  return metrics;
}

std::string metricsJson(const Metrics& metrics) {
  protocol::JsonWriter writer;
  writer.beginObject();
  for (const auto& [name, value] : metrics) writer.key(name).number(value);
  writer.endObject();
  return writer.take();
}

}  // namespace mesos::cluster
