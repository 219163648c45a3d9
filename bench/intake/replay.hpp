// A master that does nothing but write one subscription's events, and take the acknowledgements.
#pragma once

#include "transport/http_wire.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// What is streamed to whoever subscribes: encoded, chunk framing included, before the clock
/// starts.
struct Stream {
  std::vector<std::string> parts = {};
  std::size_t times = 1;  ///< How often the parts are written, one after the other.
  std::string last = {};  ///< Written after them: an UPDATE, whose acknowledgement ends the run.
  std::size_t updates = 0;
};

/// `events` of one kind: UPDATEs, or OFFERS, of which some are written over and over again.
Stream updateStream(std::size_t events);
Stream offersStream(std::size_t events);

class Replay {
 public:
  explicit Replay(const Stream& stream);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  int port() const { return port_; }
  /// Serves for a moment. A sentence if the client does what it must not.
  std::optional<std::string> serve();
  std::size_t acknowledged() const { return acknowledged_; }
  bool done() const { return acknowledged_ == stream_.updates; }

 private:
  struct Peer;

  std::optional<std::string> read(Peer& peer);
  std::optional<std::string> take(Peer& peer, std::string_view bytes);
  std::optional<std::string> onRequest(Peer& peer);
  void write(Peer& peer);
  std::string_view nextOfStream();

  const Stream& stream_;
  int listener_ = -1;
  int port_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::size_t part_ = 0;  // The next to be written, of all repetitions, and of the last.
  std::vector<bool> seen_;
  std::size_t acknowledged_ = 0;
};

}  // namespace bench
