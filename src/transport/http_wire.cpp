#include "transport/http_wire.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <utility>

namespace mesos::transport {
namespace {

using protocol::equalsIgnoringCase;
using protocol::Headers;

// Of one line of chunk framing, extensions included, and of all trailers of one body.
constexpr std::size_t kChunkLineBytesMax = 4096;
constexpr std::size_t kTrailerBytesMax = 16 * 1024;
constexpr std::size_t kShortLine = 64;  // A length in hex and its end are ten bytes.

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

constexpr bool isTokenCharacter(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool isToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), isTokenCharacter);
}

// Whether `text` holds no control character; a tab is none here.
constexpr bool isPrintable(char c) {
  return (static_cast<unsigned char>(c) >= 0x20 || c == '\t') && c != 0x7f;
}
bool isPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return isPrintable(c); });
}

// Cuts the first line off `text`; its end is LF or CRLF.
std::string_view cutLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// Calls `visit` with each element of a comma-separated header value.
template <typename Visit>
void forEachElement(std::string_view value, Visit visit) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    visit(trim(value.substr(0, comma)));
    value.remove_prefix(comma == value.npos ? value.size() : comma + 1);
  }
}

bool parseHeaders(std::string_view text, bool keepTrailingBlanks, Headers& headers) {
  while (!text.empty()) {
    const std::string_view line = cutLine(text);
    if (line.empty()) return true;
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return false;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    // A name that is no token covers folded lines and blanks before the colon, too.
    if (!isToken(name) || !isPrintable(value)) return false;
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    headers.add(std::string(name), std::string(keepTrailingBlanks ? value : trim(value)));
  }
  return true;
}

bool hasElement(const Headers& headers, std::string_view name, std::string_view element) {
  bool found = false;
  for (const auto& [key, value] : headers) {
    if (!equalsIgnoringCase(key, name)) continue;
    forEachElement(value, [&](std::string_view e) { found |= equalsIgnoringCase(e, element); });
  }
  return found;
}

// The framing that the headers name; nullopt: none is named. `valid` is false for what two readers
// could read differently.
std::optional<BodyFraming> framingOf(const Headers& headers, bool& valid) {
  std::optional<BodyFraming> framing;
  valid = true;
  for (const auto& [name, value] : headers) {
    if (equalsIgnoringCase(name, "Transfer-Encoding")) {
      if (framing || !equalsIgnoringCase(trim(value), "chunked")) valid = false;
      framing = BodyFraming{.kind = BodyFraming::Kind::Chunked};
    } else if (equalsIgnoringCase(name, "Content-Length")) {
      const std::string_view digits = trim(value);
      std::uint64_t length = 0;
      const char* const end = digits.data() + digits.size();
      const auto [rest, error] = std::from_chars(digits.data(), end, length);
      if (digits.empty() || error != std::errc() || rest != end) valid = false;
      if (framing && (framing->kind != BodyFraming::Kind::Length || framing->length != length)) {
        valid = false;
      }
      framing = BodyFraming{.kind = BodyFraming::Kind::Length, .length = length};
    }
  }
  return framing;
}

// HTTP/1.1 keeps the connection unless told otherwise, HTTP/1.0 only if told so (fact T1).
bool keepsAlive(const Headers& headers, bool http10) {
  if (http10) return hasElement(headers, "Connection", "keep-alive");
  return !hasElement(headers, "Connection", "close");
}

bool isTarget(std::string_view target) {
  if (target.empty() || !isPrintable(target) || target.find('\t') != target.npos) return false;
  return target.front() == '/' || target == "*" || target.substr(0, 7) == "http://" ||
         target.substr(0, 8) == "https://";
}

bool isMethod(std::string_view method) {
  return !method.empty() && std::all_of(method.begin(), method.end(),
                                        [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
}

}  // namespace

HeadReader::State HeadReader::take(std::string_view& bytes) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::size_t count = newline == bytes.npos ? bytes.size() : newline + 1;
    if (count > bytesMax_ - text_.size()) return State::TooLarge;
    text_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    if (newline == bytes.npos) break;
    const std::string_view line = std::string_view(text_).substr(lineStart_);
    const bool blank = line == "\r\n" || line == "\n";
    if (blank && lineStart_ == 0) {
      text_.clear();  // Blank lines before a message are skipped (RFC 9112, 2.2).
      continue;
    }
    lineStart_ = text_.size();
    if (blank) return State::Complete;
  }
  return State::Partial;
}

void HeadReader::reset() {
  text_.clear();
  lineStart_ = 0;
}

