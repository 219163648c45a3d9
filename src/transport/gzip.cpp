#include "transport/gzip.hpp"

#include "base/check.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>

namespace mesos::transport {
namespace {

constexpr std::size_t kStepBytes = 64 * 1024;
// zlib's way to say "gzip header and trailer, the largest window".
constexpr int kGzipWindowBits = 16 + MAX_WBITS;

Bytef* zlibBytes(std::string_view bytes) {
  // zlib's interface is not const-correct; it only reads here.
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

/// Gives `stream` all of `in` (in steps that fit its 32-bit counters) and collects what comes out.
/// Returns zlib's last word.
template <typename Step>
int transform(z_stream& stream, std::string_view in, std::size_t outMax, std::string& out,
              Step step) {
  int code = Z_OK;
  while (code == Z_OK || code == Z_BUF_ERROR) {
    if (stream.avail_in == 0 && !in.empty()) {
      const std::size_t count = std::min<std::size_t>(in.size(), std::numeric_limits<int>::max());
      stream.next_in = zlibBytes(in);
      stream.avail_in = static_cast<uInt>(count);
      in.remove_prefix(count);
    }
    if (out.size() >= outMax) return Z_MEM_ERROR;
    const std::size_t before = out.size();
    const std::size_t room = std::min(outMax - before, std::max(kStepBytes, before));
    out.resize(before + room);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(room, kStepBytes * 1024));
    const uInt offered = stream.avail_out;
    code = step(in.empty());
    out.resize(before + (offered - stream.avail_out));
    if (code == Z_BUF_ERROR && stream.avail_in == 0 && in.empty()) break;
  }
  return code;
}

std::optional<std::string> inflateGzip(std::string_view bytes, std::size_t bytesMax) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) return std::nullopt;
  std::string out;
  // One byte above the limit, so that a text of exactly the limit can end.
  const int code = transform(stream, bytes, bytesMax + 1, out,
                             [&](bool) { return inflate(&stream, Z_NO_FLUSH); });
  inflateEnd(&stream);
  if (code != Z_STREAM_END || out.size() > bytesMax) return std::nullopt;
  return out;
}

std::string deflateGzip(std::string_view bytes) {
  z_stream stream{};
  const int memoryLevel = 8;  // zlib's default.
  MESOS_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, memoryLevel,
                           Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out;
  const int code =
      transform(stream, bytes, std::numeric_limits<std::size_t>::max(), out,
                [&](bool last) { return deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH); });
  deflateEnd(&stream);
  MESOS_CHECK(code == Z_STREAM_END);
  return out;
}

}  // namespace

const GzipCodec* gzipCodec() {
  static constexpr GzipCodec codec{inflateGzip, deflateGzip};
  return &codec;
}

}  // namespace mesos::transport
