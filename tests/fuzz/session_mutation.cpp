#include "session_mutation.hpp"

#include "cluster_session.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace mesos::fuzz {
namespace {

/// A stretch of a text.
struct Span {
  std::size_t at;
  std::size_t size;
};

constexpr auto kWords =
    std::to_array<std::string_view>({"call", "call-protobuf", "executor", "executor-protobuf",
                                     "operator", "operator-agent", "http", "http-agent"});
constexpr auto kEvents = std::to_array<std::string_view>(
    {"exit 0 0", "exit 0 256", "exit 1 9", "close 0", "close 1", "close-agent 0", "close-agent 1",
     "hold", "prepared 0 0", "prepared 0 1", "prepared 1 0", "link", "rejoin", "leave"});
constexpr auto kNames =
    std::to_array<std::string_view>({"@F", "@A", "@O", "@P", "@S", "@U", "@C", "", "*", "r", "e"});
constexpr auto kNumbers = std::to_array<std::string_view>(
    {"0", "-1", "1", "0.001", "0.0001", "0.1", "2", "1e9", "1e308", "-1e308", "31000", "32001",
     "65536", "4294967295", "9223372036854775807", "18446744073709551615", "1000000000"});

/// The mutations of one text.
class Mutation {
 public:
  Mutation(unsigned seed, MutateBytes mutate) : random_(seed), mutate_(mutate) {}

  std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>(random_.below(std::uint64_t{limit}));
  }
  template <typename Choices>
  const auto& choose(const Choices& choices) {
    return choices[below(choices.size())];
  }

  void changeSteps(std::vector<std::string>& steps);
  void changeInside(std::string& step, const std::vector<std::string>& steps, std::size_t bytesMax);

 private:
  static std::vector<Span> texts(std::string_view step);
  static std::vector<Span> numbers(std::string_view step);
  static std::vector<Span> objects(std::string_view step);
  void replace(std::string& step, Span span, std::string_view by) {
    step.replace(span.at, span.size, by);
  }

  Random random_;
  MutateBytes mutate_;
};

/// What stands between two quotes.
std::vector<Span> Mutation::texts(std::string_view step) {
  std::vector<Span> spans;
  std::size_t open = step.find('"');
  while (open != step.npos) {
    const std::size_t close = step.find('"', open + 1);
    if (close == step.npos) break;
    spans.push_back({open + 1, close - open - 1});
    open = step.find('"', close + 1);
  }
  return spans;
}

std::vector<Span> Mutation::numbers(std::string_view step) {
  constexpr std::string_view kDigits = "+-.0123456789eE";
  std::vector<Span> spans;
  std::size_t at = step.find_first_of("0123456789");
  while (at != step.npos) {
    const std::size_t end = std::min(step.find_first_not_of(kDigits, at), step.size());
    spans.push_back({at, end - at});
    at = step.find_first_of("0123456789", end);
  }
  return spans;
}

/// From a brace to its own.
std::vector<Span> Mutation::objects(std::string_view step) {
  std::vector<Span> spans;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i] == '{') open.push_back(i);
    if (step[i] != '}' || open.empty()) continue;
    spans.push_back({open.back(), i + 1 - open.back()});
    open.pop_back();
  }
  return spans;
}

void Mutation::changeSteps(std::vector<std::string>& steps) {
  const std::size_t at = below(steps.size());
  const auto place = [&](std::size_t where) {
    return steps.begin() + static_cast<std::ptrdiff_t>(where);
  };
  switch (below(5)) {
    case 0:
      steps.insert(place(below(steps.size() + 1)), std::string(steps[at]));
      break;
    case 1:
      if (steps.size() > 1) steps.erase(place(at));
      break;
    case 2:
      std::swap(steps[at], steps[below(steps.size())]);
      break;
    case 3:
      steps.insert(place(at), "wait " + std::to_string(std::size_t{1} << below(21)));
      break;
    default:
      steps.insert(place(at), std::string(choose(kEvents)));
  }
}

void Mutation::changeInside(std::string& step, const std::vector<std::string>& steps,
                            std::size_t bytesMax) {
  const std::string& other = choose(steps);
  const auto own = [&](auto find) {
    const std::vector<Span> spans = find(step);
    return spans.empty() ? Span{0, 0} : choose(spans);
  };
  switch (below(9)) {
    case 0:
      return replace(step, own(texts), choose(kNames));
    case 1:
      return replace(step, own(numbers), choose(kNumbers));
    case 2: {
      const Span span = own(texts);
      return replace(step, span, mutate_(step.substr(span.at, span.size), span.size + 8));
    }
    case 3:
    case 4: {  // A text, or a whole object, from elsewhere.
      const auto find = below(2) == 0 ? texts : objects;
      const std::vector<Span> spans = find(other);
      if (spans.empty()) return;
      const Span from = choose(spans);
      return replace(step, own(find), std::string(other, from.at, from.size));
    }
    case 5: {  // A member less: from one comma to the next.
      const std::size_t comma = step.find(',', below(step.size() + 1));
      const std::size_t end = step.find_first_of(",}]", std::min(comma, step.size() - 1) + 1);
      if (comma != step.npos && end != step.npos) step.erase(comma, end - comma);
      return;
    }
    case 6: {  // An element twice.
      const Span span = own(objects);
      if (span.size == 0) return;
      const std::string copy = step.substr(span.at, span.size);
      step.insert(span.at + span.size, "," + copy);
      return;
    }
    case 7:
      return replace(step, {0, std::min(step.find(' '), step.size())}, choose(kWords));
    default:
      step = mutate_(std::move(step), std::max<std::size_t>(bytesMax / 4, 64));
  }
}

std::string joined(const std::vector<std::string>& steps, std::size_t bytesMax) {
  std::string text;
  for (const std::string& step : steps) {
    if (!text.empty()) text += kStepEnd;
    text += step;
  }
  if (text.size() > bytesMax) text.resize(bytesMax);
  return text;
}

}  // namespace

std::vector<std::string> splitSteps(std::string_view text) {
  std::vector<std::string> steps;
  for (;;) {
    const std::size_t end = text.find(kStepEnd);
    steps.emplace_back(text.substr(0, end));
    if (end == text.npos) return steps;
    text.remove_prefix(end + kStepEnd.size());
  }
}

std::string mutateSession(std::string_view text, std::size_t bytesMax, unsigned seed,
                          MutateBytes mutate) {
  Mutation mutation(seed, mutate);
  std::vector<std::string> steps = splitSteps(text);
  if (mutation.below(3) == 0) {
    mutation.changeSteps(steps);
  } else {
    mutation.changeInside(steps[mutation.below(steps.size())], std::vector(steps), bytesMax);
  }
  return joined(steps, bytesMax);
}

std::string crossSessions(std::string_view text, std::string_view other, std::size_t bytesMax,
                          unsigned seed) {
  Random random(seed);
  std::vector<std::string> steps = splitSteps(text);
  const std::vector<std::string> others = splitSteps(other);
  const auto below = [&](std::size_t limit) { return random.below(std::uint64_t{limit}); };
  const std::uint64_t from = below(others.size());
  const std::uint64_t count = 1 + below(others.size() - from);
  const std::uint64_t at = below(steps.size() + 1);
  steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(at),
               others.begin() + static_cast<std::ptrdiff_t>(from),
               others.begin() + static_cast<std::ptrdiff_t>(from + count));
  return joined(steps, bytesMax);
}

}  // namespace mesos::fuzz
