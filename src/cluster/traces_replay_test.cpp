// Recorded requests of a real Mesos, sent to ours: the answers must be those that were recorded, in
// status, header names and their order, and for refusals in every byte of the body.

#include "cluster/recorded_exchange.hpp"
#include "cluster/test_cluster.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <regex>

namespace mesos::cluster {
namespace {

using protocol::Request;
using protocol::Response;

constexpr std::string_view kStreamIdHeader = "Mesos-Stream-Id";

std::vector<std::string> namesOf(const protocol::Headers& headers) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers) names.push_back(name);
  return names;
}

Request post(const std::string& path, const std::string& contentType, const std::string& body) {
  return {"POST", path, {{"Content-Type", contentType}}, body};
}

/// The text without what is worded our own way: why a role's name is not one. Its length goes with
/// it.
std::string comparable(const std::string& body) {
  static const std::regex kRoleFault("^[0-9]+\n(.*(invalid role|not a valid role): ).*");
  return std::regex_replace(body, kRoleFault, "$1");
}

/// Replays one group against a cluster, with our ids in the place of the recorded ones.
class Replay {
 public:
  using Excluded = std::map<std::string, std::string>;  // Name, reason.
  using Step = std::function<void()>;

  Replay(std::string group, std::string recordedMasterId)
      : group_(std::move(group)), recordedMasterId_(std::move(recordedMasterId)) {}
  Replay(std::string group, std::string recordedMasterId, MasterOptions master, AgentOptions agent)
      : group_(std::move(group)),
        recordedMasterId_(std::move(recordedMasterId)),
        cluster_(std::move(master), std::move(agent)) {}

  TestCluster& cluster() { return cluster_; }
  /// Runs before the first exchange whose number is at least `number`.
  void before(int number, Step step) { steps_.emplace(number, std::move(step)); }

  /// Subscribes a framework whose stream has the recorded id; with this Authorization, if any.
  RequestId subscribe(const std::string& frameworkId, const std::string& recordedStreamId,
                      const std::string& authorization = "") {
    const std::string id = "{\"value\":\"" + frameworkId + "\"}";
    Request subscription =
        post("/api/v1/scheduler", "application/json",
             "{\"type\":\"SUBSCRIBE\",\"framework_id\":" + id +
                 ",\"subscribe\":{\"framework_info\":{\"user\":\"root\",\"name\":\"errors\","
                 "\"roles\":[\"r\"],\"capabilities\":[{\"type\":\"MULTI_ROLE\"}],"
                 "\"failover_timeout\":30,\"id\":" +
                 id + "}}}");
    if (!authorization.empty()) subscription.headers.set("Authorization", authorization);
    const RequestId request = cluster_.toMaster(subscription);
    const Answer& answer = cluster_.answer(request);
    EXPECT_EQ(answer.status, 200);
    ids_[recordedStreamId] = *answer.headers.find(kStreamIdHeader);
    return request;
  }

  /// Every exchange that `onMaster` is true for goes to the master, the others to the agent.
  int run(const Excluded& excluded, const std::function<bool(const std::string&)>& onMaster) {
    int count = 0;
    std::size_t skipped = 0;
    for (const RecordedExchange& exchange : readRecorded(group_)) {
      const int number = std::stoi(exchange.name);
      while (!steps_.empty() && steps_.begin()->first <= number) {
        const Step step = steps_.begin()->second;
        steps_.erase(steps_.begin());
        step();
      }
      if (excluded.contains(exchange.name)) {
        ++skipped;
        continue;
      }
      SCOPED_TRACE(group_ + "/" + exchange.name);
      replay(exchange, onMaster(exchange.name));
      ++count;
    }
    EXPECT_EQ(skipped, excluded.size());
    return count;
  }

 private:
  std::string toOurs(std::string text) const {
    for (const auto& [recorded, ours] : ids_) text = replaced(std::move(text), recorded, ours);
    return replaced(std::move(text), recordedMasterId_, cluster_.master().id());
  }

  std::string toRecorded(std::string text) const {
    for (const auto& [recorded, ours] : ids_) text = replaced(std::move(text), ours, recorded);
    return replaced(std::move(text), cluster_.master().id(), recordedMasterId_);
  }

