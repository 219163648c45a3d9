// What the fuzzers share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace mesos::fuzz {

/// Ends the fuzzer with a finding unless `holds`.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "FUZZ: %s\n", what);
  std::abort();
}

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first byte of `text`; 0 if there is none.
inline std::uint8_t takeByte(std::string_view& text) {
  if (text.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(text.front());
  text.remove_prefix(1);
  return byte;
}

/// Gives `text` to `consume` in pieces as a network might, by a small generator seeded with `seed`;
/// 0: in one piece.
template <typename Consume>
void inPieces(std::string_view text, std::uint8_t seed, Consume consume) {
  std::uint32_t state = seed;
  while (!text.empty()) {
    state = state * 1664525 + 1013904223;
    const std::size_t wanted = seed == 0 ? text.size() : 1 + (state >> 16) % (1 + seed % 32);
    const std::size_t size = wanted < text.size() ? wanted : text.size();
    consume(text.substr(0, size));
    text.remove_prefix(size);
  }
}

}  // namespace mesos::fuzz
