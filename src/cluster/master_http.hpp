// The master's HTTP surface: requests in, answers and streams out (sections 1-9, 16).
#pragma once

#include "cluster/fault.hpp"
#include "cluster/http_effects.hpp"
#include "cluster/master.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace mesos::cluster {

/// The one door to a Master: the shell gives it requests, agents' messages and time, and performs
/// its effects. Pure, as Master is.
class MasterHttp {
 public:
  using Effect = std::variant<Respond, OpenStream, StreamBytes, EndStream, Hangup, ServeFile,
                              ToAgent, InjectFault>;

  /// `flags` is what /flags and /state show, `registry` what the master before this one left.
  MasterHttp(Now now, MasterOptions options, std::map<std::string, std::string> flags,
             Random& random, Registry registry = {});
  ~MasterHttp();

  void onRequest(Now now, RequestId id, const protocol::Request& request);
  /// The connection of a stream that OpenStream started is gone. Harmless for any other.
  void onRequestClosed(Now now, RequestId id);
  void onAgentMessage(Now now, std::uint64_t link, AgentToMaster message);
  /// As Master::onLeader.
  void onLeader(Now now, std::optional<MasterInfo> leader);
  /// As Master::onRegistry.
  void onRegistry(Now now, Registry registry);
  void onAgentLinkClosed(Now now, std::uint64_t link);
  void onTimer(Now now);

  std::optional<Effect> poll();
  std::optional<TimePoint> deadline() const;

  const Master& master() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mesos::cluster
