#include "cluster/agent_http.hpp"

#include "cluster/agent_operator_state.hpp"
#include "cluster/agent_state_json.hpp"
#include "cluster/call_validation.hpp"
#include "cluster/content.hpp"
#include "cluster/files_endpoint.hpp"
#include "cluster/metrics.hpp"
#include "cluster/operator_call.hpp"
#include "cluster/routing.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>

namespace mesos::cluster {
namespace {

using protocol::Request;
using protocol::Response;
using protocol::Target;
using ExecutorCall = v1::executor::Call;
using OperatorCall = v1::agent::Call;

constexpr std::string_view kRecovering = "Agent has not finished recovery";

}  // namespace

struct AgentHttp::State {
  /// An answer, or nullopt if the effects that answer are queued already.
  using Handler = std::optional<Response> (State::*)(const Exchange&);

  State(Now now, AgentOptions options, Flags shownFlags, Random& random, AgentRecovery recovery)
      : agent(now, std::move(options), random, std::move(recovery)),
        flags(std::move(shownFlags)),
        endpoints(actor(), handlers(actor())) {}

  /// "slave(1)" of "slave(1)@127.0.0.1:5051" (fact T8).
  std::string actor() const { return agent.pid().substr(0, agent.pid().find('@')); }
  static std::map<std::string, Handler, std::less<>> handlers(const std::string& actor);

  void handle(Now now, RequestId id, const Request& request, bool isLocal);
  bool isApi(const std::string& path) const {
    return path == "/" + actor() + "/api/v1" || path == "/" + actor() + "/api/v1/executor";
  }
  std::optional<Response> dispatch(Exchange exchange);
  void drain();
  void translate(ToExecutor effect);
  void translate(EndExecutorStream effect);
  template <typename PassedOn>
  void translate(PassedOn effect) {
    effects.emplace_back(std::move(effect));
  }

  // The executor API (section 12.1).
  std::optional<Response> onExecutor(const Exchange& exchange);
  std::optional<Response> subscribe(const Exchange& exchange, const ExecutorCall& call,
                                    const AgentExecutor& executor, ContentType type);

  // The operator API (section 16.5).
  std::optional<Response> onOperator(const Exchange& exchange);
  std::optional<AgentResponse> readState(const OperatorCall& call) const;
  std::optional<Response> onOperatorFile(const Exchange& exchange, const OperatorCall& call,
                                         ContentType type);

  // What is only read (sections 16.1, 16.3 and 16.4).
  std::optional<Response> onHealth(const Exchange&) { return Response{}; }
  std::optional<Response> onVersion(const Exchange& exchange);
  std::optional<Response> onFlags(const Exchange& exchange);
  std::optional<Response> onMetrics(const Exchange& exchange);
  std::optional<Response> onState(const Exchange& exchange);
  std::optional<Response> onContainers(const Exchange& exchange);
  std::optional<Response> onFilesDebug(const Exchange& exchange);
  template <ServeFile::Kind kind>
  std::optional<Response> onFiles(const Exchange& exchange);

