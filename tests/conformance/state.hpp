// What a cluster says about itself: its JSON endpoints.
#pragma once

#include "conformance/http.hpp"

#include <rapidjson/document.h>

#include <functional>
#include <string>

namespace mesos::conformance {

/// The JSON of a GET; throws unless it is answered 200 with JSON.
rapidjson::Document getJson(const protocol::Address& address, const std::string& target);

/// The object of `list` whose `key` has this value; nullptr if there is none.
const rapidjson::Value* findBy(const rapidjson::Value& list, const char* key,
                               const std::string& value);

/// A framework as the master's /state shows it, wherever it is listed.
struct FrameworkState {
  enum class Where { Nowhere, Live, Completed };
  Where where = Where::Nowhere;
  rapidjson::Document json;  ///< Null unless it was found.
};
FrameworkState frameworkState(const protocol::Address& master, const std::string& frameworkId);

/// Asks until `holds` says yes; throws TimedOut, naming `what`.
void eventually(const std::string& what, const std::function<bool()>& holds,
                Timeout timeout = Timeout(5000));

}  // namespace mesos::conformance
