// Mesos' own mapping between protobuf messages and JSON (facts J1-J17). Not proto3's canonical one.
#pragma once

#include <mesos/result.hpp>

#include <google/protobuf/message.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace mesos::protocol {

/// `message` as compact JSON: snake_case names in declaration order; 64-bit integers as numbers;
/// fields that are set, or that have an explicit default and are not deprecated (fact J10).
std::string toJson(const google::protobuf::Message& message);
/// Lists by their full names, such as "mesos.v1.master.Response.GetTasks.tasks".
using ListNames = std::set<std::string, std::less<>>;
/// The same, but the lists of `shownEmpty` are written even if they are empty: Mesos writes some of
/// its answers by hand, and then such a list is `[]`.
std::string toJson(const google::protobuf::Message& message, const ListNames& shownEmpty);
/// Appends the same to `out`.
void appendJson(std::string& out, const google::protobuf::Message& message);

/// Reads `text` into `message` (cleared first) by the rules J1-J11 and J17. The error names what is
/// wrong and where; missing required fields are named (fact J11).
Result<void> fromJson(std::string_view text, google::protobuf::Message* message);

/// What readJson() found wrong. Mesos' answers tell the two apart: "Failed to parse body into JSON"
/// and "Failed to convert JSON into Call protobuf", each followed by ": " and such a message.
struct JsonError {
  enum class Kind { Syntax, Conversion };
  Kind kind = Kind::Syntax;
  std::string message;
};
/// As fromJson; nullopt is success.
std::optional<JsonError> readJson(std::string_view text, google::protobuf::Message* message);

/// The number as Mesos prints a double: round-trips, integral values end in ".0" (fact J15). The
/// infinities are strings (fact J6), and NaN, which no reader would take, is null.
std::string jsonNumber(double value);
/// Appends `text` as a JSON string, quotes included; '/' is not escaped, invalid UTF-8 passes (J14,
/// J17).
void appendJsonString(std::string& out, std::string_view text);

/// Writes JSON by hand, for answers that mirror no message (/state and its kin). Commas are kept
/// track of; the caller keeps the nesting right.
class JsonWriter {
 public:
  JsonWriter& beginObject();
  JsonWriter& endObject();
  JsonWriter& beginArray();
  JsonWriter& endArray();
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view value);
  JsonWriter& number(double value);  ///< As jsonNumber.
  JsonWriter& integer(std::int64_t value);
  JsonWriter& boolean(bool value);
  JsonWriter& message(const google::protobuf::Message& value);
  JsonWriter& raw(std::string_view json);
  std::string take() { return std::move(out_); }

 private:
  void separate();

  std::string out_;
  bool needsComma_ = false;
};

}  // namespace mesos::protocol
