// Asks a master for the state of tasks that nobody knows, all in one RECONCILE, and waits for the
// last answer:
//
//     reconcile_client HOST:PORT protobuf|json TASKS    bare: encoded before, checked afterwards
//     reconcile_client HOST:PORT sdk TASKS              the SDK's driver, which speaks protobuf
//     reconcile_client limit protobuf|json TASKS        building the same answers, and no more
//
// Prints the seconds, and the bytes of the answers.
#include "bench/bench.hpp"
#include "protocol/json.hpp"
#include "protocol/record_io.hpp"
#include "transport/http_wire.hpp"

#include <mesos/scheduler.hpp>

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using mesos::v1::scheduler::Call;
using mesos::v1::scheduler::Event;

[[noreturn]] void fail(const std::string& sentence) {
  std::fprintf(stderr, "error: %s\n", sentence.c_str());
  std::exit(1);
}

std::string taskId(std::size_t number) { return "service.instance-" + std::to_string(number); }

std::string agentId(std::size_t number) {
  return "5b1bb2f5-ae36-4be8-9b0e-2e1a1d4f7ac1-S" + std::to_string(number % 1000);
}

mesos::FrameworkInfo frameworkInfo() {
  mesos::FrameworkInfo framework;
  framework.set_user("root");
  framework.set_name("bench");
  framework.add_roles("services");
  framework.add_capabilities()->set_type(mesos::FrameworkInfo::Capability::MULTI_ROLE);
  framework.add_capabilities()->set_type(mesos::FrameworkInfo::Capability::PARTITION_AWARE);
  return framework;
}

Call reconcileCall(const mesos::FrameworkID& framework, std::size_t tasks) {
  Call call;
  call.set_type(Call::RECONCILE);
  *call.mutable_framework_id() = framework;
  for (std::size_t i = 0; i < tasks; ++i) {
    auto& task = *call.mutable_reconcile()->add_tasks();
    task.mutable_task_id()->set_value(taskId(i));
    task.mutable_agent_id()->set_value(agentId(i));
  }
  return call;
}

/// The tasks that were told of; it ends when each was, once.
class Told {
 public:
  explicit Told(std::size_t tasks) : left_(tasks), seen_(tasks) {}

  void add(const mesos::TaskStatus& status) {
    const std::string& id = status.task_id().value();
    const std::size_t number = std::strtoul(id.c_str() + id.rfind('-') + 1, nullptr, 10);
    if (number >= seen_.size() || taskId(number) != id) fail("a task that was not asked for");
    if (seen_[number]) fail("a task is told twice");
    if (status.state() != mesos::v1::TASK_UNKNOWN) fail("a task that nobody knows is known");
    if (status.reason() != mesos::TaskStatus::REASON_RECONCILIATION) fail("a wrong reason");
    if (status.agent_id().value() != agentId(number)) fail("a task of another agent");
    seen_[number] = true;
    --left_;
  }
  bool all() const { return left_ == 0; }

 private:
  std::size_t left_;
  std::vector<bool> seen_;
};

/// A connection that waits for what it reads, and for what it writes.
class Connection {
 public:
  explicit Connection(const std::string& address) {
    const std::size_t colon = address.find(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1)));
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) {
      fail("cannot connect to " + address);
    }
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void write(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) fail("the master closed the connection");
      at += static_cast<std::size_t>(n);
    }
  }
  std::string_view read() {
    const ssize_t n = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (n <= 0) fail("the master closed the connection");
    return {buffer_.data(), static_cast<std::size_t>(n)};
  }
  /// The head of an answer; `rest` is what came behind it.
  mesos::transport::ParsedResponseHead readHead(std::string_view& rest) {
    mesos::transport::HeadReader reader(64 * 1024);
    do rest = read();
    while (reader.take(rest) != mesos::transport::HeadReader::State::Complete);
    const auto head = mesos::transport::parseResponseHead(reader.text(), false);
    if (!head) fail("the master does not speak HTTP");
    return *head;
  }

 private:
  int fd_ = -1;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
};

/// The events of a subscription, undecoded.
class Subscription {
 public:
  Subscription(const std::string& address, bool isJson)
      : isJson_(isJson), connection_(address), body_({}) {
    Call call;
    call.set_type(Call::SUBSCRIBE);
    *call.mutable_subscribe()->mutable_framework_info() = frameworkInfo();
    connection_.write(request(call));
    std::string_view rest;
    const auto answer = connection_.readHead(rest);
    const std::string* streamId = answer.head.headers.find("Mesos-Stream-Id");
    if (answer.head.status != 200 || !streamId) fail("the master takes no subscription");
    streamId_ = *streamId;
    body_ = mesos::transport::BodyDecoder(answer.body);
    feed(rest);
    Event event;
    decode(next(), event);
    if (event.type() != Event::SUBSCRIBED) fail("the master does not say SUBSCRIBED");
    framework = event.subscribed().framework_id();
  }

