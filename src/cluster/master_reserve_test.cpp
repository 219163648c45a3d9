// RESERVE and UNRESERVE through ACCEPT, and operations that have an id (sections 8.4 and 9.3).
#include "base/base64.hpp"
#include "cluster/master_fixture.hpp"

#include <fstream>
#include <regex>
#include <sstream>

namespace mesos::cluster {
namespace {

using namespace std::chrono_literals;
using Event = Master::Event;

constexpr char kFinished[] = "OPERATION_FINISHED";

class ReserveTest : public MasterTest {
 protected:
  ReserveTest() {
    agent = addAgent("cpus(ro):1;mem(ro):256;disk(ro):512;ports:[31000-32000];cpus:4;mem:4096");
    stream = subscribe(info());
    offer = takeOffer(stream);
  }

  static std::string info(const std::string& more = "") {
    return R"("user":"root","name":"f","failover_timeout":60,"roles":["ro"],"capabilities":[
        {"type":"MULTI_ROLE"},{"type":"PARTITION_AWARE"},{"type":"RESERVATION_REFINEMENT"}])" +
           more;
  }
  static std::string cpusJson(double value, const std::string& reservation) {
    return R"({"name":"cpus","type":"SCALAR","scalar":{"value":)" + std::to_string(value) + "}" +
           (reservation.empty() ? "" : R"(,"reservations":[{)" + reservation + "}]") + "}";
  }
  /// An operation of `type` on resources, with an id unless it is "".
  static std::string operation(const std::string& type, const std::string& resources,
                               const std::string& id = "") {
    std::string name = type;
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    return R"({"type":")" + type + "\"" + (id.empty() ? "" : R"(,"id":{"value":")" + id + "\"}") +
           ",\"" + name + R"(":{"resources":[)" + resources + "]}}";
  }
  static constexpr char kDynamic[] = R"("type":"DYNAMIC","role":"ro")";

  void accept(const std::string& operations, double refuseSeconds = 0) {
    call(stream, R"("type":"ACCEPT","accept":{"offer_ids":[{"value":")" + offer.id().value() +
                     R"("}],"filters":{"refuse_seconds":)" + std::to_string(refuseSeconds) +
                     R"(},"operations":[)" + operations + "]}");
  }
  std::vector<v1::OperationStatus> takeStatuses() {
    std::vector<v1::OperationStatus> result;
    for (const Event& event : take(stream)) {
      if (event.type() == Event::UPDATE_OPERATION_STATUS) {
        result.push_back(event.update_operation_status().status());
      }
    }
    return result;
  }
  void next() {
    advance(1s);
    offer = takeOffer(stream);
  }
  static Resources reserved(const Offer& offer) {
    Resources result;
    for (const Resource& resource : offer.resources()) {
      for (const auto& reservation : resource.reservations()) {
        if (reservation.type() == Resource::ReservationInfo::DYNAMIC) result += Resources(resource);
      }
    }
    return result;
  }
  /// The agent's answer to an operation with an id; the uuid of the status.
  std::string finish(const v1::Operation& applied) {
    OperationUpdate update;
    update.operation = applied.uuid().value();
    *update.status.mutable_operation_id() = applied.info().id();
    update.status.set_state(v1::OPERATION_FINISHED);
    update.status.mutable_uuid()->set_value(std::string("0123456") + "\x40" + "12345678");
    update.status.mutable_agent_id()->set_value(agentId(agent));
    fromAgent(agent, update);
    return update.status.uuid().value();
  }
  void acknowledge(const std::string& id, const std::string& uuid) {
    call(stream, R"("type":"ACKNOWLEDGE_OPERATION_STATUS","acknowledge_operation_status":{
        "agent_id":{"value":")" +
                     agentId(agent) + R"("},"uuid":")" + encodeBase64(uuid) +
                     R"(","operation_id":{"value":")" + id + "\"}}");
  }
  void reconcile(const std::string& operations = "") {
    call(stream, R"("type":"RECONCILE_OPERATIONS","reconcile_operations":{"operations":[)" +
                     operations + "]}");
  }

  std::uint64_t agent = 0;
  StreamId stream = 0;
  Offer offer;
};

