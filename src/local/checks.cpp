#include "local/checks.hpp"

#include "transport/http_client.hpp"
#include "transport/tls.hpp"

#include <optional>

namespace mesos::local {
namespace {

/// The container in which a check's process runs: a name that no container of an agent has.
std::string containerOf(const std::pair<std::string, std::uint64_t>& key) {
  return key.first + ".check-" + std::to_string(key.second);
}

std::optional<protocol::Address> addressOf(const std::string& host, std::uint32_t port) {
  if (port == 0 || port > 65535) return std::nullopt;
  return protocol::Address{host, static_cast<std::uint16_t>(port)};
}

}  // namespace

struct Checks::Running {
  Done done;
  std::unique_ptr<transport::HttpConnection> connection;
};

Checks::Checks(transport::EventLoop& loop, Containers& containers)
    : loop_(loop), containers_(containers) {}

Checks::~Checks() = default;

void Checks::start(const cluster::StartCheck& order, Done done) {
  const Key key{order.containerId, order.checkId};
  running_[key] = std::make_unique<Running>(Running{std::move(done), nullptr});
  if (const auto* process = std::get_if<cluster::ForkContainer>(&order.what)) {
    startProcess(key, *process);
  } else if (const auto* http = std::get_if<cluster::HttpProbe>(&order.what)) {
    get(key, *http);
  } else {
    connect(key, std::get<cluster::TcpProbe>(order.what));
  }
}

void Checks::startProcess(const Key& key, const cluster::ForkContainer& order) {
  cluster::ForkContainer own = order;
  own.containerId = containerOf(key);
  containers_.fork(
      own,
      [this, key](const Result<int>& pid) {
        if (!pid) finish(key, pid);
      },
      [this, key](int status) { finish(key, status); });
}

void Checks::connect(const Key& key, const cluster::TcpProbe& probe) {
  const auto address = addressOf(probe.host, probe.port);
  if (!address) return finish(key, Error{"no such port"});
  transport::HttpConnection::Handlers handlers;
  handlers.onConnected = [this, key] { finish(key, 1); };
  handlers.onClosed = [this, key](const std::string&) { finish(key, 0); };
  auto& connection = running_.at(key)->connection;
  connection = std::make_unique<transport::HttpConnection>(loop_, std::move(handlers));
  connection->connect(*address);
}

void Checks::get(const Key& key, const cluster::HttpProbe& probe) {
  const auto address = addressOf(probe.host, probe.port);
  if (!address) return finish(key, Error{"no such port"});
  transport::HttpConnection::Handlers handlers;
  handlers.onResponse = [this, key](const protocol::ResponseHead& head) {
    finish(key, head.status);
  };
  handlers.onClosed = [this, key](const std::string& reason) { finish(key, Error{reason}); };
  auto& connection = running_.at(key)->connection;
  connection = std::make_unique<transport::HttpConnection>(loop_, std::move(handlers));
  transport::Dial dial;
  if (probe.scheme == "https") {
    // Whoever answers is the task, on its own host: Mesos' check does not look at the certificate
    // either.
    auto tls = transport::tlsClient({.verifyPeer = false, .verifyHost = false});
    if (!tls) return finish(key, tls.error());
    dial.tls = *std::move(tls);
  }
  connection->connect(*address, dial);
  connection->send({"GET", probe.path, {{"Connection", "close"}}, {}});
}

// Posted, since this may be called from within the connection that is to go.
void Checks::finish(const Key& key, const Result<int>& outcome) {
  loop_.post([this, key, outcome] {
    const auto found = running_.find(key);
    if (found == running_.end()) return;
    const Done done = std::move(found->second->done);
    running_.erase(found);
    done(outcome);
  });
}

void Checks::end(std::map<Key, std::unique_ptr<Running>>::iterator running) {
  containers_.destroy(containerOf(running->first));
  running_.erase(running);
}

void Checks::stop(const cluster::StopCheck& order) {
  const auto found = running_.find({order.containerId, order.checkId});
  if (found != running_.end()) end(found);
}

void Checks::stopAll(const std::string& containerId) {
  for (auto next = running_.lower_bound({containerId, 0});
       next != running_.end() && next->first.first == containerId;) {
    end(next++);
  }
}

}  // namespace mesos::local
