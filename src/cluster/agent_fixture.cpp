#include "cluster/agent_fixture.hpp"

#include "cluster/pass_time.hpp"

namespace mesos::cluster {

namespace {

std::string wordFor(const Agent::Event& event) {
  std::string word = Agent::Event::Type_Name(event.type());
  if (event.has_launch()) word += " " + event.launch().task().task_id().value();
  for (const auto& task : event.launch_group().task_group().tasks()) {
    word += " " + task.task_id().value();
  }
  if (event.has_kill()) word += " " + event.kill().task_id().value();
  if (event.has_acknowledged()) {
    word += " " + event.acknowledged().task_id().value() + " " + event.acknowledged().uuid().back();
  }
  if (event.has_message()) word += " " + event.message().data();
  return word;
}

void addResources(TaskInfo& task) {
  Resource* cpus = task.add_resources();
  cpus->set_name("cpus");
  cpus->set_type(v1::Value::SCALAR);
  cpus->mutable_scalar()->set_value(0.1);
  cpus->mutable_allocation_info()->set_role("*");
}

TaskInfo namedTask(const std::string& id) {
  TaskInfo task;
  task.set_name(id);
  task.mutable_task_id()->set_value(id);
  task.mutable_agent_id()->set_value(kAgentId);
  addResources(task);
  return task;
}

}  // namespace

std::string uuidOf(char letter) {
  std::string bytes(16, '\x11');
  bytes[6] = '\x40';
  bytes.back() = letter;
  return bytes;
}

FrameworkInfo frameworkInfo(const std::string& id) {
  FrameworkInfo info;
  info.set_user("root");
  info.set_name("f");
  info.mutable_id()->set_value(id);
  return info;
}

FrameworkInfo awareFramework(const std::string& id) {
  FrameworkInfo info = frameworkInfo(id);
  info.add_capabilities()->set_type(FrameworkInfo::Capability::PARTITION_AWARE);
  return info;
}

TaskInfo commandTask(const std::string& id, const std::string& command) {
  TaskInfo task = namedTask(id);
  task.mutable_command()->set_value(command);
  return task;
}

TaskInfo executorTask(const std::string& id, const std::string& executorId) {
  TaskInfo task = namedTask(id);
  task.mutable_executor()->mutable_executor_id()->set_value(executorId);
  task.mutable_executor()->mutable_framework_id()->set_value(kFramework);
  task.mutable_executor()->mutable_command()->set_value("./executor");
  return task;
}

void setGrace(v1::DurationInfo* duration, Duration grace) {
  duration->set_nanoseconds(grace.count());
}

TaskStatus executorStatus(const std::string& taskId, TaskState state, char uuidLetter) {
  TaskStatus status;
  status.mutable_task_id()->set_value(taskId);
  status.set_state(state);
  status.set_source(TaskStatus::SOURCE_EXECUTOR);
  status.set_timestamp(1600000000.5);
  status.set_uuid(uuidOf(uuidLetter));
  return status;
}

AgentOptions AgentConversation::defaultOptions() {
  AgentOptions options;
  options.ip = "10.0.0.7";
  options.workDir = "/work";
  options.resources = Resources::parse("cpus:2;mem:1024").value();
  return options;
}

AgentConversation::AgentConversation(AgentOptions options)
    : options_(std::move(options)), owned_(std::in_place, now, options_, random), agent(*owned_) {
  agent.onStart(now);
  AgentRegistered registered;
  registered.agentId.set_value(kAgentId);
  fromMaster(registered);
}

void AgentConversation::drain() {
  while (auto effect = agent.poll()) {
    if (auto* message = std::get_if<ToMaster>(&*effect)) {
      if (auto* status = std::get_if<StatusUpdate>(&message->message)) {
        updates.push_back(*status);
      } else if (auto* exit = std::get_if<ExecutorExited>(&message->message)) {
        exits.push_back(*exit);
      } else {
        const auto* registration = std::get_if<RegisterAgent>(&message->message);
        if (registration != nullptr) lastAttempt_ = registration->attempt;
        toMaster.push_back(message->message);
      }
    } else if (auto* event = std::get_if<ToExecutor>(&*effect)) {
      eventWords.emplace_back(event->stream, wordFor(event->event));
      events.push_back(*event);
    } else if (auto* end = std::get_if<EndExecutorStream>(&*effect)) {
      eventWords.emplace_back(end->stream, "end");
    } else if (auto* prepare = std::get_if<PrepareContainer>(&*effect)) {
      prepares.push_back(*prepare);
    } else if (auto* fork = std::get_if<ForkContainer>(&*effect)) {
      forks.push_back(*fork);
    } else if (auto* signal = std::get_if<SignalContainer>(&*effect)) {
      signals.push_back(*signal);
    } else if (auto* check = std::get_if<StartCheck>(&*effect)) {
      checks.push_back(*check);
    } else if (auto* stop = std::get_if<StopCheck>(&*effect)) {
      stoppedChecks.push_back(stop->checkId);
    } else if (auto* destroy = std::get_if<DestroyContainer>(&*effect)) {
      destroys.push_back(*destroy);
    } else if (auto* write = std::get_if<WriteCheckpoint>(&*effect)) {
      files[write->path] = write->bytes;
    } else if (auto* remove = std::get_if<RemoveCheckpoint>(&*effect)) {
      std::erase_if(files, [&](const auto& file) {
        return file.first == remove->path || file.first.rfind(remove->path + "/", 0) == 0;
      });
    } else {
      EXPECT_TRUE(std::holds_alternative<AgentEnded>(*effect));
      hasEnded = true;
    }
  }
}

void AgentConversation::fromMaster(MasterToAgent message) {
  drain();
  if (auto* answer = std::get_if<AgentRegistered>(&message)) answer->attempt = lastAttempt_;
  agent.onMasterMessage(now, std::move(message));
  drain();
}

void AgentConversation::run(const TaskInfo& task, const FrameworkInfo& framework) {
  fromMaster(RunTask{framework, task});
}

void AgentConversation::killTask(const std::string& taskId, std::optional<Duration> grace) {
  KillTask message;
  message.frameworkId.set_value(kFramework);
  message.taskId.set_value(taskId);
  if (grace) setGrace(message.policy.emplace().mutable_grace_period(), *grace);
  fromMaster(message);
}

void AgentConversation::acknowledge(const TaskStatus& status) {
  AcknowledgeUpdate message;
  message.frameworkId.set_value(kFramework);
  message.taskId = status.task_id();
  message.uuid = status.uuid();
  fromMaster(message);
}

void AgentConversation::acknowledgeAll(const std::string& taskId) {
  for (std::size_t seen = 0; statusesOf(taskId).size() > seen;) {
    acknowledge(statusesOf(taskId)[seen++]);
  }
}

void AgentConversation::shutdownExecutor(const std::string& executorId) {
  ShutdownExecutor message;
  message.frameworkId.set_value(kFramework);
  message.executorId.set_value(executorId);
  fromMaster(message);
}

void AgentConversation::subscribe(ExecutorStreamId stream, const std::string& executorId,
                                  const std::vector<TaskInfo>& tasks,
                                  const std::vector<TaskStatus>& unacknowledged) {
  Agent::Call call;
  call.set_type(Agent::Call::SUBSCRIBE);
  call.mutable_framework_id()->set_value(kFramework);
  call.mutable_executor_id()->set_value(executorId);
  for (const auto& task : tasks) *call.mutable_subscribe()->add_unacknowledged_tasks() = task;
  for (const auto& status : unacknowledged) {
    *call.mutable_subscribe()->add_unacknowledged_updates()->mutable_status() = status;
  }
  agent.onExecutorSubscribe(now, stream, call);
  drain();
}

void AgentConversation::update(const TaskStatus& status, const std::string& executorId) {
  Agent::Call call;
  call.set_type(Agent::Call::UPDATE);
  call.mutable_framework_id()->set_value(kFramework);
  call.mutable_executor_id()->set_value(executorId);
  *call.mutable_update()->mutable_status() = status;
  agent.onExecutorCall(now, call);
  drain();
}

void AgentConversation::prepared(Result<void> result) {
  agent.onPrepared(now, containerId(), std::move(result));
  drain();
}

void AgentConversation::forked(Result<int> pid) {
  agent.onForked(now, containerId(), std::move(pid));
  drain();
}

void AgentConversation::exited(int status) { exited(containerId(), status); }

void AgentConversation::exited(const std::string& container, int status) {
  agent.onExited(now, container, status);
  drain();
}

void AgentConversation::checked(std::uint64_t checkId, const Result<int>& outcome) {
  agent.onChecked(now, containerId(), checkId, outcome);
  drain();
}

void AgentConversation::messageFromExecutor(const std::string& data) {
  Agent::Call call;
  call.set_type(Agent::Call::MESSAGE);
  call.mutable_framework_id()->set_value(kFramework);
  call.mutable_executor_id()->set_value("e1");
  call.mutable_message()->set_data(data);
  agent.onExecutorCall(now, call);
  drain();
}

void AgentConversation::start() {
  agent.onStart(now);
  drain();
}

void AgentConversation::restart() {
  LivingExecutors living = agent.onKilled();
  // In the same place: `agent` stays its name.
  owned_.emplace(now, options_, random, AgentRecovery{files, std::move(living)});
  drain();
  agent.onStart(now);
  drain();
}

void AgentConversation::leave() {
  agent.onLeave(now);
  drain();
}

void AgentConversation::advance(Duration by) {
  passTime(agent, now, by, [this] { drain(); });
}

void AgentConversation::runSubscribed(const std::string& taskId) {
  run(executorTask(taskId));
  prepared();
  forked();
  subscribe(1);
}

void AgentConversation::runCommand(const TaskInfo& task, const FrameworkInfo& framework) {
  run(task, framework);
  prepared();
  forked();
  acknowledgeAll(task.task_id().value());
}

std::vector<TaskStatus> AgentConversation::statusesOf(const std::string& taskId) const {
  std::vector<TaskStatus> found;
  for (const auto& each : updates) {
    if (each.status.task_id().value() == taskId) found.push_back(each.status);
  }
  return found;
}

TaskStatus AgentConversation::lastStatus() const {
  if (updates.empty()) {
    ADD_FAILURE() << "No status was sent.";
    return {};
  }
  return updates.back().status;
}

std::vector<std::string> AgentConversation::eventsOf(ExecutorStreamId stream) const {
  std::vector<std::string> words;
  for (const auto& [each, word] : eventWords) {
    if (each == stream) words.push_back(word);
  }
  return words;
}

void AgentConversation::clear() {
  updates.clear();
  exits.clear();
  toMaster.clear();
  events.clear();
  eventWords.clear();
  prepares.erase(prepares.begin(), prepares.empty() ? prepares.end() : prepares.end() - 1);
  forks.clear();
  signals.clear();
  destroys.clear();
}

}  // namespace mesos::cluster
