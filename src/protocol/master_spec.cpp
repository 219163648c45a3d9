#include "protocol/master_spec.hpp"

#include <algorithm>

namespace mesos::protocol {
namespace {

constexpr std::string_view kZooKeeper = "zk://";

// Takes `prefix` off `text`; whether it was there.
bool strip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool hasBlank(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7f;
  });
}

// What ZooKeeper would say of the path, before it has to.
std::optional<std::string> faultOfPath(std::string_view path) {
  if (path.empty() || path == "/") {
    return "names no node: put a path behind the servers, such as /mesos";  // Fact Z2.
  }
  if (path.back() == '/') return "has a path that ends in '/'";
  for (std::string_view rest = path.substr(1);;) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part.empty() || part == "." || part == "..") {
      return "has a path with a part that is empty, '.' or '..'";
    }
    if (part.size() == rest.size()) return std::nullopt;
    rest.remove_prefix(part.size() + 1);
  }
}

std::optional<std::string> faultOfServers(std::string_view servers) {
  if (servers.empty()) return "names no server";
  for (std::string_view rest = servers;;) {
    const std::string_view server = rest.substr(0, rest.find(','));
    const auto address = parseAddress(server);
    if (!address || address->port == 0) {
      return "names the server \"" + std::string(server) + "\", which is not HOST:PORT";
    }
    if (server.size() == rest.size()) return std::nullopt;
    rest.remove_prefix(server.size() + 1);
  }
}

// What stands before an '@' may be a secret of a misspelt URL.
std::string withoutCredentials(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == text.npos || text.substr(0, at) == "master") return std::string(text);
  return "…" + std::string(text.substr(at));
}

}  // namespace

std::string ZooKeeperUrl::toString() const { return std::string(kZooKeeper) + servers + path; }

Result<ZooKeeperUrl> parseZooKeeperUrl(std::string_view text) {
  std::string_view rest = text;
  if (!strip(rest, kZooKeeper)) return Error{"a ZooKeeper URL begins with zk://"};
  ZooKeeperUrl url;
  // Neither user nor password may contain a '/' (fact Z1).
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.path = rest.substr(slash);
  std::string_view servers = rest.substr(0, slash);
  const std::size_t at = servers.rfind('@');
  if (at != servers.npos) {
    url.credentials = servers.substr(0, at);
    servers.remove_prefix(at + 1);
  }
  url.servers = servers;
  // Such a password would end up in the path, and what may be a secret is not repeated.
  if (url.path.find('@') != url.path.npos) {
    return Error{
        "the ZooKeeper URL has an '@' behind its first '/': no user, no password and no path may "
        "be like that"};
  }
  const auto refuse = [&](const std::string& reason) {
    return Error{"the ZooKeeper URL \"" + url.toString() + "\" " + reason};
  };
  const std::size_t colon = url.credentials.find(':');
  if (at != servers.npos && (colon == url.credentials.npos || colon == 0)) {
    return refuse("has something before its '@' that is not USER:PASSWORD");
  }
  if (hasBlank(rest.substr(at == servers.npos ? 0 : at + 1))) return refuse("contains a blank");
  if (const auto fault = faultOfServers(url.servers)) return refuse(*fault);
  if (const auto fault = faultOfPath(url.path)) return refuse(*fault);
  return url;
}

Result<MasterSpec> parseMasterSpec(std::string_view text) {
  std::string_view rest = text;
  if (text.starts_with(kZooKeeper)) {
    auto url = parseZooKeeperUrl(text);
    if (!url) return url.error();
    return MasterSpec(*std::move(url));
  }
  const auto refuse = [&](const std::string& reason) {
    return Error{"the master \"" + withoutCredentials(text) + "\" " + reason};
  };
  if (strip(rest, "file://")) {
    if (rest.size() > 1 && rest.front() == '/') return MasterSpec(MasterFile{std::string(rest)});
    return refuse("is no file:///PATH");
  }
  const bool tls = strip(rest, "https://");
  if (tls || strip(rest, "http://")) {
    if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  } else {
    strip(rest, "master@");
  }
  auto address = parseAddress(rest);
  if (!address) {
    return refuse(
        "is neither HOST:PORT, http://HOST:PORT, https://HOST:PORT, zk://HOST:PORT,…/PATH nor "
        "file:///PATH");
  }
  address->tls = tls;
  return MasterSpec(*std::move(address));
}

}  // namespace mesos::protocol