/// The recorded message of an operation's status, ids and addresses cut out.
std::string recordedMessage(const std::string& cause) {
  std::ifstream file(MESOS_TRACES_DIR "/statuses/statuses.json");
  std::ostringstream all;
  all << file.rdbuf();
  const std::string text = all.str();
  const auto begin = text.find("{\"cause\": \"" + cause + "\", \"operation_status\"");
  EXPECT_NE(begin, std::string::npos) << cause;
  const std::string key = "\"message\": \"";
  const auto message = text.find(key, begin) + key.size();
  return text.substr(message, text.find('"', message) - message);
}
std::string withoutAgent(const std::string& message) {
  return std::regex_replace(message, std::regex("on agent .*"), "<agent>");
}

TEST_F(ReserveTest, OffersWhatWasReservedAsReserved) {
  accept(operation("RESERVE", cpusJson(0.5, kDynamic)));
  const auto applied = takeSent<ApplyOperation>();
  ASSERT_EQ(applied.size(), 1u);
  EXPECT_EQ(applied[0].total, master.agents().at(agentId(agent)).total);
  EXPECT_TRUE(take(stream).empty()) << "nobody is told of an operation without id (fact P7)";
  next();
  EXPECT_EQ(reserved(offer).cpus(), 0.5);
  EXPECT_EQ(Resources(offer.resources()).cpus(), 5);
  EXPECT_EQ(master.agents().at(agentId(agent)).total.unreserved().cpus(), 3.5);
}

TEST_F(ReserveTest, KeepsAReservationForItsRoleUntilItIsUndone) {
  accept(operation("RESERVE", cpusJson(1, kDynamic)));
  call(stream, R"("type":"TEARDOWN")");
  const StreamId other = subscribe(kPlain);
  advance(1s);
  EXPECT_EQ(takeOffer(other).resources(0).reservations_size(), 0);
  call(other, R"("type":"TEARDOWN")");
  stream = subscribe(info());
  offer = takeOffer(stream);
  EXPECT_EQ(reserved(offer).cpus(), 1);
  accept(operation("UNRESERVE", cpusJson(1, kDynamic)));
  next();
  EXPECT_TRUE(reserved(offer).empty());
  EXPECT_EQ(master.agents().at(agentId(agent)).total.unreserved().cpus(), 4);
}

// Fact A7.
TEST_F(ReserveTest, LetsALaunchUseWhatTheSameAcceptReserved) {
  const std::string task = taskJson(offer, "t", R"("resources":[)" + cpusJson(1, kDynamic) + "]");
  accept(operation("RESERVE", cpusJson(1, kDynamic)) +
         R"(,{"type":"LAUNCH","launch":{"task_infos":[)" + task + "]}}");
  EXPECT_TRUE(takeUpdates(stream).empty());
  const auto run = takeSent<RunTask>();
  ASSERT_EQ(run.size(), 1u);
  EXPECT_EQ(run[0].task.resources(0).reservations_size(), 1);
  next();
  EXPECT_TRUE(reserved(offer).empty());
  update(agent, stream, "t", TASK_FINISHED);
  advance(1s);
  EXPECT_EQ(reserved(takeOffers(stream).back()).cpus(), 1) << "the reservation outlives the task";
}

TEST_F(ReserveTest, SkipsWhatIsInvalidAndGoesOn) {
  const std::string task = taskJson(offer, "t", R"("resources":[)" + cpusJson(50, kDynamic) + "]");
  accept(operation("RESERVE", cpusJson(50, kDynamic)) + "," +
         operation("RESERVE", cpusJson(0.5, kDynamic)) +
         R"(,{"type":"LAUNCH","launch":{"task_infos":[)" + task + "]}}");
  const auto updates = takeUpdates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].reason(), TaskStatus::REASON_TASK_INVALID);
  next();
  EXPECT_EQ(reserved(offer).cpus(), 0.5);
}

