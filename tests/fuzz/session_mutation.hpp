// Changes the text of sessions by what they consist of, which libFuzzer's own mutator does rarely
// by chance: steps, and in them JSON objects, texts and numbers.
#pragma once

#include "base/random.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mesos::fuzz {

/// libFuzzer's mutator, of at most so many bytes.
using MutateBytes = std::string (*)(std::string text, std::size_t bytesMax);

/// A session with one thing changed.
std::string mutateSession(std::string_view text, std::size_t bytesMax, unsigned seed,
                          MutateBytes mutate);
/// A session with steps of another one.
std::string crossSessions(std::string_view text, std::string_view other, std::size_t bytesMax,
                          unsigned seed);

}  // namespace mesos::fuzz
