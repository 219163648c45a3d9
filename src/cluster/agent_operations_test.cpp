// Reservations on the agent, and statuses of operations (section 8.4).
#include "cluster/agent_fixture.hpp"

namespace mesos::cluster {
namespace {

using std::chrono::seconds;

Resources reservedCpus(double cpus) {
  Resource resource;
  resource.set_name("cpus");
  resource.set_type(v1::Value::SCALAR);
  resource.mutable_scalar()->set_value(cpus);
  auto* reservation = resource.add_reservations();
  reservation->set_type(Resource::ReservationInfo::DYNAMIC);
  reservation->set_role("r");
  return Resources(resource);
}

class AgentOperations : public AgentConversation {
 protected:
  ApplyOperation makeReservation(const std::string& id, char letter, double cpus = 1) {
    ApplyOperation message;
    message.operation.mutable_framework_id()->set_value(kFramework);
    message.operation.mutable_info()->set_type(Offer::Operation::RESERVE);
    if (!id.empty()) message.operation.mutable_info()->mutable_id()->set_value(id);
    message.operation.mutable_latest_status()->set_state(v1::OPERATION_PENDING);
    message.operation.mutable_uuid()->set_value(uuidOf(letter));
    message.total = Resources::parse("cpus:" + std::to_string(2 - cpus) + ";mem:1024").value() +
                    reservedCpus(cpus);
    return message;
  }
  std::vector<OperationUpdate> operationUpdates() const {
    std::vector<OperationUpdate> found;
    for (const auto& each : toMaster) {
      if (const auto* update = std::get_if<OperationUpdate>(&each)) found.push_back(*update);
    }
    return found;
  }
};

TEST_F(AgentOperations, ReserveAndSaySoIfTheyHaveAnId) {
  fromMaster(makeReservation("", 'a', 0.5));
  EXPECT_EQ(agent.total().unreserved().cpus(), 1.5);
  EXPECT_TRUE(operationUpdates().empty());
  fromMaster(makeReservation("o", 'b'));
  EXPECT_EQ(agent.total().unreserved().cpus(), 1);
  const auto told = operationUpdates();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].operation, uuidOf('b'));
  EXPECT_EQ(told[0].status.operation_id().value(), "o");
  EXPECT_EQ(told[0].status.state(), v1::OPERATION_FINISHED);
  EXPECT_EQ(told[0].status.uuid().value().size(), 16u);
  EXPECT_EQ(told[0].status.agent_id().value(), kAgentId);
}

// Fact P6.
TEST_F(AgentOperations, AreRepeatedEachByItselfUntilAcknowledged) {
  fromMaster(makeReservation("o", 'a'));
  fromMaster(makeReservation("p", 'b'));
  advance(seconds(10));
  auto told = operationUpdates();
  ASSERT_EQ(told.size(), 4u);
  EXPECT_EQ(told[2].status.SerializeAsString(), told[0].status.SerializeAsString());
  fromMaster(AcknowledgeOperation{uuidOf('a'), uuidOf('z')});  // Of another status.
  fromMaster(AcknowledgeOperation{uuidOf('b'), told[1].status.uuid().value()});
  advance(seconds(20));
  told = operationUpdates();
  ASSERT_EQ(told.size(), 5u);
  EXPECT_EQ(told[4].status.operation_id().value(), "o");
  fromMaster(AcknowledgeOperation{uuidOf('a'), told[0].status.uuid().value()});
  advance(std::chrono::hours(1));
  EXPECT_EQ(operationUpdates().size(), 5u);
}

TEST_F(AgentOperations, AreAppliedOnceAndSentAgainAtARegistration) {
  fromMaster(makeReservation("o", 'a'));
  fromMaster(makeReservation("o", 'a'));
  EXPECT_EQ(operationUpdates().size(), 1u);
  start();
  const auto* registration = std::get_if<RegisterAgent>(&toMaster.back());
  ASSERT_TRUE(registration);
  EXPECT_EQ(registration->total.unreserved().cpus(), 1);
  ASSERT_EQ(registration->operations.size(), 1u);
  AgentRegistered registered;
  registered.agentId.set_value(kAgentId);
  registered.total = Resources::parse("cpus:2;mem:1024").value();
  fromMaster(registered);
  EXPECT_EQ(operationUpdates().size(), 2u);
  EXPECT_EQ(agent.total().unreserved().cpus(), 2) << "the master's books are what counts";
}

TEST_F(AgentOperations, AreForgottenWithTheirFramework) {
  fromMaster(makeReservation("o", 'a'));
  FrameworkID id;
  id.set_value(kFramework);
  fromMaster(ShutdownFramework{id});
  advance(seconds(60));
  EXPECT_EQ(operationUpdates().size(), 1u);
  EXPECT_EQ(agent.total().unreserved().cpus(), 1) << "the reservation stays";
}

// Fact L42.
TEST_F(AgentOperations, LetNoTaskUseAReservationThatIsNotThere) {
  TaskInfo task = executorTask("t1");
  *task.mutable_resources() = reservedCpus(1).allocatedTo("r").toProto();
  run(task);
  EXPECT_EQ(lastStatus().state(), TASK_DROPPED);
  EXPECT_EQ(lastStatus().reason(), TaskStatus::REASON_RESOURCES_UNKNOWN);
  fromMaster(makeReservation("", 'a'));
  task.mutable_task_id()->set_value("t2");
  run(task);
  EXPECT_EQ(prepares.size(), 1u);
}

}  // namespace
}  // namespace mesos::cluster
