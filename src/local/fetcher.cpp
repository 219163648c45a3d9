#include "local/fetcher.hpp"

#include "local/tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace mesos::local {
namespace {

constexpr std::size_t kCopyBytes = 256 * 1024;

std::string schemeOf(const std::string& value) {
  const std::size_t end = value.find("://");
  return end == value.npos ? "" : value.substr(0, end);
}

// Fact F6: the query and fragment count.
std::string fileNameOf(const std::string& value) { return value.substr(value.rfind('/') + 1); }

// As shown in logs: the password of `http://user:password@host/` is nobody's business.
std::string withoutCredentials(const std::string& value) {
  const std::size_t start = value.find("://");
  if (start == value.npos) return value;
  const std::size_t end = value.find('/', start + 3);
  const std::size_t at = value.rfind('@', end);
  if (at == value.npos || at < start) return value;
  return value.substr(0, start + 3) + value.substr(at + 1);
}

class Fetch {
 public:
  /// `files`: one for each URI that is to be cached, in their order.
  struct Cache {
    FetchCache* cache = nullptr;
    std::deque<Descriptor> files;
  };

  Fetch(const FetchJob& job, const FetcherOptions& options, const std::function<bool()>& cancelled,
        Cache& cache, int sandbox, int log)
      : job_(job),
        options_(options),
        cancelled_(cancelled),
        cache_(cache),
        sandbox_(sandbox),
        log_(log) {}

  bool run();

 private:
  Result<void> fetch(const CommandInfo::URI& uri);
  /// nullptr: it is to be fetched without the cache.
  Result<FetchCache::SharedFile> getCached(const CommandInfo::URI& uri);
  Result<void> useCached(const CommandInfo::URI& uri, CachedFile& cached,
                         const std::vector<std::string>& components);
  Result<void> copyCached(const CachedFile& cached, const std::vector<std::string>& components);
  Result<void> retrieve(const std::string& value, const std::vector<std::string>& components);
  Result<void> copyLocal(const std::string& path, const std::vector<std::string>& components);
  Result<void> makeExecutable(const std::vector<std::string>& components);
  Result<void> extract(const std::vector<std::string>& components);
  Result<void> extractFrom(int source, const std::string& name);
  void log(const std::string& line) { (void)writeAll(log_, line + "\n").has_value(); }

