// How fast is the framing of streams alone, for pieces as sockets bring them?
#include <cstring>
#include <memory>
#include <random>

#include "bench/bench.hpp"
#include "protocol/record_io.hpp"

namespace {

// Records as long as events are: most are UPDATEs of some hundred bytes.
std::string streamOf(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::size_t> length(100, 900);
  std::string stream;
  stream.reserve(bytes + 1000);
  while (stream.size() < bytes) {
    mesos::protocol::appendRecord(stream, std::string(length(random), 'x'));
  }
  return stream;
}

// Calls `take` with one piece after the other.
template <typename Take>
void inPieces(std::string_view stream, std::size_t piece, Take take) {
  for (std::size_t i = 0; i < stream.size(); i += piece) take(stream.substr(i, piece));
}

std::string nameOf(std::size_t piece) {
  return piece < 1024 ? std::to_string(piece) + " B" : std::to_string(piece / 1024) + " KiB";
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options =
      bench::readOptions(argc, argv, "How fast is RecordIO, for pieces as sockets bring them?");
  const std::size_t bytes = options.quick ? std::size_t{1} << 20 : std::size_t{64} << 20;
  const std::string stream = streamOf(bytes, options.seed);
  const auto copy = std::make_unique<char[]>(stream.size());
  const int times = options.quick ? 1 : 5;

  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{64}, std::size_t{4} << 10, std::size_t{64} << 10}) {
    const double reading = bench::secondsOf(times, [&] {
      mesos::protocol::RecordDecoder decoder;
      inPieces(stream, piece, [&](std::string_view bytesOfPiece) {
        decoder.feed(bytesOfPiece);
        while (auto record = decoder.next()) bench::keep(*record);
      });
      if (decoder.failure()) std::abort();
    });
    const double copying = bench::secondsOf(times, [&] {
      char* to = copy.get();
      inPieces(stream, piece, [&](std::string_view bytesOfPiece) {
        std::memcpy(to, bytesOfPiece.data(), bytesOfPiece.size());
        to += bytesOfPiece.size();
      });
      bench::keep(*copy.get());
    });
    std::optional<bench::Aim> aim;
    if (piece >= 4096) aim = bench::valueAtLeast(1);
    bench::print("recordio", options,
                 {.name = "read, pieces of " + nameOf(piece),
                  .value = static_cast<double>(stream.size()) / reading / 1e9,
                  .unit = "GB/s",
                  .ratio = copying / reading,
                  .peer = "memcpy of the same pieces",
                  .aim = aim});
  }

  const std::string payload(500, 'x');
  const std::size_t records = bytes / payload.size();
  const double writing = bench::secondsOf(times, [&] {
    std::string out;
    for (std::size_t i = 0; i < records; ++i) {
      if (out.size() > std::size_t{64} << 10) out.clear();  // as if it had been sent
      mesos::protocol::appendRecord(out, payload);
    }
    bench::keep(out);
  });
  bench::print("recordio", options,
               {.name = "write, records of 500 B",
                .value = static_cast<double>(records * payload.size()) / writing / 1e9,
                .unit = "GB/s"});
}
