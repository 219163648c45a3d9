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

Response loggingLevelResponse() {
  Response response;
  response.set_type(Response::GET_LOGGING_LEVEL);
  response.mutable_get_logging_level()->set_level(0);
  return response;
}

std::string encodeOperator(const google::protobuf::Message& message, ContentType type) {
  static const protocol::ListNames kShownEmpty{
      "mesos.v1.master.Response.GetTasks.tasks",
      "mesos.v1.master.Response.GetTasks.unreachable_tasks",
      "mesos.v1.master.Response.GetTasks.completed_tasks",
      "mesos.v1.master.Response.GetExecutors.executors",
      "mesos.v1.master.Response.GetFrameworks.frameworks",
      "mesos.v1.master.Response.GetFrameworks.completed_frameworks",
      "mesos.v1.master.Response.GetAgents.agents",
      "mesos.v1.master.Response.GetAgents.recovered_agents",
      "mesos.v1.agent.Response.GetTasks.pending_tasks",
      "mesos.v1.agent.Response.GetTasks.queued_tasks",
      "mesos.v1.agent.Response.GetTasks.launched_tasks",
      "mesos.v1.agent.Response.GetTasks.terminated_tasks",
      "mesos.v1.agent.Response.GetTasks.completed_tasks",
      "mesos.v1.agent.Response.GetExecutors.executors",
      "mesos.v1.agent.Response.GetExecutors.completed_executors",
      "mesos.v1.agent.Response.GetFrameworks.frameworks",
      "mesos.v1.agent.Response.GetFrameworks.completed_frameworks",
  };
  return type == ContentType::Json ? protocol::toJson(message, kShownEmpty)
                                   : message.SerializePartialAsString();
}

protocol::Response operatorAnswer(const google::protobuf::Message& message, ContentType type) {
  return {200, {{"Content-Type", std::string(nameOf(type))}}, encodeOperator(message, type)};
}

protocol::Response notServed(const std::string& callName) {
  return plainText(501, "The call " + callName + " is not served yet");
}

}  // namespace mesos::cluster
