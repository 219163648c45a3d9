#include "local/credentials.hpp"

#include "transport/secret_file.hpp"

namespace mesos::local {

Result<cluster::Credentials> readCredentials(const std::string& path) {
  const auto text = transport::readSmallFile(path);
  if (!text) return text.error();
  auto credentials = cluster::parseCredentials(*text);
  if (!credentials) return Error{path + ": " + credentials.error().message};
  if (credentials->empty()) return Error{path + " names no principal"};
  return credentials;
}

Result<std::string> readTokenKey(const std::string& path) { return transport::readSmallFile(path); }

}  // namespace mesos::local