// Fact A10.
TEST_F(ReserveTest, ReturnsWhatIsReservedWithoutFilter) {
  const Resources plain = Resources::parse("cpus:1").value().allocatedTo("ro");
  std::string others;  // All else goes to a task, so that nothing else can be offered.
  for (const Resource& resource : (Resources(offer.resources()) - plain).toProto()) {
    others += (others.empty() ? "" : ",") + protocol::toJson(resource);
  }
  const std::string task = taskJson(offer, "t", R"("resources":[)" + others + "]");
  accept(operation("RESERVE", cpusJson(1, kDynamic)) +
             R"(,{"type":"LAUNCH","launch":{"task_infos":[)" + task + "]}}",
         3600);
  ASSERT_EQ(takeSent<RunTask>().size(), 1u);
  next();
  EXPECT_EQ(Resources(offer.resources()), reserved(offer));
  EXPECT_EQ(reserved(offer).cpus(), 1);
}

// Fact S72.
TEST_F(ReserveTest, UnderstandsTheFormatBeforeRefinementAndShowsItToWhomKnowsNoOther) {
  const std::string old =
      R"({"name":"cpus","type":"SCALAR","scalar":{"value":1},"role":"ro","reservation":{}})";
  accept(operation("RESERVE", old));
  call(stream, R"("type":"TEARDOWN")");
  stream = subscribe(std::string(kPlain) + R"(,"role":"ro")");
  offer = takeOffer(stream);
  int dynamic = 0;
  for (const Resource& resource : offer.resources()) {
    EXPECT_EQ(resource.reservations_size(), 0);
    dynamic += resource.has_reservation() ? 1 : 0;
    EXPECT_TRUE(!resource.has_reservation() || resource.role() == "ro");
  }
  EXPECT_EQ(dynamic, 1);
  accept(operation("UNRESERVE", old));
  EXPECT_EQ(master.agents().at(agentId(agent)).total.unreserved().cpus(), 4);
}

TEST_F(ReserveTest, RefusesAsRecorded) {
  const auto refusal = [&](const std::string& resources, const std::string& type = "RESERVE",
                           const std::string& more = "") {
    std::string one = operation(type, resources, "o");
    if (!more.empty()) one.insert(one.size() - 2, "," + more);
    accept(one);
    const auto statuses = takeStatuses();
    EXPECT_EQ(statuses.size(), 1u);
    if (statuses.empty()) return std::string();
    EXPECT_EQ(statuses[0].operation_id().value(), "o");
    EXPECT_EQ(statuses[0].state(), v1::OPERATION_ERROR);
    EXPECT_FALSE(statuses[0].has_uuid());
    EXPECT_FALSE(statuses[0].has_agent_id());
    next();
    return withoutAgent(statuses[0].message());
  };
  const auto recorded = [](const char* cause) { return withoutAgent(recordedMessage(cause)); };
  EXPECT_EQ(refusal(cpusJson(-1, kDynamic)), recorded("P2 RESERVE malformed with id"));
  EXPECT_EQ(refusal(cpusJson(0.5, "")), recorded("P2 RESERVE no reservation"));
  EXPECT_EQ(refusal(cpusJson(0.5, R"("type":"DYNAMIC","role":"zz")")),
            recorded("P2 RESERVE other role"));
  EXPECT_EQ(refusal(cpusJson(0.5, R"("type":"STATIC","role":"ro")")),
            recorded("P2 RESERVE static"));
  EXPECT_EQ(refusal(cpusJson(0.5, kDynamic), "RESERVE", R"("source":[)" + cpusJson(0.5, "") + "]"),
            recorded("P2 RESERVE with source"));
  const std::string tooMuch = refusal(cpusJson(50, kDynamic));
  const std::string end = " does not contain cpus(allocated: ro):50";
  EXPECT_TRUE(tooMuch.ends_with(end)) << tooMuch;
  EXPECT_TRUE(recorded("P2 RESERVE more than offered").ends_with(end));
  EXPECT_EQ(refusal(cpusJson(0.5, R"("type":"STATIC","role":"ro")"), "UNRESERVE"),
            recorded("P2 RESERVE static"));
}

