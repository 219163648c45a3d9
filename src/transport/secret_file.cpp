#include "transport/secret_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace mesos::transport {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;

void stripNewline(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

}  // namespace

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

}  // namespace mesos::transport
