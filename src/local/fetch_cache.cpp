#include "local/fetch_cache.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>

namespace mesos::local {
namespace {

constexpr std::chrono::milliseconds kPatience{50};

}  // namespace

FetchCache::FetchCache(std::string directory, std::uint64_t bytesMax)
    : directory_(std::move(directory)), bytesMax_(bytesMax) {}

Result<Descriptor> FetchCache::newFile() const {
  std::string path = directory_ + "/fetched-XXXXXX";
  Descriptor file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file) return systemError("Failed to create '" + path + "'", errno);
  ::unlink(path.c_str());
  return file;
}

/// The loaded file, or nullptr if there is none and nobody is loading it.
FetchCache::SharedFile FetchCache::await(std::unique_lock<std::mutex>& lock, const Key& key,
                                         const Source& source) {
  for (auto found = entries_.find(key); found != entries_.end(); found = entries_.find(key)) {
    if (found->second.file) {
      uses_.splice(uses_.end(), uses_, found->second.use);
      return found->second.file;
    }
    if (source.cancelled()) return nullptr;
    changed_.wait_for(lock, kPatience);
  }
  return nullptr;
}

Result<FetchCache::SharedFile> FetchCache::get(const Key& key, Descriptor fresh,
                                               const Source& source) {
  {
    std::unique_lock lock(mutex_);
    if (auto file = await(lock, key, source)) return file;
    if (source.cancelled()) return Error{"Cancelled"};
    entries_[key] = {};
  }
  const auto size = source.size();
  if (!size || *size == 0 || !makeRoom(*size)) {
    forget(key);
    return SharedFile();
  }
  const auto loaded = source.load(fresh.get());
  struct stat status {};
  if (!loaded || ::fstat(fresh.get(), &status) != 0) {
    const std::lock_guard lock(mutex_);
    bytes_ -= *size;
    entries_.erase(key);
    changed_.notify_all();
    return loaded ? systemError("Failed to stat", errno) : loaded.error();
  }
  auto file = std::make_shared<CachedFile>();
  file->file = std::move(fresh);
  file->bytes = static_cast<std::uint64_t>(status.st_size);
  const std::lock_guard lock(mutex_);
  entries_[key] = {file, *size, uses_.insert(uses_.end(), key)};
  changed_.notify_all();
  return file;
}

bool FetchCache::makeRoom(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > bytesMax_) return false;
  while (bytes_ > bytesMax_ - bytes) {
    if (uses_.empty()) return false;  // All of it is being loaded.
    const auto oldest = entries_.find(uses_.front());
    bytes_ -= oldest->second.room;
    entries_.erase(oldest);
    uses_.pop_front();
  }
  bytes_ += bytes;
  return true;
}

void FetchCache::forget(const Key& key) {
  const std::lock_guard lock(mutex_);
  entries_.erase(key);
  changed_.notify_all();
}

}  // namespace mesos::local
