#include "cluster/files_endpoint.hpp"

#include "cluster/content.hpp"
#include "protocol/json.hpp"

#include <mesos/result.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mesos::cluster {
namespace {

using protocol::Response;
using protocol::Target;

std::string_view parentOf(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

/// A later call for the same executor is a later run, and takes over its `latest`.
void attach(AttachedPaths& paths, const AgentFramework& framework, const AgentExecutor& executor) {
  const std::string sandbox = sandboxOf(framework, executor);
  const std::string latest =
      "/frameworks/" + framework.info.id().value() + "/executors/" + executor.id + "/runs/latest";
  paths[sandbox] = sandbox;
  paths[std::string(parentOf(sandbox)) + "/latest"] = sandbox;
  paths[latest] = sandbox;
}

void attach(AttachedPaths& paths, const AgentFramework& framework) {
  for (const AgentExecutor& executor : framework.completedExecutors) {
    attach(paths, framework, executor);
  }
  for (const auto& [id, executor] : framework.executors) attach(paths, framework, executor);
}

/// Doubled and trailing slashes gone.
std::string tidied(std::string_view path) {
  std::string result;
  for (const char c : path) {
    if (c != '/' || result.empty() || result.back() != '/') result += c;
  }
  if (result.size() > 1 && result.back() == '/') result.pop_back();
  return result;
}

/// Whether following `suffix`, component by component, ever leaves the directory it starts in.
bool climbsOut(std::string_view suffix) {
  int depth = 0;
  while (!suffix.empty()) {
    const std::string_view component = suffix.substr(0, suffix.find('/'));
    suffix.remove_prefix(std::min(suffix.size(), component.size() + 1));
    if (component == "..") {
      if (--depth < 0) return true;
    } else if (!component.empty() && component != ".") {
      ++depth;
    }
  }
  return false;
}

/// A count of bytes, or -1, which stands for its absence. The error is the text of the refusal.
Result<std::optional<std::int64_t>> readNumber(const Target& target, const std::string& name) {
  const std::string* text = target.find(name);
  if (text == nullptr) return std::optional<std::int64_t>();
  std::int64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || rest != end) {
    return Error{"Failed to parse " + name + ": Failed to convert '" + *text + "' to number.\n"};
  }
  if (number < -1) return Error{"Negative " + name + " provided: " + *text + ".\n"};
  return number == -1 ? std::optional<std::int64_t>() : std::optional<std::int64_t>(number);
}

/// The attached directory that is the longest prefix of `path`, by whole components.
AttachedPaths::const_iterator findAttached(const AttachedPaths& paths, std::string_view path) {
  while (!path.empty()) {
    const auto found = paths.find(std::string(path));
    if (found != paths.end()) return found;
    path = parentOf(path);
  }
  return paths.end();
}

/// Fact W63: the 404 of a download has a body, the others' are empty.
Response unknownPath(ServeFile::Kind kind) {
  return kind == ServeFile::Kind::Download ? notFound() : plainText(404, "");
}

}  // namespace

AttachedPaths attachedPaths(const Agent& agent) {
  AttachedPaths paths;
  for (const AgentFramework& framework : agent.completedFrameworks()) attach(paths, framework);
  for (const auto& [id, framework] : agent.frameworks()) attach(paths, framework);
  return paths;
}

std::string attachedPathsJson(const AttachedPaths& paths) {
  protocol::JsonWriter writer;
  writer.beginObject();
  for (const auto& [name, real] : paths) writer.key(name).string(real);
  writer.endObject();
  return writer.take();
}

std::variant<Response, ServeFile> serveFile(RequestId id, ServeFile::Kind kind,
                                            const std::string& requested,
                                            const AttachedPaths& paths) {
  const std::string path = tidied(requested);
  const auto attached = findAttached(paths, path);
  if (attached == paths.end()) return unknownPath(kind);
  const auto& [name, real] = *attached;
  const std::string suffix = path.substr(name.size());
  if (climbsOut(suffix)) return badRequest("'" + real + suffix + "' is inaccessible.\n");
  return ServeFile{id, kind, real + suffix, real, name, std::nullopt, std::nullopt};
}

std::variant<Response, ServeFile> serveFile(RequestId id, ServeFile::Kind kind,
                                            const Target& target, const AttachedPaths& paths) {
  const std::string* requested = target.find("path");
  if (requested == nullptr || requested->empty()) {
    return badRequest("Expecting 'path=value' in query.\n");
  }
  std::optional<std::int64_t> offset;
  std::optional<std::int64_t> length;
  if (kind == ServeFile::Kind::Read) {
    const auto readOffset = readNumber(target, "offset");
    if (!readOffset) return badRequest(readOffset.error().message);
    const auto readLength = readNumber(target, "length");
    if (!readLength) return badRequest(readLength.error().message);
    offset = *readOffset;
    length = *readLength;
  }
  auto served = serveFile(id, kind, *requested, paths);
  if (auto* serve = std::get_if<ServeFile>(&served)) {
    serve->offset = offset;
    serve->length = length;
    if (const std::string* callback = target.find("jsonp")) serve->jsonp = *callback;
  }
  return served;
}

}  // namespace mesos::cluster
