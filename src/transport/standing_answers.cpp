#include "transport/standing_answers.hpp"

#include "transport/http_wire.hpp"

namespace mesos::transport {

std::string_view StandingAnswers::date(Wall wall) {
  const auto second = std::chrono::floor<std::chrono::seconds>(wall);
  if (date_.empty() || second != dateOf_) {
    dateOf_ = second;
    date_ = httpDate(second);
  }
  return date_;
}

const std::string& StandingAnswers::answer(const protocol::Response& response, bool keepAlive,
                                           Wall wall) {
  Made& made = made_[keepAlive ? 1 : 0];
  const auto second = std::chrono::floor<std::chrono::seconds>(wall);
  if (made.response != &response || made.second != second) {
    made.response = &response;
    made.second = second;
    made.bytes = wholeAnswer(response, keepAlive, date(wall));
  }
  return made.bytes;
}

}  // namespace mesos::transport
