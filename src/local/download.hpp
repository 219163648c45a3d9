// One file over HTTP, for the fetcher (fact F5). Blocks; for a worker thread.
#pragma once

#include "base/time.hpp"

#include <mesos/result.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mesos::local {

/// The parts of an `http://` or `https://` URL.
struct HttpUrl {
  std::string host;
  std::uint16_t port = 80;
  std::string target = "/";   ///< Path and query; the fragment stays with the client.
  std::string authorization;  ///< Of `user:password@` (fact F14): a value for the header, or empty.
  bool tls = false;           ///< https.

  bool operator==(const HttpUrl&) const = default;
};
/// An error for anything but a well-formed URL of one of the two.
Result<HttpUrl> parseHttpUrl(std::string_view text);
/// What `location` of an answer to `base` means. Credentials go along to the same server only, and
/// nothing leads from https to http.
Result<HttpUrl> resolveLocation(const HttpUrl& base, std::string_view location);

struct DownloadLimits {
  Duration stallTimeout = std::chrono::minutes(1);  ///< Without a byte (fact F13).
  int redirectsMax = 10;
  std::uint64_t bytesMax = std::uint64_t{16} << 30;
  std::string caFile;  ///< Trusted by https beside the system's authorities; empty: no more.
};

/// Writes the body of the answer 200, after following redirects, to `file`. `cancelled` is asked
/// twenty times a second.
Result<void> download(const HttpUrl& url, int file, const DownloadLimits& limits,
                      const std::function<bool()>& cancelled);

/// What a HEAD, after following redirects, says about the length of the body; nullopt if nothing.
std::optional<std::uint64_t> lengthOf(const HttpUrl& url, const DownloadLimits& limits,
                                      const std::function<bool()>& cancelled);

}  // namespace mesos::local
