// Resources::parse: `cpus:2;mem(web):512;ports:[31000-32000];zones:{a,b}`.
#include <mesos/resources.hpp>

#include "resources/reservations.hpp"

#include <charconv>
#include <map>

namespace mesos {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

template <typename Number>
bool parseWhole(std::string_view text, Number* number) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && rest == end;
}

/// Calls `each` with every piece between commas, until one fails. Nothing at all is no piece.
template <typename Each>
Result<void> forEachItem(std::string_view list, const Each& each) {
  if (trimmed(list).empty()) return {};
  for (;;) {
    const std::size_t comma = list.find(',');
    if (auto done = each(trimmed(list.substr(0, comma))); !done) return done;
    if (comma == list.npos) return {};
    list.remove_prefix(comma + 1);
  }
}

Result<void> parseScalar(std::string_view text, Resource* resource) {
  double value = 0;
  if (!parseWhole(text, &value)) {
    return Error{quoted(text) + " is neither a number, nor [BEGIN-END,...], nor {ITEM,...}"};
  }
  resource->set_type(v1::Value::SCALAR);
  resource->mutable_scalar()->set_value(value);
  return {};
}

Result<void> parseRanges(std::string_view list, Resource* resource) {
  resource->set_type(v1::Value::RANGES);
  auto* ranges = resource->mutable_ranges();
  return forEachItem(list, [&](std::string_view item) -> Result<void> {
    const std::size_t dash = item.find('-');
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    if (dash == item.npos || !parseWhole(trimmed(item.substr(0, dash)), &begin) ||
        !parseWhole(trimmed(item.substr(dash + 1)), &end)) {
      return Error{quoted(item) + " is not a range BEGIN-END of numbers"};
    }
    auto* range = ranges->add_range();
    range->set_begin(begin);
    range->set_end(end);
    return {};
  });
}

Result<void> parseSet(std::string_view list, Resource* resource) {
  resource->set_type(v1::Value::SET);
  auto* set = resource->mutable_set();
  return forEachItem(list, [&](std::string_view item) -> Result<void> {
    if (item.empty()) return Error{"an item of the set is empty"};
    set->add_item(std::string(item));
    return {};
  });
}

Result<void> parseValue(std::string_view text, Resource* resource) {
  if (text.empty()) return Error{"there is no value after ':'"};
  if (text.front() == '[') {
    if (text.back() != ']') return Error{"the ']' is missing"};
    return parseRanges(text.substr(1, text.size() - 2), resource);
  }
  if (text.front() == '{') {
    if (text.back() != '}') return Error{"the '}' is missing"};
    return parseSet(text.substr(1, text.size() - 2), resource);
  }
  return parseScalar(text, resource);
}

Result<void> parseName(std::string_view text, std::string_view defaultRole, Resource* resource) {
  const std::size_t bracket = text.find('(');
  std::string_view role = defaultRole;
  if (bracket != text.npos) {
    if (text.back() != ')') return Error{"the ')' after the role is missing"};
    role = trimmed(text.substr(bracket + 1, text.size() - bracket - 2));
  }
  if (auto valid = validateRole(role); !valid) return valid;
  resource->set_name(std::string(trimmed(text.substr(0, bracket))));
  if (role == "*") return {};
  auto* reservation = resource->add_reservations();
  reservation->set_type(Resource::ReservationInfo::STATIC);
  reservation->set_role(std::string(role));
  return {};
}

Result<Resource> parseToken(std::string_view token, std::string_view defaultRole) {
  // A role may have a colon in its name.
  const std::size_t bracket = token.find_first_of("(:");
  const std::size_t roleEnd =
      bracket != token.npos && token[bracket] == '(' ? token.find("):", bracket) : bracket;
  const std::size_t colon = roleEnd == token.npos ? roleEnd : token.find(':', roleEnd);
  if (colon == token.npos) return Error{"there is no ':' between name and value"};
  Resource resource;
  if (auto name = parseName(trimmed(token.substr(0, colon)), defaultRole, &resource); !name) {
    return name.error();
  }
  if (auto value = parseValue(trimmed(token.substr(colon + 1)), &resource); !value) {
    return value.error();
  }
  if (auto valid = Resources::validate(resource); !valid) return valid.error();
  return resource;
}

}  // namespace

Result<Resources> Resources::parse(std::string_view text, std::string_view defaultRole) {
  Resources result;
  std::map<std::string, v1::Value::Type, std::less<>> types;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    const std::string_view token = trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    if (token.empty()) continue;
    const auto failure = [&](const std::string& why) {
      const auto column = token.data() - text.data() + 1;
      return Error{"Cannot parse resource " + quoted(token) + " (at character " +
                   std::to_string(column) + "): " + why};
    };
    const Result<Resource> resource = parseToken(token, defaultRole);
    if (!resource) return failure(resource.error().message);
    const auto [known, isNew] = types.emplace(resource->name(), resource->type());
    if (!isNew && known->second != resource->type()) {
      return failure(quoted(resource->name()) + " has another type of value further left");
    }
    result.add(*resource);
  }
  return result;
}

}  // namespace mesos
