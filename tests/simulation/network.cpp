#include "simulation/network.hpp"

#include <algorithm>

namespace mesos::simulation {

using cluster::RequestId;

Duration Network::latency() {
  if (random_.chance(faults.slowPerSend)) {
    ++slowed;
    return random_.below(Duration(std::chrono::seconds(8)));
  }
  return random_.below(faults.latencyMax);
}

LinkId Network::connect(ServerEnd* server, ClientEnd client) {
  const LinkId id = nextLink_++;
  Link& link = links_[id];
  link.server = server;
  link.client = std::move(client);
  if (random_.chance(faults.silentSyn)) {
    ++halfOpened;
    link.halfOpen = true;
    return id;
  }
  const bool refused = server == nullptr || random_.chance(faults.refuse);
  refusals += refused ? 1 : 0;
  toClient(id, [this, id, refused](Link& target) {
    if (refused) {
      const auto closed = target.client.onClosed;
      links_.erase(id);
      closed("connection refused");
    } else {
      target.established = true;
      const auto connected = target.client.onConnected;
      connected();
    }
  });
  return id;
}

void Network::toServer(LinkId id, std::function<void(Link&)> arrive) {
  Link& link = links_.at(id);
  link.lastToServer = std::max(link.lastToServer, clockwork_.now().steady + latency());
  clockwork_.at(link.lastToServer, [this, id, arrive = std::move(arrive)] {
    const auto found = links_.find(id);
    if (found != links_.end() && !found->second.halfOpen && !found->second.serverClosed) {
      arrive(found->second);
    }
  });
}

void Network::toClient(LinkId id, std::function<void(Link&)> arrive) {
  Link& link = links_.at(id);
  link.lastToClient = std::max(link.lastToClient, clockwork_.now().steady + latency());
  clockwork_.at(link.lastToClient, [this, id, arrive = std::move(arrive)] {
    const auto found = links_.find(id);
    if (found != links_.end() && !found->second.halfOpen && !found->second.clientClosed) {
      arrive(found->second);
    }
  });
}

void Network::send(LinkId id, protocol::Request request) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  // A cut before the request arrives, or after: the client cannot tell which.
  const bool cutsIt = random_.chance(faults.cutPerSend);
  const bool arrives = !cutsIt || random_.chance(0.5);
  if (!arrives) {
    cut(id);
    return;
  }
  toServer(id, [this, id, cutsIt, request = std::move(request)](Link& link) {
    const RequestId number = nextRequest_++;
    requests_[number] = id;
    link.exchanges.push_back({number, {}, false, false});
    const auto handler = link.server->onRequest;
    handler(number, request);
    if (cutsIt) cut(id);
  });
}

void Network::closeByClient(LinkId id) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  found->second.clientClosed = true;
  toServer(id, [this, id](Link&) { serverLearns(id); });
}

void Network::serverLearns(LinkId id) {
  const auto found = links_.find(id);
  if (found == links_.end() || found->second.serverClosed) return;
  found->second.serverClosed = true;
  std::vector<RequestId> open;
  for (const Exchange& exchange : found->second.exchanges) open.push_back(exchange.id);
  if (open.empty()) {  // Perhaps nobody ever listened.
    if (found->second.clientClosed) links_.erase(found);
    return;
  }
  const auto closed = found->second.server->onRequestClosed;
  forgetRequests(found->second);
  if (found->second.clientClosed) links_.erase(found);
  for (const RequestId request : open) closed(request);
}

void Network::forgetRequests(Link& link) {
  for (const Exchange& exchange : link.exchanges) requests_.erase(exchange.id);
  link.exchanges.clear();
}

void Network::answer(RequestId request, Part part, bool done) {
  const auto where = requests_.find(request);
  if (where == requests_.end()) return;
  const LinkId id = where->second;
  Link& link = links_.at(id);
  for (Exchange& exchange : link.exchanges) {
    if (exchange.id != request) continue;
    exchange.parts.push_back(std::move(part));
    exchange.done = exchange.done || done;
  }
  flush(id);
}

void Network::flush(LinkId id) {
  Link& link = links_.at(id);
  while (!link.exchanges.empty()) {
    Exchange& front = link.exchanges.front();
    for (Part& part : front.parts) deliver(id, std::move(part));
    front.parts.clear();
    if (!front.done) return;
    requests_.erase(front.id);
    link.exchanges.pop_front();
  }
}

void Network::deliver(LinkId id, Part part) {
  if (auto* bytes = std::get_if<Bytes>(&part)) {
    // TCP knows no message boundaries.
    std::string_view rest = bytes->bytes;
    while (!rest.empty()) {
      const std::size_t size = 1 + random_.below(std::uint64_t{rest.size()});
      toClient(id, [piece = std::string(rest.substr(0, size))](Link& link) {
        const auto handler = link.client.onBytes;
        handler(piece);
      });
      rest.remove_prefix(size);
      if (random_.chance(faults.cutPerSend / 4)) {
        clockwork_.after(latency(), [this, id] { cut(id); });
      }
    }
    return;
  }
  toClient(id, [this, id, part = std::move(part)](Link& link) {
    if (const auto* head = std::get_if<Head>(&part)) {
      const auto handler = link.client.onResponse;
      handler(head->head);
    } else if (std::holds_alternative<End>(part)) {
      const auto handler = link.client.onBodyEnd;
      handler();
    } else {
      const auto handler = link.client.onClosed;
      link.clientClosed = true;
      forgetRequests(link);
      links_.erase(id);
      handler("closed by the server");
    }
  });
}

void Network::respond(RequestId request, protocol::Response response) {
  answer(request, Head{{response.status, std::move(response.headers)}}, false);
  if (!response.body.empty()) answer(request, Bytes{std::move(response.body)}, false);
  answer(request, End{}, true);
}

void Network::openStream(RequestId request, protocol::ResponseHead head) {
  answer(request, Head{std::move(head)}, false);
}

void Network::streamBytes(RequestId request, std::string bytes) {
  answer(request, Bytes{std::move(bytes)}, false);
}

void Network::endStream(RequestId request) { answer(request, End{}, true); }

void Network::hangup(RequestId request) { answer(request, Hang{}, true); }

void Network::cut(LinkId id) {
  const auto found = links_.find(id);
  if (found == links_.end() || found->second.halfOpen) return;
  ++cuts;
  // What is under way is lost; each end learns of the break in its own time.
  Link& link = found->second;
  link.halfOpen = true;
  clockwork_.after(latency(), [this, id] { serverLearns(id); });
  clockwork_.after(latency(), [this, id] {
    const auto target = links_.find(id);
    if (target == links_.end() || target->second.clientClosed) return;
    target->second.clientClosed = true;
    const auto closed = target->second.client.onClosed;
    if (target->second.serverClosed) links_.erase(target);
    closed("connection reset");
  });
}

void Network::halfOpen(LinkId id) {
  const auto found = links_.find(id);
  if (found == links_.end() || found->second.halfOpen) return;
  ++halfOpened;
  found->second.halfOpen = true;
  // What the server says is not acknowledged, and its kernel gives the connection up.
  clockwork_.after(std::chrono::minutes(10), [this, id] { serverLearns(id); });
}

std::vector<LinkId> Network::openLinks(const ServerEnd* server) const {
  std::vector<LinkId> open;
  for (const auto& [id, link] : links_) {
    if (link.server == server && link.established && !link.halfOpen && !link.clientClosed) {
      open.push_back(id);
    }
  }
  return open;
}

void Network::cutAll(const ServerEnd* server) {
  for (const LinkId id : openLinks(server)) cut(id);
}

}  // namespace mesos::simulation
