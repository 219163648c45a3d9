// Resources::parse, and the algebra on whatever it accepts.
#include "fuzz.hpp"

#include <mesos/resources.hpp>

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using mesos::Resources;
  using mesos::fuzz::require;
  std::string_view text = mesos::fuzz::textOf(data, size);
  // Two bags, of which the second is taken from the first.
  const std::size_t bar = text.find('|');
  const auto first = Resources::parse(text.substr(0, bar));
  if (!first) return 0;
  require(Resources::validate(first->toProto()).has_value(), "parsed resources are not valid");
  require(Resources(first->toProto()) == *first, "resources change on the wire");
  require(Resources(first->toPreRefinementProto()) == *first,
          "resources change in the format without refinement");
  const auto again = Resources::parse(first->toString());
  require(again && *again == *first, "the text of resources is not theirs");
  require((*first - *first).empty(), "something minus itself is something");

  const auto second = bar == text.npos ? again : Resources::parse(text.substr(bar + 1));
  if (!second) return 0;
  const Resources sum = *first + *second;
  require(sum.contains(*first), "a sum does not contain its summand");
  require(sum == *second + *first, "the order of a sum matters");
  if (first->contains(*second)) {
    require((*first - *second) + *second == *first, "what is taken and given back is not the same");
  }
  if (const auto found = first->find(*second)) {
    require(first->contains(*found), "what was found is not there");
  }
  return 0;
}
