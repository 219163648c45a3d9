#include "cluster/master_http.hpp"

#include "base/uuid.hpp"
#include "cluster/call_validation.hpp"
#include "cluster/content.hpp"
#include "cluster/files_endpoint.hpp"
#include "cluster/master_state_json.hpp"
#include "cluster/metrics.hpp"
#include "cluster/operator_call.hpp"
#include "cluster/operator_state.hpp"
#include "cluster/operator_streams.hpp"
#include "cluster/routing.hpp"
#include "cluster/standby.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace mesos::cluster {
namespace {

using protocol::Request;
using protocol::Response;
using protocol::Target;
using SchedulerCall = v1::scheduler::Call;
using OperatorCall = v1::master::Call;

constexpr std::string_view kStreamIdHeader = "Mesos-Stream-Id";
constexpr std::size_t kOperatorStreamsMax = 1000;  // Fact W72.
constexpr std::string_view kUnknownFramework = "No framework found with specified ID";

std::string otherPrincipal(const std::string& authenticated, const std::string& owner) {
  return "Authenticated principal '" + authenticated + "' does not match principal '" + owner +
         "' set in `FrameworkInfo`";
}

/// The framework is the principal's who subscribes it (fact T45).
std::optional<Response> adoptPrincipal(const std::string& principal, SchedulerCall* call) {
  FrameworkInfo& framework = *call->mutable_subscribe()->mutable_framework_info();
  if (!framework.has_principal()) framework.set_principal(principal);
  if (framework.principal() == principal) return std::nullopt;
  return badRequest("Failed to validate scheduler::Call: " +
                    otherPrincipal(principal, framework.principal()));
}

Response answerOf(const Result<void>& done) {
  return done ? Response{} : badRequest(done.error().message);
}

/// One subscription. Its id fences calls of an earlier subscriber (fact Q32).
struct Stream {
  ContentType type;
  std::string id;
};

}  // namespace

struct MasterHttp::State {
  /// An answer, or nullopt if the effects that answer are queued already.
  using Handler = std::optional<Response> (State::*)(const Exchange&);

  State(Now now, MasterOptions options, Flags shownFlags, Random& source, Registry registry)
      : random(source),
        master(now, std::move(options), source, std::move(registry)),
        operators(master.options().heartbeatInterval, kOperatorStreamsMax),
        flags(std::move(shownFlags)),
        endpoints("master", handlers()) {}

  static std::map<std::string, Handler, std::less<>> handlers();

  /// The master, to be told something: what /state told may no longer be so.
  Master& changing() {
    stateText.reset();
    return master;
  }

  void handle(Now now, RequestId id, const Request& request);
  std::optional<Response> dispatch(Exchange exchange);
  void drain();
  void translate(ToFramework effect);
  void translate(EndFrameworkStream effect);
  void translate(ToAgent effect) { effects.emplace_back(std::move(effect)); }
  void translate(const ToOperators& effect) { operators.send(effect.event, emitter()); }
  OperatorStreams::Emit emitter();

  // The scheduler API (section 4).
  std::optional<Response> onScheduler(const Exchange& exchange);
  std::optional<Response> subscribe(const Exchange& exchange, const SchedulerCall& call,
                                    ContentType type);
  std::optional<Response> refusalOfCall(const Exchange& exchange, const SchedulerCall& call) const;

  // The operator API (section 16.5) and POST /teardown.
  std::optional<Response> onOperator(const Exchange& exchange);
  std::optional<Response> subscribeOperator(const Exchange& exchange, ContentType type);
  std::optional<OperatorResponse> readState(Now now, const OperatorCall& call) const;
  Metrics metrics(Now now) const;
  Response tearDown(Now now, const std::string& frameworkId);
  std::optional<Response> onTeardown(const Exchange& exchange);

  // What is only read (sections 16.1 and 16.2).
  std::optional<Response> onHealth(const Exchange&) { return Response{}; }
  std::optional<Response> onVersion(const Exchange& exchange);
  std::optional<Response> onFlags(const Exchange& exchange);
  std::optional<Response> onMetrics(const Exchange& exchange);
  std::optional<Response> onState(const Exchange& exchange);
  std::optional<Response> onStateSummary(const Exchange& exchange);
  std::optional<Response> onSlaves(const Exchange& exchange);
  std::optional<Response> onFrameworks(const Exchange& exchange);
  std::optional<Response> onTasks(const Exchange& exchange);
  std::optional<Response> onRoles(const Exchange& exchange);
  std::optional<Response> onRedirect(const Exchange& exchange);
  std::optional<Response> onLocalFail(const Exchange& exchange);
  std::optional<Response> onFilesDebug(const Exchange& exchange);
  template <ServeFile::Kind kind>
  std::optional<Response> onFiles(const Exchange& exchange);

