// How people name masters, and what masters leave in ZooKeeper. By the first byte: a name, or nodes
// below the path of one, which are separated by a line "%%": a node's name, a blank, its data.
#include "fuzz.hpp"
#include "protocol/master_detector.hpp"
#include "protocol/master_node.hpp"
#include "protocol/master_spec.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace {

using mesos::fuzz::require;
using namespace mesos::protocol;

constexpr std::string_view kNodeEnd = "\n%%\n";
constexpr std::string_view kSecret = "~S3cr3t~";

/// That may stand in a Host header and in a line for people.
bool isPlain(const Address& address) {
  return address.port != 0 && !address.host.empty() &&
         std::ranges::all_of(address.host, [](char c) { return c > ' ' && c != '@' && c != '/'; });
}

void checkUrl(const ZooKeeperUrl& url) {
  require(url.path.size() > 1 && url.path.front() == '/' && !url.servers.empty(),
          "a ZooKeeper URL without servers or path");
  const std::string credentials = url.credentials.empty() ? "" : url.credentials + "@";
  const auto again = parseZooKeeperUrl("zk://" + credentials + url.servers + url.path);
  require(again && *again == url, "a ZooKeeper URL is not read as it is written");
}

void checkSpec(std::string_view text) {
  const auto spec = parseMasterSpec(text);
  if (!spec) {
    require(!spec.error().message.empty(), "refused without a sentence");
  } else if (const auto* url = std::get_if<ZooKeeperUrl>(&*spec)) {
    checkUrl(*url);
  } else if (const auto* address = std::get_if<Address>(&*spec)) {
    const auto again = parseMasterSpec((address->tls ? "https://" : "") + address->toString());
    require(isPlain(*address) && again && *again == *spec, "an address is not read as written");
  }
}

/// What stands before the last '@' may be a password, and no error tells it.
void checkSecrecy(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == text.npos || text.substr(0, at) == "master") return;
  if (text.find(kSecret) != text.npos) return;  // Guessed: it may stand where it is no secret.
  std::string secret(text);
  secret.insert(at, kSecret);
  const auto spec = parseMasterSpec(secret);
  if (!spec) {
    require(spec.error().message.find(kSecret) == std::string::npos, "an error tells a secret");
  } else if (const auto* url = std::get_if<ZooKeeperUrl>(&*spec)) {
    require(url->toString().find(kSecret) == std::string::npos, "a URL tells its secret");
  }
}

using Nodes = std::vector<std::pair<std::string, std::string>>;

Nodes nodesOf(std::string_view text) {
  Nodes nodes;
  for (;;) {
    const std::size_t end = text.find(kNodeEnd);
    const std::string_view node = text.substr(0, end);
    const std::size_t blank = std::min(node.find(' '), node.size());
    nodes.emplace_back(node.substr(0, blank), node.substr(std::min(blank + 1, node.size())));
    if (end == text.npos) return nodes;
    text.remove_prefix(end + kNodeEnd.size());
  }
}

void checkNode(const std::string& name, const std::string& data) {
  const auto info = readMasterNode(name, data);
  if (!info) return require(!info.error().message.empty(), "refused without a sentence");
  const auto address = addressOf(*info);
  require(address && isPlain(*address), "a master that is read has no address");
  const auto again = readMasterNode("json.info_0", writeMasterNode(*info));
  require(again && addressOf(*again).value() == *address, "a master is not read as it is written");
}

/// Through the detector, as a ZooKeeper tells it: who leads is the first that can be read.
void checkLeader(const Nodes& nodes) {
  std::map<std::string, std::string> data;
  std::vector<std::string> names;
  for (const auto& [name, bytes] : nodes) {
    if (data.emplace(name, bytes).second) names.push_back(name);
  }
  const std::vector<std::string> masters = mastersOf(names);
  require(mastersOf(masters) == masters, "the masters are not in their order");

  const mesos::Now now{mesos::TimePoint(std::chrono::hours(1)), {}};
  MasterDetector detector({}, ZooKeeperUrl{"127.0.0.1:1", "/m", ""});
  detector.onStart(now);
  std::optional<Address> leader;
  while (auto effect = detector.poll()) {
    if (const auto* open = std::get_if<OpenZooKeeper>(&*effect)) {
      detector.onConnected(now, open->id, std::chrono::seconds(10));
    } else if (const auto* list = std::get_if<ListNodes>(&*effect)) {
      detector.onChildren(now, list->request, names);
    } else if (const auto* read = std::get_if<ReadNode>(&*effect)) {
      detector.onData(now, read->request, data.at(read->path.substr(3)));
    } else if (const auto* change = std::get_if<LeaderChanged>(&*effect)) {
      leader = change->address;
    }
  }
  std::optional<Address> expected;
  for (const std::string& name : masters) {
    const auto info = readMasterNode(name, data.at(name));
    if (info && !expected) expected = addressOf(*info).value();
  }
  require(leader == expected, "the detector tells another leader");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = mesos::fuzz::textOf(data, size);
  if (mesos::fuzz::takeByte(text) % 2 == 0) {
    checkSpec(text);
    checkSecrecy(text);
    return 0;
  }
  const Nodes nodes = nodesOf(text);
  for (const auto& [name, bytes] : nodes) checkNode(name, bytes);
  checkLeader(nodes);
  return 0;
}
