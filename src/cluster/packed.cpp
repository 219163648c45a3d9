#include "cluster/packed.hpp"

#include "base/check.hpp"

#include <cstdint>
#include <cstring>

namespace mesos::cluster {
namespace {

using Size = std::uint32_t;

}  // namespace

PackedBytes::PackedBytes(const PackedBytes& other) { *this = other; }

PackedBytes& PackedBytes::operator=(const PackedBytes& other) {
  if (this == &other) return *this;
  if (const std::size_t size = other.size(); size > 0) {
    std::memcpy(allocate(size), other.block_.get() + sizeof(Size), size);
  } else {
    block_.reset();
  }
  return *this;
}

std::size_t PackedBytes::size() const {
  Size size = 0;
  if (block_) std::memcpy(&size, block_.get(), sizeof(Size));
  return size;
}

char* PackedBytes::allocate(std::size_t size) {
  const auto stored = static_cast<Size>(size);
  block_.reset(new char[sizeof(Size) + size]);
  std::memcpy(block_.get(), &stored, sizeof(Size));
  return block_.get() + sizeof(Size);
}

void PackedBytes::assign(const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  if (size == 0) return block_.reset();
  // Partial ones too: whether a message is complete is for whoever reads it from a client.
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(allocate(size)));
}

void PackedBytes::parse(google::protobuf::MessageLite* message) const {
  const char* const bytes = block_ ? block_.get() + sizeof(Size) : nullptr;
  MESOS_CHECK(message->ParsePartialFromArray(bytes, static_cast<int>(size())));
}

}  // namespace mesos::cluster