  Random& random;
  Master master;
  OperatorStreams operators;
  Flags flags;
  Endpoints<Handler> endpoints;
  std::map<StreamId, Stream> streams;
  std::optional<std::string> stateText;  ///< What /state tells, while nothing happens.
  std::deque<Effect> effects;
};

std::map<std::string, MasterHttp::State::Handler, std::less<>> MasterHttp::State::handlers() {
  return {
      {"/master/api/v1", &State::onOperator},
      {"/master/api/v1/scheduler", &State::onScheduler},
      {"/master/flags", &State::onFlags},
      {"/master/frameworks", &State::onFrameworks},
      {"/master/health", &State::onHealth},
      {"/master/redirect", &State::onRedirect},
      {"/master/roles", &State::onRoles},
      {"/master/slaves", &State::onSlaves},
      {"/master/state", &State::onState},
      {"/master/state-summary", &State::onStateSummary},
      {"/master/tasks", &State::onTasks},
      {"/master/teardown", &State::onTeardown},
      {"/files/browse", &State::onFiles<ServeFile::Kind::Browse>},
      {"/files/debug", &State::onFilesDebug},
      {"/files/download", &State::onFiles<ServeFile::Kind::Download>},
      {"/files/read", &State::onFiles<ServeFile::Kind::Read>},
      {"/local/fail", &State::onLocalFail},
      {"/metrics/snapshot", &State::onMetrics},
      {"/version", &State::onVersion},
  };
}

void MasterHttp::State::handle(Now now, RequestId id, const Request& request) {
  auto target = targetOf(id, request);
  if (auto* hangup = std::get_if<Hangup>(&target)) {
    effects.emplace_back(*hangup);
  } else if (auto* refusal = std::get_if<Respond>(&target)) {
    effects.emplace_back(std::move(*refusal));
  } else {
    if (request.method != "GET") stateText.reset();
    if (auto response = dispatch({now, id, request, std::get<Target>(target)})) {
      effects.emplace_back(Respond{id, *std::move(response)});
    }
  }
  drain();
}

/// Authentication comes before all else, also on a master that does not lead (facts Q0-Q2, T40).
std::optional<Response> MasterHttp::State::dispatch(Exchange exchange) {
  const auto* endpoint = endpoints.find(exchange.target.path);
  if (endpoint != nullptr) {
    const AuthenticationOptions& options = master.options().authentication;
    auto who = authenticate(options, masterRealm(endpoint->first), exchange.request);
    if (auto* refusal = std::get_if<Response>(&who)) return std::move(*refusal);
    exchange.principal = std::get<std::optional<Principal>>(std::move(who));
  }
  if (auto refusal = refusalOfStandby(exchange.now, master, exchange.target)) return refusal;
  return endpoint == nullptr ? notFound() : (this->*endpoint->second)(exchange);
}

void MasterHttp::State::drain() {
  while (std::optional<Master::Effect> effect = master.poll()) {
    std::visit([this](auto& each) { translate(std::move(each)); }, *effect);
  }
}

void MasterHttp::State::translate(ToFramework effect) {
  const auto stream = streams.find(effect.stream);
  // Gone in the meantime: the event is lost, as it is with a broken connection.
  if (stream == streams.end()) return;
  effects.emplace_back(StreamBytes{effect.stream, encodeEvent(effect.event, stream->second.type)});
}

OperatorStreams::Emit MasterHttp::State::emitter() {
  return [this](OperatorStreams::Effect effect) {
    std::visit([this](auto& each) { effects.emplace_back(std::move(each)); }, effect);
  };
}

void MasterHttp::State::translate(EndFrameworkStream effect) {
  if (streams.erase(effect.stream) > 0) effects.emplace_back(EndStream{effect.stream});
}