  Agent agent;
  Flags flags;
  Endpoints<Handler> endpoints;
  std::map<ExecutorStreamId, ContentType> streams;
  std::deque<Effect> effects;
};

std::map<std::string, AgentHttp::State::Handler, std::less<>> AgentHttp::State::handlers(
    const std::string& actor) {
  const std::string own = "/" + actor;
  return {
      {own + "/api/v1", &State::onOperator},
      {own + "/api/v1/executor", &State::onExecutor},
      {own + "/containers", &State::onContainers},
      {own + "/flags", &State::onFlags},
      {own + "/health", &State::onHealth},
      {own + "/state", &State::onState},
      {"/files/browse", &State::onFiles<ServeFile::Kind::Browse>},
      {"/files/debug", &State::onFilesDebug},
      {"/files/download", &State::onFiles<ServeFile::Kind::Download>},
      {"/files/read", &State::onFiles<ServeFile::Kind::Read>},
      {"/metrics/snapshot", &State::onMetrics},
      {"/version", &State::onVersion},
  };
}

void AgentHttp::State::handle(Now now, RequestId id, const Request& request, bool isLocal) {
  auto target = targetOf(id, request);
  if (auto* hangup = std::get_if<Hangup>(&target)) {
    effects.emplace_back(*hangup);
  } else if (auto* refusal = std::get_if<Respond>(&target)) {
    effects.emplace_back(std::move(*refusal));
  } else if (isLocal && !isApi(std::get<Target>(target).path)) {
    effects.emplace_back(Respond{id, plainText(403, "403 Forbidden.")});
  } else {
    if (auto response = dispatch({now, id, request, std::get<Target>(target)})) {
      effects.emplace_back(Respond{id, *std::move(response)});
    }
  }
  drain();
}

/// Authentication comes before all that an endpoint looks at (fact T40).
std::optional<Response> AgentHttp::State::dispatch(Exchange exchange) {
  const auto* endpoint = endpoints.find(exchange.target.path);
  if (endpoint == nullptr) return notFound();
  const AuthenticationOptions& options = agent.options().authentication;
  auto authenticated = authenticate(options, agentRealm(endpoint->first), exchange.request);
  if (auto* refusal = std::get_if<Response>(&authenticated)) return std::move(*refusal);
  exchange.principal = std::get<std::optional<Principal>>(std::move(authenticated));
  return (this->*endpoint->second)(exchange);
}

void AgentHttp::State::drain() {
  while (std::optional<Agent::Effect> effect = agent.poll()) {
    std::visit([this](auto& each) { translate(std::move(each)); }, *effect);
  }
}

void AgentHttp::State::translate(ToExecutor effect) {
  const auto stream = streams.find(effect.stream);
  // Gone in the meantime: the event is lost (fact X41).
  if (stream == streams.end()) return;
  effects.emplace_back(StreamBytes{effect.stream, encodeEvent(effect.event, stream->second)});
}

void AgentHttp::State::translate(EndExecutorStream effect) {
  if (streams.erase(effect.stream) > 0) effects.emplace_back(EndStream{effect.stream});
}

std::optional<Response> AgentHttp::State::onExecutor(const Exchange& exchange) {
  ExecutorCall call;
  if (auto refusal = readCall(exchange.request, &call)) return refusal;
  if (const Result<void> valid = validateCall(call); !valid) {
    return badRequest(valid.error().message);
  }
  const bool subscribes = call.type() == ExecutorCall::SUBSCRIBE;
  const std::optional<ContentType> type = negotiate(exchange.request.headers);
  if (subscribes && !type) return notAcceptable();
  if (call.type() == ExecutorCall::HEARTBEAT) return accepted();
  if (!subscribes && agent.isRecovering()) return plainText(503, std::string(kRecovering));
  if (!agent.frameworks().contains(call.framework_id().value())) {
    return badRequest("Framework cannot be found");
  }
  const AgentExecutor* executor =
      agent.executor(call.framework_id().value(), call.executor_id().value());
  if (executor == nullptr) return badRequest("Executor cannot be found");
  const ExecutorClaims claims{call.framework_id().value(), call.executor_id().value(),
                              executor->containerId};
  if (exchange.principal && !hasClaims(*exchange.principal, claims)) {
    return plainText(403, "The authenticated principal is not this executor");  // Fact X10.
  }
  if (subscribes) return subscribe(exchange, call, *executor, *type);
  if (!executor->everSubscribed || executor->isCommand) {
    return plainText(403, "Executor is not subscribed");
  }
  if (call.type() == ExecutorCall::UNKNOWN) return notImplemented();
  agent.onExecutorCall(exchange.now, call);
  return accepted();
}

std::optional<Response> AgentHttp::State::subscribe(const Exchange& exchange,
                                                    const ExecutorCall& call,
                                                    const AgentExecutor& executor,
                                                    ContentType type) {
  // A real agent dies of a SUBSCRIBE for an executor whose process it has not started yet. Command
  // tasks' executors are built in and never subscribe over HTTP.
  const bool notStarted = executor.state == ExecutorState::Registering && executor.pid == 0;
  if (notStarted || executor.isCommand) return badRequest("Executor cannot be found");
  streams.insert_or_assign(exchange.id, type);
  effects.emplace_back(
      OpenStream{exchange.id, {200, {{"Content-Type", std::string(nameOf(type))}}}});
  agent.onExecutorSubscribe(exchange.now, exchange.id, call);
  return std::nullopt;
}

std::optional<Response> AgentHttp::State::onOperator(const Exchange& exchange) {
  OperatorCall call;
  if (auto refusal = readCall(exchange.request, &call)) return refusal;
  if (const Result<void> valid = validateCall(call); !valid) {
    return badRequest(valid.error().message);
  }
  const std::optional<ContentType> type = negotiate(exchange.request.headers);
  if (!type) {
    return plainText(406,
                     "Expecting 'Accept' to allow application/json or application/x-protobuf or "
                     "application/recordio");
  }
  if (const auto response = readState(call)) return operatorAnswer(*response, *type);
  switch (call.type()) {
    case OperatorCall::UNKNOWN:
      return notImplemented();
    case OperatorCall::GET_HEALTH:
      return answer(healthResponse(), *type);
    case OperatorCall::GET_FLAGS:
      return answer(flagsResponse(flags), *type);
    case OperatorCall::GET_VERSION:
      return answer(versionResponse(agent.options().version), *type);
    case OperatorCall::GET_METRICS:
      return answer(metricsResponse(metricsOf(exchange.now, agent)), *type);
    case OperatorCall::GET_LOGGING_LEVEL:
      return answer(loggingLevelResponse(), *type);
    case OperatorCall::LIST_FILES:
    case OperatorCall::READ_FILE:
      return onOperatorFile(exchange, call, *type);
    default:
      return notServed(OperatorCall::Type_Name(call.type()));
  }
}

/// The answer of a call that only reads what is the agent's alone; nullopt: it is none.
std::optional<AgentResponse> AgentHttp::State::readState(const OperatorCall& call) const {
  AgentResponse response;
  switch (call.type()) {
    case OperatorCall::GET_STATE:
      *response.mutable_get_state() = stateMessage(agent);
      break;
    case OperatorCall::GET_CONTAINERS:
      *response.mutable_get_containers() = containersMessage(agent);
      break;
    case OperatorCall::GET_FRAMEWORKS:
      *response.mutable_get_frameworks() = frameworksMessage(agent);
      break;
    case OperatorCall::GET_EXECUTORS:
      *response.mutable_get_executors() = executorsMessage(agent);
      break;
    case OperatorCall::GET_OPERATIONS:
      response.mutable_get_operations();
      for (const v1::Operation& operation : agent.operations()) {
        *response.mutable_get_operations()->add_operations() = operation;
      }
      break;
    case OperatorCall::GET_TASKS:
      *response.mutable_get_tasks() = tasksMessage(agent);
      break;
    case OperatorCall::GET_AGENT:
      *response.mutable_get_agent()->mutable_agent_info() = agent.info();
      if (agent.drain()) *response.mutable_get_agent()->mutable_drain_config() = *agent.drain();
      if (agent.drain() && agent.drainStarted()) {
        response.mutable_get_agent()->mutable_estimated_drain_start_time()->set_nanoseconds(
            agent.drainStarted()->wall.time_since_epoch().count());
      }
      break;
    default:
      return std::nullopt;
  }
  // Calls and answers have the same names, if not the same numbers.
  AgentResponse::Type type = AgentResponse::UNKNOWN;
  AgentResponse::Type_Parse(OperatorCall::Type_Name(call.type()), &type);
  response.set_type(type);
  return response;
}

std::optional<Response> AgentHttp::State::onOperatorFile(const Exchange& exchange,
                                                         const OperatorCall& call,
                                                         ContentType type) {
  const bool lists = call.type() == OperatorCall::LIST_FILES;
  const std::string& path = lists ? call.list_files().path() : call.read_file().path();
  auto served = serveFile(exchange.id, lists ? ServeFile::Kind::Browse : ServeFile::Kind::Read,
                          path, attachedPaths(agent));
  if (auto* response = std::get_if<Response>(&served)) return std::move(*response);
  ServeFile& serve = std::get<ServeFile>(served);
  serve.operatorType = type;
  if (!lists) {
    // No file is so long that the difference would be seen.
    const auto bounded = [](std::uint64_t number) {
      constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
      return static_cast<std::int64_t>(std::min(number, kMax));
    };
    serve.offset = bounded(call.read_file().offset());
    if (call.read_file().has_length()) serve.length = bounded(call.read_file().length());
  }
  effects.emplace_back(std::move(serve));
  return std::nullopt;
}

std::optional<Response> AgentHttp::State::onVersion(const Exchange& exchange) {
  return jsonAnswer(exchange.target, versionJson(agent.options().version));
}

std::optional<Response> AgentHttp::State::onFlags(const Exchange& exchange) {
  return jsonAnswer(exchange.target, flagsJson(flags));
}

std::optional<Response> AgentHttp::State::onMetrics(const Exchange& exchange) {
  if (auto refusal = refusalOfTimeout(exchange.target)) return refusal;
  return jsonAnswer(exchange.target, metricsJson(metricsOf(exchange.now, agent)));
}

std::optional<Response> AgentHttp::State::onState(const Exchange& exchange) {
  if (agent.isRecovering()) return plainText(503, std::string(kRecovering));
  return jsonAnswer(exchange.target, stateJson(agent, flags));
}

std::optional<Response> AgentHttp::State::onContainers(const Exchange& exchange) {
  return jsonAnswer(exchange.target, containersJson(agent));
}

std::optional<Response> AgentHttp::State::onFilesDebug(const Exchange& exchange) {
  return jsonAnswer(exchange.target, attachedPathsJson(attachedPaths(agent)));
}

template <ServeFile::Kind kind>
std::optional<Response> AgentHttp::State::onFiles(const Exchange& exchange) {
  auto served = serveFile(exchange.id, kind, exchange.target, attachedPaths(agent));
  if (auto* response = std::get_if<Response>(&served)) return std::move(*response);
  effects.emplace_back(std::get<ServeFile>(std::move(served)));
  return std::nullopt;
}

AgentHttp::AgentHttp(Now now, AgentOptions options, std::map<std::string, std::string> flags,
                     Random& random, AgentRecovery recovery)
    : state_(std::make_unique<State>(now, std::move(options), std::move(flags), random,
                                     std::move(recovery))) {}

AgentHttp::~AgentHttp() = default;

void AgentHttp::onRequest(Now now, RequestId id, const protocol::Request& request) {
  state_->handle(now, id, request, false);
}

void AgentHttp::onLocalRequest(Now now, RequestId id, const protocol::Request& request) {
  state_->handle(now, id, request, true);
}

void AgentHttp::onRequestClosed(Now now, RequestId id) {
  if (state_->streams.erase(id) == 0) return;
  state_->agent.onExecutorStreamClosed(now, id);
  state_->drain();
}

void AgentHttp::onStart(Now now) {
  state_->agent.onStart(now);
  state_->drain();
}

void AgentHttp::onLeave(Now now) {
  state_->agent.onLeave(now);
  state_->drain();
}

void AgentHttp::onMasterMessage(Now now, MasterToAgent message) {
  state_->agent.onMasterMessage(now, std::move(message));
  state_->drain();
}

void AgentHttp::onPrepared(Now now, const std::string& containerId, Result<void> result) {
  state_->agent.onPrepared(now, containerId, std::move(result));
  state_->drain();
}

void AgentHttp::onForked(Now now, const std::string& containerId, Result<int> pid) {
  state_->agent.onForked(now, containerId, std::move(pid));
  state_->drain();
}

void AgentHttp::onExited(Now now, const std::string& containerId, int status) {
  state_->agent.onExited(now, containerId, status);
  state_->drain();
}

void AgentHttp::onChecked(Now now, const std::string& containerId, std::uint64_t checkId,
                          const Result<int>& outcome) {
  state_->agent.onChecked(now, containerId, checkId, outcome);
  state_->drain();
}

LivingExecutors AgentHttp::onKilled() { return state_->agent.onKilled(); }

void AgentHttp::onTimer(Now now) {
  state_->agent.onTimer(now);
  state_->drain();
}

std::optional<AgentHttp::Effect> AgentHttp::poll() {
  if (state_->effects.empty()) return std::nullopt;
  Effect effect = std::move(state_->effects.front());
  state_->effects.pop_front();
  return effect;
}

std::optional<TimePoint> AgentHttp::deadline() const { return state_->agent.deadline(); }

const Agent& AgentHttp::agent() const { return state_->agent; }

}  // namespace mesos::cluster
