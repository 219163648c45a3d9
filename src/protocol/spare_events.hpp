// Events that have been handled, to parse the next ones into.
#pragma once

#include <mesos/v1/scheduler/scheduler.pb.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace mesos::protocol {

/// A message that is parsed into again keeps the memory of its parts: an OFFERS of 100 offers is
/// parsed at a third of the cost. What is kept is bounded.
class SpareEvents {
 public:
  using Event = v1::scheduler::Event;

  /// One that held an event of the kind that `record` is, or a new one. Its content does not
  /// matter.
  std::unique_ptr<Event> take(std::string_view record);
  /// `bytes`: of the record that was parsed into it.
  void put(std::unique_ptr<Event> event, std::size_t bytes);

 private:
  // UPDATEs and OFFERS: nothing else comes in numbers.
  std::array<std::vector<std::unique_ptr<Event>>, 2> spares_;
};

}  // namespace mesos::protocol