std::optional<Response> MasterHttp::State::onScheduler(const Exchange& exchange) {
  if (exchange.principal && !exchange.principal->value) {
    return plainText(403, "A principal without a value cannot be a framework's");  // Q1, T48.
  }
  SchedulerCall call;
  if (auto refusal = readCall(exchange.request, &call)) return refusal;
  if (const Result<void> valid = validateCall(call); !valid) {
    return badRequest(valid.error().message);
  }
  if (exchange.principal && call.type() == SchedulerCall::SUBSCRIBE) {
    if (auto refusal = adoptPrincipal(*exchange.principal->value, &call)) return refusal;
  }
  if (call.type() == SchedulerCall::SUBSCRIBE ||
      call.type() == SchedulerCall::RECONCILE_OPERATIONS) {
    const std::optional<ContentType> type = negotiate(exchange.request.headers);
    if (!type) return notAcceptable();
    if (call.type() == SchedulerCall::SUBSCRIBE) return subscribe(exchange, call, *type);
  }
  if (auto refusal = refusalOfCall(exchange, call)) return refusal;
  if (call.type() == SchedulerCall::UNKNOWN) return notImplemented();
  if (call.type() == SchedulerCall::UPDATE_FRAMEWORK) {
    return answerOf(master.updateFramework(exchange.now, call.update_framework()));
  }
  master.onCall(exchange.now, call);
  return accepted();
}

std::optional<Response> MasterHttp::State::subscribe(const Exchange& exchange,
                                                     const SchedulerCall& call, ContentType type) {
  if (exchange.request.headers.has(kStreamIdHeader)) {
    return badRequest("Subscribe calls should not include the 'Mesos-Stream-Id' header");
  }
  // Also a framework that is refused gets a stream: one ERROR, then its end (facts S10, Q33).
  const Stream& stream =
      streams.insert_or_assign(exchange.id, Stream{type, randomUuidText(random)}).first->second;
  effects.emplace_back(OpenStream{
      exchange.id,
      {200,
       {{std::string(kStreamIdHeader), stream.id}, {"Content-Type", std::string(nameOf(type))}}}});
  master.onSubscribe(exchange.now, exchange.id, call.subscribe());
  return std::nullopt;
}

/// Checks Q9-Q14.
std::optional<Response> MasterHttp::State::refusalOfCall(const Exchange& exchange,
                                                         const SchedulerCall& call) const {
  const auto framework = master.frameworks().find(call.framework_id().value());
  if (framework == master.frameworks().end()) return badRequest("Framework cannot be found");
  const std::string& owner = framework->second.info.principal();
  if (exchange.principal && *exchange.principal->value != owner) {
    return badRequest(otherPrincipal(*exchange.principal->value, owner));
  }
  const std::optional<StreamId>& current = framework->second.stream;
  if (!current) return plainText(403, "Framework is not subscribed");
  const std::string* sent = exchange.request.headers.find(kStreamIdHeader);
  if (sent == nullptr) {
    return badRequest("All non-subscribe calls should include the 'Mesos-Stream-Id' header");
  }
  const auto stream = streams.find(*current);
  if (stream != streams.end() && stream->second.id == *sent) return std::nullopt;
  return badRequest("The stream ID '" + *sent +
                    "' included in this request didn't match the stream ID currently associated "
                    "with framework ID " +
                    framework->first);
}

std::optional<Response> MasterHttp::State::onOperator(const Exchange& exchange) {
  OperatorCall call;
  if (auto refusal = readCall(exchange.request, &call)) return refusal;
  if (const Result<void> valid = validateCall(call); !valid) {
    return badRequest(valid.error().message);
  }
  const std::optional<ContentType> type = negotiate(exchange.request.headers);
  if (!type) return notAcceptable();
  if (const auto response = readState(exchange.now, call)) return operatorAnswer(*response, *type);
  switch (call.type()) {
    case OperatorCall::UNKNOWN:
      return notImplemented();
    case OperatorCall::SUBSCRIBE:
      return subscribeOperator(exchange, *type);
    case OperatorCall::LIST_FILES:
    case OperatorCall::READ_FILE:
      return plainText(404, "");  // A master attaches nothing; the body is empty (fact W63).
    case OperatorCall::TEARDOWN:
      return tearDown(exchange.now, call.teardown().framework_id().value());
    case OperatorCall::MARK_AGENT_GONE: {
      const std::string& agentId = call.mark_agent_gone().agent_id().value();
      if (master.markAgentGone(exchange.now, agentId)) return Response{};
      return plainText(404, "Agent '" + agentId + "' not found");
    }
    case OperatorCall::DRAIN_AGENT:
      return answerOf(master.drainAgent(exchange.now, call.drain_agent()));
    case OperatorCall::DEACTIVATE_AGENT:
      return answerOf(
          master.deactivateAgent(exchange.now, call.deactivate_agent().agent_id().value()));
    case OperatorCall::REACTIVATE_AGENT:
      return answerOf(
          master.reactivateAgent(exchange.now, call.reactivate_agent().agent_id().value()));
    default:
      return notServed(OperatorCall::Type_Name(call.type()));
  }
}

