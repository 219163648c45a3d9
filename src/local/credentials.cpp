#include "local/credentials.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace mesos::local {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;

Result<std::string> readSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{"cannot read " + path + ": " + std::strerror(errno)};
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || file.gcount() < 0) return Error{"cannot read " + path};
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) return Error{path + " is larger than 1 MiB"};
  if (text.empty()) return Error{path + " is empty, or no file"};
  return text;
}

void stripNewline(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

}  // namespace

Result<cluster::Credentials> readCredentials(const std::string& path) {
  const auto text = readSmallFile(path);
  if (!text) return text.error();
  auto credentials = cluster::parseCredentials(*text);
  if (!credentials) return Error{path + ": " + credentials.error().message};
  if (credentials->empty()) return Error{path + " names no principal"};
  return credentials;
}

Result<std::string> readTokenKey(const std::string& path) { return readSmallFile(path); }

Result<std::string> readSecret(const std::string& path) {
  auto secret = readSmallFile(path);
  if (!secret) return secret;
  stripNewline(*secret);
  if (secret->empty()) return Error{path + " is empty"};
  // Such a one can never authenticate (fact T43).
  if (secret->find(':') != secret->npos) {
    return Error{"the secret in " + path + " has a colon, which Mesos never accepts"};
  }
  return secret;
}

}  // namespace mesos::local
