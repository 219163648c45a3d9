// How validations are put together; only *_validation.cpp include this.
#pragma once

#include <mesos/result.hpp>

#include <string>

namespace mesos::cluster {

/// The first of the checks, given in order, that fails.
template <typename... Checks>
Result<void> firstError(Checks&&... checks) {
  Result<void> result;
  static_cast<void>((... && static_cast<bool>(result = checks())));
  return result;
}

inline Result<void> prefixed(const std::string& prefix, Result<void> result) {
  if (result) return result;
  return Error{prefix + result.error().message};
}

}  // namespace mesos::cluster
