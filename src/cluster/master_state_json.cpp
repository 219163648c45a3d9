#include "cluster/master_state_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace mesos::cluster {
namespace {

using protocol::JsonWriter;
using protocol::Target;

bool wanted(const std::string* filter, const std::string& id) {
  return filter == nullptr || *filter == id;
}

void writeCommand(JsonWriter& writer, const ExecutorInfo& executor) {
  const CommandInfo& command = executor.command();
  writer.beginObject();
  // An executor without command (type DEFAULT) shows the two lists alone (fact W14).
  if (executor.has_command()) writer.key("shell").boolean(command.shell());
  if (command.has_value()) writer.key("value").string(command.value());
  writer.key("argv").beginArray();
  for (const std::string& argument : command.arguments()) writer.string(argument);
  writer.endArray();
  if (command.has_environment()) writer.key("environment").message(command.environment());
  writer.key("uris").beginArray();
  for (const auto& uri : command.uris()) writer.message(uri);
  writer.endArray();
  writer.endObject();
}

void writeExecutor(JsonWriter& writer, const ExecutorInfo& executor, const std::string& agentId) {
  writer.beginObject();
  writer.key("executor_id").string(executor.executor_id().value());
  writer.key("name").string(executor.name());
  writer.key("framework_id").string(executor.framework_id().value());
  writer.key("command");
  writeCommand(writer, executor);
  writer.key("resources");
  writeResources(writer, executor.resources());
  writer.key("role").string(roleOf(executor.resources()));
  if (executor.has_labels()) {
    writer.key("labels");
    writeLabels(writer, executor.labels());
  }
  if (executor.has_type()) writer.key("type").string(ExecutorInfo::Type_Name(executor.type()));
  writer.key("slave_id").string(agentId);
  writer.endObject();
}

void writeOffer(JsonWriter& writer, const MasterOffer& offer) {
  writer.beginObject();
  writer.key("id").string(offer.offer.id().value());
  writer.key("framework_id").string(offer.offer.framework_id().value());
  // The framework may have been shown no allocation (fact S70); the resources always have one.
  Resource::AllocationInfo allocation;
  if (offer.resources.begin() != offer.resources.end()) {
    allocation = offer.resources.begin()->allocation_info();
  }
  writer.key("allocation_info").message(allocation);
  writer.key("slave_id").string(offer.offer.agent_id().value());
  writer.key("resources");
  writeResources(writer, offer.resources);
  writer.endObject();
}

/// What is written of the tasks that a framework has, in one walk over them: there are many, and
/// all have to be unpacked.
struct LiveTasks {
  /// `shown`: they are written themselves, too.
  LiveTasks(const MasterFramework& framework, bool shown) {
    JsonWriter writer;
    writer.beginArray();
    Task task;
    for (const auto& [id, record] : framework.tasks) {
      const bool isUsing = !isTerminal(record.task.state());
      if (!shown && !isUsing) continue;
      record.task.unpackInto(task);
      if (isUsing) used.add(task.resources());
      if (shown) writeTask(writer, task);
    }
    json = writer.endArray().take();
    for (const auto& [agentId, executors] : framework.executors) {
      for (const auto& [id, executor] : executors) used.add(executor.resources());
    }
  }

