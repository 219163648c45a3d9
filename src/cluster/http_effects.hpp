// What MasterHttp and AgentHttp ask of their shell.
#pragma once

#include "cluster/content.hpp"
#include "protocol/http.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace mesos::cluster {

/// Names one request; the shell gives each a new number. A streaming answer keeps it until its end.
using RequestId = std::uint64_t;

/// Answer the request, whole.
struct Respond {
  RequestId id;
  protocol::Response response;
};
/// Answer with a head and an endless chunked body (fact T3).
struct OpenStream {
  RequestId id;
  protocol::ResponseHead head;
};
/// More of that body: one chunk.
struct StreamBytes {
  RequestId id;
  std::string bytes;
};
/// The final chunk; the connection stays open (fact T4).
struct EndStream {
  RequestId id;
};
/// Answer nothing and close the connection (facts T1, T7).
struct Hangup {
  RequestId id;
};
/// Answer from the file system (section 16.4, and LIST_FILES and READ_FILE of 16.5): `path` is real
/// and lies below an attached path.
struct ServeFile {
  enum class Kind { Browse, Read, Download };
  RequestId id;
  Kind kind;
  std::string path;  ///< On disk.
  std::string root;  ///< The attached directory, on disk: `path` must not resolve to outside of it.
  std::string virtualRoot;  ///< What the request called `root`; answers name files by it.
  std::optional<std::int64_t> offset;
  std::optional<std::int64_t> length;
  std::optional<ContentType> operatorType = std::nullopt;  ///< Of the operator API's answer.
  std::string jsonp = {};  ///< Name of the callback to wrap JSON in; empty: none (fact T12).
};

}  // namespace mesos::cluster
