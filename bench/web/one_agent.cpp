// Plays the agent of one executor, so that the real `executor` program can be measured alone:
//
//     one_agent PORT      one task, whose data is to be served on PORT, for whoever subscribes
//
// Says its own port on stdout. Ends when its stdin does.
#include "protocol/record_io.hpp"
#include "transport/event_loop.hpp"
#include "transport/http_server.hpp"

#include <mesos/v1/executor/executor.pb.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

namespace {

using mesos::v1::executor::Call;
using mesos::v1::executor::Event;

std::string record(const Event& event) {
  std::string bytes;
  mesos::protocol::appendRecord(bytes, event.SerializeAsString());
  return bytes;
}

Event subscribed(const Call& call) {
  Event event;
  event.set_type(Event::SUBSCRIBED);
  Event::Subscribed& told = *event.mutable_subscribed();
  *told.mutable_executor_info()->mutable_executor_id() = call.executor_id();
  told.mutable_framework_info()->set_user("root");
  told.mutable_framework_info()->set_name("bench");
  told.mutable_agent_info()->set_hostname("localhost");
  return event;
}

Event launch(std::uint16_t port) {
  Event event;
  event.set_type(Event::LAUNCH);
  mesos::v1::TaskInfo& task = *event.mutable_launch()->mutable_task();
  task.set_name("web");
  task.mutable_task_id()->set_value("web");
  task.mutable_agent_id()->set_value("agent");
  task.set_data("Hello from Server");
  mesos::v1::Resource& ports = *task.add_resources();
  ports.set_name("ports");
  ports.set_type(mesos::v1::Value::RANGES);
  mesos::v1::Value::Range& range = *ports.mutable_ranges()->add_range();
  range.set_begin(port);
  range.set_end(port);
  return event;
}

Event acknowledged(const mesos::v1::TaskStatus& status) {
  Event event;
  event.set_type(Event::ACKNOWLEDGED);
  *event.mutable_acknowledged()->mutable_task_id() = status.task_id();
  event.mutable_acknowledged()->set_uuid(status.uuid());
  return event;
}

mesos::protocol::Response status(int code) {
  mesos::protocol::Response response;
  response.status = code;
  return response;
}

}  // namespace

int main(int argc, char** argv) {
  const int port = argc == 2 ? std::atoi(argv[1]) : 0;
  if (port <= 0 || port > 65535) {
    std::fputs("usage: one_agent PORT\n", stderr);
    return 2;
  }
  mesos::transport::EventLoop loop;
  std::shared_ptr<mesos::transport::HttpExchange> stream;
  auto server = mesos::transport::HttpServer::listen(
      loop, {.idleTimeout = {}},
      [&](const std::shared_ptr<mesos::transport::HttpExchange>& exchange,
          const mesos::protocol::Request& request) {
        Call call;
        if (!call.ParseFromString(request.body)) return exchange->respond(status(400));
        if (call.type() == Call::SUBSCRIBE) {
          stream = exchange;
          stream->startStream({.headers = {{"Content-Type", "application/x-protobuf"}}});
          stream->write(record(subscribed(call)));
          stream->write(record(launch(static_cast<std::uint16_t>(port))));
        } else {
          exchange->respond(status(202));
          if (call.type() == Call::UPDATE && stream) {
            stream->write(record(acknowledged(call.update().status())));
          }
        }
      });
  if (!server) {
    std::fprintf(stderr, "one_agent: %s\n", server.error().message.c_str());
    return 1;
  }
  std::printf("%d\n", (*server)->port());
  std::fflush(stdout);
  loop.onReadable(STDIN_FILENO, [&loop] { loop.stop(); });
  loop.run();
}
