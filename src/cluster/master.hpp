// The master: frameworks, agents, offers and tasks, as a state machine.
#pragma once

#include "base/random.hpp"
#include "base/time.hpp"
#include "cluster/allocator.hpp"
#include "cluster/messages.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>
#include <mesos/resources.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace mesos::cluster {

/// Names one scheduler's event stream; the caller (MasterHttp) gives each SUBSCRIBE a new number.
using StreamId = std::uint64_t;

/// Constants of section 17, already divided by any time scale.
struct MasterOptions {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 5050;
  std::string hostname = "localhost";
  std::string version = "1.12.0";
  Duration heartbeatInterval = std::chrono::seconds(15);
  Duration allocationInterval = std::chrono::seconds(1);
  std::optional<Duration> offerTimeout;
  double defaultRefuseSeconds = 5.0;
  /// Every duration a client gives (refuse_seconds, failover_timeout) is divided by this.
  double timeScale = 1.0;
  std::size_t completedFrameworksMax = 50;
  std::size_t completedTasksMax = 1000;  ///< Per framework.
  bool rootSubmissions = true;
  std::set<std::string> roleWhitelist;  ///< Empty: every role.
  /// min_allocatable_resources, parsed alternatives.
  std::vector<Resources> minAllocatable;
};

struct MasterTask {
  Task task;  ///< As in /tasks: state is the latest, status_update_state the last forwarded (C3,
              ///< U15).
  bool killRequested = false;
};

struct MasterFramework {
  FrameworkInfo info;              ///< With id.
  std::optional<StreamId> stream;  ///< Set while connected.
  bool active = false;
  Now registered{};
  std::optional<Now> reregistered;
  std::optional<Now> unregistered;
  std::optional<TimePoint> removeAt;        ///< Disconnected: when failover_timeout ends.
  std::map<std::string, MasterTask> tasks;  ///< By task id; terminal ones until acknowledged (W16).
  std::deque<Task> completedTasks;
  std::deque<Task> unreachableTasks;
  /// Custom executors: agent id, then executor id.
  std::map<std::string, std::map<std::string, ExecutorInfo>> executors;
  std::set<std::string> offers;
};

struct MasterAgent {
  AgentInfo info;  ///< With id.
  std::string pid;
  std::string version;
  Resources total;
  Now registered{};
  std::optional<Now> reregistered;
  bool active = true;
  Resources used;     ///< By tasks and executors; with allocation_info.
  Resources offered;  ///< With allocation_info.
};

struct MasterOffer {
  Offer offer;          ///< As sent to the framework.
  Resources resources;  ///< With allocation_info.
  std::optional<TimePoint> rescindAt;
};

/// Counters and gauges of /metrics/snapshot (fact W74) that state alone does not tell.
struct MasterCounters {
  std::uint64_t validStatusUpdates = 0;
  std::uint64_t invalidStatusUpdates = 0;
  std::uint64_t validAcknowledgements = 0;
  std::uint64_t invalidAcknowledgements = 0;
  std::map<std::string, std::uint64_t>
      messages;  ///< "messages_decline_offers" → count, as W74 names them.
  std::map<TaskState, std::uint64_t> terminalTasks;  ///< Tasks that ended in each state.
};

struct ToFramework {
  StreamId stream;
  v1::scheduler::Event event;
};
/// The stream is over: after an ERROR, a takeover, a removal.
struct EndFrameworkStream {
  StreamId stream;
};
struct ToAgent {
  std::string agentId;  ///< For AgentRegistered: see `link`.
  std::uint64_t link;   ///< The agent's link, as onAgentMessage was told it.
  MasterToAgent message;
};

/// Tell it what happened (on*), then drain poll() and call onTimer no later than deadline().
/// Performs no I/O, reads no clock, never blocks, never throws. Not thread-safe.
class Master {
 public:
  using Call = v1::scheduler::Call;
  using Event = v1::scheduler::Event;
  using Effect = std::variant<ToFramework, EndFrameworkStream, ToAgent>;

  Master(Now now, MasterOptions options, Random& random);

  /// A SUBSCRIBE that passed every HTTP check. Answers by SUBSCRIBED, or by ERROR and the stream's
  /// end.
  void onSubscribe(Now now, StreamId stream, const Call::Subscribe& subscribe);
  /// The subscriber hung up. Harmless for a stream that is no longer a framework's.
  void onStreamClosed(Now now, StreamId stream);
  /// Any other call but UPDATE_FRAMEWORK, of a connected framework, validated (Q6) and with its
  /// framework_id.
  void onCall(Now now, const Call& call);
  /// The operator's POST /teardown (fact S57). False: no such framework.
  bool teardown(Now now, const std::string& frameworkId);

  /// `link` names the agent's connection, which the shell chooses and keeps.
  void onAgentMessage(Now now, std::uint64_t link, AgentToMaster message);

  void onTimer(Now now);
  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

  // --- What there is, for answers and tests.
  const MasterOptions& options() const { return options_; }
  const std::string& id() const { return id_; }
  const MasterInfo& info() const { return info_; }
  Now started() const { return started_; }
  const std::map<std::string, MasterFramework>& frameworks() const { return frameworks_; }
  const std::deque<MasterFramework>& completedFrameworks() const { return completedFrameworks_; }
  const std::map<std::string, MasterAgent>& agents() const { return agents_; }
  const std::map<std::string, MasterOffer>& offers() const { return offers_; }
  const MasterCounters& counters() const { return counters_; }
  /// The framework whose stream this is; nullptr if none.
  const MasterFramework* frameworkOf(StreamId stream) const;

 private:
  MasterOptions options_;
  Random& random_;
  std::string id_;
  MasterInfo info_;
  Now started_;
  std::map<std::string, MasterFramework> frameworks_;
  std::deque<MasterFramework> completedFrameworks_;
  std::map<std::string, MasterAgent> agents_;
  std::map<std::string, MasterOffer> offers_;
  MasterCounters counters_;
};

}  // namespace mesos::cluster
