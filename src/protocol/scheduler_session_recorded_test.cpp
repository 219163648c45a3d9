// A SchedulerSession beside recordings of a real master, and of the client Mesos itself ships.
#include "protocol/calls.hpp"
#include "protocol/record_io.hpp"
#include "protocol/recorded.hpp"
#include "protocol/scheduler_session.hpp"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

namespace mesos::protocol {
namespace {

using Call = SchedulerSession::Call;
using Event = SchedulerSession::Event;
using Effect = SchedulerSession::Effect;
using Capability = v1::FrameworkInfo::Capability;
using google::protobuf::util::MessageDifferencer;

struct RecordedRequest {
  std::string target;
  std::map<std::string, std::string> headers;
  std::string body;
};

std::map<std::string, std::string> headersIn(std::string_view head) {
  std::map<std::string, std::string> headers;
  while (true) {
    const std::size_t lineEnd = head.find("\r\n");
    if (lineEnd == head.npos) return headers;
    head.remove_prefix(lineEnd + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t colon = line.find(": ");
    headers.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
}

// The requests pipelined in a recording.
std::vector<RecordedRequest> requestsIn(const std::string& file) {
  std::ifstream in(std::string(MESOS_TRACES) + "/" + file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_FALSE(bytes.empty()) << file;
  std::vector<RecordedRequest> requests;
  while (!bytes.empty()) {
    const std::size_t headEnd = bytes.find("\r\n\r\n");
    const std::string head = bytes.substr(0, headEnd);
    RecordedRequest request;
    request.target = head.substr(5, head.find(' ', 5) - 5);
    request.headers = headersIn(head);
    const std::size_t length = std::stoul(request.headers.at("Content-Length"));
    request.body = bytes.substr(headEnd + 4, length);
    bytes.erase(0, headEnd + 4 + length);
    // What the transport adds, and not the session.
    request.headers.erase("Host");
    request.headers.erase("Content-Length");
    requests.push_back(std::move(request));
  }
  return requests;
}

ResponseHead headOf(const recorded::Message& response) {
  ResponseHead head{response.status(), {}};
  for (const auto& [name, value] : headersIn(response.head)) head.headers.add(name, value);
  return head;
}

void expectSame(const RecordedRequest& theirs, const Request& ours) {
  std::map<std::string, std::string> headers(ours.headers.begin(), ours.headers.end());
  EXPECT_EQ(theirs.headers, headers);
  Call theirCall;
  Call ourCall;
  ASSERT_TRUE(theirCall.ParseFromString(theirs.body));
  ASSERT_TRUE(ourCall.ParseFromString(ours.body));
  EXPECT_TRUE(MessageDifferencer::Equals(theirCall, ourCall))
      << theirCall.ShortDebugString() << "\n"
      << ourCall.ShortDebugString();
}

// What mesos-execute was asked for: a command task named "trace" of 0.1 cpus and 32 MB.
v1::TaskInfo traceTask(const v1::Offer& offer) {
  v1::TaskInfo task;
  task.set_name("trace");
  task.mutable_task_id()->set_value("trace");
  *task.mutable_agent_id() = offer.agent_id();
  for (const auto& [name, value] : {std::pair("cpus", 0.1), std::pair("mem", 32.0)}) {
    v1::Resource& resource = *task.add_resources();
    resource.set_name(name);
    resource.set_type(v1::Value::SCALAR);
    resource.mutable_scalar()->set_value(value);
  }
  task.mutable_command()->set_value("sleep 16");
  task.mutable_command()->set_shell(true);
  return task;
}

v1::FrameworkInfo mesosExecute() {
  v1::FrameworkInfo framework;
  framework.set_user("root");
  framework.set_name("mesos-execute instance");
  framework.set_checkpoint(false);
  framework.set_role("*");
  for (const auto type : {Capability::RESERVATION_REFINEMENT, Capability::TASK_KILLING_STATE,
                          Capability::REVOCABLE_RESOURCES, Capability::PARTITION_AWARE}) {
    framework.add_capabilities()->set_type(type);
  }
  return framework;
}

// Answers every Connect and Send at once, and acts on events as mesos-execute does: the first offer
// is for the task, later ones are declined and no more wanted.
class Replay {
 public:
  explicit Replay(v1::FrameworkInfo framework) : session({}, std::move(framework), random) {}

  void run() {
    while (auto effect = session.poll()) {
      if (const auto* connect = std::get_if<Connect>(&*effect)) {
        if (stream == 0) stream = connect->id;
        session.onConnected(now, connect->id);
      } else if (auto* send = std::get_if<Send>(&*effect)) {
        requests.push_back(send->request);
        if (send->id == stream) continue;
        session.onResponse(now, send->id, {202, {}});
        session.onBodyEnd(now, send->id);
      } else if (const auto* deliver = std::get_if<DeliverEvent>(&*effect)) {
        ++delivered;
        if (deliver->event->type() == Event::OFFERS) onOffers(deliver->event->offers());
        session.onHandled(now, *deliver->event);
      } else {
        ended = true;
      }
    }
  }

  void onOffers(const Event::Offers& offers) {
    if (!launched) {
      launched = true;
      const v1::Offer& offer = offers.offers(0);
      return session.onCall(now, calls::accept({offer.id()}, {calls::launch({traceTask(offer)})}));
    }
    for (const v1::Offer& offer : offers.offers()) {
      session.onCall(now, calls::decline({offer.id()}));
    }
    session.onCall(now, calls::suppress());
  }

  const Now now{TimePoint(std::chrono::seconds(1000)), {}};
  Random random{1};
  SchedulerSession session;
  ConnectionId stream = 0;
  std::vector<Request> requests;
  bool launched = false;
  bool ended = false;
  int delivered = 0;
};

// The one difference: it posts to /master/api/v1/scheduler, we to /api/v1/scheduler, which is the
// same place (fact T8).
TEST(SchedulerSessionRecorded, SaysWhatTheLibraryOfMesosSays) {
  const auto subscribe = requestsIn("libmesos-client/001-subscribe-connection.request");
  const auto calls = requestsIn("libmesos-client/002-calls-connection.request");
  ASSERT_EQ(1U, subscribe.size());
  ASSERT_EQ(6U, calls.size());

  Replay replay(mesosExecute());
  replay.session.onLeader(replay.now, Address{"127.0.0.1", 7010});
  replay.run();
  const auto response = recorded::read(std::string(MESOS_TRACES) +
                                       "/libmesos-client/001-subscribe-connection.response");
  replay.session.onResponse(replay.now, replay.stream, headOf(response));
  for (std::size_t at = 0; at < response.body.size(); at += 7) {
    replay.session.onBytes(replay.now, replay.stream,
                           std::string_view(response.body).substr(at, 7));
    replay.run();
  }

  EXPECT_FALSE(replay.ended);
  ASSERT_EQ(1 + calls.size(), replay.requests.size());
  expectSame(subscribe[0], replay.requests[0]);
  EXPECT_EQ("/api/v1/scheduler", replay.requests[0].target);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    SCOPED_TRACE(i);
    expectSame(calls[i], replay.requests[i + 1]);
  }
}

TEST(SchedulerSessionRecorded, UnderstandsEveryEventThatARealMasterSent) {
  int streams = 0;
  for (const recorded::Stream& stream : recorded::streams()) {
    if (stream.isExecutors || stream.response.isJson()) continue;
    if (!stream.response.headHas("Mesos-Stream-Id")) continue;
    SCOPED_TRACE(stream.name);
    ++streams;
    int records = 0;
    RecordDecoder decoder;
    decoder.feed(stream.response.body);
    while (decoder.next()) ++records;

    Replay replay(mesosExecute());
    replay.launched = true;
    replay.session.onLeader(replay.now, Address{"127.0.0.1", 7080});
    replay.run();
    replay.session.onResponse(replay.now, replay.stream, headOf(stream.response));
    replay.session.onBytes(replay.now, replay.stream, stream.response.body);
    replay.run();
    // An ERROR is not delivered but is the end.
    EXPECT_EQ(records, replay.delivered + (replay.ended ? 1 : 0));
    EXPECT_TRUE(records == 1 || !replay.ended);
  }
  EXPECT_GE(streams, 3);
}

}  // namespace
}  // namespace mesos::protocol
