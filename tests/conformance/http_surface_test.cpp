// Section 1 of the scenarios: the scheduler API as a web server.
#include "conformance/environment.hpp"
#include "conformance/state.hpp"

#include <zlib.h>

#include <map>

namespace mesos::conformance {
namespace {

constexpr const char* kScheduler = "/api/v1/scheduler";

std::string header(const protocol::Headers& headers, std::string_view name) {
  const std::string* value = headers.find(name);
  return value ? *value : "";
}

/// Mesos explains every refusal in plain text (fact T2).
void expectRefusal(const protocol::Response& response, int status) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_EQ(header(response.headers, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_FALSE(response.body.empty());
}

void expectAccepted(const protocol::Response& response) {
  EXPECT_EQ(response.status, 202) << response.body;
  EXPECT_EQ(header(response.headers, "Content-Length"), "0");
  EXPECT_EQ(response.body, "");
}

SchedulerCall callOf(SchedulerCall::Type type) {
  SchedulerCall call;
  call.set_type(type);
  return call;
}

SchedulerCall declineUnknown() {
  SchedulerCall call = callOf(SchedulerCall::DECLINE);
  call.mutable_decline()->add_offer_ids()->set_value("no-such-offer");
  return call;
}

/// What does not depend on how calls are encoded.
class HttpSurface : public testing::Test {
 protected:
  const protocol::Address& master() const { return environment().master; }
  protocol::Request subscribeRequest() const {
    return postOf(kScheduler, Encoding::Json, subscribeCall());
  }
  TestFramework subscribe(FrameworkInfo info = {}) const {
    return TestFramework(master(), Encoding::Json, std::move(info));
  }
  protocol::Response post(const std::string& contentType, const std::string& body) const {
    return fetch(master(), {"POST", kScheduler, {{"Content-Type", contentType}}, body});
  }
};

class Calls : public Scenario {
 protected:
  protocol::Request subscribeRequest() const {
    return postOf(kScheduler, GetParam(), subscribeCall());
  }
};
BOTH_ENCODINGS(Calls);

TEST_F(HttpSurface, C001_AnswersOtherMethodsThanPostBy405) {
  for (const char* method : {"GET", "PUT", "DELETE"}) {
    SCOPED_TRACE(method);
    const auto response = fetch(master(), {method, kScheduler, {}, ""});
    expectRefusal(response, 405);
    EXPECT_EQ(header(response.headers, "Allow"), "POST");
  }
}

TEST_P(Calls, C002_RefusesABodyWithoutContentType) {
  auto request = subscribeRequest();
  request.headers = {};
  expectRefusal(fetch(master(), request), 400);
}

TEST_F(HttpSurface, C003_ComparesTheContentTypeLetterByLetter) {
  const std::string body = subscribeRequest().body;
  for (const char* type :
       {"application/json; charset=utf-8", "Application/JSON", "application/json "}) {
    SCOPED_TRACE(type);
    // A head of its own: a trailing blank must reach the server as it is.
    Connection connection(master());
    connection.sendRaw(std::string("POST ") + kScheduler + " HTTP/1.1\r\nHost: test\r\n" +
                       "Content-Type: " + type +
                       "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    expectRefusal(connection.readResponse(), 415);
  }
}

TEST_F(HttpSurface, C004_RefusesContentTypesThatItDoesNotSpeak) {
  for (const char* type : {"text/plain", "", "application/recordio", "application/*"}) {
    SCOPED_TRACE(type);
    expectRefusal(post(type, subscribeRequest().body), 415);
  }
}

TEST_F(HttpSurface, C005_RefusesMalformedJsonAndKeepsTheConnection) {
  Connection connection(master());
  for (const char* body :
       {"", "{", "[]", "null", "5", "{}", R"({"type":5})", R"({"type":["SUBSCRIBE"]})",
        R"({"type":"SUBSCRIBE",})", R"({"type":"TEARDOWN"}x)", R"({"type":"SUBSCRIBE"})",
        R"({"type":"SUBSCRIBE","subscribe":{}})",
        R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"name":"n"}}})",
        R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":5,"name":"n"}}})",
        R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n",)"
        R"("failover_timeout":"abc"}}})",
        R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n",)"
        R"("checkpoint":1}}})"}) {
    SCOPED_TRACE(body);
    connection.send({"POST", kScheduler, {{"Content-Type", "application/json"}}, body});
    expectRefusal(connection.readResponse(), 400);
  }
}

