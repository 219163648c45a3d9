#include "protocol/spare_events.hpp"

#include <array>
#include <utility>

namespace mesos::protocol {
namespace {

using Event = v1::scheduler::Event;

// What is kept of a kind: as many as are on their way through a driver, and none that is large.
// That is 6 MB at most as it was read, and some four times as much as it was parsed.
struct Limits {
  std::size_t count;
  std::size_t bytesOfOne;
};
constexpr std::array kLimits{Limits{4096, std::size_t{1} << 10},
                             Limits{16, std::size_t{128} << 10}};

// The place of a kind, or the one behind the last.
std::size_t placeOf(int type) {
  if (type == Event::UPDATE) return 0;
  return type == Event::OFFERS ? 1 : kLimits.size();
}

// Field 1, a varint, which whoever writes fields in their order writes first. If it is not there,
// the event is parsed like any other, into a new message.
int typeOf(std::string_view record) {
  constexpr char kTagOfType = 1 << 3;
  return record.size() >= 2 && record[0] == kTagOfType ? record[1] : 0;
}

}  // namespace

std::unique_ptr<Event> SpareEvents::take(std::string_view record) {
  const std::size_t place = placeOf(typeOf(record));
  if (place == spares_.size() || spares_[place].empty()) return std::make_unique<Event>();
  auto event = std::move(spares_[place].back());
  spares_[place].pop_back();
  return event;
}

void SpareEvents::put(std::unique_ptr<Event> event, std::size_t bytes) {
  const std::size_t place = placeOf(event->type());
  if (place == spares_.size() || bytes > kLimits[place].bytesOfOne) return;
  if (spares_[place].size() < kLimits[place].count) spares_[place].push_back(std::move(event));
}

}  // namespace mesos::protocol
