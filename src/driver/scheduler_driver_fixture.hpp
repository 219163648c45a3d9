// A scheduler's driver, and the scripted master that it speaks with over TCP.
#pragma once

#include <mesos/v1/scheduler/scheduler.pb.h>
#include <mesos/scheduler.hpp>

#include "protocol/record_io.hpp"
#include "tests/support/scripted_server.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mesos {

using mesos::testing::Notes;
using mesos::testing::ScriptedServer;
using std::chrono::milliseconds;
using v1::scheduler::Call;
using v1::scheduler::Event;
using Received = ScriptedServer::Received;

inline const std::string kUuid = "0123456789abcdef";

/// Notes every callback, then does what the test wants done in it.
class NotingScheduler : public Scheduler {
 public:
  Notes notes;
  std::function<void(const std::string&, SchedulerDriver*)> react;

  void registered(SchedulerDriver* d, const FrameworkID& id, const MasterInfo& master) override {
    note(d, "registered " + id.value() + " with " + master.hostname());
  }
  void reregistered(SchedulerDriver* d, const MasterInfo& master) override {
    note(d, "reregistered with " + master.hostname());
  }
  void disconnected(SchedulerDriver* d) override { note(d, "disconnected"); }
  void resourceOffers(SchedulerDriver* d, const std::vector<Offer>& offers) override {
    std::string line = "offers";
    for (const Offer& offer : offers) line += " " + offer.id().value();
    note(d, line);
  }
  void offerRescinded(SchedulerDriver* d, const OfferID& id) override {
    note(d, "rescinded " + id.value());
  }
  void statusUpdate(SchedulerDriver* d, const TaskStatus& status) override {
    note(d, status.task_id().value() + " is " + TaskState_Name(status.state()));
  }
  void frameworkMessage(SchedulerDriver* d, const ExecutorID& executor, const AgentID& agent,
                        const std::string& data) override {
    note(d, "message of " + executor.value() + " on " + agent.value() + ": " + data.substr(0, 20));
  }
  void slaveLost(SchedulerDriver* d, const AgentID& agent) override {
    note(d, "lost " + agent.value());
  }
  void executorLost(SchedulerDriver* d, const ExecutorID& executor, const AgentID& agent,
                    int status) override {
    note(d, "lost " + executor.value() + " on " + agent.value() + ": " + std::to_string(status));
  }
  void error(SchedulerDriver* d, const std::string& message) override {
    note(d, "error: " + message);
  }
  void otherEvent(SchedulerDriver* d, const Event& event) override {
    note(d, "other: " + Event::Type_Name(event.type()));
  }

 private:
  void note(SchedulerDriver* driver, const std::string& line) {
    notes.add(line);
    if (react) react(line, driver);
  }
};

inline FrameworkInfo frameworkInfo() {
  FrameworkInfo framework;
  framework.set_name("test");
  framework.add_roles("r");
  return framework;
}

template <typename Id>
Id id(const std::string& value) {
  Id result;
  result.set_value(value);
  return result;
}

inline Event event(Event::Type type) {
  Event result;
  result.set_type(type);
  return result;
}

inline Event updateOf(const std::string& task, TaskState state, const std::string& uuid) {
  Event update = event(Event::UPDATE);
  TaskStatus& status = *update.mutable_update()->mutable_status();
  status = makeStatus(id<TaskID>(task), state);
  status.mutable_agent_id()->set_value("A1");
  if (!uuid.empty()) status.set_uuid(uuid);
  return update;
}

inline TaskInfo taskInfo(const std::string& name) {
  TaskInfo task;
  task.set_name(name);
  task.mutable_task_id()->set_value(name);
  task.mutable_agent_id()->set_value("A1");
  return task;
}

class SchedulerDriverTest : public ::testing::Test {
 protected:
  SchedulerDriver& drive(SchedulerOptions options = {}) {
    return driveTo(server_.address(), std::move(options));
  }

  SchedulerDriver& driveTo(const std::string& master, SchedulerOptions options = {}) {
    options.seed = 7;
    options.log = [this](LogLevel level, const std::string& line) {
      if (level == LogLevel::warning) problems_.add(line);
      log_.add(line);
    };
    driver_ = std::make_unique<MesosSchedulerDriver>(&scheduler_, framework_, master, options);
    EXPECT_EQ(driver_->start(), DRIVER_RUNNING);
    return *driver_;
  }

  void TearDown() override { driver_.reset(); }

  static Call callIn(const Received& received) {
    Call call;
    EXPECT_TRUE(call.ParseFromString(received.request.body));
    return call;
  }

  /// The next call, answered with 202.
  Call nextCall() {
    const Received received = server_.next();
    server_.respond(received, 202);
    EXPECT_EQ(received.request.target, "/api/v1/scheduler");
    const std::string* streamId = received.request.headers.find("Mesos-Stream-Id");
    EXPECT_TRUE(streamId && *streamId == "stream-1");
    return callIn(received);
  }

  void tell(const Event& e) {
    server_.write(stream_, protocol::encodeRecord(e.SerializeAsString()));
  }

  /// Waits for the SUBSCRIBE, and accepts it.
  Call acceptSubscription(double heartbeatSeconds = 15) {
    stream_ = server_.next();
    const Call call = callIn(stream_);
    EXPECT_EQ(call.type(), Call::SUBSCRIBE);
    server_.startStream(
        stream_, {{"Content-Type", "application/x-protobuf"}, {"Mesos-Stream-Id", "stream-1"}});
    Event subscribed = event(Event::SUBSCRIBED);
    subscribed.mutable_subscribed()->mutable_framework_id()->set_value("F1");
    subscribed.mutable_subscribed()->set_heartbeat_interval_seconds(heartbeatSeconds);
    MasterInfo& master = *subscribed.mutable_subscribed()->mutable_master_info();
    master.set_id("M1");
    master.set_ip(0);
    master.set_port(1);
    master.set_hostname("m.example");
    tell(subscribed);
    return call;
  }

  SchedulerDriver& subscribe(SchedulerOptions options = {}) {
    SchedulerDriver& driver = drive(std::move(options));
    acceptSubscription();
    EXPECT_TRUE(scheduler_.notes.has("registered F1 with m.example"));
    return driver;
  }

  bool told(const std::string& line) { return scheduler_.notes.has(line); }

  ScriptedServer server_;
  NotingScheduler scheduler_;
  FrameworkInfo framework_ = frameworkInfo();
  Notes log_;
  Notes problems_;
  Received stream_;
  std::unique_ptr<MesosSchedulerDriver> driver_;
};

}  // namespace mesos
