#include "protocol/master_node.hpp"

#include "protocol/json.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace mesos::protocol {
namespace {

enum class Label { Json, Protobuf, Text };

struct Member {
  Label label;
  std::uint64_t number;
};

std::optional<Member> memberOf(std::string_view name) {
  Member member{Label::Text, 0};
  for (const auto& [prefix, label] : {std::pair{std::string_view("json.info_"), Label::Json},
                                      std::pair{std::string_view("info_"), Label::Protobuf}}) {
    if (!name.starts_with(prefix)) continue;
    name.remove_prefix(prefix.size());
    member.label = label;
    break;
  }
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, member.number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return member;
}

Result<Address> addressOfPid(std::string_view pid) {
  const std::size_t at = pid.find('@');
  auto address = at == pid.npos ? std::nullopt : parseAddress(pid.substr(at + 1));
  if (!address) return Error{"\"" + std::string(pid) + "\" is not NAME@HOST:PORT"};
  return *std::move(address);
}

// The bytes of `ip` lie in network order, the first one lowest.
std::string textOf(std::uint32_t ip) {
  std::string text;
  for (int i = 0; i < 4; ++i, ip >>= 8) {
    text += (i == 0 ? "" : ".") + std::to_string(ip & 0xff);
  }
  return text;
}

std::optional<Address> addressAt(const std::string& host, std::int64_t port) {
  if (port <= 0 || port > 65535) return std::nullopt;
  return parseAddress(Address{host, static_cast<std::uint16_t>(port)}.toString());
}

}  // namespace

std::vector<std::string> mastersOf(std::vector<std::string> children) {
  std::erase_if(children, [](const std::string& name) { return !memberOf(name); });
  std::sort(children.begin(), children.end(), [](const std::string& a, const std::string& b) {
    // Numbers are ZooKeeper's and differ, unless a person has made a node.
    const auto of = [](const std::string& name) { return std::pair(memberOf(name)->number, name); };
    return of(a) < of(b);
  });
  return children;
}

Result<v1::MasterInfo> readMasterNode(std::string_view name, std::string_view data) {
  const auto member = memberOf(name);
  if (!member) return Error{"the node " + std::string(name) + " is no master's"};
  const auto refuse = [&](const std::string& reason) {
    return Error{"the node " + std::string(name) + " holds no MasterInfo: " + reason};
  };
  v1::MasterInfo info;
  switch (member->label) {
    case Label::Json:
      if (const auto read = fromJson(data, &info); !read) return refuse(read.error().message);
      break;
    case Label::Protobuf:
      if (!info.ParsePartialFromArray(data.data(), static_cast<int>(data.size()))) {
        return refuse("it is not protobuf");
      }
      if (!info.IsInitialized()) return refuse(info.InitializationErrorString() + " is missing");
      break;
    case Label::Text: {
      const auto address = addressOfPid(data);
      if (!address) return refuse(address.error().message);
      info.set_id(std::string(data));
      info.set_pid(std::string(data));
      info.set_ip(0);
      info.set_port(address->port);
    }
  }
  if (const auto address = addressOf(info); !address) return refuse(address.error().message);
  return info;
}

Result<Address> addressOf(const v1::MasterInfo& master) {
  const v1::Address& address = master.address();
  if (auto found = addressAt(address.ip(), address.port())) return *std::move(found);
  if (!master.pid().empty()) {
    if (auto found = addressOfPid(master.pid())) return *std::move(found);
  }
  const std::string host = master.ip() != 0 ? textOf(master.ip()) : master.hostname();
  if (auto found = addressAt(host, master.port())) return *std::move(found);
  return Error{"it has no address"};
}

std::string writeMasterNode(const v1::MasterInfo& master) {
  JsonWriter json;
  json.beginObject();
  if (master.has_address()) {
    const v1::Address& address = master.address();
    json.key("address").beginObject();
    if (address.has_hostname()) json.key("hostname").string(address.hostname());
    if (address.has_ip()) json.key("ip").string(address.ip());
    json.key("port").integer(address.port());
    json.endObject();
  }
  if (master.capabilities_size() > 0) {
    json.key("capabilities").beginArray();
    for (const auto& capability : master.capabilities()) json.message(capability);
    json.endArray();
  }
  if (master.has_domain()) json.key("domain").message(master.domain());
  if (master.has_hostname()) json.key("hostname").string(master.hostname());
  json.key("id").string(master.id());
  json.key("ip").integer(master.ip());
  if (master.has_pid()) json.key("pid").string(master.pid());
  json.key("port").integer(master.port());
  if (master.has_version()) json.key("version").string(master.version());
  json.endObject();
  return json.take();
}

}  // namespace mesos::protocol