TEST_F(ReserveTest, WantsTheFrameworksPrincipalIfItHasOne) {
  call(stream, R"("type":"TEARDOWN")");
  stream = subscribe(info(R"(,"principal":"fp")"));
  offer = takeOffer(stream);
  const auto answer = [&](const std::string& reservation) {
    accept(operation("RESERVE", cpusJson(0.5, reservation), "o"));
    const auto statuses = takeStatuses();
    next();
    return statuses.empty() ? std::string() : withoutAgent(statuses[0].message());
  };
  EXPECT_EQ(answer(kDynamic),
            withoutAgent(recordedMessage("P2 principal fp: reservation without principal")));
  EXPECT_EQ(answer(std::string(kDynamic) + R"(,"principal":"zz")"),
            withoutAgent(recordedMessage("P2 principal fp: reservation by other principal")));
  EXPECT_EQ(answer(std::string(kDynamic) + R"(,"principal":"fp")"), "");
  EXPECT_EQ(reserved(offer).cpus(), 0.5);
}

TEST_F(ReserveTest, RefinesAReservationOfARoleAbove) {
  call(stream, R"("type":"TEARDOWN")");
  stream = subscribe(info(R"(,"roles":["ro/a"])"));
  offer = takeOffer(stream);
  const std::string refined = R"("type":"STATIC","role":"ro"},{"type":"DYNAMIC","role":"ro/a")";
  accept(operation("RESERVE", cpusJson(1, refined)));
  next();
  EXPECT_EQ(reserved(offer).cpus(), 1);
  EXPECT_EQ(reserved(offer).begin()->reservations_size(), 2);
  accept(operation("UNRESERVE", cpusJson(1, refined)));
  next();
  EXPECT_TRUE(reserved(offer).empty());
  EXPECT_EQ(Resources(offer.resources()).reservedTo("ro").cpus(), 1);
}

TEST_F(ReserveTest, FollowsAnOperationUntilItIsAcknowledged) {
  accept(operation("RESERVE", cpusJson(0.5, kDynamic), "o"));
  const auto applied = takeSent<ApplyOperation>();
  ASSERT_EQ(applied.size(), 1u);
  EXPECT_TRUE(takeStatuses().empty()) << "the agent is to say so";
  const std::string uuid = finish(applied[0].operation);
  auto statuses = takeStatuses();
  ASSERT_EQ(statuses.size(), 1u);
  EXPECT_EQ(v1::OperationState_Name(statuses[0].state()), kFinished);
  EXPECT_EQ(statuses[0].uuid().value(), uuid);
  finish(applied[0].operation);  // Repeated: forwarded again, kept once.
  EXPECT_EQ(takeStatuses().size(), 1u);
  const auto& operations = master.agents().at(agentId(agent)).operations;
  ASSERT_EQ(operations.size(), 1u);
  EXPECT_EQ(operations.begin()->second.statuses_size(), 1);

  acknowledge("o", std::string("7654321") + "\x40" + "12345678");  // Another status: nothing.
  EXPECT_EQ(master.counters().invalidOperationAcknowledgements, 1u);
  acknowledge("o", uuid);
  const auto told = takeSent<AcknowledgeOperation>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].operation, applied[0].operation.uuid().value());
  EXPECT_EQ(told[0].statusUuid, uuid);
  EXPECT_TRUE(operations.empty());
}

// Fact C20.
TEST_F(ReserveTest, ReconcilesOperationsItKnowsWithoutUuid) {
  accept(operation("RESERVE", cpusJson(0.5, kDynamic), "o"));
  reconcile();
  auto statuses = takeStatuses();
  ASSERT_EQ(statuses.size(), 1u);
  EXPECT_EQ(statuses[0].operation_id().value(), "o");
  EXPECT_EQ(statuses[0].state(), v1::OPERATION_PENDING);
  finish(takeSent<ApplyOperation>().at(0).operation);
  takeStatuses();
  reconcile(R"({"operation_id":{"value":"o"}},{"operation_id":{"value":"nope"}})");
  statuses = takeStatuses();
  ASSERT_EQ(statuses.size(), 2u);
  EXPECT_EQ(statuses[0].state(), v1::OPERATION_FINISHED);
  EXPECT_FALSE(statuses[0].has_uuid());
  EXPECT_EQ(statuses[0].agent_id().value(), agentId(agent));
  EXPECT_EQ(statuses[1].state(), v1::OPERATION_UNKNOWN);
}

