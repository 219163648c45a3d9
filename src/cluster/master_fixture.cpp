#include "cluster/master_fixture.hpp"

#include "base/uuid.hpp"

#include <fstream>
#include <regex>
#include <sstream>

namespace mesos::cluster {
namespace {

const std::string& statuses() {
  static const std::string text = [] {
    std::ifstream file(MESOS_TRACES_DIR "/statuses/statuses.json");
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
  }();
  return text;
}

/// The JSON object that begins at `begin`.
std::string objectAt(const std::string& text, std::size_t begin) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (quoted) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        quoted = false;
      }
      continue;
    }
    if (text[i] == '"') quoted = true;
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return text.substr(begin, i + 1 - begin);
  }
  return "{}";
}

std::string withoutIds(const std::string& text) {
  static const std::regex uuid("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[SO0-9]+");
  return std::regex_replace(text, uuid, "<id>");
}

std::set<std::string> fieldsOf(const TaskStatus& status) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  status.GetReflection()->ListFields(status, &fields);
  std::set<std::string> names;
  for (const auto* field : fields) names.insert(field->name());
  return names;
}

}  // namespace

TaskStatus recordedStatus(const std::string& cause) {
  const std::string key = "{\"cause\": \"" + cause + "\", \"status\": ";
  const auto found = statuses().find(key);
  EXPECT_NE(found, std::string::npos) << "nothing recorded for " << cause;
  if (found == std::string::npos) return {};
  return fromText<TaskStatus>(objectAt(statuses(), found + key.size()));
}

void expectLike(const TaskStatus& recorded, const TaskStatus& actual) {
  EXPECT_EQ(TaskState_Name(recorded.state()), TaskState_Name(actual.state()));
  EXPECT_EQ(recorded.source(), actual.source());
  EXPECT_EQ(TaskStatus::Reason_Name(recorded.reason()), TaskStatus::Reason_Name(actual.reason()));
  EXPECT_EQ(withoutIds(recorded.message()), withoutIds(actual.message()));
  EXPECT_EQ(fieldsOf(recorded), fieldsOf(actual));
}

MasterTest::MasterTest(MasterOptions options, Registry registry)
    : master(now, std::move(options), random, std::move(registry)) {}

void MasterTest::drain() {
  for (;;) {
    while (auto effect = master.poll()) {
      if (auto* event = std::get_if<ToFramework>(&*effect)) {
        EXPECT_EQ(ended_.count(event->stream), 0u) << "an event after the stream's end";
        events_[event->stream].push_back(std::move(event->event));
      } else if (auto* end = std::get_if<EndFrameworkStream>(&*effect)) {
        EXPECT_TRUE(ended_.insert(end->stream).second) << "a stream ended twice";
      } else {
        deliver(std::get<ToAgent>(std::move(*effect)));
      }
    }
    checkBooks();
    const auto due = master.deadline();
    if (!due || *due > now.steady) return;
    master.onTimer(now);
  }
}

/// Agents answer pings, unless they are to be silent.
void MasterTest::deliver(ToAgent message) {
  if (std::holds_alternative<Ping>(message.message) && silent.count(message.link) == 0) {
    master.onAgentMessage(now, message.link, Pong{});
    return;
  }
  sent_.push_back(std::move(message));
}

/// Used, offered and free are the whole agent, and what uses it is what the books say.
void MasterTest::checkBooks() const {
  for (const auto& [id, agent] : master.agents()) {
    const Resources sum =
        agent.used.unallocated() + agent.offered.unallocated() + master.allocator().available(id);
    ASSERT_EQ(sum, agent.total) << id;
    Resources used;
    for (const auto& [frameworkId, framework] : master.frameworks()) {
      for (const auto& task : framework.tasks) {
        const Task one = task.second.task.unpack();
        if (one.agent_id().value() == id && !isTerminal(one.state())) {
          used += Resources(one.resources());
        }
      }
      const auto executors = framework.executors.find(id);
      if (executors == framework.executors.end()) continue;
      for (const auto& executor : executors->second) {
        used += Resources(executor.second.resources());
      }
    }
    ASSERT_EQ(agent.used, used) << id;
    Resources offered;
    for (const auto& offer : agent.offers) offered += master.offers().at(offer).resources;
    ASSERT_EQ(agent.offered, offered) << id;
  }
}

