#include "cluster_session.hpp"

#include "base/base64.hpp"
#include "fuzz.hpp"
#include "protocol/json.hpp"
#include "transport/http_wire.hpp"

#include <mesos/v1/executor/executor.pb.h>
#include <mesos/v1/master/master.pb.h>
#include <mesos/v1/scheduler/scheduler.pb.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace mesos::fuzz {
namespace {

using protocol::Request;
using SchedulerCall = v1::scheduler::Call;
using SchedulerEvent = v1::scheduler::Event;
using ExecutorCall = v1::executor::Call;

constexpr std::size_t kStepsMax = 40;
/// That TestCluster joins the two by.
constexpr std::uint64_t kAgentLink = 1;
constexpr Duration kWaitMax = std::chrono::minutes(20);

constexpr std::string_view kSubscribe =
    R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"fuzz",)"
    R"("failover_timeout":600,"checkpoint":true,"roles":["*"],"capabilities":[)"
    R"({"type":"MULTI_ROLE"},{"type":"PARTITION_AWARE"},{"type":"TASK_KILLING_STATE"}]}}})";

/// The number at the front of `text`, which loses it; 0 if there is none.
std::uint64_t takeNumber(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  std::uint64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

template <typename Message>
Request post(std::string target, std::string_view json, bool asProtobuf) {
  const std::string type(asProtobuf ? protocol::kProtobuf : protocol::kJson);
  Request request{"POST", std::move(target), {{"Content-Type", type}, {"Accept", type}}, ""};
  request.body = json;
  if (!asProtobuf) return request;
  Message message;
  if (protocol::fromJson(json, &message).has_value()) request.body = message.SerializeAsString();
  return request;
}

void replaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

ClusterSession::ClusterSession() {
  cluster_.startAgent();
  call(kSubscribe, false);
  cluster_.advance(std::chrono::seconds(2));
  readStream();
  require(!frameworkId_.empty() && !cluster_.master().offers().empty(), "no offer to begin with");
}

void ClusterSession::run(std::string_view steps) {
  std::size_t count = 0;
  for (const std::string& step : splitSteps(steps)) {
    if (++count > kStepsMax) break;
    runStep(step);
    readStream();
    check();
  }
  checkReads();
  checkEnd();
}

void ClusterSession::runStep(std::string_view step) {
  const std::size_t blank = std::min(step.find(' '), step.size());
  const std::string_view word = step.substr(0, blank);
  std::string_view rest = step.substr(std::min(blank + 1, step.size()));
  if (word == "call" || word == "call-protobuf") {
    call(rest, word != "call");
  } else if (word == "executor" || word == "executor-protobuf") {
    executorCall(rest, word != "executor");
  } else if (word == "operator" || word == "operator-agent") {
    operatorCall(rest, word != "operator");
  } else if (word == "http" || word == "http-agent") {
    http(rest, word != "http");
  } else if (word == "wait") {
    const Duration wanted = std::chrono::milliseconds(takeNumber(rest) % 10'000'000);
    const Duration wait = std::min(wanted, kWaitMax - waited_);
    waited_ += wait;
    cluster_.advance(wait);
  } else if (word == "exit") {
    exit(rest);
  } else if (word == "hold") {
    cluster_.forksAtOnce = false;
  } else if (word == "prepared") {
    prepared(rest);
  } else if (word == "close") {
    close(rest, toMaster_, false);
  } else if (word == "close-agent") {
    close(rest, toAgent_, true);
  } else if (word == "link") {
    cluster_.masterHttp().onAgentLinkClosed(cluster_.now(), kAgentLink);
    cluster_.advance({});
  } else if (word == "rejoin") {
    cluster_.agentHttp().onStart(cluster_.now());
    cluster_.advance({});
  } else if (word == "leave") {
    cluster_.agentHttp().onLeave(cluster_.now());
    cluster_.advance({});
  }
}

std::string ClusterSession::filledIn(std::string_view text) const {
  std::string filled(text);
  const auto& offers = cluster_.master().offers();
  const std::vector<std::string> live = containers();
  replaceAll(filled, "@F", frameworkId_);
  replaceAll(filled, "@A", cluster_.agent().info().id().value());
  replaceAll(filled, "@O", offers.empty() ? "none" : offers.begin()->first);
  replaceAll(filled, "@P", offers.empty() ? "none" : offers.rbegin()->first);
  replaceAll(filled, "@S", streamId_);
  replaceAll(filled, "@U", encodeBase64(uuid_));
  replaceAll(filled, "@C", live.empty() ? "none" : live.front());
  return filled;
}

void ClusterSession::call(std::string_view json, bool asProtobuf) {
  const std::string body = filledIn(json);
  Request request = post<SchedulerCall>("/api/v1/scheduler", body, asProtobuf);
  const bool subscribes = body.find("\"SUBSCRIBE\"") != body.npos;
  if (!subscribes) request.headers.add("Mesos-Stream-Id", streamId_);
  sendToMaster(request);
  if (!subscribes || !cluster_.answer(toMaster_.back()).streaming) return;
  stream_ = toMaster_.back();
  bytesRead_ = 0;
  decoder_ = protocol::RecordDecoder();
  if (const auto* id = cluster_.answer(stream_).headers.find("Mesos-Stream-Id")) streamId_ = *id;
}

void ClusterSession::executorCall(std::string_view json, bool asProtobuf) {
  sendToAgent(post<ExecutorCall>("/slave(1)/api/v1/executor", filledIn(json), asProtobuf));
}

void ClusterSession::operatorCall(std::string_view json, bool toAgent) {
  const Request request = post<v1::master::Call>("/api/v1", filledIn(json), false);
  toAgent ? sendToAgent(request) : sendToMaster(request);
}

void ClusterSession::http(std::string_view text, bool toAgent) {
  const std::string filled = filledIn(text);
  const std::size_t end = filled.find("\r\n\r\n");
  if (end == filled.npos) return;
  const auto head = transport::parseRequestHead(std::string_view(filled).substr(0, end + 4));
  if (!head) return;
  const Request request{head->method, head->target, head->headers, filled.substr(end + 4)};
  toAgent ? sendToAgent(request) : sendToMaster(request);
}

void ClusterSession::sendToMaster(const Request& request) {
  toMaster_.push_back(cluster_.toMaster(request));
}

void ClusterSession::sendToAgent(const Request& request) {
  toAgent_.push_back(cluster_.toAgent(request));
}

void ClusterSession::exit(std::string_view arguments) {
  const std::vector<std::string> live = containers();
  if (live.empty()) return;
  const std::string& container = live[takeNumber(arguments) % live.size()];
  cluster_.exitContainer(container, static_cast<int>(takeNumber(arguments) & 0xffff));
}

void ClusterSession::prepared(std::string_view arguments) {
  const std::vector<std::string> live = containers();
  if (live.empty()) return;
  const std::string& container = live[takeNumber(arguments) % live.size()];
  const bool fails = takeNumber(arguments) != 0;
  cluster_.agentHttp().onPrepared(cluster_.now(), container,
                                  fails ? Result<void>(Error{"fetched nothing"}) : Result<void>());
  cluster_.advance({});
}

void ClusterSession::close(std::string_view arguments, std::vector<cluster::RequestId>& requests,
                           bool toAgent) {
  if (requests.empty()) return;
  const cluster::RequestId id = requests[takeNumber(arguments) % requests.size()];
  toAgent ? cluster_.closeToAgent(id) : cluster_.closeToMaster(id);
}

void ClusterSession::readStream() {
  const std::string& body = cluster_.answer(stream_).body;
  decoder_.feed(std::string_view(body).substr(bytesRead_));
  bytesRead_ = body.size();
  const std::string* type = cluster_.answer(stream_).headers.find("Content-Type");
  while (const auto record = decoder_.next()) {
    SchedulerEvent event;
    const bool isJson = type != nullptr && *type == protocol::kJson;
    require(
        isJson ? protocol::fromJson(*record, &event).has_value() : event.ParseFromString(*record),
        "the stream carries what is no event");
    if (event.has_subscribed()) frameworkId_ = event.subscribed().framework_id().value();
    if (event.update().status().has_uuid()) uuid_ = event.update().status().uuid();
  }
  require(!decoder_.failure(), "the stream is not RecordIO");
}

std::vector<std::string> ClusterSession::containers() const {
  std::vector<std::string> live;
  for (const auto& [id, framework] : cluster_.agent().frameworks()) {
    for (const auto& [executorId, executor] : framework.executors) {
      live.push_back(executor.containerId);
    }
  }
  return live;
}

void ClusterSession::check() {
  const cluster::Master& master = cluster_.master();
  for (const auto& [id, agent] : master.agents()) {
    const Resources taken = (agent.used + agent.offered).unallocated();
    require(taken + master.allocator().available(id).unallocated() == agent.total,
            "the resources of an agent do not add up");
  }
}

void ClusterSession::checkReads() {
  for (const char* const path :
       {"/state", "/tasks", "/frameworks", "/slaves", "/roles", "/metrics/snapshot"}) {
    require(cluster_.askMaster({"GET", path, {}, ""}).status == 200, "the master does not answer");
  }
  for (const char* const path : {"/state", "/containers", "/metrics/snapshot"}) {
    require(cluster_.askAgent({"GET", path, {}, ""}).status == 200, "the agent does not answer");
  }
}

/// Whatever happened: with the frameworks go their offers, tasks and executors.
void ClusterSession::checkEnd() {
  std::vector<std::string> ids;
  for (const auto& framework : cluster_.master().frameworks()) ids.push_back(framework.first);
  for (const std::string& id : ids) {
    const Request request = post<v1::master::Call>(
        "/api/v1", R"({"type":"TEARDOWN","teardown":{"framework_id":{"value":")" + id + R"("}}})",
        true);
    require(cluster_.askMaster(request).status == 200, "a framework cannot be torn down");
  }
  require(cluster_.master().frameworks().empty() && cluster_.master().offers().empty(),
          "a framework or an offer survives the teardown");
  for (const auto& [id, agent] : cluster_.master().agents()) {
    require(agent.used.empty() && agent.offered.empty() && agent.tasks.empty(),
            "something of an agent is still used");
  }
  check();
}

}  // namespace mesos::fuzz
