// Many frameworks on one cluster, that launch, decline, kill, fall behind with acknowledgements and
// take over from themselves as chance will have it.
#include "cluster/test_cluster.hpp"
#include "cluster/validation.hpp"
#include "protocol/record_io.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <gtest/gtest.h>

#include <csignal>
#include <set>

namespace mesos::cluster {
namespace {

using v1::scheduler::Call;
using v1::scheduler::Event;

constexpr std::size_t kFrameworks = 50;
constexpr std::size_t kTasksEach = 200;
constexpr int kRoundsMax = 20000;
constexpr const char* kProtobuf = "application/x-protobuf";

/// How far a task is; each status is as far as the one before it.
int progress(TaskState state) {
  if (isTerminal(state)) return 4;
  switch (state) {
    case TASK_STARTING:
      return 1;
    case TASK_RUNNING:
      return 2;
    case TASK_KILLING:
      return 3;
    default:
      return 0;
  }
}

/// What a framework knows of a task.
struct Seen {
  TaskState state = TASK_STAGING;
  std::set<std::string> uuids;
  bool isKilled = false;
};

struct Player {
  std::string id;
  RequestId stream = 0;
  std::string streamId;
  std::size_t read = 0;
  protocol::RecordDecoder decoder;
  std::map<std::string, Seen> tasks;
  std::size_t over = 0;

  bool isDone() const { return over == kTasksEach; }
};

class Crowd {
 public:
  explicit Crowd(std::uint64_t seed) : random_(seed), cluster_({}, agentOptions()) {
    cluster_.startAgent();
    players_.resize(kFrameworks);
    for (Player& player : players_) subscribe(player);
  }

  void play() {
    for (int round = 0; round < kRoundsMax; ++round) {
      cluster_.advance(std::chrono::milliseconds(200 + random_.below(std::uint64_t{1000})));
      bool isOver = true;
      for (Player& player : players_) {
        if (!player.isDone() && random_.chance(0.01)) subscribe(player);
        listen(player);
        if (!player.isDone()) endSome(player);
        isOver = isOver && player.isDone();
      }
      checkBooks();
      if (isOver || testing::Test::HasFailure()) break;
    }
    lags_ = false;
    for (int i = 0; i < 100; ++i) {  // What was not acknowledged comes again.
      cluster_.advance(std::chrono::seconds(10));
      for (Player& player : players_) listen(player);
    }
  }

  void expectRest() {
    for (const Player& player : players_) {
      EXPECT_EQ(player.over, kTasksEach) << player.id;
      const MasterFramework& framework = cluster_.master().frameworks().at(player.id);
      EXPECT_TRUE(framework.tasks.empty()) << player.id;
      EXPECT_EQ(framework.completedTasks.size(), kTasksEach);
    }
    EXPECT_TRUE(agent().used.empty()) << agent().used.toString();
    EXPECT_TRUE(cluster_.agent().frameworks().empty());
    EXPECT_EQ(agent().total, Resources::parse(kResources).value());
  }

 private:
  static constexpr char kResources[] = "cpus:20;mem:8192";

  static AgentOptions agentOptions() {
    AgentOptions options;
    options.resources = Resources::parse(kResources).value();
    return options;
  }

  const MasterAgent& agent() { return cluster_.master().agents().begin()->second; }

  RequestId send(const Player& player, const Call& call) {
    protocol::Request request{"POST",
                              "/api/v1/scheduler",
                              {{"Content-Type", kProtobuf}, {"Accept", kProtobuf}},
                              call.SerializeAsString()};
    if (call.type() != Call::SUBSCRIBE) request.headers.add("Mesos-Stream-Id", player.streamId);
    return cluster_.toMaster(request);
  }
  Call callOf(const Player& player, Call::Type type) {
    Call call;
    call.set_type(type);
    call.mutable_framework_id()->set_value(player.id);
    return call;
  }
  void tell(const Player& player, const Call& call) {
    EXPECT_EQ(cluster_.answer(send(player, call)).status, 202);
  }

  /// The first time, or in its own place.
  void subscribe(Player& player) {
    Call call;
    call.set_type(Call::SUBSCRIBE);
    FrameworkInfo& info = *call.mutable_subscribe()->mutable_framework_info();
    info.set_user("root");
    info.set_name("one of many");
    info.set_failover_timeout(1000);
    info.add_roles("role" + std::to_string(&player - players_.data()));
    info.add_capabilities()->set_type(FrameworkInfo::Capability::MULTI_ROLE);
    if (random_.chance(0.5)) {
      info.add_capabilities()->set_type(FrameworkInfo::Capability::TASK_KILLING_STATE);
    }
    if (!player.id.empty()) {
      info.mutable_id()->set_value(player.id);
      *call.mutable_framework_id() = info.id();
    }
    player.stream = send(player, call);
    player.streamId = *cluster_.answer(player.stream).headers.find("Mesos-Stream-Id");
    player.read = 0;
    player.decoder = protocol::RecordDecoder();
    listen(player);
  }

