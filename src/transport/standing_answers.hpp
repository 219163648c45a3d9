// Answers that do not change but for their Date: their bytes are made once a second.
#pragma once

#include "base/time.hpp"
#include "protocol/http.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace mesos::transport {

class StandingAnswers {
 public:
  using Wall = std::chrono::sys_time<Duration>;

  /// The value of the header Date.
  std::string_view date(Wall wall);
  /// The bytes of the whole answer; until the next call. The last one asked for is remembered, by
  /// its address, for connections that end and for those that stay.
  const std::string& answer(const protocol::Response& response, bool keepAlive, Wall wall);

 private:
  struct Made {
    const protocol::Response* response = nullptr;
    std::chrono::sys_seconds second{};
    std::string bytes;
  };

  std::chrono::sys_seconds dateOf_{};
  std::string date_;
  Made made_[2];  ///< Ending, staying.
};

}  // namespace mesos::transport
