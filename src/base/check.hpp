// MESOS_CHECK: our own bugs stop the program, also in release builds.
#pragma once

namespace mesos {
[[noreturn]] void checkFailed(const char* condition, const char* file, int line);
}  // namespace mesos

#define MESOS_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::mesos::checkFailed(#condition, __FILE__, __LINE__))
