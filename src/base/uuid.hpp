// RFC 4122 UUIDs, as text and as the 16 raw bytes that statuses carry (fact J13).
#pragma once

#include "base/random.hpp"

#include <string>
#include <string_view>

namespace mesos {

/// A version 4 UUID: 16 raw bytes.
std::string randomUuid(Random& random);
/// 36 characters, lower case.
std::string uuidText(std::string_view bytes);
inline std::string randomUuidText(Random& random) { return uuidText(randomUuid(random)); }
/// What Mesos accepts in `uuid`: 16 bytes whose version nibble is 1-5; the variant is not looked at
/// (fact Q21).
bool isUuid(std::string_view bytes);

}  // namespace mesos
