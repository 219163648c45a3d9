#include "protocol/json.hpp"

#include "base/base64.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/strtod.h>
#include <rapidjson/document.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <vector>

namespace mesos::protocol {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using rapidjson::Document;
using rapidjson::Value;

constexpr int kLevelsMax = 200;                  // Fact J2.
constexpr std::size_t kQuotedBytesMax = 256;     // Of the peer's text in an error.
constexpr std::string_view kBlanks = " \t\r\n";  // Those of JSON.

/// Stops the reader where the text is nested too deeply, and reads numbers itself: RapidJSON 1.1
/// leaves its tables for one such as 80.000…, with hundreds of zeros.
class ShallowDocument : public Document {
 public:
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    const char* const end = text + length;
    if (std::none_of(text, end, [](char c) { return c == '.' || c == 'e' || c == 'E'; })) {
      std::int64_t negative = 0;
      std::uint64_t positive = 0;
      const auto [_, error] = *text == '-' ? std::from_chars(text, end, negative)
                                           : std::from_chars(text, end, positive);
      if (error == std::errc()) return *text == '-' ? Int64(negative) : Uint64(positive);
    }
    double number = 0;
    if (std::from_chars(text, end, number).ec != std::errc()) {
      // Out of range: below it is nothing, above it is an error.
      number = google::protobuf::io::NoLocaleStrtod(std::string(text, end).c_str(), nullptr);
      if (!std::isfinite(number)) return refuseNumber(length);
    }
    return Double(number);
  }
  /// Length of the number that is too big for a double.
  std::optional<std::size_t> refusedNumber() const { return refusedNumber_; }

  bool StartObject() { return ++levels_ <= kLevelsMax && Document::StartObject(); }
  bool EndObject(rapidjson::SizeType members) {
    --levels_;
    return Document::EndObject(members);
  }
  bool StartArray() { return ++levels_ <= kLevelsMax && Document::StartArray(); }
  bool EndArray(rapidjson::SizeType elements) {
    --levels_;
    return Document::EndArray(elements);
  }

 private:
  bool refuseNumber(std::size_t length) {
    refusedNumber_ = length;
    return false;
  }

  int levels_ = 0;
  std::optional<std::size_t> refusedNumber_;
};

std::string excerpt(std::string_view text) {
  std::string line(text.substr(0, std::min(text.find('\n'), kQuotedBytesMax)));
  std::erase_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  return line;
}

Error syntaxError(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  const auto line =
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
  return Error{"syntax error at line " + std::to_string(line + 1) +
               " near: " + excerpt(text.substr(offset))};
}

/// UTF-8 is not checked (fact J17). Of the flags, the iterative one keeps the stack flat.
Result<void> parseText(std::string_view text, ShallowDocument* document) {
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  rapidjson::ParseResult result;
  const auto read = [&](Document&) {
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag |
                                rapidjson::kParseNumbersAsStringsFlag |
                                rapidjson::kParseStopWhenDoneFlag;
    result = reader.Parse<kFlags>(stream, *document);
    return !result.IsError();
  };
  document->Populate(read);
  if (const auto refused = document->refusedNumber()) {
    return syntaxError(text, result.Offset() - *refused);
  }
  if (result.IsError()) {
    // The bracket that is one too deep has been read.
    const bool tooDeep = result.Code() == rapidjson::kParseErrorTermination;
    return syntaxError(text, result.Offset() + (tooDeep ? 1 : 0));
  }
  const std::size_t trailing = text.find_first_not_of(kBlanks, stream.Tell());
  if (trailing == text.npos) return {};
  return Error{"Parsed JSON included non-whitespace trailing characters: " +
               excerpt(text.substr(trailing))};
}

std::string_view viewOf(const Value& text) { return {text.GetString(), text.GetStringLength()}; }

std::string_view kindOf(const Value& value) {
  switch (value.GetType()) {
    case rapidjson::kNullType:
      return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType:
      return "boolean";
    case rapidjson::kObjectType:
      return "object";
    case rapidjson::kArrayType:
      return "array";
    case rapidjson::kStringType:
      return "string";
    case rapidjson::kNumberType:
      return "number";
  }
  return "value";
}

std::string forField(const FieldDescriptor& field) { return " for field '" + field.name() + "'"; }

Error notExpecting(const Value& value, const FieldDescriptor& field) {
  return Error{"Not expecting a JSON " + std::string(kindOf(value)) + forField(field)};
}

