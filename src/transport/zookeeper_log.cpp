#include "transport/zookeeper_log.hpp"

#include <array>
#include <mutex>
#include <utility>

namespace mesos::transport {
namespace {

using Say = std::function<void(const std::string&)>;

constexpr std::size_t kSlots = 64;

struct Slots {
  std::mutex mutex;
  std::array<Say, kSlots> says;
};

Slots& slots() {
  static Slots all;
  return all;
}

template <std::size_t slot>
void sayTo(const char* message) {
  const std::lock_guard lock(slots().mutex);
  if (const Say& say = slots().says[slot]) say(withoutPreamble(message));
}

void drop(const char*) {}

template <std::size_t... slot>
constexpr std::array<ZooKeeperLog::Callback, sizeof...(slot)> callbacksOf(
    std::index_sequence<slot...>) {
  return {&sayTo<slot>...};
}

constexpr auto kCallbacks = callbacksOf(std::make_index_sequence<kSlots>());

}  // namespace

ZooKeeperLog::ZooKeeperLog(Say say) : slot_(0) {
  const std::lock_guard lock(slots().mutex);
  while (slot_ < kSlots && slots().says[slot_]) ++slot_;
  if (slot_ < kSlots) slots().says[slot_] = std::move(say);
}

ZooKeeperLog::~ZooKeeperLog() {
  const std::lock_guard lock(slots().mutex);
  if (slot_ < kSlots) slots().says[slot_] = nullptr;
}

ZooKeeperLog::Callback ZooKeeperLog::callback() const {
  return slot_ < kSlots ? kCallbacks[slot_] : &drop;
}

std::string withoutPreamble(const std::string& message) {
  const std::size_t start = message.find(":ZOO_");
  return start == message.npos ? message : message.substr(start + 1);
}

}  // namespace mesos::transport