void MasterTest::advance(Duration duration) {
  const Now end = now + duration;
  drain();
  for (auto due = master.deadline(); due && *due <= end.steady; due = master.deadline()) {
    if (*due > now.steady) now = now + (*due - now.steady);
    master.onTimer(now);
    drain();
  }
  now = end;
}

StreamId MasterTest::subscribe(const std::string& frameworkInfo,
                               const std::string& suppressedRoles) {
  const StreamId stream = nextStream_++;
  const auto subscribe =
      fromText<Call::Subscribe>("{\"framework_info\":{" + frameworkInfo +
                                "},\"suppressed_roles\":[" + suppressedRoles + "]}");
  master.onSubscribe(now, stream, subscribe);
  if (const auto* framework = master.frameworkOf(stream)) {
    ids_[stream] = framework->info.id().value();
  }
  drain();
  return stream;
}

void MasterTest::close(StreamId stream) {
  master.onStreamClosed(now, stream);
  drain();
}

void MasterTest::call(StreamId stream, const std::string& json) {
  auto call = fromText<Call>("{" + json + "}");
  call.mutable_framework_id()->set_value(idOf(stream));
  master.onCall(now, call);
  drain();
}

std::string MasterTest::idOf(StreamId stream) const { return ids_.at(stream); }

std::uint64_t MasterTest::addAgent(const std::string& resources, const std::string& pid) {
  const std::uint64_t link = nextLink_++;
  RegisterAgent message;
  message.info.set_hostname("127.0.0.1");
  message.info.set_port(5051);
  *message.info.mutable_resources() = Resources::parse(resources).value().toProto();
  auto* rack = message.info.add_attributes();
  rack->set_name("rack");
  rack->set_type(v1::Value::TEXT);
  rack->mutable_text()->set_value("r1");
  message.pid = pid.empty() ? "slave(" + std::to_string(link) + ")@127.0.0.1:5051" : pid;
  message.version = "1.12.0";
  fromAgent(link, message);
  const auto registered = takeSent<AgentRegistered>();
  EXPECT_EQ(registered.size(), 1u);
  if (!registered.empty()) agents_[link] = registered[0].agentId.value();
  return link;
}

void MasterTest::fromAgent(std::uint64_t link, AgentToMaster message) {
  master.onAgentMessage(now, link, std::move(message));
  drain();
}

void MasterTest::closeLink(std::uint64_t link) {
  master.onAgentLinkClosed(now, link);
  drain();
}

RegisterAgent MasterTest::registrationOf(const std::string& id) const {
  RegisterAgent message;
  const MasterAgent& agent = master.agents().at(id);
  message.info = master.registry().admitted.at(id).unpack();
  message.pid = agent.pid;
  message.version = agent.version;
  for (const auto& [frameworkId, taskIds] : agent.tasks) {
    const MasterFramework& framework = master.frameworks().at(frameworkId);
    message.frameworks.push_back(framework.info);
    for (const std::string& taskId : taskIds) {
      message.tasks.push_back(framework.tasks.at(taskId).task);
    }
    const auto executors = framework.executors.find(id);
    if (executors == framework.executors.end()) continue;
    for (const auto& executor : executors->second) message.executors.push_back(executor.second);
  }
  return message;
}

std::string MasterTest::agentId(std::uint64_t link) const { return agents_.at(link); }

