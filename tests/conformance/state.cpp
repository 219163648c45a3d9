#include "conformance/state.hpp"

#include <thread>

namespace mesos::conformance {

rapidjson::Document getJson(const protocol::Address& address, const std::string& target) {
  const auto response = get(address, target);
  if (response.status != 200) {
    throw std::runtime_error("GET " + target + " was answered " + std::to_string(response.status));
  }
  rapidjson::Document document;
  document.Parse(response.body.data(), response.body.size());
  if (document.HasParseError()) throw std::runtime_error("GET " + target + " is not JSON");
  return document;
}

const rapidjson::Value* findBy(const rapidjson::Value& list, const char* key,
                               const std::string& value) {
  for (const rapidjson::Value& element : list.GetArray()) {
    const auto member = element.FindMember(key);
    if (member != element.MemberEnd() && member->value.IsString() &&
        member->value.GetString() == value) {
      return &element;
    }
  }
  return nullptr;
}

FrameworkState frameworkState(const protocol::Address& master, const std::string& frameworkId) {
  const auto state = getJson(master, "/state");
  FrameworkState result;
  for (const auto& [list, where] :
       {std::pair("frameworks", FrameworkState::Where::Live),
        std::pair("completed_frameworks", FrameworkState::Where::Completed)}) {
    if (const auto* found = findBy(state[list], "id", frameworkId)) {
      result.where = where;
      result.json.CopyFrom(*found, result.json.GetAllocator());
      break;
    }
  }
  return result;
}

void eventually(const std::string& what, const std::function<bool()>& holds, Timeout timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) throw TimedOut("never seen: " + what);
    std::this_thread::sleep_for(Timeout(10));
  }
}

}  // namespace mesos::conformance
