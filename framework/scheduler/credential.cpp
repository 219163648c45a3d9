#include "scheduler/credential.hpp"

#include "transport/secret_file.hpp"

namespace mesos::scheduler {

Result<Credential> readCredential(const std::string& principal, const std::string& secretFile) {
  auto secret = transport::readSecret(secretFile);
  if (!secret) return secret.error();
  return Credential{.principal = principal, .secret = *std::move(secret)};
}

bool isRefusalOfCredentials(const std::string& failure) {
  return failure.find(" answers 401") != failure.npos ||
         failure.find(" answers 403") != failure.npos;
}

}  // namespace mesos::scheduler
