// Fetches the URIs of a command into a sandbox (section 14), on threads of its own.
#pragma once

#include "local/archive.hpp"
#include "local/download.hpp"
#include "local/fetch_cache.hpp"
#include "local/user.hpp"

#include <mesos/result.hpp>
#include <mesos/types.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mesos::local {

struct FetcherOptions {
  DownloadLimits download;
  ExtractionLimits extraction;
  std::size_t threadsMax = 16;  ///< Fetches beyond that wait for their turn.
  std::string cacheDirectory;   ///< Empty: nothing is cached.
  std::uint64_t cacheBytesMax = std::uint64_t{2} << 30;
};

struct FetchJob {
  std::string containerId;
  std::string sandbox;
  User user;
  std::vector<CommandInfo::URI> uris;
};

/// Fetches all of `job`, whose uris the agent has looked through (facts F7, F11), on the calling
/// thread, with the rights of job.user from then to the thread's end. Details of a failure go to
/// the sandbox's `stderr`, the error says what Mesos says. Without a cache, or from elsewhere than
/// a server, `cache: true` means nothing.
Result<void> fetchAll(const FetchJob& job, const FetcherOptions& options,
                      const std::function<bool()>& cancelled, FetchCache* cache = nullptr);

/// Runs fetches on worker threads, one thread each because a thread keeps the user's identity.
/// Not thread-safe. The destructor cancels what runs and waits for it.
class Fetcher {
 public:
  explicit Fetcher(FetcherOptions options);
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  /// `done` is called once, from a worker thread.
  void start(FetchJob job, std::function<void(Result<void>)> done);
  /// Makes the fetch of that container fail soon. Harmless for one that is over.
  void cancel(const std::string& containerId);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mesos::local
