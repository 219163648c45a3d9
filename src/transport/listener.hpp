// A listening socket: whoever connects is handed over as a descriptor.
#pragma once

#include "transport/event_loop.hpp"

#include <mesos/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mesos::transport {

struct ListenerOptions {
  std::string ip;
  std::uint16_t port = 0;  ///< 0: any free one.
  /// Not empty: a local socket there, in the place of ip and port. What lies at that path is
  /// replaced; whoever may enter its directory may connect.
  std::string unixPath;
  bool reuseAddress = true;
  /// Clients are handed over together with their first bytes, or after a second without any.
  bool clientSpeaksFirst = false;
};

/// For the loop's thread. Listens until it is destroyed.
class Listener {
 public:
  /// The error says which address and why. `connected` owns the descriptor, which does not block
  /// and is closed on exec. `makeRoom` is called when there are no descriptors left: whether some
  /// are free now; if not, those who connect wait.
  static Result<std::unique_ptr<Listener>> listen(EventLoop& loop, const ListenerOptions& options,
                                                  std::function<void(int descriptor)> connected,
                                                  std::function<bool()> makeRoom);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::uint16_t port() const;  ///< 0 of a local socket.
  int family() const;          ///< AF_INET, AF_INET6 or AF_UNIX.

 private:
  struct State;
  explicit Listener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace mesos::transport