  /// What a subscription was named: its stream, and the framework in its first event.
  void learnIds(const Answer& answer, const Response& recorded) {
    const std::string* stream = recorded.headers.find(kStreamIdHeader);
    if (stream == nullptr || !answer.headers.has(kStreamIdHeader)) return;
    ids_[*stream] = *answer.headers.find(kStreamIdHeader);
    static const std::regex kFrameworkId("[0-9a-f]{8}-[0-9a-f-]{27}-[0-9]{4}");
    std::smatch theirs;
    std::smatch ours;
    if (std::regex_search(recorded.body, theirs, kFrameworkId) &&
        std::regex_search(answer.body, ours, kFrameworkId)) {
      ids_[theirs.str()] = ours.str();
    }
  }

  void replay(const RecordedExchange& exchange, bool onMaster) {
    const Request request = parseRequest(toOurs(exchange.request));
    const RequestId id = onMaster ? cluster_.toMaster(request) : cluster_.toAgent(request);
    const Answer& answer = cluster_.answer(id);
    if (exchange.response.empty()) {
      EXPECT_TRUE(answer.hungUp);
      return;
    }
    const Response recorded = parseResponse(exchange.response);
    EXPECT_EQ(answer.status, recorded.status) << answer.body;
    EXPECT_EQ(namesOf(answer.headers), namesOf(recorded.headers));
    for (const char* name : {"Content-Type", "Allow", "Location", "WWW-Authenticate"}) {
      const std::string* value = recorded.headers.find(name);
      if (value == nullptr || !answer.headers.has(name)) continue;
      EXPECT_EQ(*answer.headers.find(name), *value);
    }
    learnIds(answer, recorded);
    const bool refused = recorded.status >= 300 || exchange.name.ends_with("-200-ERROR") ||
                         exchange.name.ends_with("-refused-stream");
    if (!refused && recorded.status != 202) return;
    EXPECT_EQ(comparable(toRecorded(answer.body)), comparable(recorded.body));
    EXPECT_FALSE(answer.streaming);
  }

  std::string group_;
  std::string recordedMasterId_;
  TestCluster cluster_;
  std::multimap<int, Step> steps_;
  std::map<std::string, std::string> ids_;  // Of streams and frameworks: recorded, ours.
};

bool toMasterAlways(const std::string&) { return true; }

TEST(RecordedHttpErrors, AreAnsweredAsRecorded) {
  const Replay::Excluded excluded{
      {"011-garbage-closed", "no HTTP at all: the transport closes (T1)"},
      {"052-corrupt-gzip-500", "the transport inflates request bodies (T5)"},
  };
  Replay replay("http-errors", "415e8462-c26e-4ede-9f49-bdc9c8187dad");
  const std::string first = replay.cluster().master().id() + "-0001";
  RequestId stream = 0;
  replay.before(59,
                [&] { stream = replay.subscribe(first, "9a8f0c03-146e-4a8d-b23e-0bcde84db056"); });
  replay.before(93, [&] { replay.cluster().closeToMaster(stream); });
  replay.before(94, [&] { replay.subscribe(first, "f77e11bb-6e17-4be1-b261-dabeafc1fee3"); });
  replay.before(95, [&] {
    const Request teardown =
        post("/teardown", "application/x-www-form-urlencoded", "frameworkId=" + first);
    EXPECT_EQ(replay.cluster().askMaster(teardown).status, 200);
  });
  replay.before(108, [&] {
    replay.subscribe(replay.cluster().master().id() + "-0002", "the stream of another framework");
  });
  const auto onMaster = [](const std::string& name) {
    return name.find("-agent-") == std::string::npos;
  };
  EXPECT_EQ(replay.run(excluded, onMaster), 127);
}

TEST(RecordedLifecycle, CallsInJsonAreAnsweredAsRecorded) {
  Replay replay("lifecycle-json", "352e6873-c820-4000-b2a7-68685d26588c");
  replay.cluster().startAgent();
  EXPECT_EQ(replay.run({}, toMasterAlways), 30);
}

