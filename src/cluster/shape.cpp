#include "cluster/shape.hpp"

#include "base/check.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <iterator>

namespace mesos::cluster {
namespace {

using rapidjson::Value;

std::string typeOf(const Value& value) {
  if (value.IsObject()) return "object";
  if (value.IsArray()) return "array";
  if (value.IsString()) return "string";
  if (value.IsBool()) return "bool";
  if (value.IsDouble()) return "double";
  return value.IsNumber() ? "integer" : "null";
}

void collect(const Value& value, const std::string& path, std::set<std::string>& shape) {
  shape.insert(path + ": " + typeOf(value));
  if (value.IsObject()) {
    for (const auto& member : value.GetObject()) {
      const std::string name(member.name.GetString(), member.name.GetStringLength());
      collect(member.value, path.empty() ? name : path + "." + name, shape);
    }
  } else if (value.IsArray()) {
    for (const Value& element : value.GetArray()) collect(element, path + "[]", shape);
  }
}

}  // namespace

std::set<std::string> shapeOf(std::string_view json) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  MESOS_CHECK(!document.HasParseError());
  std::set<std::string> shape;
  collect(document, "", shape);
  return shape;
}

std::set<std::string> missingFrom(const std::set<std::string>& ours,
                                  const std::set<std::string>& recorded) {
  std::set<std::string> missing;
  std::set_difference(recorded.begin(), recorded.end(), ours.begin(), ours.end(),
                      std::inserter(missing, missing.end()));
  return missing;
}

}  // namespace mesos::cluster
