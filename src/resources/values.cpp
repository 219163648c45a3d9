#include "resources/values.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace mesos {
namespace {

constexpr std::int64_t kThousandthsMax = 9'000'000'000'000'000'000;

std::int64_t thousandthsOf(const Resource& resource) {
  return toThousandths(resource.scalar().value());
}

void setThousandths(Resource* resource, std::int64_t thousandths) {
  resource->mutable_scalar()->set_value(fromThousandths(thousandths));
}

void setIntervals(Resource* resource, const Intervals& intervals) {
  auto* ranges = resource->mutable_ranges();
  ranges->clear_range();
  for (const auto& [begin, end] : intervals) {
    auto* range = ranges->add_range();
    range->set_begin(begin);
    range->set_end(end);
  }
}

Intervals intersection(const Intervals& a, const Intervals& b) {
  Intervals common;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    const std::uint64_t begin = std::max(i->first, j->first);
    const std::uint64_t end = std::min(i->second, j->second);
    if (begin <= end) common.emplace_back(begin, end);
    if (i->second < j->second) {
      ++i;
    } else {
      ++j;
    }
  }
  return common;
}

Intervals difference(const Intervals& a, const Intervals& b) {
  Intervals left;
  auto hole = b.begin();
  for (auto [begin, end] : a) {
    while (hole != b.end() && hole->second < begin) ++hole;
    bool consumed = false;
    // A hole that reaches beyond this interval is looked at again with the next one.
    for (auto i = hole; i != b.end() && i->first <= end && !consumed; ++i) {
      if (i->first > begin) left.emplace_back(begin, i->first - 1);
      consumed = i->second >= end;
      if (!consumed) begin = i->second + 1;
    }
    if (!consumed) left.emplace_back(begin, end);
  }
  return left;
}

using Items = std::vector<std::string>;

Items itemsOf(const Resource& resource) {
  Items items(resource.set().item().begin(), resource.set().item().end());
  std::sort(items.begin(), items.end());
  return items;
}

void setItems(Resource* resource, const Items& items) {
  resource->mutable_set()->mutable_item()->Assign(items.begin(), items.end());
}

std::string scalarToString(double value) {
  if (!isCountable(value)) return std::to_string(value);
  const std::int64_t thousandths = toThousandths(value);
  // What rounds to zero without being it is malformed; shown as 0 nobody would see why.
  if (thousandths == 0 && value != 0) return std::to_string(value);
  const std::int64_t magnitude = std::abs(thousandths);
  std::string text = (thousandths < 0 ? "-" : "") + std::to_string(magnitude / 1000);
  if (magnitude % 1000 != 0) {
    text += '.' + std::to_string(1000 + magnitude % 1000).substr(1);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text;
}

}  // namespace

bool isCountable(double value) {
  return std::abs(value) * 1000 <= static_cast<double>(kThousandthsMax);
}

std::int64_t sumOf(std::int64_t thousandths, std::int64_t others) {
  std::int64_t sum = 0;
  // Nobody has that much; what counts is that it does not turn negative.
  const bool overflow = __builtin_add_overflow(thousandths, others, &sum);
  return overflow ? kThousandthsMax : std::min(sum, kThousandthsMax);
}

std::int64_t toThousandths(double value) {
  MESOS_CHECK(isCountable(value));
  return std::llround(value * 1000);
}

double fromThousandths(std::int64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

Intervals merged(Intervals intervals) {
  std::sort(intervals.begin(), intervals.end());
  Intervals result;
  for (const auto& [begin, end] : intervals) {
    if (!result.empty() && (begin <= result.back().second || begin - 1 == result.back().second)) {
      result.back().second = std::max(result.back().second, end);
    } else {
      result.emplace_back(begin, end);
    }
  }
  return result;
}

Intervals toIntervals(const v1::Value::Ranges& ranges) {
  Intervals intervals;
  intervals.reserve(static_cast<std::size_t>(ranges.range_size()));
  for (const auto& range : ranges.range()) intervals.emplace_back(range.begin(), range.end());
  return merged(std::move(intervals));
}

bool isZero(const Resource& resource) {
  switch (resource.type()) {
    case v1::Value::SCALAR:
      return thousandthsOf(resource) == 0;
    case v1::Value::RANGES:
      return resource.ranges().range().empty();
    default:
      return resource.set().item().empty();
  }
}

void normalize(Resource* resource) {
  switch (resource->type()) {
    case v1::Value::SCALAR:
      return setThousandths(resource, thousandthsOf(*resource));
    case v1::Value::RANGES:
      return setIntervals(resource, toIntervals(resource->ranges()));
    default:
      return setItems(resource, itemsOf(*resource));
  }
}

void addValue(Resource* to, const Resource& other) {
  if (to->type() == v1::Value::SCALAR) {
    return setThousandths(to, sumOf(thousandthsOf(*to), thousandthsOf(other)));
  }
  if (to->type() == v1::Value::RANGES) {
    to->mutable_ranges()->mutable_range()->MergeFrom(other.ranges().range());
    return normalize(to);
  }
  const Items a = itemsOf(*to);
  const Items b = itemsOf(other);
  Items sum;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(sum));
  setItems(to, sum);
}

void subtractValue(Resource* from, const Resource& other) {
  if (from->type() == v1::Value::SCALAR) {
    const std::int64_t rest = thousandthsOf(*from) - thousandthsOf(other);
    return setThousandths(from, std::max<std::int64_t>(rest, 0));
  }
  if (from->type() == v1::Value::RANGES) {
    return setIntervals(from, difference(toIntervals(from->ranges()), toIntervals(other.ranges())));
  }
  const Items a = itemsOf(*from);
  const Items b = itemsOf(other);
  Items rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  setItems(from, rest);
}

bool containsValue(const Resource& resource, const Resource& other) {
  if (resource.type() == v1::Value::SCALAR) return thousandthsOf(other) <= thousandthsOf(resource);
  Resource missing = other;
  subtractValue(&missing, resource);
  return isZero(missing);
}

void intersectValue(Resource* resource, const Resource& other) {
  if (resource->type() == v1::Value::SCALAR) {
    return setThousandths(resource, std::min(thousandthsOf(*resource), thousandthsOf(other)));
  }
  if (resource->type() == v1::Value::RANGES) {
    return setIntervals(resource,
                        intersection(toIntervals(resource->ranges()), toIntervals(other.ranges())));
  }
  const Items a = itemsOf(*resource);
  const Items b = itemsOf(other);
  Items common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  setItems(resource, common);
}

std::string valueToString(const Resource& resource) {
  if (resource.type() == v1::Value::SCALAR) return scalarToString(resource.scalar().value());
  std::string text;
  for (const auto& range : resource.ranges().range()) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.begin()) + '-' + std::to_string(range.end());
  }
  if (resource.type() == v1::Value::RANGES) return '[' + text + ']';
  for (const auto& item : resource.set().item()) {
    if (!text.empty()) text += ", ";
    text += item;
  }
  return '{' + text + '}';
}

}  // namespace mesos