TEST(RecordedLifecycle, CallsInProtobufAreAnsweredAsRecorded) {
  Replay replay("lifecycle-protobuf", "1c26e020-5485-41a4-a578-2e50f9b628a5");
  replay.cluster().startAgent();
  EXPECT_EQ(replay.run({}, toMasterAlways), 21);
}

TEST(RecordedFailover, TheOldStreamIsFenced) {
  Replay replay("failover-json", "352e6873-c820-4000-b2a7-68685d26588c");
  replay.cluster().startAgent();
  EXPECT_EQ(replay.run({}, toMasterAlways), 7);
}

TEST(RecordedSubscriptions, InJsonAreAnsweredAsRecorded) {
  const Replay::Excluded excluded{
      {"033-pipelined-calls", "several requests in one: the transport's business (T1)"},
  };
  Replay replay("subscribe-json", "415e8462-c26e-4ede-9f49-bdc9c8187dad");
  replay.cluster().startAgent();
  EXPECT_EQ(replay.run(excluded, toMasterAlways), 32);
}

TEST(RecordedSubscriptions, InProtobufAreAnsweredAsRecorded) {
  Replay replay("subscribe-protobuf", "415e8462-c26e-4ede-9f49-bdc9c8187dad");
  replay.cluster().startAgent();
  EXPECT_EQ(replay.run({}, toMasterAlways), 15);
}

TEST(RecordedAuthentication, IsAnsweredAsRecorded) {
  const char* const kAcls = "ACLs are left out: any principal may do anything";
  const char* const kEndpoint = "an endpoint that is not served yet";
  const Replay::Excluded excluded{
      {"020-acl-refuses-principal-200-ERROR", kAcls},
      {"021-acl-refuses-role-200-ERROR", kAcls},
      {"026-update-framework-role-refused", kAcls},
      {"027-teardown-refused-by-acl", kAcls},
      {"028-operator-teardown-refused-by-acl", kAcls},
      {"039-master-GET-quota-none", kEndpoint},
      {"040-master-GET-weights-none", kEndpoint},
      {"041-master-GET-maintenance_schedule-none", kEndpoint},
      {"042-master-GET-maintenance_status-none", kEndpoint},
      {"050-agent-GET-monitor_statistics-none", kEndpoint},
  };
  const Credentials credentials{{"p", "s"}, {"q", "t"}, {"col:on", "s"}, {"pc", "se:cret"}};
  MasterOptions master;
  master.hostname = "127.0.0.1";
  master.port = 7020;  // As a redirect shows it.
  master.authentication = {
      {Realm::MasterScheduler, Realm::MasterReadonly, Realm::MasterReadwrite}, credentials, ""};
  AgentOptions agent;
  agent.resources = Resources::parse("cpus:2;mem:2048").value();
  agent.authentication = {{Realm::AgentReadonly, Realm::AgentReadwrite}, credentials, ""};
  Replay replay("auth", "a7d91dd0-541b-40d7-bac0-880b6c912990", master, agent);
  replay.cluster().startAgent();
  replay.before(22, [&replay] {
    replay.subscribe(replay.cluster().master().id() + "-0003",
                     "85dc183d-32de-4ac0-b8a3-998c7035d0d9", "Basic cDpz");
  });
  EXPECT_EQ(
      replay.run(excluded,
                 [](const std::string& name) { return name.find("-agent-") == std::string::npos; }),
      46);
}

/// A framework's custom executor with tasks, as the agent is told by the master.
RunTask customTask(const TestCluster& cluster, const std::string& frameworkId,
                   const std::string& executorId, const std::string& taskId) {
  RunTask run;
  run.framework.set_user("root");
  run.framework.set_name("traces");
  run.framework.mutable_id()->set_value(frameworkId);
  run.framework.set_checkpoint(true);
  run.task.set_name("vb");
  run.task.mutable_task_id()->set_value(taskId);
  *run.task.mutable_agent_id() = cluster.agent().info().id();
  Resources resources = Resources::parse("cpus:0.1;mem:32").value().allocatedTo("*");
  *run.task.mutable_resources() = resources.toProto();
  ExecutorInfo& executor = *run.task.mutable_executor();
  executor.set_type(ExecutorInfo::CUSTOM);
  executor.mutable_executor_id()->set_value(executorId);
  executor.mutable_framework_id()->set_value(frameworkId);
  executor.mutable_command()->set_value("sleep 1000");
  *executor.mutable_resources() = resources.toProto();
  return run;
}

