#include "base/uuid.hpp"

namespace mesos {

std::string randomUuid(Random& random) {
  std::string bytes;
  bytes.reserve(16);
  for (int half = 0; half < 2; ++half) {
    std::uint64_t word = random.next();
    for (int i = 0; i < 8; ++i, word >>= 8) bytes += static_cast<char>(word & 0xff);
  }
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  return bytes;
}

std::string uuidText(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

bool isUuid(std::string_view bytes) {
  if (bytes.size() != 16) return false;
  const int version = static_cast<unsigned char>(bytes[6]) >> 4;
  return version >= 1 && version <= 5;
}

}  // namespace mesos
