#include "transport/outbox.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace mesos::transport {

// Below this, copying into the piece before costs less than one more element of a gathered write.
constexpr std::size_t kJoinBytesMax = 8 * 1024;

bool Outbox::joins(std::size_t count) const {
  return pieces_.size() > gathered_ && count <= kJoinBytesMax &&
         pieces_.back().size() <= kJoinBytesMax;
}

void Outbox::push(std::string bytes) {
  if (bytes.empty()) return;
  if (joins(bytes.size())) return append(bytes);
  bytes_ += bytes.size();
  pieces_.push_back(std::move(bytes));
}

void Outbox::append(std::string_view bytes) {
  if (bytes.empty()) return;
  bytes_ += bytes.size();
  if (joins(bytes.size())) {
    pieces_.back() += bytes;
  } else {
    std::string& piece = pieces_.emplace_back();
    piece.reserve(2 * kJoinBytesMax);  // More will be joined.
    piece += bytes;
  }
}

void Outbox::gather(std::size_t piecesMax, std::vector<std::string_view>& pieces) {
  pieces.clear();
  gathered_ = std::min(piecesMax, pieces_.size());
  auto piece = pieces_.begin();
  for (std::size_t i = 0; i < gathered_; ++i) pieces.push_back(*piece++);
  if (!pieces.empty()) pieces.front().remove_prefix(offset_);
}

void Outbox::consume(std::size_t count) {
  MESOS_CHECK(count <= bytes_);
  bytes_ -= count;
  gathered_ = 0;
  while (count > 0) {
    const std::size_t left = pieces_.front().size() - offset_;
    if (count < left) {
      offset_ += count;
      return;
    }
    count -= left;
    offset_ = 0;
    pieces_.pop_front();
  }
}

}  // namespace mesos::transport