TEST_F(HttpSurface, C005_RefusesMalformedProtobufAndKeepsTheConnection) {
  const std::string whole = postOf(kScheduler, Encoding::Protobuf, subscribeCall()).body;
  Connection connection(master());
  for (const std::string& body : {std::string("\xff\xff"), std::string(), subscribeRequest().body,
                                  whole.substr(0, whole.size() - 1),
                                  encode(callOf(SchedulerCall::SUBSCRIBE), Encoding::Protobuf)}) {
    connection.send({"POST", kScheduler, {{"Content-Type", "application/x-protobuf"}}, body});
    expectRefusal(connection.readResponse(), 400);
  }
}

TEST_F(HttpSurface, C006_TakesACallOfUnknownNameAsOneWithoutType) {
  for (const char* body : {R"({"type":"NOPE"})", R"({"type":"subscribe"})"}) {
    const auto response = post("application/json", body);
    expectRefusal(response, 400);
    EXPECT_NE(response.body.find("'type'"), std::string::npos) << response.body;
  }
}

TEST_P(Calls, C007_AnswersAnOperatorCallOfUnknownTypeBy501) {
  TestFramework framework = subscribe();
  const auto agent = agentOf(framework.offer());
  // Field 1, value 0: `type: UNKNOWN` in protobuf for the calls of master and agent alike.
  const std::string body =
      GetParam() == Encoding::Json ? R"({"type":"UNKNOWN"})" : std::string("\x08\x00", 2);
  const protocol::Request request{
      "POST", "/api/v1", {{"Content-Type", std::string(mediaType(GetParam()))}}, body};
  expectRefusal(fetch(master(), request), 501);
  expectRefusal(fetch(agent, request), 501);
}

TEST_P(Calls, C007_AnswersASubscribersCallOfUnknownTypeBy501) {
  NEEDS("survival_of_unknown_calls");  // The real master dies of it (fact Q15).
  TestFramework framework = subscribe();
  expectRefusal(framework.call(callOf(SchedulerCall::UNKNOWN)), 501);
  expectAccepted(framework.call(declineUnknown()));
}

TEST_P(Calls, C008_RefusesToSubscribeWhomNoEncodingSuits) {
  for (const char* accept :
       {"text/html", "", "application/json;q=0", "*/*;q=0", "application/*;q=0, */*"}) {
    SCOPED_TRACE(accept);
    auto request = subscribeRequest();
    request.headers.set("Accept", accept);
    expectRefusal(fetch(master(), request), 406);
  }
}

TEST_P(Calls, C008_SendsJsonToWhomeverAnythingSuits) {
  for (const char* accept : {"text/html, */*;q=0.1", "*/*", "application/*", "APPLICATION/JSON"}) {
    SCOPED_TRACE(accept);
    auto request = subscribeRequest();
    request.headers.set("Accept", accept);
    EventStream<SchedulerEvent> stream(master(), request, Encoding::Json);
    ASSERT_EQ(stream.status(), 200) << stream.refusal();
    EXPECT_EQ(header(stream.head().headers, "Content-Type"), "application/json");
    stream.next(SchedulerEvent::SUBSCRIBED);
  }
}

TEST_F(HttpSurface, C009_SendsProtobufEventsToWhomSpeaksJson) {
  for (const char* accept : {"application/x-protobuf", "application/json;q=0, */*"}) {
    SCOPED_TRACE(accept);
    auto request = subscribeRequest();
    request.headers.set("Accept", accept);
    EventStream<SchedulerEvent> stream(master(), request, Encoding::Protobuf);
    ASSERT_EQ(stream.status(), 200) << stream.refusal();
    EXPECT_EQ(header(stream.head().headers, "Content-Type"), "application/x-protobuf");
    stream.next(SchedulerEvent::SUBSCRIBED);
    stream.next(SchedulerEvent::HEARTBEAT);
  }
}

TEST_P(Calls, C010_PrefersJsonWhateverTheOrder) {
  for (const char* accept : {"application/x-protobuf, application/json",
                             "application/x-protobuf;q=1, application/json;q=0.1"}) {
    auto request = subscribeRequest();
    request.headers.set("Accept", accept);
    EventStream<SchedulerEvent> stream(master(), request, Encoding::Json);
    ASSERT_EQ(stream.status(), 200) << stream.refusal();
    EXPECT_EQ(header(stream.head().headers, "Content-Type"), "application/json");
    stream.next(SchedulerEvent::SUBSCRIBED);
  }
}

