#include "scheduler/credential.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace mesos::scheduler {
namespace {

constexpr std::size_t kSecretBytesMax = 64 * 1024;

void stripNewline(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

}  // namespace

Result<Credential> readCredential(const std::string& principal, const std::string& secretFile) {
  std::ifstream file(secretFile, std::ios::binary);
  if (!file) return Error{"cannot read " + secretFile + ": " + std::strerror(errno)};
  std::string secret(kSecretBytesMax + 1, '\0');
  file.read(secret.data(), static_cast<std::streamsize>(secret.size()));
  if (file.bad()) return Error{"cannot read " + secretFile};
  secret.resize(static_cast<std::size_t>(file.gcount()));
  if (secret.size() > kSecretBytesMax) return Error{secretFile + " is too large for a secret"};
  stripNewline(secret);
  if (secret.empty()) return Error{secretFile + " is empty, or no file"};
  // Such a one can never authenticate (fact T43).
  if (secret.find(':') != secret.npos) {
    return Error{"the secret in " + secretFile + " has a colon, which Mesos never accepts"};
  }
  return Credential{.principal = principal, .secret = std::move(secret)};
}

bool isRefusalOfCredentials(const std::string& failure) {
  return failure.find(" answers 401") != failure.npos ||
         failure.find(" answers 403") != failure.npos;
}

}  // namespace mesos::scheduler
