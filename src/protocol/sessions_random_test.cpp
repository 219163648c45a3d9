// Both sessions in random worlds: whatever happens, they keep to the contract with their shell.
#include "protocol/calls.hpp"
#include "protocol/executor_session.hpp"
#include "protocol/record_io.hpp"
#include "protocol/scheduler_session.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace mesos::protocol {
namespace {

using namespace std::chrono_literals;

// What any shell does, reduced to checking that it is asked for sensible things.
template <typename Session>
class Shell {
 public:
  Shell(Session& session, Random& random) : session_(session), random_(random) {}

  void drain() {
    while (auto effect = session_.poll()) {
      EXPECT_FALSE(over_) << "an effect after the last one";
      std::visit([this](const auto& one) { perform(one); }, *effect);
    }
  }

  // Time passes, perhaps past a deadline; a session must not want to be woken in the past for ever.
  void pass(Duration duration) {
    now = now + duration;
    for (int i = 0; session_.deadline() && *session_.deadline() <= now.steady; ++i) {
      ASSERT_LT(i, 20) << "a deadline that does not go away";
      session_.onTimer(now);
      drain();
    }
  }

  // What a network and a peer do: mostly what they should.
  void happen() {
    if (random_.chance(0.9)) {
      advance(pick());
    } else {
      disturb();
    }
    drain();
  }

  bool over() const { return over_; }