void replayExecutor(const std::string& group, const std::string& masterId,
                    const std::string& frameworkNumber, int shutDownBefore, int expected) {
  Replay replay(group, masterId);
  TestCluster& cluster = replay.cluster();
  cluster.startAgent();
  const std::string frameworkId = cluster.master().id() + frameworkNumber;
  cluster.tellAgent(customTask(cluster, frameworkId, "executor-1", "one"));
  cluster.tellAgent(customTask(cluster, frameworkId, "executor-1", "two"));
  replay.before(shutDownBefore, [&cluster, frameworkId] {
    ShutdownExecutor shutdown;
    shutdown.frameworkId.set_value(frameworkId);
    shutdown.executorId.set_value("executor-1");
    cluster.tellAgent(shutdown);
  });
  replay.before(18, [&cluster, frameworkId] {
    const AgentExecutor* executor = cluster.agent().executor(frameworkId, "executor-1");
    ASSERT_NE(executor, nullptr);
    cluster.exitContainer(executor->containerId, 0);
  });
  replay.before(50, [&cluster, frameworkId] {
    cluster.tellAgent(customTask(cluster, frameworkId, "executor-2", "four"));
    KillTask kill;
    kill.frameworkId.set_value(frameworkId);
    kill.taskId.set_value("four");
    cluster.tellAgent(kill);
  });
  EXPECT_EQ(replay.run({}, [](const std::string&) { return false; }), expected);
}

TEST(RecordedExecutor, CallsInJsonAreAnsweredAsRecorded) {
  replayExecutor("executor-json", "352e6873-c820-4000-b2a7-68685d26588c", "-0002", 16, 20);
}

TEST(RecordedExecutor, CallsInProtobufAreAnsweredAsRecorded) {
  replayExecutor("executor-protobuf", "1c26e020-5485-41a4-a578-2e50f9b628a5", "-0000", 13, 14);
}

std::string mutated(std::string text, Random& random) {
  for (std::uint64_t i = 1 + random.below(std::uint64_t{4}); i > 0 && !text.empty(); --i) {
    const std::size_t at = random.below(text.size());
    switch (random.below(std::uint64_t{3})) {
      case 0:
        text[at] = static_cast<char>(random.next());
        break;
      case 1:
        text.erase(at, random.below(std::uint64_t{8}));
        break;
      default:
        text.insert(at, text.substr(random.below(text.size()), 8));
    }
  }
  return text;
}

/// Whatever arrives is answered or hung up on, and leaves the rest working.
TEST(RecordedRequests, WithBytesChangedAreAllAnswered) {
  Random random(7);
  TestCluster cluster;
  cluster.startAgent();
  int answered = 0;
  for (const char* group : {"http-errors", "lifecycle-json", "lifecycle-protobuf", "executor-json",
                            "executor-protobuf", "operator"}) {
    for (const RecordedExchange& exchange : readRecorded(group)) {
      if (exchange.name == "011-garbage-closed") continue;
      for (int i = 0; i < 8; ++i) {
        Request request = parseRequest(exchange.request);
        if (random.chance(0.3)) request.target = mutated(request.target, random);
        request.body = mutated(request.body, random);
        for (const Answer* answer : {&cluster.askMaster(request), &cluster.askAgent(request)}) {
          EXPECT_TRUE(answer->status > 0 || answer->hungUp || answer->file) << exchange.name;
          ++answered;
        }
      }
    }
  }
  EXPECT_GT(answered, 4000);
  EXPECT_EQ(cluster.askMaster({"GET", "/health", {}, {}}).status, 200);
  EXPECT_EQ(cluster.askAgent({"GET", "/health", {}, {}}).status, 200);
}

TEST(RecordedOperator, CommonCallsAreAnsweredAsRecordedInBothTypes) {
  TestCluster cluster;
  for (const char* name : {"063-master-v1-GET_HEALTH-json", "064-master-v1-GET_HEALTH-protobuf",
                           "100-agent-v1-GET_HEALTH-json", "101-agent-v1-GET_HEALTH-protobuf"}) {
    const RecordedExchange exchange = readRecorded("operator", name);
    const Request request = parseRequest(exchange.request);
    const bool onMaster = exchange.name.find("master") != std::string::npos;
    const Answer& answer = onMaster ? cluster.askMaster(request) : cluster.askAgent(request);
    EXPECT_EQ(answer.body, parseResponse(exchange.response).body) << name;
  }
}