  std::string request(const Call& call) const {
    const std::string type(isJson_ ? mesos::protocol::kJson : mesos::protocol::kProtobuf);
    mesos::protocol::Request request{
        "POST",
        "/api/v1/scheduler",
        {{"Accept", type}, {"Content-Type", type}},
        isJson_ ? mesos::protocol::toJson(call) : call.SerializeAsString()};
    if (!streamId_.empty()) request.headers.add("Mesos-Stream-Id", streamId_);
    return mesos::transport::requestHeadText(request, {"localhost", 5050}) + request.body;
  }
  std::string next() {
    while (true) {
      if (auto record = records_.next()) return *std::move(record);
      feed(connection_.read());
    }
  }
  void decode(const std::string& record, Event& event) const {
    const bool read = isJson_ ? mesos::protocol::fromJson(record, &event).has_value()
                              : event.ParseFromString(record);
    if (!read) fail("the stream carries what is no event");
  }

  mesos::FrameworkID framework;

 private:
  void feed(std::string_view bytes) {
    for (auto piece = body_.take(bytes); !piece.empty(); piece = body_.take(bytes)) {
      records_.feed(piece);
    }
  }

  bool isJson_;
  Connection connection_;
  std::string streamId_;
  mesos::transport::BodyDecoder body_;
  mesos::protocol::RecordDecoder records_;
};

// Whether an event is an UPDATE, at a glance: what it says is checked when the clock has stopped.
bool looksLikeUpdate(const std::string& record) {
  constexpr std::string_view kReconciliation = "Reconciliation: ";
  return record.find(kReconciliation) != record.npos;
}

void report(double seconds, std::size_t bytes) {
  std::printf("{\"seconds\": %.6f, \"bytes\": %zu}\n", seconds, bytes);
}

void askBare(const std::string& address, bool isJson, std::size_t tasks) {
  Subscription subscription(address, isJson);
  const std::string call = subscription.request(reconcileCall(subscription.framework, tasks));
  Connection connection(address);
  std::vector<std::string> answers;
  answers.reserve(tasks);
  const auto began = Clock::now();
  connection.write(call);
  while (answers.size() < tasks) {
    std::string record = subscription.next();
    if (looksLikeUpdate(record)) answers.push_back(std::move(record));
  }
  const std::chrono::duration<double> seconds = Clock::now() - began;
  std::string_view rest;
  if (connection.readHead(rest).head.status != 202) fail("the master does not take the call");
  Told told(tasks);
  std::size_t bytes = 0;
  Event event;
  for (const std::string& answer : answers) {
    subscription.decode(answer, event);
    told.add(event.update().status());
    bytes += answer.size();
  }
  if (!told.all()) fail("not every task was told of");
  report(seconds.count(), bytes);
}

class Asker : public mesos::Scheduler {
 public:
  explicit Asker(std::size_t tasks) : told_(tasks) {}

  void registered(mesos::SchedulerDriver*, const mesos::FrameworkID&,
                  const mesos::MasterInfo&) override {
    subscribed.set_value();
  }
  void statusUpdate(mesos::SchedulerDriver*, const mesos::TaskStatus& status) override {
    bytes += status.ByteSizeLong();
    told_.add(status);
    if (told_.all()) done.set_value();
  }

  std::promise<void> subscribed;
  std::promise<void> done;
  std::size_t bytes = 0;

 private:
  Told told_;
};

void askBySdk(const std::string& address, std::size_t tasks) {
  Asker asker(tasks);
  mesos::MesosSchedulerDriver driver(&asker, frameworkInfo(), address);
  driver.start();
  asker.subscribed.get_future().wait();
  std::vector<mesos::TaskStatus> statuses(tasks);
  for (std::size_t i = 0; i < tasks; ++i) {
    statuses[i].mutable_task_id()->set_value(taskId(i));
    statuses[i].mutable_agent_id()->set_value(agentId(i));
  }
  const auto began = Clock::now();
  driver.reconcileTasks(statuses);
  asker.done.get_future().wait();
  const std::chrono::duration<double> seconds = Clock::now() - began;
  driver.stop();
  driver.join();
  report(seconds.count(), asker.bytes);
}

void build(bool isJson, std::size_t tasks) {
  std::string all;
  const double seconds = bench::secondsOf(1, [&] {
    Event event;
    event.set_type(Event::UPDATE);
    mesos::TaskStatus& status = *event.mutable_update()->mutable_status();
    for (std::size_t i = 0; i < tasks; ++i) {
      status.mutable_task_id()->set_value(taskId(i));
      status.mutable_agent_id()->set_value(agentId(i));
      status.set_state(mesos::v1::TASK_UNKNOWN);
      status.set_source(mesos::TaskStatus::SOURCE_MASTER);
      status.set_reason(mesos::TaskStatus::REASON_RECONCILIATION);
      status.set_message("Reconciliation: Task is unknown");
      status.set_timestamp(1.7e9 + static_cast<double>(i) / 1e6);
      mesos::protocol::appendRecord(
          all, isJson ? mesos::protocol::toJson(event) : event.SerializeAsString());
    }
  });
  report(seconds, all.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::size_t tasks = words.size() == 3 ? std::strtoul(words[2].c_str(), nullptr, 10) : 0;
  const bool isJson = words.size() == 3 && words[1] == "json";
  if (tasks == 0 || (!isJson && words[1] != "protobuf" && words[1] != "sdk")) {
    std::fprintf(stderr, "Usage: reconcile_client HOST:PORT|limit protobuf|json|sdk TASKS\n");
    return 2;
  }
  if (words[0] == "limit") {
    build(isJson, tasks);
  } else if (words[1] == "sdk") {
    askBySdk(words[0], tasks);
  } else {
    askBare(words[0], isJson, tasks);
  }
}
