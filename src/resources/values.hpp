// What a Resource holds, apart from whose it is: adding, subtracting and comparing values.
#pragma once

#include <mesos/types.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mesos {

/// Scalars are counted in thousandths (fact L21). `value` must pass isCountable.
std::int64_t toThousandths(double value);
double fromThousandths(std::int64_t thousandths);
/// Whether `value` is a number up to 9e15, whose thousandths fit 64 bits with room to spare.
bool isCountable(double value);
/// The sum of two counts, or the greatest there is.
std::int64_t sumOf(std::int64_t thousandths, std::int64_t others);

/// Inclusive ranges, ascending, neither overlapping nor adjacent.
using Intervals = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

/// Sorts `intervals` and joins what overlaps or touches.
Intervals merged(Intervals intervals);
Intervals toIntervals(const v1::Value::Ranges& ranges);

/// The functions below look at the value alone; both resources are of one type and well-formed.
bool isZero(const Resource& resource);
/// Brings equal values into one form: rounded scalars, merged ranges, sorted sets.
void normalize(Resource* resource);
void addValue(Resource* to, const Resource& other);
/// Subtracts what is there.
void subtractValue(Resource* from, const Resource& other);
bool containsValue(const Resource& resource, const Resource& other);
/// Leaves in `resource` what is also in `other`.
void intersectValue(Resource* resource, const Resource& other);

/// `2.5`, `[31000-32000, 33000-33000]` or `{a, b}`.
std::string valueToString(const Resource& resource);

}  // namespace mesos