std::optional<Response> MasterHttp::State::subscribeOperator(const Exchange& exchange,
                                                             ContentType type) {
  operators.add(exchange.now, exchange.id, type, stateMessage(master), emitter());
  master.setWatched(true);
  return std::nullopt;
}

Metrics MasterHttp::State::metrics(Now now) const {
  Metrics metrics = metricsOf(now, master);
  metrics["master/operator_event_stream_subscribers"] = static_cast<double>(operators.count());
  return metrics;
}

/// The answer of a call that only reads; nullopt: it is none.
std::optional<OperatorResponse> MasterHttp::State::readState(Now now,
                                                             const OperatorCall& call) const {
  OperatorResponse response;
  switch (call.type()) {
    case OperatorCall::GET_HEALTH:
      return healthResponse();
    case OperatorCall::GET_FLAGS:
      return flagsResponse(flags);
    case OperatorCall::GET_VERSION:
      return versionResponse(master.options().version);
    case OperatorCall::GET_METRICS:
      return metricsResponse(metrics(now));
    case OperatorCall::GET_LOGGING_LEVEL:
      return loggingLevelResponse();
    case OperatorCall::GET_STATE:
      *response.mutable_get_state() = stateMessage(master);
      break;
    case OperatorCall::GET_AGENTS:
      *response.mutable_get_agents() = agentsMessage(master);
      break;
    case OperatorCall::GET_FRAMEWORKS:
      *response.mutable_get_frameworks() = frameworksMessage(master);
      break;
    case OperatorCall::GET_EXECUTORS:
      *response.mutable_get_executors() = executorsMessage(master);
      break;
    case OperatorCall::GET_OPERATIONS:
      *response.mutable_get_operations() = operationsMessage(master);
      break;
    case OperatorCall::GET_TASKS:
      *response.mutable_get_tasks() = tasksMessage(master);
      break;
    case OperatorCall::GET_ROLES:
      *response.mutable_get_roles() = rolesMessage(master);
      break;
    case OperatorCall::GET_MASTER:
      *response.mutable_get_master()->mutable_master_info() = master.info();
      response.mutable_get_master()->set_start_time(master.started().unixSeconds());
      response.mutable_get_master()->set_elected_time(master.elected().unixSeconds());
      break;
    default:
      return std::nullopt;
  }
  // Calls and answers have the same names, if not the same numbers.
  OperatorResponse::Type type = OperatorResponse::UNKNOWN;
  OperatorResponse::Type_Parse(OperatorCall::Type_Name(call.type()), &type);
  response.set_type(type);
  return response;
}

Response MasterHttp::State::tearDown(Now now, const std::string& frameworkId) {
  return master.teardown(now, frameworkId) ? Response{}
                                           : badRequest(std::string(kUnknownFramework));
}

std::optional<Response> MasterHttp::State::onTeardown(const Exchange& exchange) {
  if (exchange.request.method != "POST") return methodNotAllowed(exchange.request.method);
  // A form is written like a query.
  const std::optional<Target> form = protocol::parseTarget("?" + exchange.request.body);
  if (!form) return badRequest("Unable to decode the request body");
  const std::string* frameworkId = form->find("frameworkId");
  if (frameworkId == nullptr) {
    return badRequest("Missing 'frameworkId' query parameter in the request body");
  }
  return tearDown(exchange.now, *frameworkId);
}

std::optional<Response> MasterHttp::State::onVersion(const Exchange& exchange) {
  return jsonAnswer(exchange.target, versionJson(master.options().version));
}

std::optional<Response> MasterHttp::State::onFlags(const Exchange& exchange) {
  return jsonAnswer(exchange.target, flagsJson(flags));
}

std::optional<Response> MasterHttp::State::onMetrics(const Exchange& exchange) {
  if (auto refusal = refusalOfTimeout(exchange.target)) return refusal;
  return jsonAnswer(exchange.target, metricsJson(metrics(exchange.now)));
}

std::optional<Response> MasterHttp::State::onState(const Exchange& exchange) {
  if (!stateText) stateText = stateJson(master, flags);
  return jsonAnswer(exchange.target, *stateText);
}

