// A master and an agent joined in memory behind their HTTP surfaces, for tests: what would be
// sockets and processes is at hand and under control.
#pragma once

#include "cluster/agent_http.hpp"
#include "cluster/master_http.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mesos::cluster {

/// What a client has received for one request so far.
struct Answer {
  int status = 0;  ///< 0: nothing yet.
  protocol::Headers headers;
  std::string body;               ///< Of a stream: all its records.
  bool streaming = false;         ///< The body may still grow.
  bool hungUp = false;            ///< Closed without an answer.
  std::optional<ServeFile> file;  ///< To be answered from disk.
};

class TestCluster {
 public:
  TestCluster(MasterOptions masterOptions, AgentOptions agentOptions);
  /// Cpus, memory, disk, ports, some reserved to role "r", and attributes, as in the recordings.
  TestCluster();

  /// Registers the agent with the master.
  void startAgent();

  RequestId toMaster(const protocol::Request& request);
  RequestId toAgent(const protocol::Request& request);
  const Answer& answer(RequestId id) const { return answers_.at(id); }
  /// The same at once, for requests that do not stream.
  const Answer& askMaster(const protocol::Request& request) { return answer(toMaster(request)); }
  const Answer& askAgent(const protocol::Request& request) { return answer(toAgent(request)); }
  /// By the agent's local socket.
  const Answer& askAgentLocally(const protocol::Request& request);
  void closeToMaster(RequestId id);
  void closeToAgent(RequestId id);

  /// The newest process the agent asked for, by container.
  void exitContainer(const std::string& containerId, int status);
  void advance(Duration duration);
  /// Gives the agent a message as if from the master.
  void tellAgent(MasterToAgent message);

  MasterHttp& masterHttp() { return masterHttp_; }
  AgentHttp& agentHttp() { return agentHttp_; }
  const Master& master() const { return masterHttp_.master(); }
  const Agent& agent() const { return agentHttp_.agent(); }
  /// Of a live executor of the agent.
  std::string sandboxOf(const std::string& frameworkId, const std::string& executorId) const {
    return cluster::sandboxOf(agent().frameworks().at(frameworkId),
                              *agent().executor(frameworkId, executorId));
  }
  Now now() const { return now_; }
  /// Whether fetched containers are forked at once, and forks get a process id.
  bool forksAtOnce = true;
  std::vector<Fault> faults;  ///< That the master was asked for.

 private:
  void settle();
  void perform(MasterHttp::Effect effect);
  void perform(AgentHttp::Effect effect);
  void perform(const Respond& effect);
  void perform(const OpenStream& effect);
  void perform(const StreamBytes& effect);
  void perform(const EndStream& effect);
  void perform(const Hangup& effect);
  void perform(const ServeFile& effect);
  void perform(ToAgent effect);
  void perform(const InjectFault& effect) { faults.push_back(effect.fault); }
  void perform(ToMaster effect);
  void perform(const PrepareContainer& effect);
  void perform(const ForkContainer& effect);
  void perform(const SignalContainer&) {}
  void perform(const StartCheck& effect);
  void perform(const StopCheck&) {}
  void perform(const WriteCheckpoint&) {}
  void perform(const RemoveCheckpoint&) {}
  void perform(const AgentEnded&) {}
  void perform(const DestroyContainer& effect);

  Now now_;
  Random random_{1};
  MasterHttp masterHttp_;
  AgentHttp agentHttp_;
  RequestId nextRequest_ = 1;
  int nextPid_ = 1000;
  std::map<RequestId, Answer> answers_;
};

/// The records of a stream's body.
std::vector<std::string> recordsOf(const std::string& body);

}  // namespace mesos::cluster
