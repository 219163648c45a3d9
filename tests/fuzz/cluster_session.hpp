// A conversation with a cluster, written as text: what a scheduler, executors, operators and
// strangers send, and what happens meanwhile. For fuzzing MasterHttp and AgentHttp beyond their
// first refusals.
//
// Steps are separated by a line "%%". Each is a word, a blank, and the rest:
//   call JSON, call-protobuf JSON            a scheduler's call, its stream id added
//   executor JSON, executor-protobuf JSON    an executor's call
//   operator JSON, operator-agent JSON       a v1 operator call
//   http TEXT, http-agent TEXT               a raw request
//   wait MILLISECONDS
//   exit N STATUS                            container N of the agent ends
//   close N, close-agent N                   the connection of request N is closed
//   hold                                     containers are no longer prepared at once
//   prepared N FAILED                        container N is prepared, or cannot be
//   link                                     the agent's connection to the master breaks
//   rejoin, leave                            the agent registers again, or unregisters
// In them @F is the framework's id, @A the agent's, @O and @P the first two offers', @S the stream
// id, @U the uuid of the latest status, @C the first container's id.
#pragma once

#include "cluster/test_cluster.hpp"
#include "protocol/record_io.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mesos::fuzz {

class ClusterSession {
 public:
  /// With an agent and a subscribed framework that has an offer.
  ClusterSession();

  void run(std::string_view steps);
  void runStep(std::string_view step);
  /// What must hold after every step.
  void check();
  /// What is only read still answers.
  void checkReads();
  void checkEnd();

 private:
  std::string filledIn(std::string_view text) const;
  void call(std::string_view json, bool asProtobuf);
  void executorCall(std::string_view json, bool asProtobuf);
  void operatorCall(std::string_view json, bool toAgent);
  void http(std::string_view text, bool toAgent);
  void sendToMaster(const protocol::Request& request);
  void sendToAgent(const protocol::Request& request);
  void exit(std::string_view arguments);
  void prepared(std::string_view arguments);
  void close(std::string_view arguments, std::vector<cluster::RequestId>& requests, bool toAgent);
  void readStream();
  std::vector<std::string> containers() const;

  cluster::TestCluster cluster_;
  std::vector<cluster::RequestId> toMaster_, toAgent_;  // Requests in order.
  cluster::RequestId stream_ = 0;                       // Of the latest SUBSCRIBE.
  std::size_t bytesRead_ = 0;                           // Of that stream.
  protocol::RecordDecoder decoder_;
  std::string frameworkId_, streamId_, uuid_;
  Duration waited_{};
};

/// The separator of steps.
constexpr std::string_view kStepEnd = "\n%%\n";
std::vector<std::string> splitSteps(std::string_view text);

}  // namespace mesos::fuzz
