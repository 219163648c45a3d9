// The operator calls that a master and an agent answer alike (facts W70-W73).
#pragma once

#include "cluster/content.hpp"
#include "cluster/metrics.hpp"
#include "cluster/state_json.hpp"

#include <mesos/v1/master/master.pb.h>

#include <string>

namespace mesos::cluster {

/// What the common calls tell about. Their answers have the same numbers in both APIs, so one kind
/// of response serves both.
v1::master::Response healthResponse();
v1::master::Response flagsResponse(const Flags& flags);
v1::master::Response versionResponse(const std::string& version);
v1::master::Response metricsResponse(const Metrics& metrics);

v1::master::Response loggingLevelResponse();  ///< There is one level of logging.

/// The encodings of a response or an event. In JSON the lists that Mesos writes by hand are there
/// even if they are empty.
std::string encodeOperator(const google::protobuf::Message& message, ContentType type);
/// 200 with such a message.
protocol::Response operatorAnswer(const google::protobuf::Message& message, ContentType type);

/// 501 with a sentence that names the call.
protocol::Response notServed(const std::string& callName);

}  // namespace mesos::cluster
