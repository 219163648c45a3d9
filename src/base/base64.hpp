// Standard base64, as HTTP Basic and Mesos' JSON use it (fact J7).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mesos {

/// With padding.
std::string encodeBase64(std::string_view bytes);
/// Ignores white space, tolerates missing padding; nullopt for anything else outside the standard
/// alphabet.
std::optional<std::string> decodeBase64(std::string_view text);

}  // namespace mesos