/// Calls `use` with the number, which may be given as a string (fact J4).
template <typename Use>
Result<void> withNumber(const Value& value, const FieldDescriptor& field, const Use& use) {
  if (value.IsNumber()) return use(value);
  if (!value.IsString()) return notExpecting(value, field);
  const std::string_view text = viewOf(value);
  const auto failure = [&](const std::string& why) {
    return Error{"Failed to parse '" + excerpt(text) + "' as a JSON number" + forField(field) +
                 ": " + why};
  };
  ShallowDocument number;
  if (const auto parsed = parseText(text, &number); !parsed) {
    return failure(parsed.error().message);
  }
  const bool padded = text.find_first_of(kBlanks) != text.npos;
  if (!number.IsNumber() || padded) return failure("it is not a number");
  return use(static_cast<const Value&>(number));
}

Result<double> toDouble(const Value& value, const FieldDescriptor& field) {
  if (value.IsString()) {
    // Fact J6.
    if (viewOf(value) == "Infinity") return std::numeric_limits<double>::infinity();
    if (viewOf(value) == "-Infinity") return -std::numeric_limits<double>::infinity();
  }
  double result = 0;
  const auto read = withNumber(value, field, [&](const Value& number) -> Result<void> {
    result = number.GetDouble();
    return {};
  });
  if (!read) return read.error();
  return result;
}

/// A fraction is cut off.
template <typename Integer>
Result<Integer> toInteger(const Value& value, const FieldDescriptor& field) {
  using Limits = std::numeric_limits<Integer>;
  Integer result = 0;
  const auto read = withNumber(value, field, [&](const Value& number) -> Result<void> {
    bool fits = false;
    if (number.IsUint64()) {
      fits = std::in_range<Integer>(number.GetUint64());
      result = static_cast<Integer>(fits ? number.GetUint64() : 0);
    } else if (number.IsInt64()) {
      fits = std::in_range<Integer>(number.GetInt64());
      result = static_cast<Integer>(fits ? number.GetInt64() : 0);
    } else {
      const double whole = std::trunc(number.GetDouble());
      // 2^N is a double even where the greatest N-bit integer is not.
      fits = whole >= static_cast<double>(Limits::min()) && whole < std::ldexp(1, Limits::digits);
      result = fits ? static_cast<Integer>(whole) : 0;
    }
    if (!fits) return Error{"The number is out of range" + forField(field)};
    return {};
  });
  if (!read) return read.error();
  return result;
}

Result<bool> toBoolean(const Value& value, const FieldDescriptor& field) {
  if (value.IsBool()) return value.GetBool();
  if (!value.IsString()) return notExpecting(value, field);
  if (viewOf(value) == "true") return true;
  if (viewOf(value) == "false") return false;
  return Error{"Failed to parse '" + excerpt(viewOf(value)) + "' as a JSON boolean" +
               forField(field)};
}

Error base64Error(std::string_view text, const FieldDescriptor& field) {
  const auto isForeign = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) == 0 && std::isspace(byte) == 0 && c != '+' && c != '/' && c != '=';
  };
  const auto foreign = std::find_if(text.begin(), text.end(), isForeign);
  std::string why = "it ends too early or has '=' before its end";
  if (foreign != text.end()) why = std::string("Invalid character '") + *foreign + "'";
  return Error{"Failed to base64 decode bytes field '" + field.name() + "': " + why};
}

Result<std::string> toText(const Value& value, const FieldDescriptor& field) {
  if (!value.IsString()) return notExpecting(value, field);
  const std::string_view text = viewOf(value);
  if (field.type() != FieldDescriptor::TYPE_BYTES) return std::string(text);
  auto bytes = decodeBase64(text);
  if (!bytes) return base64Error(text, field);
  return std::move(*bytes);
}

/// nullptr: the name is unknown, and the value to be passed over (fact J3).
Result<const EnumValueDescriptor*> toEnum(const Value& value, const FieldDescriptor& field) {
  if (!value.IsString()) return notExpecting(value, field);
  const std::string name(viewOf(value));
  const EnumValueDescriptor* found = field.enum_type()->FindValueByName(name);
  if (found == nullptr && field.is_required()) {
    return Error{"Failed to find enum value '" + excerpt(name) + "'" + forField(field)};
  }
  return found;
}

Result<void> readObject(const Value& object, Message* message);

/// Sets, or appends to, one field of one message.
class FieldWriter {
 public:
  FieldWriter(Message* message, const FieldDescriptor* field)
      : message_(message), field_(field), reflection_(message->GetReflection()) {}