std::optional<RequestHead> parseRequestHead(std::string_view text) {
  const std::string_view line = cutLine(text);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return std::nullopt;
  const std::string_view version = line.substr(last + 1);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  RequestHead head;
  head.http10 = version == "HTTP/1.0";
  if (!head.http10 && version != "HTTP/1.1") return std::nullopt;
  head.method = line.substr(0, first);
  head.target = target;
  if (!isMethod(head.method) || !isTarget(target) || target.find(' ') != target.npos) {
    return std::nullopt;
  }
  if (!parseHeaders(text, true, head.headers)) return std::nullopt;
  head.keepAlive = keepsAlive(head.headers, head.http10);
  bool valid = true;
  // Without either header a request has no body (fact T5).
  head.body = framingOf(head.headers, valid).value_or(BodyFraming{});
  if (!valid) return std::nullopt;
  return head;
}

std::optional<ParsedResponseHead> parseResponseHead(std::string_view text, bool isHead) {
  const std::string_view line = cutLine(text);
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr std::size_t kStatusAt = kVersion.size() + 2;  // "HTTP/1.1 "
  if (line.size() < kStatusAt + 3 || line.substr(0, kVersion.size()) != kVersion) {
    return std::nullopt;
  }
  ParsedResponseHead parsed;
  const char* const digits = line.data() + kStatusAt;
  const auto [rest, error] = std::from_chars(digits, digits + 3, parsed.head.status);
  if (error != std::errc() || rest != digits + 3 || parsed.head.status < 100) return std::nullopt;
  if (line.size() > kStatusAt + 3 && line[kStatusAt + 3] != ' ') return std::nullopt;
  if (line[kStatusAt - 1] != ' ') return std::nullopt;
  if (!parseHeaders(text, false, parsed.head.headers)) return std::nullopt;
  parsed.keepAlive = keepsAlive(parsed.head.headers, line[kVersion.size()] == '0');
  bool valid = true;
  const auto framing = framingOf(parsed.head.headers, valid);
  if (!valid) return std::nullopt;
  const int status = parsed.head.status;
  if (isHead || status < 200 || status == 204 || status == 304) {
    parsed.body = BodyFraming{};
  } else {
    parsed.body = framing.value_or(BodyFraming{.kind = BodyFraming::Kind::UntilClose});
  }
  return parsed;
}

namespace {

// What a character may be part of, in one look: a request's head is read at a byte or two a
// nanosecond, not at ten.
enum CharacterClass : unsigned char { kToken = 1, kValue = 2, kTarget = 4 };
constexpr std::array<unsigned char, 256> kClasses = [] {
  std::array<unsigned char, 256> classes{};
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    unsigned char& of = classes[static_cast<std::size_t>(i)];
    if (isTokenCharacter(c)) of |= kToken;
    if (isPrintable(c)) of |= kValue;
    if (isPrintable(c) && c != ' ' && c != '\t') of |= kTarget;
  }
  return classes;
}();

// Cuts off what is of `wanted`.
std::string_view cutWhile(std::string_view& text, CharacterClass wanted) {
  std::size_t size = 0;
  while (size < text.size() && (kClasses[static_cast<unsigned char>(text[size])] & wanted)) ++size;
  const std::string_view front = text.substr(0, size);
  text.remove_prefix(size);
  return front;
}

bool cut(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

// Whether a header says nothing about bodies.
bool isHarmless(std::string_view name) {
  constexpr std::array<std::string_view, 4> kOthers{"Content-Length", "Transfer-Encoding",
                                                    "Content-Encoding", "Upgrade"};
  return std::none_of(kOthers.begin(), kOthers.end(),
                      [&](std::string_view other) { return equalsIgnoringCase(name, other); });
}

}  // namespace

std::optional<PlainRequest> readPlainRequest(std::string_view bytes) {
  const std::size_t whole = bytes.size();
  PlainRequest request;
  request.method = cutWhile(bytes, kToken);
  if (!isMethod(request.method) || !cut(bytes, " ") || !bytes.starts_with('/')) return std::nullopt;
  request.target = cutWhile(bytes, kTarget);
  if (!cut(bytes, " HTTP/1.1\r\n")) return std::nullopt;
  while (!cut(bytes, "\r\n")) {
    const std::string_view name = cutWhile(bytes, kToken);
    if (name.empty() || !cut(bytes, ":")) return std::nullopt;
    const std::string_view value = cutWhile(bytes, kValue);
    if (!cut(bytes, "\r\n")) return std::nullopt;
    if (equalsIgnoringCase(name, "Connection")) {
      forEachElement(value, [&](std::string_view element) {
        if (equalsIgnoringCase(element, "close")) request.keepAlive = false;
      });
    } else if (!isHarmless(name)) {
      return std::nullopt;
    }
  }
  request.size = whole - bytes.size();
  return request;
}

BodyDecoder::BodyDecoder(BodyFraming framing) : state_(State::Done), remaining_(framing.length) {
  switch (framing.kind) {
    case BodyFraming::Kind::Length:
      state_ = remaining_ == 0 ? State::Done : State::Data;
      break;
    case BodyFraming::Kind::Chunked:
      state_ = State::ChunkSize;
      break;
    case BodyFraming::Kind::UntilClose:
      state_ = State::UntilClose;
      break;
  }
}

