// Bytes on their way into a socket.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <vector>

namespace mesos::transport {

/// A queue of byte strings. What gather() has shown stays where it is until consume(), whatever is
/// pushed meanwhile.
class Outbox {
 public:
  /// Small pieces are joined, large ones are never copied.
  void push(std::string bytes);
  /// The same of bytes that are copied in any case.
  void append(std::string_view bytes);
  /// The first pieces, at most `piecesMax` of them, into `pieces`.
  void gather(std::size_t piecesMax, std::vector<std::string_view>& pieces);
  /// The kernel has taken the first `count` bytes.
  void consume(std::size_t count);
  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }

 private:
  bool joins(std::size_t count) const;

  // Its elements stay where they are; and without any it takes no memory, as a deque would.
  std::list<std::string> pieces_;
  std::size_t offset_ = 0;    // Bytes of the first piece that are consumed already.
  std::size_t gathered_ = 0;  // Pieces that must not change.
  std::size_t bytes_ = 0;
};

}  // namespace mesos::transport
