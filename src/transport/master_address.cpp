#include "transport/master_address.hpp"

#include <fstream>
#include <string_view>

namespace mesos::transport {
namespace {

// Takes `prefix` off `text`; whether it was there.
bool strip(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Result<protocol::Address> parse(const std::string& text) {
  const auto refuse = [&](const std::string& reason) {
    return Error{"the master \"" + text + "\" " + reason};
  };
  std::string_view rest = text;
  if (strip(rest, "zk://")) {
    return refuse("is named by ZooKeeper, which comes with a later version; give HOST:PORT");
  }
  if (strip(rest, "https://")) {
    return refuse("wants TLS, which comes with a later version; give HOST:PORT");
  }
  if (strip(rest, "http://") && !rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  const auto address = protocol::parseAddress(rest);
  if (!address) return refuse("is neither HOST:PORT, http://HOST:PORT nor file:///PATH");
  return *address;
}

}  // namespace

Result<protocol::Address> masterAddress(const std::string& text) {
  std::string_view path = text;
  if (!strip(path, "file://")) return parse(text);
  std::ifstream file{std::string(path)};
  std::string line;
  if (!std::getline(file, line)) {
    return Error{"the file of \"" + text + "\" cannot be read, or is empty"};
  }
  const std::size_t last = line.find_last_not_of(" \t\r");
  return parse(line.substr(0, last == line.npos ? 0 : last + 1));
}

}  // namespace mesos::transport
