// The subscribers of the operator API's events (fact W72).
#pragma once

#include "base/time.hpp"
#include "cluster/content.hpp"
#include "cluster/http_effects.hpp"

#include <mesos/v1/master/master.pb.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>

namespace mesos::cluster {

/// Says what to write to whom, and when. Pure; one that reads too slowly is cut by the shell, as a
/// scheduler is.
class OperatorStreams {
 public:
  using Effect = std::variant<OpenStream, StreamBytes, EndStream>;
  using Emit = std::function<void(Effect)>;

  OperatorStreams(Duration heartbeatInterval, std::size_t max)
      : heartbeatInterval_(heartbeatInterval), max_(max) {}

  /// Opens the stream with SUBSCRIBED and a HEARTBEAT. Beyond `max` the oldest stream ends.
  void add(Now now, RequestId id, ContentType type, const v1::master::Response::GetState& state,
           const Emit& emit);
  /// False: it was none of them.
  bool remove(RequestId id) { return streams_.erase(id) > 0; }
  void send(const v1::master::Event& event, const Emit& emit) const;
  void onTimer(Now now, const Emit& emit);
  std::optional<TimePoint> deadline() const;
  bool empty() const { return streams_.empty(); }
  std::size_t count() const { return streams_.size(); }

 private:
  struct Stream {
    ContentType type;
    TimePoint heartbeatAt;
  };

  Duration heartbeatInterval_;
  std::size_t max_;
  std::map<RequestId, Stream> streams_;  ///< The oldest first: ids count up.
};

}  // namespace mesos::cluster
