#include "cluster/operator_streams.hpp"

#include "cluster/test_cluster.hpp"

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

using v1::master::Event;
using GetState = v1::master::Response::GetState;

constexpr Duration kHeartbeat = std::chrono::seconds(15);

struct Subscribers {
  explicit Subscribers(std::size_t max) : streams(kHeartbeat, max) {}

  OperatorStreams::Emit emit() {
    return [this](OperatorStreams::Effect effect) {
      if (const auto* bytes = std::get_if<StreamBytes>(&effect)) written[bytes->id] += bytes->bytes;
      if (const auto* end = std::get_if<EndStream>(&effect)) ended.push_back(end->id);
    };
  }
  void add(RequestId id, ContentType type = ContentType::Json) {
    streams.add(now, id, type, GetState(), emit());
  }
  std::vector<std::string> records(RequestId id) { return recordsOf(written[id]); }

  Now now{TimePoint(std::chrono::hours(1)), {}};
  OperatorStreams streams;
  std::map<RequestId, std::string> written;
  std::vector<RequestId> ended;
};

TEST(OperatorStreams, BeginWithTheStateAndAHeartbeat) {
  Subscribers subscribers(10);
  subscribers.add(1);
  const auto records = subscribers.records(1);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0], R"({"type":"SUBSCRIBED","subscribed":{"get_state":{},)"
                        R"("heartbeat_interval_seconds":15.0}})");
  EXPECT_EQ(records[1], R"({"type":"HEARTBEAT"})");
}

TEST(OperatorStreams, BeatOncePerInterval) {
  Subscribers subscribers(10);
  EXPECT_FALSE(subscribers.streams.deadline());
  subscribers.add(1);
  EXPECT_EQ(subscribers.streams.deadline(), subscribers.now.steady + kHeartbeat);
  subscribers.now = subscribers.now + kHeartbeat;
  subscribers.streams.onTimer(subscribers.now, subscribers.emit());
  subscribers.streams.onTimer(subscribers.now, subscribers.emit());
  EXPECT_EQ(subscribers.records(1).size(), 3u);
}

TEST(OperatorStreams, TellEachInItsOwnType) {
  Subscribers subscribers(10);
  subscribers.add(1);
  subscribers.add(2, ContentType::Protobuf);
  Event event;
  event.set_type(Event::AGENT_REMOVED);
  event.mutable_agent_removed()->mutable_agent_id()->set_value("S0");
  subscribers.streams.send(event, subscribers.emit());
  EXPECT_EQ(subscribers.records(1).back(),
            R"({"type":"AGENT_REMOVED","agent_removed":{"agent_id":{"value":"S0"}}})");
  Event read;
  ASSERT_TRUE(read.ParseFromString(subscribers.records(2).back()));
  EXPECT_EQ(read.agent_removed().agent_id().value(), "S0");
}

TEST(OperatorStreams, EndTheOldestWhenThereAreTooMany) {
  Subscribers subscribers(2);
  for (const RequestId id : {1, 2, 3}) subscribers.add(id);
  EXPECT_EQ(subscribers.ended, std::vector<RequestId>{1});
  EXPECT_EQ(subscribers.streams.count(), 2u);
  EXPECT_FALSE(subscribers.streams.remove(1));
  EXPECT_TRUE(subscribers.streams.remove(3));
  EXPECT_EQ(subscribers.streams.count(), 1u);
}

}  // namespace
}  // namespace mesos::cluster
