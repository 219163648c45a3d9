#include "protocol/spare_events.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace mesos::protocol {
namespace {

using v1::scheduler::Event;

Event update(const std::string& message) {
  Event event;
  event.set_type(Event::UPDATE);
  v1::TaskStatus& status = *event.mutable_update()->mutable_status();
  status.mutable_task_id()->set_value("t");
  status.set_state(v1::TASK_RUNNING);
  status.set_message(message);
  return event;
}

TEST(SpareEvents, AreTakenForEventsOfTheirKind) {
  SpareEvents spares;
  const std::string record = update("m").SerializeAsString();
  spares.put(std::make_unique<Event>(update("m")), record.size());
  Event heartbeat;
  heartbeat.set_type(Event::HEARTBEAT);
  EXPECT_FALSE(spares.take(heartbeat.SerializeAsString())->has_update());
  EXPECT_FALSE(spares.take("")->has_update());
  EXPECT_TRUE(spares.take(record)->has_update());
  EXPECT_FALSE(spares.take(record)->has_update());  // There was one.
}

TEST(SpareEvents, AreParsedIntoAsIfTheyWereNew) {
  SpareEvents spares;
  spares.put(std::make_unique<Event>(update("a message")), 50);
  Event next = update("");
  next.mutable_update()->mutable_status()->clear_message();
  const std::string record = next.SerializeAsString();
  const auto event = spares.take(record);
  ASSERT_TRUE(event->ParseFromString(record));
  EXPECT_EQ(event->SerializeAsString(), record);
}

TEST(SpareEvents, AreNotKeptIfLargeOrMany) {
  SpareEvents spares;
  const std::string record = update("m").SerializeAsString();
  spares.put(std::make_unique<Event>(update(std::string(5000, 'x'))), 5050);
  EXPECT_FALSE(spares.take(record)->has_update());
  for (int i = 0; i < 10000; ++i) spares.put(std::make_unique<Event>(update("m")), record.size());
  int kept = 0;
  while (spares.take(record)->has_update()) ++kept;
  EXPECT_GT(kept, 100);
  EXPECT_LT(kept, 5000);
}

}  // namespace
}  // namespace mesos::protocol