TEST_P(Calls, C011_IgnoresAcceptWhereNothingIsAnswered) {
  TestFramework framework = subscribe();
  auto request = framework.request(declineUnknown());
  request.headers.set("Accept", "text/html");
  expectAccepted(fetch(master(), request));
}

TEST_F(HttpSurface, C012_ReadsJsonGenerously) {
  const std::string id = uniqueId("generous");
  const protocol::Request request{
      "POST",
      kScheduler,
      {{"Content-Type", "application/json"}},
      R"({"nope":1,"type":"KILL","type":"SUBSCRIBE","framework_id":{"value":")" + id +
          R"(","more":[]},"kill":null,"subscribe":{"what":{"a":[1,{}]},"suppressed_roles":"*",)"
          R"("framework_info":{"id":{"value":")" +
          id +
          R"("},"user":"nobody","name":"generous","failover_timeout":"0.25","checkpoint":"true",)"
          R"("hostname":null,"frameworkName":"no","capabilities":[null,[{"type":"PARTITION_AWARE"}],)"
          R"({"type":"NO_SUCH_THING"}],"labels":{"labels":{"key":"k","value":"v","x":null}}}}})"};
  EventStream<SchedulerEvent> stream(master(), request, Encoding::Json);
  ASSERT_EQ(stream.status(), 200) << stream.refusal();
  EXPECT_EQ(stream.next(SchedulerEvent::SUBSCRIBED).subscribed().framework_id().value(), id);

  const auto state = frameworkState(master(), id);
  ASSERT_EQ(state.where, FrameworkState::Where::Live);
  EXPECT_EQ(state.json["failover_timeout"].GetDouble(), 0.25);
  EXPECT_TRUE(state.json["checkpoint"].GetBool());
  EXPECT_STREQ(state.json["hostname"].GetString(), "");
  EXPECT_STREQ(state.json["capabilities"][0].GetString(), "PARTITION_AWARE");
  EXPECT_STREQ(state.json["capabilities"][1].GetString(), "UNKNOWN");
  EXPECT_STREQ(state.json["labels"][0]["key"].GetString(), "k");
}

SchedulerCall acknowledgement(const std::string& uuid) {
  SchedulerCall call = callOf(SchedulerCall::ACKNOWLEDGE);
  call.mutable_acknowledge()->mutable_agent_id()->set_value("no-such-agent");
  call.mutable_acknowledge()->mutable_task_id()->set_value("no-such-task");
  call.mutable_acknowledge()->set_uuid(uuid);
  return call;
}

TEST_P(Calls, C013_LooksAtTheVersionOfAnAcknowledgedUuid) {
  TestFramework framework = subscribe();
  expectRefusal(framework.call(acknowledgement("2cf3bcbc-9ff1-4b22-ab37-0f0d6ea26ea1")), 400);
  expectRefusal(framework.call(acknowledgement("")), 400);
  for (int version = 0; version < 16; ++version) {
    for (const int variant : {0x00, 0x80, 0xc0, 0xff}) {
      SCOPED_TRACE(version);
      std::string uuid(16, '\x11');
      uuid[6] = static_cast<char>(version << 4);
      uuid[8] = static_cast<char>(variant);
      const auto response = framework.call(acknowledgement(uuid));
      if (version >= 1 && version <= 5) {
        expectAccepted(response);
      } else {
        expectRefusal(response, 400);
      }
    }
  }
}

TEST_F(HttpSurface, C013_ReadsBase64WithoutPaddingAndWithWhiteSpace) {
  TestFramework framework = subscribe();
  auto request = framework.request(acknowledgement(std::string(16, '\x4f')));
  const std::string canonical = "T09PT09PT09PT09PT09PTw==";
  const std::size_t at = request.body.find(canonical);
  ASSERT_NE(at, std::string::npos) << request.body;
  const std::string body = request.body;
  for (const char* text : {"T09PT09PT09PT09PT09PTw", "T09PT09P\\nT09PT09P T09PTw\\t=="}) {
    SCOPED_TRACE(text);
    request.body = std::string(body).replace(at, canonical.size(), text);
    expectAccepted(fetch(master(), request));
  }
  request.body = std::string(body).replace(at, canonical.size(), "T0_-T09PT09PT09PT09PTw==");
  expectRefusal(fetch(master(), request), 400);
}