// Fact C20. An operation whose end the master has not heard of is told when its agent is lost.
TEST_F(ReserveTest, TellsOfOperationsOnAgentsThatAreLost) {
  accept(operation("RESERVE", cpusJson(0.5, kDynamic), "o"));
  const std::string id = agentId(agent);
  const auto ask = [&] {
    reconcile(R"({"operation_id":{"value":"o"},"agent_id":{"value":")" + id + R"("}})");
    return takeStatuses();
  };
  silent.insert(agent);
  advance(100s);
  auto told = takeStatuses();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].operation_id().value(), "o");
  EXPECT_EQ(told[0].agent_id().value(), id);
  EXPECT_EQ(told[0].state(), v1::OPERATION_UNREACHABLE);
  EXPECT_FALSE(told[0].has_uuid());
  ASSERT_EQ(ask().size(), 1u);
  EXPECT_EQ(ask()[0].state(), v1::OPERATION_UNREACHABLE);
  EXPECT_TRUE(master.markAgentGone(now, id));
  EXPECT_EQ(ask()[0].state(), v1::OPERATION_GONE_BY_OPERATOR);
}

TEST_F(ReserveTest, TellsOfOperationsOnAnAgentMarkedGone) {
  for (const bool isDone : {true, false}) {
    accept(operation("RESERVE", cpusJson(0.5, kDynamic), "o"));
    if (isDone) {
      finish(takeSent<ApplyOperation>().at(0).operation);
      EXPECT_EQ(takeStatuses().size(), 1u);
    }
    EXPECT_TRUE(master.markAgentGone(now, agentId(agent)));
    drain();
    const auto told = takeStatuses();
    ASSERT_EQ(told.size(), isDone ? 0u : 1u);
    if (isDone) {
      agent = addAgent();
      next();
    } else {
      EXPECT_EQ(told[0].state(), v1::OPERATION_GONE_BY_OPERATOR);
    }
  }
}

TEST_F(ReserveTest, ForgetsTheOperationsOfARemovedFramework) {
  accept(operation("RESERVE", cpusJson(0.5, kDynamic), "o"));
  call(stream, R"("type":"TEARDOWN")");
  EXPECT_TRUE(master.agents().at(agentId(agent)).operations.empty());
  EXPECT_EQ(takeSent<ShutdownFramework>().size(), 1u);
}

TEST_F(ReserveTest, TellsAnAgentThatRegistersAgainWhatItMayHaveMissed) {
  accept(operation("RESERVE", cpusJson(0.5, kDynamic), "o"));
  takeSent<ApplyOperation>();
  RegisterAgent again;
  again.info = master.agents().at(agentId(agent)).info;
  again.pid = master.agents().at(agentId(agent)).pid;
  fromAgent(agent, again);
  const auto registered = takeSent<AgentRegistered>();
  ASSERT_EQ(registered.size(), 1u);
  EXPECT_EQ(registered[0].total, master.agents().at(agentId(agent)).total);
  const auto applied = takeSent<ApplyOperation>();
  ASSERT_EQ(applied.size(), 1u);
  again.operations = {applied[0].operation};
  fromAgent(agent, again);
  EXPECT_TRUE(takeSent<ApplyOperation>().empty()) << "it has it";
}

TEST_F(ReserveTest, LearnsFromAnAgentWhatIsReservedThere) {
  accept(operation("RESERVE", cpusJson(0.5, kDynamic), "o"));
  RegisterAgent elsewhere;
  elsewhere.info = master.agents().at(agentId(agent)).info;
  elsewhere.info.mutable_id()->set_value("an-agent-of-another-master");
  elsewhere.pid = "slave(7)@127.0.0.1:7";
  elsewhere.total = master.agents().at(agentId(agent)).total;
  elsewhere.operations = {takeSent<ApplyOperation>().at(0).operation};
  fromAgent(99, elsewhere);
  const MasterAgent& adopted = master.agents().at("an-agent-of-another-master");
  EXPECT_EQ(adopted.total.unreserved().cpus(), 3.5);
  EXPECT_EQ(adopted.operations.size(), 1u);
}

}  // namespace
}  // namespace mesos::cluster