/// Facts G6, G9, W11, W70: an idle agent is deactivated, drained and marked gone.
TEST(RecordedOperator, AgentsAreTakenOutOfServiceAsRecorded) {
  TestCluster cluster;
  cluster.startAgent();
  const std::string recordedMasterId = "ab44f568-5e8e-4466-b2e3-d07a83427d3b";
  int count = 0;
  for (const RecordedExchange& exchange : readRecorded("operator-mutating")) {
    SCOPED_TRACE(exchange.name);
    const std::string bytes = replaced(exchange.request, recordedMasterId, cluster.master().id());
    const Answer& answer = cluster.askMaster(parseRequest(bytes));
    const Response recorded = parseResponse(exchange.response);
    EXPECT_EQ(answer.status, recorded.status);
    EXPECT_EQ(namesOf(answer.headers), namesOf(recorded.headers));
    cluster.advance(std::chrono::seconds(1));
    ++count;
    static const std::regex kService(
        R"re("active":\w+,"deactivated":\w+|"drain_info":\{.*?\}\}|"slaves":\[\])re");
    const auto serviceOf = [](const std::string& body) {
      std::string all;
      for (std::sregex_iterator next(body.begin(), body.end(), kService), end; next != end;
           ++next) {
        all += next->str() + "\n";
      }
      return all;
    };
    EXPECT_EQ(serviceOf(answer.body), serviceOf(recorded.body)) << answer.body;
    if (recorded.body.empty()) {
      EXPECT_EQ(answer.body, "");
    }
  }
  EXPECT_EQ(count, 9);
}

/// The sandbox of the recorded command task, which the recorded /files requests are about.
TEST(RecordedFiles, RefusalsAreAnsweredAsRecorded) {
  const std::map<std::string, std::string> fromDisk{
      {"053-agent-files-read-dir", "only the disk knows what is a directory"},
      {"060-agent-files-download-dir", "only the disk knows what is a directory"},
  };
  AgentOptions options;
  options.resources = Resources::parse("cpus:2;mem:2048").value();
  options.workDir = "/var/tmp/mesos/rec/agent";
  TestCluster cluster(MasterOptions(), options);
  cluster.startAgent();
  const std::string recordedMasterId = "710b3b99-d5fa-419f-b249-b72fda267114";
  const std::string frameworkId = cluster.master().id() + "-0000";
  cluster.tellAgent(customTask(cluster, frameworkId, "task-run", "one"));
  const AgentExecutor* executor = cluster.agent().executor(frameworkId, "task-run");
  ASSERT_NE(executor, nullptr);
  const std::string recordedContainerId = "f9eba289-bd41-46bb-a144-a14b20b620f0";
  for (const RecordedExchange& exchange : readRecorded("operator")) {
    const int number = std::stoi(exchange.name);
    if (number < 41 || number > 62) continue;
    SCOPED_TRACE(exchange.name);
    std::string bytes = replaced(exchange.request, recordedMasterId, cluster.master().id());
    bytes = replaced(bytes, recordedContainerId, executor->containerId);
    const Answer& answer = cluster.askAgent(parseRequest(bytes));
    const Response recorded = parseResponse(exchange.response);
    if (recorded.status == 200 || fromDisk.contains(exchange.name)) {
      ASSERT_TRUE(answer.file);
      EXPECT_EQ(answer.file->root, cluster.sandboxOf(frameworkId, "task-run"));
      continue;
    }
    std::string body = replaced(answer.body, cluster.master().id(), recordedMasterId);
    body = replaced(body, executor->containerId, recordedContainerId);
    EXPECT_EQ(answer.status, recorded.status);
    EXPECT_EQ(namesOf(answer.headers), namesOf(recorded.headers));
    EXPECT_EQ(body, recorded.body);
  }
}

}  // namespace
}  // namespace mesos::cluster