TEST_P(Calls, C014_AnswersEveryCallByAnEmpty202) {
  TestFramework framework = subscribe();
  SchedulerCall kill = callOf(SchedulerCall::KILL);
  kill.mutable_kill()->mutable_task_id()->set_value("no-such-task");
  SchedulerCall accept = callOf(SchedulerCall::ACCEPT);
  accept.mutable_accept()->add_offer_ids()->set_value("no-such-offer");
  SchedulerCall shutdown = callOf(SchedulerCall::SHUTDOWN);
  shutdown.mutable_shutdown()->mutable_executor_id()->set_value("no-such-executor");
  shutdown.mutable_shutdown()->mutable_agent_id()->set_value("no-such-agent");
  SchedulerCall message = callOf(SchedulerCall::MESSAGE);
  message.mutable_message()->mutable_executor_id()->set_value("no-such-executor");
  message.mutable_message()->mutable_agent_id()->set_value("no-such-agent");
  message.mutable_message()->set_data("data");
  SchedulerCall reconcile = callOf(SchedulerCall::RECONCILE);
  reconcile.mutable_reconcile();
  SchedulerCall request = callOf(SchedulerCall::REQUEST);
  request.mutable_request();
  for (const SchedulerCall& call :
       {declineUnknown(), kill, accept, shutdown, message, reconcile, request,
        callOf(SchedulerCall::SUPPRESS), callOf(SchedulerCall::REVIVE),
        callOf(SchedulerCall::TEARDOWN)}) {
    SCOPED_TRACE(SchedulerCall::Type_Name(call.type()));
    expectAccepted(framework.call(call));
  }
}

TEST_P(Calls, C014_RefusesEveryCallThatLacksItsMessage) {
  TestFramework framework = subscribe();
  for (const auto type :
       {SchedulerCall::ACCEPT, SchedulerCall::DECLINE, SchedulerCall::KILL, SchedulerCall::SHUTDOWN,
        SchedulerCall::ACKNOWLEDGE, SchedulerCall::RECONCILE, SchedulerCall::MESSAGE,
        SchedulerCall::REQUEST}) {
    SCOPED_TRACE(SchedulerCall::Type_Name(type));
    expectRefusal(framework.call(callOf(type)), 400);
  }
}

TEST_F(HttpSurface, C014_LeavesTheBodyOfAMissingFileEmpty) {
  for (const char* endpoint : {"/files/browse", "/files/read"}) {
    const auto response = get(master(), std::string(endpoint) + "?path=/no/such/file");
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(header(response.headers, "Content-Length"), "0");
    EXPECT_EQ(response.body, "");
  }
}

TEST_P(Calls, C015_AnswersPipelinedRequestsInOrder) {
  TestFramework framework = subscribe();
  Connection connection(master());
  for (int round = 0; round < 20; ++round) {
    connection.send(framework.request(callOf(SchedulerCall::SUPPRESS)));
    connection.send({"GET", "/nope", {}, ""});
    connection.send(framework.request(callOf(SchedulerCall::KILL)));
    connection.send({"GET", "/version", {}, ""});
  }
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(round);
    for (const int status : {202, 404, 400, 200}) {
      EXPECT_EQ(connection.readResponse().status, status);
    }
  }
}

