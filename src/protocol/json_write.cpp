#include "protocol/json.hpp"

#include "base/base64.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>

namespace mesos::protocol {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

/// What rapidjson::Writer writes into.
struct StringSink {
  using Ch = char;
  void Put(char c) { out += c; }
  void Flush() {}
  std::string& out;
};

template <typename Integer>
void appendInteger(std::string& out, Integer value) {
  char digits[24];
  out.append(digits, std::to_chars(std::begin(digits), std::end(digits), value).ptr);
}

/// Whether no byte of it needs a backslash. Eight bytes at a time: most of an answer is strings.
bool isPlain(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x80 * kOnes;
  const auto hasZero = [](std::uint64_t bytes) { return (bytes - kOnes) & ~bytes & kHighs; };
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data(), sizeof bytes);
    const std::uint64_t control = (bytes - 0x20 * kOnes) & ~bytes & kHighs;
    if (control | hasZero(bytes ^ ('"' * kOnes)) | hasZero(bytes ^ ('\\' * kOnes))) return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
  });
}

void appendEscaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  // What follows the backslash for the control characters that have a short form.
  constexpr std::string_view kShort = "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out += text.substr(plain, i - plain);
    plain = i + 1;
    out += '\\';
    out += byte < 0x20 ? kShort[byte] : text[i];
    if (byte < 0x20 && kShort[byte] == 'u') {
      out += "00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  out += text.substr(plain);
  out += '"';
}

/// `text` as a string, between what surrounds it; in one piece if it is short and plain, as nearly
/// all are.
void appendQuoted(std::string& out, std::string_view before, std::string_view text,
                  std::string_view after) {
  std::array<char, 96> piece;
  if (before.size() + text.size() + after.size() + 2 > piece.size() || !isPlain(text)) {
    out += before;
    appendEscaped(out, text);
    out += after;
    return;
  }
  char* end = std::copy(before.begin(), before.end(), piece.begin());
  *end++ = '"';
  end = std::copy(text.begin(), text.end(), end);
  *end++ = '"';
  end = std::copy(after.begin(), after.end(), end);
  out.append(piece.data(), end);
}

/// Whether it is a whole number of so few digits that all of them are written.
bool isShortWhole(double value) {
  return std::fabs(value) < 1e15 && std::trunc(value) == value &&
         !(value == 0 && std::signbit(value));
}

void appendNumber(std::string& out, double value) {
  if (isShortWhole(value)) {
    appendInteger(out, static_cast<std::int64_t>(value));
    out += ".0";
  } else if (std::isnan(value)) {
    out += "null";
  } else if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    // Mesos prints its doubles with this same writer, so the digits agree to the last one.
    StringSink sink{out};
    rapidjson::Writer<StringSink>(sink).Double(value);
  }
}

void appendBoolean(std::string& out, bool value) { out += value ? "true" : "false"; }

/// What is being appended to, and which lists are shown even if they are empty.
struct Output {
  std::string& out;
  const ListNames* shownEmpty;
};

void append(const Output& output, const Message& message);

void appendText(std::string& out, const FieldDescriptor& field, const std::string& text) {
  appendJsonString(out, field.type() == FieldDescriptor::TYPE_BYTES ? encodeBase64(text) : text);
}