  std::string json;
  Quantities used;  ///< As usedResources(), in a hundredth of its time.
};

/// What /state, /frameworks and /state-summary all begin a framework with.
void writeFrameworkHead(JsonWriter& writer, const Master& master, const MasterFramework& framework,
                        const Quantities& used) {
  const FrameworkInfo& info = framework.info;
  writer.key("id").string(info.id().value());
  writer.key("name").string(info.name());
  writer.key("used_resources");
  used.write(writer);
  writer.key("offered_resources");
  writeResources(writer, offeredResources(master, framework));
  writer.key("capabilities").beginArray();
  for (const auto& capability : info.capabilities()) {
    writer.string(FrameworkInfo::Capability::Type_Name(capability.type()));
  }
  writer.endArray();
  writer.key("hostname").string(info.hostname());
  writer.key("webui_url").string(info.webui_url());
  writer.key("active").boolean(framework.active);
  writer.key("connected").boolean(framework.stream.has_value());
  writer.key("recovered").boolean(framework.recovered);
}

void writeFrameworkTasks(JsonWriter& writer, const MasterFramework& framework,
                         const LiveTasks& live) {
  writer.key("tasks").raw(live.json);
  writer.key("unreachable_tasks").beginArray();
  for (const Task& task : framework.unreachableTasks) writeTask(writer, task);
  writer.endArray();
  writer.key("completed_tasks").beginArray();
  for (const Task& task : framework.completedTasks) writeTask(writer, task);
  writer.endArray();
}

void writeFrameworkOffers(JsonWriter& writer, const Master& master,
                          const MasterFramework& framework) {
  writer.key("offers").beginArray();
  for (const std::string& id : framework.offers) {
    const auto offer = master.offers().find(id);
    if (offer != master.offers().end()) writeOffer(writer, offer->second);
  }
  writer.endArray();
}

void writeFramework(JsonWriter& writer, const Master& master, const MasterFramework& framework) {
  const FrameworkInfo& info = framework.info;
  LiveTasks live(framework, true);
  writer.beginObject();
  writeFrameworkHead(writer, master, framework, live.used);
  writer.key("user").string(info.user());
  writer.key("failover_timeout").number(info.failover_timeout());
  writer.key("checkpoint").boolean(info.checkpoint());
  writer.key("registered_time").number(framework.registered.unixSeconds());
  writer.key("unregistered_time")
      .number(framework.unregistered ? framework.unregistered->unixSeconds() : 0);
  if (info.has_principal()) writer.key("principal").string(info.principal());
  if (framework.reregistered) {
    writer.key("reregistered_time").number(framework.reregistered->unixSeconds());
  }
  writer.key("resources");
  live.used.add(offeredResources(master, framework));
  live.used.write(writer);
  writeRoles(writer, info);
  writeFrameworkTasks(writer, framework, live);
  writeFrameworkOffers(writer, master, framework);
  writer.key("executors").beginArray();
  for (const auto& [agentId, executors] : framework.executors) {
    for (const auto& [id, executor] : executors) writeExecutor(writer, executor, agentId);
  }
  writer.endArray();
  if (info.has_labels()) {
    writer.key("labels");
    writeLabels(writer, info.labels());
  }
  writer.key("offer_constraints").beginObject().endObject();
  writer.endObject();
}

void writeFrameworks(JsonWriter& writer, const Master& master, const std::string* filter) {
  writer.key("frameworks").beginArray();
  for (const auto& [id, framework] : master.frameworks()) {
    if (wanted(filter, id)) writeFramework(writer, master, framework);
  }
  writer.endArray();
  writer.key("completed_frameworks").beginArray();
  for (const MasterFramework& framework : master.completedFrameworks()) {
    if (wanted(filter, framework.info.id().value())) writeFramework(writer, master, framework);
  }
  writer.endArray();
}

/// Fact W11; the object is left open.
void beginAgent(JsonWriter& writer, const Master& master, const MasterAgent& agent) {
  writer.beginObject();
  writer.key("id").string(agent.info.id().value());
  writer.key("hostname").string(agent.info.hostname());
  writer.key("port").integer(agent.info.port());
  writer.key("attributes");
  writeAttributes(writer, agent.info.attributes());
  if (agent.info.has_domain()) writer.key("domain").message(agent.info.domain());
  writer.key("pid").string(agent.pid);
  writer.key("registered_time").number(agent.registered.unixSeconds());
  if (agent.reregistered) {
    writer.key("reregistered_time").number(agent.reregistered->unixSeconds());
  }
  writer.key("resources");
  writeResources(writer, agent.total);
  writer.key("used_resources");
  writeResources(writer, agent.used);
  writer.key("offered_resources");
  writeResources(writer, agent.offered);
  writer.key("reserved_resources");
  writeReservedByRole(writer, agent.total);
  writer.key("unreserved_resources");
  writeResources(writer, agent.total.unreserved());
  writer.key("active").boolean(agent.active);
  const auto& outOfService = master.registry().deactivated;
  const auto deactivated = outOfService.find(agent.info.id().value());
  writer.key("deactivated").boolean(deactivated != outOfService.end());
  writer.key("version").string(agent.version);
  writer.key("capabilities");
  writeAgentCapabilities(writer);
  if (deactivated == outOfService.end() || !deactivated->second) return;
  writer.key("drain_info").message(*deactivated->second);
  if (!agent.drainStarted) return;
  writer.key("estimated_drain_start_time_seconds").number(agent.drainStarted->unixSeconds());
}

/// Fact W12: those that did not come back yet after a failover.
void writeRecoveredAgents(JsonWriter& writer, const Master& master) {
  writer.key("recovered_slaves").beginArray();
  for (const auto& [id, info] : master.recoveredAgents()) {
    writer.beginObject();
    writer.key("id").string(id);
    writer.key("hostname").string(info.hostname());
    writer.key("port").integer(info.port());
    writer.key("attributes");
    writeAttributes(writer, info.attributes());
    writer.endObject();
  }
  writer.endArray();
}

double countAgents(const Master& master, bool active) {
  return static_cast<double>(
      std::count_if(master.agents().begin(), master.agents().end(),
                    [active](const auto& entry) { return entry.second.active == active; }));
}

void writeLeader(JsonWriter& writer, const Master& master) {
  const MasterInfo& info = master.info();
  writer.key("leader").string(info.pid());
  writer.key("leader_info").beginObject();
  writer.key("id").string(info.id());
  writer.key("pid").string(info.pid());
  writer.key("port").integer(info.port());
  writer.key("hostname").string(info.hostname());
  writer.endObject();
}

/// Every task of a framework, whatever became of it; for as long as the visit.
template <typename Visit>
void forEachTask(const MasterFramework& framework, Visit visit) {
  Task live;
  for (const auto& [id, task] : framework.tasks) visit(task.task.unpackInto(live));
  for (const Task& task : framework.unreachableTasks) visit(task);
  for (const Task& task : framework.completedTasks) visit(task);
}

std::size_t numberOf(const std::string* text, std::size_t otherwise) {
  if (text == nullptr) return otherwise;
  std::size_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, number);
  return error == std::errc() && rest == end && !text->empty() ? number : otherwise;
}