TEST_P(Calls, C015_ReadsABodyInChunks) {
  TestFramework framework = subscribe();
  const auto request = framework.request(callOf(SchedulerCall::REVIVE));
  std::string head = std::string("POST ") + kScheduler + " HTTP/1.1\r\nHost: test\r\n";
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  Connection connection(master());
  connection.sendRaw(head + "Transfer-Encoding: chunked\r\n\r\na\r\n" + request.body.substr(0, 10) +
                     "\r\n");
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", request.body.size() - 10);
  connection.sendRaw(size + request.body.substr(10) + "\r\n0\r\n\r\n");
  expectAccepted(connection.readResponse());
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  // 15 bits of window, and 16 to ask for gzip's header and trailer.
  if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return "";
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string gunzip(const std::string& packed, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return "";
  std::string text(limit, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int end = inflate(&stream, Z_FINISH);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return end == Z_STREAM_END ? text : "";
}

TEST_P(Calls, C016_InflatesACompressedBody) {
  TestFramework framework = subscribe();
  auto request = framework.request(declineUnknown());
  request.headers.add("Content-Encoding", "gzip");
  request.body = gzip(request.body);
  expectAccepted(fetch(master(), request));
  request.body = "no gzip at all";
  const auto response = fetch(master(), request);
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body, "failed to decode body");
}

TEST_F(HttpSurface, C016_CompressesLongAnswersForWhomTakesThem) {
  const auto plain = get(master(), "/state");
  ASSERT_GE(plain.body.size(), 1024u);
  EXPECT_FALSE(plain.headers.has("Content-Encoding"));
  protocol::Request request{"GET", "/state", {{"Accept-Encoding", "gzip"}}, ""};
  const auto packed = fetch(master(), request);
  EXPECT_EQ(header(packed.headers, "Content-Encoding"), "gzip");
  EXPECT_EQ(gunzip(packed.body, 1 << 24).substr(0, 2), "{\"");

  request.headers.set("Accept-Encoding", "gzip;q=0");
  EXPECT_FALSE(fetch(master(), request).headers.has("Content-Encoding"));
  request = {"GET", "/version", {{"Accept-Encoding", "gzip"}}, ""};
  EXPECT_FALSE(fetch(master(), request).headers.has("Content-Encoding"));
}

TEST_P(Calls, C016_NeverCompressesAStream) {
  auto request = subscribeRequest();
  request.headers.set("Accept", std::string(mediaType(GetParam())));
  request.headers.add("Accept-Encoding", "gzip");
  EventStream<SchedulerEvent> stream(master(), request, GetParam());
  ASSERT_EQ(stream.status(), 200) << stream.refusal();
  EXPECT_FALSE(stream.head().headers.has("Content-Encoding"));
  stream.next(SchedulerEvent::SUBSCRIBED);
}

TEST_P(Calls, C017_AnswersUnderEverySpellingOfThePath) {
  for (const char* path : {"/master/api/v1/scheduler", "/api/v1/scheduler/", "//api/v1//scheduler",
                           "/%6daster/api/v1/scheduler"}) {
    SCOPED_TRACE(path);
    EventStream<SchedulerEvent> stream(master(), postOf(path, GetParam(), subscribeCall(), true),
                                       GetParam());
    ASSERT_EQ(stream.status(), 200) << stream.refusal();
    stream.next(SchedulerEvent::SUBSCRIBED);
  }
}

TEST_F(HttpSurface, C018_HasNothingAtUnknownPaths) {
  for (const char* path : {"/nope", "/../x", "/master/..", "/..x", "/%73tate"}) {
    SCOPED_TRACE(path);
    const auto response = get(master(), path);
    expectRefusal(response, 404);
    EXPECT_EQ(response.body, "404 Not Found.");
  }
}

TEST_F(HttpSurface, C018_ClosesWhatIsNotHttp) {
  for (const char* bytes : {"nonsense\r\n\r\n", "GET state HTTP/1.1\r\n\r\n"}) {
    SCOPED_TRACE(bytes);
    Connection connection(master());
    connection.sendRaw(bytes);
    EXPECT_FALSE(connection.readHead(Timeout(5000)).has_value());
  }
}

TEST_F(HttpSurface, C021_RedirectsToTheLeaderEvenOnIt) {
  for (const char* path : {"/redirect", "/master/redirect"}) {
    const auto response = get(master(), path);
    EXPECT_EQ(response.status, 307);
    EXPECT_EQ(response.body, "");
    const std::string location = header(response.headers, "Location");
    const std::string port = ":" + std::to_string(master().port);
    EXPECT_EQ(location.substr(0, 2), "//") << location;
    EXPECT_TRUE(location.ends_with(port)) << location;
  }
  expectRefusal(get(master(), "/redirect/x"), 404);
}

TEST_P(Calls, C024_IgnoresCredentialsWhileNobodyNeedsThem) {
  auto request = subscribeRequest();
  request.headers.set("Accept", std::string(mediaType(GetParam())));
  request.headers.add("Authorization", "Basic bm90aGluZw==");
  EventStream<SchedulerEvent> stream(master(), request, GetParam());
  ASSERT_EQ(stream.status(), 200) << stream.refusal();
  const auto subscribed = stream.next(SchedulerEvent::SUBSCRIBED).subscribed();

  SchedulerCall call = declineUnknown();
  *call.mutable_framework_id() = subscribed.framework_id();
  request = postOf(kScheduler, GetParam(), call);
  request.headers.add("Mesos-Stream-Id", header(stream.head().headers, "Mesos-Stream-Id"));
  request.headers.add("Authorization", "Bearer of no one");
  expectAccepted(fetch(master(), request));
}

}  // namespace
}  // namespace mesos::conformance
