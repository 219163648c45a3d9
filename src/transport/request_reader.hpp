// One HTTP request out of the bytes of a connection, whatever the pieces they come in. No sockets
// here.
#pragma once

#include "transport/http_wire.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mesos::transport {

struct WholeRequest {
  RequestHead head;
  std::string body;
};

class RequestReader {
 public:
  RequestReader(std::size_t headerBytesMax, std::size_t bodyBytesMax)
      : bodyBytesMax_(bodyBytesMax), headReader_(headerBytesMax) {}

  /// Takes from the front of `bytes`, no further than the end of the request. The request, once it
  /// is whole; nothing more is read after it, nor after a refusal.
  std::optional<WholeRequest> take(std::string_view& bytes);
  /// The status that what came earns instead of being a request (400, 413, 431); 0: none so far.
  int refusal() const { return refusal_; }
  /// Nothing of a request has come, blank lines at most.
  bool empty() const { return !head_ && headReader_.empty(); }

 private:
  bool takeHead(std::string_view& bytes);
  bool takeBody(std::string_view& bytes);
  bool refuse(int status);

  std::size_t bodyBytesMax_;
  HeadReader headReader_;
  std::optional<RequestHead> head_;  // Of the request whose body is being read.
  std::optional<BodyDecoder> decoder_;
  std::string body_;
  int refusal_ = 0;
};

}  // namespace mesos::transport
