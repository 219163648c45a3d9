// The JSON mapping against what a real Mesos wrote and refused.
#include "protocol/json.hpp"
#include "protocol/record_io.hpp"
#include "protocol/recorded.hpp"

#include <mesos/v1/executor/executor.pb.h>
#include <mesos/v1/scheduler/scheduler.pb.h>

#include <gtest/gtest.h>

#include <memory>

namespace mesos::protocol {
namespace {

using google::protobuf::Message;

std::unique_ptr<Message> newCall(const recorded::Message& request) {
  if (request.headHas("/api/v1/executor ")) return std::make_unique<v1::executor::Call>();
  return std::make_unique<v1::scheduler::Call>();
}

std::unique_ptr<Message> newEvent(const recorded::Stream& stream) {
  if (stream.isExecutors) return std::make_unique<v1::executor::Event>();
  return std::make_unique<v1::scheduler::Event>();
}

/// Calls `use` with every record of every stream in JSON, or in protobuf; returns how many.
template <typename Use>
int forEachEvent(bool json, const Use& use) {
  int count = 0;
  for (const auto& stream : recorded::streams()) {
    if (stream.response.isJson() != json) continue;
    RecordDecoder decoder;
    decoder.feed(stream.response.body);
    while (const auto record = decoder.next()) {
      ++count;
      SCOPED_TRACE(stream.name + ": " + (json ? *record : std::to_string(count)));
      use(stream, *record);
    }
  }
  return count;
}

TEST(JsonRecorded, EventsSurviveReadingAndWritingToTheByte) {
  const int count = forEachEvent(true, [](const auto& stream, const std::string& record) {
    const auto event = newEvent(stream);
    const auto read = fromJson(record, event.get());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(toJson(*event), record);
  });
  EXPECT_GT(count, 80);
}

TEST(JsonRecorded, ProtobufEventsSurviveTheWayThroughJson) {
  const int count = forEachEvent(false, [](const auto& stream, const std::string& record) {
    const auto event = newEvent(stream);
    ASSERT_TRUE(event->ParseFromString(record));
    const auto again = newEvent(stream);
    const auto read = fromJson(toJson(*event), again.get());
    ASSERT_TRUE(read) << read.error().message;
    // What has an explicit default comes back set (fact J10), so that only the JSON is the same.
    EXPECT_EQ(toJson(*again), toJson(*event));
  });
  EXPECT_GT(count, 30);
}

/// The request of the response's exchange.
recorded::Message requestOf(std::filesystem::path response) {
  return recorded::read(response.replace_extension(".request"));
}

TEST(JsonRecorded, CallsThatMesosRefusedAreRefusedInItsWords) {
  const std::string syntax = "Failed to parse body into JSON: ";
  const std::string conversion = "Failed to convert JSON into Call protobuf: ";
  int count = 0;
  for (const auto& file : recorded::responses("http-errors")) {
    const std::string refusal = recorded::read(file).body;
    const auto request = requestOf(file);
    const bool isSyntax = refusal.starts_with(syntax);
    if (!isSyntax && !refusal.starts_with(conversion)) continue;
    // Decoding gzip is the transport's business; other codings are ignored (fact T5).
    if (request.headHas("Content-Encoding: gzip")) continue;
    SCOPED_TRACE(file.filename().string());
    ++count;
    const auto error = readJson(request.body, newCall(request).get());
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, isSyntax ? JsonError::Kind::Syntax : JsonError::Kind::Conversion);
    EXPECT_EQ((isSyntax ? syntax : conversion) + error->message, refusal);
  }
  EXPECT_GT(count, 25);
}

TEST(JsonRecorded, CallsThatMesosAcceptedAreRead) {
  int count = 0;
  for (const std::string_view group : {"failover-json", "lifecycle-json", "subscribe-json"}) {
    for (const auto& file : recorded::responses(group)) {
      const auto request = requestOf(file);
      if (recorded::read(file).head.find(" 202 ") == std::string::npos) continue;
      if (!request.isJson() || request.body.front() != '{') continue;
      ++count;
      v1::scheduler::Call call;
      const auto read = fromJson(request.body, &call);
      EXPECT_TRUE(read) << file << read.error().message;
      EXPECT_TRUE(call.has_type()) << file;
    }
  }
  EXPECT_GT(count, 30);
}

}  // namespace
}  // namespace mesos::protocol