std::string_view BodyDecoder::take(std::string_view& bytes) {
  while (!bytes.empty() && !done() && !broken()) {
    if (state_ == State::UntilClose) return std::exchange(bytes, {});
    if (state_ == State::Data || state_ == State::ChunkData) {
      const auto count =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
      const std::string_view piece = bytes.substr(0, count);
      bytes.remove_prefix(count);
      remaining_ -= count;
      if (remaining_ == 0) state_ = state_ == State::Data ? State::Done : State::ChunkEnd;
      return piece;
    }
    // The usual line is whole in `bytes`, and is read where it lies.
    const std::size_t newline = line_.empty() ? bytes.substr(0, kShortLine).find('\n') : bytes.npos;
    if (newline != bytes.npos) {
      std::string_view line = bytes.substr(0, newline);
      bytes.remove_prefix(newline + 1);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      onLine(line);
    } else if (takeLine(bytes)) {
      onLine(line_);
      line_.clear();
    }
  }
  return {};
}

// Whether `line_` now holds a whole line, its end removed.
bool BodyDecoder::takeLine(std::string_view& bytes) {
  const std::size_t newline = bytes.find('\n');
  const std::size_t count = newline == bytes.npos ? bytes.size() : newline + 1;
  if (line_.size() + count > kChunkLineBytesMax) {
    state_ = State::Broken;
    return false;
  }
  line_.append(bytes.substr(0, count));
  bytes.remove_prefix(count);
  if (newline == bytes.npos) return false;
  line_.pop_back();
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  return true;
}

void BodyDecoder::onLine(std::string_view line) {
  if (state_ == State::ChunkEnd) {
    state_ = line.empty() ? State::ChunkSize : State::Broken;
  } else if (state_ == State::Trailer) {
    trailerBytes_ += line.size();
    if (line.empty()) state_ = State::Done;
    if (trailerBytes_ > kTrailerBytesMax) state_ = State::Broken;
  } else {
    const std::string_view digits = trim(line.substr(0, line.find(';')));
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, remaining_, 16);
    if (digits.empty() || error != std::errc() || rest != end) {
      state_ = State::Broken;
    } else {
      state_ = remaining_ == 0 ? State::Trailer : State::ChunkData;
    }
  }
}

bool acceptsGzip(const std::string* acceptEncoding) {
  if (!acceptEncoding) return false;
  std::optional<bool> named;
  std::optional<bool> any;
  forEachElement(*acceptEncoding, [&](std::string_view element) {
    const std::size_t semicolon = element.find(';');
    const std::string_view coding = trim(element.substr(0, semicolon));
    bool admitted = true;
    if (semicolon != element.npos) {
      const std::string_view quality = trim(element.substr(semicolon + 1));
      admitted =
          quality.substr(0, 2) != "q=" || quality.substr(2).find_first_not_of("0.") != quality.npos;
    }
    if (equalsIgnoringCase(coding, "gzip")) named = admitted;
    if (coding == "*") any = admitted;
  });
  return named.value_or(any.value_or(false));
}

std::string httpDate(std::chrono::sys_time<Duration> when) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(when - day));
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
      kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
      kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(length));
}

void appendHeader(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  // A line end inside a value (of a file's name, say) would begin a header of its own.
  std::copy_if(value.begin(), value.end(), std::back_inserter(out),
               [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
  out.append("\r\n");
}

void appendResponseHead(std::string& out, int status, const Headers& headers) {
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  out.append(protocol::reasonOf(status)).append("\r\n");
  for (const auto& [name, value] : headers) appendHeader(out, name, value);
}

std::string wholeAnswer(const protocol::Response& response, bool keepAlive, std::string_view date) {
  std::string out;
  appendResponseHead(out, response.status, response.headers);
  appendHeader(out, "Date", date);
  if (!keepAlive) appendHeader(out, "Connection", "close");
  appendHeader(out, "Content-Length", std::to_string(response.body.size()));
  return out.append("\r\n").append(response.body);
}

std::string requestHeadStart(const protocol::Request& request, const protocol::Address& host) {
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\n";
  if (!request.headers.has("Host")) {
    const bool isIpv6 = host.host.find(':') != host.host.npos;
    const std::string name = isIpv6 ? "[" + host.host + "]" : host.host;
    appendHeader(out, "Host", name + ":" + std::to_string(host.port));
  }
  for (const auto& [name, value] : request.headers) appendHeader(out, name, value);
  return out;
}

void appendRequestHeadEnd(std::string& out, const protocol::Request& request) {
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    std::array<char, 20> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), request.body.size()).ptr;
    out.append("Content-Length: ").append(digits.data(), end).append("\r\n");
  }
  out += "\r\n";
}

std::string requestHeadText(const protocol::Request& request, const protocol::Address& host) {
  std::string out = requestHeadStart(request, host);
  appendRequestHeadEnd(out, request);
  return out;
}

std::string chunkHead(std::size_t size) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  return std::string(digits.data(), end) + "\r\n";
}

}  // namespace mesos::transport