  void listen(Player& player) {
    // Acting on an event may bring the next ones.
    for (;;) {
      const std::string& body = cluster_.answer(player.stream).body;
      if (body.size() == player.read) return;
      player.decoder.feed(std::string_view(body).substr(player.read));
      player.read = body.size();
      while (const auto record = player.decoder.next()) {
        Event event;
        ASSERT_TRUE(event.ParseFromString(*record));
        act(player, event);
      }
    }
  }

  void act(Player& player, const Event& event) {
    if (event.type() == Event::SUBSCRIBED) player.id = event.subscribed().framework_id().value();
    if (event.type() == Event::ERROR) ADD_FAILURE() << event.error().message();
    for (const Offer& offer : event.offers().offers()) consider(player, offer);
    if (event.type() == Event::UPDATE) hear(player, event.update().status());
  }

  void consider(Player& player, const Offer& offer) {
    const std::size_t left = kTasksEach - player.tasks.size();
    if (left == 0 || random_.chance(0.3)) {
      Call decline = callOf(player, Call::DECLINE);
      *decline.mutable_decline()->add_offer_ids() = offer.id();
      const double seconds =
          left == 0 ? 3600 : static_cast<double>(random_.below(std::uint64_t{3}));
      decline.mutable_decline()->mutable_filters()->set_refuse_seconds(seconds);
      return tell(player, decline);
    }
    Call accept = callOf(player, Call::ACCEPT);
    *accept.mutable_accept()->add_offer_ids() = offer.id();
    accept.mutable_accept()->mutable_filters()->set_refuse_seconds(0);
    auto* operation = accept.mutable_accept()->add_operations();
    operation->set_type(Offer::Operation::LAUNCH);
    Resources rest(offer.resources());
    const Resources each =
        Resources::parse("cpus:0.1;mem:32").value().allocatedTo(offer.allocation_info().role());
    const std::size_t wanted = std::min(left, std::size_t{1} + random_.below(std::uint64_t{30}));
    for (std::size_t i = 0; i < wanted && rest.contains(each); ++i, rest -= each) {
      TaskInfo& task = *operation->mutable_launch()->add_task_infos();
      const std::string id = "t" + std::to_string(player.tasks.size());
      task.set_name(id);
      task.mutable_task_id()->set_value(id);
      *task.mutable_agent_id() = offer.agent_id();
      task.mutable_command()->set_value("sleep 1000");
      *task.mutable_resources() = each.toProto();
      player.tasks[id];
    }
    tell(player, accept);
  }

  void hear(Player& player, const TaskStatus& status) {
    const auto found = player.tasks.find(status.task_id().value());
    ASSERT_NE(found, player.tasks.end()) << status.ShortDebugString();
    Seen& task = found->second;
    ASSERT_FALSE(status.uuid().empty()) << status.ShortDebugString();
    if (task.uuids.insert(status.uuid()).second) {
      EXPECT_FALSE(isTerminal(task.state)) << "after its end: " << status.ShortDebugString();
      EXPECT_GE(progress(status.state()), progress(task.state)) << status.ShortDebugString();
      task.state = status.state();
      if (isTerminal(task.state)) ++player.over;
    }
    if (lags_ && random_.chance(0.1)) return;
    Call acknowledge = callOf(player, Call::ACKNOWLEDGE);
    *acknowledge.mutable_acknowledge()->mutable_agent_id() = status.agent_id();
    *acknowledge.mutable_acknowledge()->mutable_task_id() = status.task_id();
    acknowledge.mutable_acknowledge()->set_uuid(status.uuid());
    tell(player, acknowledge);
  }

  /// Processes end by themselves, or are killed.
  void endSome(Player& player) {
    for (auto& [id, task] : player.tasks) {
      if (task.state != TASK_RUNNING && task.state != TASK_KILLING) continue;
      if (!task.isKilled && random_.chance(0.1)) {
        Call kill = callOf(player, Call::KILL);
        kill.mutable_kill()->mutable_task_id()->set_value(id);
        tell(player, kill);
        task.isKilled = true;
        continue;
      }
      if (!random_.chance(0.2)) continue;
      const AgentExecutor* executor = cluster_.agent().executor(player.id, id);
      if (executor == nullptr || executor->pid <= 0) continue;
      constexpr int kStatuses[] = {0, 3 << 8, SIGKILL};
      cluster_.exitContainer(executor->containerId,
                             task.isKilled ? SIGTERM : kStatuses[random_.below(std::uint64_t{3})]);
    }
  }

  void checkBooks() {
    const Resources sum = agent().used.unallocated() + agent().offered.unallocated() +
                          cluster_.master().allocator().available(agent().info.id().value());
    ASSERT_EQ(sum, agent().total);
  }

  Random random_;
  TestCluster cluster_;
  std::vector<Player> players_;
  bool lags_ = true;
};

// Scenario 181, facts O3, U12, U15.
TEST(Crowd, EndsEachTaskOnceAndLeavesAllResourcesFree) {
  for (const std::uint64_t seed : {1, 2}) {
    SCOPED_TRACE(seed);
    Crowd crowd(seed);
    crowd.play();
    crowd.expectRest();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace mesos::cluster