/// A task without a status is newer than any that has one.
double firstStatusTime(const Task& task) {
  return task.statuses_size() == 0 ? std::numeric_limits<double>::infinity()
                                   : task.statuses(0).timestamp();
}

/// A task to be sorted among others.
struct Timed {
  double firstStatus;
  TaskRecord task;
};

std::vector<Timed> tasksMatching(const Master& master, const Target& target) {
  const std::string* frameworkId = target.find("framework_id");
  const std::string* taskId = target.find("task_id");
  std::vector<Timed> tasks;
  forEachFramework(master, [&](const MasterFramework& framework) {
    if (!wanted(frameworkId, framework.info.id().value())) return;
    forEachTask(framework, [&](const Task& task) {
      if (wanted(taskId, task.task_id().value())) tasks.push_back({firstStatusTime(task), task});
    });
  });
  const std::string* order = target.find("order");
  const bool ascending = order != nullptr && *order == "asc";
  std::stable_sort(tasks.begin(), tasks.end(), [ascending](const Timed& a, const Timed& b) {
    return ascending ? a.firstStatus < b.firstStatus : a.firstStatus > b.firstStatus;
  });
  return tasks;
}

/// How many tasks are in each state, and where they and their frameworks are (fact W19).
struct Summary {
  std::map<TaskState, std::int64_t> states;
  std::set<std::string> ids;

  void add(const Task& task, const std::string& id) {
    ++states[task.state()];
    ids.insert(id);
  }
  void write(JsonWriter& writer, std::string_view idsKey) {
    for (const TaskState state :
         {TASK_STAGING, TASK_STARTING, TASK_RUNNING, TASK_KILLING, TASK_FINISHED, TASK_KILLED,
          TASK_FAILED, TASK_LOST, TASK_ERROR, TASK_UNREACHABLE}) {
      writer.key(TaskState_Name(state)).integer(states[state]);
    }
    writer.key(idsKey).beginArray();
    for (const std::string& id : ids) writer.string(id);
    writer.endArray();
  }
};

}  // namespace

Resources usedResources(const MasterFramework& framework) {
  Resources used;
  for (const auto& [id, task] : framework.tasks) {
    if (!isTerminal(task.task.state())) used += Resources(task.task.unpack().resources());
  }
  for (const auto& [agentId, executors] : framework.executors) {
    for (const auto& [id, executor] : executors) used += Resources(executor.resources());
  }
  return used;
}

Resources offeredResources(const Master& master, const MasterFramework& framework) {
  Resources offered;
  for (const std::string& id : framework.offers) {
    const auto offer = master.offers().find(id);
    if (offer != master.offers().end()) offered += offer->second.resources;
  }
  return offered;
}

