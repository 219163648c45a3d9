// Messages that are kept for long and seldom looked at, kept as their bytes.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>

namespace mesos::cluster {

/// Bytes of a message, in one block of just their size; nothing is allocated for none.
class PackedBytes {
 public:
  PackedBytes() = default;
  PackedBytes(const PackedBytes& other);
  PackedBytes(PackedBytes&&) noexcept = default;
  PackedBytes& operator=(const PackedBytes& other);
  PackedBytes& operator=(PackedBytes&&) noexcept = default;

  std::size_t size() const;
  void assign(const google::protobuf::MessageLite& message);
  void parse(google::protobuf::MessageLite* message) const;

 private:
  /// Makes room for so many bytes; where they go.
  char* allocate(std::size_t size);

  std::unique_ptr<char[]> block_;  ///< The size, then as many bytes.
};

/// A T as its bytes, which take a fifth to a tenth of its memory: a TaskStatus of the embedded
/// cluster 170 bytes instead of 1,100. Taking it out costs about a microsecond. Not for what every
/// input looks at.
template <typename T>
class Packed {
 public:
  Packed() = default;  ///< An empty message.
  Packed(const T& message) { bytes_.assign(message); }

  T unpack() const {
    T message;
    bytes_.parse(&message);
    return message;
  }
  /// The same into a message that is used again and again, and so has its memory already.
  const T& unpackInto(T& message) const {
    bytes_.parse(&message);
    return message;
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  PackedBytes bytes_;
};

}  // namespace mesos::cluster