  Now now{TimePoint(1000s), std::chrono::sys_time<Duration>(1'700'000'000s)};
  std::vector<typename Session::Event> events;  // Those worth sending, SUBSCRIBED first.
  int subscriptions = 0;

 private:
  void advance(ConnectionId id) {
    if (connecting_.erase(id) > 0) {
      connected_.insert(id);
      return session_.onConnected(now, id);
    }
    if (connected_.count(id) == 0) return;
    if (streams_.count(id) > 0) {
      const auto& event = events[random_.below(events.size() - 1) + 1];
      return session_.onBytes(now, id, encodeRecord(event.SerializeAsString()));
    }
    if (unanswered_[id] == 0) return;
    --unanswered_[id];
    if (id == subscribing_) {
      streams_.insert(id);
      session_.onResponse(now, id, head(200));
      session_.onBytes(now, id, encodeRecord(events[0].SerializeAsString()));
    } else {
      session_.onResponse(now, id, head(202));
      session_.onBodyEnd(now, id);
    }
  }

  void disturb() {
    const ConnectionId id = random_.chance(0.9) ? pick() : random_.below(std::uint64_t{50});
    switch (random_.below(std::uint64_t{8})) {
      case 0:
      case 1:
        if (connecting_.erase(id) > 0) connected_.insert(id);
        session_.onConnected(now, id);
        break;
      case 2: {
        constexpr int kStatuses[] = {200, 202, 307, 503, 200, 202, 400};
        session_.onResponse(now, id, head(kStatuses[random_.below(std::uint64_t{7})]));
        break;
      }
      case 3:
      case 4:
      case 5:
        session_.onBytes(now, id, bytes());
        break;
      case 6:
        session_.onBodyEnd(now, id);
        break;
      case 7:
        if (random_.chance(0.5)) break;
        connecting_.erase(id);
        connected_.erase(id);
        session_.onClosed(now, id, "closed");
        break;
    }
  }

  static ResponseHead head(int status) {
    return {status,
            {{"Content-Type", "application/x-protobuf"},
             {"Mesos-Stream-Id", "s"},
             {"Location", "//10.0.0.2:5050/master/api/v1/scheduler"}}};
  }

  ConnectionId pick() {
    std::vector<ConnectionId> open(connecting_.begin(), connecting_.end());
    open.insert(open.end(), connected_.begin(), connected_.end());
    return open.empty() ? 0 : open[random_.below(open.size())];
  }

  std::string bytes() {
    if (random_.chance(0.03)) return "garbage\n";
    std::string record = encodeRecord(events[random_.below(events.size())].SerializeAsString());
    if (random_.chance(0.03)) record.resize(record.size() / 2);
    return record;
  }

  void perform(const Connect& connect) {
    EXPECT_TRUE(ids_.insert(connect.id).second) << "an id used twice";
    connecting_.insert(connect.id);
  }
  void perform(const Send& send) {
    EXPECT_EQ(1U, connected_.count(send.id)) << "a request on what is not connected";
    ++unanswered_[send.id];
    typename Session::Call call;
    EXPECT_TRUE(call.ParseFromString(send.request.body));
    if (call.type() == Session::Call::SUBSCRIBE) subscribing_ = send.id;
  }
  void perform(const Close& close) {
    EXPECT_EQ(1U, connecting_.erase(close.id) + connected_.erase(close.id))
        << "a close of what is not open";
  }
  void perform(const DeliverEvent& deliver) { delivered(deliver.event->has_subscribed()); }
  void perform(const DeliverExecutorEvent& deliver) { delivered(deliver.event.has_subscribed()); }
  void perform(const Disconnected&) {
    EXPECT_TRUE(subscribed_) << "the end of what never began";
    subscribed_ = false;
  }
  void perform(const Waiting& waiting) {
    EXPECT_GE(waiting.waited, 0s);
    EXPECT_GE(waiting.next, 0s);
  }
  void perform(const Shutdown&) {
    EXPECT_FALSE(shutDown_) << "two shutdowns";
    shutDown_ = true;
  }
  void perform(const Failed&) { end(); }
  void perform(const Stopped&) { end(); }

  void delivered(bool isSubscribed) {
    if (!isSubscribed) return;
    EXPECT_FALSE(subscribed_) << "a subscription in a subscription";
    subscribed_ = true;
    ++subscriptions;
  }
  void end() {
    over_ = true;
    EXPECT_TRUE(connecting_.empty() && connected_.empty()) << "connections left open";
    EXPECT_FALSE(session_.deadline());
  }

  Session& session_;
  Random& random_;
  std::set<ConnectionId> ids_;
  std::set<ConnectionId> connecting_;
  std::set<ConnectionId> connected_;
  std::set<ConnectionId> streams_;
  std::map<ConnectionId, int> unanswered_;
  ConnectionId subscribing_ = 0;
  bool subscribed_ = false;
  bool shutDown_ = false;
  bool over_ = false;
};

template <typename Event, typename Fill>
Event makeEvent(typename Event::Type type, Fill fill) {
  Event event;
  event.set_type(type);
  fill(event);
  return event;
}

v1::TaskInfo makeTask(const std::string& id) {
  v1::TaskInfo task;
  task.set_name(id);
  task.mutable_task_id()->set_value(id);
  task.mutable_agent_id()->set_value("S");
  return task;
}

std::vector<v1::scheduler::Event> schedulerEvents() {
  using Event = v1::scheduler::Event;
  const auto subscribed = makeEvent<Event>(Event::SUBSCRIBED, [](Event& event) {
    event.mutable_subscribed()->mutable_framework_id()->set_value("F");
    event.mutable_subscribed()->set_heartbeat_interval_seconds(15);
  });
  const auto update = makeEvent<Event>(Event::UPDATE, [](Event& event) {
    auto& status = *event.mutable_update()->mutable_status();
    status.mutable_task_id()->set_value("t");
    status.mutable_agent_id()->set_value("S");
    status.set_state(v1::TASK_RUNNING);
    status.set_uuid("uuid");
  });
  const auto heartbeat = makeEvent<Event>(Event::HEARTBEAT, [](Event&) {});
  const auto offers = makeEvent<Event>(Event::OFFERS, [](Event&) {});
  return {subscribed, update, update, update, heartbeat, heartbeat, offers, offers};
}

std::vector<v1::executor::Event> executorEvents() {
  using Event = v1::executor::Event;
  const auto subscribed = makeEvent<Event>(Event::SUBSCRIBED, [](Event& event) {
    auto& body = *event.mutable_subscribed();
    body.mutable_executor_info()->mutable_executor_id()->set_value("E");
    body.mutable_framework_info()->set_user("root");
    body.mutable_framework_info()->set_name("test");
    body.mutable_agent_info()->set_hostname("host");
  });
  const auto launch = makeEvent<Event>(
      Event::LAUNCH, [](Event& event) { *event.mutable_launch()->mutable_task() = makeTask("t"); });
  const auto heartbeat = makeEvent<Event>(Event::HEARTBEAT, [](Event&) {});
  const auto shutdown = makeEvent<Event>(Event::SHUTDOWN, [](Event&) {});
  std::vector<Event> events(20, heartbeat);
  for (int i = 0; i < 5; ++i) events.insert(events.end(), {subscribed, launch});
  events.push_back(shutdown);
  return events;
}

TEST(SessionsInRandomWorlds, TheSchedulersSessionKeepsItsContract) {
  int subscriptions = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random world(seed);
    Random own(seed + 1);
    v1::FrameworkInfo framework;
    framework.set_user("root");
    framework.set_name("test");
    framework.add_roles("web");
    SchedulerSessionOptions options;
    options.callBytesInFlightMax = 100;
    SchedulerSession session(options, framework, own);
    Shell shell(session, world);
    shell.events = schedulerEvents();
    for (int step = 0; step < 400 && !shell.over(); ++step) {
      v1::OfferID offer;
      offer.set_value("O");
      switch (world.below(std::uint64_t{40})) {
        case 0:
          session.onLeader(shell.now, Address{"10.0.0.1", 5050});
          break;
        case 1:
          if (world.chance(0.1)) session.onLeader(shell.now, std::nullopt);
          break;
        case 2:
        case 3:
          session.onCall(shell.now, calls::accept({offer}, {calls::launch({makeTask("t")})}));
          break;
        case 4:
        case 5:
          session.onCall(shell.now, calls::suppress());
          break;
        case 6:
          session.onHandled(shell.now, shell.events[1]);
          break;
        case 7:
          if (step > 300) session.onStop(shell.now, world.chance(0.5));
          break;
        case 8:
          shell.pass(world.below(Duration(20s)));
          break;
        default:
          shell.happen();
      }
      shell.drain();
    }
    session.onStop(shell.now, true);
    session.onStop(shell.now, true);
    shell.drain();
    EXPECT_TRUE(shell.over());
    subscriptions += shell.subscriptions;
  }
  EXPECT_GT(subscriptions, 100);  // The worlds are not so hostile that nothing is ever tried.
}

TEST(SessionsInRandomWorlds, TheExecutorsSessionKeepsItsContract) {
  int subscriptions = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random world(seed);
    Random own(seed + 1);
    ExecutorSessionOptions options;
    options.frameworkId.set_value("F");
    options.executorId.set_value("E");
    options.agent = {"10.0.0.9", 5051};
    options.checkpoint = seed % 4 != 0;
    ExecutorSession session(options, own);
    Shell shell(session, world);
    shell.events = executorEvents();
    session.onStart(shell.now);
    for (int step = 0; step < 400 && !shell.over(); ++step) {
      v1::TaskStatus status;
      status.mutable_task_id()->set_value("t");
      status.set_state(world.chance(0.2) ? v1::TASK_FINISHED : v1::TASK_RUNNING);
      switch (world.below(std::uint64_t{30})) {
        case 0:
        case 1:
          session.onUpdate(shell.now, status);
          break;
        case 2:
          session.onMessage(shell.now, "data");
          break;
        case 3:
          if (step > 300) session.onStop(shell.now);
          break;
        case 4:
        case 5:
          shell.pass(world.below(Duration(20s)));
          break;
        default:
          shell.happen();
      }
      shell.drain();
    }
    session.onStop(shell.now);
    session.onStop(shell.now);
    shell.drain();
    EXPECT_TRUE(shell.over());
    subscriptions += shell.subscriptions;
  }
  EXPECT_GT(subscriptions, 100);
}

}  // namespace
}  // namespace mesos::protocol
