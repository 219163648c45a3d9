// HTTP messages as plain data: what pure code makes and reads; the transport puts them on the wire.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mesos::protocol {

/// In order of appearance; names compare without case. A copy shares what it holds until one of the
/// two is changed: the requests of a session have the same headers, thousands a second.
class Headers {
 public:
  using Entries = std::vector<std::pair<std::string, std::string>>;

  Headers() = default;
  Headers(std::initializer_list<Entries::value_type> entries)
      : entries_(std::make_shared<Entries>(entries)) {}

  /// The first value of `name`; nullptr if absent.
  const std::string* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  void add(std::string name, std::string value);
  /// Replaces every value of `name`.
  void set(std::string name, std::string value);
  Entries::const_iterator begin() const { return entries().begin(); }
  Entries::const_iterator end() const { return entries().end(); }
  bool empty() const { return entries().empty(); }
  /// Whether one is an unchanged copy of the other. Equal headers made apart are not.
  bool sharesWith(const Headers& other) const { return entries_ && entries_ == other.entries_; }

 private:
  const Entries& entries() const;
  Entries& own();

  std::shared_ptr<Entries> entries_;  // nullptr: there are none.
};

/// Content-Length, Host and Connection are the transport's business.
struct Request {
  std::string method = "GET";
  std::string target = "/";  ///< Path and query, as sent.
  Headers headers;
  std::string body;
};

/// Date, Content-Length, Transfer-Encoding and Content-Encoding are the transport's business.
struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

struct ResponseHead {
  int status = 200;
  Headers headers;
};

/// "Not Found" for 404, …; "Unknown" for a number that has no name.
std::string_view reasonOf(int status);
/// ASCII comparison without case.
bool equalsIgnoringCase(std::string_view a, std::string_view b);

/// A path and its decoded query. The last of a repeated key counts, `+` is a blank (fact T7).
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;

  const std::string* find(std::string_view key) const;
};
/// nullopt: a malformed %XX. Absolute-form targets lose their scheme and host.
std::optional<Target> parseTarget(std::string_view target);
/// nullopt: a malformed %XX.
std::optional<std::string> percentDecode(std::string_view text, bool plusIsBlank);

/// A host (name or address) and a port.
struct Address {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;  ///< Whether it is spoken to by https.

  bool operator==(const Address&) const = default;
  std::string toString() const;
};
/// `HOST:PORT`, an IPv6 address in brackets; nullopt for anything else.
std::optional<Address> parseAddress(std::string_view text);

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProtobuf = "application/x-protobuf";

}  // namespace mesos::protocol
