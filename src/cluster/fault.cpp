#include "cluster/fault.hpp"

#include "base/duration.hpp"
#include "protocol/http.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <string>

namespace mesos::cluster {
namespace {

using Fields = std::map<std::string, std::string>;

struct Known {
  std::string_view name;
  Fault::Kind kind;
  bool needsAgent;
  bool needsDuration;
};
constexpr std::array<Known, 8> kKnown{{
    {"cut-connections", Fault::Kind::CutConnections, false, false},
    {"fail-leader", Fault::Kind::FailLeader, false, false},
    {"failover-master", Fault::Kind::FailoverMaster, false, false},
    {"kill-agent", Fault::Kind::KillAgent, true, false},
    {"partition-agent", Fault::Kind::PartitionAgent, true, true},
    {"remove-agent", Fault::Kind::RemoveAgent, true, false},
    {"restart-agent", Fault::Kind::RestartAgent, true, false},
    {"slow-network", Fault::Kind::SlowNetwork, false, true},
}};

std::string knownFaults() {
  std::string names;
  for (const Known& known : kKnown) names += " " + std::string(known.name);
  return names;
}

Result<Fields> readJson(const std::string& body) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  if (document.HasParseError() || !document.IsObject()) {
    return Error{"The body is no JSON object"};
  }
  Fields fields;
  // Not by iterators: Clang finds their comparison ambiguous in C++20.
  for (rapidjson::SizeType i = 0; i < document.MemberCount(); ++i) {
    const auto& member = *(document.MemberBegin() + i);
    const std::string name(member.name.GetString(), member.name.GetStringLength());
    if (member.value.IsString()) {
      fields[name] = std::string(member.value.GetString(), member.value.GetStringLength());
    } else if (member.value.IsUint64()) {
      fields[name] = std::to_string(member.value.GetUint64());
    } else {
      return Error{"'" + name + "' is neither a text nor a number from 0 on"};
    }
  }
  return fields;
}

Result<Fields> readForm(const std::string& body) {
  const auto form = protocol::parseTarget("?" + body);
  if (!form) return Error{"The body is no form"};
  Fields fields;
  for (const auto& [name, value] : form->query) fields[name] = value;
  return fields;
}

Result<std::size_t> readAgent(const std::string& text) {
  std::size_t index = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, index);
  if (error != std::errc() || rest != end) {
    return Error{"'agent' is '" + text + "', not a number counted from 0"};
  }
  return index;
}

}  // namespace

Result<Fault> parseFault(const protocol::Request& request) {
  const auto first = request.body.find_first_not_of(" \t\r\n");
  const bool isJson = first != std::string::npos && request.body[first] == '{';
  auto read = isJson ? readJson(request.body) : readForm(request.body);
  if (!read) return read.error();
  const Fields& fields = *read;
  for (const auto& [name, value] : fields) {
    if (name != "fault" && name != "agent" && name != "for") {
      return Error{"Unknown field '" + name + "'. Known are: fault agent for"};
    }
  }
  const auto name = fields.find("fault");
  if (name == fields.end()) return Error{"'fault' is missing. Known are:" + knownFaults()};
  const auto known = std::find_if(kKnown.begin(), kKnown.end(),
                                  [&](const Known& one) { return one.name == name->second; });
  if (known == kKnown.end()) {
    return Error{"Unknown fault '" + name->second + "'. Known are:" + knownFaults()};
  }
  Fault fault;
  fault.kind = known->kind;
  const auto agent = fields.find("agent");
  if (known->needsAgent != (agent != fields.end())) {
    return Error{name->second + (known->needsAgent ? " needs an 'agent', counted from 0"
                                                   : " is not about one agent")};
  }
  if (known->needsAgent) {
    auto index = readAgent(agent->second);
    if (!index) return index.error();
    fault.agent = *index;
  }
  const auto duration = fields.find("for");
  if (known->needsDuration != (duration != fields.end())) {
    return Error{name->second + (known->needsDuration
                                     ? " needs a duration in 'for', such as 500ms or 30secs"
                                     : " takes no duration")};
  }
  if (known->needsDuration) {
    auto parsed = parseDuration(duration->second);
    if (!parsed || *parsed < Duration::zero()) {
      return Error{"'for' is '" + duration->second + "', not a duration such as 500ms or 30secs"};
    }
    fault.duration = *parsed;
  }
  return fault;
}

}  // namespace mesos::cluster
