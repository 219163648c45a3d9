// The HTTP requests that a master or an agent is answering.
#pragma once

#include "cluster/cors.hpp"
#include "cluster/http_effects.hpp"
#include "transport/http_server.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mesos::local {

/// Gives requests their numbers and carries out what the pure code answers to them. On the loop's
/// thread.
class Requests {
 public:
  using Log = std::function<void(const std::string&)>;

  /// `log` is told of each answer; may be empty.
  explicit Requests(Log log) : log_(std::move(log)) {}

  /// `closed` is called if the client goes before its answer is complete.
  cluster::RequestId add(std::shared_ptr<transport::HttpExchange> exchange,
                         const protocol::Request& request,
                         std::function<void(cluster::RequestId)> closed);

  /// Whose pages may read the answers from now on.
  void allowOrigins(cluster::Cors cors) { cors_ = std::move(cors); }
  const cluster::Cors& cors() const { return cors_; }

  /// Forgets them all: their connections are closed.
  void clear() { open_.clear(); }

  void perform(cluster::Respond& order);
  void perform(cluster::OpenStream& order);
  void perform(cluster::StreamBytes& order);
  void perform(cluster::EndStream& order);
  void perform(cluster::Hangup& order);
  void perform(cluster::ServeFile& order);

 private:
  struct Open {
    std::shared_ptr<transport::HttpExchange> exchange;
    std::string what;           ///< For the log.
    protocol::Headers forPage;  ///< To be added to the answer.
  };

  /// The request, if it is not closed; no longer kept.
  std::optional<Open> take(cluster::RequestId id, const std::string& outcome);
  void respond(cluster::RequestId id, protocol::Response response);
  void log(const Open& open, const std::string& outcome) const;

  Log log_;
  cluster::Cors cors_;
  std::map<cluster::RequestId, Open> open_;
  cluster::RequestId next_ = 1;
};

}  // namespace mesos::local
