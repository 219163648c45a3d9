// What the ZooKeeper C client says of one handle. Its callback has no context, only an address.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace mesos::transport {

/// Lends the C client one of a fixed number of callbacks for as long as it lives. When all are
/// lent, what the client says is dropped.
class ZooKeeperLog {
 public:
  using Callback = void (*)(const char* message);

  /// `say` is called on threads of the C client.
  explicit ZooKeeperLog(std::function<void(const std::string& line)> say);
  ~ZooKeeperLog();
  ZooKeeperLog(const ZooKeeperLog&) = delete;
  ZooKeeperLog& operator=(const ZooKeeperLog&) = delete;

  Callback callback() const;

 private:
  std::size_t slot_;
};

/// The line without the time, process and thread before it.
std::string withoutPreamble(const std::string& message);

}  // namespace mesos::transport
