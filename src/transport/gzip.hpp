// gzip by zlib. Reached through a pointer, so that a program that wants none links no zlib.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mesos::transport {

struct GzipCodec {
  /// nullopt: `bytes` is no gzip, is cut, or holds more than `bytesMax`.
  std::optional<std::string> (*inflate)(std::string_view bytes, std::size_t bytesMax);
  std::string (*deflate)(std::string_view bytes);
};

const GzipCodec* gzipCodec();

}  // namespace mesos::transport
