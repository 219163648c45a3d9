#include "local/fetch_cache.hpp"

#include "local/tree.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace mesos::local {
namespace {

class FetchCacheTest : public testing::Test {
 protected:
  /// Gets `uri`, whose content is `size` bytes; what was handed out.
  Result<FetchCache::SharedFile> get(const std::string& uri, std::uint64_t size,
                                     const std::string& user = "u") {
    FetchCache::Source source;
    source.size = [size] { return std::optional<std::uint64_t>(size); };
    source.load = [this, size](int file) {
      ++loads;
      return writeAll(file, std::string(size, 'x'));
    };
    source.cancelled = [] { return false; };
    return cache.get({user, uri}, cache.newFile().value(), source);
  }

  FetchCache cache{testing::TempDir(), 100};
  std::atomic<int> loads{0};
};

TEST_F(FetchCacheTest, LoadsAFileOnceForEachUser) {
  const auto first = get("a", 10);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->bytes, 10u);
  EXPECT_EQ(*get("a", 10), *first);
  EXPECT_EQ(loads, 1);
  EXPECT_NE(*get("a", 10, "another"), *first);
  EXPECT_EQ(loads, 2);
}

TEST_F(FetchCacheTest, DoesNotKeepWhatHasNoLengthOrIsTooLarge) {
  for (const std::uint64_t size : {0u, 101u}) {
    const auto bypassed = get("a", size);
    ASSERT_TRUE(bypassed);
    EXPECT_FALSE(*bypassed);
  }
  EXPECT_EQ(loads, 0);
  EXPECT_TRUE(*get("a", 100)) << "it is asked anew each time";
}

TEST_F(FetchCacheTest, ForgetsTheLongestUnusedFirst) {
  (void)get("a", 40);
  (void)get("b", 40);
  (void)get("a", 40);
  const auto held = get("c", 40);  // Takes the room of b.
  EXPECT_EQ(loads, 3);
  (void)get("a", 40);
  EXPECT_EQ(loads, 3);
  (void)get("b", 40);
  EXPECT_EQ(loads, 4);
  EXPECT_EQ((*held)->bytes, 40u) << "whoever uses it keeps it";
}

TEST_F(FetchCacheTest, TriesAgainAfterAFailureAndKeepsTheRoom) {
  FetchCache::Source source;
  source.size = [] { return std::optional<std::uint64_t>(100); };
  source.load = [](int) { return Result<void>(Error{"refused"}); };
  source.cancelled = [] { return false; };
  const auto failed = cache.get({"u", "a"}, cache.newFile().value(), source);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "refused");
  EXPECT_TRUE(*get("a", 100));
}

TEST_F(FetchCacheTest, LetsOthersWaitForTheOneThatLoads) {
  std::promise<void> started;
  std::promise<void> go;
  FetchCache::Source slow;
  slow.size = [] { return std::optional<std::uint64_t>(4); };
  slow.load = [&](int file) {
    started.set_value();
    go.get_future().wait();
    return writeAll(file, "slow");
  };
  slow.cancelled = [] { return false; };
  FetchCache::SharedFile loaded;
  std::thread loader([&] { loaded = *cache.get({"u", "a"}, cache.newFile().value(), slow); });
  started.get_future().wait();

  FetchCache::Source impatient = slow;
  impatient.cancelled = [] { return true; };
  EXPECT_FALSE(cache.get({"u", "a"}, cache.newFile().value(), impatient));

  FetchCache::SharedFile waited;
  std::thread waiter([&] { waited = *get("a", 10); });
  go.set_value();
  loader.join();
  waiter.join();
  EXPECT_EQ(waited, loaded);
  EXPECT_EQ(loads, 0);
}

}  // namespace
}  // namespace mesos::local
