// Files fetched with `cache: true`, kept for later fetches of the same user and URI (fact F12).
#pragma once

#include "local/descriptor.hpp"

#include <mesos/result.hpp>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace mesos::local {

/// What was fetched once. It has no name: nothing is left of it when the last one lets go.
struct CachedFile {
  Descriptor file;
  std::uint64_t bytes = 0;
  std::mutex reading;  ///< For whoever moves the file's offset.
};

/// Thread-safe. Empty at first: nothing outlives the process. The longest unused go first when
/// there is no room.
class FetchCache {
 public:
  using Key = std::pair<std::string, std::string>;  ///< User and URI.
  using SharedFile = std::shared_ptr<CachedFile>;
  struct Source {
    /// How large it is, asked first; nullopt or 0: that is not known.
    std::function<std::optional<std::uint64_t>()> size;
    /// Writes it into a file.
    std::function<Result<void>(int file)> load;
    std::function<bool()> cancelled;
  };

  /// Files lie on the file system of `directory`.
  FetchCache(std::string directory, std::uint64_t bytesMax);

  /// An empty file without a name, to be filled by get(): made beforehand, since only the identity
  /// of the process may write into the directory.
  Result<Descriptor> newFile() const;
  /// The file that an earlier call loaded, or that this one loads into `fresh`; who asks while it
  /// is being loaded waits. nullptr: it cannot be cached, so that everyone has to fetch it (fact
  /// F12).
  Result<SharedFile> get(const Key& key, Descriptor fresh, const Source& source);

 private:
  struct Entry {
    SharedFile file;         ///< nullptr: it is being loaded.
    std::uint64_t room = 0;  ///< That it has been given.
    std::list<Key>::iterator use{};
  };

  SharedFile await(std::unique_lock<std::mutex>& lock, const Key& key, const Source& source);
  bool makeRoom(std::uint64_t bytes);
  void forget(const Key& key);

  const std::string directory_;
  const std::uint64_t bytesMax_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Key, Entry> entries_;
  std::list<Key> uses_;  ///< Of loaded ones, the longest unused first.
  std::uint64_t bytes_ = 0;
};

}  // namespace mesos::local
