// The agent's HTTP surface: executor API, operator endpoints (sections 12 and 16.3).
#pragma once

#include "cluster/agent.hpp"
#include "cluster/http_effects.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace mesos::cluster {

/// The one door to an Agent: the shell gives it requests, the master's messages, what became of
/// processes, and time, and performs its effects. Pure, as Agent is.
class AgentHttp {
 public:
  using Effect =
      std::variant<Respond, OpenStream, StreamBytes, EndStream, Hangup, ServeFile, ToMaster,
                   PrepareContainer, ForkContainer, SignalContainer, DestroyContainer, StartCheck,
                   StopCheck, WriteCheckpoint, RemoveCheckpoint, AgentEnded>;

  AgentHttp(Now now, AgentOptions options, std::map<std::string, std::string> flags, Random& random,
            AgentRecovery recovery = {});
  ~AgentHttp();

  void onRequest(Now now, RequestId id, const protocol::Request& request);
  /// The same from the local socket, which serves nothing but the APIs (fact V10).
  void onLocalRequest(Now now, RequestId id, const protocol::Request& request);
  void onRequestClosed(Now now, RequestId id);
  void onStart(Now now);
  void onLeave(Now now);
  void onMasterMessage(Now now, MasterToAgent message);
  void onPrepared(Now now, const std::string& containerId, Result<void> result);
  void onForked(Now now, const std::string& containerId, Result<int> pid);
  void onExited(Now now, const std::string& containerId, int status);
  void onChecked(Now now, const std::string& containerId, std::uint64_t checkId,
                 const Result<int>& outcome);
  /// The agent's process ends without a word: what lives on of it. Of no use afterwards.
  LivingExecutors onKilled();
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

  const Agent& agent() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mesos::cluster
