#include "protocol/json_fields.hpp"

#include <cctype>
#include <string>

namespace mesos::protocol {

using google::protobuf::FieldDescriptor;

namespace {

/// `OfferFiltersEntry` for `offer_filters`, as protoc names the entries of a map.
std::string entryName(const FieldDescriptor& field) {
  std::string name;
  bool upper = true;
  for (const char c : field.name()) {
    if (c != '_') name += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = c == '_';
  }
  return name + "Entry";
}

}  // namespace

bool isMap(const FieldDescriptor& field) {
  if (field.is_map()) return true;
  if (!field.is_repeated() || field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return false;
  const auto& entry = *field.message_type();
  return entry.containing_type() == field.containing_type() && entry.field_count() == 2 &&
         mapKey(field) != nullptr && mapKey(field)->name() == "key" && mapValue(field) != nullptr &&
         mapValue(field)->name() == "value" && entry.name() == entryName(field);
}

const FieldDescriptor* mapKey(const FieldDescriptor& map) {
  return map.message_type()->FindFieldByNumber(1);
}

const FieldDescriptor* mapValue(const FieldDescriptor& map) {
  return map.message_type()->FindFieldByNumber(2);
}

}  // namespace mesos::protocol