std::optional<Response> MasterHttp::State::onStateSummary(const Exchange& exchange) {
  return jsonAnswer(exchange.target, stateSummaryJson(master));
}

std::optional<Response> MasterHttp::State::onSlaves(const Exchange& exchange) {
  return jsonAnswer(exchange.target, slavesJson(master, exchange.target));
}

std::optional<Response> MasterHttp::State::onFrameworks(const Exchange& exchange) {
  return jsonAnswer(exchange.target, frameworksJson(master, exchange.target));
}

std::optional<Response> MasterHttp::State::onTasks(const Exchange& exchange) {
  return jsonAnswer(exchange.target, tasksJson(master, exchange.target));
}

std::optional<Response> MasterHttp::State::onRoles(const Exchange& exchange) {
  return jsonAnswer(exchange.target, rolesJson(master));
}

std::optional<Response> MasterHttp::State::onRedirect(const Exchange& exchange) {
  return redirectToLeader(master, exchange.target);
}

/// Ours: whoever may ask for it sees the cluster suffer (docs/PROTOCOL.md).
std::optional<Response> MasterHttp::State::onLocalFail(const Exchange& exchange) {
  if (exchange.request.method != "POST") return methodNotAllowed(exchange.request.method);
  const auto fault = parseFault(exchange.request);
  if (!fault) return badRequest(fault.error().message);
  effects.emplace_back(InjectFault{exchange.id, *fault});
  return std::nullopt;
}

std::optional<Response> MasterHttp::State::onFilesDebug(const Exchange& exchange) {
  return jsonAnswer(exchange.target, attachedPathsJson({}));
}

/// A master attaches nothing: its log lies elsewhere.
template <ServeFile::Kind kind>
std::optional<Response> MasterHttp::State::onFiles(const Exchange& exchange) {
  auto served = serveFile(exchange.id, kind, exchange.target, {});
  if (auto* response = std::get_if<Response>(&served)) return std::move(*response);
  effects.emplace_back(std::get<ServeFile>(std::move(served)));
  return std::nullopt;
}

MasterHttp::MasterHttp(Now now, MasterOptions options, std::map<std::string, std::string> flags,
                       Random& random, Registry registry)
    : state_(std::make_unique<State>(now, std::move(options), std::move(flags), random,
                                     std::move(registry))) {}

MasterHttp::~MasterHttp() = default;

void MasterHttp::onRequest(Now now, RequestId id, const protocol::Request& request) {
  state_->handle(now, id, request);
}

void MasterHttp::onRequestClosed(Now now, RequestId id) {
  if (state_->operators.remove(id)) {
    state_->master.setWatched(!state_->operators.empty());
    return;
  }
  if (state_->streams.erase(id) == 0) return;
  state_->changing().onStreamClosed(now, id);
  state_->drain();
}

void MasterHttp::onAgentMessage(Now now, std::uint64_t link, AgentToMaster message) {
  const bool isPong = std::holds_alternative<Pong>(message);
  Master& master = isPong ? state_->master : state_->changing();
  master.onAgentMessage(now, link, std::move(message));
  state_->drain();
}

void MasterHttp::onRegistry(Now now, Registry registry) {
  state_->changing().onRegistry(now, std::move(registry));
  state_->drain();
}

void MasterHttp::onLeader(Now now, std::optional<MasterInfo> leader) {
  state_->changing().onLeader(now, std::move(leader));
  state_->drain();
}

void MasterHttp::onAgentLinkClosed(Now now, std::uint64_t link) {
  state_->changing().onAgentLinkClosed(now, link);
  state_->drain();
}

void MasterHttp::onTimer(Now now) {
  state_->changing().onTimer(now);
  state_->drain();
  state_->operators.onTimer(now, state_->emitter());
}

std::optional<MasterHttp::Effect> MasterHttp::poll() {
  if (state_->effects.empty()) return std::nullopt;
  Effect effect = std::move(state_->effects.front());
  state_->effects.pop_front();
  return effect;
}

std::optional<TimePoint> MasterHttp::deadline() const {
  const std::optional<TimePoint> ofMaster = state_->master.deadline();
  const std::optional<TimePoint> ofOperators = state_->operators.deadline();
  if (!ofMaster || !ofOperators) return ofMaster ? ofMaster : ofOperators;
  return std::min(*ofMaster, *ofOperators);
}

const Master& MasterHttp::master() const { return state_->master; }

}  // namespace mesos::cluster