std::string stateJson(const Master& master, const Flags& flags) {
  const MasterInfo& info = master.info();
  JsonWriter writer;
  writer.beginObject();
  writeVersion(writer, master.options().version);
  writer.key("start_time").number(master.started().unixSeconds());
  writer.key("elected_time").number(master.elected().unixSeconds());
  writer.key("id").string(master.id());
  writer.key("pid").string(info.pid());
  writer.key("hostname").string(info.hostname());
  writer.key("capabilities").beginArray();
  for (const auto& capability : info.capabilities()) {
    writer.string(MasterInfo::Capability::Type_Name(capability.type()));
  }
  writer.endArray();
  writer.key("activated_slaves").number(countAgents(master, true));
  writer.key("deactivated_slaves").number(countAgents(master, false));
  writer.key("unreachable_slaves")
      .number(static_cast<double>(master.registry().unreachable.size()));
  writeLeader(writer, master);
  writer.key("flags");
  writeFlags(writer, flags);
  writer.key("slaves").beginArray();
  for (const auto& [id, agent] : master.agents()) {
    beginAgent(writer, master, agent);
    writer.endObject();
  }
  writer.endArray();
  writeRecoveredAgents(writer, master);
  writeFrameworks(writer, master, nullptr);
  writer.key("orphan_tasks").beginArray().endArray();
  writer.key("unregistered_frameworks").beginArray().endArray();
  writer.endObject();
  return writer.take();
}

std::string slavesJson(const Master& master, const Target& target) {
  JsonWriter writer;
  writer.beginObject();
  writer.key("slaves").beginArray();
  for (const auto& [id, agent] : master.agents()) {
    if (!wanted(target.find("slave_id"), id)) continue;
    beginAgent(writer, master, agent);
    writer.key("reserved_resources_full");
    writeReservedByRoleFull(writer, agent.total);
    writer.key("unreserved_resources_full");
    writeResourcesFull(writer, agent.total.unreserved());
    writer.key("used_resources_full");
    writeResourcesFull(writer, agent.used);
    writer.key("offered_resources_full");
    writeResourcesFull(writer, agent.offered);
    writer.endObject();
  }
  writer.endArray();
  writeRecoveredAgents(writer, master);
  writer.endObject();
  return writer.take();
}

std::string frameworksJson(const Master& master, const Target& target) {
  JsonWriter writer;
  writer.beginObject();
  writeFrameworks(writer, master, target.find("framework_id"));
  writer.key("unregistered_frameworks").beginArray().endArray();
  writer.endObject();
  return writer.take();
}

std::string tasksJson(const Master& master, const Target& target) {
  constexpr std::size_t kLimit = 100;
  const std::vector<Timed> tasks = tasksMatching(master, target);
  const std::size_t begin = std::min(numberOf(target.find("offset"), 0), tasks.size());
  const std::size_t count = std::min(numberOf(target.find("limit"), kLimit), tasks.size() - begin);
  JsonWriter writer;
  writer.beginObject();
  writer.key("tasks").beginArray();
  for (std::size_t i = begin; i < begin + count; ++i) writeTask(writer, tasks[i].task.unpack());
  writer.endArray();
  writer.endObject();
  return writer.take();
}

std::string stateSummaryJson(const Master& master) {
  std::map<std::string, Summary> ofAgent;
  std::map<std::string, Summary> ofFramework;
  forEachFramework(master, [&](const MasterFramework& framework) {
    const std::string& frameworkId = framework.info.id().value();
    forEachTask(framework, [&](const Task& task) {
      ofAgent[task.agent_id().value()].add(task, frameworkId);
      ofFramework[frameworkId].add(task, task.agent_id().value());
    });
  });
  JsonWriter writer;
  writer.beginObject();
  writer.key("hostname").string(master.info().hostname());
  writer.key("slaves").beginArray();
  for (const auto& [id, agent] : master.agents()) {
    beginAgent(writer, master, agent);
    ofAgent[id].write(writer, "framework_ids");
    writer.endObject();
  }
  writer.endArray();
  writer.key("frameworks").beginArray();
  for (const auto& [id, framework] : master.frameworks()) {
    writer.beginObject();
    writeFrameworkHead(writer, master, framework, LiveTasks(framework, false).used);
    ofFramework[id].write(writer, "slave_ids");
    writer.endObject();
  }
  writer.endArray();
  writer.endObject();
  return writer.take();
}

}  // namespace mesos::cluster