std::string MasterTest::update(std::uint64_t link, StreamId framework, const std::string& taskId,
                               TaskState state, std::optional<TaskState> latest) {
  StatusUpdate message;
  message.frameworkId.set_value(idOf(framework));
  message.status.mutable_task_id()->set_value(taskId);
  message.status.set_state(state);
  message.status.set_source(TaskStatus::SOURCE_EXECUTOR);
  message.status.mutable_agent_id()->set_value(agentId(link));
  message.status.set_timestamp(now.unixSeconds());
  message.status.set_uuid(randomUuid(random));
  message.latestState = latest.value_or(state);
  fromAgent(link, message);
  return message.status.uuid();
}

std::vector<MasterTest::Event> MasterTest::take(StreamId stream, bool heartbeats) {
  std::vector<Event> result = std::move(events_[stream]);
  events_[stream].clear();
  if (!heartbeats) {
    std::erase_if(result, [](const Event& event) { return event.type() == Event::HEARTBEAT; });
  }
  return result;
}

std::vector<Offer> MasterTest::takeOffers(StreamId stream) {
  std::vector<Offer> result;
  for (const Event& event : take(stream)) {
    const auto& offers = event.offers().offers();
    result.insert(result.end(), offers.begin(), offers.end());
  }
  return result;
}

Offer MasterTest::takeOffer(StreamId stream) {
  const auto offers = takeOffers(stream);
  EXPECT_EQ(offers.size(), 1u);
  return offers.empty() ? Offer() : offers[0];
}

std::vector<TaskStatus> MasterTest::takeUpdates(StreamId stream) {
  std::vector<TaskStatus> result;
  for (const Event& event : take(stream)) {
    if (event.type() == Event::UPDATE) result.push_back(event.update().status());
  }
  return result;
}

std::string MasterTest::acceptJson(const std::string& offerIds, const std::string& operations) {
  return R"("type":"ACCEPT","accept":{"offer_ids":[)" + offerIds +
         R"(],"filters":{"refuse_seconds":0},"operations":[)" + operations + "]}";
}

std::string MasterTest::idJson(const Offer& offer) {
  return "{\"value\":\"" + offer.id().value() + "\"}";
}

std::string MasterTest::launchJson(const std::string& tasks, const std::string& more) {
  return R"({"type":"LAUNCH","launch":{"task_infos":[)" + tasks + "]}" + more + "}";
}

std::string MasterTest::resourcesJson(const std::string& list) {
  return "\"resources\":[" + list + "]";
}

std::string MasterTest::scalarJson(const std::string& name, const std::string& value,
                                   const std::string& more) {
  return R"({"name":")" + name + R"(","type":"SCALAR","scalar":{"value":)" + value + "}" + more +
         "}";
}

std::string MasterTest::taskJson(const Offer& offer, const std::string& taskId,
                                 const std::string& extra) const {
  std::string id;
  protocol::appendJsonString(id, taskId);
  return R"({"name":"vb","task_id":{"value":)" + id + R"(},"agent_id":{"value":")" +
         offer.agent_id().value() +
         R"("},"command":{"value":"sleep 1"},"resources":[
           {"name":"cpus","type":"SCALAR","scalar":{"value":0.1}},
           {"name":"mem","type":"SCALAR","scalar":{"value":32}}])" +
         (extra.empty() ? "" : "," + extra) + "}";
}

void MasterTest::launch(StreamId stream, const Offer& offer,
                        const std::vector<std::string>& tasks) {
  std::string list;
  for (const std::string& task : tasks) list += (list.empty() ? "" : ",") + task;
  call(stream, R"("type":"ACCEPT","accept":{"offer_ids":[{"value":")" + offer.id().value() +
                   R"("}],"filters":{"refuse_seconds":0},"operations":[{"type":"LAUNCH",
                   "launch":{"task_infos":[)" +
                   list + "]}}]}");
}

void MasterTest::launch(StreamId stream, const std::vector<std::string>& taskIds) {
  const Offer offer = takeOffer(stream);
  std::vector<std::string> tasks;
  for (const std::string& id : taskIds) tasks.push_back(taskJson(offer, id));
  launch(stream, offer, tasks);
}

}  // namespace mesos::cluster
