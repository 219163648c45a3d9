#include "cluster/token.hpp"

#include "base/base64.hpp"
#include "cluster/secrets.hpp"
#include "protocol/json.hpp"

#include <rapidjson/document.h>

namespace mesos::cluster {
namespace {

constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";
// Far above any token of ours; what is longer is not worth looking at.
constexpr std::size_t kTokenBytesMax = 16 * 1024;

// The alphabet that is safe in URLs, without padding (RFC 7515, section 2).
std::string encodeUrl(std::string_view bytes) {
  std::string text = encodeBase64(bytes);
  text.erase(text.find_last_not_of('=') + 1);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::optional<std::string> decodeUrl(std::string_view text) {
  if (text.find_first_of("+/= \t\r\n\v\f") != text.npos) return std::nullopt;
  std::string standard(text);
  for (char& c : standard) c = c == '-' ? '+' : c == '_' ? '/' : c;
  return decodeBase64(standard);
}

bool parse(const std::optional<std::string>& json, rapidjson::Document* document) {
  if (!json) return false;
  document->Parse<rapidjson::kParseIterativeFlag>(json->data(), json->size());
  return !document->HasParseError() && document->IsObject();
}

std::string textOf(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

bool isHs256(const rapidjson::Document& header) {
  const auto algorithm = header.FindMember("alg");
  if (algorithm == header.MemberEnd() || !algorithm->value.IsString()) return false;
  return textOf(algorithm->value) == "HS256";
}

}  // namespace

std::string makeToken(const Claims& claims, std::string_view key) {
  protocol::JsonWriter payload;
  payload.beginObject();
  for (const auto& [name, value] : claims) payload.key(name).string(value);
  payload.endObject();
  const std::string signedPart = encodeUrl(kHeader) + "." + encodeUrl(payload.take());
  return signedPart + "." + encodeUrl(hmacSha256(key, signedPart));
}

std::optional<Claims> readToken(std::string_view token, std::string_view key) {
  if (token.size() > kTokenBytesMax) return std::nullopt;
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  // The signature first: nothing of a stranger's is parsed.
  const auto signature = decodeUrl(token.substr(second + 1));
  if (!signature || !equalSecrets(hmacSha256(key, token.substr(0, second)), *signature)) {
    return std::nullopt;
  }
  rapidjson::Document header;
  if (!parse(decodeUrl(token.substr(0, first)), &header) || !isHs256(header)) return std::nullopt;
  rapidjson::Document payload;
  if (!parse(decodeUrl(token.substr(first + 1, second - first - 1)), &payload)) {
    return std::nullopt;
  }
  Claims claims;
  for (const auto& member : payload.GetObject()) {
    if (member.value.IsString()) claims[textOf(member.name)] = textOf(member.value);
  }
  return claims;
}

}  // namespace mesos::cluster
