#include "cluster/operator_call.hpp"

namespace mesos::cluster {

using v1::master::Response;

Response healthResponse() {
  Response response;
  response.set_type(Response::GET_HEALTH);
  response.mutable_get_health()->set_healthy(true);
  return response;
}

Response flagsResponse(const Flags& flags) {
  Response response;
  response.set_type(Response::GET_FLAGS);
  for (const auto& [name, value] : flags) {
    v1::Flag& flag = *response.mutable_get_flags()->add_flags();
    flag.set_name(name);
    flag.set_value(value);
  }
  return response;
}

Response versionResponse(const std::string& version) {
  Response response;
  response.set_type(Response::GET_VERSION);
  *response.mutable_get_version()->mutable_version_info() = versionInfo(version);
  return response;
}

Response metricsResponse(const Metrics& metrics) {
  Response response;
  response.set_type(Response::GET_METRICS);
  for (const auto& [name, value] : metrics) {
    v1::Metric& metric = *response.mutable_get_metrics()->add_metrics();
    metric.set_name(name);
    metric.set_value(value);
  }
  return response;
}

protocol::Response notServed(const std::string& callName) {
  return plainText(501, "The call " + callName + " is not served yet");
}

}  // namespace mesos::cluster
