// The files that hold secrets of the cluster. What they hold is never part of an error.
#pragma once

#include "cluster/authentication.hpp"

#include <mesos/result.hpp>

#include <string>

namespace mesos::local {

/// A file as fact T46 has it.
Result<cluster::Credentials> readCredentials(const std::string& path);
/// The key of executors' tokens: the bytes of the file, all of them (fact T47).
Result<std::string> readTokenKey(const std::string& path);

}  // namespace mesos::local
