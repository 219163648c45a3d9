// A master on virtual time, with scripted frameworks and agents around it: for tests.
#pragma once

#include "base/check.hpp"
#include "cluster/master.hpp"
#include "protocol/json.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace mesos::cluster {

/// A message as Mesos' JSON says it.
template <typename Message>
Message fromText(const std::string& json) {
  Message message;
  const auto parsed = protocol::fromJson(json, &message);
  EXPECT_TRUE(parsed) << json << ": " << (parsed ? "" : parsed.error().message);
  return message;
}

/// The first recorded entry of statuses.json with this cause.
TaskStatus recordedStatus(const std::string& cause);
/// Equal in state, source, reason, message and in which fields there are; ids of masters may
/// differ.
void expectLike(const TaskStatus& recorded, const TaskStatus& actual);

class MasterTest : public testing::Test {
 public:
  using Event = Master::Event;
  using Call = Master::Call;

  explicit MasterTest(MasterOptions options = {}, Registry registry = {});

  /// Performs every effect; then every agent's books must balance.
  void drain();
  /// Lets time pass, timer by timer.
  void advance(Duration duration);

  StreamId subscribe(const std::string& frameworkInfo, const std::string& suppressedRoles = "");
  void close(StreamId stream);
  /// A call of the stream's framework; `json` begins with its "type".
  void call(StreamId stream, const std::string& json);
  std::string idOf(StreamId stream) const;

  /// Registers and returns the link.
  std::uint64_t addAgent(const std::string& resources = kResources, const std::string& pid = "");
  void fromAgent(std::uint64_t link, AgentToMaster message);
  void closeLink(std::uint64_t link);
  /// What an agent says that has all that the master thinks it has.
  RegisterAgent registrationOf(const std::string& id) const;
  std::string agentId(std::uint64_t link) const;
  /// A status with a fresh uuid, which is returned.
  std::string update(std::uint64_t link, StreamId framework, const std::string& taskId,
                     TaskState state, std::optional<TaskState> latest = std::nullopt);

  /// What came on a stream since it was last asked; HEARTBEATs only if wanted.
  std::vector<Event> take(StreamId stream, bool heartbeats = false);
  /// All offers that came on a stream since it was last asked; other events are dropped.
  std::vector<Offer> takeOffers(StreamId stream);
  Offer takeOffer(StreamId stream);
  std::vector<TaskStatus> takeUpdates(StreamId stream);
  bool hasEnded(StreamId stream) const { return ended_.count(stream) != 0; }
  /// Messages of one kind to agents since they were last asked for; others stay.
  template <typename Message>
  std::vector<Message> takeSent() {
    std::vector<Message> result;
    std::vector<ToAgent> rest;
    for (ToAgent& sent : sent_) {
      if (auto* message = std::get_if<Message>(&sent.message)) {
        result.push_back(std::move(*message));
      } else {
        rest.push_back(std::move(sent));
      }
    }
    sent_ = std::move(rest);
    return result;
  }

  /// A command task for the offer's agent; later members of `extra` override (fact J2).
  std::string taskJson(const Offer& offer, const std::string& taskId,
                       const std::string& extra = "") const;
  /// Members of an ACCEPT with refuse_seconds 0.
  static std::string acceptJson(const std::string& offerIds, const std::string& operations);
  static std::string idJson(const Offer& offer);
  /// A LAUNCH; `more` are members beside it.
  static std::string launchJson(const std::string& tasks, const std::string& more = "");
  /// The member `resources`, and one of its elements.
  static std::string resourcesJson(const std::string& list);
  static std::string scalarJson(const std::string& name, const std::string& value,
                                const std::string& more = "");
  /// ACCEPT with one LAUNCH and refuse_seconds 0.
  void launch(StreamId stream, const Offer& offer, const std::vector<std::string>& tasks);
  /// Launches on the one offer there is.
  void launch(StreamId stream, const std::vector<std::string>& taskIds);

  static constexpr char kResources[] = "ports:[31000-32000];cpus:4;mem:4096;disk:8192";
  static constexpr char kPlain[] = R"("user":"root","name":"f","failover_timeout":60)";
  static constexpr char kAware[] =
      R"("user":"root","name":"f","roles":["*"],"failover_timeout":60,
         "capabilities":[{"type":"MULTI_ROLE"},{"type":"PARTITION_AWARE"}])";
  static constexpr char kExecutor[] =
      R"("command":null,"executor":{"type":"CUSTOM","executor_id":{"value":"e"},"name":"n",
         "source":"s","command":{"value":"run"},"resources":[
           {"name":"cpus","type":"SCALAR","scalar":{"value":0.1}},
           {"name":"mem","type":"SCALAR","scalar":{"value":32}}]})";

  std::set<std::uint64_t> silent;  ///< Links on which pings are not answered.
  Random random{7};
  Now now{TimePoint(std::chrono::hours(1)),
          std::chrono::sys_seconds(std::chrono::seconds(1700000000))};
  Master master;

 private:
  void deliver(ToAgent message);
  void checkBooks() const;

  std::map<StreamId, std::vector<Event>> events_;
  std::map<StreamId, std::string> ids_;
  std::set<StreamId> ended_;
  std::vector<ToAgent> sent_;
  std::map<std::uint64_t, std::string> agents_;
  StreamId nextStream_ = 1;
  std::uint64_t nextLink_ = 1;
};

}  // namespace mesos::cluster
