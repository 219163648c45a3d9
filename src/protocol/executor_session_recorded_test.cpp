// An ExecutorSession beside recordings of a real agent and of what it accepted.
#include "protocol/executor_session.hpp"
#include "protocol/record_io.hpp"
#include "protocol/recorded.hpp"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace mesos::protocol {
namespace {

using Call = ExecutorSession::Call;
using Event = ExecutorSession::Event;
using google::protobuf::util::MessageDifferencer;

std::string pathOf(const std::string& file) {
  return std::string(MESOS_TRACES) + "/executor-protobuf/" + file;
}

Call recordedCall(const std::string& file) {
  std::ifstream in(pathOf(file), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  Call call;
  EXPECT_TRUE(call.ParseFromString(bytes.substr(bytes.find("\r\n\r\n") + 4))) << file;
  return call;
}

v1::TaskStatus makeStatus(const std::string& task, v1::TaskState state, double timestamp) {
  v1::TaskStatus status;
  status.mutable_task_id()->set_value(task);
  status.set_state(state);
  status.set_timestamp(timestamp);
  return status;
}

// Uuids are random on both sides.
void expectSameButUuid(Call theirs, Call ours) {
  const auto clear = [](Call& call) {
    if (call.has_update()) call.mutable_update()->mutable_status()->clear_uuid();
    if (!call.has_subscribe()) return;
    for (auto& update : *call.mutable_subscribe()->mutable_unacknowledged_updates()) {
      update.mutable_status()->clear_uuid();
    }
  };
  clear(theirs);
  clear(ours);
  EXPECT_TRUE(MessageDifferencer::Equals(theirs, ours)) << theirs.ShortDebugString() << "\n"
                                                        << ours.ShortDebugString();
}

class ExecutorSessionRecorded : public testing::Test {
 protected:
  ExecutorSessionRecorded() {
    const Call subscribe = recordedCall("002-subscribe-stream.request");
    ExecutorSessionOptions options;
    options.frameworkId = subscribe.framework_id();
    options.executorId = subscribe.executor_id();
    options.agent = {"127.0.0.1", 7187};
    options.checkpoint = true;
    session.emplace(options, random);
  }

  // Answers every Connect; returns the calls sent.
  std::vector<Call> run() {
    std::vector<Call> calls;
    while (auto effect = session->poll()) {
      if (const auto* connect = std::get_if<Connect>(&*effect)) {
        latest = connect->id;
        session->onConnected(now, connect->id);
      } else if (const auto* send = std::get_if<Send>(&*effect)) {
        EXPECT_TRUE(calls.emplace_back().ParseFromString(send->request.body));
      } else if (std::holds_alternative<DeliverExecutorEvent>(*effect)) {
        ++delivered;
      } else {
        ended = true;
      }
    }
    return calls;
  }

  ConnectionId subscribe() {
    session->onStart(now);
    const auto calls = run();
    EXPECT_EQ(1U, calls.size());
    expectSameButUuid(recordedCall("002-subscribe-stream.request"), calls.at(0));
    return latest;
  }

  Now now{TimePoint(std::chrono::seconds(1000)), {}};
  Random random{1};
  std::optional<ExecutorSession> session;
  ConnectionId latest = 0;
  int delivered = 0;
  bool ended = false;
};

const ResponseHead kStreamHead{200, {{"Content-Type", "application/x-protobuf"}}};

TEST_F(ExecutorSessionRecorded, SaysWhatARealAgentAccepted) {
  const ConnectionId stream = subscribe();
  session->onResponse(now, stream, kStreamHead);
  session->onBytes(now, stream, recorded::read(pathOf("002-subscribe-stream.response")).body);
  EXPECT_TRUE(run().empty());

  const Call starting = recordedCall("003-update-starting.request");
  session->onUpdate(now,
                    makeStatus("one", v1::TASK_STARTING, starting.update().status().timestamp()));
  auto calls = run();
  ASSERT_EQ(1U, calls.size());
  expectSameButUuid(starting, calls[0]);

  session->onMessage(now, std::string("pong\0\xff", 6));
  calls = run();
  ASSERT_EQ(1U, calls.size());
  expectSameButUuid(recordedCall("010-message.request"), calls[0]);
}

TEST_F(ExecutorSessionRecorded, TellsBothListsAsARealAgentAcceptedThem) {
  const Call again = recordedCall("012-subscribe-again-with-both-lists-stream.request");
  const ConnectionId stream = subscribe();
  session->onResponse(now, stream, kStreamHead);
  // SUBSCRIBED, and then the task that the recorded executor was still to answer for.
  RecordDecoder decoder;
  decoder.feed(recorded::read(pathOf("002-subscribe-stream.response")).body);
  session->onBytes(now, stream, encodeRecord(*decoder.next()));
  Event launch;
  launch.set_type(Event::LAUNCH);
  *launch.mutable_launch()->mutable_task() = again.subscribe().unacknowledged_tasks(0);
  session->onBytes(now, stream, encodeRecord(launch.SerializeAsString()));
  const auto& running = again.subscribe().unacknowledged_updates(0).status();
  session->onUpdate(now, makeStatus("three", v1::TASK_RUNNING, running.timestamp()));
  run();

  session->onClosed(now, stream, "reset");
  run();
  session->onTimer(now + (*session->deadline() - now.steady));
  const auto calls = run();
  ASSERT_EQ(1U, calls.size());
  expectSameButUuid(again, calls[0]);
}

TEST_F(ExecutorSessionRecorded, UnderstandsEveryEventThatARealAgentSent) {
  const ConnectionId stream = subscribe();
  session->onResponse(now, stream, kStreamHead);
  const std::string body = recorded::read(pathOf("002-subscribe-stream.response")).body;
  RecordDecoder decoder;
  decoder.feed(body);
  int records = 0;
  while (decoder.next()) ++records;
  EXPECT_GT(records, 5);
  for (const char byte : body) session->onBytes(now, stream, std::string_view(&byte, 1));
  run();
  EXPECT_EQ(records, delivered);
  EXPECT_FALSE(ended);
}

TEST_F(ExecutorSessionRecorded, GoesWhenARealAgentSaysShutdown) {
  const ConnectionId stream = subscribe();
  session->onResponse(now, stream, kStreamHead);
  session->onBytes(
      now, stream,
      recorded::read(pathOf("012-subscribe-again-with-both-lists-stream.response")).body);
  bool shutDown = false;
  while (const auto effect = session->poll()) {
    shutDown = shutDown || std::holds_alternative<Shutdown>(*effect);
  }
  EXPECT_TRUE(shutDown);
}

}  // namespace
}  // namespace mesos::protocol