  Result<void> write(const Value& value) const {
    switch (field_->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return put(toInteger<std::int32_t>(value, *field_), &Reflection::SetInt32,
                   &Reflection::AddInt32);
      case FieldDescriptor::CPPTYPE_INT64:
        return put(toInteger<std::int64_t>(value, *field_), &Reflection::SetInt64,
                   &Reflection::AddInt64);
      case FieldDescriptor::CPPTYPE_UINT32:
        return put(toInteger<std::uint32_t>(value, *field_), &Reflection::SetUInt32,
                   &Reflection::AddUInt32);
      case FieldDescriptor::CPPTYPE_UINT64:
        return put(toInteger<std::uint64_t>(value, *field_), &Reflection::SetUInt64,
                   &Reflection::AddUInt64);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return put(toDouble(value, *field_), &Reflection::SetDouble, &Reflection::AddDouble);
      case FieldDescriptor::CPPTYPE_FLOAT:
        return put(toDouble(value, *field_), &Reflection::SetFloat, &Reflection::AddFloat);
      case FieldDescriptor::CPPTYPE_BOOL:
        return put(toBoolean(value, *field_), &Reflection::SetBool, &Reflection::AddBool);
      case FieldDescriptor::CPPTYPE_STRING:
        return put(toText(value, *field_), &Reflection::SetString, &Reflection::AddString);
      case FieldDescriptor::CPPTYPE_ENUM:
        return writeEnum(value);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return writeMessage(value);
    }
    return {};
  }

 private:
  template <typename Parameter>
  using Method = void (Reflection::*)(Message*, const FieldDescriptor*, Parameter) const;

  template <typename Read, typename Parameter>
  Result<void> put(Result<Read> value, Method<Parameter> set, Method<Parameter> add) const {
    if (!value) return value.error();
    (reflection_->*(field_->is_repeated() ? add : set))(message_, field_,
                                                        static_cast<Parameter>(std::move(*value)));
    return {};
  }

  Result<void> writeEnum(const Value& value) const {
    const auto found = toEnum(value, *field_);
    if (found && *found == nullptr) return {};
    return put(found, &Reflection::SetEnum, &Reflection::AddEnum);
  }

  Result<void> writeMessage(const Value& value) const {
    if (!value.IsObject()) return notExpecting(value, *field_);
    if (field_->is_map()) return writeMap(value);
    return readObject(value, field_->is_repeated() ? reflection_->AddMessage(message_, field_)
                                                   : reflection_->MutableMessage(message_, field_));
  }

  /// Fact J9.
  Result<void> writeMap(const Value& object) const {
    const FieldDescriptor* const key = field_->message_type()->map_key();
    const FieldDescriptor* const mapped = field_->message_type()->map_value();
    std::map<std::string_view, const Value*> members;  // Of a repeated key the last one (fact J2).
    for (const auto& member : object.GetObject()) members[viewOf(member.name)] = &member.value;
    for (const auto& [name, value] : members) {
      if (value->IsNull()) continue;
      Message* const entry = reflection_->AddMessage(message_, field_);
      const Value keyText(rapidjson::StringRef(name.data(), name.size()));
      if (auto done = FieldWriter(entry, key).write(keyText); !done) return done;
      if (auto done = FieldWriter(entry, mapped).write(*value); !done) return done;
    }
    return {};
  }

  Message* message_;
  const FieldDescriptor* field_;
  const Reflection* reflection_;
};

/// Facts J2 (null), J8 (lists).
Result<void> readField(const Value& value, const FieldDescriptor* field, Message* message) {
  if (value.IsNull()) return {};
  if (!value.IsArray()) return FieldWriter(message, field).write(value);
  if (!field->is_repeated()) return notExpecting(value, *field);
  for (const Value& element : value.GetArray()) {
    if (auto done = readField(element, field, message); !done) return done;
  }
  return {};
}

Result<void> readObject(const Value& object, Message* message) {
  const auto& descriptor = *message->GetDescriptor();
  // Of a repeated key the last one counts, whatever the others are (fact J2).
  std::vector<const Value*> values(static_cast<std::size_t>(descriptor.field_count()));
  for (const auto& member : object.GetObject()) {
    const auto* field = descriptor.FindFieldByName(std::string(viewOf(member.name)));
    if (field != nullptr) values[static_cast<std::size_t>(field->index())] = &member.value;
  }
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const Value* value = values[static_cast<std::size_t>(i)];
    if (value == nullptr) continue;
    if (auto done = readField(*value, descriptor.field(i), message); !done) return done;
  }
  return {};
}

Result<void> convert(const Value& root, Message* message) {
  if (!root.IsObject()) return Error{"Expecting a JSON object"};
  if (auto done = readObject(root, message); !done) return done;
  if (message->IsInitialized()) return {};
  return Error{"Missing required fields: " + message->InitializationErrorString()};
}

}  // namespace

std::optional<JsonError> readJson(std::string_view text, Message* message) {
  message->Clear();
  ShallowDocument document;
  if (const auto parsed = parseText(text, &document); !parsed) {
    return JsonError{JsonError::Kind::Syntax, parsed.error().message};
  }
  if (const auto converted = convert(document, message); !converted) {
    return JsonError{JsonError::Kind::Conversion, converted.error().message};
  }
  return std::nullopt;
}

Result<void> fromJson(std::string_view text, Message* message) {
  if (auto error = readJson(text, message)) return Error{std::move(error->message)};
  return {};
}

}  // namespace mesos::protocol
