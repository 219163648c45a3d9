// Who this framework is to a master that asks.
#pragma once

#include <mesos/result.hpp>
#include <mesos/scheduler.hpp>

#include <string>

namespace mesos::scheduler {

/// The principal, and the secret that the file holds; one newline at its end is not part of it. The
/// error never quotes the secret.
Result<Credential> readCredential(const std::string& principal, const std::string& secretFile);

/// Whether the driver's failure is the master's word that the credentials are not good enough: a
/// 401 or 403 (facts T40, T48).
bool isRefusalOfCredentials(const std::string& failure);

}  // namespace mesos::scheduler
