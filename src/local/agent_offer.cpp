#include "local/agent_offer.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <set>

namespace mesos::local {
namespace {

constexpr std::uint64_t kFirstPort = 31000;
constexpr std::uint64_t kDefaultPorts = 1001;
constexpr std::uint64_t kLastPort = 65535;
constexpr double kMegabyte = 1024.0 * 1024.0;

// All but a reserve, or half of what is small (section 17).
double withoutReserve(double total, double reserve) {
  return std::floor(total < 2 * reserve ? total / 2 : total - reserve);
}

double detectMem() {
  const double pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES));
  const double pageSize = static_cast<double>(::sysconf(_SC_PAGESIZE));
  return withoutReserve(pages * pageSize / kMegabyte, 1024);
}

double detectDisk(const std::string& workDir) {
  struct statvfs status {};
  if (::statvfs(workDir.c_str(), &status) != 0) return 10240;
  const double bytes = static_cast<double>(status.f_blocks) * static_cast<double>(status.f_frsize);
  return withoutReserve(bytes / kMegabyte, 5 * 1024);
}

// As many as Mesos offers, if there is room for that many agents.
std::string defaultPorts(std::size_t agents) {
  const std::uint64_t room = (kLastPort - kFirstPort + 1) / std::max<std::uint64_t>(1, agents);
  const std::uint64_t last = kFirstPort + std::clamp<std::uint64_t>(room, 1, kDefaultPorts) - 1;
  return "ports:[" + std::to_string(kFirstPort) + "-" + std::to_string(last) + "]";
}

Result<Resources> withDefaults(Resources resources, std::size_t agents,
                               const std::string& workDir) {
  std::set<std::string> given;
  for (const Resource& resource : resources) given.insert(resource.name());
  std::string text;
  const auto add = [&](const std::string& name, double value) {
    if (!given.count(name)) text += name + ":" + std::to_string(value) + ";";
  };
  add("cpus", static_cast<double>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN))));
  add("mem", detectMem());
  add("disk", detectDisk(workDir));
  if (!given.count("ports")) text += defaultPorts(agents);
  if (text.empty()) return resources;
  auto detected = Resources::parse(text);
  if (!detected) return detected;
  return resources + *detected;
}

// The distance between the same port of neighbouring agents.
std::uint64_t portStep(const Resources& resources) {
  const auto ports = resources.ports();
  return ports.empty() ? 0 : ports.back().second - ports.front().first + 1;
}

Resources withShiftedPorts(const Resources& resources, std::uint64_t shift) {
  Resources shifted;
  for (Resource resource : resources) {
    if (resource.name() == "ports") {
      for (auto& range : *resource.mutable_ranges()->mutable_range()) {
        range.set_begin(range.begin() + shift);
        range.set_end(range.end() + shift);
      }
    }
    shifted += Resources(resource);
  }
  return shifted;
}

std::string scalarText(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.3f", value);
  std::string trimmed = text;
  trimmed.erase(trimmed.find_last_not_of('0') + 1);
  if (trimmed.back() == '.') trimmed.pop_back();
  return trimmed;
}

std::string rangesText(const Resources& resources, const std::string& name) {
  std::string text;
  for (const auto& [first, last] : resources.ranges(name)) {
    text += (text.empty() ? "" : ",") + std::to_string(first) + "-" + std::to_string(last);
  }
  return text;
}

template <typename Number>
bool readNumber(std::string_view text, Number* number) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && rest == text.data() + text.size();
}

bool readRanges(std::string_view text, v1::Value::Ranges* ranges) {
  while (!text.empty()) {
    const std::string_view range = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), range.size() + 1));
    const std::size_t dash = range.find('-');
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    if (dash == range.npos || !readNumber(range.substr(0, dash), &first) ||
        !readNumber(range.substr(dash + 1), &last) || first > last) {
      return false;
    }
    ranges->add_range()->set_begin(first);
    ranges->mutable_range(ranges->range_size() - 1)->set_end(last);
  }
  return ranges->range_size() > 0;
}

Result<Attribute> parseAttribute(std::string_view text) {
  const Error bad{"Bad attribute '" + std::string(text) +
                  "': expected NAME:VALUE with a number, a text, or ranges such as [1-3]"};
  const std::size_t colon = text.find(':');
  if (colon == text.npos || colon == 0 || colon + 1 == text.size()) return bad;
  const std::string_view value = text.substr(colon + 1);
  Attribute attribute;
  attribute.set_name(std::string(text.substr(0, colon)));
  double number = 0;
  if (value.front() == '{') return bad;  // Mesos' agent does not start with a set (fact W11).
  if (value.front() == '[') {
    if (value.back() != ']') return bad;
    attribute.set_type(v1::Value::RANGES);
    if (!readRanges(value.substr(1, value.size() - 2), attribute.mutable_ranges())) return bad;
  } else if (readNumber(value, &number) && std::isfinite(number)) {
    attribute.set_type(v1::Value::SCALAR);
    attribute.mutable_scalar()->set_value(number);
  } else {
    attribute.set_type(v1::Value::TEXT);
    attribute.mutable_text()->set_value(std::string(value));
  }
  return attribute;
}

}  // namespace

Result<std::vector<Resources>> agentResources(std::string_view text, std::size_t agents,
                                              const std::string& workDir) {
  Resources given;
  if (!text.empty()) {
    auto parsed = Resources::parse(text);
    if (!parsed) {
      return Error{"Bad resources '" + std::string(text) + "': " + parsed.error().message};
    }
    given = *parsed;
  }
  auto first = withDefaults(std::move(given), agents, workDir);
  if (!first) return first.error();
  const std::uint64_t step = portStep(*first);
  if (agents > 0 && step > 0 && first->ports().back().second + step * (agents - 1) > kLastPort) {
    return Error{"The ports " + rangesText(*first, "ports") + " do not fit " +
                 std::to_string(agents) + " times below 65536; give fewer in the resources"};
  }
  std::vector<Resources> resources;
  for (std::size_t i = 0; i < agents; ++i) {
    resources.push_back(i == 0 ? *first : withShiftedPorts(*first, step * i));
  }
  return resources;
}

std::string describe(const Resources& resources) {
  std::vector<std::string> names{"cpus", "mem"};
  for (const Resource& resource : resources) {
    const std::string& name = resource.name();
    const bool isKnown = std::find(names.begin(), names.end(), name) != names.end();
    if (!isKnown && name != "disk" && resource.type() != v1::Value::SET) names.push_back(name);
  }
  std::string text;
  for (const std::string& name : names) {
    const std::string ranges = rangesText(resources, name);
    const std::string value = ranges.empty() ? scalarText(resources.scalar(name)) : ranges;
    text += (text.empty() ? "" : ", ") + name + " " + value;
  }
  return text;
}

Result<std::vector<Attribute>> parseAttributes(std::string_view text) {
  std::vector<Attribute> attributes;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find_first_of(";\n"));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.empty()) continue;
    auto attribute = parseAttribute(part);
    if (!attribute) return attribute.error();
    attributes.push_back(std::move(attribute).value());
  }
  return attributes;
}

}  // namespace mesos::local
