// What both HTTP surfaces share: content types, reading calls, and the answers Mesos gives.
#pragma once

#include "protocol/http.hpp"

#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>

namespace mesos::cluster {

/// The two content types of calls and events (fact T20).
enum class ContentType { Json, Protobuf };

std::string_view nameOf(ContentType type);

/// Whether the request's Accept header admits `mediaType`, "type/subtype" in lower case (T23).
bool accepts(const protocol::Headers& headers, std::string_view mediaType);
/// The type to answer with: JSON wins whenever it is acceptable (T23). nullopt: neither is.
std::optional<ContentType> negotiate(const protocol::Headers& headers);

/// Reads a call by checks Q3-Q5: POST, Content-Type, body. nullopt: done; otherwise the refusal.
std::optional<protocol::Response> readCall(const protocol::Request& request,
                                           google::protobuf::Message* call);

std::string encode(const google::protobuf::Message& message, ContentType type);
/// The same as one RecordIO record.
std::string encodeEvent(const google::protobuf::Message& message, ContentType type);

/// A status with its text (T2).
protocol::Response plainText(int status, std::string body);
protocol::Response badRequest(std::string body);
/// 404 with Mesos' standard words (T9).
protocol::Response notFound();
/// 501 with Mesos' standard words.
protocol::Response notImplemented();
protocol::Response methodNotAllowed(std::string_view received);
/// 406 of a scheduler, executor or master call.
protocol::Response notAcceptable();
/// 202 without a body.
protocol::Response accepted();
/// 200 with a message in the negotiated type.
protocol::Response answer(const google::protobuf::Message& message, ContentType type);
/// 200 with `json`, wrapped in the callback that the query's `jsonp` names (T12).
protocol::Response jsonAnswer(const protocol::Target& target, std::string json);

/// /metrics/snapshot and its `timeout`, a duration with a unit (W4). Nothing here takes time.
std::optional<protocol::Response> refusalOfTimeout(const protocol::Target& target);

}  // namespace mesos::cluster
