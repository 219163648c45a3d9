// A network of HTTP connections in virtual time, that delays, splits, cuts and half-opens them.
#pragma once

#include "base/random.hpp"
#include "cluster/http_effects.hpp"
#include "protocol/http.hpp"
#include "simulation/clockwork.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace mesos::simulation {

using LinkId = std::uint64_t;

/// The client's end of a link; called at the instant a thing arrives.
struct ClientEnd {
  std::function<void()> onConnected;
  std::function<void(const protocol::ResponseHead&)> onResponse;
  std::function<void(std::string_view)> onBytes;
  std::function<void()> onBodyEnd;
  std::function<void(std::string_view)> onClosed;
};

/// The server's end of all links to it.
struct ServerEnd {
  std::function<void(cluster::RequestId, const protocol::Request&)> onRequest;
  std::function<void(cluster::RequestId)> onRequestClosed;
};

/// Each direction of a link keeps its order, as TCP does. Answers leave in the order of requests.
class Network {
 public:
  struct Faults {
    Duration latencyMax = std::chrono::milliseconds(20);
    double refuse = 0;       ///< A connection attempt is refused.
    double silentSyn = 0;    ///< A connection attempt is never answered.
    double cutPerSend = 0;   ///< Sending anything cuts the link instead.
    double slowPerSend = 0;  ///< A message takes seconds.
  };

  Network(Clockwork& clockwork, Random& random) : clockwork_(clockwork), random_(random) {}

  Faults faults;

  /// `server` nullptr: nobody listens there.
  LinkId connect(ServerEnd* server, ClientEnd client);
  void send(LinkId link, protocol::Request request);
  void closeByClient(LinkId link);

  void respond(cluster::RequestId request, protocol::Response response);
  void openStream(cluster::RequestId request, protocol::ResponseHead head);
  void streamBytes(cluster::RequestId request, std::string bytes);
  void endStream(cluster::RequestId request);
  void hangup(cluster::RequestId request);

  /// Both ends learn of it, each in its time.
  void cut(LinkId link);
  /// Nothing gets through any more and nobody is told, the server not before 10 minutes.
  void halfOpen(LinkId link);
  std::vector<LinkId> openLinks(const ServerEnd* server) const;
  /// The server's process is gone: its links break.
  void cutAll(const ServerEnd* server);

  std::uint64_t cuts = 0, refusals = 0, halfOpened = 0, slowed = 0;

 private:
  struct Head {
    protocol::ResponseHead head;
  };
  struct Bytes {
    std::string bytes;
  };
  struct End {};
  struct Hang {};
  using Part = std::variant<Head, Bytes, End, Hang>;

  struct Exchange {
    cluster::RequestId id;
    std::deque<Part> parts;  // Waiting for the answers before it.
    bool done = false;
    bool streaming = false;
  };
  struct Link {
    ServerEnd* server;
    ClientEnd client;
    bool established = false;
    bool halfOpen = false;
    bool clientClosed = false;
    bool serverClosed = false;
    TimePoint lastToServer{}, lastToClient{};
    std::deque<Exchange> exchanges;
  };

  Duration latency();
  void toServer(LinkId id, std::function<void(Link&)> arrive);
  void toClient(LinkId id, std::function<void(Link&)> arrive);
  void answer(cluster::RequestId request, Part part, bool done);
  void flush(LinkId id);
  void deliver(LinkId id, Part part);
  void forgetRequests(Link& link);
  void serverLearns(LinkId id);

  Clockwork& clockwork_;
  Random& random_;
  LinkId nextLink_ = 1;
  cluster::RequestId nextRequest_ = 1;
  std::map<LinkId, Link> links_;
  std::map<cluster::RequestId, LinkId> requests_;
};

}  // namespace mesos::simulation
