#include "transport/request_reader.hpp"

#include <algorithm>
#include <utility>

namespace mesos::transport {

namespace {

// What a declared length may reserve before a byte of it has come.
constexpr std::uint64_t kReserveBytesMax = std::uint64_t{1} << 20;

}  // namespace

std::optional<WholeRequest> RequestReader::take(std::string_view& bytes) {
  if (!head_ && !takeHead(bytes)) return std::nullopt;
  if (!takeBody(bytes)) return std::nullopt;
  return WholeRequest{.head = std::move(*head_), .body = std::move(body_)};
}

// Whether the head is complete and good.
bool RequestReader::takeHead(std::string_view& bytes) {
  switch (headReader_.take(bytes)) {
    case HeadReader::State::Partial:
      return false;
    case HeadReader::State::TooLarge:
      return refuse(431);
    case HeadReader::State::Complete:
      break;
  }
  head_ = parseRequestHead(headReader_.text());
  headReader_.reset();
  if (!head_) return refuse(400);
  if (head_->body.length > bodyBytesMax_) return refuse(413);
  decoder_.emplace(head_->body);
  body_.reserve(static_cast<std::size_t>(std::min(head_->body.length, kReserveBytesMax)));
  return true;
}

// Whether the body is complete and good.
bool RequestReader::takeBody(std::string_view& bytes) {
  for (auto piece = decoder_->take(bytes); !piece.empty(); piece = decoder_->take(bytes)) {
    if (piece.size() > bodyBytesMax_ - body_.size()) return refuse(413);
    body_.append(piece);
  }
  return decoder_->broken() ? refuse(400) : decoder_->done();
}

bool RequestReader::refuse(int status) {
  refusal_ = status;
  return false;
}

}  // namespace mesos::transport