  const FetchJob& job_;
  const FetcherOptions& options_;
  const std::function<bool()>& cancelled_;
  Cache& cache_;
  const int sandbox_;
  const int log_;
};

bool isCached(const CommandInfo::URI& uri) {
  return uri.cache() && schemeOf(uri.value()) == "http";
}

bool Fetch::run() {
  for (const CommandInfo::URI& uri : job_.uris) {
    const std::string shown = withoutCredentials(uri.value());
    log("Fetching URI '" + shown + "'");
    auto result = fetch(uri);
    if (!result) {
      log("Failed to fetch '" + shown + "': " + result.error().message);
      return false;
    }
    log("Fetched '" + shown + "'");
  }
  return true;
}

Result<void> Fetch::fetch(const CommandInfo::URI& uri) {
  const std::string& value = uri.value();
  const std::string name = uri.has_output_file() ? uri.output_file() : fileNameOf(value);
  auto components = splitRelative(name);
  if (!components) return Error{"No file to store it in: " + components.error().message};
  auto cached = getCached(uri);
  if (!cached) return cached.error();
  if (*cached) return useCached(uri, **cached, *components);
  auto retrieved = retrieve(value, *components);
  if (!retrieved) return retrieved;
  if (uri.executable()) return makeExecutable(*components);
  if (!uri.extract()) return {};
  if (archiveKindOf(components->back()) == ArchiveKind::None) {
    log("'" + components->back() + "' is kept as it is: it does not look like an archive");
    return {};
  }
  auto extracted = extract(*components);
  if (extracted) log("Extracted '" + name + "'");
  return extracted;
}

Result<FetchCache::SharedFile> Fetch::getCached(const CommandInfo::URI& uri) {
  if (!isCached(uri) || cache_.files.empty()) return FetchCache::SharedFile();
  Descriptor fresh = std::move(cache_.files.front());
  cache_.files.pop_front();
  const auto url = parseHttpUrl(uri.value());
  if (!url) return FetchCache::SharedFile();
  FetchCache::Source source;
  source.size = [&] { return lengthOf(*url, options_.download, cancelled_); };
  source.load = [&](int file) { return download(*url, file, options_.download, cancelled_); };
  source.cancelled = cancelled_;
  return cache_.cache->get({job_.user.name, uri.value()}, std::move(fresh), source);
}

/// An archive is unpacked right from the cache, and does not appear in the sandbox (fact F10).
Result<void> Fetch::useCached(const CommandInfo::URI& uri, CachedFile& cached,
                              const std::vector<std::string>& components) {
  const bool unpacks =
      !uri.executable() && uri.extract() && archiveKindOf(components.back()) != ArchiveKind::None;
  if (unpacks) {
    const std::lock_guard lock(cached.reading);
    if (::lseek(cached.file.get(), 0, SEEK_SET) != 0) return systemError("Failed to seek", errno);
    return extractFrom(cached.file.get(), components.back());
  }
  auto copied = copyCached(cached, components);
  if (copied && uri.executable()) return makeExecutable(components);
  return copied;
}

Result<void> Fetch::copyCached(const CachedFile& cached,
                               const std::vector<std::string>& components) {
  auto file = createBelow(sandbox_, components, 0644);
  if (!file) return file.error();
  std::vector<char> buffer(kCopyBytes);
  for (off_t offset = 0;;) {
    if (cancelled_()) return Error{"Cancelled"};
    const ssize_t count = ::pread(cached.file.get(), buffer.data(), buffer.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return systemError("Failed to read", errno);
    if (count == 0) return {};
    auto written = writeAll(file->get(), {buffer.data(), static_cast<std::size_t>(count)});
    if (!written) return written;
    offset += count;
  }
}

Result<void> Fetch::retrieve(const std::string& value, const std::vector<std::string>& components) {
  if (value.substr(0, 1) == "/") return copyLocal(value, components);
  const std::string scheme = schemeOf(value);
  if (scheme == "file") {
    std::string path = value.substr(7);
    if (path.rfind("localhost/", 0) == 0) path = path.substr(9);
    return copyLocal(path, components);
  }
  if (scheme == "http" || scheme == "https") {
    auto url = parseHttpUrl(value);
    if (!url) return url.error();
    auto file = createBelow(sandbox_, components, 0644);
    if (!file) return file.error();
    return download(*url, file->get(), options_.download, cancelled_);
  }
  if (scheme.empty()) return Error{"A relative path; give an absolute one"};
  return Error{"Scheme '" + scheme + "' is not supported; use file, http or https"};
}

Result<void> Fetch::copyLocal(const std::string& path, const std::vector<std::string>& components) {
  if (path.substr(0, 1) != "/") return Error{"The path of a file URI must be absolute"};
  // O_NONBLOCK: the source may be a FIFO, which is refused below.
  const Descriptor source(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!source) return systemError("Failed to open", errno);
  struct stat status {};
  if (::fstat(source.get(), &status) != 0) return systemError("Failed to stat", errno);
  if (!S_ISREG(status.st_mode)) return Error{"Not a regular file"};
  auto file = createBelow(sandbox_, components, (status.st_mode & 0755) | 0600);
  if (!file) return file.error();
  std::vector<char> buffer(kCopyBytes);
  for (;;) {
    if (cancelled_()) return Error{"Cancelled"};
    const ssize_t count = ::read(source.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return systemError("Failed to read", errno);
    if (count == 0) return {};
    auto written = writeAll(file->get(), {buffer.data(), static_cast<std::size_t>(count)});
    if (!written) return written;
  }
}

Result<void> Fetch::makeExecutable(const std::vector<std::string>& components) {
  auto parent = openParent(sandbox_, components);
  if (!parent) return parent.error();
  if (::fchmodat(parent->get(), components.back().c_str(), 0755, 0) == 0) return {};
  return systemError("Failed to make it executable", errno);
}

Result<void> Fetch::extract(const std::vector<std::string>& components) {
  auto parent = openParent(sandbox_, components);
  if (!parent) return parent.error();
  const std::string& name = components.back();
  const Descriptor source(::openat(parent->get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!source) return systemError("Failed to open '" + name + "'", errno);
  return extractFrom(source.get(), name);
}

/// Always into the sandbox's top (fact F8).
Result<void> Fetch::extractFrom(int source, const std::string& name) {
  if (archiveKindOf(name) == ArchiveKind::Archive) {
    return extractArchive(source, sandbox_, options_.extraction, cancelled_);
  }
  return gunzip(source, sandbox_, name.substr(0, name.size() - 3), options_.extraction, cancelled_);
}

/// Before the thread acts as the task's user, who may not write to the cache.
Fetch::Cache prepareCache(FetchCache* cache, const FetchJob& job) {
  Fetch::Cache prepared{cache, {}};
  for (const CommandInfo::URI& uri : job.uris) {
    if (cache == nullptr || !isCached(uri)) continue;
    auto file = cache->newFile();
    if (!file) return {cache, {}};  // What is not cached is fetched all the same.
    prepared.files.push_back(std::move(file).value());
  }
  return prepared;
}

}  // namespace

Result<void> fetchAll(const FetchJob& job, const FetcherOptions& options,
                      const std::function<bool()>& cancelled, FetchCache* cache) {
  Fetch::Cache prepared = prepareCache(cache, job);
  const std::string failed = "Failed to fetch all URIs for container '" + job.containerId + "': ";
  auto acting = actAsOnThisThread(job.user);
  if (!acting) return Error{failed + acting.error().message};
  auto sandbox = openDirectory(job.sandbox);
  if (!sandbox) return Error{failed + sandbox.error().message};
  const Descriptor log(
      ::openat(sandbox->get(), "stderr", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
  const bool fetched = Fetch(job, options, cancelled, prepared, sandbox->get(), log.get()).run();
  if (fetched) return {};
  // Fact X43: Mesos ends a fetch by killing the fetcher.
  return Error{failed + (cancelled() ? "terminated with signal Killed" : "exited with status 1")};
}

struct Fetcher::State : std::enable_shared_from_this<Fetcher::State> {
  struct Task {
    FetchJob job;
    std::function<void(Result<void>)> done;
    std::shared_ptr<std::atomic<bool>> cancelled;
  };

  void runNext();
  void run(Task task);
  void work(Task task);

  FetcherOptions options;
  std::optional<FetchCache> cache;
  std::mutex mutex;
  std::condition_variable idle;
  std::deque<Task> waiting;
  std::map<std::string, std::shared_ptr<std::atomic<bool>>> jobs;
  std::size_t threads = 0;
};

// With the mutex held.
void Fetcher::State::runNext() {
  if (waiting.empty() || threads == options.threadsMax) return;
  Task task = std::move(waiting.front());
  waiting.pop_front();
  run(std::move(task));
}

// With the mutex held.
void Fetcher::State::run(Task task) {
  ++threads;
  std::thread([self = shared_from_this(), task = std::move(task)]() mutable {
    self->work(std::move(task));
  }).detach();
}

void Fetcher::State::work(Task task) {
  const auto& flag = task.cancelled;
  auto result = fetchAll(
      task.job, options, [&flag] { return flag->load(); }, cache ? &*cache : nullptr);
  task.done(std::move(result));
  const std::lock_guard lock(mutex);
  // The id may be in use again by now.
  const auto job = jobs.find(task.job.containerId);
  if (job != jobs.end() && job->second == flag) jobs.erase(job);
  --threads;
  runNext();
  idle.notify_all();
}

Fetcher::Fetcher(FetcherOptions options) : state_(std::make_shared<State>()) {
  if (!options.cacheDirectory.empty()) {
    state_->cache.emplace(options.cacheDirectory, options.cacheBytesMax);
  }
  state_->options = std::move(options);
}

Fetcher::~Fetcher() {
  std::unique_lock lock(state_->mutex);
  for (const auto& [id, flag] : state_->jobs) flag->store(true);
  state_->idle.wait(lock, [this] { return state_->threads == 0; });
}

void Fetcher::start(FetchJob job, std::function<void(Result<void>)> done) {
  auto flag = std::make_shared<std::atomic<bool>>(false);
  const std::lock_guard lock(state_->mutex);
  state_->jobs[job.containerId] = flag;
  state_->waiting.push_back({std::move(job), std::move(done), std::move(flag)});
  state_->runNext();
}

void Fetcher::cancel(const std::string& containerId) {
  const std::lock_guard lock(state_->mutex);
  const auto job = state_->jobs.find(containerId);
  if (job == state_->jobs.end()) return;
  job->second->store(true);
  // One that waits for its turn need not: it will end at once.
  auto& waiting = state_->waiting;
  const auto task = std::find_if(waiting.begin(), waiting.end(), [&](const State::Task& other) {
    return other.cancelled == job->second;
  });
  if (task == waiting.end()) return;
  State::Task cancelled = std::move(*task);
  waiting.erase(task);
  state_->run(std::move(cancelled));
}

}  // namespace mesos::local