void appendSingular(const Output& output, const Message& message, const FieldDescriptor& field) {
  std::string& out = output.out;
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return appendInteger(out, reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return appendInteger(out, reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return appendInteger(out, reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return appendInteger(out, reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return appendNumber(out, reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return appendNumber(out, static_cast<double>(reflection.GetFloat(message, &field)));
    case FieldDescriptor::CPPTYPE_BOOL:
      return appendBoolean(out, reflection.GetBool(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return appendJsonString(out, reflection.GetEnum(message, &field)->name());
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return appendText(out, field, reflection.GetStringReference(message, &field, &scratch));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return append(output, reflection.GetMessage(message, &field));
  }
}

void appendElement(const Output& output, const Message& message, const FieldDescriptor& field,
                   int index) {
  std::string& out = output.out;
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return appendInteger(out, reflection.GetRepeatedInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return appendInteger(out, reflection.GetRepeatedInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return appendInteger(out, reflection.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return appendInteger(out, reflection.GetRepeatedUInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return appendNumber(out, reflection.GetRepeatedDouble(message, &field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return appendNumber(out,
                          static_cast<double>(reflection.GetRepeatedFloat(message, &field, index)));
    case FieldDescriptor::CPPTYPE_BOOL:
      return appendBoolean(out, reflection.GetRepeatedBool(message, &field, index));
    case FieldDescriptor::CPPTYPE_ENUM:
      return appendJsonString(out, reflection.GetRepeatedEnum(message, &field, index)->name());
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return appendText(out, field,
                        reflection.GetRepeatedStringReference(message, &field, index, &scratch));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return append(output, reflection.GetRepeatedMessage(message, &field, index));
  }
}

void appendList(const Output& output, const Message& message, const FieldDescriptor& field,
                int size) {
  output.out += '[';
  for (int i = 0; i < size; ++i) {
    if (i > 0) output.out += ',';
    appendElement(output, message, field, i);
  }
  output.out += ']';
}

/// Fact J9. By key, since the order within the map differs from run to run.
void appendMap(const Output& output, const Message& message, const FieldDescriptor& field,
               int size) {
  std::string& out = output.out;
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  std::map<std::string, const Message*> entries;
  for (int i = 0; i < size; ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, i);
    std::string name;
    if (key.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      name = entry.GetReflection()->GetString(entry, &key);
    } else {
      appendSingular({name, nullptr}, entry, key);
    }
    entries.insert_or_assign(std::move(name), &entry);
  }
  char separator = '{';
  for (const auto& [name, entry] : entries) {
    out += separator;
    separator = ',';
    appendJsonString(out, name);
    out += ':';
    appendSingular(output, *entry, value);
  }
  out += '}';
}

/// Fact J10.
bool isShown(const Message& message, const FieldDescriptor& field) {
  return message.GetReflection()->HasField(message, &field) ||
         (field.has_default_value() && !field.options().deprecated());
}

void appendKey(std::string& out, const FieldDescriptor& field, bool* first) {
  appendQuoted(out, *first ? "" : ",", field.name(), ":");
  *first = false;
}

void append(const Output& output, const Message& message) {
  std::string& out = output.out;
  const auto& descriptor = *message.GetDescriptor();
  bool first = true;
  out += '{';
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (!field.is_repeated()) {
      if (!isShown(message, field)) continue;
      appendKey(out, field, &first);
      appendSingular(output, message, field);
      continue;
    }
    const int size = message.GetReflection()->FieldSize(message, &field);
    const bool shownEmpty =
        output.shownEmpty != nullptr && output.shownEmpty->contains(field.full_name());
    if (size == 0 && !shownEmpty) continue;
    appendKey(out, field, &first);
    if (field.is_map()) {
      appendMap(output, message, field, size);
    } else {
      appendList(output, message, field, size);
    }
  }
  out += '}';
}

}  // namespace

void appendJson(std::string& out, const Message& message) { append({out, nullptr}, message); }

std::string toJson(const Message& message) {
  std::string out;
  appendJson(out, message);
  return out;
}

std::string toJson(const Message& message, const ListNames& shownEmpty) {
  std::string out;
  append({out, &shownEmpty}, message);
  return out;
}

std::string jsonNumber(double value) {
  std::string out;
  appendNumber(out, value);
  return out;
}

void appendJsonString(std::string& out, std::string_view text) { appendQuoted(out, {}, text, {}); }

void JsonWriter::separate() {
  if (needsComma_) out_ += ',';
  needsComma_ = true;
}

JsonWriter& JsonWriter::beginObject() {
  separate();
  out_ += '{';
  needsComma_ = false;
  return *this;
}

JsonWriter& JsonWriter::endObject() {
  out_ += '}';
  needsComma_ = true;
  return *this;
}

JsonWriter& JsonWriter::beginArray() {
  separate();
  out_ += '[';
  needsComma_ = false;
  return *this;
}

JsonWriter& JsonWriter::endArray() {
  out_ += ']';
  needsComma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  appendQuoted(out_, needsComma_ ? "," : "", name, ":");
  needsComma_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view value) {
  appendQuoted(out_, needsComma_ ? "," : "", value, {});
  needsComma_ = true;
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  separate();
  appendNumber(out_, value);
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  separate();
  appendInteger(out_, value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  separate();
  appendBoolean(out_, value);
  return *this;
}

JsonWriter& JsonWriter::message(const Message& value) {
  separate();
  appendJson(out_, value);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

}  // namespace mesos::protocol
