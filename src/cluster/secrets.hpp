// What is done with secrets; the cryptography is OpenSSL's.
#pragma once

#include <string>
#include <string_view>

namespace mesos::cluster {

/// Whether they are equal, in a time that depends neither on where they differ nor on how long the
/// expected one is.
bool equalSecrets(std::string_view expected, std::string_view given);

/// HMAC-SHA256: 32 bytes.
std::string hmacSha256(std::string_view key, std::string_view text);

}  // namespace mesos::cluster
