#include "cluster/test_cluster.hpp"

#include "protocol/record_io.hpp"

#include <csignal>
#include <utility>

namespace mesos::cluster {
namespace {

constexpr std::uint64_t kLink = 1;

Attribute textAttribute(const std::string& name, const std::string& value) {
  Attribute attribute;
  attribute.set_name(name);
  attribute.set_type(v1::Value::TEXT);
  attribute.mutable_text()->set_value(value);
  return attribute;
}

Attribute scalarAttribute(const std::string& name, double value) {
  Attribute attribute;
  attribute.set_name(name);
  attribute.set_type(v1::Value::SCALAR);
  attribute.mutable_scalar()->set_value(value);
  return attribute;
}

Attribute rangeAttribute(const std::string& name, std::uint64_t begin, std::uint64_t end) {
  Attribute attribute;
  attribute.set_name(name);
  attribute.set_type(v1::Value::RANGES);
  auto& range = *attribute.mutable_ranges()->add_range();
  range.set_begin(begin);
  range.set_end(end);
  return attribute;
}

AgentOptions recordedAgent() {
  AgentOptions options;
  options.hostname = "127.0.0.1";
  options.resources =
      Resources::parse("cpus:2;mem:2048;disk:4096;ports:[31000-32000];cpus(r):1;mem(r):256")
          .value();
  options.attributes = {textAttribute("rack", "r1"), scalarAttribute("n", 5),
                        rangeAttribute("rng", 1, 3)};
  return options;
}

MasterOptions recordedMaster() {
  MasterOptions options;
  options.hostname = "127.0.0.1";
  return options;
}

Now start() { return {TimePoint(std::chrono::hours(1)), {}}; }

}  // namespace

TestCluster::TestCluster(MasterOptions masterOptions, AgentOptions agentOptions)
    : now_(start() + std::chrono::hours(24 * 365 * 50)),
      masterHttp_(now_, std::move(masterOptions), {{"port", "5050"}}, random_),
      agentHttp_(now_, std::move(agentOptions), {{"port", "5051"}}, random_) {}

TestCluster::TestCluster() : TestCluster(recordedMaster(), recordedAgent()) {}

void TestCluster::startAgent() {
  agentHttp_.onStart(now_);
  settle();
  // Registration waits for a random while (G8).
  advance(std::chrono::minutes(1));
}

RequestId TestCluster::toMaster(const protocol::Request& request) {
  const RequestId id = nextRequest_++;
  answers_[id];
  masterHttp_.onRequest(now_, id, request);
  settle();
  return id;
}

RequestId TestCluster::toAgent(const protocol::Request& request) {
  const RequestId id = nextRequest_++;
  answers_[id];
  agentHttp_.onRequest(now_, id, request);
  settle();
  return id;
}

const Answer& TestCluster::askAgentLocally(const protocol::Request& request) {
  const RequestId id = nextRequest_++;
  answers_[id];
  agentHttp_.onLocalRequest(now_, id, request);
  settle();
  return answer(id);
}

void TestCluster::closeToMaster(RequestId id) {
  masterHttp_.onRequestClosed(now_, id);
  settle();
}

void TestCluster::closeToAgent(RequestId id) {
  agentHttp_.onRequestClosed(now_, id);
  settle();
}

void TestCluster::exitContainer(const std::string& containerId, int status) {
  agentHttp_.onExited(now_, containerId, status);
  settle();
}

void TestCluster::advance(Duration duration) {
  const TimePoint end = now_.steady + duration;
  for (;;) {
    TimePoint next = end;
    for (const auto& deadline : {masterHttp_.deadline(), agentHttp_.deadline()}) {
      if (deadline) next = std::min(next, *deadline);
    }
    now_ = now_ + std::max(Duration::zero(), next - now_.steady);
    masterHttp_.onTimer(now_);
    agentHttp_.onTimer(now_);
    settle();
    if (now_.steady >= end) return;
  }
}

void TestCluster::tellAgent(MasterToAgent message) {
  agentHttp_.onMasterMessage(now_, std::move(message));
  settle();
}

void TestCluster::settle() {
  for (;;) {
    if (auto effect = masterHttp_.poll()) {
      perform(*std::move(effect));
    } else if (auto agentEffect = agentHttp_.poll()) {
      perform(*std::move(agentEffect));
    } else {
      return;
    }
  }
}

void TestCluster::perform(MasterHttp::Effect effect) {
  std::visit([this](auto& each) { perform(std::move(each)); }, effect);
}

void TestCluster::perform(AgentHttp::Effect effect) {
  std::visit([this](auto& each) { perform(std::move(each)); }, effect);
}

void TestCluster::perform(const Respond& effect) {
  Answer& answer = answers_.at(effect.id);
  answer.status = effect.response.status;
  answer.headers = effect.response.headers;
  answer.body = effect.response.body;
}

void TestCluster::perform(const OpenStream& effect) {
  Answer& answer = answers_.at(effect.id);
  answer.status = effect.head.status;
  answer.headers = effect.head.headers;
  answer.streaming = true;
}

void TestCluster::perform(const StreamBytes& effect) {
  answers_.at(effect.id).body += effect.bytes;
}

void TestCluster::perform(const EndStream& effect) { answers_.at(effect.id).streaming = false; }

void TestCluster::perform(const Hangup& effect) { answers_.at(effect.id).hungUp = true; }

void TestCluster::perform(const ServeFile& effect) { answers_.at(effect.id).file = effect; }

void TestCluster::perform(ToAgent effect) {
  if (effect.link != kLink) return;  // To an agent that a test makes up.
  agentHttp_.onMasterMessage(now_, std::move(effect.message));
}

void TestCluster::perform(ToMaster effect) {
  masterHttp_.onAgentMessage(now_, kLink, std::move(effect.message));
}

void TestCluster::perform(const PrepareContainer& effect) {
  if (forksAtOnce) agentHttp_.onPrepared(now_, effect.containerId, {});
}

void TestCluster::perform(const ForkContainer& effect) {
  agentHttp_.onForked(now_, effect.containerId, nextPid_++);
}

/// Every check succeeds.
void TestCluster::perform(const StartCheck& effect) {
  const int outcome = std::holds_alternative<ForkContainer>(effect.what) ? 0
                      : std::holds_alternative<HttpProbe>(effect.what)   ? 200
                                                                         : 1;
  agentHttp_.onChecked(now_, effect.containerId, effect.checkId, outcome);
}

void TestCluster::perform(const DestroyContainer& effect) {
  agentHttp_.onExited(now_, effect.containerId, SIGKILL);
}

std::vector<std::string> recordsOf(const std::string& body) {
  protocol::RecordDecoder decoder;
  decoder.feed(body);
  std::vector<std::string> records;
  while (auto record = decoder.next()) records.push_back(*std::move(record));
  return records;
}

}  // namespace mesos::cluster
