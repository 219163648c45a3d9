#include "cluster/content.hpp"

#include "protocol/record_io.hpp"

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <gtest/gtest.h>

namespace mesos::cluster {
namespace {

using protocol::Headers;
using protocol::Request;
using protocol::Response;

/// What a request with this Accept header is answered in; "406" if in nothing.
std::string answeredIn(const std::string& accept) {
  const auto type = negotiate(Headers{{"Accept", accept}});
  return type ? std::string(nameOf(*type)) : "406";
}

TEST(Negotiate, WithoutAcceptAnythingGoesAndThatIsJson) {
  EXPECT_EQ(negotiate(Headers{}), ContentType::Json);
  EXPECT_EQ(answeredIn("*/*"), "application/json");
  EXPECT_EQ(answeredIn("application/*"), "application/json");
}

TEST(Negotiate, JsonWinsWheneverItIsAcceptable) {
  EXPECT_EQ(answeredIn("application/x-protobuf"), "application/x-protobuf");
  EXPECT_EQ(answeredIn("application/x-protobuf, application/json"), "application/json");
  EXPECT_EQ(answeredIn("application/x-protobuf, application/json;q=0.001"), "application/json");
  EXPECT_EQ(answeredIn("application/x-protobuf, */*"), "application/json");
}

TEST(Negotiate, TheMostSpecificEntryDecides) {
  EXPECT_EQ(answeredIn("application/json;q=0, */*"), "application/x-protobuf");
  EXPECT_EQ(answeredIn("application/*;q=0, */*"), "406");
  EXPECT_EQ(answeredIn("application/*;q=0, application/json"), "application/json");
  EXPECT_EQ(answeredIn("*/*;q=0, application/*"), "application/json");
}

TEST(Negotiate, ExcludesByQualityAndIgnoresOtherParameters) {
  EXPECT_EQ(answeredIn("application/json;q=0"), "406");
  EXPECT_EQ(answeredIn("application/json;q=0.0"), "406");
  EXPECT_EQ(answeredIn("application/json;q=abc"), "406");
  EXPECT_EQ(answeredIn("application/json;q="), "406");
  EXPECT_EQ(answeredIn("application/json ; charset=utf-8 ; q=0.5"), "application/json");
  EXPECT_EQ(answeredIn("Application/JSON"), "application/json");
}

TEST(Negotiate, EmptyOrForeignAcceptAdmitsNothing) {
  EXPECT_EQ(answeredIn(""), "406");
  EXPECT_EQ(answeredIn("text/html"), "406");
  EXPECT_EQ(answeredIn("text/*"), "406");
  EXPECT_EQ(answeredIn(",;,"), "406");
}

Request post(const std::string& contentType, const std::string& body) {
  return {"POST", "/api/v1/scheduler", {{"Content-Type", contentType}}, body};
}

std::optional<Response> read(const Request& request) {
  v1::scheduler::Call call;
  return readCall(request, &call);
}

TEST(ReadCall, ChecksMethodBeforeContentTypeBeforeBody) {
  Request request{"GET", "/", {}, "garbage"};
  auto refusal = read(request);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 405);
  EXPECT_EQ(*refusal->headers.find("Allow"), "POST");
  request.method = "POST";
  EXPECT_EQ(read(request)->status, 400);
  request.headers.set("Content-Type", "text/plain");
  EXPECT_EQ(read(request)->status, 415);
  request.headers.set("Content-Type", "application/json");
  EXPECT_EQ(read(request)->status, 400);
}

TEST(ReadCall, ContentTypeIsComparedExactly) {
  for (const char* other : {"application/json; charset=utf-8", "Application/JSON", "", "text/plain",
                            "application/json ", "application/recordio"}) {
    EXPECT_EQ(read(post(other, "{}"))->status, 415) << other;
  }
  EXPECT_FALSE(read(post("application/json", "{}")));
  EXPECT_FALSE(read(post("application/x-protobuf", "")));
}

TEST(ReadCall, TellsSyntaxFromConversion) {
  EXPECT_EQ(read(post("application/json", "{"))->body.find("Failed to parse body into JSON: "), 0u);
  EXPECT_EQ(read(post("application/json", "[]"))->body,
            "Failed to convert JSON into Call protobuf: Expecting a JSON object");
  EXPECT_EQ(read(post("application/x-protobuf", "\xff\xff"))->body,
            "Failed to parse body into Call protobuf");
}

TEST(ReadCall, ProtobufWithoutRequiredFieldsIsRefused) {
  v1::scheduler::Call call;
  call.set_type(v1::scheduler::Call::KILL);
  call.mutable_kill();  // Without its task id.
  EXPECT_EQ(read(post("application/x-protobuf", call.SerializePartialAsString()))->body,
            "Failed to parse body into Call protobuf");
}

TEST(Encode, AnEventIsOneRecordInItsStreamsType) {
  v1::scheduler::Event event;
  event.set_type(v1::scheduler::Event::HEARTBEAT);
  EXPECT_EQ(encodeEvent(event, ContentType::Json), "20\n{\"type\":\"HEARTBEAT\"}");
  EXPECT_EQ(encodeEvent(event, ContentType::Protobuf), "2\n\x08\x08");
}

TEST(JsonAnswer, WrapsInTheCallbackThatJsonpNames) {
  const auto plain = jsonAnswer(*protocol::parseTarget("/state"), "{}");
  EXPECT_EQ(plain.body, "{}");
  EXPECT_EQ(*plain.headers.find("Content-Type"), "application/json");
  const auto wrapped = jsonAnswer(*protocol::parseTarget("/state?jsonp=cb"), "{}");
  EXPECT_EQ(wrapped.body, "cb({})");
  EXPECT_EQ(*wrapped.headers.find("Content-Type"), "text/javascript");
}

TEST(RefusalOfTimeout, WantsADurationWithAUnit) {
  const auto refused = [](const std::string& target) {
    return refusalOfTimeout(*protocol::parseTarget(target)).has_value();
  };
  EXPECT_FALSE(refused("/metrics/snapshot"));
  EXPECT_FALSE(refused("/metrics/snapshot?timeout=1secs"));
  EXPECT_TRUE(refused("/metrics/snapshot?timeout=5"));
  EXPECT_TRUE(refused("/metrics/snapshot?timeout="));
  EXPECT_TRUE(refused("/metrics/snapshot?timeout=-1secs"));
}

}  // namespace
}  // namespace mesos::cluster
