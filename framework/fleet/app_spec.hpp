// What is wanted: a web server app. The vocabulary is Marathon's.
#pragma once

#include <cstddef>
#include <string>

namespace mesos::fleet {

/// `instances` servers, each a task of its own in an executor of its own.
struct AppSpec {
  /// Task ids are `NAME-UUID`.
  std::string name = "web";
  /// Of one server. Its executor takes kExecutorCpus and kExecutorMem more.
  double cpus = 0.5;
  double mem = 128;  ///< Megabytes.
  /// What every server answers with.
  std::string content = "Hello from Server";
  std::size_t instances = 1;
  /// Where agents fetch the executor program from.
  std::string executorUri;
};

/// An executor needs resources of its own: agents that enforce limits destroy a container that has
/// none, which is the moment between the end of its task and its own (fact L13).
constexpr double kExecutorCpus = 0.01;
constexpr double kExecutorMem = 32;

}  // namespace mesos::fleet
